//! Sessions made for accounts that are reached by sudo, over ssh, or both: where they start, what the account's own configuration does, and a tmux
//! server that lost its socket.

mod support;

use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use support::sshd::{Client, Sshd, host, run};
use support::{Answer, Board, TOKEN, accounts, as_account};

/// Files in the home directories of accounts are everybody's: these tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file in an account's home directory, for as long as this lives.
struct InHome(PathBuf);

impl InHome {
    fn new(account: &str, name: &str, text: &str) -> Self {
        let path = PathBuf::from(format!("/home/{account}/{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        run("chown", &["-R", account, &format!("/home/{account}")]);
        run("chmod", &["755", path.to_str().unwrap()]);
        Self(path)
    }
}

impl Drop for InHome {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn create(board: &Board, key: &str, user: &str, more: Value) -> Answer {
    let mut body = json!({ "host": key, "user": user, "name": "work" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    board.json("POST", "/api/v1/sessions", &body).token(TOKEN).send()
}

fn user<'a>(host: &'a Value, name: &str) -> &'a Value {
    host["users"].as_array().unwrap().iter().find(|u| u["user"] == name).unwrap()
}

/// A board of this machine, and of the same machine over ssh.
fn boards() -> Option<(Board, Client, Sshd, Board)> {
    let accounts = accounts()?;
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let far = client.board("", &host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far], ""));
    Some((Board::start("")?, client, sshd, far))
}

#[test]
fn a_directory_that_cannot_be_entered_is_refused_for_every_account() {
    let _turn = turn();
    let Some((here, client, _sshd, far)) = boards() else { return };
    let accounts = &client.accounts;
    let locked = InHome::new(&accounts.refused, "locked/file", "");
    run("chmod", &["700", locked.0.parent().unwrap().to_str().unwrap()]);
    let closed = locked.0.parent().unwrap().to_str().unwrap().to_owned();
    for (board, key, account) in
        [(&here, "here", &accounts.front), (&here, "here", &accounts.other), (&far, "far", &accounts.login), (&far, "far", &accounts.far)]
    {
        for directory in ["/nonexistent", "~/nonexistent", "/etc/passwd", &closed] {
            let refused = create(board, key, account, json!({ "directory": directory }));
            assert!(refused.status == 422 && refused.body.contains("directory does not exist there, or"), "{key} {account} {directory}: {refused:?}");
        }
        let seen = board.host_when(key, |h| h["state"] == "up");
        assert_eq!(user(&seen, account)["state"], "no_server", "{seen}");
        let made = create(board, key, account, json!({ "directory": "~" }));
        assert_eq!(made.status, 201, "{key} {account}: {made:?}");
        assert_eq!(board.tmux(account, &["display-message", "-p", "-t", "work:", "#{pane_current_path}"]), format!("/home/{account}"));
    }
}

#[test]
fn what_an_accounts_configuration_starts_begins_at_home_with_nothing_of_sudo_or_ssh() {
    let _turn = turn();
    let Some((here, client, _sshd, far)) = boards() else { return };
    let accounts = &client.accounts;
    for (board, key, account) in
        [(&here, "here", &accounts.front), (&here, "here", &accounts.other), (&far, "far", &accounts.login), (&far, "far", &accounts.far)]
    {
        let _configuration = InHome::new(account, ".tmux.conf", "new-session -d -s mine 'env > ~/environment; exec cat'\n");
        let made = create(board, key, account, json!({}));
        assert_eq!(made.status, 201, "{made:?}");
        support::sshd::until("it runs cat", || board.tmux(account, &["display-message", "-p", "-t", "mine:", "#{pane_current_command}"]) == "cat");
        assert_eq!(board.tmux(account, &["display-message", "-p", "-t", "mine:", "#{pane_current_path}"]), format!("/home/{account}"));
        let environment = std::fs::read_to_string(format!("/home/{account}/environment")).unwrap() + &board.tmux(account, &["show-environment", "-g"]);
        for word in ["SUDO_", "SSH_C", "LC_ALL=", "muxboard", "\nM=", "\nm="] {
            assert!(!environment.contains(word), "{key} {account} {word}: {environment}");
        }
    }
}

#[test]
fn a_server_that_lost_its_socket_is_told_from_none_and_its_line_brings_it_back() {
    let _turn = turn();
    let Some((here, client, _sshd, far)) = boards() else { return };
    let accounts = &client.accounts;
    for (board, key, account) in [(&here, "here", &accounts.front), (&here, "here", &accounts.other), (&far, "far", &accounts.far)] {
        board.tmux(account, &["new-session", "-d", "-s", "mine"]);
        let pid = board.tmux(account, &["display-message", "-p", "#{pid}"]);
        let id = board.session_on(key, account, "mine");
        let socket = board.tmux(account, &["display-message", "-p", "#{socket_path}"]);
        std::fs::remove_file(&socket).unwrap();
        let seen = board.host_when(key, |h| user(h, account)["state"] == "socket_missing");
        let (error, mend) = (user(&seen, account)["error"].as_str().unwrap(), user(&seen, account)["mend"].as_str().unwrap());
        assert!(error.contains(&socket) && error.contains(&format!("pid {pid}")), "{error}");
        let refused = create(board, key, account, json!({}));
        assert!(refused.status == 502 && refused.body.contains("is missing"), "{refused:?}");
        run("sh", &["-c", mend]);
        assert_eq!(board.session_on(key, account, "mine"), id);
    }
}

#[test]
fn a_command_is_run_as_a_login_and_one_that_is_not_found_tells_the_path() {
    let _turn = turn();
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let all = [&accounts.login, &accounts.fish, &accounts.csh];
    let hosts: String = all.iter().map(|account| host(account, sshd.port, account, &[account], "")).collect();
    let mut far = host("sudo", sshd.port, &accounts.login, &[&accounts.far], "");
    far += &hosts;
    let board = client.board("", &far);
    let places = all.iter().map(|account| (account.as_str(), account.as_str())).chain([("sudo", accounts.far.as_str())]);
    for (key, account) in places {
        let _files = [
            InHome::new(account, ".local/bin/agentx", "#!/bin/sh\nprintf '<%s>' \"$@\"\nexec cat\n"),
            InHome::new(account, ".bash_profile", "PATH=$HOME/.local/bin:$PATH\n"),
            InHome::new(account, ".config/fish/config.fish", "if status is-login; set -gx PATH $HOME/.local/bin $PATH; end\n"),
            InHome::new(account, ".login", "setenv PATH ${HOME}/.local/bin:${PATH}\n"),
        ];
        let made = create(&board, key, account, json!({ "command": "agentx 'it works'" }));
        assert_eq!(made.status, 201, "{made:?}");
        support::sshd::until("it works", || board.tmux(account, &["capture-pane", "-p", "-t", "work:"]).contains("<it works>"));
        // A csh ends with 1, as for any other failure.
        if account == accounts.csh {
            continue;
        }
        let made = create(&board, key, account, json!({ "name": "lost", "command": "no-such-agent --now" }));
        assert_eq!(made.status, 201, "{made:?}");
        let notes = |host: &Value| {
            let sessions = user(host, account)["sessions"].as_array().cloned().unwrap_or_default();
            sessions.into_iter().find(|s| s["name"] == "lost").map(|s| s["notes"].to_string()).unwrap_or_default()
        };
        let told = format!("PATH: /home/{account}/.local/bin:");
        let seen = board.host_when(key, |h| notes(h).contains(&told));
        assert!(notes(&seen).contains("was not found (status 127)"), "{seen}");
    }
}

#[test]
fn a_session_that_would_take_a_servers_last_open_files_is_refused_and_the_server_goes_on() {
    let Some(board) = Board::start("") else { return };
    let front = &board.accounts.front;
    let start = format!("ulimit -S -n 64; exec tmux -f /dev/null -L {} new-session -d -s s0 'exec sleep 600'", board.socket_name);
    assert!(as_account(front, "sh").args(["-c", &start]).status().unwrap().success());
    for i in 1..39 {
        board.tmux(front, &["new-session", "-d", "-s", &format!("s{i}"), "exec sleep 600"]);
    }
    board.session(front, "s38");
    let create = |name: &str| board.json("POST", "/api/v1/sessions", &json!({ "host": "here", "user": front, "name": name })).token(TOKEN).send();
    assert_eq!(create("last").status, 201);
    let refused = create("more");
    assert!(refused.status == 429 && refused.body.contains("sessions have 40 windows"), "{} {}", refused.status, refused.body);
    assert_eq!(board.tmux(front, &["list-sessions"]).lines().count(), 40);
    board.tmux(front, &["kill-session", "-t", "=s0"]);
    board.sessions_when(|json| !json.to_string().contains("\"s0\""));
    assert_eq!(create("again").status, 201);
}
