//! The WebSockets: the board's and a terminal's.

pub(crate) mod board;
mod input;
mod leave;
mod line;
mod outbox;
pub(crate) mod terminal;

use crate::access::caller::Refusal;
use crate::http::context::Visit;
use crate::state::Shared;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use muxboard_core::limits::{HELLO_SECONDS_MAX, SILENCE_SECONDS_MAX};
use muxboard_core::policy::Principal;
use muxboard_core::wire::Close;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Who opened a socket, or why it is closed.
fn refused(shared: &Shared, visit: &Visit) -> Result<Principal, Close> {
    visit.found.as_ref().map(|asker| asker.principal.clone()).map_err(|refusal| {
        visit.refused(shared, "enter", refusal);
        match refusal {
            Refusal::Unknown | Refusal::Locked => Close::Unauthenticated,
            Refusal::NotMapped(_) => Close::Forbidden,
        }
    })
}

/// Asks the gate again whether it lets in who opened a socket. It may take its time: the socket's own work goes on meanwhile.
#[derive(Default)]
struct Recheck(Option<Pin<Box<dyn Future<Output = bool> + Send>>>);

impl Recheck {
    /// Asks, unless an answer is awaited: a gate that hangs is a refusal once its time is over, and is not given that time again and again.
    fn begin(&mut self, shared: &Arc<Shared>, visit: &Visit, who: &Principal) {
        if self.0.is_none() {
            self.anew(shared, visit, who);
        }
    }

    /// Asks by the rules as they are now: what was asked before says nothing any more.
    fn anew(&mut self, shared: &Arc<Shared>, visit: &Visit, who: &Principal) {
        let (shared, visit, who) = (shared.clone(), visit.clone(), who.clone());
        self.0 = Some(Box::pin(async move { visit.holds(&shared, &who).await }));
    }

    /// The answer; waits for ever if nothing was asked.
    async fn verdict(&mut self) -> bool {
        let Some(asked) = &mut self.0 else { return std::future::pending().await };
        let holds = asked.await;
        self.0 = None;
        holds
    }
}

/// Sends; false if the other side is gone or took nothing for too long.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(Duration::from_secs(SILENCE_SECONDS_MAX), socket.send(message)).await, Ok(Ok(())))
}

/// Says why, and closes.
async fn close(socket: WebSocket, why: Close) {
    close_with(socket, why, why.sentence().to_owned()).await;
}

/// Says why in a sentence of at most [`muxboard_core::limits::CLOSE_REASON_BYTES_MAX`] bytes, and closes.
async fn close_with(mut socket: WebSocket, why: Close, reason: String) {
    let frame = CloseFrame { code: why.code(), reason: reason.into() };
    if send(&mut socket, Message::Close(Some(frame))).await {
        // Waits for the other side's answer, so that the code arrives before the connection goes.
        let _ = timeout(Duration::from_secs(HELLO_SECONDS_MAX), async { while let Some(Ok(_)) = socket.recv().await {} }).await;
    }
}

/// Waits until the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone stops too.
    let _ = stopping.wait_for(|stop| *stop).await;
}
