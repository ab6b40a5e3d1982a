//! A real tmux server on a private socket, and a fleet of this machine alone that knows it.
#![allow(unreachable_pub, dead_code, clippy::allow_attributes, reason = "a part of several tests")]

use muxboard_core::confirm::{Confirmed, confirm};
use muxboard_core::fault::FaultKind;
use muxboard_core::inventory::{Host, Inventory, Socket};
use muxboard_core::policy::{self, Abilities, Actor, Among, Create, Grant, Kill, Operation, Permit, Policy, Principal, Refresh};
use muxboard_core::snapshot::{Place, Session, SessionId, UserState};
use muxboard_fleet::{ActionError, AttachLimits, Attachment, Fleet, Settings};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::timeout;

/// Nothing here takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    pub folder: tempfile::TempDir,
    pub inventory: Inventory,
    pub fleet: Arc<Fleet>,
    pub events: Arc<Mutex<Vec<(&'static str, String)>>>,
}

impl World {
    pub fn new() -> Self {
        Self::with(AttachLimits::default())
    }

    pub fn with(attach: AttachLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = Socket::Path(folder.path().join("sock").to_str().unwrap().to_owned());
        let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
        host.users[0].socket = socket;
        let inventory = Inventory { hosts: vec![host] };
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        let settings = Settings {
            attach,
            refresh_min: Duration::ZERO,
            audit: Arc::new(move |e| sink.lock().unwrap().push((e.operation, e.result))),
            ..Settings::default()
        };
        let fleet = Fleet::new(&inventory, settings).unwrap();
        Self { folder, inventory, fleet, events }
    }

    pub fn socket(&self) -> String {
        self.folder.path().join("sock").to_str().unwrap().to_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "a test runs a real tmux")]
    pub fn tmux(&self, words: &[&str]) -> String {
        let output = std::process::Command::new("tmux").args(["-u", "-f", "/dev/null", "-S", &self.socket()]).args(words).env_remove("TMUX").output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub fn permit<O: Operation>(&self, operation: O) -> Permit<O> {
        permit(&self.inventory, place(), operation)
    }

    /// A confirmed kill, as if the session's name had been typed.
    pub fn confirmed(&self, session: SessionId) -> Confirmed<Kill> {
        confirm(self.permit(Kill { session }), "name", &"name".parse().unwrap()).unwrap()
    }

    pub async fn look(&self) -> UserState {
        timeout(PATIENCE, self.fleet.refresh(&[self.permit(Refresh)])).await.unwrap();
        self.state()
    }

    pub fn state(&self) -> UserState {
        self.fleet.snapshot().borrow().hosts[0].users[0].state.clone()
    }

    pub async fn sessions(&self) -> Vec<Session> {
        match self.look().await {
            UserState::Sessions(sessions) => sessions,
            other => panic!("{other:?}"),
        }
    }

    pub async fn create(&self, name: &str, command: Option<&str>) -> Result<SessionId, ActionError> {
        let wanted = Create { name: name.parse().unwrap(), directory: None, command: command.map(|c| c.parse().unwrap()) };
        timeout(PATIENCE, self.fleet.create(self.permit(wanted))).await.unwrap().map(|created| created.session)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Leave for somebody who may do everything everywhere.
pub fn permit<O: Operation>(inventory: &Inventory, place: Place, operation: O) -> Permit<O> {
    let policy = Policy { grants: vec![Grant { who: vec!["ann".into()], hosts: Among::Any, users: Among::Any, mapped: false, can: Abilities::ALL, line: 0 }] };
    let ann = Actor { principal: Principal::named("ann"), gate: "token", from: String::new(), request: String::new() };
    policy::permit(&policy, inventory, &ann, place, operation).unwrap()
}

/// Waits until it holds.
pub async fn until_seen(what: &str, seen: impl Fn() -> bool) {
    let wait = async {
        while !seen() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

const AT_HOME: &str = "MUXBOARD_TEST_AT_HOME";

/// Runs the test of that name once more in a process whose home directory has these files, and none here: tmux and shells read `$HOME`.
#[expect(clippy::disallowed_methods, reason = "a test runs itself in another environment")]
pub fn at_home(test: &str, files: &[(&str, &str)]) -> Option<World> {
    if std::env::var_os(AT_HOME).is_some() {
        return Some(World::new());
    }
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&home.path().join(name), text);
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env("HOME", home.path()).env(AT_HOME, "1").env_remove("TMUX");
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    None
}

fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A tmux server that is stopped; it goes on when this goes, also when the test fails: whoever asks a stopped one waits for ever.
pub struct Stopped(u32);

impl Stopped {
    pub fn new(pid: u32) -> Self {
        signal(pid, "STOP");
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

pub fn fault(state: &UserState) -> Option<FaultKind> {
    if let UserState::Fault(fault) = state { Some(fault.kind) } else { None }
}

pub fn place() -> Place {
    "h/me".parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test stops a real server")]
pub fn signal(pid: u32, name: &str) {
    std::process::Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
}

/// Reads until the terminal has said it.
pub async fn until(attachment: &mut Attachment, said: &str) -> String {
    let mut out = Vec::new();
    timeout(PATIENCE, async {
        loop {
            attachment.readable().await;
            let limit = out.len() + 65_536;
            attachment.read(&mut out, limit).unwrap();
            if String::from_utf8_lossy(&out).contains(said) {
                break;
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("never said {said:?}: {:?}", String::from_utf8_lossy(&out)));
    String::from_utf8_lossy(&out).into_owned()
}

pub async fn write_all(attachment: &mut Attachment, text: &str) {
    let mut bytes = text.as_bytes();
    while !bytes.is_empty() {
        attachment.writable().await;
        bytes = &bytes[attachment.write(bytes).unwrap()..];
    }
}

impl World {
    pub fn state_names(&self) -> Vec<String> {
        match self.state() {
            UserState::Sessions(sessions) => sessions.iter().map(|s| s.name.to_string()).collect(),
            other => vec![format!("{other:?}")],
        }
    }
}
