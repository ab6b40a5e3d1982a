//! The last lines of each session's screen, remembered between two looks: a screen is captured again only when something was printed since.

use muxboard_core::limits::SETTLED_SECONDS;
use muxboard_core::snapshot::{Session, SessionId, UnixSeconds};
use muxboard_core::tmux::PaneId;
use muxboard_core::tmux::format::Listing;
use muxboard_core::{ansi, choices};
use std::collections::HashMap;

/// What a session shows, as a listing has it.
pub(crate) struct OnScreen {
    pub(crate) session: SessionId,
    pane: PaneId,
    /// The row of the cursor, from 0; `None` if tmux did not tell.
    cursor: Option<usize>,
    /// When the session's current window last had output, by the host's clock.
    activity: UnixSeconds,
}

impl OnScreen {
    /// What the sessions of a listing show.
    pub(crate) fn of(listing: &Listing) -> Vec<Self> {
        let activity: HashMap<SessionId, UnixSeconds> =
            listing.sessions.iter().filter_map(|session| Some((session.id, session.windows.iter().find(|window| window.active)?.activity))).collect();
        let cursors: HashMap<PaneId, usize> = listing.cursors.iter().copied().collect();
        let shown = |(session, pane): &(SessionId, PaneId)| {
            Some(Self { session: *session, pane: *pane, cursor: cursors.get(pane).copied(), activity: *activity.get(session)? })
        };
        listing.panes.iter().filter_map(shown).collect()
    }
}

#[derive(Clone)]
struct Preview {
    lines: Vec<ansi::StyledLine>,
    pane: PaneId,
    /// The session's activity when it was captured, by our clock.
    activity: UnixSeconds,
    /// That of its current window alone, by the host's.
    own_activity: UnixSeconds,
    captured: UnixSeconds,
    /// True if the screen looks as if its program waited for a person.
    waits: bool,
}

/// The previews of one user's sessions.
#[derive(Default, Clone)]
pub(crate) struct Previews(HashMap<SessionId, Preview>);

impl Previews {
    /// Takes the screens of panes. `shown` is what the same look found, and `sessions` are its sessions, with times of our clock.
    pub(crate) fn take(&mut self, captures: Vec<(PaneId, String)>, shown: &[OnScreen], sessions: &[Session], now: UnixSeconds) {
        for (pane, screen) in captures {
            let Some(shown) = shown.iter().find(|shown| shown.pane == pane) else { continue };
            let activity = sessions.iter().find(|s| s.id == shown.session).map_or(0, |s| s.activity);
            let waits = shown.cursor.is_some_and(|cursor| choices::read(&ansi::rows(&screen), cursor).waits());
            let preview = Preview { lines: ansi::preview(&screen), pane, activity, own_activity: shown.activity, captured: now, waits };
            self.0.insert(shown.session, preview);
        }
        self.0.retain(|id, _| sessions.iter().any(|s| s.id == *id));
    }

    pub(crate) fn lines(&self, session: SessionId) -> Vec<ansi::StyledLine> {
        self.0.get(&session).map(|preview| preview.lines.clone()).unwrap_or_default()
    }

    pub(crate) fn lacks(&self, session: SessionId) -> bool {
        !self.0.contains_key(&session)
    }

    /// True if there is a preview of the session that shows this pane.
    pub(crate) fn is_of(&self, session: SessionId, pane: PaneId) -> bool {
        self.0.get(&session).is_some_and(|preview| preview.pane == pane)
    }

    /// True if the pane's screen may be another by now: the session's activity is this.
    pub(crate) fn is_stale(&self, session: SessionId, pane: PaneId, activity: UnixSeconds) -> bool {
        self.0.get(&session).is_none_or(|p| p.pane != pane || p.activity < activity || p.captured <= p.activity + SETTLED_SECONDS)
    }

    /// True if what a session shows looks as if its program waited for a person.
    pub(crate) fn waits(&self, shown: &OnScreen) -> bool {
        self.0.get(&shown.session).is_some_and(|p| p.waits && p.pane == shown.pane && p.own_activity == shown.activity)
    }
}
