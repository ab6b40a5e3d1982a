//! What a host can lack: tmux, a tmux that is new enough, sudo, sessions of its sshd. Each really caused, named, and mended by its line.

mod support;

use muxboard_core::wire::Close;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use support::sshd::{Client, Sshd, host, run};
use support::{Accounts, Board, TOKEN, accounts, as_account, as_account_with, binary};

fn world() -> Option<(Accounts, Client)> {
    let accounts = accounts()?;
    let client = Client::new(&accounts);
    Some((accounts, client))
}

fn user<'a>(host: &'a Value, name: &str) -> &'a Value {
    host["users"].as_array().unwrap().iter().find(|u| u["user"] == name).unwrap()
}

fn user_is(board: &Board, name: &str, state: &str) -> Value {
    user(&board.host_when("far", |h| user(h, name)["state"] == state), name).clone()
}

fn create(board: &Board, account: &str, name: &str) -> (u16, String) {
    let answer = board.post("/fn/create", &[("place", &format!("far/{account}")), ("name", name)]).token(TOKEN).send();
    (answer.status, answer.body)
}

/// All programs that a login over ssh finds: a folder of links, some of them missing. What its `apt-get install` installs are links too.
struct Programs(String);

impl Programs {
    fn without(client: &Client, missing: &[&str]) -> Self {
        let programs = Self(client.path("programs"));
        let folder = &programs.0;
        fs::create_dir(folder).unwrap();
        run("sh", &["-c", &format!("ln -sf /bin/* /usr/bin/* {folder}")]);
        for name in missing.iter().chain(&["apt-get"]) {
            fs::remove_file(format!("{folder}/{name}")).unwrap();
        }
        programs.write("apt-get", &format!("[ \"$1\" = install ] && [ -x /usr/bin/\"$2\" ] && ln -sf /usr/bin/\"$2\" {folder}/\"$2\""));
        programs
    }

    fn write(&self, name: &str, script: &str) {
        let path = format!("{}/{name}", self.0);
        // Else it would be written through the link.
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The line for sshd's configuration.
    fn path(&self) -> String {
        format!("SetEnv PATH={}", self.0)
    }

    /// Runs the line that mends it, there.
    fn follow(&self, fault: &Value) {
        let line = fault["mend"].as_str().unwrap_or_else(|| panic!("no line in {fault}"));
        run("env", &[&format!("PATH={}", self.0), "sh", "-c", line]);
    }
}

#[test]
fn a_host_without_tmux_is_named_and_mended_by_its_line() {
    let Some((accounts, client)) = world() else { return };
    let programs = Programs::without(&client, &["tmux"]);
    let sshd = Sshd::start(&client, &programs.path());
    client.know(&sshd);
    let login = accounts.login.as_str();
    let board = client.board("", &host("far", sshd.port, login, &[login], ""));
    let missing = user_is(&board, login, "tmux_missing");
    let (status, body) = create(&board, login, "a");
    assert!(status == 502 && body.contains("tmux is not installed") && body.contains("apt-get install tmux"), "{status} {body}");
    programs.follow(&missing);
    user_is(&board, login, "no_server");
    assert_eq!(create(&board, login, "a").0, 200);
    user_is(&board, login, "sessions");
    // It can go again, while there are sessions, which are then not said to be gone.
    fs::remove_file(format!("{}/tmux", programs.0)).unwrap();
    let missing = user_is(&board, login, "tmux_missing");
    programs.follow(&missing);
    assert_eq!(user_is(&board, login, "sessions")["sessions"][0]["name"], "a");
}

#[test]
fn a_host_without_sudo_is_named_for_those_who_need_it_and_mended_by_its_line() {
    let Some((accounts, client)) = world() else { return };
    let programs = Programs::without(&client, &["sudo"]);
    let sshd = Sshd::start(&client, &programs.path());
    client.know(&sshd);
    let (login, far) = (accounts.login.as_str(), accounts.far.as_str());
    let board = client.board("", &host("far", sshd.port, login, &[login, far], ""));
    let missing = user_is(&board, far, "sudo_missing");
    user_is(&board, login, "no_server");
    let (status, body) = create(&board, far, "a");
    assert!(status == 502 && body.contains("sudo is not installed") && body.contains("apt-get install sudo"), "{status} {body}");
    programs.follow(&missing);
    user_is(&board, far, "no_server");
    assert_eq!(create(&board, far, "a").0, 200);
    user_is(&board, far, "sessions");
}

#[test]
fn a_tmux_that_is_too_old_is_named_and_mended_by_its_line() {
    let Some((accounts, client)) = world() else { return };
    let programs = Programs::without(&client, &[]);
    let sshd = Sshd::start(&client, &programs.path());
    client.know(&sshd);
    let login = accounts.login.as_str();
    let version = run("tmux", &["-V"]).replace("tmux ", "");
    let board = client.board("", &host("far", sshd.port, login, &[login], ""));
    board.tmux(login, &["new-session", "-d", "-s", "a"]);
    user_is(&board, login, "sessions");
    let early = "[ \"$1\" = -V ] && echo tmux 1.8 && exit; echo 'tmux: unknown option -- T' >&2; echo 'usage: tmux [-2lquvV] [command [flags]]' >&2; exit 1";
    // It answers, and its server says how old it is.
    let late = format!("said=$(/usr/bin/tmux \"$@\"); code=$?; printf '%s\\n' \"$said\" | sed 's/{}/3.1c/'; exit $code", version.replace('.', "\\."));
    // Its server is older than the words for what it is asked: they are empty.
    let rows = "mark=$(printf '%s\\n' \"$@\" | sed -n 's/ B .*//p'); printf '%s B :\\n%s S $0:1700000000:0::::\\n' \"$mark\" \"$mark\"";
    for (script, says) in [(rows, "unknown"), (early, "unknown"), (&late, "3.1c")] {
        programs.write("tmux", script);
        let old = user_is(&board, login, "tmux_too_old");
        let error = old["error"].as_str().unwrap();
        assert!(error.contains(&format!("(version {says})")) && error.contains("3.2 or newer"), "{old}");
        programs.follow(&old);
        assert_eq!(user_is(&board, login, "sessions")["sessions"][0]["name"], "a");
    }
}

/// What a terminal on a session is closed with, and why; none if it shows it.
fn attach(board: &Board, path: &str) -> Option<(Close, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut socket = support::socket::connect(board, path, &support::socket::token(TOKEN)).await;
        support::socket::hello(&mut socket, false).await;
        support::socket::shows_or_closes_with(&mut socket, "it-is-there").await
    })
}

#[test]
fn an_sshd_that_allows_one_session_a_connection_is_named_everywhere_and_mended_by_its_line() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "MaxSessions 2\n");
    client.know(&sshd);
    let login = accounts.login.as_str();
    let hosts = host("far", sshd.port, login, &[login], "");
    let board = client.board("[upload]\nenabled = true\n", &hosts);
    board.tmux(login, &["new-session", "-d", "-s", "a", "printf 'it-is-''there'; exec cat"]);
    user_is(&board, login, "sessions");
    let id = board.session_on("far", login, "a");
    // From now on: its connections that stand go as well.
    sshd.reload("MaxSessions 2\n", "MaxSessions 1\n");
    for pid in sshd.connections() {
        run("sh", &["-c", &format!("kill {pid} 2>/dev/null || true")]);
    }
    let few = board.host_when("far", |h| h["state"] == "too_few_sessions");
    assert!(few["error"].as_str().unwrap().contains("allows too few sessions"), "{few}");
    let path = format!("/ws/attach/far/{login}/{id}");
    let (close, reason) = attach(&board, &path).unwrap();
    assert!(close == Close::Unreachable && reason.contains("allows too few sessions") && reason.contains("MaxSessions 10"), "{close:?} {reason}");
    let sent = board.upload(&format!("far/{login}"), &id, b"a file").token(TOKEN).send();
    assert!(sent.status == 502 && sent.body.contains("allows too few sessions") && sent.body.contains("MaxSessions 10"), "{sent:?}");
    let config = client.path("check.toml");
    fs::write(&config, format!("ssh_config = \"{}\"\n{hosts}", client.path("config"))).unwrap();
    let check =
        support::as_account_with(&accounts.front, &[("XDG_RUNTIME_DIR", &client.path(""))], support::binary()).args(["check", "-c", &config]).output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(!check.status.success() && said.contains("allows too few sessions") && said.contains("MaxSessions 10"), "{said}");
    let line = few["mend"].as_str().unwrap_or_else(|| panic!("no line in {few}"));
    sshd.reload("MaxSessions 1\n", &format!("{line}\n"));
    board.host_when("far", |h| h["state"] == "up" && user(h, login)["state"] == "sessions");
    assert_eq!(attach(&board, &path), None);
}

/// What `muxboard check` says of a host, run with tmux replaced there by this script.
fn check_with(tmux: &str) -> Option<String> {
    let (accounts, client) = world()?;
    let programs = Programs::without(&client, &[]);
    programs.write("tmux", tmux);
    let sshd = Sshd::start(&client, &programs.path());
    client.know(&sshd);
    let config = client.path("check.toml");
    // The second through sudo, which has a path of its own.
    let users = [accounts.login.as_str(), accounts.far.as_str()];
    let hosts = host("far", sshd.port, &accounts.login, &users, "");
    fs::write(&config, format!("ssh_config = \"{}\"\n{hosts}", client.path("config"))).unwrap();
    let runtime = client.path("");
    let mut check = as_account_with(&accounts.front, &[("XDG_RUNTIME_DIR", &runtime)], binary());
    let output = check.args(["check", "-c", config.as_str()]).output().unwrap();
    // Nothing of the trial stays behind.
    for user in users {
        let left = as_account(user, "sh").args(["-c", "ls /tmp/tmux-$(id -u); ps -eo args | grep -v grep | grep muxboard-check"]).output().unwrap();
        let left = String::from_utf8_lossy(&left.stdout).into_owned();
        assert!(!left.contains("muxboard-check"), "{left}");
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Each of these was "All is well": no session was ever made, so none was misread.
#[test]
fn a_tmux_that_does_not_do_what_it_is_told_is_not_well() {
    let real = "exec /usr/bin/tmux \"$@\"";
    // Mangles what tmux prints, and keeps its exit code.
    let mangled = |by: &str| format!("o=$(/usr/bin/tmux \"$@\" 2>&1); c=$?; printf '%s\\n' \"$o\" | {by}; exit $c");
    let instead_of = |verb: &str, does: &str| format!("case \"$*\" in *{verb}*) {does};; *) {real};; esac");
    for (tmux, want) in [
        (real.to_owned(), "All is well."),
        (mangled("tr : _"), "a session that was just made is not listed as it is. It says: |"),
        (mangled("tr / _"), "a session cannot be made. It says: "),
        (mangled("sed s/MISMATCH/DONE/"), "an action on a session that is gone is not refused. It says: MUXBOARD-DONE"),
        (instead_of("rename-session", "echo MUXBOARD-DONE"), "a renamed session is not listed by its new name."),
        (instead_of("kill-session", "echo MUXBOARD-MISMATCH"), "a session cannot be ended. It says: MUXBOARD-MISMATCH"),
        (instead_of("new-session", "exit 0"), "a session cannot be made. It says nothing"),
    ] {
        let Some(said) = check_with(&tmux) else { return };
        assert!(said.contains(want), "{tmux}\n{want:?} is not in\n{said}");
        assert!(want == "All is well." || said.contains(": trial") && said.contains("does not work as it must") && said.contains("1 of "), "{said}");
    }
}
