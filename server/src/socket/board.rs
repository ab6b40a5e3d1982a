//! The board's WebSocket: the whole view first, then what changes. Somebody looks as long as it is open.

use super::{close, send, stopped};
use crate::board::Shared;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use muxboard_app::board::Board;
use muxboard_core::limits::{CHECK_SECONDS, CLIENT_FRAME_BYTES_MAX, SILENCE_SECONDS_MAX, WRITE_BUFFER_BYTES};
use muxboard_core::policy::Principal;
use muxboard_core::wire::{BoardFrame, Close};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval};

pub(crate) async fn follow(State(shared): State<Arc<Shared>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let who = shared.gate.principal(&headers);
    let upgrade = upgrade.max_message_size(CLIENT_FRAME_BYTES_MAX).max_frame_size(CLIENT_FRAME_BYTES_MAX).write_buffer_size(WRITE_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        match who {
            None => close(socket, Close::Unauthenticated).await,
            Some(who) => run(shared, who, headers, socket).await,
        }
    })
}

async fn run(shared: Arc<Shared>, who: Principal, headers: HeaderMap, mut socket: WebSocket) {
    let Ok(_place) = shared.boards.clone().try_acquire_owned() else { return close(socket, Close::CapReached).await };
    let mut snapshot = shared.fleet.snapshot();
    let mut stopping = shared.stop.subscribe();
    let mut view = shared.view(&who);
    // Who may see nothing has nothing swept for them.
    let _look = shared.fleet.look(view.hosts.iter().map(|h| h.host.key.clone()).collect());
    let mut revision = 0;
    let whole = BoardFrame::Whole { revision, view: view.clone() };
    if !send(&mut socket, Message::Binary(whole.encode().into())).await {
        return;
    }
    let mut ping = interval(Duration::from_secs(CHECK_SECONDS));
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            changed = snapshot.changed() => {
                if changed.is_err() { return close(socket, Close::ShuttingDown).await; }
                snapshot.borrow_and_update();
                let next = shared.view(&who);
                revision += 1;
                if let Some(frame) = BoardFrame::between(&view, &next, revision)
                    && !send(&mut socket, Message::Binary(frame.encode().into())).await
                {
                    return;
                }
                view = next;
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => heard = Instant::now(),
            },
            _ = ping.tick() => {
                if shared.gate.principal(&headers).as_ref() != Some(&who) { return close(socket, Close::Revoked).await; }
                if heard.elapsed() > Duration::from_secs(SILENCE_SECONDS_MAX) || !send(&mut socket, Message::Ping(Default::default())).await { return; }
            }
            () = stopped(&mut stopping) => return close(socket, Close::ShuttingDown).await,
        }
    }
}
