//! What other machines send and are sent: hostile names, directories and bytes over ssh stay data, and a terminal over there is one like here.

mod support;

use futures_util::StreamExt;
use muxboard_core::flow::Taken;
use muxboard_core::wire::{ToClient, ToServer};
use serde_json::Value;
use std::time::Duration;
use support::socket::{Socket, connect, hello, say, token, until};
use support::sshd::{Client, Sshd, host, run};
use support::{Board, PATIENCE, TOKEN, accounts};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// A client, an sshd that it knows, and a board of it with the login's own sessions and those of its sudo target.
fn world() -> Option<(Client, Sshd, Board)> {
    let accounts = accounts()?;
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let board = client.board("", &host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far], ""));
    Some((client, sshd, board))
}

fn names(host: &Value, user: &str) -> Vec<String> {
    let users = host["users"].as_array().unwrap();
    let sessions = users.iter().find(|u| u["user"] == user).unwrap()["sessions"].as_array().unwrap().clone();
    let mut names: Vec<String> = sessions.iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

async fn attach(board: &Board, user: &str, name: &str) -> Socket {
    let id = board.session_on("far", user, name);
    let mut socket = connect(board, &format!("/ws/attach/far/{user}/{id}"), &token(TOKEN)).await;
    hello(&mut socket, false).await;
    socket
}

async fn typed(socket: &mut Socket, text: &[u8]) {
    say(socket, ToServer::Input(text.to_vec())).await;
}

#[test]
fn hostile_names_are_listed_and_killed_exactly_over_ssh_and_never_run() {
    let Some((client, _sshd, board)) = world() else { return };
    for user in [client.accounts.login.as_str(), client.accounts.far.as_str()] {
        let home = format!("/home/{user}");
        for name in ["a", "ab", "a*", "*", "=a", "$1", "@1", "%1", "-x", "##(touch canary)", "`touch canary`", "';touch canary;'", "x\u{202e}y", "💥 z"] {
            board.tmux(user, &["new-session", "-d", "-c", &home, "-s", name, "exec cat"]);
        }
        let mut want: Vec<String> = board.tmux(user, &["list-sessions", "-F", "#{session_name}"]).lines().map(str::to_owned).collect();
        want.sort();
        assert_eq!(want.len(), 14);
        board.host_when("far", |h| names(h, user) == want);
        while let Some(name) = want.pop() {
            let id = board.session_on("far", user, &name);
            let answer = board.post("/fn/kill", &[("place", &format!("far/{user}")), ("session", &id), ("typed", &name)]).token(TOKEN).send();
            assert!(answer.status < 400, "{name}: {}", answer.body);
            let mut left: Vec<String> = board.tmux(user, &["list-sessions", "-F", "#{session_name}"]).lines().map(str::to_owned).collect();
            left.sort();
            assert_eq!(left, want, "after {name}");
        }
        assert!(!std::path::Path::new(&format!("{home}/canary")).exists());
    }
}

#[tokio::test]
async fn every_byte_and_shell_text_stay_data_on_every_way_to_a_host_and_back() {
    let Some((client, _sshd, board)) = world() else { return };
    let folder = client.path("data");
    std::fs::create_dir(&folder).unwrap();
    run("chmod", &["777", &folder]);
    let canary = format!("{folder}/canary");
    for user in [client.accounts.login.as_str(), client.accounts.far.as_str()] {
        let place = format!("far/{user}");
        // A start directory and a startup command full of what shells read.
        let hostile = format!("{folder}/$(touch canary)`touch canary`'\";touch canary;#(touch canary)#{{pid}} \\ {user}");
        std::fs::create_dir(&hostile).unwrap();
        run("chmod", &["777", &hostile]);
        let out = format!("{folder}/{user}-said");
        let command = format!("printf '%s|%s' 'it'\\''s \"$(echo quoted)\" ~C #{{pid}} #(touch {canary})' \"$PWD\" > {out}; exec bash --norc");
        let fields = [("place", place.as_str()), ("name", "x"), ("directory", hostile.as_str()), ("command", command.as_str())];
        let answer = board.post("/fn/create", &fields).token(TOKEN).send();
        assert!(answer.status < 400, "{}", answer.body);
        let mut socket = attach(&board, user, "x").await;
        until(&mut socket, "\x1b").await;
        typed(&mut socket, b"PS1='ready> '; clear\r").await;
        until(&mut socket, "ready> ").await;
        assert_eq!(std::fs::read_to_string(&out).unwrap(), format!("it's \"$(echo quoted)\" ~C #{{pid}} #(touch {canary})|{hostile}"));
        // Typed bytes arrive as they are: every value, and what ssh would take for its own escapes. (0x02 is tmux's prefix: twice is itself.)
        let every: Vec<u8> = (0..=255_u8).chain(*b"\r~C\r~.\r~?\n~.\x1a$(touch canary)\r\n").collect();
        let bytes = format!("{folder}/{user}-bytes");
        let line = format!("stty raw -echo; echo go-''on; head -c {} > {bytes}; stty sane; echo the-''end\r", every.len());
        typed(&mut socket, line.as_bytes()).await;
        until(&mut socket, "go-on").await;
        // tmux reads keys, not bytes: what it would take for a key of its own is set aside.
        board.tmux(user, &["set-option", "-g", "prefix", "None"]);
        let plain: Vec<u8> = every.iter().copied().filter(|b| *b != 0x1b && *b < 0x80).collect();
        let missing = every.len() - plain.len();
        typed(&mut socket, &plain).await;
        typed(&mut socket, &vec![b'.'; missing]).await;
        until(&mut socket, "the-end").await;
        assert_eq!(std::fs::read(&bytes).unwrap(), [plain, vec![b'.'; missing]].concat());
        // What a host says: every byte as output, as a title, and in a preview.
        let shout = format!(
            "printf '\\033]2;$(touch {canary})`touch {canary}`\\007'; awk 'BEGIN{{for(i=1;i<256;i++)printf \"%c\",i}}'; echo; echo '$(touch {canary})'; echo sa''id\r"
        );
        typed(&mut socket, shout.as_bytes()).await;
        until(&mut socket, "said").await;
        board.host_when("far", |h| h["state"] == "up" && names(h, user) == ["x"]);
    }
    let run_by_someone: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().filter(|e| e.file_name() == "canary").collect();
    assert!(run_by_someone.is_empty());
    for user in [&client.accounts.login, &client.accounts.far, &client.accounts.front] {
        assert!(!std::path::Path::new(&format!("/home/{user}/canary")).exists());
    }
}

/// Takes no more, and reads until nothing comes: all the credit is used up, and a flood stands behind it. Gives how much came.
async fn let_it_pile_up(socket: &mut Socket) -> u32 {
    let mut owed = 0;
    while let Ok(Some(Ok(message))) = timeout(Duration::from_secs(2), socket.next()).await {
        if let Message::Binary(bytes) = message
            && let Ok(ToClient::Output(output)) = ToClient::decode(&bytes)
        {
            owed += u32::try_from(output.len()).unwrap();
        }
    }
    owed
}

#[tokio::test]
async fn a_key_typed_against_a_backlog_is_answered_by_a_fresh_terminal_on_the_same_session() {
    let Some((client, _sshd, board)) = world() else { return };
    for user in [client.accounts.login.as_str(), client.accounts.far.as_str()] {
        board.tmux(user, &["new-session", "-d", "-s", "x", "-x", "80", "-y", "24", "PS1='ready> ' exec bash --norc"]);
        let mut socket = attach(&board, user, "x").await;
        until(&mut socket, "ready> ").await;
        let before = board.tmux(user, &["list-clients", "-F", "#{client_tty}"]);
        typed(&mut socket, b"seq 100000000\r").await;
        let owed = let_it_pile_up(&mut socket).await;
        assert!(owed > 0);
        typed(&mut socket, b"\x03").await;
        say(&mut socket, ToServer::Taken(Taken::now(owed))).await;
        let stale = until(&mut socket, "\x18\x1bc").await;
        assert!(stale.len() < 160 * 1024, "{} stale bytes came before it", stale.len());
        until(&mut socket, "ready> ").await;
        typed(&mut socket, b"echo back-$((40+2))\r").await;
        until(&mut socket, "back-42").await;
        let gone = async {
            while board.tmux(user, &["list-clients", "-F", "#{client_tty}"]).lines().count() != 1 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.unwrap();
        assert_ne!(board.tmux(user, &["list-clients", "-F", "#{client_tty}"]), before);
        assert_eq!(board.tmux(user, &["list-sessions"]).lines().count(), 1);
    }
}

#[tokio::test]
async fn a_terminal_whose_reader_has_stalled_does_not_hold_up_the_others_on_its_connection() {
    let Some((client, sshd, board)) = world() else { return };
    let user = client.accounts.login.as_str();
    for (name, runs) in [("flood", "PS1='ready> ' exec bash --norc"), ("beside", "printf ready; exec cat")] {
        board.tmux(user, &["new-session", "-d", "-s", name, "-x", "80", "-y", "24", runs]);
    }
    let mut stalled = attach(&board, user, "flood").await;
    let mut beside = attach(&board, user, "beside").await;
    until(&mut stalled, "ready").await;
    until(&mut beside, "ready").await;
    let logins = sshd.logins();
    typed(&mut stalled, b"seq 100000000\r").await;
    assert!(let_it_pile_up(&mut stalled).await > 0);
    typed(&mut beside, b"still-here").await;
    until(&mut beside, "still-here").await;
    assert_eq!(sshd.logins(), logins);
}

#[tokio::test]
async fn who_else_is_attached_is_known_over_ssh_too_and_a_watcher_cannot_type() {
    let Some((client, _sshd, board)) = world() else { return };
    let user = client.accounts.login.as_str();
    board.tmux(user, &["new-session", "-d", "-s", "x", "-x", "80", "-y", "24", "printf ready; exec cat"]);
    let mut typist = attach(&board, user, "x").await;
    until(&mut typist, "ready").await;
    let id = board.session_on("far", user, "x");
    let mut watcher = connect(&board, &format!("/ws/attach/far/{user}/{id}"), &token(TOKEN)).await;
    hello(&mut watcher, true).await;
    until(&mut watcher, "ready").await;
    let all: Vec<u8> = (0..=255).collect();
    typed(&mut watcher, &all).await;
    typed(&mut watcher, b"\x02c\x02d\r~.").await;
    typed(&mut typist, b"typed").await;
    let seen = support::socket::frame(&mut typist, |frame| match frame {
        ToClient::Clients(clients) if clients.len() == 2 => Some(clients),
        _ => None,
    })
    .await;
    assert!(seen.iter().all(|c| c.principal == "ops"), "{seen:?}");
    assert_eq!((seen.iter().filter(|c| c.own).count(), seen.iter().filter(|c| c.watches).count()), (1, 1));
    support::sshd::until("it is typed", || board.tmux(user, &["capture-pane", "-p", "-t", "x:"]) == "readytyped");
    assert_eq!(board.tmux(user, &["list-windows", "-t", "x:"]).lines().count(), 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test runs a real tmux on a real terminal")]
fn what_a_terminal_says_of_itself_was_lost_where_tmux_began_before_it_was_read() {
    use muxboard_core::shell::Script;
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use std::io::{Read, Write};
    let socket = support::unique();
    let tmux = |words: &[&str]| {
        let mut all = vec!["-f", "/dev/null", "-L", socket.as_str()];
        all.extend(words);
        run("tmux", &all)
    };
    tmux(&["new-session", "-d", "-s", "a"]);
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
    let script = Script::announced("the-mark", &Script::command(&["tmux", "-L", &socket, "attach-session", "-t", "a"]));
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", script.as_str()]);
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let (mut output, mut input) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
    let mut said = Vec::new();
    while !said.ends_with(b"\n") {
        let mut byte = [0];
        assert_eq!(output.read(&mut byte).unwrap(), 1);
        said.push(byte[0]);
    }
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("the-mark ") && said.contains("/dev/pts/"), "{said:?}");
    // What tmux throws away as it begins is what was not read by then: it must not begin before it is told that all was.
    for _ in 0..50 {
        assert_eq!(tmux(&["list-clients"]), "", "tmux did not wait");
    }
    input.write_all(b"\n").unwrap();
    support::sshd::until("tmux begins", || !tmux(&["list-clients"]).is_empty());
    tmux(&["kill-server"]);
    child.wait().unwrap();
}
