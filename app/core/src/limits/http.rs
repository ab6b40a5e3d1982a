//! Connections and requests.

/// Largest body of a form, in bytes.
pub const FORM_BYTES_MAX: usize = 16 * 1024;
/// Open files that we ask the kernel for: a host over ssh holds about five, a terminal six, and the usual limit is 1024.
pub const DESCRIPTORS: u64 = 16_384;
/// Requests of one source in a second, on average.
pub const REQUESTS_PER_SECOND: u32 = 100;
/// The requests of so many seconds may come from one source at one moment.
pub const REQUESTS_BURST_SECONDS: u32 = 5;
/// Connections at one moment.
pub const CONNECTIONS: usize = 512;
/// The fewest [`CONNECTIONS`] that may be configured: a page takes a handful.
pub const CONNECTIONS_MIN: usize = 8;
/// The most [`CONNECTIONS`] that may be configured: each is a file descriptor.
pub const CONNECTIONS_MAX: usize = 65_536;
/// One address that is no trusted proxy has at most one in so many of all connections: one client cannot fill the board.
pub const CONNECTIONS_OF_ONE_PART: usize = 2;
/// Connections that wait in the kernel until one of [`CONNECTIONS`] ends.
pub const BACKLOG: u32 = 1024;
/// The time for a client's TLS handshake, and then for the head of its first request, in seconds.
pub const HEAD_SECONDS_MAX: u64 = 10;
/// The largest head of a request, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The time from one request on a connection to the head of the next, in seconds. Longer than nginx, Traefik and Caddy keep a connection (60, 90,
/// 120): the proxy closes it, and so does not send a request into a connection that the server just closed.
pub const KEEP_ALIVE_SECONDS_MAX: u64 = 125;
/// The slowest body of a request, in bytes a second, once the time for its head is over; a slower one is given up.
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 1024;
/// The wait after an error of accept (no descriptor is free), in milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 500;
/// The time after which the page of a session that was not looked at yet reloads, in seconds.
pub const ASK_AGAIN_SECONDS: u64 = 2;
/// The time between two log lines about connections that wait or are closed, or requests that are refused, in seconds.
pub const CROWDED_SECONDS: u64 = 60;
/// The longest path of a Unix socket, in bytes: sun_path is 108 with its end.
pub const UNIX_PATH_BYTES_MAX: usize = 107;
/// The largest file of a certificate or its key, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 256 * 1024;
/// The time that a browser which came by https refuses to come by http (`Strict-Transport-Security`), in seconds.
pub const HTTPS_ALONE_SECONDS: u64 = 365 * 24 * 3600;
/// The time between two looks whether the configuration or a file that it names changed, in milliseconds. What two looks find alike is taken.
pub const RELOAD_MS: u64 = 1000;
/// The time for open connections to close when the server stops, in seconds.
pub const SHUT_DOWN_SECONDS_MAX: u64 = 3;

const _: () = assert!(CONNECTIONS_MIN <= CONNECTIONS && CONNECTIONS <= CONNECTIONS_MAX && CONNECTIONS_MIN / CONNECTIONS_OF_ONE_PART > 0);
