//! Hosts over ssh: real sshds, real accounts, real sudo, the real binary as an unprivileged account.

mod support;

use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use support::sshd::{Client, Sshd, host, run, until};
use support::{Board, TOKEN, accounts, as_account_with};

fn names(host: &Value, user: &str) -> Vec<String> {
    let users = host["users"].as_array().unwrap();
    let sessions = users.iter().find(|u| u["user"] == user).unwrap()["sessions"].as_array().unwrap().clone();
    sessions.iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
}

fn user<'a>(host: &'a Value, name: &str) -> &'a Value {
    host["users"].as_array().unwrap().iter().find(|u| u["user"] == name).unwrap()
}

fn post(board: &Board, function: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let answer = board.post(&format!("/fn/{function}"), fields).token(TOKEN).send();
    (answer.status, answer.body)
}

fn done(board: &Board, function: &str, fields: &[(&str, &str)]) {
    let (status, body) = post(board, function, fields);
    assert!(status < 400, "{function} {fields:?}: {status} {body}");
}

/// The ssh processes of this client's board. (Other tests run at the same time, as the same account.)
fn ssh_of(client: &Client) -> Vec<String> {
    run("sh", &["-c", &format!("pgrep -u {} -f '^ssh -F {}' || true", client.accounts.front, client.path("config"))]).lines().map(str::to_owned).collect()
}

/// A client, an sshd that it knows, and a board of it with the login's own sessions and those of its sudo target.
fn one_host(options: &str, more: &str) -> Option<(Client, Sshd, Board)> {
    let accounts = accounts()?;
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, options);
    client.know(&sshd);
    let board = client.board("", &host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far], more));
    Some((client, sshd, board))
}

/// What wakes a stopped server, of one account with all its servers, is not to wake that of a test beside.
static STOPPED: Mutex<()> = Mutex::new(());

#[test]
fn another_machine_is_worked_with_as_this_one_and_one_login_serves_all_of_it() {
    let Some((client, sshd, board)) = one_host("", "label = \"Far away\"\ntags = [\"prod\"]\norder = [\"z\"]") else { return };
    let (login, far) = (client.accounts.login.as_str(), client.accounts.far.as_str());
    let seen = board.host_when("far", |h| h["state"] == "up" && h["users"].as_array().unwrap().iter().all(|u| u["state"] == "no_server"));
    assert_eq!((seen["label"].as_str().unwrap(), seen["place"].as_str().unwrap()), ("Far away", format!("{login}@127.0.0.1:{} · prod", sshd.port).as_str()));
    for user in [login, far] {
        for name in ["b10", "b2", "z1"] {
            done(&board, "create", &[("place", &format!("far/{user}")), ("name", name)]);
        }
        let (status, body) = post(&board, "create", &[("place", &format!("far/{user}")), ("name", "b2")]);
        assert_eq!(status, 409, "{body}");
        let listed = board.host_when("far", |h| names(h, user).len() == 3);
        assert_eq!(names(&listed, user), ["z1", "b2", "b10"], "the configured order, then natural");
        let id = board.session_on("far", user, "b2");
        let place = format!("far/{user}");
        let (status, _) = post(&board, "kill", &[("place", &place), ("session", &id), ("typed", "b1")]);
        assert_eq!(status, 422);
        done(&board, "rename", &[("place", &place), ("session", &id), ("name", "c3")]);
        done(&board, "kill", &[("place", &place), ("session", &id), ("typed", "c3")]);
        assert_eq!(names(&board.host_when("far", |h| names(h, user).len() == 2), user), ["z1", "b10"]);
        // What sudo and sshd put into the environment is not in the panes of a server that we started.
        let environment = board.tmux(user, &["show-environment", "-g"]);
        assert!(!environment.contains("SUDO_") && !environment.contains("SSH_C"), "{environment}");
        assert_eq!(board.tmux(user, &["display-message", "-p", "-t", "z1:", "#{pane_current_path}"]), format!("/home/{user}"));
    }
    assert_eq!(sshd.logins(), 1, "a look or an action made a connection of its own");
}

#[test]
fn a_login_shell_of_any_kind_and_all_its_noise_change_nothing() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let write = |account: &str, file: &str, text: &str| {
        let path = format!("/home/{account}/{file}");
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        run("chown", &["-R", account, &format!("/home/{account}")]);
    };
    // In the session itself the shell may say what it likes.
    let noise = "[ -n \"$TMUX\" ] || { echo 'welcome \"$(touch canary)\" to `noise`'; printf '\\033[31mred\\033[0m\\n'; }\n";
    // Before Debian's own lines, which end there for shells that nobody types into.
    write(&accounts.login, ".bashrc", noise);
    write(&accounts.fish, ".config/fish/config.fish", "set -q TMUX; or begin; echo 'welcome to noise'; echo more 1>&2; end\n");
    write(&accounts.csh, ".cshrc", "if (! $?TMUX) echo 'welcome to noise'\n");
    let all = [&accounts.login, &accounts.fish, &accounts.csh];
    let hosts: String = all.iter().map(|account| host(account, sshd.port, account, &[account], "")).collect();
    let board = client.board("", &hosts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for account in all {
        let shell = run("getent", &["passwd", account]);
        println!("{account}: {shell}");
        done(&board, "create", &[("place", &format!("{account}/{account}")), ("name", "it-s"), ("directory", "/tmp")]);
        let id = board.session_on(account, account, "it-s");
        let screen = runtime.block_on(async {
            let mut socket = support::socket::connect(&board, &format!("/ws/attach/{account}/{account}/{id}"), &support::socket::token(TOKEN)).await;
            support::socket::hello(&mut socket, false).await;
            support::socket::until(&mut socket, "it-s").await
        });
        assert!(!screen.contains("noise"), "{shell}: {screen:?}");
        assert_eq!(board.tmux(account, &["display-message", "-p", "-t", "it-s:", "#{pane_current_path}"]), "/tmp");
    }
    assert!(!std::path::Path::new(&format!("/home/{}/canary", accounts.login)).exists());
}

#[test]
fn a_host_behind_another_one_and_a_name_of_ssh_config_are_reached() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let (bastion, inner) = (Sshd::start(&client, ""), Sshd::start(&client, "AllowUsers *@127.0.0.1"));
    client.know(&bastion);
    client.know(&inner);
    client.config(&format!(
        "Host bastion\n  HostName 127.0.0.1\n  Port {}\n  User {}\nHost inner\n  HostName 127.0.0.1\n  Port {}\n  ProxyJump bastion\n  ControlMaster auto\n  ControlPath {}/hijack\n  RemoteCommand false\n",
        bastion.port, accounts.fish, inner.port, client.path("")
    ));
    let hosts = host("inner", 1, &accounts.login, &[&accounts.login], "").replace("address = \"127.0.0.1\"\nport = 1", "address = \"inner\"");
    let board = client.board("", &hosts);
    board.host_when("inner", |h| h["state"] == "up");
    assert_eq!((bastion.logins(), inner.logins()), (1, 1));
    assert!(!std::path::Path::new(&client.path("hijack")).exists(), "the account's own ControlMaster got in between");
}

#[test]
fn a_host_with_a_password_alone_gets_it_and_nobody_else_sees_it() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "PubkeyAuthentication no\nPasswordAuthentication yes");
    client.know(&sshd);
    let secret = "correct horse $(touch canary) battery";
    run("sh", &["-c", &format!("echo '{}:{secret}' | chpasswd", accounts.csh)]);
    let file = client.path("secret");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    run("chown", &[&accounts.front, &file]);
    run("chmod", &["600", &file]);
    let wrong = client.path("wrong");
    std::fs::write(&wrong, "not it\n").unwrap();
    run("chown", &[&accounts.front, &wrong]);
    run("chmod", &["600", &wrong]);
    let a_host = |key: &str, file: &str| host(key, sshd.port, &accounts.csh, &[&accounts.csh], &format!("password_file = \"{file}\""));
    let board = client.board("", &(a_host("right", &file) + &a_host("wrong", &wrong)));
    board.host_when("right", |h| h["state"] == "up");
    let refused = board.host_when("wrong", |h| h["state"] == "authentication_failed");
    assert!(refused["error"].as_str().unwrap().contains("The password was refused"), "{refused}");
    let processes =
        run("sh", &["-c", &format!("for p in $(pgrep -u {}); do tr '\\0' ' ' </proc/$p/cmdline; tr '\\0' ' ' </proc/$p/environ; echo; done", accounts.front)]);
    assert!(processes.contains("exec sh -s") && !processes.contains("correct horse"), "{processes}");
}

#[test]
fn an_sshd_that_allows_two_sessions_a_connection_is_enough() {
    let Some((client, sshd, board)) = one_host("MaxSessions 2", "") else { return };
    let (login, far) = (client.accounts.login.as_str(), client.accounts.far.as_str());
    for name in ["a", "b", "c"] {
        done(&board, "create", &[("place", &format!("far/{login}")), ("name", name)]);
        done(&board, "create", &[("place", &format!("far/{far}")), ("name", name)]);
    }
    assert_eq!(sshd.logins(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut open = Vec::new();
        for name in ["a", "b", "c"] {
            let id = board.session_on("far", login, name);
            let mut socket = support::socket::connect(&board, &format!("/ws/attach/far/{login}/{id}"), &support::socket::token(TOKEN)).await;
            support::socket::hello(&mut socket, false).await;
            support::socket::until(&mut socket, name).await;
            open.push(socket);
        }
        assert_eq!(sshd.logins(), 4, "each further terminal needs a connection of its own here");
    });
}

#[test]
fn a_stopped_tmux_server_of_one_user_does_not_hold_up_another_user_of_the_host() {
    // Whose server is stopped: the sudo target's, or the login's own.
    for own in [false, true] {
        let Some((client, _sshd, board)) = one_host("", "") else { return };
        let _turn = STOPPED.lock().unwrap_or_else(PoisonError::into_inner);
        let (login, far) = (client.accounts.login.as_str(), client.accounts.far.as_str());
        let (stopped, other) = if own { (login, far) } else { (far, login) };
        for user in [login, far] {
            done(&board, "create", &[("place", &format!("far/{user}")), ("name", "a")]);
        }
        let (stuck, free) = (board.session_on("far", stopped, "a"), board.session_on("far", other, "a"));
        let pid = board.tmux(stopped, &["display-message", "-p", "#{pid}"]);
        run("kill", &["-STOP", &pid]);
        let goes_on = Resume(pid.clone());
        std::thread::scope(|scope| {
            let late = scope.spawn(|| post(&board, "kill", &[("place", &format!("far/{stopped}")), ("session", &stuck), ("typed", "a")]));
            done(&board, "kill", &[("place", &format!("far/{other}")), ("session", &free), ("typed", "a")]);
            assert!(!late.is_finished(), "the other user's kill came first");
            let (status, body) = late.join().unwrap();
            assert!(status == 502 && body.contains("does not answer"), "{status} {body}");
        });
        let host = board.host_when("far", |h| user(h, stopped)["state"] == "not_answering" && user(h, other)["state"] == "no_server");
        assert_eq!(host["state"].as_str(), Some("up"));
        run("sh", &["-c", user(&host, stopped)["mend"].as_str().unwrap()]);
        // It goes on; then the kill that nobody answered for may still arrive, and end it.
        assert_ne!(run("sh", &["-c", &format!("ps -o stat= -p {pid} || true")]).chars().next(), Some('T'), "the line that mends it did not");
        drop(goes_on);
        board.host_when("far", |h| user(h, stopped)["state"] != "not_answering");
    }
}

#[test]
fn an_action_whose_client_hung_up_was_done_and_in_no_record_and_took_everybodys_connection_along() {
    let Some((client, sshd, board)) = one_host("", "") else { return };
    let login = client.accounts.login.as_str();
    done(&board, "create", &[("place", &format!("far/{login}")), ("name", "a")]);
    let id = board.session_on("far", login, "a");
    let pid = board.tmux(login, &["display-message", "-p", "#{pid}"]);
    run("kill", &["-STOP", &pid]);
    let goes_on = Resume(pid);
    let body = "{\"confirm\":\"a\"}";
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", board.port)).unwrap();
    let head = format!(
        "DELETE /api/v1/sessions/far/{login}/{id} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        board.port,
        body.len()
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    until("tmux is asked", || !run("sh", &["-c", &format!("pgrep -u {login} -f 'tmux.*kill-session' || true")]).is_empty());
    drop(stream);
    for _ in 0..20 {
        assert_eq!(board.get("/api/v1/whoami").token(TOKEN).send().status, 200);
    }
    drop(goes_on);
    until("it is in the record", || board.log().lines().any(|line| line.contains("kill") && line.contains(&id) && line.contains("done")));
    board.host_when("far", |h| user(h, login)["state"] == "no_server");
    assert_eq!(sshd.logins(), 1);
}

#[test]
fn a_stopped_server_of_a_hosts_only_user_is_named_and_costs_no_connection() {
    let Some(accounts) = accounts() else { return };
    let _turn = STOPPED.lock().unwrap_or_else(PoisonError::into_inner);
    let (client, login) = (Client::new(&accounts), accounts.login.as_str());
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let board = client.board("", &host("far", sshd.port, login, &[login], ""));
    done(&board, "create", &[("place", &format!("far/{login}")), ("name", "a")]);
    // Two looks: the second one starts nothing that would end a tmux which does not answer.
    for _ in 0..2 {
        done(&board, "refresh", &[]);
    }
    board.host_when("far", |h| names(h, login) == ["a"]);
    let pid = board.tmux(login, &["display-message", "-p", "#{pid}"]);
    run("kill", &["-STOP", &pid]);
    let goes_on = Resume(pid);
    let seen = board.host_when("far", |h| h["state"] != "up" || user(h, login)["state"] == "not_answering");
    assert_eq!((seen["state"].as_str(), user(&seen, login)["state"].as_str()), (Some("up"), Some("not_answering")), "{seen}");
    drop(goes_on);
    board.host_when("far", |h| user(h, login)["state"] != "not_answering");
    assert_eq!(sshd.logins(), 1);
}

/// A stopped process that goes on when this goes, also when the test fails: whoever asks a stopped server waits for ever.
struct Resume(String);

impl Drop for Resume {
    fn drop(&mut self) {
        run("sh", &["-c", &format!("kill -CONT {} 2>/dev/null || true", self.0)]);
    }
}

#[test]
fn a_killed_connection_is_made_again_and_an_open_terminal_hears_of_it() {
    let Some((client, sshd, board)) = one_host("", "") else { return };
    let login = client.accounts.login.as_str();
    done(&board, "create", &[("place", &format!("far/{login}")), ("name", "a")]);
    let id = board.session_on("far", login, "a");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let socket = runtime.block_on(async {
        let mut socket = support::socket::connect(&board, &format!("/ws/attach/far/{login}/{id}"), &support::socket::token(TOKEN)).await;
        support::socket::hello(&mut socket, false).await;
        support::socket::until(&mut socket, "\x1b").await;
        socket
    });
    assert_eq!(sshd.logins(), 2);
    run("sh", &["-c", &format!("kill -KILL {} || true", ssh_of(&client).join(" "))]);
    // The session lives on, and the page comes back by itself.
    let end = runtime.block_on(support::socket::closed_reading(socket));
    assert_eq!(end, Some(muxboard_core::wire::Close::Lost));
    // What was on its way when the connection broke is not tried again by itself: whether it was done is not known.
    let rename = || post(&board, "rename", &[("place", &format!("far/{login}")), ("session", &id), ("name", "b")]);
    until("a new connection", || rename().0 < 400);
    board.host_when("far", |h| h["state"] == "up" && names(h, login) == ["b"]);
}

#[test]
fn nothing_of_ours_outlives_sigkill_and_a_restart_comes_up_clean() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshds: Vec<Sshd> = (0..4).map(|_| Sshd::start(&client, "")).collect();
    sshds.iter().for_each(|sshd| client.know(sshd));
    let hosts: String = (0..20).map(|i| host(&format!("h{i}"), sshds[i % 4].port, &accounts.login, &[&accounts.login], "")).collect();
    let mut board = client.board("", &hosts);
    let all_up = |json: &Value| json["hosts"].as_array().unwrap().iter().all(|h| h["state"] == "up");
    board.sessions_when(all_up);
    let ours = || ssh_of(&client).len();
    assert_eq!(ours(), 20);
    board.kill_and_restart();
    board.sessions_when(all_up);
    until("the old connections are gone and twenty new ones are there", || ours() == 20);
    // Of the killed one no folder of sockets is left either.
    let folder = run("ls", &[board.runtime().join("muxboard").to_str().unwrap()]);
    assert_eq!(folder.lines().count(), 2, "a folder and its lock: {folder}");
    board.stop("KILL");
    until("no ssh of ours is left", || ours() == 0);
    until("no connection is left", || sshds.iter().all(|sshd| sshd.connections().is_empty()));
}

#[test]
fn a_runtime_directory_that_is_not_ours_alone_or_too_deep_is_refused_at_the_start() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let config = client.path("muxboard.toml");
    std::fs::write(&config, format!("listen = \"127.0.0.1:0\"\n{}", host("far", 1, &accounts.login, &[&accounts.login], ""))).unwrap();
    let deep = format!("{}/{}", client.path("deep"), "x".repeat(60));
    std::fs::create_dir_all(&deep).unwrap();
    let open = client.path("open");
    std::fs::create_dir_all(format!("{open}/muxboard")).unwrap();
    run("chown", &["-R", &accounts.front, &client.path("deep"), &open]);
    for (folder, says) in [(deep, "too deep"), (open, "not ours alone")] {
        let output = as_account_with(&accounts.front, &[("XDG_RUNTIME_DIR", &folder)], support::binary()).args(["serve", "-c", &config]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(says), "{error}");
    }
}
