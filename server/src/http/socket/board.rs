//! The board's WebSocket: the whole view first, then what changes. Somebody looks as long as it is open.

use super::{Revalidation, close, refused, send, stopped};
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use muxboard_core::limits::{BOARD_FRAME_MS, BOARD_QUIET_SECONDS, CHECK_SECONDS, CLIENT_FRAME_BYTES_MAX, SILENCE_SECONDS_MAX, WRITE_BUFFER_BYTES};
use muxboard_core::policy::Principal;
use muxboard_core::snapshot::HostRow;
use muxboard_core::view::{self, HostView, View};
use muxboard_core::wire::{BoardFrame, Close};
use muxboard_fleet::{Viewer, unix_now};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep_until};

pub(crate) async fn follow(State(state): State<Arc<AppState>>, context: RequestContext, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.max_message_size(CLIENT_FRAME_BYTES_MAX).max_frame_size(CLIENT_FRAME_BYTES_MAX).write_buffer_size(WRITE_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        match refused(&state, &context) {
            Err(why) => close(socket, why).await,
            Ok(who) => run(state, who, context, socket).await,
        }
    })
}

/// A host as it was last sent to a page: its row at that time, and the part of it that the principal may see.
type SentHost = (Arc<HostRow>, Option<HostView>);

/// All that a principal may see, and what he is told with it.
fn whole(state: &AppState, who: &Principal, rows: &[Arc<HostRow>]) -> (Vec<SentHost>, BoardFrame) {
    let policy = &state.rules().policy;
    let told: Vec<SentHost> = rows.iter().map(|row| (row.clone(), view::visible_host(policy, who, row))).collect();
    let view = View { principal: who.name.clone(), now: unix_now(), hosts: told.iter().filter_map(|(_, shown)| shown.clone()).collect() };
    (told, BoardFrame::Whole { view })
}

/// Has the hosts swept that the principal may see, as long as the value lives.
fn look(state: &AppState, told: &[SentHost]) -> Viewer {
    state.fleet.add_viewer(&told.iter().filter(|(_, shown)| shown.is_some()).map(|(row, _)| row.key.clone()).collect())
}

/// The change since then. A host whose row is the very same one costs nothing. (Other hosts come with other rules, and then all is told anew.)
fn news(state: &AppState, who: &Principal, told: &mut [SentHost], rows: &[Arc<HostRow>]) -> BoardFrame {
    let policy = &state.rules().policy;
    let mut frame = BoardFrame::Changed { now: unix_now(), hosts: Vec::new(), swept: Vec::new() };
    for ((then, shown), now) in told.iter_mut().zip(rows).filter(|((then, _), now)| !Arc::ptr_eq(then, now) && then.key == now.key) {
        // What most looks find is nothing new. A copy of all that is known of a host, only to see that, was most of what a page cost us.
        if then.users == now.users {
            if let Some(shown) = shown {
                frame.looked_at(&shown.host, now);
                (shown.host.state, shown.host.since, shown.host.swept_at) = (now.state.clone(), now.since, now.swept_at);
            }
            *then = now.clone();
            continue;
        }
        let next = view::visible_host(policy, who, now);
        if let (Some(was), Some(is)) = (&shown, &next) {
            frame.add(was, is);
        }
        (*then, *shown) = (now.clone(), next);
    }
    frame
}

async fn run(state: Arc<AppState>, who: Principal, context: RequestContext, mut socket: WebSocket) {
    let Some(_place) = state.boards.take(&who.name) else { return close(socket, Close::CapReached).await };
    let mut snapshot = state.fleet.snapshot();
    let mut stopping = state.stop.subscribe();
    let (mut rules, mut revalidation) = (state.rules.subscribe(), Revalidation::default());
    rules.borrow_and_update();
    let rows = snapshot.borrow_and_update().clone();
    let (mut told, first) = whole(&state, &who, &rows.hosts);
    let mut _look = look(&state, &told);
    if !send(&mut socket, Message::Binary(first.encode().into())).await {
        return;
    }
    let mut ping = interval(Duration::from_secs(CHECK_SECONDS));
    let (mut heard, mut told_at) = (Instant::now(), Instant::now());
    // What changes while a frame is not due yet goes with the next one.
    let mut not_before = Instant::now();
    let mut pending = false;
    loop {
        tokio::select! {
            changed = snapshot.changed(), if !pending => {
                if changed.is_err() { return close(socket, Close::ShuttingDown).await; }
                pending = true;
            }
            () = sleep_until(not_before), if pending => {
                pending = false;
                not_before = Instant::now() + Duration::from_millis(BOARD_FRAME_MS);
                let rows = snapshot.borrow_and_update().clone();
                let frame = news(&state, &who, &mut told, &rows.hosts);
                if !frame.is_quiet() {
                    told_at = Instant::now();
                    if !send(&mut socket, Message::Binary(frame.encode().into())).await { return; }
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => heard = Instant::now(),
            },
            changed = rules.changed() => {
                if changed.is_err() { return close(socket, Close::ShuttingDown).await; }
                rules.borrow_and_update();
                revalidation.start(&state, &context, &who);
                // Other hosts, other rights: all of it anew.
                let rows = snapshot.borrow_and_update().clone();
                let anew;
                (told, anew) = whole(&state, &who, &rows.hosts);
                _look = look(&state, &told);
                if !send(&mut socket, Message::Binary(anew.encode().into())).await { return; }
            }
            holds = revalidation.outcome() => if !holds { return close(socket, Close::Revoked).await; },
            _ = ping.tick() => {
                revalidation.start(&state, &context, &who);
                if heard.elapsed() > Duration::from_secs(SILENCE_SECONDS_MAX) || !send(&mut socket, Message::Ping(Default::default())).await { return; }
                // A page hears frames alone, and takes silence for a dead line: where nothing changes it hears that.
                if told_at.elapsed() > Duration::from_secs(BOARD_QUIET_SECONDS) {
                    told_at = Instant::now();
                    let nothing = BoardFrame::Changed { now: unix_now(), hosts: Vec::new(), swept: Vec::new() };
                    if !send(&mut socket, Message::Binary(nothing.encode().into())).await { return; }
                }
            }
            () = stopped(&mut stopping) => return close(socket, Close::ShuttingDown).await,
        }
    }
}
