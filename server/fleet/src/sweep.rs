//! The look at one host: one script for all its users, what its answer means, and what is remembered between two looks. It asks nobody itself.

use crate::clock::unix_now;
use crate::exec::Bounds;
use crate::previews::{OnScreen, Previews};
use crate::random::row_mark;
use crate::transport::{Answer, Purpose};
use muxboard_core::asked::Asked;
use muxboard_core::fault::{Fault, FaultKind};
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits::{
    BACK_OFF_SECONDS, BACK_OFF_SECONDS_MAX, BACK_OFF_SUDO_SECONDS_MAX, GRACE_SECONDS, PREVIEWS_HOST_MAX, PREVIEWS_MAX, REFRESH_SUDO_SECONDS_MIN,
    SECTION_BYTES_MAX, SECTION_SECONDS_MAX, SUDO_LOOK_SECONDS_MIN, SUDO_LOOKS_SOONER_MAX, SWEEP_SECONDS_MAX,
};
use muxboard_core::name::UnixUser;
use muxboard_core::note::Note;
use muxboard_core::outcome::Created;
use muxboard_core::section::{self, Ask, Section};
use muxboard_core::shell::Script;
use muxboard_core::snapshot::{HostRow, HostState, Session, SessionId, UnixSeconds, UserRow, UserState};
use muxboard_core::tmux::PaneId;
use muxboard_core::{order, outcome};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// What is remembered of one host between sweeps.
pub(crate) struct Sweeper {
    row: HostRow,
    users: HashMap<UnixUser, Memory>,
}

/// The questions of one sweep to a host, all in one round trip.
pub(crate) struct Questions {
    began: Instant,
    users: Vec<User>,
    row_mark: String,
    /// True for the script without time limits, which ends with tmux's answer or not at all.
    fast_path: bool,
    pub(crate) script: Script,
}

impl Questions {
    pub(crate) fn bounds(&self) -> Bounds {
        let time = Duration::from_secs(if self.fast_path { SECTION_SECONDS_MAX } else { SWEEP_SECONDS_MAX } + GRACE_SECONDS);
        Bounds { time, bytes: SECTION_BYTES_MAX.saturating_mul(self.users.len().max(1)) }
    }
}

#[derive(Default, Clone)]
struct Memory {
    panes: Vec<(SessionId, PaneId)>,
    unsettled: bool,
    /// True if the last look at this user ended with an answer of tmux.
    prompt: bool,
    previews: Previews,
    /// What the user's windows ask and say.
    windows: Asked,
    /// Notes on sessions that were made here, and when each was made.
    notes: HashMap<SessionId, (Instant, Vec<Note>)>,
    /// The `PATH` of a login, once a command was not found.
    login_path: LoginPath,
    /// How often in a row the user did not answer.
    silent: u32,
    ask_after: Option<Instant>,
    /// When the user was last asked; an older answer that comes later is ignored.
    asked: Option<Instant>,
    /// The looks through sudo that may be taken now.
    allowance: Allowance,
    /// True if the last look found something else than the one before, or left something to ask.
    changing: bool,
}

/// How many looks through sudo may be taken now: each is a record in sudo's log.
#[derive(Clone, Copy)]
struct Allowance {
    looks: u32,
    since: Option<Instant>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { looks: SUDO_LOOKS_SOONER_MAX, since: None }
    }
}

impl Allowance {
    /// The allowance at `now`: one look more for every [`SUDO_LOOK_SECONDS_MIN`] since the last was added.
    fn at(mut self, now: Instant) -> Self {
        let Some(since) = self.since else { return self };
        let earned = u32::try_from(now.saturating_duration_since(since).as_secs() / SUDO_LOOK_SECONDS_MIN).unwrap_or(u32::MAX);
        self.looks = self.looks.saturating_add(earned).min(SUDO_LOOKS_SOONER_MAX);
        self.since = Some(since + Duration::from_secs(SUDO_LOOK_SECONDS_MIN * u64::from(earned)));
        self
    }

    /// The allowance after a look at `now`.
    fn spent(self, now: Instant) -> Self {
        let mut left = self.at(now);
        left.looks = left.looks.saturating_sub(1);
        left.since.get_or_insert(now);
        left
    }
}

/// The `PATH` of a user's logins: asked for when a command was not found, and not before.
#[derive(Default, Clone)]
enum LoginPath {
    #[default]
    Unasked,
    Wanted,
    Asked,
    Known(String),
}

/// The exit status of a shell that did not find a command (POSIX 2.8.2).
const NOT_FOUND: i32 = 127;

impl Sweeper {
    pub(crate) fn new(host: &Host) -> Self {
        let user =
            |u: &User| UserRow { name: u.name.clone(), through_sudo: u.through_sudo, state: UserState::Pending, since: unix_now(), last_seen: Vec::new() };
        let row = HostRow {
            key: host.key.clone(),
            label: host.label.clone(),
            place: host.place(),
            state: HostState::Pending,
            since: unix_now(),
            swept_at: None,
            users: host.users.iter().map(user).collect(),
        };
        Self { row, users: HashMap::new() }
    }

    /// The memory of the same host with other users, label or order: what is known of users that stay is kept.
    pub(crate) fn succeeded_by(&self, old: &Host, host: &Host) -> Self {
        let mut next = Self::new(host);
        (next.row.state, next.row.since, next.row.swept_at) = (self.row.state.clone(), self.row.since, self.row.swept_at);
        for user in host.users.iter().filter(|user| old.user(&user.name) == Some(user)) {
            let row = self.row.users.iter().find(|row| row.name == user.name);
            if let (Some(row), Some(into)) = (row, next.row.users.iter_mut().find(|row| row.name == user.name)) {
                into.clone_from(row);
            }
            if let Some(memory) = self.users.get(&user.name) {
                next.users.insert(user.name.clone(), memory.clone());
            }
        }
        next
    }

    pub(crate) fn row(&self) -> &HostRow {
        &self.row
    }

    /// The questions to ask now. Users that did not answer lately are left out, unless a person asks; through sudo a person's refresh asks them at most
    /// once in [`REFRESH_SUDO_SECONDS_MIN`] seconds.
    pub(crate) fn questions(&self, host: &Host, purpose: Purpose) -> Questions {
        self.questions_at(host, purpose, Instant::now())
    }

    fn questions_at(&self, host: &Host, purpose: Purpose, began: Instant) -> Questions {
        let insist = purpose == Purpose::Refresh;
        let rested = |u: &User| {
            let asked = self.users.get(&u.name).and_then(|memory| memory.asked);
            !u.through_sudo || asked.is_none_or(|asked| began - asked >= Duration::from_secs(REFRESH_SUDO_SECONDS_MIN))
        };
        let users: Vec<&User> = host.users.iter().filter(|u| (insist && (rested(u) || self.answered_last(u))) || self.due(u, began, false)).collect();
        let panes_max = PREVIEWS_MAX.min(PREVIEWS_HOST_MAX / users.len().max(1)).max(1);
        let row_mark = row_mark();
        let asks: Vec<Ask<'_>> = users
            .iter()
            .map(|user| Ask {
                user,
                panes: self.wanted(user, panes_max),
                unsettled: self.users.get(&user.name).is_some_and(|m| m.unsettled),
                row_mark: &row_mark,
            })
            .collect();
        let prompt = |user: &User| !user.through_sudo && self.users.get(&user.name).is_some_and(|memory| memory.prompt);
        let (fast_path, script) = match &asks[..] {
            [ask] if prompt(ask.user) => (true, section::fast_path(ask)),
            _ => (false, section::script(&asks)),
        };
        Questions { began, fast_path, script, users: users.into_iter().cloned().collect(), row_mark }
    }

    /// True if the questions of the fast path must be asked again with a time limit for each user: tmux failed, or it was tmux and not the host that did
    /// not answer.
    pub(crate) fn fast_path_timed_out(&mut self, questions: &Questions, answer: &Result<Answer, Fault>) -> bool {
        // The script of the fast path does not ask why tmux failed.
        let again = questions.fast_path && answer.as_ref().map_or_else(|fault| fault.kind == FaultKind::TimedOut, |answer| answer.exit != 0);
        for user in questions.users.iter().filter(|_| again) {
            self.users.entry(user.name.clone()).or_default().prompt = false;
        }
        again
    }

    /// Takes the answer to a sweep's questions.
    pub(crate) fn answered(&mut self, host: &Host, questions: &Questions, answer: Result<Answer, Fault>) {
        let state = match answer {
            Err(fault) => HostState::Fault(fault),
            Ok(mut answer) => {
                if questions.fast_path && answer.output.len() < SECTION_BYTES_MAX {
                    answer.output.extend(section::fast_path_end(answer.exit, &answer.mark).bytes());
                }
                let round_trip_ms = u32::try_from(questions.began.elapsed().as_millis()).unwrap_or(u32::MAX);
                let mut sections: HashMap<UnixUser, Section> = section::parse(&answer.output, &answer.mark, &questions.row_mark).into_iter().collect();
                for user in &questions.users {
                    self.take(host, user, questions.began, sections.remove(&user.name).unwrap_or_else(Section::silent));
                }
                HostState::Up { round_trip_ms }
            }
        };
        self.found(state);
    }

    /// Remembers the notes on a session that was just made.
    pub(crate) fn note(&mut self, user: &User, made: &Created) {
        self.users.entry(user.name.clone()).or_default().notes.insert(made.session, (Instant::now(), made.notes.clone()));
    }

    /// The windows of a session whose bell flag was up at the last look.
    pub(crate) fn flags(&self, user: &UnixUser, session: SessionId) -> Vec<u32> {
        let row = self.row.users.iter().find(|row| row.name == *user);
        row.zip(self.users.get(user)).map(|(row, memory)| memory.windows.flags(row.sessions(), session)).unwrap_or_default()
    }

    /// Changes what is remembered of a user's windows, and the sessions of the last look. The answer to a look that began before does not know it.
    pub(crate) fn windows(&mut self, user: &UnixUser, change: impl FnOnce(&mut Asked, &mut [Session])) {
        let row = self.row.users.iter_mut().find(|row| row.name == *user);
        if let (Some(UserState::Sessions(sessions)), Some(memory)) = (row.map(|row| &mut row.state), self.users.get_mut(user)) {
            memory.asked = Some(Instant::now());
            change(&mut memory.windows, sessions);
        }
    }

    /// True, once, if the login `PATH` of this user is to be asked for.
    pub(crate) fn wants_login_path(&mut self, user: &User) -> bool {
        let Some(memory) = self.users.get_mut(&user.name) else { return false };
        let wanted = matches!(memory.login_path, LoginPath::Wanted);
        if wanted {
            memory.login_path = LoginPath::Asked;
        }
        wanted
    }

    /// Takes a user's login `PATH`; the next look shows it.
    pub(crate) fn has_login_path(&mut self, user: &User, path: String) {
        self.users.entry(user.name.clone()).or_default().login_path = LoginPath::Known(path);
    }

    /// Takes the state of the host.
    pub(crate) fn found(&mut self, state: HostState) {
        let kind = |state: &HostState| match state {
            HostState::Fault(fault) => (1, Some(fault.kind)),
            HostState::Up { .. } => (2, None),
            HostState::Pending => (3, None),
        };
        if kind(&self.row.state) != kind(&state) {
            self.row.since = unix_now();
        }
        // A host that is left alone for a while was not asked: its words and its age stay.
        if self.row.state != state || matches!(state, HostState::Up { .. }) {
            self.row.swept_at = Some(unix_now());
            self.row.state = state;
        }
    }

    /// Takes the answer to a look at one user alone, without previews. The state of the host stays as it is.
    pub(crate) fn user_answered(&mut self, host: &Host, user: &User, began: Instant, section: Section) {
        self.take(host, user, began, section);
    }

    /// True if a preview is missing that the next look could bring.
    pub(crate) fn lacks_previews(&self) -> bool {
        let lacks = |m: &Memory| m.panes.iter().take(PREVIEWS_MAX).any(|(id, pane)| !m.previews.is_of(*id, *pane));
        let sudo = |name: &UnixUser| self.row.users.iter().any(|row| row.name == *name && row.through_sudo);
        self.users.iter().any(|(name, m)| lacks(m) && (!sudo(name) || m.allowance.at(Instant::now()).looks > 0))
    }

    /// When a user was last asked; `None` if never.
    pub(crate) fn asked(&self, user: &UnixUser) -> Option<Instant> {
        self.users.get(user).and_then(|memory| memory.asked)
    }

    /// True if a look at this user is due: the user does not rest, and sudo's log has room for one. `with_output` tells that a terminal of the user has
    /// output.
    pub(crate) fn due(&self, user: &User, now: Instant, with_output: bool) -> bool {
        let Some(memory) = self.users.get(&user.name) else { return true };
        if self.rests(user, now) {
            return false;
        }
        let waited = memory.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= Duration::from_secs(SUDO_LOOK_SECONDS_MIN));
        !user.through_sudo || waited || ((with_output || memory.changing) && memory.allowance.at(now).looks > 0)
    }

    /// True if a user is left alone for a while after not answering.
    pub(crate) fn rests(&self, user: &User, now: Instant) -> bool {
        self.users.get(&user.name).and_then(|memory| memory.ask_after).is_some_and(|after| after > now)
    }

    /// True if the last look at this user was answered: asking again leaves no process behind.
    fn answered_last(&self, user: &User) -> bool {
        self.users.get(&user.name).is_some_and(|memory| memory.asked.is_some() && memory.silent == 0)
    }

    /// The panes to capture: those of sessions with output since their last capture, the most recent first.
    fn wanted(&self, user: &User, panes_max: usize) -> Vec<PaneId> {
        let Some(memory) = self.users.get(&user.name) else { return Vec::new() };
        let Some(row) = self.row.users.iter().find(|r| r.name == user.name) else { return Vec::new() };
        let activity = |id: &SessionId| row.sessions().iter().find(|s| s.id == *id).map_or(0, |s| s.activity);
        let mut stale: Vec<(UnixSeconds, PaneId)> =
            memory.panes.iter().filter(|(id, pane)| memory.previews.is_stale(*id, *pane, activity(id))).map(|(id, pane)| (activity(id), *pane)).collect();
        stale.sort_unstable_by(|a, b| b.cmp(a));
        stale.into_iter().take(panes_max).map(|(_, pane)| pane).collect()
    }

    fn take(&mut self, host: &Host, user: &User, asked: Instant, mut section: Section) {
        let now = unix_now();
        let memory = self.users.entry(user.name.clone()).or_default();
        if memory.asked.is_some_and(|newer| newer > asked) {
            return;
        }
        memory.asked = Some(asked);
        let (captures, panes) = (section.captures.clone(), section.listing.panes.clone());
        let shown = OnScreen::of(&section.listing);
        let theirs = section.listing.now;
        memory.windows.look(&mut section.listing);
        memory.unsettled = section.listing.unsettled;
        memory.prompt = section.exit == Some(0);
        memory.allowance = memory.allowance.spent(asked);
        let mut state = outcome::user_state(host, user, section);
        if matches!(&state, UserState::Fault(fault) if fault.kind == FaultKind::NotAnswering) {
            memory.silent = memory.silent.saturating_add(1);
            let most = if user.through_sudo { BACK_OFF_SUDO_SECONDS_MAX } else { BACK_OFF_SECONDS_MAX };
            let wait = (BACK_OFF_SECONDS << memory.silent.min(11)).min(most);
            memory.ask_after = Some(Instant::now() + Duration::from_secs(wait));
        } else {
            (memory.silent, memory.ask_after) = (0, None);
        }
        if let UserState::Sessions(sessions) = &mut state {
            memory.panes = panes;
            memory.windows.to_own_clock(sessions, theirs, now.saturating_sub(asked.elapsed().as_secs() + 1), now);
            memory.previews.take(captures, &shown, sessions, now);
            let waiting: HashSet<SessionId> = shown.iter().filter(|shown| memory.previews.waits(shown)).map(|shown| shown.session).collect();
            memory.windows.guess(sessions, now, |session| waiting.contains(&session.id));
            // A look that began before a session was made does not know it.
            memory.notes.retain(|id, (made, _)| *made >= asked || sessions.iter().any(|s| s.id == *id));
            sessions.sort_by(|a, b| order::compare(a.name.as_str(), b.name.as_str(), &host.order).then_with(|| a.id.cmp(&b.id)));
            for session in sessions {
                session.preview = memory.previews.lines(session.id);
                let not_found = session.windows.iter().any(|w| w.exited == Some(NOT_FOUND));
                match &mut memory.login_path {
                    LoginPath::Known(path) if not_found => session.notes.push(Note::NotFound(path.clone())),
                    wanted @ LoginPath::Unasked if not_found => *wanted = LoginPath::Wanted,
                    _ => {}
                }
                session.notes.extend(memory.notes.get(&session.id).into_iter().flat_map(|(_, notes)| notes).cloned());
            }
        }
        let lacks = memory.panes.iter().any(|(id, _)| memory.previews.lacks(*id));
        let Some(row) = self.row.users.iter_mut().find(|r| r.name == user.name) else { return };
        memory.changing = lacks || row.state != state;
        if kind(&row.state) != kind(&state) {
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

fn kind(state: &UserState) -> (std::mem::Discriminant<UserState>, Option<FaultKind>) {
    (std::mem::discriminant(state), if let UserState::Fault(fault) = state { Some(fault.kind) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muxboard_core::inventory::Socket;
    use muxboard_core::limits::SUDO_LOOKS_PER_MINUTE_MAX;
    use muxboard_core::tmux::format::Listing;

    #[test]
    fn a_refresh_asks_again_through_sudo_after_a_while_and_not_sooner() {
        let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
        host.users = vec![User { name: "other".parse().unwrap(), through_sudo: true, socket: Socket::Default }];
        let mut sweeper = Sweeper::new(&host);
        let asks = |sweeper: &Sweeper, purpose| sweeper.questions(&host, purpose).users.len();
        let rest = Duration::from_secs(REFRESH_SUDO_SECONDS_MIN);
        let long_ago = Instant::now().checked_sub(rest).unwrap();
        sweeper.user_answered(&host, &host.users[0], long_ago, Section::silent());
        assert_eq!((asks(&sweeper, Purpose::Look), asks(&sweeper, Purpose::Refresh)), (0, 1));
        sweeper.user_answered(&host, &host.users[0], Instant::now(), Section::silent());
        assert_eq!(asks(&sweeper, Purpose::Refresh), 0, "each question leaves a process of root's behind");
    }

    #[test]
    fn looks_through_sudo_are_bounded_however_much_changes_and_own_ones_are_not() {
        let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
        host.users.push(User { name: "other".parse().unwrap(), through_sudo: true, socket: Socket::Default });
        let mut sweeper = Sweeper::new(&host);
        let (mut own, mut other) = (0, 0);
        let began = Instant::now();
        for look in 0..50 {
            let questions = sweeper.questions_at(&host, Purpose::Look, began + Duration::from_millis(1200 * look));
            for user in &questions.users {
                *(if user.through_sudo { &mut other } else { &mut own }) += 1;
                // Each finds something else.
                let words = Listing { problems: vec![format!("tmux says {other}")], ..Listing::default() };
                sweeper.user_answered(&host, user, questions.began, Section { exit: Some(1), listing: words, ..Section::silent() });
            }
        }
        assert_eq!(own, 50);
        assert!((60 / SUDO_LOOK_SECONDS_MIN - 2..=SUDO_LOOKS_PER_MINUTE_MAX).contains(&other), "{other}");
    }
}
