//! tmux's verbs: a function a verb, each gives the words after `tmux`. Targets are ids only; nothing here turns a name into a target.
//!
//! A verb that acts on a session compares the session's whole identity inside tmux before it acts (`if-shell -F`), in one call.
//! Success is the word [`DONE`] on standard output: tmux's exit code is 0 for a mismatch too.

mod call;
mod create;
pub mod format;
pub(crate) mod orphan;
mod question;
mod verb;

pub use call::{Call, DONE, MISMATCH};
pub(crate) use create::login_path;
pub use create::{Made, Server, create, made, read_login_path, start};
pub use format::{PaneId, VERSION_MIN};
pub use question::{CHANGED, Closed, LEFT, NoQuestion, Question, SENT, ask, read_question};
pub use verb::{CLEARED, PaneText, attach, clear_alerts, keep_ended, kill, kill_server, leave, read_text, rename, text, version};
