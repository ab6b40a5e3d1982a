//! The WebSockets: the board's and a terminal's.

pub(crate) mod board;
mod control_queue;
mod input;
mod leave;
mod nonblocking;
mod outbox;
mod overtake;
mod session;
pub(crate) mod terminal;
mod told;

use crate::access::caller::Refusal;
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use muxboard_core::fault::Fault;
use muxboard_core::limits::{CHECK_SECONDS, CLOSE_REASON_BYTES_MAX, HELLO_SECONDS_MAX, SILENCE_SECONDS_MAX};
use muxboard_core::policy::Principal;
use muxboard_core::wire::Close;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The principal who opened a socket, or the close code for a caller whom the gate refused.
fn refused(state: &AppState, context: &RequestContext) -> Result<Principal, Close> {
    context.actor.as_ref().map(|actor| actor.principal.clone()).map_err(|refusal| {
        context.refused(state, "enter", refusal);
        match refusal {
            Refusal::Unknown | Refusal::Locked => Close::Unauthenticated,
            Refusal::NotMapped(_) | Refusal::TooLong => Close::Forbidden,
        }
    })
}

/// A question to the gate, whether it still lets in the principal who opened a socket. The socket's own work goes on while the gate is asked.
#[derive(Default)]
struct Revalidation(Option<Pin<Box<dyn Future<Output = bool> + Send>>>);

impl Revalidation {
    /// Asks the gate of the current rules; a question under way is dropped. A gate that hangs has refused before the next check asks it again.
    fn start(&mut self, state: &Arc<AppState>, context: &RequestContext, who: &Principal) {
        let (state, context, who) = (state.clone(), context.clone(), who.clone());
        self.0 = Some(Box::pin(async move { context.revalidate(&state, &who).await }));
    }

    /// Waits for the gate's answer: true if it still lets the principal in. Pending for ever when nothing was asked.
    async fn outcome(&mut self) -> bool {
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

/// Says why in a sentence of at most [`CLOSE_REASON_BYTES_MAX`] bytes, and closes.
async fn close_with(mut socket: WebSocket, why: Close, reason: String) {
    let frame = CloseFrame { code: why.code(), reason: reason.into() };
    if send(&mut socket, Message::Close(Some(frame))).await {
        // Waits for the other side's answer, so that the code arrives before the connection goes.
        let _ = timeout(Duration::from_secs(HELLO_SECONDS_MAX), async { while let Some(Ok(_)) = socket.recv().await {} }).await;
    }
}

/// Closes with the cause in the place of the code's own sentence, if there is one.
async fn close_for(socket: WebSocket, why: Close, cause: Option<&Fault>) {
    match cause.filter(|_| why == Close::Unreachable) {
        Some(fault) => close_with(socket, why, fault.brief(CLOSE_REASON_BYTES_MAX)).await,
        None => close(socket, why).await,
    }
}

/// The next of the moments at which every terminal is checked: the same for all, so that what thirty that idle have to send leaves together.
fn next_check() -> Instant {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *BEGAN + Duration::from_secs((BEGAN.elapsed().as_secs() / CHECK_SECONDS + 1) * CHECK_SECONDS)
}

/// Waits until the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone stops too.
    let _ = stopping.wait_for(|stop| *stop).await;
}
