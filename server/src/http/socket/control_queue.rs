//! What goes to a terminal's client beside the output.

use axum::extract::ws::Message;
use muxboard_core::name::SessionName;
use muxboard_core::snapshot::{Mode, SessionId};
use muxboard_core::wire::{Grid, Seen, ToClient};

/// What goes to the client beside the output, each the latest of its kind alone or their sum: a client that asks and does not read fills nothing.
#[derive(Default)]
pub(super) struct ControlQueue {
    pub(super) grid: Option<Grid>,
    pub(super) pong: Option<u32>,
    pub(super) clients: Option<Vec<Seen>>,
    pub(super) shows: Option<(SessionId, SessionName)>,
    pub(super) mode: Option<Option<Mode>>,
    written: u32,
}

impl ControlQueue {
    /// So many more bytes of pastes were written.
    pub(super) fn written(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    pub(super) fn next(&mut self) -> Option<Message> {
        let frame = (self.grid.take().map(ToClient::Attached))
            .or_else(|| self.pong.take().map(ToClient::Pong))
            .or_else(|| self.clients.take().map(ToClient::Clients))
            .or_else(|| self.shows.take().map(|(id, name)| ToClient::Shows { session: id.to_string(), name: name.to_string() }))
            .or_else(|| self.mode.take().map(ToClient::Mode))
            .or_else(|| Some(std::mem::take(&mut self.written)).filter(|bytes| *bytes > 0).map(ToClient::Written))?;
        Some(Message::Binary(frame.encode().into()))
    }
}
