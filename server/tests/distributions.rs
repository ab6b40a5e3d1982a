//! Hosts of other distributions: everything that can be done to a host, done to each of them through the real binary, as the login account and as
//! another one through sudo.

mod support;

use muxboard_core::wire::{Grid, Seen, ToClient, ToServer};
use serde_json::Value;
use support::root::{BOOKWORM, BULLSEYE, LOGIN, OTHER, Root, SID, Suite, TRIXIE};
use support::socket::{Socket, connect, frame, hello, say, token, until};
use support::sshd::{Client, host};
use support::{Board, TOKEN, accounts, as_account_with, binary};

/// A host of another distribution, and a board of its two accounts.
struct World {
    board: Board,
    root: Root,
    client: Client,
    hosts: String,
}

impl World {
    /// `sudoers` are lines beside the documented one.
    fn new(suite: Suite, sudoers: &str) -> Option<Self> {
        let accounts = accounts()?;
        let client = Client::new(&accounts);
        let root = Root::start(suite, &client, sudoers)?;
        let hosts = host("far", root.port, LOGIN.0, &[LOGIN.0, OTHER.0], "");
        let board = client.board("[limits]\nrequests_per_second = 0\n[upload]\nenabled = true\n", &hosts);
        Some(Self { board, root, client, hosts })
    }

    /// tmux in there, on the board's socket.
    fn tmux(&self, account: &str, words: &str) -> String {
        self.root.shell(account, &format!("cd; exec tmux -u -f /dev/null -L {} {words}", self.board.socket_name))
    }

    fn create(&self, account: &str, name: &str, command: &str) -> (u16, String) {
        let fields = [("place", format!("far/{account}")), ("name", name.into()), ("command", command.into())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(field, value)| (*field, value.as_str())).collect();
        let answer = self.board.post("/fn/create", &fields).token(TOKEN).send();
        (answer.status, answer.body)
    }

    async fn open(&self, account: &str, name: &str, watch: bool) -> Socket {
        let id = self.board.session_on("far", account, name);
        let mut socket = connect(&self.board, &format!("/ws/attach/far/{account}/{id}"), &token(TOKEN)).await;
        hello(&mut socket, watch).await;
        until(&mut socket, "ready:").await;
        socket
    }

    /// `muxboard check`, its words and exit code.
    fn check(&self) -> (String, Option<i32>) {
        let config = self.client.path("check.toml");
        std::fs::write(&config, format!("ssh_config = \"{}\"\n{}", self.client.path("config"), self.hosts)).unwrap();
        let variables = [("XDG_RUNTIME_DIR", self.client.path(""))];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let output = as_account_with(&self.client.accounts.front, &variables, binary()).args(["check", "-c", &config]).output().unwrap();
        (format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)), output.status.code())
    }

    fn lists(&self, account: &str, wanted: &[&str]) {
        self.board.host_when("far", |host| names(host, account) == wanted);
        assert_eq!(self.tmux(account, "list-sessions -F '#{session_name}'").lines().collect::<Vec<_>>(), wanted);
    }
}

fn user<'a>(host: &'a Value, name: &str) -> &'a Value {
    host["users"].as_array().unwrap().iter().find(|user| user["user"] == name).unwrap()
}

fn names(host: &Value, account: &str) -> Vec<String> {
    let sessions = user(host, account)["sessions"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = sessions.iter().map(|session| session["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The first clients that this terminal is told of.
async fn clients(socket: &mut Socket) -> Vec<Seen> {
    frame(socket, |frame| if let ToClient::Clients(clients) = frame { Some(clients) } else { None }).await
}

/// Reads on until this terminal is told of so many clients, all of them of this board and one its own.
async fn clients_of_ours(socket: &mut Socket, count: usize) -> Vec<Seen> {
    let ours = |clients: &[Seen]| clients.iter().filter(|c| c.own).count() == 1 && clients.iter().all(|c| c.principal == "ops");
    frame(socket, |frame| match frame {
        ToClient::Clients(clients) if clients.len() == count && ours(&clients) => Some(clients),
        _ => None,
    })
    .await
}

async fn typed(socket: &mut Socket, text: &str) {
    say(socket, ToServer::Input(text.as_bytes().to_vec())).await;
}

const PROMPT: &str = "PS1='ready:' exec bash --norc";

/// Lists, creates, attaches, types, resizes, uploads, watches, kills as one account.
async fn everything(world: &World, account: &str) {
    world.tmux(account, "new-session -d -s there");
    world.lists(account, &["there"]);
    let (status, body) = world.create(account, "made", PROMPT);
    assert!(status < 400, "{status} {body}");
    world.lists(account, &["made", "there"]);

    let mut typist = world.open(account, "made", false).await;
    let alone = clients(&mut typist).await;
    assert!(alone.len() == 1 && alone[0].own && alone[0].principal == "ops", "the only client is not known as its own: {alone:?}");
    typed(&mut typist, "echo typed-$((40+2)) by $(id -un)\r").await;
    until(&mut typist, &format!("typed-42 by {account}")).await;
    say(&mut typist, ToServer::Resize(Grid::clamped(101, 33))).await;
    support::sshd::until("the window has the terminal's new size", || world.tmux(account, "display-message -p -t made: '#{window_width}'") == "101");

    let mut watcher = world.open(account, "made", true).await;
    typed(&mut watcher, "echo watched-$((40+2))\r").await;
    let both = clients_of_ours(&mut typist, 2).await;
    assert_eq!(both.iter().filter(|seen| seen.watches && !seen.own).count(), 1, "{both:?}");
    typed(&mut typist, "echo after-$((40+2))\r").await;
    until(&mut typist, "after-42").await;
    let screen = world.tmux(account, "capture-pane -p -t made:");
    assert!(screen.contains("after-42") && !screen.contains("watched"), "{screen}");

    let id = world.board.session_on("far", account, "made");
    let sent = world.board.upload(&format!("far/{account}"), &id, b"a file of some length").token(TOKEN).send();
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(world.root.shell(account, "cat ~/.muxboard-uploads/*"), "a file of some length");

    drop((typist, watcher));
    support::sshd::until("both clients are gone", || world.tmux(account, "list-clients").is_empty());
    for (name, left) in [("made", vec!["there"]), ("there", Vec::new())] {
        let id = world.board.session_on("far", account, name);
        let place = format!("far/{account}");
        let answer = world.board.post("/fn/kill", &[("place", &place), ("session", &id), ("typed", name)]).token(TOKEN).send();
        assert!(answer.status < 400, "{}", answer.body);
        world.board.host_when("far", |host| names(host, account) == left);
    }
    world.board.host_when("far", |host| user(host, account)["state"] == "no_server");
}

/// Does everything to the host of a suite, has it examined, and records it.
fn all_of_it_works_on(suite: Suite) {
    let Some(world) = World::new(suite, "") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for account in [LOGIN.0, OTHER.0] {
        runtime.block_on(everything(&world, account));
    }
    let [tmux, ..] = world.root.versions();
    let (words, code) = world.check();
    assert!(words.contains("All is well.") && words.matches(&format!("tmux {tmux}")).count() == 2 && code == Some(0), "{words}");
    world.root.record("list, create, attach, type, resize, watch, upload, kill, check: as the login account and through sudo", "works");
}

#[test]
fn debian_12_can_be_used_as_a_host() {
    all_of_it_works_on(BOOKWORM);
}

#[test]
fn debian_13_can_be_used_as_a_host() {
    all_of_it_works_on(TRIXIE);
}

#[test]
fn debian_unstable_can_be_used_as_a_host() {
    all_of_it_works_on(SID);
}

#[test]
fn the_tmux_of_debian_11_is_said_to_be_too_old() {
    let Some(world) = World::new(BULLSEYE, "") else { return };
    let [tmux, ..] = world.root.versions();
    assert_eq!(tmux, "3.1c");
    for account in [LOGIN.0, OTHER.0] {
        world.tmux(account, "new-session -d -s there");
        let host = world.board.host_when("far", |host| user(host, account)["state"] == "tmux_too_old");
        let error = user(&host, account)["error"].as_str().unwrap();
        assert!(error.contains("(version 3.1c)") && error.contains("3.2 or newer"), "{error}");
        let (status, body) = world.create(account, "made", "");
        assert!(status == 502 && body.contains("tmux is too old") && body.contains("3.1c"), "{status} {body}");
        assert_eq!(world.tmux(account, "list-sessions -F '#{session_name}'"), "there", "something was made, or ended");
    }
    let page = world.board.get("/").token(TOKEN).send().body;
    assert_eq!(page.matches("<b>tmux is too old on far (version 3.1c).").count(), 2, "{page}");
    let (words, code) = world.check();
    assert!(words.matches("tmux 3.1c is too old; 3.2 or newer is needed").count() == 2 && code == Some(1), "{words}");
    world.root.record("list, create, check: as the login account and through sudo", "said to be too old");
}

/// A terminal as the other account, with a pty of sudo's own or without.
async fn a_terminal_through_sudo(world: &World, has_own_pty: bool) {
    let account = OTHER.0;
    world.tmux(account, &format!("new-session -d -s a \"{PROMPT}\""));
    let mut only = world.open(account, "a", false).await;
    let seen = clients(&mut only).await;
    assert!(seen.len() == 1 && seen[0].own && seen[0].principal == "ops", "the only client is not known as its own: {seen:?}");
    // What is tried is there: tmux's terminal is below sudo's, or sudo's own.
    let ttys = |of: &str| world.root.shell("root", &format!("ps -C sudo -o tty= {of} | sort -u | grep -c ."));
    assert_eq!(ttys("") == "2", has_own_pty, "{}", world.root.shell("root", "ps axo pid,ppid,tty,args"));
    // Each of two on the same session is told from the other.
    let mut second = world.open(account, "a", false).await;
    clients_of_ours(&mut only, 2).await;
    clients_of_ours(&mut second, 2).await;
    drop(second);
    typed(&mut only, "echo\r").await;
    clients_of_ours(&mut only, 1).await;
    drop(only);
    let left = || world.root.shell("root", "ps -eo stat=,tty=,comm= | grep -E 'sudo|tmux: client|^Z' || true");
    support::sshd::until(&format!("nothing of a closed terminal runs, which was {}", left()), || left().is_empty());
    assert_eq!(world.tmux(account, "list-sessions -F '#{session_attached}'"), "0");
    world.tmux(account, "kill-server");
}

fn terminals_through_sudo_on(suite: Suite) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (line, has_own_pty) in [("Defaults use_pty", true), ("Defaults !use_pty", false)] {
        let Some(world) = World::new(suite, line) else { return };
        runtime.block_on(a_terminal_through_sudo(&world, has_own_pty));
        let what = if has_own_pty { "a terminal behind a pty of sudo's own" } else { "a terminal behind a sudo without a pty of its own" };
        world.root.record(what, "known as its own, leaves no process");
    }
}

#[test]
fn a_terminal_through_the_sudo_of_debian_12_is_its_own_and_leaves_no_process() {
    terminals_through_sudo_on(BOOKWORM);
}

#[test]
fn a_terminal_through_the_sudo_of_debian_13_is_its_own_and_leaves_no_process() {
    terminals_through_sudo_on(TRIXIE);
}

#[test]
fn a_terminal_through_the_sudo_of_debian_unstable_is_its_own_and_leaves_no_process() {
    terminals_through_sudo_on(SID);
}
