//! Every bound of the product, its unit last in its name. A bound that is not here does not exist.

/// Longest name for a new session, in characters (they are all ASCII).
pub const NEW_NAME_CHARS_MAX: usize = 64;
/// Longest startup command, in bytes. Linux's own limit for one argument is 128 KiB (`MAX_ARG_STRLEN`).
pub const COMMAND_BYTES_MAX: usize = 4096;
/// Longest start directory, in bytes (`PATH_MAX`).
pub const DIRECTORY_BYTES_MAX: usize = 4096;
/// Largest body of a form, in bytes.
pub const FORM_BYTES_MAX: usize = 16 * 1024;

/// How long one user's section of a sweep may take, in seconds, before that user is "not answering".
pub const SECTION_SECONDS_MAX: u64 = 3;
/// How much one user's section may say, in bytes. 1,000 sessions with previews of 64 are about 700 kB.
pub const SECTION_BYTES_MAX: usize = 2 << 20; // 2 MiB
/// How long a whole sweep of one host may take, in seconds.
pub const SWEEP_SECONDS_MAX: u64 = 10;
/// How long an action (create, kill, rename) may take, in seconds.
pub const ACTION_SECONDS_MAX: u64 = 8;
/// How much an action may say, in bytes.
pub const ACTION_BYTES_MAX: usize = 64 * 1024;
/// Between two sweeps of a host that nobody looks at, in seconds.
pub const SWEEP_SECONDS: u64 = 60;
/// Between two sweeps of a host that somebody looks at, in seconds.
pub const WATCHED_SWEEP_SECONDS: u64 = 2;
/// At most one sweep on demand in this time for one host, in seconds.
pub const REFRESH_SECONDS_MIN: u64 = 2;
/// A user that did not answer is asked again at the latest after this time, in seconds.
pub const BACK_OFF_SECONDS_MAX: u64 = 300;
/// The same for a user reached through sudo: each unanswered question leaves a process of root's behind until the server answers.
pub const BACK_OFF_SUDO_SECONDS_MAX: u64 = 3600;
/// How long output is awaited after a process has ended, in milliseconds: a grandchild may hold the pipe open for ever.
pub const AFTERWARDS_MS: u64 = 200;

/// Panes captured in one sweep of one user.
pub const PREVIEWS_MAX: usize = 64;
/// Lines of a preview.
pub const PREVIEW_LINES_MAX: usize = 6;
/// Characters of a preview's line.
pub const PREVIEW_CHARS_MAX: usize = 160;
/// Sessions whose preview is in the HTML of the page; the others' come with the live board.
pub const PREVIEWS_IN_PAGE_MAX: usize = 100;
/// Columns of a free-text field (title, path, command) that tmux is asked for.
pub const FIELD_COLUMNS_MAX: usize = 256;

/// Live terminals of one principal.
pub const ATTACHES_PER_PRINCIPAL: usize = 5;
/// Live terminals in total.
pub const ATTACHES: usize = 30;
/// Life of one terminal connection, in hours.
pub const ATTACH_HOURS: u64 = 6;
/// Output under way to a client before anything is known of it, in bytes.
pub const CREDIT_BYTES_START: u32 = 32 * 1024;
/// Output under way to the slowest client, in bytes: about one screen.
pub const CREDIT_BYTES_MIN: u32 = 8 * 1024;
/// Output under way to a quick client nearby, in bytes: what it would see late after a stall.
pub const CREDIT_BYTES_QUICK: u32 = 112 * 1024;
/// Output under way to a quick client far away, in bytes: 10 MB/s over a round trip of 100 ms.
pub const CREDIT_BYTES_MAX: u32 = 1 << 20; // 1 MiB
/// How old, beyond the round trip, the screen of a slow reader may be, in milliseconds.
pub const QUEUE_MS: u64 = 50;
/// A frame that measures the round trip, in bytes: short, so that its own length does not count.
pub const PROBE_BYTES_MAX: u32 = 2048;
/// Frames under way to one client: one in 4 ms over a round trip of 4 s.
pub const FRAMES_MAX: usize = 1024;
/// In a flood the round trip is measured anew after this time, in seconds: BBR's interval.
pub const ROUND_TRIP_SECONDS: u64 = 10;
/// A client that takes no output for this long, in seconds, is let go. (A hidden tab may be woken once a minute only.)
pub const STALL_SECONDS_MAX: u64 = 300;
/// How long a terminal whose session is gone may take to end by itself, in seconds.
pub const LEAVE_SECONDS_MAX: u64 = 2;
/// What may be queued for one client before it is let go, in bytes. With credit it cannot come to that.
pub const QUEUE_BYTES_MAX: usize = 4 << 20; // 4 MiB
/// What the kernel may hold of that, in bytes (`SO_SNDBUF`; Linux doubles it for its own needs).
pub const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Largest frame a client may send, in bytes: a paste comes in several.
pub const CLIENT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest output frame, in bytes.
pub const OUTPUT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Output in which tmux's word that a session is gone is looked for, in bytes: it says so at once and ends.
pub const EARLY_BYTES_MAX: usize = 512;
/// While output keeps coming, at most one frame in this time, in milliseconds.
pub const OUTPUT_FRAME_MS: u64 = 4;
/// Between two checks of a connection, in seconds: whether its login still holds, whether it is alive.
pub const CHECK_SECONDS: u64 = 5;
/// A connection that was silent for this long at a check is pinged, in seconds; proxies cut silence at 30 to 60.
pub const QUIET_SECONDS: u64 = 4;
/// A connection that was pinged and silent for this long at a check is dead, in seconds: it has had a check's time to answer, and is found
/// out within 15 s.
pub const SILENCE_SECONDS_MAX: u64 = 10;
/// A board's connection that brought no frame for this long is dead to its page, in seconds: longer than the longest sweep.
pub const BOARD_SILENCE_SECONDS_MAX: u64 = 30;
/// Between two pings of a page's terminal, in milliseconds: they measure the round trip that is shown.
pub const PAGE_PING_MS: u32 = 4000;
/// A page's ping that is not answered for this long means that the connection is lost, in milliseconds.
pub const PAGE_SILENCE_MS_MAX: u32 = 9000;
/// The same after the page was asleep or the network changed, in milliseconds: then a dead connection is likely.
pub const PAGE_WAKE_MS_MAX: u32 = 3000;
/// A round trip (or an answer that is due) of this length is shown as slow, in milliseconds.
pub const SLOW_MS: u32 = 500;
/// Time from SIGHUP to SIGKILL for a terminal's process group, in milliseconds.
pub const HANGUP_MS: u64 = 1000;
/// A terminal's largest size, in cells (tmux's own limit for a window is 10,000).
pub const GRID_CELLS_MAX: u16 = 1000;

/// Board connections (pages that follow live) in total.
pub const BOARDS: usize = 64;

/// The buffer of a WebSocket's writer, in bytes: ours are many and mostly idle, tungstenite's own default is sized for bulk.
pub const WRITE_BUFFER_BYTES: usize = 4096;
/// A browser's longest wait between two tries to connect, in milliseconds.
pub const RECONNECT_MS_MAX: u32 = 15_000;

/// The shortest access token that is taken, in characters.
pub const TOKEN_CHARS_MIN: usize = 16;
/// A login's life, in hours.
pub const LOGIN_HOURS: u64 = 24 * 7;
/// Logins kept at once; the oldest gives way.
pub const LOGINS_MAX: usize = 256;
/// Time for a client's first frame, in seconds.
pub const HELLO_SECONDS_MAX: u64 = 10;
/// Typed bytes waiting for a program that does not read, before the client is not read either.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;
/// Time for open connections to hear that the server stops, in seconds.
pub const SHUT_DOWN_SECONDS_MAX: u64 = 3;

const _: () = assert!(ATTACHES_PER_PRINCIPAL <= ATTACHES);
const _: () = assert!(WATCHED_SWEEP_SECONDS < SWEEP_SECONDS);
const _: () = assert!(SECTION_SECONDS_MAX < SWEEP_SECONDS_MAX);
const _: () = assert!(CREDIT_BYTES_MIN <= CREDIT_BYTES_START && CREDIT_BYTES_START <= CREDIT_BYTES_QUICK && CREDIT_BYTES_QUICK <= CREDIT_BYTES_MAX);
const _: () = assert!(CREDIT_BYTES_MAX as usize <= QUEUE_BYTES_MAX && OUTPUT_FRAME_BYTES_MAX <= CREDIT_BYTES_QUICK as usize);
const _: () = assert!(SWEEP_SECONDS_MAX + WATCHED_SWEEP_SECONDS < BOARD_SILENCE_SECONDS_MAX);
const _: () = assert!(QUIET_SECONDS < CHECK_SECONDS && CHECK_SECONDS * 2 <= SILENCE_SECONDS_MAX && SILENCE_SECONDS_MAX + CHECK_SECONDS <= 15);
const _: () = assert!(PAGE_PING_MS + PAGE_SILENCE_MS_MAX < 15_000);
