//! The view as signals: one for each host, each user and each session, so that a change redraws only the part that it concerns.

use leptos::prelude::*;
use muxboard_core::name::HostKey;
use muxboard_core::policy::Abilities;
use muxboard_core::snapshot::{HostRow, Place, Session, SessionId, UserRow, UserState};
use muxboard_core::view::{UserView, View};
use std::collections::HashMap;

/// The signal of one session.
#[derive(Clone)]
pub struct SessionSignals {
    /// The identity of the session.
    pub id: SessionId,
    /// The session.
    pub row: ArcRwSignal<Session>,
}

/// The signals of one user on a host.
#[derive(Clone)]
pub struct UserSignals {
    /// The host and the user.
    pub place: Place,
    /// What the principal may do. It is part of the key: when it changes, the user's part of the page is built again with other buttons.
    pub can: Abilities,
    /// The user's row without its sessions.
    pub row: ArcRwSignal<UserView>,
    /// The signals of the sessions, in order.
    pub sessions: ArcRwSignal<Vec<SessionSignals>>,
}

impl UserSignals {
    /// The key of these signals in a list.
    pub fn key(&self) -> (Place, Abilities) {
        (self.place.clone(), self.can)
    }
}

/// The signals of one host.
#[derive(Clone)]
pub struct HostSignals {
    /// The key of the host.
    pub key: HostKey,
    /// The host's row.
    pub row: ArcRwSignal<HostRow>,
    /// The signals of the users, in order.
    pub users: ArcRwSignal<Vec<UserSignals>>,
}

/// The signals of all hosts.
#[derive(Clone, Default)]
pub struct Store {
    /// The hosts, in order.
    pub hosts: ArcRwSignal<Vec<HostSignals>>,
}

impl Store {
    /// Sets the signals whose values differ from a view.
    pub fn take(&self, view: &View) {
        reconcile(
            &self.hosts,
            &view.hosts,
            |signals| signals.key.clone(),
            |h| h.host.key.clone(),
            |h| HostSignals { key: h.host.key.clone(), row: ArcRwSignal::new(h.host.clone()), users: ArcRwSignal::default() },
            |signals, h| {
                change(&signals.row, h.host.clone());
                reconcile(
                    &signals.users,
                    &h.users,
                    UserSignals::key,
                    |u| (Place { host: h.host.key.clone(), user: u.row.name.clone() }, u.can),
                    |u| UserSignals {
                        place: Place { host: h.host.key.clone(), user: u.row.name.clone() },
                        can: u.can,
                        row: ArcRwSignal::new(bare(u)),
                        sessions: ArcRwSignal::default(),
                    },
                    |signals, u| {
                        change(&signals.row, bare(u));
                        reconcile(
                            &signals.sessions,
                            u.row.sessions(),
                            |signals| signals.id,
                            |s| s.id,
                            |s| SessionSignals { id: s.id, row: ArcRwSignal::new(s.clone()) },
                            |signals, s| change(&signals.row, s.clone()),
                        );
                    },
                );
            },
        );
    }

    /// The label of a host; empty if the host is not there.
    pub fn label(&self, key: &HostKey) -> String {
        self.hosts.get_untracked().iter().find(|h| h.key == *key).map(|h| h.row.read_untracked().label.clone()).unwrap_or_default()
    }

    /// The signal of one session; `None` if the session is not there.
    pub fn session(&self, place: &Place, id: SessionId) -> Option<ArcRwSignal<Session>> {
        let hosts = self.hosts.get_untracked();
        let users = hosts.iter().find(|h| h.key == place.host)?.users.get_untracked();
        let sessions = users.iter().find(|u| u.place == *place)?.sessions.get_untracked();
        sessions.iter().find(|s| s.id == id).map(|s| s.row.clone())
    }
}

/// A user's row without its sessions, so that a change of a session does not redraw the user. The state of a user with sessions becomes `Pending`.
fn bare(user: &UserView) -> UserView {
    let UserRow { name, through_sudo, state, since, last_seen } = &user.row;
    let state = match state {
        UserState::Sessions(sessions) if !sessions.is_empty() => UserState::Pending,
        other => other.clone(),
    };
    let row = UserRow { name: name.clone(), through_sudo: *through_sudo, state, since: *since, last_seen: last_seen.clone() };
    UserView { can: user.can, row }
}

fn change<T: PartialEq + Send + Sync + 'static>(signal: &ArcRwSignal<T>, value: T) {
    if *signal.read_untracked() != value {
        signal.set(value);
    }
}

/// Makes a list of signals equal to a list of facts. Signals whose key is still there are kept and updated.
fn reconcile<C, F, K>(
    signals: &ArcRwSignal<Vec<C>>,
    facts: &[F],
    signals_key: impl Fn(&C) -> K,
    fact_key: impl Fn(&F) -> K,
    make: impl Fn(&F) -> C,
    update: impl Fn(&C, &F),
) where
    C: Clone + Send + Sync + 'static,
    K: Eq + std::hash::Hash,
{
    let old = signals.get_untracked();
    let same_order = old.len() == facts.len() && old.iter().zip(facts).all(|(c, f)| signals_key(c) == fact_key(f));
    let known: HashMap<K, &C> = old.iter().map(|c| (signals_key(c), c)).collect();
    let next: Vec<C> = facts.iter().map(|f| known.get(&fact_key(f)).map_or_else(|| make(f), |c| (*c).clone())).collect();
    for (signals, fact) in next.iter().zip(facts) {
        update(signals, fact);
    }
    if !same_order {
        signals.set(next);
    }
}
