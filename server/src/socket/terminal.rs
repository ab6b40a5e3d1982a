//! A terminal's WebSocket: one task that selects over the pty, the socket, the clock and the server's own end.

use super::{close, send, stopped};
use crate::board::{Shared, public};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::flow::Credit;
use muxboard_core::limits::{
    CLIENT_FRAME_BYTES_MAX, CREDIT_BYTES, HELLO_SECONDS_MAX, INPUT_BYTES_MAX, OUTPUT_FRAME_BYTES_MAX, OUTPUT_FRAME_MS, PING_SECONDS, SILENCE_SECONDS_MAX,
    WRITE_BUFFER_BYTES,
};
use muxboard_core::policy::{Operation, Permit, Principal, Type, Watch};
use muxboard_core::snapshot::{Place, SessionId};
use muxboard_core::wire::{Close, Grid, ToClient, ToServer};
use muxboard_fleet::{AttachEnd, Attachment};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep_until, timeout};

pub(crate) async fn attach(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path((host, user, session)): Path<(String, String, String)>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let who = shared.gate.principal(&headers);
    let upgrade = upgrade.max_message_size(CLIENT_FRAME_BYTES_MAX).max_frame_size(CLIENT_FRAME_BYTES_MAX).write_buffer_size(WRITE_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        let Some(who) = who else { return close(socket, Close::Unauthenticated).await };
        match (format!("{host}/{user}").parse(), session.parse()) {
            (Ok(place), Ok(session)) => start(shared, who, headers, place, session, socket).await,
            _ => close(socket, Close::Unknown).await,
        }
    })
}

fn reason(error: &PublicError) -> Close {
    match error.code {
        Kind::NotFound => Close::Unknown,
        Kind::CapReached => Close::CapReached,
        Kind::Forbidden => Close::Forbidden,
        Kind::Gone => Close::Gone,
        _ => Close::Unreachable,
    }
}

async fn start(shared: Arc<Shared>, who: Principal, headers: HeaderMap, place: Place, session: SessionId, mut socket: WebSocket) {
    let hello = timeout(Duration::from_secs(HELLO_SECONDS_MAX), socket.recv()).await;
    let (grid, watch) = match hello {
        Ok(Some(Ok(Message::Binary(bytes)))) => match ToServer::decode(&bytes) {
            Ok(ToServer::Hello { grid, watch }) => (grid, watch),
            _ => return close(socket, Close::BadFrame).await,
        },
        Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return,
        _ => return close(socket, Close::BadFrame).await,
    };
    // Two operations, two permits: what may only watch has no way to the pty.
    if watch {
        match shared.permit(&who, place, Watch { session }).and_then(|p| shared.fleet.watch(&p, grid).map(|a| (p, a)).map_err(public)) {
            Ok((permit, attachment)) => pump(&shared, &headers, &permit, attachment, socket).await,
            Err(error) => close(socket, reason(&error)).await,
        }
    } else {
        match shared.permit(&who, place, Type { session }).and_then(|p| shared.fleet.attach(&p, grid).map(|a| (p, a)).map_err(public)) {
            Ok((permit, attachment)) => pump(&shared, &headers, &permit, attachment, socket).await,
            Err(error) => close(socket, reason(&error)).await,
        }
    }
}

/// Output on its way to the client: a frame that is being filled, and when it may go.
struct Outbox {
    frame: Vec<u8>,
    not_before: Instant,
    credit: Credit,
    attached: bool,
    grid: Grid,
}

impl Outbox {
    fn new(grid: Grid) -> Self {
        Self { frame: vec![ToClient::OUTPUT_TAG], not_before: Instant::now(), credit: Credit::new(CREDIT_BYTES), attached: false, grid }
    }

    fn held(&self) -> usize {
        self.frame.len() - 1
    }

    /// How far the frame may be filled, its tag included.
    fn limit(&self) -> usize {
        1 + self.credit.room().min(OUTPUT_FRAME_BYTES_MAX)
    }

    async fn flush(&mut self, socket: &mut WebSocket) -> bool {
        if !std::mem::replace(&mut self.attached, true) && !send(socket, Message::Binary(ToClient::Attached(self.grid).encode().into())).await {
            return false;
        }
        if self.held() == 0 {
            return true;
        }
        self.credit.sent(self.held());
        self.not_before = Instant::now() + Duration::from_millis(OUTPUT_FRAME_MS);
        let frame = std::mem::replace(&mut self.frame, vec![ToClient::OUTPUT_TAG]);
        send(socket, Message::Binary(frame.into())).await
    }
}

async fn pump<O: Operation>(shared: &Shared, headers: &HeaderMap, permit: &Permit<O>, mut attachment: Attachment, mut socket: WebSocket) {
    let mut stopping = shared.stop.subscribe();
    let mut ping = interval(Duration::from_secs(PING_SECONDS));
    let mut heard = Instant::now();
    // tmux can be set to lead a client whose session ends to another session (detach-on-destroy): that must not be shown as this one.
    let _look = shared.fleet.look();
    let mut snapshot = shared.fleet.snapshot();
    let mut out = Outbox::new(attachment.grid());
    let mut input: Vec<u8> = Vec::new();
    let end = loop {
        // Not biased: a flood keeps the first arms ready, and an ended login or a stopping server must be heard through it.
        tokio::select! {
            message = socket.recv(), if input.len() < INPUT_BYTES_MAX => {
                heard = Instant::now();
                let frame = match message {
                    Some(Ok(Message::Binary(bytes))) => ToServer::decode(&bytes),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(Message::Text(_))) => break Close::BadFrame,
                };
                match frame {
                    Ok(ToServer::Input(bytes)) => input.extend_from_slice(&bytes),
                    Ok(ToServer::Resize(grid)) => attachment.resize(grid),
                    Ok(ToServer::Taken(bytes)) => out.credit.taken(bytes),
                    Ok(ToServer::Ping(number)) => if !send(&mut socket, Message::Binary(ToClient::Pong(number).encode().into())).await { return; },
                    Ok(ToServer::Hello { .. }) | Err(_) => break Close::BadFrame,
                }
            }
            () = attachment.writable(), if !input.is_empty() => match attachment.write(&input) {
                Ok(written) => drop(input.drain(..written)),
                // The end of the output says why.
                Err(_) => input.clear(),
            },
            () = attachment.readable(), if out.frame.len() < out.limit() => {
                let limit = out.limit();
                let ended = attachment.read(&mut out.frame, limit);
                // What may be tmux's word that the session is gone is not shown.
                let due = Instant::now() >= out.not_before || out.frame.len() >= limit;
                if let Err(end) = ended {
                    break over(shared, permit, end, &mut out, &mut socket).await;
                }
                if out.held() > 0 && due && !attachment.undecided() && !out.flush(&mut socket).await { return; }
            }
            () = sleep_until(out.not_before), if out.held() > 0 && !attachment.undecided() => if !out.flush(&mut socket).await { return; },
            () = sleep_until(attachment.deadline()) => break Close::LifetimeOver,
            changed = snapshot.changed() => {
                snapshot.borrow_and_update();
                let gone = permit.operation().session().is_some_and(|id| shared.fleet.known(permit.place(), id) == Some(false));
                if changed.is_err() || gone && out.attached { break Close::Gone; }
            }
            _ = ping.tick() => {
                if shared.gate.principal(headers).as_ref() != Some(permit.principal()) { break Close::Revoked; }
                if heard.elapsed() > Duration::from_secs(SILENCE_SECONDS_MAX) || !send(&mut socket, Message::Ping(Default::default())).await { return; }
            }
            () = stopped(&mut stopping) => break Close::ShuttingDown,
        }
    };
    // The slot and the tmux client go before the client hears the end: who reconnects at once finds room.
    drop(attachment);
    close(socket, end).await;
}

/// The terminal's own end: the last output goes out, then it is asked whether the session lives on.
async fn over<O: Operation>(shared: &Shared, permit: &Permit<O>, end: AttachEnd, out: &mut Outbox, socket: &mut WebSocket) -> Close {
    if end == AttachEnd::Gone {
        return Close::Gone;
    }
    out.flush(socket).await;
    match shared.fleet.outlived(permit).await {
        Some(true) => Close::Detached,
        Some(false) => Close::Gone,
        None => Close::Unreachable,
    }
}
