//! What the tests of the server stand on: the real binary, run as an unprivileged account made for the run, and what it is asked and
//! looked at with.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::allow_attributes, reason = "each test file uses its own part of it")]

pub mod asked;
pub mod files;
pub mod request;
pub mod root;
pub mod served;
#[path = "../../fleet/tests/world/skip.rs"]
pub mod skip;
pub mod socket;
pub mod sshd;
pub mod uploads;

pub use request::{Answer, Login, Request};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Between two looks whether something holds by now: of two cores the other one may be all that it waits for has.
#[allow(clippy::disallowed_methods, reason = "a test waits")]
pub fn rest() {
    std::thread::sleep(Duration::from_millis(5));
}

/// Nothing here takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The token of every board in these tests.
pub const TOKEN: &str = "a-token-for-tests-only";
/// A second one, which may only watch.
pub const WATCH_TOKEN: &str = "a-token-that-may-watch";

/// The accounts of this run: who runs muxboard, whom its sudoers line names, whom it does not; whom ssh logs in as, whom that one's sudoers
/// line names; and two with other login shells.
#[derive(Clone)]
pub struct Accounts {
    pub front: String,
    pub other: String,
    pub refused: String,
    pub login: String,
    pub far: String,
    pub fish: String,
    pub csh: String,
}

impl Accounts {
    fn all(&self) -> [&String; 7] {
        [&self.front, &self.other, &self.refused, &self.login, &self.far, &self.fish, &self.csh]
    }
}

/// The accounts of this run. Without them the test fails, or is left out and counted (`MUXBOARD_TEST_SKIP=accounts`).
pub fn accounts() -> Option<Accounts> {
    let name = |role: &str| std::env::var(format!("MUXBOARD_TEST_{role}")).ok();
    let all = || {
        Some(Accounts {
            front: name("FRONT")?,
            other: name("OTHER")?,
            refused: name("REFUSED")?,
            login: name("LOGIN")?,
            far: name("FAR")?,
            fish: name("FISH")?,
            csh: name("CSH")?,
        })
    };
    let all = all();
    if all.is_none() {
        skip::skip_without_accounts();
    }
    all
}

/// The binary, where every account can run it: one place for each checkout, for what a test process makes for itself alone nobody removes after it.
static BINARY: LazyLock<String> = LazyLock::new(|| {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let mut checkout = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut checkout);
    let folder = std::env::temp_dir().join(format!("muxboard-tests-{:x}", checkout.finish()));
    let _ = std::fs::DirBuilder::new().mode(0o755).create(&folder);
    let own = std::fs::symlink_metadata("/proc/self/environ").unwrap().uid();
    let there = std::fs::symlink_metadata(&folder).unwrap();
    assert!(there.is_dir() && there.uid() == own && there.mode() & 0o022 == 0, "{} is not ours alone", folder.display());
    let (next, path) = (folder.join(unique()), folder.join("muxboard"));
    // By a process of its own: a file that this one has open for writing cannot be run, nor while a child of another thread has inherited it.
    // And never over one that runs.
    sshd::run("cp", &[env!("CARGO_BIN_EXE_muxboard"), next.to_str().unwrap()]);
    std::fs::rename(next, &path).unwrap();
    path.to_str().unwrap().to_owned()
});

/// Its path.
pub fn binary() -> &'static str {
    &BINARY
}

/// A program as an account, in a fresh environment.
pub fn as_account(account: &str, program: &str) -> Command {
    as_account_with(account, &[], program)
}

/// The same, with these variables.
#[allow(clippy::disallowed_methods, reason = "tests run real programs")]
pub fn as_account_with(account: &str, variables: &[(&str, &str)], program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={account}"), format!("--regid={account}"), "--init-groups".into(), "--reset-env".into(), "--".into(), "env".into()]);
    command.args(variables.iter().map(|(name, value)| format!("{name}={value}"))).arg(program).current_dir("/");
    command
}

/// A unique name.
pub fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("t{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A board that runs.
pub struct Board {
    child: Child,
    pub port: u16,
    pub accounts: Accounts,
    pub socket_name: String,
    pub link: String,
    folder: tempfile::TempDir,
    /// What its environment has beside what every board's has here.
    variables: Vec<(String, String)>,
}

pub fn hash(token: &str) -> String {
    muxboard::sha256(token).iter().map(|b| format!("{b:02x}")).collect()
}

impl Board {
    /// A board of this machine: front's, other's and refused's sessions on sockets of their own. `more` goes to the top of the configuration.
    pub fn start(more: &str) -> Option<Self> {
        let accounts = accounts()?;
        let socket_name = unique();
        let config = format!(
            "listen = \"127.0.0.1:0\"\n{more}\n[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"ops\"\nsha256 = \"{}\"\n[[auth.token]]\nname = \"eye\"\nsha256 = \"{}\"\n\
             [[grant]]\nwho = [\"ops\"]\nhosts = [\"*\"]\nusers = [\"*\"]\ncan = [\"type\", \"create\", \"kill\"]\n\
             [[grant]]\nwho = [\"eye\"]\nhosts = [\"*\"]\nusers = [\"{front}\"]\ncan = [\"watch\"]\n\
             [[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{front}\", \"{}\", \"{}\"]\nsocket_name = \"{socket_name}\"\n",
            hash(TOKEN),
            hash(WATCH_TOKEN),
            accounts.other,
            accounts.refused,
            front = accounts.front,
        );
        Some(Self::with(accounts, socket_name, &config))
    }

    pub fn with(accounts: Accounts, socket_name: String, config: &str) -> Self {
        Self::with_variables(accounts, socket_name, config, &[])
    }

    /// The same, with these in its environment.
    pub fn with_variables(accounts: Accounts, socket_name: String, config: &str, variables: &[(&str, &str)]) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let path = folder.path().join("muxboard.toml");
        std::fs::write(&path, config).unwrap();
        let own = folder.path().join("run");
        std::fs::create_dir(&own).unwrap();
        sshd::run("chown", &[&accounts.front, own.to_str().unwrap()]);
        let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (child, link, port) = run(&accounts.front, &path, &variables);
        Self { child, port, accounts, socket_name, link, folder, variables }
    }

    /// SIGKILL, then the same board again, on another port.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let (child, link, port) = run(&self.accounts.front, &self.folder.path().join("muxboard.toml"), &self.variables);
        (self.child, self.link, self.port) = (child, link, port);
    }

    /// Its configuration, as written.
    pub fn config(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("muxboard.toml")).unwrap()
    }

    /// Another configuration, at one moment, while it runs.
    pub fn configure(&self, config: &str) {
        let (next, path) = (self.folder.path().join("next"), self.folder.path().join("muxboard.toml"));
        std::fs::write(&next, config).unwrap();
        std::fs::rename(&next, &path).unwrap();
    }

    /// A file beside its configuration, which the account that runs it can read.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("muxboard.log")).unwrap()
    }

    /// Its runtime directory.
    pub fn runtime(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Ends it with a signal and gives its exit code.
    pub fn stop(&mut self, signal: &str) -> Option<i32> {
        #[allow(clippy::disallowed_methods, reason = "tests run real programs")]
        Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// tmux as an account, on this board's socket.
    pub fn tmux(&self, account: &str, words: &[&str]) -> String {
        let output = as_account(account, "tmux").args(["-u", "-f", "/dev/null", "-L", &self.socket_name]).args(words).output().unwrap();
        // A question may have no answer; what was to be made must be there.
        assert!(output.status.success() || words[0] != "new-session", "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub fn request(&self) -> Request<'_> {
        Request { board: self, method: "GET", path: "/".into(), headers: vec![("Host".into(), format!("127.0.0.1:{}", self.port))], body: Vec::new() }
    }

    pub fn get(&self, path: &str) -> Request<'_> {
        Request { path: path.into(), ..self.request() }
    }

    /// A request with a JSON body.
    pub fn json(&self, method: &'static str, path: &str, body: &serde_json::Value) -> Request<'_> {
        Request { method, path: path.into(), body: body.to_string().into(), ..self.request() }.header("Content-Type", "application/json")
    }

    /// A file for the account whose session it is.
    pub fn upload(&self, place: &str, session: &str, file: &[u8]) -> Request<'_> {
        let path = format!("/upload/{place}/{session}");
        Request { method: "POST", path, body: file.into(), ..self.request() }.header("Content-Type", "application/octet-stream")
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Request<'_> {
        let body = fields.iter().map(|(k, v)| format!("{k}={}", muxboard_app::base::encode(v))).collect::<Vec<_>>().join("&");
        let mut request = Request { method: "POST", path: path.into(), body: body.into(), ..self.request() };
        request.headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
        request
    }

    /// Waits until every user of every host was looked at once.
    pub fn looked_at(&self) {
        self.sessions_when(|json| !json.to_string().contains("\"pending\""));
    }

    /// Everything in the API's list, once `seen` holds.
    pub fn sessions_when(&self, seen: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let began = Instant::now();
        loop {
            self.post("/fn/refresh", &[]).token(TOKEN).send();
            let json: serde_json::Value = serde_json::from_str(&self.get("/api/v1/sessions").token(TOKEN).send().body).unwrap();
            // (Who asks as often as this may be told to wait.)
            if json["status"] != 429 && seen(&json) {
                return json;
            }
            assert!(began.elapsed() < PATIENCE, "never seen: {json:#}");
            rest();
        }
    }

    /// The identity of a session of an account, by its name.
    pub fn session(&self, account: &str, name: &str) -> String {
        let find = |json: &serde_json::Value| {
            let users = json["hosts"][0]["users"].as_array().unwrap().clone();
            let sessions = users.into_iter().find(|u| u["user"] == account).unwrap()["sessions"].as_array().unwrap().clone();
            sessions.into_iter().find(|s| s["name"] == name).map(|s| s["id"].as_str().unwrap().to_owned())
        };
        find(&self.sessions_when(|json| find(json).is_some())).unwrap()
    }
}

fn run(account: &str, config: &std::path::Path, more: &[(String, String)]) -> (Child, String, u16) {
    // A secret that must not reach any child.
    let own = config.with_file_name("run");
    let mut variables = vec![("MUXBOARD_TEST_SECRET", "do-not-leak"), ("MUXBOARD_LOG", "info,muxboard=debug"), ("XDG_RUNTIME_DIR", own.to_str().unwrap())];
    variables.extend(more.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut command = as_account_with(account, &variables, binary());
    let log = std::fs::OpenOptions::new().create(true).append(true).open(config.with_extension("log")).unwrap();
    let mut child = command.args(["serve", "-c", config.to_str().unwrap()]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said = || std::fs::read_to_string(config.with_extension("log")).unwrap_or_default();
    let link = line.trim().strip_prefix("muxboard: ").unwrap_or_else(|| panic!("it said {line:?} and {}", said())).to_owned();
    let port = link.split(':').nth(2).and_then(|rest| rest.split('/').next()).and_then(|p| p.parse().ok()).unwrap();
    (child, link, port)
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the board said:\n{}", std::fs::read_to_string(self.folder.path().join("muxboard.log")).unwrap_or_default());
        }
        for account in self.accounts.all() {
            self.tmux(account, &["kill-server"]);
        }
    }
}
