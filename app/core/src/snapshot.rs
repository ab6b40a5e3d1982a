//! What a page shows: the last sweep's facts, with their age. Empty, refused and unreachable are three facts here, never one.

use crate::ansi::StyledLine;
use crate::fault::Fault;
use crate::limits::WINDOW_LINKS_MAX;
use crate::name::{BadName, HostKey, SessionName, UnixUser};
use crate::note::Note;
use crate::signal::{ProgramState, Signal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Seconds since the Unix epoch.
pub type UnixSeconds = u64;

/// The identity of a session: tmux's id, when it was made, and the process and start of its tmux server. Names can be reused and ids begin anew with each
/// server; all four facts together cannot. Written `NUMBER-CREATED-PID-START` in URLs and forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// tmux's id of the session, without its `$`.
    pub number: u32,
    /// When the session was made.
    pub created: UnixSeconds,
    /// The process id of the tmux server.
    pub server_pid: u32,
    /// When the tmux server started.
    pub server_start: UnixSeconds,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.number, self.created, self.server_pid, self.server_start)
    }
}

/// The error for a text that is not a session identity.
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

/// What tmux shows in a pane instead of the pane's program. Keys then go to tmux and not to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The pane's history, scrolled back (`copy-mode`).
    History,
    /// tmux's own messages, such as the errors of its configuration (`view-mode`).
    Words,
    /// A list, the clock, or a mode of a newer tmux.
    Other,
}

/// A window of a session, with the facts of its active pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// tmux's id of the window, without its `@`. Sessions that share a window (a session group, a linked window) list the same id.
    pub id: u32,
    /// tmux's id, without its `%`, of the pane in which a person is asked: the one that says that it waits or failed, or the active one.
    pub pane: u32,
    /// The first other sessions of this server that show this window, by id, at most [`WINDOW_LINKS_MAX`].
    pub also_in: Vec<SessionName>,
    /// True if an older session shows this window with a need of its own, which is counted there.
    pub counted_elsewhere: bool,
    /// What tmux shows instead of the program; `None` while the program is shown.
    pub mode: Option<Mode>,
    /// The window's index in its session.
    pub index: u32,
    /// True for the session's current window.
    pub active: bool,
    /// When the window last had output.
    pub activity: UnixSeconds,
    /// True if the window rang its bell and nobody looked at it since: tmux's own flag.
    pub bell: bool,
    /// When the window rang its bell, as long as nobody has typed into it since, whoever looked at it.
    pub asked: Option<UnixSeconds>,
    /// What the window's program says of itself; of several panes the greatest state.
    pub signal: Option<Signal>,
    /// Since when the window's screen looks as if its program waited for a person, and the program says nothing itself: a guess.
    pub seems_waiting: Option<UnixSeconds>,
    /// The exit status of the window's program, if it ended and its screen was kept; -1 if a signal ended it.
    pub exited: Option<i32>,
    /// When that end was found; `None` while the program runs.
    pub ended_at: Option<UnixSeconds>,
    /// True if somebody said of that end that nobody is needed any more.
    pub dismissed: bool,
    /// The window's width, in cells.
    pub columns: u16,
    /// The window's height, in cells.
    pub rows: u16,
    /// The window's name.
    pub name: String,
    /// The name of the program that runs in the active pane.
    pub command: String,
    /// The current directory of that program.
    pub path: String,
    /// The title that the program set.
    pub title: String,
}

/// A tmux session as the last sweep found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The session's identity.
    pub id: SessionId,
    /// The session's name, verbatim.
    pub name: SessionName,
    /// The number of tmux clients that show the session.
    pub attached: u32,
    /// The height of the session's status bar, in lines.
    pub status_rows: u16,
    /// When any of the session's windows last had output.
    pub activity: UnixSeconds,
    /// The session's windows, by index.
    pub windows: Vec<Window>,
    /// The last lines of the session's current window.
    pub preview: Vec<StyledLine>,
    /// The tmux clients that show the session.
    pub clients: Vec<Client>,
    /// What a person should know of the session beside what it shows.
    pub notes: Vec<Note>,
}

/// A tmux client: a terminal that shows a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The path of the terminal that the client runs on (`/dev/pts/3`), on its host.
    pub tty: String,
    /// The client's width, in cells.
    pub columns: u16,
    /// The client's height, in cells.
    pub rows: u16,
    /// True if the client's keys are ignored (`read-only`).
    pub read_only: bool,
    /// True if the session's window has this client's size.
    pub drives: bool,
}

impl Session {
    /// The session's current window.
    pub fn current(&self) -> Option<&Window> {
        self.windows.iter().find(|w| w.active).or_else(|| self.windows.first())
    }

    /// Why the session needs a person, if it does. A guess counts only where a program says nothing itself.
    pub fn needs(&self) -> Option<Need> {
        Need::first(self.windows.iter().filter_map(Window::needs))
    }

    /// The window in which the session needs a person; its current one if it needs nobody.
    pub fn asking(&self) -> Option<&Window> {
        let need = self.needs();
        self.windows.iter().find(|window| need.is_some() && window.needs() == need).or_else(|| self.current())
    }

    /// The need that is counted and listed for this session. Windows whose need is counted for an older session are left out.
    pub fn counted_need(&self) -> Option<Need> {
        Need::first(self.windows.iter().filter(|w| !w.counted_elsewhere).filter_map(Window::needs))
    }

    /// The words of the program that says that it needs a person, if one does.
    pub fn says(&self) -> Option<&str> {
        let asks = |window: &&Window| matches!(window.needs(), Some(Need { reason: Reason::Waits | Reason::SaysFailed, .. }));
        self.windows.iter().filter(asks).filter_map(|w| w.signal.as_ref()).max_by_key(|s| s.told).map(|s| s.text.as_str()).filter(|text| !text.is_empty())
    }

    /// What the session's current program says of itself while it needs nobody.
    pub fn told(&self) -> Option<&Signal> {
        self.current().and_then(|window| window.signal.as_ref()).filter(|signal| !signal.answered)
    }

    /// The windows that stay open in other sessions when this one is killed.
    pub fn kept(&self) -> Kept {
        Kept::of(self.windows.iter().map(|w| (w.id, w.also_in.as_slice())))
    }
}

impl Window {
    /// Why the window needs a person, if it does.
    pub fn needs(&self) -> Option<Need> {
        let need = |reason, since: Option<UnixSeconds>| since.map(|since| Need { reason, since });
        let says = |told| self.signal.as_ref().filter(|signal| signal.told == told && !signal.answered).map(|signal| signal.since);
        let exited = self.exited.filter(|code| *code != 0 && !self.dismissed);
        exited
            .map(|code| Need { reason: Reason::Exited(code), since: self.ended_at.unwrap_or(self.activity) })
            .or_else(|| need(Reason::SaysFailed, says(ProgramState::Failed)))
            .or_else(|| need(Reason::Waits, says(ProgramState::Waiting)))
            .or_else(|| need(Reason::Bell, self.asked))
            .or_else(|| need(Reason::SeemsToWait, self.seems_waiting))
    }
}

/// Windows of a killed session that stay open, because other sessions show them too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The number of windows that stay open.
    pub windows: usize,
    /// The sessions that show these windows, at most [`WINDOW_LINKS_MAX`](crate::limits::WINDOW_LINKS_MAX).
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

/// Why a session needs a person. In order: of several needs the greatest is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A window's screen looks as if its program waited: a guess, and never above what a program says.
    SeemsToWait,
    /// A window rang its bell.
    Bell,
    /// A program says that it waits for a person.
    Waits,
    /// A program says that it failed.
    SaysFailed,
    /// A program ended with this status; -1 if a signal ended it.
    Exited(i32),
}

impl Reason {
    /// The reason's word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::SeemsToWait => "seems_to_wait",
            Self::Bell => "bell",
            Self::Waits => "waits",
            Self::SaysFailed => "says_failed",
            Self::Exited(_) => "exited",
        }
    }

    /// True for what went wrong; false for what asks.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::SaysFailed | Self::Exited(_))
    }
}

/// That a session needs a person: why, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: UnixSeconds,
}

impl Need {
    /// The greatest of several needs, of equals the oldest.
    fn first(needs: impl Iterator<Item = Self>) -> Option<Self> {
        needs.max_by_key(|need| (need.reason, std::cmp::Reverse(need.since)))
    }
}

/// The state of one Unix user's tmux on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserState {
    /// The user was not asked yet.
    Pending,
    /// The sessions of a running server; a server can run without any.
    Sessions(Vec<Session>),
    /// No tmux server runs.
    NoServer,
    /// The user's tmux cannot be reached.
    Fault(Fault),
}

/// One Unix user on a host, as the last sweep found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// The Unix user.
    pub name: UnixUser,
    /// True if the user is reached through sudo.
    pub through_sudo: bool,
    /// The state of the user's tmux.
    pub state: UserState,
    /// When the state last changed its kind.
    pub since: UnixSeconds,
    /// The sessions as last seen, while the state is a fault: shown, but not to be opened.
    pub last_seen: Vec<Session>,
}

impl UserRow {
    /// The sessions of a user whose tmux answered; none while the state is anything else.
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
    /// The host was not asked yet.
    Pending,
    /// The host answers.
    Up {
        /// The last sweep's round trip, in milliseconds.
        round_trip_ms: u32,
    },
    /// The host does not answer, or refuses.
    Fault(Fault),
}

/// One host and its users, as the last sweep found them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// The host's key, as in URLs.
    pub key: HostKey,
    /// The host's name on the page.
    pub label: String,
    /// Where the host is, and its tags, in words.
    pub place: String,
    /// The state of the host.
    pub state: HostState,
    /// When the state last changed its kind.
    pub since: UnixSeconds,
    /// When the host was last asked.
    pub swept_at: Option<UnixSeconds>,
    /// The host's users, in the order of the page.
    pub users: Vec<UserRow>,
}

/// Everything that the last sweeps found. What a principal may see of it is a [`View`](crate::view::View).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The hosts, in the inventory's order. Shared, so that one host's change does not copy a thousand others.
    pub hosts: Vec<Arc<HostRow>>,
}

/// A host's key and a Unix user on that host.
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
