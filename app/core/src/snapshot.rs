//! What a page shows: the last sweep's facts, with their age. Empty, refused and unreachable are three facts here, never one.

use crate::ansi::StyledLine;
use crate::fault::Fault;
use crate::limits::WINDOW_LINKS_MAX;
use crate::name::{BadName, HostKey, SessionName, UnixUser};
use crate::note::Note;
pub use crate::view::{HostView, UserView, View};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Seconds since the Unix epoch.
pub type UnixSeconds = u64;

/// What makes a session this very session. Names can be used again and ids start anew with the server; all four facts together cannot.
/// Written `NUMBER-CREATED-PID-START` in URLs and forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// tmux's own id, without its `$`.
    pub number: u32,
    /// When the session was made.
    pub created: UnixSeconds,
    /// The tmux server's process.
    pub server_pid: u32,
    /// When that server started.
    pub server_start: UnixSeconds,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.number, self.created, self.server_pid, self.server_start)
    }
}

/// A text that is no session identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSessionId;

impl fmt::Display for BadSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a session identity (NUMBER-CREATED-PID-START)")
    }
}
impl std::error::Error for BadSessionId {}

impl FromStr for SessionId {
    type Err = BadSessionId;
    fn from_str(text: &str) -> Result<Self, BadSessionId> {
        let mut parts = text.split('-').map(|p| if p.bytes().all(|b| b.is_ascii_digit()) { p.parse::<u64>().ok() } else { None });
        let mut next = || parts.next().flatten().ok_or(BadSessionId);
        let narrow = |n: u64| u32::try_from(n).map_err(|_| BadSessionId);
        let id = Self { number: narrow(next()?)?, created: next()?, server_pid: narrow(next()?)?, server_start: next()? };
        if parts.next().is_some() { Err(BadSessionId) } else { Ok(id) }
    }
}

impl Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What tmux shows in a pane in the place of its program. Keys then go to tmux, and the program gets none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The pane's history, scrolled back (`copy-mode`).
    History,
    /// Words of tmux itself, such as the errors of its configuration (`view-mode`).
    Words,
    /// A list, the clock, or a mode of a newer tmux.
    Other,
}

/// A window of a session, with the facts of its active pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// tmux's own id, without its `@`. Sessions that share a window (a session group, a linked window) list the same id.
    pub id: u32,
    /// The first other sessions of this server that show this window, by id, at most [`WINDOW_LINKS_MAX`](crate::limits::WINDOW_LINKS_MAX).
    pub also_in: Vec<SessionName>,
    /// An older session shows this window with a need of its own: the need is counted there.
    pub counted_elsewhere: bool,
    /// What tmux shows in the place of the program, if anything.
    pub mode: Option<Mode>,
    /// Its index.
    pub index: u32,
    /// The session's current window.
    pub active: bool,
    /// Last output.
    pub activity: UnixSeconds,
    /// It rang its bell, and nobody looked since.
    pub bell: bool,
    /// Its program ended with this status and the screen was kept; -1 if a signal ended it.
    pub exited: Option<i32>,
    /// Its width in cells.
    pub columns: u16,
    /// Its height in cells.
    pub rows: u16,
    /// Its name.
    pub name: String,
    /// What runs in it.
    pub command: String,
    /// Where.
    pub path: String,
    /// The title its program set.
    pub title: String,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// Its name, verbatim.
    pub name: SessionName,
    /// How many tmux clients show it.
    pub attached: u32,
    /// Lines of its status bar.
    pub status_rows: u16,
    /// Last output of any of its windows.
    pub activity: UnixSeconds,
    /// Its windows, by index.
    pub windows: Vec<Window>,
    /// The last lines of its current window.
    pub preview: Vec<StyledLine>,
    /// The tmux clients that show it.
    pub clients: Vec<Client>,
    /// What else a person should know of it.
    pub notes: Vec<Note>,
}

/// A tmux client: a terminal that shows a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The terminal it runs on (`/dev/pts/3`), on its host.
    pub tty: String,
    /// Its width in cells.
    pub columns: u16,
    /// Its height in cells.
    pub rows: u16,
    /// Its keys do nothing (`read-only`).
    pub read_only: bool,
    /// The session's window has the size that this client gives it.
    pub drives: bool,
}

impl Session {
    /// The window on show.
    pub fn current(&self) -> Option<&Window> {
        self.windows.iter().find(|w| w.active).or_else(|| self.windows.first())
    }

    /// Why it needs a person, if it does. Explicit signals only: a bell nobody saw, a program that ended in failure.
    pub fn needs(&self) -> Option<Need> {
        Need::first(self.windows.iter().filter_map(Window::needs))
    }

    /// The need that is counted and listed for this session: windows whose need an older session has already are left out.
    pub fn counted_need(&self) -> Option<Need> {
        Need::first(self.windows.iter().filter(|w| !w.counted_elsewhere).filter_map(Window::needs))
    }

    /// The windows that stay open in other sessions when this one is killed.
    pub fn kept(&self) -> Kept {
        Kept::of(self.windows.iter().map(|w| (w.id, w.also_in.as_slice())))
    }
}

impl Window {
    /// Why it needs a person, if it does.
    pub fn needs(&self) -> Option<Need> {
        match self.exited {
            Some(code) if code != 0 => Some(Need::Failed(code)),
            _ => self.bell.then_some(Need::Bell),
        }
    }
}

/// Windows of a killed session that stay open, because other sessions show them too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// How many stay.
    pub windows: usize,
    /// The sessions that show them, at most [`WINDOW_LINKS_MAX`](crate::limits::WINDOW_LINKS_MAX).
    pub sessions: Vec<SessionName>,
}

impl Kept {
    /// Collects windows, each as its id and the other sessions that show it. A window linked twice counts once.
    pub fn of<'a>(windows: impl Iterator<Item = (u32, &'a [SessionName])>) -> Self {
        let mut ids = BTreeSet::new();
        let mut out = Self::default();
        for (id, sessions) in windows.filter(|(_, sessions)| !sessions.is_empty()) {
            if ids.insert(id) {
                out.windows += 1;
            }
            for name in sessions {
                if out.sessions.len() < WINDOW_LINKS_MAX && !out.sessions.contains(name) {
                    out.sessions.push(name.clone());
                }
            }
        }
        out
    }
}

/// Why a session needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A window rang its bell.
    Bell,
    /// A program ended with this status.
    Failed(i32),
}

impl Need {
    /// The most important of several: a failure before a bell.
    fn first(needs: impl Iterator<Item = Self> + Clone) -> Option<Self> {
        let failed = needs.clone().find(|need| matches!(need, Self::Failed(_)));
        failed.or_else(|| needs.into_iter().next())
    }
}

/// The state of one Unix user's tmux on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserState {
    /// Not asked yet.
    Pending,
    /// The sessions of a running server; a server can run without any.
    Sessions(Vec<Session>),
    /// No tmux server runs.
    NoServer,
    /// Something is wrong.
    Fault(Fault),
}

/// One user's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Who.
    pub name: UnixUser,
    /// Reached through sudo.
    pub through_sudo: bool,
    /// What is known.
    pub state: UserState,
    /// Since when the state is of this kind.
    pub since: UnixSeconds,
    /// The sessions as last seen, while the state is a fault: shown, but not to be opened.
    pub last_seen: Vec<Session>,
}

impl UserRow {
    /// The living sessions.
    pub fn sessions(&self) -> &[Session] {
        match &self.state {
            UserState::Sessions(sessions) => sessions,
            _ => &[],
        }
    }
}

/// The state of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostState {
    /// Not asked yet.
    Pending,
    /// It answers, in this time.
    Up {
        /// The last sweep's round trip, in milliseconds.
        round_trip_ms: u32,
    },
    /// It does not.
    Fault(Fault),
}

/// One host's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// Its key.
    pub key: HostKey,
    /// Its name on the page.
    pub label: String,
    /// Where it is, and its tags.
    pub place: String,
    /// What is known.
    pub state: HostState,
    /// Since when the state is of this kind.
    pub since: UnixSeconds,
    /// When it was last asked.
    pub swept_at: Option<UnixSeconds>,
    /// Its users.
    pub users: Vec<UserRow>,
}

/// Everything known, for us alone: what a principal may see of it is a [`View`](crate::view::View).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The hosts, in the inventory's order. Shared: one host's news must not copy a thousand others.
    pub hosts: Vec<Arc<HostRow>>,
}

/// Where something is: a host's key and a user on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The host.
    pub host: HostKey,
    /// The user.
    pub user: UnixUser,
}

impl FromStr for Place {
    type Err = BadName;
    /// Reads `HOST/USER`.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let (host, user) = text.split_once('/').unwrap_or((text, ""));
        Ok(Self { host: host.parse()?, user: user.parse()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_read_back() {
        let id = SessionId { number: 3, created: 4, server_pid: 5, server_start: 6 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "3", "3-4-5", "3-4-5-6-7", "$3-4-5-6", "3-4-5-+6", "3-4-99999999999-6"] {
            assert_eq!(bad.parse::<SessionId>(), Err(BadSessionId), "{bad}");
        }
    }
}
