//! Bounds on what a sweep reads from a user's tmux: previews, fields, notes.

/// Lines of a complaint of tmux that a note shows.
pub const NOTE_LINES_MAX: usize = 5;
/// The longest line of a note, in characters.
pub const NOTE_LINE_CHARS_MAX: usize = 300;
/// The age from which a tmux server without its socket counts as having lost it, in seconds: one that has just started has not made it yet.
pub const ORPHAN_SECONDS_MIN: u64 = 2;
/// Other sessions that are named for a window that several show. A group of a thousand sessions would otherwise name each a thousand times.
pub const WINDOW_LINKS_MAX: usize = 8;
/// The longest file that may publish a socket's path, in bytes; the rest of a longer one is not read.
pub const SOCKET_FILE_BYTES_MAX: usize = 1024;
/// Panes captured in one sweep of one user.
pub const PREVIEWS_MAX: usize = 64;
/// Panes captured in one sweep of one host: its script must fit into one argument (`MAX_ARG_STRLEN`, 128 KiB).
pub const PREVIEWS_HOST_MAX: usize = 96;
/// Lines of a preview.
pub const PREVIEW_LINES_MAX: usize = 6;
/// Characters of a preview's line.
pub const PREVIEW_CHARS_MAX: usize = 160;
/// Sessions whose preview is in the HTML of the page; the others' come with the live board.
pub const PREVIEWS_IN_PAGE_MAX: usize = 100;
/// Columns of a free-text field (title, path, command) that tmux is asked for.
pub const FIELD_COLUMNS_MAX: usize = 256;
/// The longest line of another machine's words that a fault shows, in characters.
pub const FOREIGN_LINE_CHARS_MAX: usize = 300;
/// The longest excerpt of a tool's words that a sentence of ours holds, in characters.
pub const WORDS_CHARS_MAX: usize = 200;
/// The longest name of tmux's prefix key, in characters.
pub const PREFIX_CHARS_MAX: usize = 16;
/// The longest words of a program about its state, in characters; more are cut.
pub const SIGNAL_CHARS_MAX: usize = 200;
/// Panes of one window whose state is read.
pub const SIGNALS_PER_WINDOW_MAX: usize = 32;
/// How far two measurements of a host's clock may lie apart before the later one counts, in seconds. tmux tells times in whole seconds, and an answer takes a
/// moment: without it every time on the page would change by a second at each sweep.
pub const CLOCK_SECONDS_MIN: u64 = 3;
/// The silence after which a screen that looks like a prompt is taken for one, in seconds.
pub const GUESS_SECONDS_MIN: u64 = 3;
