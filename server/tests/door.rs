//! The door, tried against the real binary run as an unprivileged account whose only sudo right is the documented line.

mod support;

use serde_json::Value;
use support::{Board, Login, Request, TOKEN, WATCH_TOKEN, as_account, unique};

/// Every URL of the board and how it is asked for; the fields and paths are right, so that only the guard under test can refuse.
fn routes(board: &Board) -> Vec<(&'static str, Request<'_>)> {
    let place = format!("here/{}", board.accounts.front);
    vec![
        ("dashboard", board.get("/")),
        ("login", board.get("/login")),
        ("log in", board.post("/login", &[("token", "wrong")])),
        ("log out", board.post("/logout", &[])),
        ("terminal page", board.get(&format!("/{place}/nothing"))),
        ("create", board.post("/fn/create", &[("place", "here/nobody"), ("name", "x")])),
        ("kill", board.post("/fn/kill", &[("place", &place), ("session", "1-1-1-1"), ("typed", "x")])),
        ("rename", board.post("/fn/rename", &[("place", &place), ("session", "1-1-1-1"), ("name", "x")])),
        ("refresh", board.post("/fn/refresh", &[])),
        ("board socket", board.get("/ws/board").websocket()),
        ("terminal socket", board.get(&format!("/ws/attach/{place}/1-1-1-1")).websocket()),
        ("whoami", board.get("/api/v1/whoami")),
        ("sessions", board.get("/api/v1/sessions")),
        ("health", board.get("/healthz")),
        ("asset", board.get("/assets/x/pkg/muxboard.css")),
        ("nothing", board.get("/no/such")),
    ]
}

#[test]
fn a_foreign_host_is_refused_on_every_route() {
    let Some(board) = Board::start("") else { return };
    for (name, request) in routes(&board) {
        assert_eq!(request.header("Host", "evil.example").header("Origin", "http://evil.example").token(TOKEN).send().status, 403, "{name}");
    }
    for (name, request) in routes(&board) {
        assert_eq!(request.header("Host", "127.0.0.1:1").token(TOKEN).send().status, 403, "{name}");
    }
}

#[test]
fn a_foreign_origin_changes_nothing_and_opens_no_socket() {
    let Some(board) = Board::start("") else { return };
    let own = format!("http://127.0.0.1:{}", board.port);
    let foreign =
        ["null", "http://evil.example", &format!("{own}.evil.example"), &format!("https://127.0.0.1:{}", board.port), "http://127.0.0.1:1", "http://127.0.0.1"];
    for origin in foreign {
        for (name, request) in routes(&board)
            .into_iter()
            .filter(|(n, _)| ["log in", "log out", "create", "kill", "rename", "refresh", "board socket", "terminal socket"].contains(n))
        {
            assert_eq!(request.header("Origin", origin).token(TOKEN).send().status, 403, "{name} from {origin}");
        }
    }
    // Without an Origin a cookie proves nothing, a token of one's own does.
    let login = log_in(&board, TOKEN);
    assert_eq!(board.post("/fn/refresh", &[]).logged_in(&login).send().status, 403);
    assert_eq!(board.get("/ws/board").websocket().logged_in(&login).send().status, 403);
    assert_eq!(board.post("/fn/refresh", &[]).logged_in(&login).own_origin().send().status, 200);
    assert_eq!(board.get("/ws/board").websocket().logged_in(&login).own_origin().send().status, 101);
    assert_eq!(board.get("/ws/board").websocket().token(TOKEN).send().status, 101);
}

fn log_in(board: &Board, token: &str) -> Login {
    let answer = board.post("/login", &[("token", token), ("next", "/")]).own_origin().send();
    assert_eq!(answer.status, 303);
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(token), "{cookie}");
    Login::of(&answer)
}

#[test]
fn nobody_gets_nothing() {
    let Some(board) = Board::start("") else { return };
    let open = ["login", "log in", "log out", "health", "asset", "board socket", "terminal socket"];
    for (name, request) in routes(&board).into_iter().filter(|(n, _)| !open.contains(n)) {
        let answer = request.own_origin().send();
        assert_eq!(answer.status, 401, "{name}");
        assert!(!answer.body.contains(&board.accounts.other), "{name}: {}", answer.body);
    }
    for path in ["/?token=a-token-for-tests-only", "/api/v1/whoami?token=a-token-for-tests-only&access_token=a-token-for-tests-only"] {
        assert_eq!(board.get(path).send().status, 401, "{path}");
    }
    assert_eq!(board.get("/").header("Authorization", &format!("Bearer {TOKEN}")).header("Authorization", "Bearer x").send().status, 401);
}

#[test]
fn every_wrong_token_gets_the_same_answer() {
    let Some(board) = Board::start("") else { return };
    let login = |token: &str| board.post("/login", &[("token", token)]).own_origin().send();
    let strip = |text: String| text.split("nonce=\"").enumerate().map(|(i, part)| if i == 0 { part } else { &part[32..] }).collect::<String>();
    // Two boards: more failures than these would lock one.
    let Some(other) = Board::start("") else { return };
    let whoami = |token: &str| other.get("/api/v1/whoami").token(token).send().body;
    let expected = login("x");
    assert_eq!(expected.status, 401);
    let (expected, api) = (strip(expected.body), whoami("x"));
    for wrong in ["", "a-token-for-tests-onlx", "a-token-for-tests-only-", "A-TOKEN-FOR-TESTS-ONLY", &"y".repeat(10_000), "\u{e9}"] {
        let answer = login(wrong);
        assert_eq!((answer.status, strip(answer.body)), (401, expected.clone()), "{wrong:.20}");
        assert_eq!(whoami(wrong), api, "{wrong:.20}");
    }
    assert_eq!(log_in(&board, TOKEN).cookie.split('=').next().unwrap(), format!("muxboard_{}", board.port));
}

#[test]
fn every_answer_carries_the_headers() {
    let Some(board) = Board::start("") else { return };
    let mut nonces = std::collections::BTreeSet::new();
    for (name, request) in routes(&board) {
        let answer = request.token(TOKEN).send();
        assert!(nonces.insert(answer.nonce_of_policy("")), "{name}: its nonce was another answer's too");
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(header), Some(value), "{name}");
        }
    }
    board.request().header("Host", "evil").send().nonce_of_policy("");
    board.tmux(&board.accounts.front, &["new-session", "-d", "-s", "shown"]);
    board.session(&board.accounts.front, "shown");
    // xterm.js sets style attributes.
    board.get(&format!("/here/{}/shown", board.accounts.front)).token(TOKEN).send().nonce_of_policy("style-src-attr 'unsafe-inline'; ");
}

#[test]
fn a_source_that_asks_too_often_waits_alone() {
    let Some(board) = Board::start("[limits]\nrequests_per_second = 1\n[auth.proxy]\ntrusted = [\"127.0.0.1\"]") else { return };
    let asks = |from: &str| board.get("/healthz").header("X-Forwarded-For", from).send();
    let began = std::time::Instant::now();
    let refused = loop {
        let answer = asks("198.51.100.1");
        if answer.status != 200 {
            break answer;
        }
        assert!(began.elapsed() < support::PATIENCE, "it may ask for ever");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(asks("198.51.100.2").status, 200);
}

#[test]
fn whoever_asks_too_often_filled_the_log_with_a_line_for_each_refusal() {
    let Some(board) = Board::start("[limits]\nrequests_per_second = 1") else { return };
    let mut refused = 0;
    let began = std::time::Instant::now();
    while refused < 100 {
        refused += usize::from(board.get("/healthz").send().status == 429);
        assert!(began.elapsed() < support::PATIENCE, "it may ask for ever");
    }
    let log = board.log();
    let lines = log.lines().filter(|line| line.contains("refused: too many requests")).count();
    assert!((1..10).contains(&lines), "{lines} lines for {refused} refusals:\n{log}");
}

#[test]
fn unknown_comes_before_forbidden_and_after_unauthenticated() {
    let Some(board) = Board::start("") else { return };
    let kill = |place: &str| board.post("/fn/kill", &[("place", place), ("session", "1-1-1-1"), ("typed", "x")]);
    let (front, other) = (format!("here/{}", board.accounts.front), format!("here/{}", board.accounts.other));
    board.looked_at();
    assert_eq!(kill("here/root").own_origin().send().status, 401);
    for unknown in ["here/root", "nowhere/ops"] {
        assert_eq!(kill(unknown).token(WATCH_TOKEN).send().status, 404, "{unknown}");
    }
    assert_eq!(kill(&front).token(WATCH_TOKEN).send().status, 403);
    assert_eq!(kill(&other).token(WATCH_TOKEN).send().status, 403);
    assert_eq!(kill(&front).token(TOKEN).send().status, 410);
    for bad in ["-x/y", "here", "here/-a", "here/a:b", "../.."] {
        assert_eq!(kill(bad).token(TOKEN).send().status, 422, "{bad}");
    }
    assert_eq!(board.post("/fn/kill", &[("place", &front), ("session", "1-1-1-1"), ("typed", "x"), ("also", "y")]).token(TOKEN).send().status, 422);
    assert_eq!(board.get(&format!("/{other}/x")).token(WATCH_TOKEN).send().status, 403);
    assert_eq!(board.get("/nowhere/x/y").token(WATCH_TOKEN).send().status, 404);
    // What one may not see is not in any list either.
    let seen = board.get("/api/v1/sessions").token(WATCH_TOKEN).send().body + &board.get("/").token(WATCH_TOKEN).send().body;
    assert!(seen.contains(&board.accounts.front) && !seen.contains(&board.accounts.other) && !seen.contains(&board.accounts.refused));
}

#[test]
fn empty_refused_and_reached_through_sudo_are_told_apart() {
    let Some(board) = Board::start("") else { return };
    let user = |json: &Value, account: &str| json["hosts"][0]["users"].as_array().unwrap().iter().find(|u| u["user"] == account).unwrap().clone();
    board.tmux(&board.accounts.other, &["new-session", "-d", "-s", "theirs"]);
    let json =
        board.sessions_when(|json| user(json, &board.accounts.other)["state"] == "sessions" && user(json, &board.accounts.refused)["state"] != "pending");
    assert_eq!(user(&json, &board.accounts.front)["state"], "no_server");
    assert_eq!(user(&json, &board.accounts.other)["sessions"][0]["name"], "theirs");
    let refused = user(&json, &board.accounts.refused);
    assert_eq!(refused["state"], "sudo_refused");
    let line = format!("{} ALL=({}) NOPASSWD: /usr/bin/tmux", board.accounts.front, board.accounts.refused);
    assert_eq!(refused["mend"], line);
    assert!(board.get("/").token(TOKEN).send().body.contains(&line));
}

#[test]
fn a_socket_that_may_not_be_used_says_so() {
    let Some(board) = Board::start("") else { return };
    board.tmux(&board.accounts.front, &["new-session", "-d", "-s", "a"]);
    let socket = board.tmux(&board.accounts.front, &["display-message", "-p", "#{socket_path}"]);
    let mode = |mode: &str| assert!(as_account(&board.accounts.front, "chmod").args([mode, &socket]).status().unwrap().success());
    mode("000");
    let json = board.sessions_when(|json| json["hosts"][0]["users"][0]["state"] == "socket_unreadable");
    assert!(json["hosts"][0]["users"][0]["error"].as_str().unwrap().contains("Permission denied"), "{json}");
    mode("700");
    board.session(&board.accounts.front, "a");
}

#[test]
fn a_session_that_could_not_be_looked_at_was_said_to_have_ended() {
    let Some(board) = Board::start("") else { return };
    let (front, refused) = (board.accounts.front.clone(), board.accounts.refused.clone());
    board.tmux(&front, &["new-session", "-d", "-s", "a"]);
    let id = board.session(&front, "a");
    let socket = board.tmux(&front, &["display-message", "-p", "#{socket_path}"]);
    let mode = |mode: &str| assert!(as_account(&front, "chmod").args([mode, &socket]).status().unwrap().success());
    let page = |user: &str, query: &str| board.get(&format!("/here/{user}/a{query}")).token(TOKEN).send();
    mode("000");
    board.sessions_when(|json| json["hosts"][0]["users"][0]["state"] == "socket_unreadable");
    for query in [format!("?id={id}"), String::new()] {
        let seen = page(&front, &query);
        assert_eq!(seen.status, 503, "{query}");
        assert!(seen.body.contains("Permission denied") && !seen.body.contains("ended") && !seen.body.contains("Create it"), "{}", seen.body);
    }
    let kill = || board.post("/fn/kill", &[("place", &format!("here/{front}")), ("session", &id), ("typed", "a")]).token(TOKEN).send();
    let answer = kill();
    assert!(answer.status == 502 && answer.body.contains("Permission denied"), "{answer:?}");
    let asked = board.get(&format!("/?kill=here/{front}/{id}")).token(TOKEN).send();
    assert!(asked.body.contains("is not known now") && !asked.body.contains("It has ended"), "{}", asked.body);
    mode("700");
    board.session(&front, "a");
    assert_eq!((page(&front, &format!("?id={id}")).status, kill().status, page(&front, &format!("?id={id}")).status), (200, 200, 410));
    // With the line that mends it.
    board.sessions_when(|json| json["hosts"][0]["users"][2]["state"] == "sudo_refused");
    let unseen = page(&refused, "");
    assert_eq!(unseen.status, 503);
    assert!(unseen.body.contains(&format!("{front} ALL=({refused}) NOPASSWD: /usr/bin/tmux")), "{}", unseen.body);
}

#[test]
fn create_and_kill_for_another_account_by_the_documented_line() {
    let Some(board) = Board::start("") else { return };
    let place = format!("here/{}", board.accounts.other);
    let created = board.post("/fn/create", &[("place", &place), ("name", "made"), ("command", "env; id -un; exec cat")]).token(TOKEN).send();
    assert_eq!(created.status, 200, "{}", created.body);
    let id = serde_json::from_str::<Value>(&created.body).unwrap()["session"].as_str().unwrap().to_owned();
    let began = std::time::Instant::now();
    let screen = loop {
        let screen = board.tmux(&board.accounts.other, &["capture-pane", "-p", "-J", "-S", "-", "-t", "made"]);
        if screen.contains(&format!("\n{}", board.accounts.other)) {
            break screen;
        }
        assert!(began.elapsed() < support::PATIENCE, "never said who it is: {screen}");
    };
    // Nothing of ours and nothing of sudo's is in a pane's environment.
    for secret in ["do-not-leak", "SUDO_", "LC_ALL=C\n", "MUXBOARD"] {
        assert!(!screen.contains(secret), "{secret} in {screen}");
    }
    assert_eq!(board.post("/fn/create", &[("place", &place), ("name", "made")]).token(TOKEN).send().status, 409);
    for (typed, status) in [("", 422), ("MADE", 422), ("made ", 422), ("made", 200), ("made", 410)] {
        assert_eq!(board.post("/fn/kill", &[("place", &place), ("session", &id), ("typed", typed)]).token(TOKEN).send().status, status, "{typed:?}");
    }
    assert_eq!(board.tmux(&board.accounts.other, &["list-sessions"]), "");
}

#[test]
fn without_javascript_a_refused_form_comes_back_with_everything_typed() {
    let Some(board) = Board::start("") else { return };
    let place = format!("here/{}", board.accounts.front);
    let login = log_in(&board, TOKEN);
    let post = |path: &str, fields: &[(&str, &str)]| board.post(path, fields).logged_in(&login).own_origin().header("Accept", "text/html,*/*;q=0.8").send();
    let made = post("/fn/create", &[("place", &place), ("name", "x"), ("directory", ""), ("command", "")]);
    assert_eq!((made.status, made.header("location")), (303, Some(format!("{}/", login.base).as_str())));
    let again = post("/fn/create", &[("place", &place), ("name", "x"), ("directory", "~/<b>"), ("command", "echo \"q\"")]);
    assert_eq!(again.status, 422, "a directory that is not there");
    let again = post("/fn/create", &[("place", &place), ("name", "x"), ("directory", ""), ("command", "echo \"q\" <b>")]);
    assert_eq!(again.status, 409);
    assert!(again.body.contains("exists already") && again.body.contains("echo &quot;q&quot; &lt;b"), "{}", again.body);
    assert!(!again.body.contains("<b>\""), "{}", again.body);
    let id = board.session(&board.accounts.front, "x");
    let wrong = post("/fn/kill", &[("place", &place), ("session", &id), ("typed", "y")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("letter for letter"));
    assert_eq!(post("/fn/kill", &[("place", &place), ("session", &id), ("typed", "x")]).status, 303);
}

#[test]
fn a_session_used_again_is_replaced_not_opened() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "keep"]);
    board.tmux(&front, &["new-session", "-d", "-s", "build"]);
    let old = board.session(&front, "build");
    let page = |query: &str| board.get(&format!("/here/{front}/build{query}")).token(TOKEN).send();
    assert_eq!((page("").status, page(&format!("?id={old}")).status), (200, 200));
    board.tmux(&front, &["kill-session", "-t", "=build"]);
    board.tmux(&front, &["new-session", "-d", "-s", "build"]);
    board.sessions_when(|json| !json.to_string().contains(&old) && json.to_string().contains("\"build\""));
    let replaced = page(&format!("?id={old}"));
    assert_eq!(replaced.status, 410);
    assert!(replaced.body.contains("replaced"), "{}", replaced.body);
    assert_eq!(page("?id=rubbish").status, 410);
    assert_eq!(board.get(&format!("/here/{front}/nothing")).token(TOKEN).send().status, 404);
}

#[test]
fn killing_muxboard_leaves_every_session_alive() {
    let Some(mut board) = Board::start("") else { return };
    let (front, other) = (board.accounts.front.clone(), board.accounts.other.clone());
    for account in [&front, &other] {
        let place = format!("here/{account}");
        assert_eq!(board.post("/fn/create", &[("place", &place), ("name", "lives")]).token(TOKEN).send().status, 200);
    }
    let before: Vec<String> = [&front, &other].map(|a| board.tmux(a, &["list-panes", "-a", "-F", "#{session_id} #{pid} #{pane_pid}"])).into();
    assert!(before.iter().all(|b| !b.is_empty()));
    board.kill_and_restart();
    let after: Vec<String> = [&front, &other].map(|a| board.tmux(a, &["list-panes", "-a", "-F", "#{session_id} #{pid} #{pane_pid}"])).into();
    assert_eq!(before, after);
    board.session(&front, "lives");
    board.session(&other, "lives");
    assert_eq!(board.stop("TERM"), Some(0));
    assert_eq!(before[0], board.tmux(&front, &["list-panes", "-a", "-F", "#{session_id} #{pid} #{pane_pid}"]));
}

#[test]
fn a_mistake_at_the_start_is_one_clear_line() {
    let Some(accounts) = support::accounts() else { return };
    let Some(board) = Board::start("") else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = as_account(&accounts.front, env!("CARGO_BIN_EXE_muxboard")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let config = folder.path().join(unique());
    std::fs::write(&config, "lisen = 1\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = config.to_str().unwrap();
    let port = format!("127.0.0.1:{}", board.port);
    for (arguments, want) in [
        (vec!["serve", "-c", config], format!("muxboard: {config}:1: unknown field `lisen`")),
        (vec!["serve", "-c", "/not/there"], "muxboard: /not/there: cannot be read: No such file".into()),
        (vec!["--listen", &port], format!("muxboard: {port} is in use by another program")),
        (vec!["--listen", "0.0.0.0:1"], "muxboard: 0.0.0.0:1 is open to the network".into()),
    ] {
        let (code, says) = run(&arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {says}");
        assert!(says.starts_with(&want) && says.trim_end().lines().count() == 1, "{arguments:?} said {says:?}");
    }
    assert_eq!(run(&["--help"]).0, Some(0));
    assert_eq!(run(&["--nonsense"]).0, Some(2));
}

#[test]
fn without_a_gate_nothing_works_and_the_page_says_so() {
    let Some(accounts) = support::accounts() else { return };
    let config = format!("listen = \"127.0.0.1:0\"\n[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\n", accounts.front);
    let board = Board::with(accounts, unique(), &config);
    for (name, request) in routes(&board).into_iter().filter(|(n, _)| !["health", "asset", "log out"].contains(n) && !n.contains("socket")) {
        assert_eq!(request.token(TOKEN).send().status, 401, "{name}");
    }
    assert!(board.get("/").send().body.contains("not set up"));
}

#[test]
fn mounted_under_a_path_nothing_is_outside_it() {
    let Some(board) = Board::start("base = \"/mux\"") else { return };
    assert!(board.link.ends_with("/mux/"));
    assert_eq!(board.get("/mux/").token(TOKEN).send().status, 200);
    assert_eq!(board.get("/mux/api/v1/whoami").token(TOKEN).send().status, 200);
    assert_eq!(board.post("/mux/fn/refresh", &[]).token(TOKEN).send().status, 200);
    for path in ["/", "/api/v1/whoami", "/muxx/"] {
        assert_eq!(board.get(path).token(TOKEN).send().status, 404, "{path}");
    }
    assert_eq!(board.get("/").header("Host", "evil").send().status, 403);
    let log_in = |next: &str| board.post("/mux/login", &[("token", TOKEN), ("next", next)]).own_origin().send();
    for next in ["/mux/../other", "/mux/%2e%2e/other", "/mux/x/../../other", "/other", "/muxx"] {
        let answer = log_in(next);
        assert_eq!(answer.header("location"), Some(format!("{}/", Login::of(&answer).base).as_str()), "{next}");
    }
    let cookie = log_in("//evil.example");
    let login = Login::of(&cookie);
    assert!(login.base.starts_with("/mux/~/"), "{login:?}");
    assert_eq!(cookie.header("location"), Some(format!("{}/", login.base).as_str()));
    assert_eq!(board.get("/api/v1/whoami").logged_in(&login).send().status, 200);
    let made = board.post("/fn/refresh", &[]).logged_in(&login).own_origin().header("Accept", "text/html").send();
    assert_eq!((made.status, made.header("location")), (303, Some(format!("{}/", login.base).as_str())));
}
