//! What is known of the session that a terminal shows: whether it lives, who else shows it, who drives its size.

use crate::attach::Attachment;
use crate::fleet::Fleet;
use crate::lock::lock;
use muxboard_core::fault::Fault;
use muxboard_core::name::SessionName;
use muxboard_core::policy::{Operation, Permit};
use muxboard_core::snapshot::{Client, HostState, Kept, Mode, Place, Session, SessionId, UserRow, UserState};
use muxboard_core::wire::{Grid, Seen};
use tokio::time::Instant;

/// What is to be said of a terminal's session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Showing {
    /// The session is not there any more.
    pub gone: bool,
    /// The terminal shows another session: this one.
    pub moved_to: Option<(SessionId, SessionName)>,
    /// The session's clients.
    pub clients: Vec<Seen>,
    /// What tmux shows in the place of the program of the session on show.
    pub mode: Option<Mode>,
}

impl Fleet {
    /// Looks whether the session of an ended attachment lives on; nothing if its user cannot be reached.
    pub async fn outlived<O: Operation>(&self, permit: &Permit<O>) -> Option<bool> {
        let (entry, user) = self.at(permit.place()).ok()?;
        if !self.refresh_user(&entry, &user).await {
            return None;
        }
        self.known(permit.place(), permit.operation().session()?)
    }

    /// What is wrong with a user or his host, as of the last look.
    pub fn fault(&self, place: &Place) -> Option<Fault> {
        let entry = self.entry(&place.host)?;
        let host = entry.row.borrow();
        match (&host.state, host.users.iter().find(|u| u.name == place.user).map(|u| &u.state)) {
            (HostState::Fault(fault), _) | (_, Some(UserState::Fault(fault))) => Some(fault.clone()),
            _ => None,
        }
    }

    /// Notes that a terminal, opened at `since`, showed nothing in time: unless it is known what is wrong, the user's tmux server does not answer.
    pub fn shows_nothing(&self, place: &Place, since: Instant) -> Option<Fault> {
        if let Some(fault) = self.fault(place) {
            return Some(fault);
        }
        let (entry, user) = self.at(place).ok()?;
        self.note_no_answer(&entry, &user, since);
        Some(Fault::not_answering(&entry.host, &user.name))
    }

    /// Reads a user's row, as of the last look.
    fn row<T>(&self, place: &Place, read: impl FnOnce(&UserRow) -> Option<T>) -> Option<T> {
        let entry = self.entry(&place.host)?;
        let host = entry.row.borrow();
        read(host.users.iter().find(|u| u.name == place.user)?)
    }

    fn session<T>(&self, place: &Place, id: SessionId, read: impl FnOnce(&Session) -> Option<T>) -> Option<T> {
        self.row(place, |user| read(user.sessions().iter().find(|s| s.id == id)?))
    }

    /// The size of the terminal that shows a session's current window in full.
    pub(crate) fn size(&self, place: &Place, id: SessionId) -> Option<Grid> {
        self.session(place, id, |session| session.current().map(|w| Grid::clamped(w.columns, w.rows.saturating_add(session.status_rows))))
    }

    /// Whether a session is there, as of the last look; nothing if its user cannot be reached.
    pub fn known(&self, place: &Place, id: SessionId) -> Option<bool> {
        self.row(place, |user| matches!(user.state, UserState::Sessions(_) | UserState::NoServer).then(|| user.sessions().iter().any(|s| s.id == id)))
    }

    /// The ids of a session's windows, as of the last look.
    pub(crate) fn windows(&self, place: &Place, id: SessionId) -> Vec<u32> {
        self.session(place, id, |session| Some(session.windows.iter().map(|w| w.id).collect())).unwrap_or_default()
    }

    /// Those windows of a session which sessions of the same tmux server show that are not it, as of the last look.
    pub(crate) fn kept(&self, place: &Place, was: SessionId, windows: &[u32]) -> Kept {
        let others = |user: &UserRow| {
            let of_its_server = |s: &&Session| (s.id.server_pid, s.id.server_start) == (was.server_pid, was.server_start) && s.id != was;
            let shown = user.sessions().iter().filter(of_its_server).flat_map(|s| s.windows.iter().map(move |w| (w.id, std::slice::from_ref(&s.name))));
            Some(Kept::of(shown.filter(|(id, _)| windows.contains(id))))
        };
        self.row(place, others).unwrap_or_default()
    }

    /// A session's name.
    pub fn name(&self, place: &Place, id: SessionId) -> Option<SessionName> {
        self.session(place, id, |session| Some(session.name.clone()))
    }

    /// Whether there is a session of that name.
    pub fn is_named(&self, place: &Place, name: &SessionName) -> bool {
        self.row(place, |user| Some(user.sessions().iter().any(|s| s.name == *name))).unwrap_or(false)
    }

    /// What is to be said of a terminal's session, as of the last look.
    pub fn showing<O: Operation>(&self, permit: &Permit<O>, attachment: &Attachment) -> Showing {
        let place = permit.place();
        let seen = |client: &Client| Seen {
            principal: self.register.principal(place, &client.tty).unwrap_or_default(),
            grid: Grid::clamped(client.columns, client.rows),
            watches: client.read_only,
            drives: client.drives,
            own: client.tty == attachment.tty(),
        };
        let id = permit.operation().session();
        let clients = id.and_then(|id| self.session(place, id, |session| Some(session.clients.iter().map(seen).collect())));
        let moved_to = self.row(place, |user| {
            let there = user.sessions().iter().find(|s| s.clients.iter().any(|c| c.tty == attachment.tty()))?;
            (Some(there.id) != id).then(|| (there.id, there.name.clone()))
        });
        let on_show = moved_to.as_ref().map(|(id, _)| *id).or(id);
        let mode = on_show.and_then(|id| self.session(place, id, |session| session.current()?.mode));
        Showing { gone: id.is_some_and(|id| self.known(place, id) == Some(false)), moved_to, clients: clients.unwrap_or_default(), mode }
    }

    /// Whether the last look began when this terminal was there and its tty in tmux's list was known: what an older one says of that tty is of
    /// another terminal.
    pub fn is_looked_at(&self, place: &Place, attachment: &Attachment) -> bool {
        attachment.settled().is_some_and(|settled| self.is_looked_at_since(place, settled))
    }

    /// Whether the last look at a user began after that moment.
    pub fn is_looked_at_since(&self, place: &Place, since: Instant) -> bool {
        let asked = self.entry(&place.host).and_then(|entry| lock(&entry.sweeper).asked(&place.user));
        asked.is_some_and(|asked| asked > since)
    }

    /// Says whether tmux listed a client on this tty in a look that began after `since`.
    pub(crate) fn lists(&self, place: &Place, tty: &str, since: Instant) -> bool {
        let asked = self.entry(&place.host).and_then(|entry| lock(&entry.sweeper).asked(&place.user));
        let on_it = |user: &UserRow| asked > Some(since) && user.sessions().iter().any(|s| s.clients.iter().any(|c| c.tty == tty));
        self.row(place, |user| Some(on_it(user))).unwrap_or(false)
    }

    /// The session that a terminal shows, as of the last look.
    pub(crate) fn shown_by(&self, place: &Place, attachment: &Attachment) -> Option<SessionId> {
        // What an older look says of this tty is of another terminal.
        if !self.is_looked_at(place, attachment) {
            return None;
        }
        self.row(place, |user| user.sessions().iter().find(|s| s.clients.iter().any(|c| c.tty == attachment.tty())).map(|s| s.id))
    }

    /// Gives a watcher's terminal the size that its session has now; true if that is another than before.
    pub fn follow_size<O: Operation>(&self, permit: &Permit<O>, attachment: &mut Attachment) -> bool {
        let size = permit.operation().session().and_then(|id| self.size(permit.place(), id));
        size.is_some_and(|size| attachment.follow(size))
    }
}
