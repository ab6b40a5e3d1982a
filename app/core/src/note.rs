//! What a person should know of a session beside what it shows: no fault, for the session works. Said here once, for the page and the API.

use crate::limits::{NOTE_LINE_CHARS_MAX, NOTE_LINES_MAX};
use crate::name::UnixUser;
pub use crate::outcome::Created;
use serde::{Deserialize, Serialize};

/// Something to know of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// tmux could not use a part of its configuration; tmux's own words.
    ConfigurationErrors(String),
    /// The user's configuration makes a session of this name when tmux starts: that one was opened.
    MadeByConfiguration,
    /// The configuration has `destroy-unattached` on; it is off for this session.
    KeptUnattached,
    /// The configuration has `exit-unattached` on; it is off for this server.
    ServerKeptUnattached,
    /// The session ends when its last terminal is closed (`destroy-unattached`).
    EndsUnattached,
    /// All sessions of the user end when the last terminal is closed (`exit-unattached`).
    ServerEndsUnattached,
    /// The session's command was not found (status 127). Holds the `PATH` that a login of the account has.
    NotFound(String),
}

impl Note {
    /// What tmux complains of in its configuration, as one note: the first lines, without control characters.
    pub fn configuration_errors(complaints: &[String]) -> Option<Self> {
        let plain = |line: &String| line.trim().chars().map(|c| if c.is_control() { '?' } else { c }).take(NOTE_LINE_CHARS_MAX).collect::<String>();
        let lines: Vec<String> = complaints.iter().map(plain).filter(|line| !line.is_empty()).take(NOTE_LINES_MAX).collect();
        (!lines.is_empty()).then(|| Self::ConfigurationErrors(lines.join("; ")))
    }

    /// A few words for a label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::ConfigurationErrors(_) => "a mistake in the tmux configuration",
            Self::MadeByConfiguration => "made by the tmux configuration",
            Self::KeptUnattached => "destroy-unattached is off here",
            Self::ServerKeptUnattached => "exit-unattached is off here",
            Self::EndsUnattached | Self::ServerEndsUnattached => "ends with its last terminal",
            Self::NotFound(_) => "its command was not found",
        }
    }

    /// The note in one or two sentences.
    pub fn sentence(&self, user: &UnixUser) -> String {
        match self {
            Self::ConfigurationErrors(says) => {
                format!("The tmux configuration of {user} has a mistake, and what comes after it may not hold. tmux says: {says}")
            }
            Self::MadeByConfiguration => {
                format!("The tmux configuration of {user} makes a session of this name when tmux starts. That session was opened; no other was made.")
            }
            Self::KeptUnattached => {
                format!("The tmux configuration of {user} ends sessions that no terminal shows (destroy-unattached). That is switched off for this session.")
            }
            Self::ServerKeptUnattached => {
                format!(
                    "The tmux configuration of {user} ends tmux when no terminal is open (exit-unattached). That is switched off until tmux of {user} starts again."
                )
            }
            Self::EndsUnattached => "Closing the last terminal ends this session (destroy-unattached is on).".to_owned(),
            Self::ServerEndsUnattached => format!("Closing the last terminal ends all sessions of {user} (exit-unattached is on)."),
            Self::NotFound(path) => format!("Its command was not found (status 127). A login of {user} has this PATH: {path}"),
        }
    }
}
