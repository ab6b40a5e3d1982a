//! The audit file of the real binary: what happened is in it once, no secret is, and whoever changes it is found out.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::files::Files;
use support::{Board, Login, TOKEN, WATCH_TOKEN, as_account, binary, sshd};

const SECRET: &str = "hunter2-is-secret";

fn log(board: &Board) -> (PathBuf, String) {
    let path = board.runtime().with_file_name("muxboard.log");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// The heads in the log, in order.
fn heads(board: &Board) -> Vec<String> {
    log(board).1.lines().filter(|l| l.contains("audit head")).map(|l| l.split('"').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn what_happened_is_in_the_file_once_and_no_secret_is() {
    let Some(files) = Files::new() else { return };
    let mut board = files.board();
    let place = format!("here/{}", board.accounts.front);
    let command = format!("echo {SECRET}; exec cat");
    let made = board.post("/fn/create", &[("place", &place), ("name", "made"), ("command", &command)]).token(TOKEN).send();
    assert_eq!(made.status, 200, "{}", made.body);
    let session = board.session(&board.accounts.front, "made");
    let kill = |token: &str| board.post("/fn/kill", &[("place", &place), ("session", &session), ("typed", "made")]).token(token).send().status;
    assert_eq!((kill(WATCH_TOKEN), kill(TOKEN)), (403, 200));
    let login = board.post("/login", &[("token", TOKEN), ("next", "/")]).own_origin().send();
    let cookie = login.header("set-cookie").unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    assert_eq!(board.post("/login", &[("token", &format!("{SECRET}-guess"))]).own_origin().send().status, 401);
    assert_eq!(board.get("/").logged_in(&Login::of(&login)).send().status, 200);
    assert_eq!(board.stop("TERM"), Some(0));

    let [made] = &files.records("create")[..] else { panic!("{}", files.text()) };
    assert_eq!(
        (&made["who"], &made["gate"], &made["host"], &made["user"], &made["result"]),
        (&"ops".into(), &"token".into(), &"here".into(), &board.accounts.front.clone().into(), &"done".into())
    );
    assert_eq!((&made["command"]["bytes"], &made["command"]["sha256"]), (&command.len().into(), &support::hash(&command).into()));
    assert_eq!((&made["session"], &made["abilities"]), (&session.clone().into(), &serde_json::json!(["create", "type"])));
    assert!(made["from"].as_str().unwrap().starts_with("127.0.0.1") && !made["request"].as_str().unwrap().is_empty());
    let kills = files.records("kill");
    let [denied, killed] = &kills[..] else { panic!("{}", files.text()) };
    assert_eq!((&denied["who"], &killed["who"], &killed["result"], &killed["session"]), (&"eye".into(), &"ops".into(), &"done".into(), &session.into()));
    assert!(denied["result"].as_str().unwrap().starts_with("denied"), "{denied}");
    assert_ne!(denied["request"], killed["request"]);
    assert!(files.records("login").iter().any(|login| login["result"] == "done"));

    let (_, log) = log(&board);
    for secret in [SECRET, TOKEN, WATCH_TOKEN, &cookie, "a key for tests"] {
        assert!(!secret.is_empty() && !files.text().contains(secret) && !log.contains(secret), "{secret}");
    }
    assert_eq!(files.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_refused_kill_and_a_refused_file_were_in_no_record() {
    let Some(files) = Files::new() else { return };
    let mut board = files.board();
    let (front, place) = (board.accounts.front.clone(), format!("here/{}", board.accounts.front));
    board.tmux(&front, &["new-session", "-d", "-s", "a", "exec cat"]);
    let id = board.session(&front, "a");
    let kill = |session: &str| board.post("/fn/kill", &[("place", &place), ("session", session), ("typed", "b")]).token(TOKEN).send().status;
    assert_eq!((kill(&id), kill("1-1-1-1")), (422, 410));
    assert_eq!(board.upload(&place, &id, b"a file").token(TOKEN).send().status, 403);
    assert_eq!(board.stop("TERM"), Some(0));
    let mut board = Board::start(&format!("{}[upload]\nenabled = true\nmax_bytes = 5\n", files.config())).unwrap();
    assert_eq!(board.upload(&place, "1-1-1-1", b"a file").token(TOKEN).send().status, 413);
    assert_eq!(board.stop("TERM"), Some(0));
    let results = |operation: &str| files.records(operation).iter().map(|r| r["result"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(results("kill"), ["denied: the name was not confirmed", "gone"]);
    assert_eq!(results("upload"), ["denied: uploads are off", "denied: too large"]);
    assert_eq!(files.records("kill")[0]["session"], id);
}

#[test]
fn whoever_changes_the_file_is_found_out() {
    let Some(files) = Files::new() else { return };
    let mut board = files.board();
    let config = board.runtime().with_file_name("muxboard.toml");
    for _ in 0..3 {
        assert_eq!(board.post("/fn/kill", &[("place", "here/nobody"), ("session", "1-1-1-1"), ("typed", "x")]).token(TOKEN).send().status, 404);
    }
    assert_eq!(board.stop("TERM"), Some(0));
    let (text, heads) = (files.text(), heads(&board));
    let (number, head) = (text.lines().count(), heads.last().unwrap().as_str());
    assert!(heads.len() >= 2 && heads[0].starts_with("0:") && head.starts_with(&format!("{number}:")), "{heads:?}");

    let (good, says) = files.verify(&[]);
    assert!(good && says.contains("cannot be known") && says.contains("--head N:MAC"), "{says}");
    let (good, says) = files.verify(&["--head", head, "--head", &heads[0]]);
    assert!(good && !says.contains("cannot be known"), "{says}");
    let by_config = files.run(&["verify", "-c", config.to_str().unwrap()]);
    assert!(by_config.status.success(), "{by_config:?}");

    let write = |text: &str| std::fs::write(files.file(), text).unwrap();
    let (kept, last) = text.trim_end().rsplit_once('\n').unwrap();
    write(&text.replacen("127.0.0.1", "127.0.0.2", 1));
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains(&format!("BAD  {}:1 ", files.file().display())), "{says}");
    write(&format!("{kept}\n"));
    let (good, says) = files.verify(&[]);
    assert!(!good && says.contains(": the tail was cut"), "{says}");
    let (good, says) = files.verify(&["--head", head]);
    assert!(!good && says.contains(&format!("the head {head} is not in it: the tail was cut")), "{says}");
    write(&format!("{last}\n"));
    assert!(!files.verify(&[]).0);
    write(&text);

    // A board goes on with what is good, and not with what is not.
    board.kill_and_restart();
    assert_eq!(board.post("/fn/refresh", &[]).token("wrong").send().status, 401);
    assert_eq!(board.stop("TERM"), Some(0));
    assert!(files.text().starts_with(&text) && files.text().len() > text.len());
    assert!(files.verify(&["--head", head]).0);
    write(&text.replace("token", "tokem"));
    let start = as_account(&files.account, binary()).args(["serve", "-c", config.to_str().unwrap()]).output().unwrap();
    let says = String::from_utf8(start.stderr).unwrap();
    assert!(!start.status.success() && says.contains("was not written with this key"), "{says}");
}

#[test]
fn a_killed_board_leaves_whole_lines_and_the_next_goes_on() {
    let Some(files) = Files::new() else { return };
    let mut board = files.board();
    let refused = |board: &Board| assert_eq!(board.get("/api/v1/whoami").token("wrong").send().status, 401);
    for round in 1..=3 {
        refused(&board);
        let began = std::time::Instant::now();
        while files.text().lines().count() < round {
            assert!(began.elapsed() < support::PATIENCE, "it is not in the file: {}", files.text());
        }
        if round < 3 {
            board.kill_and_restart();
        }
    }
    board.stop("KILL");
    assert!(files.verify(&[]).0);
    // What a crash of the machine may leave.
    let torn = files.text() + "{\"n\":99,\"at\":\"20";
    std::fs::write(files.file(), &torn).unwrap();
    assert!(!files.verify(&[]).0);
    board.kill_and_restart();
    refused(&board);
    assert_eq!(board.stop("TERM"), Some(0));
    let (good, says) = files.verify(&["--head", heads(&board).last().unwrap()]);
    assert!(good && says.contains("in 2 files") && says.contains("1 crash left half of a line"), "{says}");
    assert_eq!(std::fs::read_to_string(files.folder.path().join("audit.jsonl.1")).unwrap(), torn);
}

#[test]
fn the_tail_is_a_table_and_hostile_names_are_text() {
    let Some(files) = Files::new() else { return };
    let mut board = files.board();
    for _ in 0..4 {
        board.post("/fn/kill", &[("place", "here/nobody"), ("session", "1-1-1-1"), ("typed", "x")]).token(TOKEN).send();
        board.get("/api/v1/whoami").token("wrong").send();
    }
    assert_eq!(board.stop("TERM"), Some(0));
    let file = files.file();
    let tail = |more: &[&str]| {
        let output = files.run(&[&["tail", file.to_str().unwrap()], more].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let rows = |text: &str| text.lines().count();
    let all = tail(&[]);
    assert!(all.starts_with("WHEN") && all.contains("127.0.0.1") && rows(&all) == 7, "{all}");
    assert!(all.trim_end().ends_with("denied: not authenticated (x3)  -"), "{all}");
    assert_eq!(rows(&tail(&["-n", "2"])), 3);
    std::fs::write(&file, files.text() + "\u{1b}[2J\u{202e}evil\n").unwrap();
    let seen = tail(&["-n", "1"]);
    assert!(!seen.contains('\u{1b}') && !seen.contains('\u{202e}') && seen.contains("\\u{1b}[2J"), "{seen}");
}

#[test]
fn a_board_whose_audit_cannot_be_kept_does_not_start() {
    let Some(files) = Files::new() else { return };
    let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let path = folder.path().join("muxboard.toml");
    let host = format!("[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\n", files.account);
    std::fs::write(&path, format!("listen = \"127.0.0.1:0\"\n{}{host}", files.config())).unwrap();
    let start = || {
        let output = as_account(&files.account, binary()).args(["serve", "-c", path.to_str().unwrap()]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
        String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned()
    };
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&files.key(), 0o640);
    assert!(start().contains(&format!("others may read the audit key {}: chmod 600 ", files.key().display())), "{}", start());
    sshd::run("chown", &["root", files.key().to_str().unwrap()]);
    mode(&files.key(), 0o644);
    assert!(start().contains("belongs to somebody else"), "{}", start());
    std::fs::remove_file(files.key()).unwrap();
    let says = start();
    let mend = says.split("make one: ").nth(1).unwrap_or_else(|| panic!("{says}"));
    // The line that it names mends it.
    assert!(as_account(&files.account, "sh").args(["-c", mend]).status().unwrap().success());
    std::os::unix::fs::symlink("/etc/passwd", files.file()).unwrap();
    assert!(start().contains("it is a symbolic link"), "{}", start());
}
