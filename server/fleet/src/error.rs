//! Why an action on a host did not happen, and the word for it in the audit.

use muxboard_core::fault::{Fault, FaultKind};
use muxboard_core::snapshot::UserState;
use muxboard_core::tmux::Closed;
use muxboard_core::upload::Refused;

/// Why an action did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionError {
    /// The session does not exist any more, or another one is in its place; nothing was touched.
    Gone,
    /// A session of that name exists already.
    NameTaken,
    /// The user's own configuration made a session of that name when tmux started just now; the startup command was not run.
    MadeByConfiguration,
    /// The start directory does not exist, or the user may not enter it.
    NoDirectory,
    /// The session was made and ended at once, as with a shell such as nologin.
    EndedAtOnce,
    /// Too many terminals are open.
    CapReached,
    /// Too many actions for the user are under way at this moment.
    Busy,
    /// Too many uploads are under way.
    UploadsReached,
    /// Too many texts are being read.
    TextsReached,
    /// The principal has made too many sessions lately.
    CreationsReached,
    /// The user's sessions have this many windows, and more would leave the tmux server without open files.
    WindowsReached(usize),
    /// The text is longer than [`TEXT_BYTES_MAX`](muxboard_core::limits::TEXT_BYTES_MAX).
    TextTooLarge,
    /// The program on the host ended without an answer.
    Silent,
    /// The answer cannot be read: another process may have written into it.
    Unreadable,
    /// The pane does not show the question any more, or is gone: nothing was sent.
    Changed,
    /// The pane takes no answer: nothing was sent.
    Closed(Closed),
    /// The host did not take a file.
    NotTaken(Refused),
    /// The user's tmux cannot be reached.
    User(UserState),
    /// The host cannot be reached.
    Host(Fault),
    /// The host is not configured any more, or this machine could not open a terminal, in the words of what failed.
    Here(String),
}

impl ActionError {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::NameTaken | Self::MadeByConfiguration => "name taken",
            Self::NoDirectory => "no such directory",
            Self::EndedAtOnce => "ended at once",
            Self::Busy => "busy",
            Self::CapReached | Self::UploadsReached | Self::TextsReached | Self::CreationsReached | Self::WindowsReached(_) => "cap reached",
            Self::TextTooLarge => "too large",
            Self::Silent => "no answer",
            Self::Unreadable => "not readable",
            Self::Changed => "question changed",
            Self::Closed(_) => "takes no answer",
            Self::NotTaken(_) => "not taken",
            // It was asked, and may do it yet.
            Self::Host(Fault { kind: FaultKind::TimedOut, .. })
            | Self::User(UserState::Fault(Fault { kind: FaultKind::NotAnswering | FaultKind::LoadingConfiguration, .. })) => "not known",
            Self::User(_) => "user not reached",
            Self::Host(_) => "host not reached",
            Self::Here(_) => "failed here",
        }
    }
}
