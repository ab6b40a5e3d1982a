//! The text of a session.

/// Lines of a pane's history that are shown as text.
pub const TEXT_LINES_MAX: u32 = 10_000;
/// The longest text that is read of a pane, in bytes: [`TEXT_LINES_MAX`] lines of 200 columns, four bytes each.
pub const TEXT_BYTES_MAX: usize = 8 << 20; // 8 MiB
/// Texts that one principal reads at one moment.
pub const TEXTS_PER_PRINCIPAL: usize = 2;
/// Texts that are read at one moment: each is held a few times over while it goes from tmux into JSON.
pub const TEXTS: usize = 8;
/// The time for tmux to print a pane's text, in seconds.
pub const TEXT_SECONDS_MAX: u64 = 6;
