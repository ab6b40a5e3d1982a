//! One live terminal, from the pty to the browser.

/// The shortest time between two questions whether a pane shows tmux's own screen, while a paste goes to that pane, in milliseconds.
pub const LEAVE_MS_MIN: u64 = 250;
/// How long a terminal through sudo is kept open for tmux to begin, after its client or muxboard itself is gone, in seconds.
pub const HOLD_SECONDS_MAX: u64 = 10;
/// How often muxboard looks for the pty that sudo puts between a terminal and tmux: 3 s in all. (Seen after 5 to 60 ms, on two busy cores.)
pub const SUDO_PTY_LOOKS: u32 = 7;
/// The wait before the first look for sudo's pty, in milliseconds; it doubles before each of the next.
pub const SUDO_PTY_MS: u64 = 25;
/// The longest answer to a look for sudo's pty, in bytes: sudo has one child.
pub const SUDO_PTY_BYTES_MAX: usize = 4096;
/// The time for tmux to show something on a new terminal, in seconds: a stopped server takes the client and prints nothing. tmux draws within some 20 ms.
pub const ATTACH_SILENCE_SECONDS_MAX: u64 = 5;
/// The shortest time between two fresh terminals that overtake a backlog of output, in seconds.
pub const OVERTAKE_SECONDS_MIN: u64 = 5;
/// Live terminals of one principal.
pub const ATTACHES_PER_PRINCIPAL: usize = 5;
/// Live terminals in total.
pub const ATTACHES: usize = 30;
/// Life of one terminal connection, in hours.
pub const ATTACH_HOURS: u64 = 6;
/// The longest life of one terminal connection that a configuration may ask for, in hours: a year.
pub const ATTACH_HOURS_MAX: f64 = 8760.0;
/// Output under way to a client whose speed is not known yet, in bytes.
pub const CREDIT_BYTES_START: u32 = 32 * 1024;
/// Output under way to the slowest client, in bytes: about one screen.
pub const CREDIT_BYTES_MIN: u32 = 8 * 1024;
/// Output under way to a quick client nearby, in bytes: what such a client would see late after a stall.
pub const CREDIT_BYTES_QUICK: u32 = 112 * 1024;
/// Output under way to a quick client far away, in bytes: 10 MB/s over a round trip of 100 ms.
pub const CREDIT_BYTES_MAX: u32 = 1 << 20; // 1 MiB
/// How old, beyond the round trip, the screen of a slow reader may be, in milliseconds.
pub const QUEUE_MS: u64 = 50;
/// A frame that measures the round trip, in bytes: short, so that its own length does not count.
pub const PROBE_BYTES_MAX: u32 = 2048;
/// Frames under way to one client: one in 4 ms over a round trip of 4 s.
pub const FRAMES_MAX: usize = 1024;
/// Output that a client may have processed without acknowledging it, in bytes: a quarter of the smallest window.
pub const UNACKNOWLEDGED_BYTES_MAX: u32 = 2048;
/// The time for which a client may keep an acknowledgement back, in milliseconds: most pauses between two keys of somebody who types are shorter, so
/// that it travels with the next key.
pub const UNACKNOWLEDGED_MS_MAX: u16 = 250;
/// The time after which the round trip is measured anew during a flood of output, in seconds: BBR's interval.
pub const ROUND_TRIP_SECONDS: u64 = 10;
/// The time without taking output after which a client is disconnected, in seconds. (A hidden tab may be woken once a minute only.)
pub const STALL_SECONDS: u64 = 300;
/// The most that a configuration may set for [`STALL_SECONDS`], in seconds: a day.
pub const STALL_SECONDS_MAX: u64 = 24 * 3600;
/// The time for a terminal whose session is gone to end by itself, in seconds.
pub const LEAVE_SECONDS_MAX: u64 = 2;
/// The output queued for one client above which the client is disconnected, in bytes. Byte credit keeps the queue far below it.
pub const QUEUE_BYTES: usize = 4 << 20; // 4 MiB
/// The most that a configuration may set for [`QUEUE_BYTES`], in bytes.
pub const QUEUE_BYTES_MAX: usize = 64 << 20; // 64 MiB
/// The kernel's share of a client's queue, in bytes (`SO_SNDBUF`; Linux doubles it for its own needs).
pub const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Largest frame a client may send, in bytes: a paste comes in several.
pub const CLIENT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest output frame, in bytes.
pub const OUTPUT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// The first output in which tmux's message that a session is gone is searched, in bytes: tmux prints it at once and ends.
pub const EARLY_BYTES_MAX: usize = 512;
/// The shortest time between two output frames while output keeps coming, in milliseconds.
pub const OUTPUT_FRAME_MS: u64 = 4;
/// The time between two pings of a terminal's page, in milliseconds: they measure the round trip that the page shows.
pub const PAGE_PING_MS: u32 = 4000;
/// The time without an answer to its ping after which a page takes its connection for lost, in milliseconds.
pub const PAGE_SILENCE_MS_MAX: u32 = 9000;
/// The time without an answer to its ping after which a page that slept, or whose network changed, takes its connection for lost, in milliseconds.
pub const PAGE_WAKE_MS_MAX: u32 = 3000;
/// The round trip, or the wait for an answer, from which a page shows its connection as slow, in milliseconds.
pub const SLOW_MS: u32 = 500;
/// The time between SIGHUP and SIGKILL for a terminal's process group, in milliseconds.
pub const HANGUP_MS: u64 = 1000;
/// A terminal's largest size, in cells (tmux's own limit for a window is 10,000).
pub const GRID_CELLS_MAX: u16 = 1000;
/// The time for a client's first frame, in seconds.
pub const HELLO_SECONDS_MAX: u64 = 10;
/// Typed bytes that wait for a program that does not read, in bytes; above it the client's frames are not read either.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;
/// The bytes that Linux returns for one read of a pty.
pub const PTY_READ_BYTES: usize = 4096;
/// The slowest line that a paste is expected to travel on, in bytes a second.
pub const PASTE_BYTES_PER_SECOND: u64 = 16 * 1024;
/// The most bytes of a paste that can be under way: ssh's window.
pub const PASTE_BYTES_UNDER_WAY: u64 = 2 << 20;
/// The time without output, after all that had come was read, from which a terminal counts as drained, in milliseconds.
pub const DRY_MS: u64 = 20;
/// The wait of output from which it counts as a backlog that stands between a key and its answer, in milliseconds.
pub const BEHIND_MS: u64 = 300;
/// The time after which a fresh terminal comes too late to overtake a backlog, in seconds.
pub const OVERTAKE_SECONDS_MAX: u64 = 10;
/// The time without taking output from which a client counts as stalled, in milliseconds.
pub const STALLED_MS: u64 = 1000;

const _: () = assert!(ATTACHES_PER_PRINCIPAL <= ATTACHES);
const _: () = assert!(UNACKNOWLEDGED_BYTES_MAX <= PROBE_BYTES_MAX && UNACKNOWLEDGED_BYTES_MAX * 4 <= CREDIT_BYTES_MIN);
const _: () = assert!((UNACKNOWLEDGED_MS_MAX as u64) < STALLED_MS && UNACKNOWLEDGED_MS_MAX as u64 / OUTPUT_FRAME_MS < FRAMES_MAX as u64);
const _: () = assert!(CREDIT_BYTES_MIN <= CREDIT_BYTES_START && CREDIT_BYTES_START <= CREDIT_BYTES_QUICK && CREDIT_BYTES_QUICK <= CREDIT_BYTES_MAX);
const _: () = assert!(CREDIT_BYTES_MAX as usize <= QUEUE_BYTES && OUTPUT_FRAME_BYTES_MAX <= CREDIT_BYTES_QUICK as usize);
const _: () = assert!(PAGE_PING_MS + PAGE_SILENCE_MS_MAX < 15_000);
