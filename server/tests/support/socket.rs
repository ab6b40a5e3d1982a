//! A terminal's WebSocket, as a program would use it.

use super::{Board, PATIENCE, TOKEN};
use futures_util::{SinkExt, StreamExt};
use muxboard_core::flow::Taken;
use muxboard_core::wire::{Close, Grid, ToClient, ToServer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub async fn connect(board: &Board, path: &str, headers: &[(&'static str, String)]) -> Socket {
    let mut request = format!("ws://127.0.0.1:{}{path}", board.port).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    timeout(PATIENCE, connect_async(request)).await.unwrap().unwrap().0
}

pub fn token(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

pub async fn say(socket: &mut Socket, frame: ToServer) {
    socket.send(Message::Binary(frame.encode().into())).await.unwrap();
}

pub async fn hello(socket: &mut Socket, watch: bool) {
    greet(socket, watch, (80, 24), "").await;
}

pub async fn greet(socket: &mut Socket, watch: bool, (columns, rows): (u16, u16), name: &str) {
    say(socket, ToServer::Hello { grid: Grid::clamped(columns, rows), watch, name: name.into() }).await;
}

/// A terminal that shows a session, its first screen read.
pub async fn attached(board: &Board, session: &str, watch: bool) -> Socket {
    let path = format!("/ws/attach/here/{}/{session}", board.accounts.front);
    let mut socket = connect(board, &path, &token(TOKEN)).await;
    hello(&mut socket, watch).await;
    until(&mut socket, "\x1b").await;
    socket
}

/// Reads on, taking all output, until a frame is the one that is meant.
pub async fn frame<T>(socket: &mut Socket, mut meant: impl FnMut(ToClient) -> Option<T>) -> T {
    let read = async {
        loop {
            let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() else { continue };
            let frame = ToClient::decode(&bytes).unwrap();
            if let ToClient::Output(output) = &frame {
                say(socket, ToServer::Taken(Taken::now(u32::try_from(output.len()).unwrap()))).await;
            }
            if let Some(found) = meant(frame) {
                break found;
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap()
}

/// Reads on until the output holds this.
pub async fn until(socket: &mut Socket, wanted: &str) -> String {
    let mut text = String::new();
    let read = async {
        while !text.contains(wanted) {
            match socket.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => {
                    if let Ok(ToClient::Output(output)) = ToClient::decode(&bytes) {
                        text += &String::from_utf8_lossy(&output);
                        let taken = u32::try_from(output.len()).unwrap();
                        socket.send(Message::Binary(ToServer::Taken(Taken::now(taken)).encode().into())).await.unwrap();
                    }
                }
                Message::Close(frame) => panic!("closed with {frame:?} before {wanted:?}"),
                _ => {}
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{wanted:?} never came"));
    text
}

/// Reads on until the close, taking all output.
pub async fn closed_reading(mut socket: Socket) -> Option<Close> {
    let read = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => break frame.and_then(|f| Close::of(f.code.into())),
                Some(Ok(Message::Binary(bytes))) => {
                    // A send can cross the close.
                    let taken = ToServer::Taken(Taken::now(u32::try_from(bytes.len().saturating_sub(1)).unwrap()));
                    let _ = socket.send(Message::Binary(taken.encode().into())).await;
                }
                Some(Ok(_)) => {}
                other => panic!("ended without a close: {other:?}"),
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap()
}

/// Reads on until the close.
pub async fn closed(mut socket: Socket) -> Option<Close> {
    let read = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => break frame.and_then(|f| Close::of(f.code.into())),
                Some(Ok(_)) => {}
                other => panic!("ended without a close: {other:?}"),
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap()
}

/// Reads on until the output holds this: none; or until the close.
pub async fn shows_or_closes(socket: &mut Socket, wanted: &str) -> Option<Close> {
    shows_or_closes_with(socket, wanted).await.map(|(close, _)| close)
}

/// Reads on until the output holds this: none; or until the close, and gives its reason too.
pub async fn shows_or_closes_with(socket: &mut Socket, wanted: &str) -> Option<(Close, String)> {
    let mut text = String::new();
    let read = async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Close(frame) => {
                    let frame = frame.expect("a close without a code");
                    break Some((Close::of(frame.code.into()).expect("a close without a code of ours"), frame.reason.to_string()));
                }
                Message::Binary(bytes) => {
                    if let Ok(ToClient::Output(output)) = ToClient::decode(&bytes) {
                        text += &String::from_utf8_lossy(&output);
                        if text.contains(wanted) {
                            break None;
                        }
                    }
                }
                _ => {}
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("neither {wanted:?} nor a close came"))
}
