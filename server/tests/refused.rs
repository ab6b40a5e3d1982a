//! What a host, an account or an ssh_config stands in the way with: each really caused, named for what it is, and mended by its line, if it has one.

mod support;

use muxboard_core::limits::{SUDO_LOOK_SECONDS_MIN, SUDO_LOOKS_PER_MINUTE_MAX};
use muxboard_core::wire::Close;
use serde_json::Value;
use std::fs;
use std::time::Instant;
use support::sshd::{Client, Sshd, host, run, until};
use support::{Board, TOKEN, accounts, as_account_with, binary};

/// An account of one test's own, which may become another by the documented line. It goes with this.
struct Account(String);

impl Account {
    /// Makes it, with a shell. `name` is its last part.
    fn new(name: &str, shell: &str) -> Self {
        run("useradd", &["--badname", "--create-home", "--home-dir", &format!("/home/{}", support::unique()), "--shell", shell, "--password", "*", name]);
        Self(name.to_owned())
    }

    fn plain(shell: &str) -> Self {
        Self::new(&format!("mb{}", support::unique()), shell)
    }

    fn home(&self) -> String {
        run("getent", &["passwd", &self.0]).split(':').nth(5).unwrap().to_owned()
    }

    fn write(&self, file: &str, text: &str) {
        let path = format!("{}/{file}", self.home());
        fs::write(&path, text).unwrap();
        run("chown", &[&self.0, &path]);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let uid = run("id", &["-u", &self.0]);
        run(
            "sh",
            &["-c", &format!("pkill -KILL -u {uid}; timeout 20 sh -c 'while pgrep -u {uid} >/dev/null; do sleep 0.02; done'; rm -rf /tmp/tmux-{uid}; true")],
        );
        run("sh", &["-c", "userdel --remove \"$0\" 2>/dev/null || userdel \"$0\"", &self.0]);
    }
}

/// A file of sudoers.d that goes with this.
struct Sudoers(String);

impl Sudoers {
    fn new(text: &str) -> Self {
        let path = format!("/etc/sudoers.d/muxboard-test-{}", support::unique());
        fs::write(&path, text).unwrap();
        run("chmod", &["0440", &path]);
        run("visudo", &["-cqf", &path]);
        Self(path)
    }
}

impl Drop for Sudoers {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn user<'a>(host: &'a Value, name: &str) -> &'a Value {
    host["users"].as_array().unwrap().iter().find(|u| u["user"] == name).unwrap()
}

fn user_is(board: &Board, name: &str, state: &str) -> Value {
    user(&board.host_when("far", |h| user(h, name)["state"] == state), name).clone()
}

/// Runs the line that mends it, as root there.
fn follow(fault: &Value) {
    run("sh", &["-c", fault["mend"].as_str().unwrap_or_else(|| panic!("no line in {fault}"))]);
}

fn says(fault: &Value, words: &str) {
    assert!(fault["error"].as_str().unwrap().contains(words), "{words:?} is not in {fault}");
}

/// What `muxboard sudoers` prints for the host `far`.
fn fragment(client: &Client, hosts: &str) -> String {
    let config = client.path("sudoers.toml");
    fs::write(&config, format!("ssh_config = \"{}\"\n{hosts}", client.path("config"))).unwrap();
    let output = as_account_with(&client.accounts.front, &[], binary()).args(["sudoers", "-c", &config, "far"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_expired_account_is_named_by_sshd_and_by_sudo_and_let_in_again_by_its_line() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "UsePAM yes\n");
    client.know(&sshd);
    let (login, target) = (Account::plain("/bin/bash"), Account::plain("/bin/bash"));
    let _sudoers = Sudoers::new(&format!("{} ALL=({}) NOPASSWD: /usr/bin/tmux\n", login.0, target.0));
    let hosts = host("far", sshd.port, &login.0, &[&target.0], "");
    let board = client.board("", &hosts);
    user_is(&board, &target.0, "no_server");
    // On the connection that stands sudo refuses.
    run("chage", &["-E", "1", &login.0]);
    let expired = user_is(&board, &target.0, "account_expired");
    says(&expired, &login.0);
    says(&expired, "account validation failure");
    // A new one is refused by sshd.
    let fresh = client.board("", &hosts);
    let refused = fresh.host_when("far", |h| h["state"] == "account_expired");
    says(&refused, "Your account has expired");
    follow(&expired);
    user_is(&board, &target.0, "no_server");
    user_is(&fresh, &target.0, "no_server");
}

#[test]
fn a_password_that_must_be_changed_first_is_named_and_mended_by_its_line() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "UsePAM yes\n");
    client.know(&sshd);
    for how in [&["-d", "0"][..], &["-d", "2020-01-01", "-M", "30"]] {
        let login = Account::plain("/bin/bash");
        run("chage", &[how, &[login.0.as_str()]].concat());
        let board = client.board("", &host("far", sshd.port, &login.0, &[&login.0], ""));
        let expired = board.host_when("far", |h| h["state"] == "password_expired");
        says(&expired, "must be changed");
        follow(&expired);
        user_is(&board, &login.0, "no_server");
    }
}

#[test]
fn a_login_shell_that_runs_nothing_has_a_mending_line_only_where_it_is_known_to_mend() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let (plain, forced) = (Sshd::start(&client, ""), Sshd::start(&client, "ForceCommand echo Only backups here; exit 3"));
    [&plain, &forced].into_iter().for_each(|sshd| client.know(sshd));
    let (fails, endless, well) = (Account::plain("/bin/false"), Account::plain("/bin/bash"), Account::plain("/bin/bash"));
    endless.write(".bashrc", "while :; do echo it never ends; done\n");
    let table = |key: &str, sshd: &Sshd, account: &Account| host(key, sshd.port, &account.0, &[&account.0], "");
    let board = client.board("", &(table("fails", &plain, &fails) + &table("endless", &plain, &endless) + &table("forced", &forced, &well)));
    for (key, words) in [("fails", "ended with status 1 and said nothing"), ("endless", "it never ends"), ("forced", "Only backups here")] {
        let seen = board.host_when(key, |h| h["state"] == "no_shell");
        says(&seen, words);
        assert!(seen["mend"].is_null(), "{seen}");
    }
    says(&board.host_when("endless", |h| h["state"] == "no_shell"), "prints without end");
}

/// `check` said that all is well: it never opened a terminal, and nobody could make a session.
#[test]
fn a_start_file_that_ends_the_shell_in_a_terminal_alone_is_found_by_check() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let login = Account::plain("/bin/bash");
    let config = client.path("check.toml");
    fs::write(&config, format!("ssh_config = \"{}\"\n{}", client.path("config"), host("far", sshd.port, &login.0, &[&login.0], ""))).unwrap();
    let check = || {
        let output = as_account_with(&accounts.front, &[("XDG_RUNTIME_DIR", &client.path(""))], binary()).args(["check", "-c", &config]).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    login.write(".profile", "[ ! -t 0 ] || { echo not in a terminal; exit 3; }\n");
    let (well, said) = check();
    assert!(!well && said.contains("its shell ends with status 3 in a terminal") && said.contains("not in a terminal"), "{said}");
    login.write(".profile", "echo welcome\n");
    let (well, said) = check();
    assert!(well && said.contains("its shell runs in a terminal"), "{said}");
}

#[test]
fn options_of_ssh_config_that_would_take_our_input_or_our_command_away_change_nothing() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let login = accounts.login.as_str();
    let options = "StdinNull yes\nSessionType none\nForkAfterAuthentication yes\nRequestTTY force\nControlMaster auto\nControlPersist yes\nPermitLocalCommand yes\n\
         LocalCommand false\nExitOnForwardFailure yes\nBatchMode no\nLogLevel QUIET\nIgnoreUnknown OnlyElsewhere\nOnlyElsewhere yes\n";
    client.config(options);
    let mut board = client.board("[upload]\nenabled = true\n", &host("far", sshd.port, login, &[login], ""));
    board.tmux(login, &["new-session", "-d", "-s", "a", "printf 'it-is-''there'; exec cat"]);
    user_is(&board, login, "sessions");
    let id = board.session_on("far", login, "a");
    assert_eq!(attach(&board, &format!("/ws/attach/far/{login}/{id}"), "it-is-there"), None);
    let sent = board.upload(&format!("far/{login}"), &id, b"a file").token(TOKEN).send();
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(board.stop("TERM"), Some(0));
}

#[test]
fn a_configuration_that_ssh_refuses_is_told_in_its_words_and_looked_at_by_the_line() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    client.config("NoSuchOption yes");
    let hosts = host("far", 22, &accounts.login, &[&accounts.login], "");
    let config = client.path("check.toml");
    fs::write(&config, format!("ssh_config = \"{}\"\n{hosts}", client.path("config"))).unwrap();
    let output = as_account_with(&accounts.front, &[("XDG_RUNTIME_DIR", &client.path(""))], binary()).args(["check", "-c", &config]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.to_lowercase().contains("nosuchoption") && said.contains(&format!("ssh -F {} -G 127.0.0.1", client.path("config"))), "{said}");
}

/// Opens a terminal: none once it shows `wanted`, or the code that it is closed with, and why.
fn attach(board: &Board, path: &str, wanted: &str) -> Option<(Close, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut socket = support::socket::connect(board, path, &support::socket::token(TOKEN)).await;
        support::socket::hello(&mut socket, false).await;
        support::socket::shows_or_closes_with(&mut socket, wanted).await
    })
}

#[test]
fn a_terminal_on_a_stopped_server_is_closed_with_the_cause_and_gives_its_place_back() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let login = accounts.login.as_str();
    let limits = "[limits]\nattaches_per_principal = 1\n";
    let board = client.board(limits, &(host("far", sshd.port, login, &[login], "") + &support::sshd::here(&accounts)));
    for (key, account) in [("here", accounts.front.as_str()), ("far", login)] {
        board.tmux(account, &["new-session", "-d", "-s", "a"]);
        let id = board.session_on(key, account, "a");
        let pid = board.tmux(account, &["display-message", "-p", "#{pid}"]);
        run("kill", &["-STOP", &pid]);
        let goes_on = Resume(pid);
        for _ in 0..2 {
            let (close, reason) = attach(&board, &format!("/ws/attach/{key}/{account}/{id}"), "nothing is shown").unwrap();
            assert_eq!(close, Close::Unreachable, "{reason}");
            assert!(reason.contains(&format!("The tmux server of {account} does not answer.")), "{reason}");
            assert!(reason.contains(&format!("pkill -CONT -u {account} tmux")), "{reason}");
        }
        drop(goes_on);
    }
}

/// A stopped process that goes on when this goes, also when the test fails: whoever asks a stopped server waits for ever.
struct Resume(String);

impl Drop for Resume {
    fn drop(&mut self) {
        run("sh", &["-c", &format!("kill -CONT {} 2>/dev/null || true", self.0)]);
    }
}

#[test]
fn a_file_in_the_place_of_the_folder_for_uploads_is_named_and_mended_by_its_line() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let login = Account::plain("/bin/bash");
    let board = client.board("[upload]\nenabled = true\n", &host("far", sshd.port, &login.0, &[&login.0], ""));
    board.tmux(&login.0, &["new-session", "-d", "-s", "a"]);
    let id = board.session_on("far", &login.0, "a");
    let send = || board.upload(&format!("far/{}", login.0), &id, b"a file").token(TOKEN).send();
    for make in ["touch ~/.muxboard-uploads", "ln -s /nowhere ~/.muxboard-uploads"] {
        let at_home = |line: &str| run("setpriv", &["--reuid", &login.0, "--clear-groups", "env", &format!("HOME={}", login.home()), "sh", "-c", line]);
        at_home(make);
        let refused = send();
        assert!(refused.status == 507 && refused.body.contains("is a file or a broken link"), "{refused:?}");
        let line = refused.body.split("As that user: ").nth(1).unwrap().split('"').next().unwrap().to_owned();
        at_home(&line);
        assert_eq!(send().status, 201);
        at_home("rm -rf ~/.muxboard-uploads ~/.muxboard-uploads.old");
    }
}

#[test]
fn accounts_of_a_directory_service_are_worked_with_as_written() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let unique = support::unique();
    let login = Account::new(&format!("mb.{unique}@corp.example.com"), "/bin/bash");
    let targets = [format!("MB\\{unique}"), format!("mb {unique} doe"), format!("mb.{unique}@dir.example"), format!("mb{unique}$")]
        .map(|name| Account::new(&name, "/bin/bash"));
    let users: Vec<String> = targets.iter().map(|target| target.0.replace('\\', "\\\\")).collect();
    let hosts = host("far", sshd.port, &login.0, &users.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let _sudoers = Sudoers::new(&fragment(&client, &hosts));
    let board = client.board("[upload]\nenabled = true\n", &hosts);
    let encode = muxboard_app::base::encode;
    for Account(name) in &targets {
        let place = format!("far/{name}");
        let made = board.post("/fn/create", &[("place", &place), ("name", "a")]).token(TOKEN).send();
        assert!(made.status < 400, "{name}: {made:?}");
        let id = board.session_on("far", name, "a");
        board.tmux(name, &["send-keys", "-t", "a:", "echo it-is-''there", "Enter"]);
        assert_eq!(attach(&board, &format!("/ws/attach/far/{}/{id}", encode(name)), "it-is-there"), None, "{name}");
        let page = board.get(&format!("/far/{}/a?id={id}", encode(name))).token(TOKEN).send();
        assert_eq!(page.status, 200, "{name}: {page:?}");
        let text = board.get(&format!("/api/v1/sessions/far/{}/{id}/text", encode(name))).token(TOKEN).send();
        assert_eq!(text.status, 200, "{name}: {text:?}");
        let sent = board.upload(&format!("far/{}", encode(name)), &id, b"a file").token(TOKEN).send();
        assert_eq!(sent.status, 201, "{name}: {sent:?}");
        let killed = board.post("/fn/kill", &[("place", &place), ("session", &id), ("typed", "a")]).token(TOKEN).send();
        assert!(killed.status < 400, "{name}: {killed:?}");
    }
}

/// How many commands a log of sudo's has.
fn records(log: &str) -> usize {
    fs::read_to_string(log).unwrap_or_default().matches("COMMAND=").count()
}

#[test]
fn looks_through_sudo_are_few_in_its_log_and_none_with_the_printed_lines_while_actions_stay() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    for quiet in [false, true] {
        let (login, target) = (Account::plain("/bin/bash"), Account::plain("/bin/bash"));
        let log = client.path(&format!("sudo-{quiet}.log"));
        let hosts = host("far", sshd.port, &login.0, &[&login.0, &target.0], "");
        let printed = fragment(&client, &hosts);
        let lines = if quiet { printed.replace("# Cmnd_Alias", "Cmnd_Alias").replace("# Defaults!", "Defaults!") } else { printed };
        let _sudoers = Sudoers::new(&format!("Defaults:{} logfile={log}, !syslog\n{lines}", login.0));
        let board = client.board("", &hosts);
        let made = board.post("/fn/create", &[("place", &format!("far/{}", target.0)), ("name", "a")]).token(TOKEN).send();
        assert!(made.status < 400, "{made:?}");
        assert!(fs::read_to_string(&log).unwrap().replace("\n    ", " ").contains("new-session"), "what is done is in the log");
        // Somebody looks at the board, and the login's own sessions, looked at beside the other's, change again and again.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _looks = runtime.block_on(support::socket::connect(&board, "/ws/board", &support::socket::token(TOKEN)));
        let (before, began) = (records(&log), Instant::now());
        for i in 0..5 {
            let name = format!("s{i}");
            board.tmux(&login.0, &["new-session", "-d", "-s", &name]);
            until("the new session is seen", || board.get("/api/v1/sessions").token(TOKEN).send().body.contains(&format!("\"{name}\"")));
        }
        let (after, most) =
            (records(&log) - before, began.elapsed().as_secs() / SUDO_LOOK_SECONDS_MIN + SUDO_LOOKS_PER_MINUTE_MAX - 60 / SUDO_LOOK_SECONDS_MIN + 2);
        if quiet {
            assert_eq!(after, 0, "{}", fs::read_to_string(&log).unwrap());
        } else {
            assert!(after as u64 <= most, "{after} records in {:?}", began.elapsed());
        }
    }
}

#[test]
fn an_ipv6_address_is_taken_in_brackets_and_shown_in_them() {
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "ListenAddress ::1\n");
    let key = fs::read_to_string(sshd.path("host_key.pub")).unwrap();
    fs::write(client.path("known_hosts"), format!("[::1]:{} {key}", sshd.port)).unwrap();
    let login = accounts.login.as_str();
    let board = client.board("", &host("far", sshd.port, login, &[login], "").replace("127.0.0.1", "[::1]"));
    let seen = board.host_when("far", |h| h["state"] == "up");
    assert_eq!(seen["place"].as_str(), Some(format!("{login}@[::1]:{}", sshd.port).as_str()));
}
