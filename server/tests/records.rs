//! What is in the audit's records whatever happens: a flood of strangers, a kill at the moment of an answer, a client that hangs up, a folder whose files are
//! taken away. Against the real binary.

mod support;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::files::Files;
use support::sshd::until;
use support::{Board, Login, TOKEN, WATCH_TOKEN, unique};

/// Addresses that clients can say they come from.
const PROXIED: &str = "[limits]\nrequests_per_second = 0\n";

fn times(record: &Value) -> u64 {
    record["times"].as_u64().unwrap_or(1)
}

/// A board whose gate is a proxy's word.
fn behind_proxy(files: &Files) -> Board {
    let secret = files.folder.path().join("secret");
    std::fs::write(&secret, "the-proxy-and-we-know-it\n").unwrap();
    support::sshd::run("chmod", &["600", secret.to_str().unwrap()]);
    support::sshd::run("chown", &[&files.account, secret.to_str().unwrap()]);
    let config = format!(
        "listen = \"127.0.0.1:0\"\n{PROXIED}{}rotate_bytes = 1048576\nkeep = 1\n[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-Who\"\n\
         trusted = [\"127.0.0.1\"]\nsecret_header = \"X-Proxy-Secret\"\nsecret_file = \"{}\"\n\
         [[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\n",
        files.config(),
        secret.display(),
        files.account
    );
    Board::with(support::accounts().unwrap(), unique(), &config)
}

#[test]
fn strangers_cannot_rotate_a_persons_act_away_or_flood_the_log() {
    const REQUESTS: u32 = 6000;
    let Some(files) = Files::new() else { return };
    let more = format!("{PROXIED}{}rotate_bytes = 1048576\nkeep = 1\n", files.config());
    let mut board = Board::start(&more).unwrap();
    board.configure(&board.config().replace("gate = \"token\"", "gate = \"token\"\n[auth.proxy]\ntrusted = [\"127.0.0.1\"]"));
    until("the proxy is believed", || board.log().contains("was read again"));
    let front = board.accounts.front.clone();
    assert_eq!(board.json("POST", "/api/v1/sessions", &serde_json::json!({ "host": "here", "user": front, "name": "made" })).token(TOKEN).send().status, 201);
    for i in 0..REQUESTS {
        let [_, a, b, c] = i.to_be_bytes();
        let from = format!("2001:db8:{a:x}:{b:x}{c:02x}::1");
        let (request, status) = match i % 3 {
            0 => (board.get("/api/v1/whoami"), 401),
            1 => (board.get("/").header("Host", "evil.example"), 403),
            _ => (board.post("/login", &[("token", "x")]).own_origin(), 401),
        };
        let status_now = request.header("X-Forwarded-For", &from).send().status;
        assert!(status_now == status || status_now == 429, "{status_now}");
    }
    assert_eq!(board.stop("TERM"), Some(0));
    let lines = board.log().lines().count();
    assert!(lines < 400, "{lines} lines of log for {REQUESTS} refusals");
    assert_eq!(files.records("create").len(), 1, "the act was rotated away");
    let strangers: Vec<Value> = ["enter", "login"].iter().flat_map(|operation| files.records(operation)).collect();
    assert!(strangers.len() < 200, "{} records", strangers.len());
    assert_eq!(strangers.iter().map(times).sum::<u64>(), u64::from(REQUESTS), "each is counted");
    assert!(strangers.iter().any(|record| record["from"] == "other addresses" && times(record) > 1000));
    assert!(files.verify(&[]).0);
}

#[test]
fn verify_says_what_was_rotated_away_and_what_was_removed() {
    let Some(files) = Files::new() else { return };
    let mut board = behind_proxy(&files);
    // A person's refusals are a record each, of some 600 bytes with a long name.
    let who = "x".repeat(250);
    for _ in 0..5000 {
        let kill = board.json("DELETE", &format!("/api/v1/sessions/here/{}/1-1-1-1", files.account), &serde_json::json!({ "confirm": "x" })).own_origin();
        assert_eq!(kill.header("X-Proxy-Secret", "the-proxy-and-we-know-it").header("X-Who", &who).send().status, 403);
    }
    assert_eq!(board.stop("TERM"), Some(0));
    let (good, says) = files.verify(&[]);
    assert!(good && says.contains("Records 1 to ") && says.contains(" were rotated away"), "{says}");

    let (file, older) = (files.file(), files.folder.path().join("audit.jsonl.1"));
    let (mark, away) = (files.folder.path().join("audit.jsonl.chain"), files.folder.path().join("away"));
    let moved = |from: &std::path::Path, to: &std::path::Path| std::fs::rename(from, to).unwrap();
    moved(&older, &away);
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains("were removed") && says.contains(&format!("BAD  {}", mark.display())), "{says}");
    moved(&away, &older);
    moved(&file, &away);
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains("the tail was cut"), "{says}");
    let older_away = files.folder.path().join("older");
    moved(&older, &older_away);
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains("no record") && says.contains("were removed"), "{says}");
    // A board that starts then says so, and goes on with the chain that was.
    board.kill_and_restart();
    until("the log says what is missing", || board.log().contains("the rest was removed"));
    assert_eq!(board.stop("TERM"), Some(0));
    assert!(!files.verify(&[]).0);
    moved(&away, &file);
    moved(&older_away, &older);
    assert!(files.verify(&[]).0);
    std::fs::remove_file(&mark).unwrap();
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains("is not there: it was removed"), "{says}");
    std::fs::write(&mark, "{\"oldest\":1,\"n\":1,\"mac\":\"\",\"since\":0}\nx\n").unwrap();
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains("was not written with this key"), "{says}");
    board.kill_and_restart();
    assert_eq!(board.stop("TERM"), Some(0));
    let (good, says) = files.verify(&[]);
    assert!(good && says.contains("was made anew then"), "{says}");
}

#[test]
fn an_act_that_was_answered_is_in_a_record_though_the_board_is_killed_at_that_moment() {
    let Some(files) = Files::new() else { return };
    let mut board = Board::start(&format!("{}fsync = \"always\"\n", files.config())).unwrap();
    for round in 1..=25 {
        let body = serde_json::json!({ "host": "here", "user": board.accounts.front, "name": format!("s{round}") }).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", board.port)).unwrap();
        let head = format!("Host: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json", board.port);
        write!(stream, "POST /api/v1/sessions HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        let board_itself = rustix::process::Pid::from_raw(board.pid().cast_signed()).unwrap();
        rustix::process::kill_process(board_itself, rustix::process::Signal::KILL).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201");
        board.stop("KILL");
        assert_eq!(files.records("create").len(), round, "an act was answered and is in no record");
        board.kill_and_restart();
    }
    board.stop("TERM");
    assert!(files.verify(&[]).0);
}

#[test]
fn a_logout_and_a_file_that_does_not_come_are_each_one_record() {
    let Some(files) = Files::new() else { return };
    let mut board = Board::start(&format!("{}[upload]\nenabled = true\nmax_bytes = 100000\n", files.config())).unwrap();
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "a", "exec cat"]);
    let session = board.session(&front, "a");
    let login = Login::of(&board.post("/login", &[("token", TOKEN), ("next", "/")]).own_origin().send());
    let logout = || board.post("/logout", &[]).logged_in(&login).own_origin().send().status;
    assert_eq!((logout(), logout()), (303, 303));

    let place = format!("here/{front}");
    assert_eq!(board.upload(&place, &session, b"").token(TOKEN).send().status, 422);
    assert_eq!(board.upload(&place, &session, b"x").token(WATCH_TOKEN).send().status, 403);
    let results = || files.records("upload").iter().map(|record| record["result"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    // Cut before the first bytes are all there, and after: by a client that ends its sending, and by one that is gone.
    for (given, gone) in [(0, false), (0, true), (10, false), (10, true), (50_000, false), (50_000, true)] {
        let before = results().len();
        let mut stream = TcpStream::connect(("127.0.0.1", board.port)).unwrap();
        let head = format!("Host: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 60000", board.port);
        write!(stream, "POST /upload/{place}/{session} HTTP/1.1\r\n{head}\r\n\r\n{}", "x".repeat(given)).unwrap();
        if gone {
            // Once the board has begun with it.
            until("it is read", || unread(&stream) == 0);
        } else {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
        }
        drop(stream);
        until("it is in a record", || results().len() > before);
    }
    assert_eq!(board.stop("TERM"), Some(0));
    let mut results = results();
    assert_eq!(results.drain(..2).collect::<Vec<_>>(), ["denied: empty", "denied: it needs the ability \"type\""]);
    assert_eq!(results, ["cut off"; 6], "{}", files.text());
    let logouts: Vec<_> = files.records("logout").iter().map(|r| (r["who"].clone(), r["result"].clone())).collect();
    assert_eq!(logouts, [("ops".into(), "done".into()), ("".into(), "denied: not authenticated".into())]);
}

/// Bytes of ours that the other side's kernel has not acknowledged yet.
fn unread(stream: &TcpStream) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", stream.local_addr().unwrap().port());
    let theirs = table.lines().filter_map(|line| line.split_whitespace().collect::<Vec<_>>().get(1..5).map(|f| (f[1].to_owned(), f[3].to_owned())));
    // As the board has it: the peer is our port, and what waits to be read is the second half.
    let waiting = theirs.filter(|(peer, _)| peer.ends_with(&port)).filter_map(|(_, queues)| u64::from_str_radix(queues.split_once(':')?.1, 16).ok());
    waiting.max().unwrap_or(1)
}
