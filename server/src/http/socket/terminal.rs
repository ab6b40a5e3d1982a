//! A terminal's WebSocket, from its request to an attached terminal or the close code that says why there is none.

use super::session::TerminalSession;
use super::{close, close_for, refused};
use crate::board_port::BoardPort;
use crate::error::to_public;
use crate::http::api::{NoTarget, Target};
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::limits::{CLIENT_FRAME_BYTES_MAX, HELLO_SECONDS_MAX, WRITE_BUFFER_BYTES};
use muxboard_core::name::SessionName;
use muxboard_core::policy::{Operation, Permit, Type, Watch};
use muxboard_core::snapshot::UserState;
use muxboard_core::wire::{Close, ToServer};
use muxboard_fleet::{ActionError, Attachment};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(crate) async fn attach(
    State(state): State<Arc<AppState>>,
    context: RequestContext,
    target: Result<Target, NoTarget>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade
        .max_message_size(CLIENT_FRAME_BYTES_MAX)
        .max_frame_size(CLIENT_FRAME_BYTES_MAX)
        .read_buffer_size(WRITE_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        // The frame's own head comes on top.
        .max_write_buffer_size(state.fleet.limits().queue_bytes + WRITE_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        let who = match (refused(&state, &context), &context.actor) {
            (Ok(_), Ok(actor)) => actor.clone(),
            (Err(why), _) => return close(socket, why).await,
            _ => return close(socket, Close::Unauthenticated).await,
        };
        match target {
            Ok(target) => start(context.board(&state, who), context, target, socket).await,
            Err(_) => close(socket, Close::Unknown).await,
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

async fn start(board: BoardPort, context: RequestContext, Target { place, session }: Target, mut socket: WebSocket) {
    let state = &board.state;
    let hello = timeout(Duration::from_secs(HELLO_SECONDS_MAX), socket.recv()).await;
    let (grid, watch, name) = match hello {
        Ok(Some(Ok(Message::Binary(bytes)))) => match ToServer::decode(&bytes) {
            Ok(ToServer::Hello { grid, watch, name }) => (grid, watch, name.parse().ok()),
            _ => return close(socket, Close::BadFrame).await,
        },
        Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return,
        _ => return close(socket, Close::BadFrame).await,
    };
    // Two operations, two permits: what may only watch has no way to the pty.
    if watch {
        match board.permit(place, Watch { session }) {
            Ok(permit) => run(state, &context, &permit, name, state.fleet.watch(&permit, grid).await, socket).await,
            Err(error) => close(socket, reason(&error)).await,
        }
    } else {
        match board.permit(place, Type { session }) {
            Ok(permit) => run(state, &context, &permit, name, state.fleet.attach(&permit, grid).await, socket).await,
            Err(error) => close(socket, reason(&error)).await,
        }
    }
}

/// Runs a terminal that was opened; closes the socket of one that was not, with the cause where it is known.
async fn run<O: Operation>(
    state: &Arc<AppState>,
    context: &RequestContext,
    permit: &Permit<O>,
    name: Option<SessionName>,
    opened: Result<Attachment, ActionError>,
    socket: WebSocket,
) {
    match opened {
        Ok(attachment) => TerminalSession::new(state, context, permit, name, attachment, socket).run().await,
        Err(failed) => {
            let cause = match &failed {
                ActionError::Host(fault) | ActionError::User(UserState::Fault(fault)) => Some(fault.clone()),
                _ => None,
            };
            close_for(socket, reason(&to_public(failed)), cause.as_ref()).await;
        }
    }
}
