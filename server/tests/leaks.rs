//! Terminals that end in every way there is leave nothing behind: no process, no zombie, no descriptor, no tmux client. Boards that stay leave room for others.

mod support;

use futures_util::StreamExt;
use futures_util::future::join_all;
use muxboard_core::limits::BOARDS_PER_PRINCIPAL;
use muxboard_core::wire::{BoardFrame, Close};
use std::path::PathBuf;
use support::socket::*;
use support::{Board, PATIENCE, TOKEN, WATCH_TOKEN};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

fn descriptors(pid: u32) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok()).collect();
    all.sort();
    all
}

/// The children of a process, zombies too.
fn children(pid: u32) -> Vec<String> {
    let stat = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok();
    let parent = format!(" {pid} ");
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(stat)
        .filter(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.get(2..).is_some_and(|r| r.starts_with(&parent))))
        .collect()
}

async fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_terminals_ended_in_every_way_leave_nothing_behind() {
    let Some(mut board) = Board::start("[limits]\nattaches = 40\nattaches_per_principal = 40\nattach_hours = 0.002") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "keep"]);
    board.tmux(&front, &["new-session", "-d", "-s", "a"]);
    let keep = board.session(&front, "keep");
    let id = board.session(&front, "a");
    let clients = |board: &Board| board.tmux(&front, &["list-clients", "-F", "#{client_pid}"]);
    // One first: what every server keeps once it has served is no leak.
    drop(attached(&board, &id, false).await);
    wait_for("the first one is gone", || clients(&board).is_empty() && children(board.pid()).is_empty()).await;
    let before = descriptors(board.pid());
    let mut ended = 0;
    for way in ["tab closed", "network cut", "session killed", "client killed", "lifetime over", "detached"].into_iter().cycle().take(18) {
        let id = if way == "session killed" {
            board.tmux(&front, &["new-session", "-d", "-s", "b"]);
            board.session(&front, "b")
        } else {
            id.clone()
        };
        let mut sockets = join_all((0..11).map(|_| attached(&board, &id, false))).await;
        ended += sockets.len();
        match way {
            "tab closed" => join_all(sockets.iter_mut().map(|socket| socket.close(None))).await.into_iter().for_each(|closed| closed.unwrap()),
            "network cut" => sockets.iter().for_each(|socket| match socket.get_ref() {
                // The other side resets it, as a router does that forgot the connection.
                tokio_tungstenite::MaybeTlsStream::Plain(tcp) => tcp.set_zero_linger().unwrap(),
                _ => unreachable!(),
            }),
            "session killed" => {
                board.tmux(&front, &["kill-session", "-t", "=b"]);
                assert!(join_all(sockets.drain(..).map(closed_reading)).await.iter().all(|close| *close == Some(Close::Gone)));
            }
            "client killed" => {
                for pid in clients(&board).lines() {
                    rustix::process::kill_process(rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap(), rustix::process::Signal::KILL).unwrap();
                }
                assert!(join_all(sockets.drain(..).map(closed_reading)).await.iter().all(|close| *close == Some(Close::Detached)));
            }
            "lifetime over" => assert!(join_all(sockets.drain(..).map(closed_reading)).await.iter().all(|close| *close == Some(Close::LifetimeOver))),
            _ => {
                board.tmux(&front, &["detach-client", "-s", "=a"]);
                assert!(join_all(sockets.drain(..).map(closed_reading)).await.iter().all(|close| *close == Some(Close::Detached)));
            }
        }
        drop(sockets);
        wait_for(&format!("no tmux client is left after: {way}"), || clients(&board).is_empty()).await;
    }
    assert!(ended >= 190, "{ended}");
    // A look may be on its way.
    wait_for("every child is collected", || children(board.pid()).is_empty()).await;
    wait_for("every descriptor is closed", || descriptors(board.pid()).len() <= before.len()).await;

    // The server itself stops.
    let sockets = join_all((0..11).map(|_| attached(&board, &keep, false))).await;
    let ends = tokio::spawn(join_all(sockets.into_iter().map(closed_reading)));
    assert_eq!(board.stop("TERM"), Some(0));
    assert!(ends.await.unwrap().iter().all(|close| *close == Some(Close::ShuttingDown)));
    wait_for("no tmux client is left after: server stopped", || clients(&board).is_empty()).await;
    assert_eq!(board.tmux(&front, &["list-sessions", "-F", "#{session_name}"]), "a\nkeep");
}

/// The next frame of a board.
async fn news(socket: &mut Socket) -> BoardFrame {
    let read = async {
        loop {
            if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
                break BoardFrame::decode(&bytes).unwrap();
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap()
}

/// One that may see nothing took all the places, and nobody's page was live any more; and where nothing changed the page took the line for dead.
#[tokio::test(flavor = "multi_thread")]
async fn one_principal_took_every_board_and_a_board_on_which_nothing_happens_seemed_dead() {
    let Some(board) = Board::start("") else { return };
    board.configure(&board.config().replace("who = [\"eye\"]", "who = [\"nobody\"]"));
    wait_for("he may see nothing", || board.log().contains("read again")).await;
    let mut his = Vec::new();
    for _ in 0..BOARDS_PER_PRINCIPAL {
        let mut socket = connect(&board, "/ws/board", &token(WATCH_TOKEN)).await;
        assert!(matches!(news(&mut socket).await, BoardFrame::Whole { .. }));
        his.push(socket);
    }
    assert_eq!(closed(connect(&board, "/ws/board", &token(WATCH_TOKEN)).await).await, Some(Close::CapReached));
    assert!(matches!(news(&mut connect(&board, "/ws/board", &token(TOKEN)).await).await, BoardFrame::Whole { .. }));
    assert!(matches!(news(&mut his[0]).await, BoardFrame::Changed { hosts, swept, .. } if hosts.is_empty() && swept.is_empty()));
}

/// A terminal through sudo is held open until tmux has drawn, also when its client has left: the number of those was bounded by nothing.
#[tokio::test(flavor = "multi_thread")]
async fn terminals_that_are_held_open_after_their_clients_left_count_among_the_open_ones() {
    let Some(board) = Board::start("[limits]\nattaches_per_principal = 2") else { return };
    let other = board.accounts.other.clone();
    board.tmux(&other, &["new-session", "-d", "-s", "a", "exec cat"]);
    let path = format!("/ws/attach/here/{other}/{}", board.session(&other, "a"));
    let server = board.tmux(&other, &["display-message", "-p", "#{pid}"]);
    support::sshd::run("kill", &["-STOP", &server]);
    for n in 0..2 {
        let mut socket = connect(&board, &path, &token(TOKEN)).await;
        hello(&mut socket, false).await;
        support::sshd::until("it is opened", || board.log().matches("operation=\"type\"").count() > 2 * n);
        drop(socket);
        support::sshd::until("its client has left", || board.log().matches("operation=\"type\"").count() > 2 * n + 1);
    }
    let mut third = connect(&board, &path, &token(TOKEN)).await;
    hello(&mut third, false).await;
    let refused = closed_reading(third).await;
    support::sshd::run("kill", &["-CONT", &server]);
    assert_eq!(refused, Some(Close::CapReached));
}
