//! The look at one host: one script for all its users, what it means, and what is remembered between two looks.

use crate::exec::Bounds;
use crate::{sentinel, transport, unix_now};
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits::{
    BACK_OFF_SECONDS_MAX, BACK_OFF_SUDO_SECONDS_MAX, PREVIEWS_MAX, SECTION_BYTES_MAX, SECTION_SECONDS_MAX, SWEEP_SECONDS_MAX, WATCHED_SWEEP_SECONDS,
};
use muxboard_core::name::UnixUser;
use muxboard_core::snapshot::{HostRow, HostState, Session, SessionId, UnixSeconds, UserRow, UserState};
use muxboard_core::tmux::format::{self, PaneId};
use muxboard_core::tmux::section::{self, Ask, Section};
use muxboard_core::{ansi, order, outcome};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// One host's memory between sweeps.
pub(crate) struct Sweeper {
    row: HostRow,
    users: HashMap<UnixUser, Memory>,
    /// When the last sweep began.
    pub(crate) began: Option<Instant>,
}

#[derive(Default)]
struct Memory {
    panes: Vec<(SessionId, PaneId)>,
    unsettled: bool,
    previews: HashMap<SessionId, Preview>,
    /// How often in a row it did not answer, and when to ask again.
    silent: u32,
    ask_after: Option<Instant>,
}

struct Preview {
    lines: Vec<ansi::Line>,
    pane: PaneId,
    /// The session's activity when it was captured.
    activity: UnixSeconds,
    captured: UnixSeconds,
}

impl Sweeper {
    pub(crate) fn new(host: &Host) -> Self {
        let user =
            |u: &User| UserRow { name: u.name.clone(), through_sudo: u.through_sudo, state: UserState::Pending, since: unix_now(), last_seen: Vec::new() };
        let row = HostRow {
            key: host.key.clone(),
            label: host.label.clone(),
            place: host.place.clone(),
            state: HostState::Pending,
            swept_at: None,
            users: host.users.iter().map(user).collect(),
        };
        Self { row, users: HashMap::new(), began: None }
    }

    pub(crate) fn row(&self) -> &HostRow {
        &self.row
    }

    /// Looks at the whole host. With `insist`, users of our own account are asked too that did not answer lately.
    pub(crate) async fn look(&mut self, host: &Host, insist: bool) {
        let began = Instant::now();
        self.began = Some(began);
        let users: Vec<&User> = host.users.iter().filter(|u| (insist && !u.through_sudo) || self.due(u, began)).collect();
        let answer = self.ask(host, &users).await;
        self.row.swept_at = Some(unix_now());
        self.row.state = match answer {
            Err(error) => HostState::Unreachable { words: error.to_string() },
            Ok(false) => HostState::TimedOut,
            Ok(true) => HostState::Up { round_trip_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX) },
        };
    }

    /// Looks at one user alone, without previews: one process. What is known of the host stays as it is.
    pub(crate) async fn glance(&mut self, host: &Host, user: &User) {
        if !self.due(user, Instant::now()) {
            return;
        }
        let bounds = Bounds { time: Duration::from_secs(SECTION_SECONDS_MAX), bytes: SECTION_BYTES_MAX };
        if let Ok(answer) = transport::run(host, &transport::call(host, user, &format::call()), bounds).await {
            let section = Section { listing: format::parse(&answer.text()), captures: Vec::new(), exit: answer.exit, cut: false };
            self.take(host, user, section);
        }
    }

    /// Asks for these users. False if there was no answer in time.
    async fn ask(&mut self, host: &Host, users: &[&User]) -> std::io::Result<bool> {
        let asks: Vec<Ask<'_>> =
            users.iter().map(|user| Ask { user, panes: self.wanted(user), unsettled: self.users.get(&user.name).is_some_and(|m| m.unsettled) }).collect();
        let sentinel = sentinel();
        let script = section::script(host, &asks, &sentinel);
        let bounds = Bounds { time: Duration::from_secs(SWEEP_SECONDS_MAX), bytes: SECTION_BYTES_MAX.saturating_mul(asks.len().max(1)) };
        let answer = transport::run(host, &script, bounds).await?;
        if answer.exit.is_none() {
            return Ok(false);
        }
        let mut sections: HashMap<UnixUser, Section> = section::parse(&answer.output, &sentinel).into_iter().collect();
        for ask in &asks {
            let none = Section { listing: Default::default(), captures: Vec::new(), exit: None, cut: false };
            let section = sections.remove(&ask.user.name).unwrap_or(none);
            self.take(host, ask.user, section);
        }
        Ok(true)
    }

    /// Whether a preview is missing that the next look could bring.
    pub(crate) fn lacks_previews(&self) -> bool {
        self.users.values().any(|m| m.panes.iter().take(PREVIEWS_MAX).any(|(id, pane)| m.previews.get(id).is_none_or(|p| p.pane != *pane)))
    }

    fn due(&self, user: &User, now: Instant) -> bool {
        self.users.get(&user.name).and_then(|m| m.ask_after).is_none_or(|after| after <= now)
    }

    /// The panes worth a capture: those of sessions with output since the last one, the most recent first.
    fn wanted(&self, user: &User) -> Vec<PaneId> {
        let Some(memory) = self.users.get(&user.name) else { return Vec::new() };
        let Some(row) = self.row.users.iter().find(|r| r.name == user.name) else { return Vec::new() };
        let activity = |id: &SessionId| row.sessions().iter().find(|s| s.id == *id).map_or(0, |s| s.activity);
        let mut stale: Vec<(UnixSeconds, PaneId)> = memory
            .panes
            .iter()
            .filter(|(id, pane)| {
                memory.previews.get(id).is_none_or(|p| p.pane != *pane || p.activity < activity(id) || p.captured <= p.activity + WATCHED_SWEEP_SECONDS)
            })
            .map(|(id, pane)| (activity(id), *pane))
            .collect();
        stale.sort_unstable_by(|a, b| b.cmp(a));
        stale.into_iter().take(PREVIEWS_MAX).map(|(_, pane)| pane).collect()
    }

    fn take(&mut self, host: &Host, user: &User, section: Section) {
        let now = unix_now();
        let memory = self.users.entry(user.name.clone()).or_default();
        let (captures, panes) = (section.captures.clone(), section.listing.panes.clone());
        memory.unsettled = section.listing.unsettled;
        let mut state = outcome::user_state(host, user, section);
        if state == UserState::NotAnswering {
            memory.silent = memory.silent.saturating_add(1);
            let most = if user.through_sudo { BACK_OFF_SUDO_SECONDS_MAX } else { BACK_OFF_SECONDS_MAX };
            let wait = (WATCHED_SWEEP_SECONDS << memory.silent.min(11)).min(most);
            memory.ask_after = Some(Instant::now() + Duration::from_secs(wait));
        } else {
            (memory.silent, memory.ask_after) = (0, None);
        }
        if let UserState::Sessions(sessions) = &mut state {
            memory.panes = panes;
            remember(memory, captures, sessions, now);
            sessions.sort_by(|a, b| order::compare(a.name.as_str(), b.name.as_str(), &host.order).then_with(|| a.id.cmp(&b.id)));
            for session in sessions {
                session.preview = memory.previews.get(&session.id).map(|p| p.lines.clone()).unwrap_or_default();
            }
        }
        let Some(row) = self.row.users.iter_mut().find(|r| r.name == user.name) else { return };
        if std::mem::discriminant(&row.state) != std::mem::discriminant(&state) {
            row.since = now;
        }
        row.last_seen = match (&state, &row.state) {
            (UserState::Sessions(_) | UserState::NoServer | UserState::Pending, _) => Vec::new(),
            (_, UserState::Sessions(before)) => before.clone(),
            _ => std::mem::take(&mut row.last_seen),
        };
        row.state = state;
    }
}

fn remember(memory: &mut Memory, captures: Vec<(PaneId, String)>, sessions: &[Session], now: UnixSeconds) {
    let panes: HashMap<PaneId, SessionId> = memory.panes.iter().map(|(id, pane)| (*pane, *id)).collect();
    for (pane, screen) in captures {
        let Some(id) = panes.get(&pane) else { continue };
        let activity = sessions.iter().find(|s| s.id == *id).map_or(0, |s| s.activity);
        memory.previews.insert(*id, Preview { lines: ansi::preview(&screen), pane, activity, captured: now });
    }
    memory.previews.retain(|id, _| sessions.iter().any(|s| s.id == *id));
}
