//! A WebSocket on which nothing waits for the other side to read: what the kernel does not take now is sent while the owner does other things.

use axum::extract::ws::{Message, WebSocket};
use futures_util::{Sink, Stream};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// What happens on a [`NonBlockingSocket`].
pub(super) enum SocketEvent {
    /// The kernel has taken everything sent so far.
    Flushed,
    /// A message came.
    Message(Message),
    /// The connection is gone.
    Closed,
}

/// The WebSocket.
pub(super) struct NonBlockingSocket {
    socket: WebSocket,
    flushing: bool,
}

impl NonBlockingSocket {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self { socket, flushing: false }
    }

    /// Whether a message may be sent: the one before is on its way.
    pub(super) fn is_free(&self) -> bool {
        !self.flushing
    }

    /// Sends a message, as far as the kernel takes it now; to be called when the line is free. False: the connection is gone.
    pub(super) async fn send(&mut self, message: Message) -> bool {
        let mut message = Some(message);
        poll_fn(|cx| {
            let mut socket = Pin::new(&mut self.socket);
            if let Some(message) = message.take() {
                // A line that is free is ready; whatever else this says, the flush says it again.
                let _ = socket.as_mut().poll_ready(cx);
                if socket.as_mut().start_send(message).is_err() {
                    return Poll::Ready(false);
                }
            }
            match socket.poll_flush(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(true),
                Poll::Ready(Err(_)) => Poll::Ready(false),
                Poll::Pending => {
                    self.flushing = true;
                    Poll::Ready(true)
                }
            }
        })
        .await
    }

    /// Waits for the next event; for messages only if `listening`.
    pub(super) async fn event(&mut self, listening: bool) -> SocketEvent {
        poll_fn(|cx| {
            let mut socket = Pin::new(&mut self.socket);
            if self.flushing {
                match socket.as_mut().poll_flush(cx) {
                    Poll::Ready(Ok(())) => {
                        self.flushing = false;
                        return Poll::Ready(SocketEvent::Flushed);
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(SocketEvent::Closed),
                    Poll::Pending => {}
                }
            }
            if !listening {
                return Poll::Pending;
            }
            socket.poll_next(cx).map(|message| match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => SocketEvent::Closed,
                Some(Ok(message)) => SocketEvent::Message(message),
            })
        })
        .await
    }

    /// The socket, for the end.
    pub(super) fn into_socket(self) -> WebSocket {
        self.socket
    }
}
