//! Before something whole (a paste, a composed line) is written to a terminal, tmux is asked to show the program: where it shows its history, words or
//! a list of its own, it would take the text for keys.

use muxboard_core::limits::LEAVE_MS_MIN;
use muxboard_core::policy::{Operation, Permit};
use muxboard_core::snapshot::Place;
use muxboard_core::wire::Close;
use muxboard_fleet::{Attachment, Failed, Fleet, Leaving};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The request to tmux, at most one under way. While it is, nothing typed is written.
pub(super) struct Leave<'a, O> {
    fleet: &'a Arc<Fleet>,
    permit: &'a Permit<O>,
    coming: Option<Leaving>,
    /// When tmux last did it.
    left: Option<Instant>,
}

impl<'a, O: Operation> Leave<'a, O> {
    pub(super) fn new(fleet: &'a Arc<Fleet>, permit: &'a Permit<O>) -> Self {
        Self { fleet, permit, coming: None, left: None }
    }

    /// Asks, unless an answer is awaited or the client only watches.
    pub(super) fn begin(&mut self, attachment: &Attachment) {
        if self.coming.is_none() {
            self.coming = self.fleet.leave(self.permit, attachment);
        }
    }

    /// Asks before a part of a paste or a composed line, unless tmux answered less than [`LEAVE_MS_MIN`] ago.
    pub(super) fn begin_for_text(&mut self, attachment: &Attachment) {
        if self.left.is_none_or(|left| left.elapsed() >= Duration::from_millis(LEAVE_MS_MIN)) {
            self.begin(attachment);
        }
    }

    /// Whether tmux did it after the last look began: the mode that the look saw may be over.
    pub(super) fn is_newer_than_look(&self, place: &Place) -> bool {
        self.left.is_some_and(|left| !self.fleet.is_looked_at_since(place, left))
    }

    pub(super) fn is_coming(&self) -> bool {
        self.coming.is_some()
    }

    /// Waits for the answer, for ever if none is awaited.
    pub(super) async fn answered(&mut self) -> Result<(), Failed> {
        let Some(coming) = &mut self.coming else { return std::future::pending().await };
        let answer = coming.await;
        self.coming = None;
        self.left = answer.is_ok().then(Instant::now);
        answer
    }
}

/// The end of a terminal whose tmux did not do it: what waits to be written could reach nobody and is not written.
pub(super) fn end(failed: &Failed) -> Close {
    match failed {
        Failed::Host(_) => Close::Lost,
        _ => Close::Unreachable,
    }
}
