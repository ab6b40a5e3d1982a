//! What a terminal's client was told of its session, and what it is told after a look.

use super::control_queue::ControlQueue;
use muxboard_core::name::SessionName;
use muxboard_core::snapshot::{Mode, SessionId};
use muxboard_fleet::Showing;

/// The status of the session, as the client was told it.
#[derive(Default)]
pub(super) struct Told {
    status: Showing,
    /// The session that the client sees.
    session: Option<(SessionId, SessionName)>,
    /// Whether a look has found this terminal in tmux's list of clients: what the list had before was about another one.
    listed: bool,
}

impl Told {
    pub(super) fn mode(&self) -> Option<Mode> {
        self.status.mode
    }

    /// Notes that a look has found this terminal.
    pub(super) fn list(&mut self) {
        self.listed = true;
    }

    /// Notes that another terminal has taken the place of this one: no look has found it yet.
    pub(super) fn unlist(&mut self) {
        self.listed = false;
    }

    /// Tells the client that tmux has left the mode that the last look found.
    pub(super) fn mode_left(&mut self, control: &mut ControlQueue) {
        if self.status.mode.take().is_some() {
            control.mode = Some(None);
        }
    }

    /// Tells the client, once its terminal is listed, which session it sees, who else does, and in which mode, where that differs from what it was
    /// told. `own` is the session that it asked for, under its present name.
    pub(super) fn tell(&mut self, status: Showing, own: Option<(SessionId, SessionName)>, control: &mut ControlQueue) {
        if !self.listed {
            return;
        }
        let session = status.moved_to.clone().or(own);
        if session.is_some() && session != self.session {
            control.shows.clone_from(&session);
            self.session = session;
        }
        if status != self.status {
            if status.mode != self.status.mode {
                control.mode = Some(status.mode);
            }
            control.clients = Some(status.clients.clone());
            self.status = status;
        }
    }
}
