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
/// Rows of a screen that a question shows and that an answer is compared with, up to the last one with text.
pub const QUESTION_ROWS_MAX: usize = 16;
/// The regular expressions of all rows that an answer is compared with, in bytes. A longer last row cannot be answered from the page.
pub const QUESTION_BYTES_MAX: usize = 6 * 1024;
/// The longest line that is an answer, in bytes.
pub const REPLY_BYTES_MAX: usize = 1024;
/// Panes of one host of which it is remembered how often they were answered; others are not answered from here until the server starts again.
pub const TURNS_MAX: usize = 100_000;
/// Choices of one prompt.
pub const CHOICES_MAX: usize = 9;
/// The longest word between brackets that is taken for a choice, in characters; of the words of a numbered choice five times as much is shown.
pub const CHOICE_CHARS_MAX: usize = 16;
/// The time after an answer until its screen is read again, to show what the program did with it, in milliseconds; twice as long for each further look.
pub const REACTION_MS: u64 = 150;
/// Looks at the screen after an answer, while it does not change.
pub const REACTION_LOOKS_MAX: u32 = 3;
