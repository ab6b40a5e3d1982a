//! The terminal's WebSocket against the real binary: every way it ends has its close code.

mod support;

use futures_util::{SinkExt, StreamExt};
use muxboard_core::wire::{Close, Grid, ToClient, ToServer};
use support::{Board, PATIENCE, TOKEN, WATCH_TOKEN};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(board: &Board, path: &str, headers: &[(&'static str, String)]) -> Socket {
    let mut request = format!("ws://127.0.0.1:{}{path}", board.port).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    timeout(PATIENCE, connect_async(request)).await.unwrap().unwrap().0
}

fn token(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

async fn say(socket: &mut Socket, frame: ToServer) {
    socket.send(Message::Binary(frame.encode().into())).await.unwrap();
}

async fn hello(socket: &mut Socket, watch: bool) {
    say(socket, ToServer::Hello { grid: Grid::clamped(80, 24), watch, name: String::new() }).await;
}

/// Reads on until the output holds this.
async fn until(socket: &mut Socket, wanted: &str) -> String {
    let mut text = String::new();
    let read = async {
        while !text.contains(wanted) {
            match socket.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => {
                    if let Ok(ToClient::Output(output)) = ToClient::decode(&bytes) {
                        text += &String::from_utf8_lossy(&output);
                        let taken = u32::try_from(output.len()).unwrap();
                        socket.send(Message::Binary(ToServer::Taken(taken).encode().into())).await.unwrap();
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
async fn closed_reading(mut socket: Socket) -> Option<Close> {
    let read = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => break frame.and_then(|f| Close::of(f.code.into())),
                Some(Ok(Message::Binary(bytes))) => {
                    // A send can cross the close.
                    let taken = ToServer::Taken(u32::try_from(bytes.len().saturating_sub(1)).unwrap());
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
async fn closed(mut socket: Socket) -> Option<Close> {
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

#[tokio::test(flavor = "multi_thread")]
async fn every_end_has_its_code() {
    let Some(mut board) = Board::start("[limits]\nattaches_per_principal = 2") else { return };
    let (front, other) = (board.accounts.front.clone(), board.accounts.other.clone());
    board.tmux(&front, &["new-session", "-d", "-s", "keep"]);
    board.tmux(&front, &["new-session", "-d", "-s", "a", "printf ready; exec cat"]);
    let (keep, id) = (board.session(&front, "keep"), board.session(&front, "a"));
    let path = format!("/ws/attach/here/{front}/{id}");
    let own = vec![("origin", format!("http://127.0.0.1:{}", board.port))];

    assert_eq!(closed(connect(&board, &path, &own).await).await, Some(Close::Unauthenticated));
    assert_eq!(closed(connect(&board, "/ws/board", &own).await).await, Some(Close::Unauthenticated));
    for (path, secret, watch, want) in [
        (format!("/ws/attach/nowhere/{front}/{id}"), TOKEN, false, Close::Unknown),
        (format!("/ws/attach/here/root/{id}"), TOKEN, false, Close::Unknown),
        (format!("/ws/attach/here/{other}/{id}"), WATCH_TOKEN, true, Close::Forbidden),
        (path.clone(), WATCH_TOKEN, false, Close::Forbidden),
        (format!("/ws/attach/here/{front}/1-1-1-1"), TOKEN, false, Close::Gone),
    ] {
        let mut socket = connect(&board, &path, &token(secret)).await;
        hello(&mut socket, watch).await;
        assert_eq!(closed(socket).await, Some(want), "{path}");
    }
    let mut socket = connect(&board, &path, &token(TOKEN)).await;
    socket.send(Message::Binary(vec![0xff].into())).await.unwrap();
    assert_eq!(closed(socket).await, Some(Close::BadFrame));

    // A watcher's keys go nowhere; a typist's do.
    let mut watcher = connect(&board, &path, &token(WATCH_TOKEN)).await;
    hello(&mut watcher, true).await;
    until(&mut watcher, "ready").await;
    say(&mut watcher, ToServer::Input(b"nothing\x02d\x04".to_vec())).await;
    let mut first = connect(&board, &path, &token(TOKEN)).await;
    hello(&mut first, false).await;
    until(&mut first, "ready").await;
    say(&mut first, ToServer::Input(b"something".to_vec())).await;
    until(&mut first, "something").await;
    assert_eq!(board.tmux(&front, &["capture-pane", "-p", "-t", "a"]), "readysomething");

    let mut second = connect(&board, &path, &token(TOKEN)).await;
    hello(&mut second, false).await;
    until(&mut second, "ready").await;
    let mut third = connect(&board, &path, &token(TOKEN)).await;
    hello(&mut third, false).await;
    assert_eq!(closed(third).await, Some(Close::CapReached));

    // Letting go is no end of the session; its end is.
    say(&mut second, ToServer::Input(b"\x02d".to_vec())).await;
    assert_eq!(closed(second).await, Some(Close::Detached));
    board.tmux(&front, &["kill-session", "-t", "=a"]);
    assert_eq!(closed(first).await, Some(Close::Gone));
    assert_eq!(closed(watcher).await, Some(Close::Gone));

    // With detach-on-destroy off tmux would show another session in its place.
    board.tmux(&front, &["set-option", "-g", "detach-on-destroy", "off"]);
    board.tmux(&front, &["new-session", "-d", "-s", "b", "printf ready; exec cat"]);
    let b = board.session(&front, "b");
    let mut led = connect(&board, &format!("/ws/attach/here/{front}/{b}"), &token(TOKEN)).await;
    hello(&mut led, false).await;
    until(&mut led, "ready").await;
    board.tmux(&front, &["kill-session", "-t", "=b"]);
    assert_eq!(closed(led).await, Some(Close::Gone));

    // A login that ends takes its terminals with it.
    let answer = board.post("/login", &[("token", TOKEN), ("next", "/")]).own_origin().send();
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let headers = vec![own[0].clone(), ("cookie", cookie.clone())];
    let kept = format!("/ws/attach/here/{front}/{keep}");
    let mut by_login = connect(&board, &kept, &headers).await;
    hello(&mut by_login, false).await;
    until(&mut by_login, "\x1b").await;
    // Heard through a flood too.
    say(&mut by_login, ToServer::Input(b"yes flooding\r".to_vec())).await;
    until(&mut by_login, "flooding\r\nflooding").await;
    assert_eq!(board.post("/logout", &[]).header("Cookie", &cookie).own_origin().send().status, 303);
    assert_eq!(closed_reading(by_login).await, Some(Close::Revoked));
    board.tmux(&front, &["send-keys", "-t", "keep", "C-c"]);

    let mut last = connect(&board, &kept, &token(TOKEN)).await;
    hello(&mut last, false).await;
    until(&mut last, "\x1b").await;
    let follower = connect(&board, "/ws/board", &token(TOKEN)).await;
    let ends = tokio::spawn(async move { (closed(last).await, closed(follower).await) });
    assert_eq!(board.stop("TERM"), Some(0));
    assert_eq!(ends.await.unwrap(), (Some(Close::ShuttingDown), Some(Close::ShuttingDown)));
    assert_eq!(board.tmux(&front, &["list-sessions", "-F", "#{session_name}"]), "keep");
}
