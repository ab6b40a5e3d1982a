//! A fresh terminal that takes the place of one whose output has piled up: what was on its way to the client is old, and is not sent.

use muxboard_core::limits::OVERTAKE_SECONDS_MIN;
use muxboard_core::policy::{Operation, Permit};
use muxboard_fleet::{Attachment, Connection, Failed, Fleet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// A fresh terminal that is not there after this comes too late.
const OVERTAKE_WITHIN: Duration = Duration::from_secs(10);

/// A terminal that is being opened.
type FreshTerminal = Pin<Box<dyn Future<Output = Result<Connection, Failed>> + Send>>;

/// A fresh terminal on its way to take the old one's place, at most one in [`OVERTAKE_SECONDS_MIN`].
pub(super) struct Overtake<'a, O> {
    fleet: &'a Arc<Fleet>,
    permit: &'a Permit<O>,
    coming: Option<FreshTerminal>,
    not_before: Instant,
}

impl<'a, O: Operation> Overtake<'a, O> {
    pub(super) fn new(fleet: &'a Arc<Fleet>, permit: &'a Permit<O>) -> Self {
        Self { fleet, permit, coming: None, not_before: Instant::now() }
    }

    /// Opens a fresh terminal, unless one is on its way, was opened less than [`OVERTAKE_SECONDS_MIN`] ago, or the host allows none.
    pub(super) fn begin(&mut self, attachment: &Attachment) {
        if self.coming.is_none() && Instant::now() >= self.not_before && self.fleet.may_overtake(&self.permit.place().host) {
            tracing::debug!(place = %self.permit.place(), "a fresh terminal is to overtake a backlog");
            self.not_before = Instant::now() + Duration::from_secs(OVERTAKE_SECONDS_MIN);
            let fresh = self.fleet.again(self.permit, attachment);
            // The old one is not read meanwhile.
            let in_time = async { timeout(OVERTAKE_WITHIN, fresh).await.unwrap_or_else(|_| Err(Failed::Here("it took too long".into()))) };
            self.coming = Some(Box::pin(in_time));
        }
    }

    pub(super) fn is_coming(&self) -> bool {
        self.coming.is_some()
    }

    /// Waits for the fresh terminal, for ever if none is on its way; `None` if it could not be opened.
    pub(super) async fn ready(&mut self) -> Option<Connection> {
        let Some(coming) = &mut self.coming else { return std::future::pending().await };
        let fresh = coming.await;
        self.coming = None;
        match &fresh {
            Ok(_) => tracing::debug!(place = %self.permit.place(), "it is there"),
            Err(failed) => tracing::info!(place = %self.permit.place(), "a backlog is not overtaken: {failed:?}"),
        }
        fresh.ok()
    }
}
