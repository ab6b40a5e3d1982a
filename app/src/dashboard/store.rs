//! The board's facts as signals: a signal a host, a user and a session, so that a change redraws only what it changed.

use leptos::prelude::*;
use muxboard_core::name::HostKey;
use muxboard_core::snapshot::{HostRow, Place, Session, SessionId, UserRow, UserState};
use muxboard_core::view::{UserView, View};
use std::collections::HashMap;

/// One session.
#[derive(Clone)]
pub struct SessionSignals {
    /// Which.
    pub id: SessionId,
    /// Its facts.
    pub row: ArcRwSignal<Session>,
}

/// One user on a host.
#[derive(Clone)]
pub struct UserSignals {
    /// Which.
    pub place: Place,
    /// Its facts without the sessions.
    pub row: ArcRwSignal<UserView>,
    /// Its sessions, in order.
    pub sessions: ArcRwSignal<Vec<SessionSignals>>,
}

/// One host.
#[derive(Clone)]
pub struct HostSignals {
    /// Which.
    pub key: HostKey,
    /// Its facts.
    pub row: ArcRwSignal<HostRow>,
    /// Its users, in order.
    pub users: ArcRwSignal<Vec<UserSignals>>,
}

/// All hosts.
#[derive(Clone, Default)]
pub struct Store {
    /// In order.
    pub hosts: ArcRwSignal<Vec<HostSignals>>,
}

impl Store {
    /// Brings the signals up to a view; what is equal is not touched.
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
                    |signals| signals.place.clone(),
                    |u| Place { host: h.host.key.clone(), user: u.row.name.clone() },
                    |u| UserSignals {
                        place: Place { host: h.host.key.clone(), user: u.row.name.clone() },
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

    /// A host's label.
    pub fn label(&self, key: &HostKey) -> String {
        self.hosts.get_untracked().iter().find(|h| h.key == *key).map(|h| h.row.read_untracked().label.clone()).unwrap_or_default()
    }

    /// One session's signals.
    pub fn session(&self, place: &Place, id: SessionId) -> Option<ArcRwSignal<Session>> {
        let hosts = self.hosts.get_untracked();
        let users = hosts.iter().find(|h| h.key == place.host)?.users.get_untracked();
        let sessions = users.iter().find(|u| u.place == *place)?.sessions.get_untracked();
        sessions.iter().find(|s| s.id == id).map(|s| s.row.clone())
    }
}

/// A user's row without its sessions: what they do must not redraw the user. `Pending` stands for "see the sessions".
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

/// Brings a list of signals up to a list of facts, keeping the signals that stay.
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
