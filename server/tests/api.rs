//! The JSON API and the command line's explanation, against the real binary.

mod support;

use serde_json::{Value, json};
use support::{Answer, Board, TOKEN, WATCH_TOKEN, as_account, binary};

fn problem(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], answer.status, "{body}");
    assert!(!body["detail"].as_str().unwrap().is_empty() && !body["title"].as_str().unwrap().is_empty());
    body
}

#[test]
fn a_session_is_made_renamed_and_killed_by_a_program() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    let create = |body: Value| board.json("POST", "/api/v1/sessions", &body).token(TOKEN).send();
    let made = create(json!({ "host": "here", "user": front, "name": "build", "directory": "/tmp", "command": "exec cat" }));
    assert_eq!(made.status, 201, "{}", made.body);
    let id = serde_json::from_str::<Value>(&made.body).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(problem(&create(json!({ "host": "here", "user": front, "name": "build" })))["code"], "name_taken");
    // What is listed: all that the seeds' lists held, and more.
    let listed = board.json("POST", "/api/v1/refresh", &json!({ "host": "here" })).token(TOKEN).send();
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    let host = &listed["hosts"][0];
    assert_eq!((host["key"].as_str(), host["ok"].as_bool(), host["state"].as_str()), (Some("here"), Some(true), Some("up")));
    assert!(host["checked_at"].as_u64() > Some(0) && host["round_trip_ms"].is_u64() && host["error"].is_null());
    let user = host["users"].as_array().unwrap().iter().find(|u| u["user"] == front.as_str()).unwrap();
    let session = &user["sessions"][0];
    assert_eq!((session["name"].as_str(), session["id"].as_str(), session["attached"].as_u64()), (Some("build"), Some(id.as_str()), Some(0)));
    assert!(session["created"].as_u64() > Some(0) && session["activity"].as_u64() > Some(0) && session["windows"].as_array().unwrap().len() == 1);
    let refused = host["users"].as_array().unwrap().iter().find(|u| u["user"] == board.accounts.refused.as_str()).unwrap();
    assert!(refused["error"].as_str().unwrap().contains("sudo"), "{refused}");
    let hosts: Value = serde_json::from_str(&board.get("/api/v1/hosts").token(TOKEN).send().body).unwrap();
    assert!(hosts["hosts"][0]["users"].is_null() && hosts["hosts"][0]["key"] == "here");
    let whoami: Value = serde_json::from_str(&board.get("/api/v1/whoami").token(TOKEN).send().body).unwrap();
    assert_eq!((whoami["identity"].as_str(), whoami["gate"].as_str(), whoami["reach"].as_array().unwrap().len()), (Some("ops"), Some("token"), 3));

    let path = format!("/api/v1/sessions/here/{front}/{id}");
    assert_eq!(board.json("PATCH", &path, &json!({ "name": "built" })).token(TOKEN).send().status, 204);
    assert_eq!(problem(&board.json("DELETE", &path, &json!({ "confirm": "build" })).token(TOKEN).send())["code"], "not_confirmed");
    assert_eq!(board.json("DELETE", &path, &json!({ "confirm": "built" })).token(TOKEN).send().status, 204);
    assert_eq!(problem(&board.json("DELETE", &path, &json!({ "confirm": "built" })).token(TOKEN).send())["code"], "gone");
    assert_eq!(board.tmux(&front, &["list-sessions"]), "");
}

#[test]
fn a_sessions_text_is_read_with_its_history_by_whoever_may_watch() {
    let Some(board) = Board::start("[limits]\nrequests_per_second = 0") else { return };
    let front = board.accounts.front.clone();
    // Words of its own that look like tmux's facts and like ours; wide and joined lines; more than a screen.
    let says = "echo 9 C-z 1; echo MUXBOARD-MISMATCH; printf '日本 é\\n'; seq 1 300 | sed 's/^/line /'; printf 'x%.0s' $(seq -s ' ' 200); exec cat";
    board.tmux(&front, &["new-session", "-d", "-s", "a", "-x", "80", "-y", "24", &format!("sh -c \"{says}\"")]);
    board.tmux(&front, &["set-option", "-t", "a", "prefix", "C-a"]);
    let id = board.session(&front, "a");
    let path = format!("/api/v1/sessions/here/{front}/{id}/text");
    let read = || {
        let answer = board.get(&path).token(WATCH_TOKEN).send();
        serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
    };
    support::sshd::until("it has said all", || read()["text"].as_str().unwrap().ends_with(&"x".repeat(200)));
    let text = read();
    assert_eq!((text["prefix"].as_str(), &text["bracketed_paste"]), (Some("C-a"), &Value::Null), "{text}");
    assert!(text["text"].as_str().unwrap().starts_with("9 C-z 1\nMUXBOARD-MISMATCH\n日本 é\nline 1\nline 2\n"), "{text}");
    assert!(text["history"].as_u64() > Some(250), "{text}");
    let screen: Value = serde_json::from_str(&board.get(&format!("{path}?history=0")).token(WATCH_TOKEN).send().body).unwrap();
    let whole = text["text"].as_str().unwrap();
    let its = screen["text"].as_str().unwrap();
    assert!(whole.ends_with(its) && its.lines().count() < 24 && screen["history"] == 0, "{screen}");
    assert_eq!(problem(&board.get(&format!("{path}?history=x")).token(WATCH_TOKEN).send())["code"], "bad_input");
    let mut parts: Vec<String> = id.split('-').map(str::to_owned).collect();
    parts[1] = "1".into();
    let other = board.get(&format!("/api/v1/sessions/here/{front}/{}/text", parts.join("-"))).token(WATCH_TOKEN).send();
    assert_eq!(problem(&other)["code"], "gone");
    assert_eq!(problem(&board.get(&format!("{path}?lines=5")).token(WATCH_TOKEN).send())["code"], "bad_input");
    assert_eq!(problem(&board.get(&path.replace(&front, &board.accounts.other)).token(WATCH_TOKEN).send())["code"], "forbidden");
}

/// A process that goes on when this goes.
struct Stopped(String);

impl Stopped {
    fn server(board: &Board, account: &str) -> Self {
        let pid = board.tmux(account, &["display-message", "-p", "#{pid}"]);
        support::sshd::run("kill", &["-STOP", &pid]);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        support::sshd::run("kill", &["-CONT", &self.0]);
    }
}

/// How many processes ask this board's tmux servers for a text.
fn readers(board: &Board) -> usize {
    support::sshd::run("sh", &["-c", &format!("pgrep -fc '^(sudo .*)?tmux .*-L {} .*capture-pane' || true", board.socket_name)]).parse().unwrap()
}

#[test]
fn texts_were_read_without_a_limit_and_held_up_everything_else_of_a_host() {
    let Some(board) = Board::start("[limits]\nrequests_per_second = 0") else { return };
    let (front, other) = (board.accounts.front.clone(), board.accounts.other.clone());
    for account in [&front, &other] {
        board.tmux(account, &["new-session", "-d", "-s", "a", "exec cat"]);
    }
    let path = |account: &str| format!("/api/v1/sessions/here/{account}/{}/text", board.session(account, "a"));
    let (own, through_sudo) = (path(&front), path(&other));
    let stopped = Stopped::server(&board, &front);
    std::thread::scope(|scope| {
        let read = || board.get(&own).token(TOKEN).send();
        let first = [scope.spawn(read), scope.spawn(read)];
        support::sshd::until("two are read", || readers(&board) >= 2);
        let third = read();
        assert_eq!((third.status, problem(&third)["code"].as_str()), (429, Some("cap_reached")));
        drop(stopped);
        for answer in first {
            assert_eq!(answer.join().unwrap().status, 200);
        }
    });
    // A server behind sudo that does not answer is not asked again and again: each question leaves a process of root's behind.
    let _stopped = Stopped::server(&board, &other);
    let read = || problem(&board.get(&through_sudo).token(TOKEN).send())["detail"].as_str().unwrap().to_owned();
    let said = read();
    assert!(said.contains("does not answer") && !said.contains("Whether it was done"), "{said}");
    let left = readers(&board);
    assert!(left > 0, "nothing is left behind any more: this test is of no use");
    assert!(read().contains("does not answer"));
    assert_eq!(readers(&board), left);
}

#[test]
fn what_is_not_known_is_refused_in_words() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    let good = json!({ "host": "here", "user": front, "name": "x" });
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for (body, why) in [
        (with("also", json!(1)), "an unknown field"),
        (with("name", json!("#(touch canary)")), "a name that tmux would expand"),
        (with("name", json!(7)), "a number for a name"),
        (with("host", json!("-oProxyCommand=x")), "an option for a host"),
        (with("directory", json!("relative")), "a relative directory"),
        (with("command", json!("a\nb")), "two lines"),
        (json!([]), "no object"),
    ] {
        assert_eq!(board.json("POST", "/api/v1/sessions", &body).token(TOKEN).send().status, 422, "{why}");
    }
    assert_eq!(problem(&board.json("POST", "/api/v1/sessions", &with("user", json!("nobody-here"))).token(TOKEN).send())["status"], 404);
    let session = format!("/api/v1/sessions/here/{front}/1-1-1-1");
    let answer = format!("{session}/answer");
    for (method, path, body) in [
        ("PATCH", session.as_str(), json!({ "name": "x", "also": 1 })),
        ("DELETE", session.as_str(), json!({ "confirm": "x", "also": 1 })),
        ("POST", "/api/v1/refresh", json!({ "host": "here", "also": 1 })),
        ("POST", answer.as_str(), json!({ "pane": 1, "fingerprint": "a".repeat(64), "answer": "key:y", "also": 1 })),
        ("POST", answer.as_str(), json!({ "pane": 1, "fingerprint": "b", "answer": "key:y" })),
        ("POST", answer.as_str(), json!({ "pane": 1, "fingerprint": "a".repeat(64), "answer": "yes" })),
    ] {
        assert_eq!(problem(&board.json(method, path, &body).token(TOKEN).send())["status"], 422, "{method} {path}");
    }
    let form = board.post("/api/v1/sessions", &[("host", "here")]).token(TOKEN).send();
    assert!(problem(&form)["detail"].as_str().unwrap().contains("application/json"));
    assert_eq!(problem(&board.get(&format!("{session}/question?window=1")).token(TOKEN).send())["status"], 422);
    let (page, unseen) = (format!("/answer/here/{front}/1-1-1-1"), "a".repeat(64));
    let known = [("pane", "1"), ("fingerprint", &unseen), ("answer", "key:y")];
    assert_eq!(board.post(&page, &known).token(TOKEN).send().status, 410);
    assert_eq!(board.post(&page, &[&known[..], &[("also", "1")]].concat()).token(TOKEN).send().status, 422);
    assert_eq!(problem(&board.get("/api/v1/sessions?fresh=1").token(TOKEN).send())["status"], 422);
    assert_eq!(problem(&board.get("/api/v1/nothing").token(TOKEN).send())["status"], 404);
    assert_eq!(problem(&board.get("/api/v1/nothing").send())["status"], 401);
    assert_eq!(problem(&board.json("POST", "/api/v1/sessions", &good).token(WATCH_TOKEN).send())["status"], 403);
    assert_eq!(board.json("POST", "/api/v1/sessions", &with("command", json!("x".repeat(20_000)))).token(TOKEN).send().status, 413);
    assert_eq!(board.tmux(&front, &["list-sessions"]), "");
}

#[test]
fn an_answer_reaches_a_session_of_another_account_and_its_text_is_in_no_log() {
    let Some(board) = Board::start("") else { return };
    let other = board.accounts.other.clone();
    board.tmux(&other, &["new-session", "-d", "-s", "a", "printf 'Word? '; read -r word; printf 'got <%s>' \"$word\"; exec cat"]);
    let session = format!("/api/v1/sessions/here/{other}/{}", board.session(&other, "a"));
    let question = || {
        let answer = board.get(&format!("{session}/question")).token(TOKEN).send();
        serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
    };
    let asks = |words: &str| support::sshd::until(words, || question()["rows"].as_array().unwrap().iter().any(|row| row.as_str().unwrap().contains(words)));
    asks("Word?");
    let asked = question();
    let reply = json!({ "pane": asked["pane"], "fingerprint": asked["fingerprint"], "answer": "line:it's \\ \"xyzzy\"" });
    let send = |token: &str| board.json("POST", &format!("{session}/answer"), &reply).token(token).send();
    assert_eq!(send(WATCH_TOKEN).status, 403);
    let sent = send(TOKEN);
    assert_eq!(sent.status, 200, "{sent:?}");
    asks("got <it's \\ \"xyzzy\">");
    assert_eq!(problem(&send(TOKEN))["code"], "changed");
    assert!(!board.log().contains("xyzzy"));
}

#[test]
fn explain_prints_the_rule_that_decides() {
    let Some(board) = Board::start("") else { return };
    let (front, other) = (board.accounts.front.clone(), board.accounts.other.clone());
    let config = board.file("muxboard.toml");
    let explain = |words: &[&str]| {
        let output = as_account(&front, binary()).args(["explain", "-c", config.to_str().unwrap()]).args(words).output().unwrap();
        (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    };
    let line = |word: &str| 1 + board.config().lines().position(|l| l.contains(word)).unwrap();
    let (code, says) = explain(&["eye", "here", &front]);
    // The grant begins on the line before its `who`.
    assert!(code == Some(0) && says.contains(&format!("muxboard.toml:{}: this [[grant]] allows see, watch", line("who = [\"eye\"]") - 1)), "{says}");
    for (words, want) in [
        ([&"eye", &"here", &other.as_str()], "No [[grant]] matches"),
        ([&"nobody", &"here", &front.as_str()], "no [[auth.token]] has this name"),
        ([&"eye", &"there", &front.as_str()], "there is no host \"there\"; the configuration has: here"),
        ([&"eye", &"here", &"root"], "root is not among the users of here"),
    ] {
        let (code, says) = explain(&words.map(|word| *word));
        assert!(code == Some(1) && says.contains(want), "{words:?}: {says}");
    }
    // Who does not pass may do nothing, whatever a grant says.
    let good = board.config();
    board.configure(&good.replacen("name = \"eye\"", "expires = 2020-01-01\nname = \"eye\"", 1));
    let (code, says) = explain(&["eye", "here", &front]);
    assert!(code == Some(1) && says.contains("has expired"), "{says}");
    let (start, end) = (good.find("[[auth.token]]").unwrap(), good.find("[[grant]]").unwrap());
    let open = format!("{}{}", &good[..start], &good[end..]).replace("gate = \"token\"", "gate = \"open\"").replace("who = [\"eye\"]", "who = [\"*\"]");
    board.configure(&open);
    let (code, says) = explain(&["eye", "here", &front]);
    assert!(code == Some(1) && says.contains("whoever comes is \"anyone\""), "{says}");
    assert_eq!(explain(&["anyone", "here", &front]).0, Some(0));
}
