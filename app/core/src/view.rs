//! What one principal sees of the snapshot: the hosts and users on which it may see anything, each with what it may do there.

use crate::fault::Fault;
use crate::name::SessionName;
use crate::policy::{Abilities, Ability, Policy, Principal};
use crate::snapshot::{HostRow, HostState, Place, Session, SessionId, Snapshot, UnixSeconds, UserRow, UserState};
use serde::{Deserialize, Serialize};

/// One user's row, as one principal sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// The principal's abilities on the host as this user.
    pub can: Abilities,
    /// The user's row.
    pub row: UserRow,
}

/// One host, as one principal sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// The host's row without its users.
    pub host: HostRow,
    /// The users that the principal may see.
    pub users: Vec<UserView>,
}

/// The part of a snapshot that one principal may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The principal's name.
    pub principal: String,
    /// The time of the server's clock when the view was made.
    pub now: UnixSeconds,
    /// The hosts on which the principal may see at least one user.
    pub hosts: Vec<HostView>,
}

impl View {
    /// Every session in the view, with its host and its user.
    pub fn sessions(&self) -> impl Iterator<Item = (&HostView, &UserView, &Session)> {
        self.hosts.iter().flat_map(|h| h.users.iter().flat_map(move |u| u.row.sessions().iter().map(move |s| (h, u, s))))
    }

    /// The session of this identity.
    pub fn session(&self, place: &Place, id: SessionId) -> Option<&Session> {
        self.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.id == id).map(|(_, _, s)| s)
    }

    /// Why the sessions of a user are not known: `Some(Some(fault))` if the user or the host has a fault, `Some(None)` if nobody has asked yet. `None` if
    /// they are known; only then does a session that is missing from the list not exist.
    pub fn doubt(&self, place: &Place) -> Option<Option<&Fault>> {
        let host = self.hosts.iter().find(|h| h.host.key == place.host)?;
        let user = host.users.iter().find(|u| u.row.name == place.user)?;
        match (&host.host.state, &user.row.state) {
            (HostState::Fault(fault), _) | (_, UserState::Fault(fault)) => Some(Some(fault)),
            (_, UserState::Pending) => Some(None),
            (_, UserState::Sessions(_) | UserState::NoServer) => None,
        }
    }
}

/// The part of a snapshot that a principal may see, at the time `now`.
pub fn visible(policy: &Policy, principal: &Principal, snapshot: &Snapshot, now: UnixSeconds) -> View {
    View { principal: principal.name.clone(), now, hosts: snapshot.hosts.iter().filter_map(|row| visible_host(policy, principal, row)).collect() }
}

/// The part of a host's row that a principal may see; `None` if that is nothing.
pub fn visible_host(policy: &Policy, principal: &Principal, row: &HostRow) -> Option<HostView> {
    let users: Vec<UserView> = row
        .users
        .iter()
        .map(|u| (policy.abilities(principal, &row.key, &u.name), u))
        .filter(|(can, _)| can.has(Ability::See))
        .map(|(can, u)| UserView { can, row: u.clone() })
        .collect();
    let bare = HostRow {
        users: Vec::new(),
        key: row.key.clone(),
        label: row.label.clone(),
        place: row.place.clone(),
        state: row.state.clone(),
        since: row.since,
        swept_at: row.swept_at,
    };
    (!users.is_empty()).then_some(HostView { host: bare, users })
}

/// The session of that name in a view, for a page's URL.
pub fn resolve<'a>(view: &'a View, place: &Place, name: &SessionName) -> Option<&'a Session> {
    view.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.name == *name).map(|(_, _, s)| s)
}
