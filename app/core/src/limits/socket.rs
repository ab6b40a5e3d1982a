//! What both WebSockets have in common.

/// The time between two checks of a connection, in seconds: whether its login still holds, whether it is alive.
pub const CHECK_SECONDS: u64 = 5;
/// The silence from which a check pings a connection, in seconds. A client that answers at once is pinged at every second check; proxies cut silence at 30
/// to 60 s.
pub const QUIET_SECONDS: u64 = CHECK_SECONDS;
/// The silence from which a check takes a connection that was pinged for dead, in seconds: it has had the time between two checks to answer, and is
/// found out within 15 s.
pub const SILENCE_SECONDS_MAX: u64 = 10;
/// The longest reason of a WebSocket's close, in bytes (RFC 6455: a control frame has 125, and the code takes two).
pub const CLOSE_REASON_BYTES_MAX: usize = 123;
/// The buffer of a WebSocket's writer, in bytes: ours are many and mostly idle, tungstenite's own default is sized for bulk.
pub const WRITE_BUFFER_BYTES: usize = 4096;
/// A browser's longest wait between two tries to connect, in milliseconds.
pub const RECONNECT_MS_MAX: u32 = 15_000;

const _: () = assert!(QUIET_SECONDS <= CHECK_SECONDS && CHECK_SECONDS * 2 <= SILENCE_SECONDS_MAX && SILENCE_SECONDS_MAX + CHECK_SECONDS <= 15);
