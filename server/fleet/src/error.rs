//! Why an action on a host did not happen, and the word for it in the audit.

use muxboard_core::fault::{Fault, FaultKind};
use muxboard_core::snapshot::UserState;
use muxboard_core::upload::Refused;

/// Why an action did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The session is not there any more, or another one is in its place; nothing was touched.
    Gone,
    /// A session of that name exists already.
    NameTaken,
    /// A session of that name is made by the user's own configuration when tmux starts, which it just did; the command was not run.
    MadeByConfiguration,
    /// The start directory does not exist, or may not be entered.
    NoDirectory,
    /// The session was made and ended at once: a shell such as nologin does that.
    EndedAtOnce,
    /// Too many terminals are open.
    CapReached,
    /// Too many things are being done for that user at this moment.
    Busy,
    /// Too many files are on their way.
    UploadsReached,
    /// Too many texts are being read.
    TextsReached,
    /// The principal has made too many sessions lately.
    CreationsReached,
    /// The user's sessions have this many windows, and more would leave the tmux server without open files.
    WindowsReached(usize),
    /// A text is larger than what is read at once.
    TextTooLarge,
    /// The host's own program ended without a word.
    Silent,
    /// The user's own machine did not take a file.
    NotTaken(Refused),
    /// The user cannot be reached.
    User(UserState),
    /// The host cannot be reached.
    Host(Fault),
    /// The host is not configured any more, or no terminal is to be had on this machine, in the words of what failed.
    Here(String),
}

impl Failed {
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
