//! The terminal's WebSocket against the real binary: every way it ends has its close code, a watcher changes nothing, a reader that stops
//! costs nobody anything.

mod support;

use futures_util::{SinkExt, StreamExt};
use muxboard_core::limits::CREDIT_BYTES_MAX;
use muxboard_core::wire::{Close, Grid, ToClient, ToServer};
use std::time::{Duration, Instant};
use support::socket::*;
use support::{Board, Login, PATIENCE, TOKEN, WATCH_TOKEN};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

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
    // The pong shows that the server has read the bytes before it.
    say(&mut watcher, ToServer::Ping(7)).await;
    frame(&mut watcher, |frame| (frame == ToClient::Pong(7)).then_some(())).await;
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
    let login = Login::of(&answer);
    let headers = vec![own[0].clone(), ("cookie", login.cookie.clone())];
    let kept = format!("/ws/attach/here/{front}/{keep}");
    let mut by_login = connect(&board, &format!("{}{kept}", login.base), &headers).await;
    hello(&mut by_login, false).await;
    until(&mut by_login, "\x1b").await;
    // Heard through a flood too. Its word is not in what is echoed, and tmux draws a flood in more ways than one.
    say(&mut by_login, ToServer::Input(b"yes flood$((40 + 2))\r".to_vec())).await;
    until(&mut by_login, "flood42").await;
    assert_eq!(board.post("/logout", &[]).logged_in(&login).own_origin().send().status, 303);
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

/// A board whose front account has one session, `a`, and a terminal that shows it.
async fn one_terminal(more: &str) -> Option<(Board, Socket)> {
    let board = Board::start(more)?;
    board.tmux(&board.accounts.front, &["new-session", "-d", "-s", "a"]);
    let socket = attached(&board, &board.session(&board.accounts.front, "a"), false).await;
    Some((board, socket))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_ends_a_connection_and_not_the_session() {
    let Some((board, socket)) = one_terminal("[limits]\nattach_hours = 0.0005").await else { return };
    assert_eq!(closed_reading(socket).await, Some(Close::LifetimeOver));
    assert_eq!(board.tmux(&board.accounts.front, &["list-sessions", "-F", "#{session_name}"]), "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_for_too_long_is_let_go() {
    let Some((board, socket)) = one_terminal("[limits]\nstall_seconds = 1").await else { return };
    board.tmux(&board.accounts.front, &["send-keys", "-t", "a", "yes", "Enter"]);
    // It reads, and answers pings, and acknowledges nothing.
    assert_eq!(closed(socket).await, Some(Close::Stalled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_fell_silent_is_found_out() {
    // Its connection stays open, as that of a machine that lost its network, and nothing comes from it any more.
    let Some((board, _silent)) = one_terminal("").await else { return };
    let front = board.accounts.front.clone();
    assert_eq!(board.tmux(&front, &["list-clients"]).lines().count(), 1);
    let gone = async {
        while !board.tmux(&front, &["list-clients"]).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_name_another_one_has_now_is_replaced() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "keep"]);
    board.tmux(&front, &["new-session", "-d", "-s", "a"]);
    let old = board.session(&front, "a");
    let live = attached(&board, &old, false).await;
    board.tmux(&front, &["kill-session", "-t", "=a", ";", "new-session", "-d", "-s", "a"]);
    assert_eq!(closed_reading(live).await, Some(Close::Replaced));
    // A page that comes back later knows the name alone.
    for (name, want) in [("a", Close::Replaced), ("b", Close::Gone), ("", Close::Gone)] {
        let mut late = connect(&board, &format!("/ws/attach/here/{front}/{old}"), &token(TOKEN)).await;
        greet(&mut late, false, (80, 24), name).await;
        assert_eq!(closed(late).await, Some(want), "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_else_shows_a_session_and_whose_size_it_has_is_told() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "other"]);
    board.tmux(&front, &["new-session", "-d", "-s", "a"]);
    let path = format!("/ws/attach/here/{front}/{}", board.session(&front, "a"));
    let mut typist = connect(&board, &path, &token(TOKEN)).await;
    greet(&mut typist, false, (100, 30), "a").await;
    until(&mut typist, "\x1b").await;
    let mut watcher = connect(&board, &path, &token(WATCH_TOKEN)).await;
    greet(&mut watcher, true, (20, 5), "a").await;
    let both = |frame| match frame {
        ToClient::Clients(clients) if clients.len() == 2 => Some(clients),
        _ => None,
    };
    for (socket, own) in [(&mut typist, "ops"), (&mut watcher, "eye")] {
        let clients = frame(socket, both).await;
        let by = |name: &str| clients.iter().find(|c| c.principal == name).unwrap_or_else(|| panic!("{clients:?}"));
        assert!(by("ops").drives && !by("ops").watches && !by("eye").drives && by("eye").watches, "{clients:?}");
        assert_eq!(by("ops").grid, Grid::clamped(100, 30));
        assert!(by(own).own && clients.iter().filter(|c| c.own).count() == 1, "{clients:?}");
    }
    // A watcher's terminal follows the size that the session has; the session never follows the watcher's.
    say(&mut watcher, ToServer::Resize(Grid::clamped(10, 3))).await;
    say(&mut typist, ToServer::Resize(Grid::clamped(90, 25))).await;
    frame(&mut watcher, |frame| (frame == ToClient::Attached(Grid::clamped(90, 25))).then_some(())).await;
    assert_eq!(board.tmux(&front, &["display-message", "-p", "-t", "a", "#{window_width}x#{window_height}"]), "90x24");
    // Led to another session by tmux, the page says so, and says when it is back.
    let tty = board.tmux(&front, &["list-clients", "-t", "a", "-F", "#{client_flags} #{client_tty}"]);
    let tty = tty.lines().find(|l| !l.contains("read-only")).unwrap().split(' ').nth(1).unwrap().to_owned();
    for there in ["other", "a"] {
        board.tmux(&front, &["switch-client", "-c", &tty, "-t", &format!("={there}")]);
        let now = ToClient::Shows { session: board.session(&front, there), name: there.into() };
        frame(&mut typist, |frame| (frame == now).then_some(())).await;
    }
    // It is told of another name too.
    board.tmux(&front, &["rename-session", "-t", "=a", "b c"]);
    frame(&mut typist, |frame| matches!(frame, ToClient::Shows { name, .. } if name == "b c").then_some(())).await;
}

/// zellij#4830: a read-only client could still create and kill.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sends_every_byte_and_changes_nothing() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "keep"]);
    board.tmux(&front, &["new-session", "-d", "-s", "a", "-x", "80", "-y", "23", "printf ready; exec cat"]);
    // Keys that come so fast are a paste to tmux, and no chord, unless it is told not to guess.
    board.tmux(&front, &["set-option", "-g", "mouse", "on", ";", "set-option", "-g", "assume-paste-time", "0", ";", "split-window", "-t", "a", "exec cat"]);
    let id = board.session(&front, "a");
    let seen = || {
        let all = "#{session_id} #{window_id} #{pane_id} #{window_width}x#{window_height} #{pane_width}x#{pane_height} #{pane_active} #{pane_in_mode} #{pane_pid} \
                   #{session_name} #{window_name} #{session_attached}";
        let shown: Vec<String> = board.tmux(&front, &["list-panes", "-a", "-F", all]).lines().map(str::to_owned).collect();
        let content = |pane: &str| board.tmux(&front, &["capture-pane", "-p", "-e", "-t", pane]);
        (shown, content("a.0"), content("a.1"), board.tmux(&front, &["show-options", "-g"]), board.tmux(&front, &["list-buffers"]))
    };
    for secret in [TOKEN, WATCH_TOKEN] {
        let mut watcher = connect(&board, &format!("/ws/attach/here/{front}/{id}"), &token(secret)).await;
        greet(&mut watcher, true, (40, 10), "a").await;
        until(&mut watcher, "ready").await;
        let before = seen();
        for byte in 0..=255_u8 {
            say(&mut watcher, ToServer::Input(vec![byte])).await;
            // Every chord of the prefix, and every one that asks, answered.
            say(&mut watcher, ToServer::Input(vec![2, byte, b'y', b'\r'])).await;
        }
        for sequence in
            ["\x1b[M !!", "\x1b[<0;5;5M\x1b[<0;5;5m", "\x1b[<64;5;5M", "\x1b[I\x1b[O", "\x1b[200~pasted\r\x1b[201~", "\x1b[?1;2c", "\x02:kill-server\r"]
        {
            say(&mut watcher, ToServer::Input(sequence.into())).await;
            say(&mut watcher, ToServer::Paste(sequence.into())).await;
        }
        for size in [(1, 1), (1000, 1000), (81, 24)] {
            say(&mut watcher, ToServer::Resize(Grid::clamped(size.0, size.1))).await;
        }
        // All of it has been heard once this is answered; and what was let through to tmux, among it the chord that lets go of the session, has been
        // read there once something that the session shows afterwards has come.
        say(&mut watcher, ToServer::Ping(7)).await;
        frame(&mut watcher, |frame| (frame == ToClient::Pong(7)).then_some(())).await;
        assert_eq!(seen(), before);
        board.tmux(&front, &["send-keys", "-t", "a.0", "Z"]);
        until(&mut watcher, "Z").await;
        let (shown, content, beside, options, buffers) = before;
        assert_eq!(seen(), (shown, content.replace("ready", "readyZ"), beside, options, buffers));
        watcher.close(None).await.unwrap();
        let left = async {
            while !board.tmux(&front, &["list-clients"]).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, left).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_acknowledged_part_by_part_as_the_terminal_takes_it() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    let file = std::env::temp_dir().join(support::unique());
    let path = file.to_str().unwrap();
    board.tmux(&front, &["new-session", "-d", "-s", "a", &format!("stty -echo; echo ready; exec cat >{path}")]);
    let id = board.session(&front, "a");
    let mut socket = connect(&board, &format!("/ws/attach/here/{front}/{id}"), &token(TOKEN)).await;
    hello(&mut socket, false).await;
    until(&mut socket, "ready").await;
    let line = format!("{}é\r", "x".repeat(997));
    let (parts, part) = (60, line.repeat(16));
    for _ in 0..parts {
        say(&mut socket, ToServer::Paste(part.clone().into())).await;
        let mut written = 0;
        while written < part.len() {
            written += frame(&mut socket, |frame| if let ToClient::Written(bytes) = frame { Some(bytes as usize) } else { None }).await;
        }
        assert_eq!(written, part.len());
    }
    say(&mut socket, ToServer::Input(vec![4])).await;
    support::sshd::until("all of it is there", || std::fs::metadata(&file).is_ok_and(|file| file.len() as usize == parts * part.len()));
    assert!(std::fs::read_to_string(&file).unwrap() == part.replace('\r', "\n").repeat(parts));
    std::fs::remove_file(&file).unwrap();
}

fn resident_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    text.lines().find_map(|l| l.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok()).unwrap()
}

/// Elsewhere a slow reader cost the server all the output there was, and its neighbours their speed.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_in_a_flood_of_100_mb_costs_nobody_anything() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "beside", "printf ready; exec cat"]);
    board.tmux(&front, &["new-session", "-d", "-s", "a"]);
    let mut beside = attached(&board, &board.session(&front, "beside"), false).await;
    let mut stalled = attached(&board, &board.session(&front, "a"), false).await;
    // What the first output of any flood makes it allocate is not its growth.
    say(&mut stalled, ToServer::Input(b"seq 20000; echo warm$((6*7))\r".to_vec())).await;
    until(&mut stalled, "warm42").await;
    let before = resident_kib(board.pid());
    say(&mut stalled, ToServer::Input(b"yes 'a flood of lines for a reader that does not read' | head -c 100000000; echo over$((6*7))\r".to_vec())).await;
    let (began, mut most, mut keys) = (Instant::now(), 0, 0);
    while !board.tmux(&front, &["capture-pane", "-p", "-t", "a"]).contains("over42") {
        assert!(began.elapsed() < PATIENCE * 4, "the flood waits for its reader");
        let key = format!("<{keys}>");
        say(&mut beside, ToServer::Input(key.clone().into_bytes())).await;
        until(&mut beside, &key).await;
        // It is there, and reads nothing: one that answers nothing either is let go.
        say(&mut stalled, ToServer::Ping(keys)).await;
        keys += 1;
        most = most.max(resident_kib(board.pid()).saturating_sub(before));
    }
    assert!(keys > 10, "the neighbour got {keys} keys through");
    assert!(most < 1024, "memory grew by {most} KiB");
    // Back again, it sees the present, after no more than what was under way.
    let seen = until(&mut stalled, "over42").await;
    assert!(seen.len() < CREDIT_BYTES_MAX as usize + 256 * 1024, "{} bytes were stale", seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_bytes_of_a_program_arrive_before_the_end() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "keep"]);
    for _ in 0..10 {
        board.tmux(&front, &["new-session", "-d", "-s", "a"]);
        let mut socket = attached(&board, &board.session(&front, "a"), false).await;
        say(&mut socket, ToServer::Input(b"clear; seq 3000; printf 'the-%s-word' last; exec sleep 2\r".to_vec())).await;
        until(&mut socket, "the-last-word").await;
        assert_eq!(closed_reading(socket).await, Some(Close::Gone));
    }
}

/// A client that asks and asks and does not read fills no memory, and its neighbours are answered.
#[tokio::test(flavor = "multi_thread")]
async fn pings_without_end_from_a_client_that_does_not_read_fill_nothing() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "a", "printf ready; exec cat"]);
    let id = board.session(&front, "a");
    let mut rude = attached(&board, &id, false).await;
    let before = resident_kib(board.pid());
    let began = Instant::now();
    for number in 0..400_000_u32 {
        if began.elapsed() > Duration::from_secs(10)
            || timeout(Duration::from_secs(1), rude.feed(Message::Binary(ToServer::Ping(number).encode().into()))).await.is_err()
        {
            break;
        }
    }
    let mut beside = attached(&board, &id, false).await;
    say(&mut beside, ToServer::Input(b"still here".to_vec())).await;
    until(&mut beside, "still here").await;
    let grown = resident_kib(board.pid()).saturating_sub(before);
    assert!(grown < 2048, "memory grew by {grown} KiB");
    drop(rude.split());
}

/// Behind a sudo with a pty of its own (`use_pty`) tmux lists another tty than the one we opened: the only client was counted as somebody else.
#[tokio::test]
async fn a_terminal_through_sudo_knows_itself_in_tmuxs_list() {
    let Some(board) = Board::start("") else { return };
    let other = board.accounts.other.clone();
    board.tmux(&other, &["new-session", "-d", "-s", "a", "printf ready; exec cat"]);
    let id = board.session(&other, "a");
    let mut socket = connect(&board, &format!("/ws/attach/here/{other}/{id}"), &token(TOKEN)).await;
    hello(&mut socket, false).await;
    let seen = frame(&mut socket, |frame| if let ToClient::Clients(clients) = frame { Some(clients) } else { None }).await;
    assert!(seen.len() == 1 && seen[0].own && seen[0].principal == "ops", "{seen:?}");
}
