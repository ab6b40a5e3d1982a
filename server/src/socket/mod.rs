//! The WebSockets: the board's and a terminal's.

pub(crate) mod board;
mod line;
mod outbox;
pub(crate) mod terminal;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use muxboard_core::limits::{HELLO_SECONDS_MAX, SILENCE_SECONDS_MAX};
use muxboard_core::wire::Close;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Sends; false if the other side is gone or took nothing for too long.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(Duration::from_secs(SILENCE_SECONDS_MAX), socket.send(message)).await, Ok(Ok(())))
}

/// Says why, and closes.
async fn close(mut socket: WebSocket, why: Close) {
    let frame = CloseFrame { code: why.code(), reason: why.sentence().into() };
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
