//! Real sshds on loopback ports, each with its own keys and configuration, and what an account needs to reach them.

use super::{Accounts, PATIENCE, as_account_with, hash, unique};
use super::{Board, TOKEN};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// What the account that runs muxboard has: a key, known hosts, a configuration for ssh.
pub struct Client {
    folder: tempfile::TempDir,
    pub accounts: Accounts,
}

#[allow(clippy::disallowed_methods, reason = "tests run real programs")]
pub fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Waits for a condition.
pub fn until(what: &str, seen: impl Fn() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        super::rest();
    }
}

impl Client {
    pub fn new(accounts: &Accounts) -> Self {
        let folder = tempfile::Builder::new().prefix("mbssh").permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let client = Self { folder, accounts: accounts.clone() };
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &client.path("key")]);
        fs::write(client.path("known_hosts"), "").unwrap();
        client.config("");
        for name in ["key", "known_hosts"] {
            run("chown", &[&accounts.front, &client.path(name)]);
        }
        // ssh-keygen -R writes a new file beside the old one.
        run("chown", &[&accounts.front, client.folder.path().to_str().unwrap()]);
        client
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes the configuration for ssh: `more` comes first.
    pub fn config(&self, more: &str) {
        let text = format!(
            "{more}\nHost *\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  IdentityFile {}\n",
            self.path("known_hosts"),
            self.path("key")
        );
        fs::write(self.path("config"), text).unwrap();
    }

    /// Runs a line as the account that runs muxboard, in a shell, saying yes to whatever ssh asks.
    pub fn follow(&self, line: &str) -> String {
        let yes = self.path("yes");
        fs::write(&yes, "#!/bin/sh\necho yes\n").unwrap();
        fs::set_permissions(&yes, fs::Permissions::from_mode(0o755)).unwrap();
        let variables = [("SSH_ASKPASS", yes.as_str()), ("SSH_ASKPASS_REQUIRE", "force")];
        let output = as_account_with(&self.accounts.front, &variables, "sh").args(["-c", line]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Makes the key of an sshd known.
    pub fn know(&self, sshd: &Sshd) {
        self.know_key(sshd.port, &fs::read_to_string(sshd.path("host_key.pub")).unwrap());
    }

    /// Makes the key of whatever sshd listens on a port of this machine known.
    pub fn know_key(&self, port: u16, key: &str) {
        let path = self.path("known_hosts");
        let known = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{known}[127.0.0.1]:{port} {key}")).unwrap();
    }

    /// A board of these hosts. `hosts` are [[host]] tables; `top` comes before all tables.
    pub fn board(&self, top: &str, hosts: &str) -> Board {
        self.board_with(&[], top, hosts)
    }

    /// The same, with these variables in its environment.
    pub fn board_with(&self, variables: &[(&str, &str)], top: &str, hosts: &str) -> Board {
        let config = format!(
            "listen = \"127.0.0.1:0\"\nssh_config = \"{}\"\n{top}\n[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"ops\"\nsha256 = \"{}\"\n\
             [[grant]]\nwho = [\"ops\"]\nhosts = [\"*\"]\nusers = [\"*\"]\ncan = [\"type\", \"create\", \"kill\"]\n{hosts}",
            self.path("config"),
            hash(TOKEN),
        );
        Board::with_variables(self.accounts.clone(), SOCKET.with(String::clone), &config, variables)
    }
}

thread_local! {
    /// The name of this test's tmux sockets. (Each test is a thread.)
    static SOCKET: String = unique();
}

/// A [[host]] table.
pub fn host(key: &str, port: u16, login: &str, users: &[&str], more: &str) -> String {
    let users: Vec<String> = users.iter().map(|user| format!("\"{user}\"")).collect();
    format!(
        "[[host]]\nkey = \"{key}\"\naddress = \"127.0.0.1\"\nport = {port}\nlogin = \"{login}\"\nusers = [{}]\nsocket_name = \"{}\"\n{more}\n",
        users.join(", "),
        SOCKET.with(String::clone),
    )
}

/// A [[host]] table of this machine, with sessions of the account that runs muxboard.
pub fn here(accounts: &Accounts) -> String {
    format!("[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\nsocket_name = \"{}\"\n", accounts.front, SOCKET.with(String::clone))
}

/// An sshd that runs.
pub struct Sshd {
    folder: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Sshd {
    /// Starts one that lets this client's key into every account. `more` goes to the top of its configuration.
    pub fn start(client: &Client, more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mbsshd").permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let port = super::served::port();
        fs::create_dir_all("/run/sshd").unwrap();
        let path = |name: &str| folder.path().join(name);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", path("host_key").to_str().unwrap()]);
        fs::copy(client.path("key.pub"), path("authorized_keys")).unwrap();
        let config = format!(
            "{more}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {key}\nAuthorizedKeysFile {authorized}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PrintMotd no\nLogLevel VERBOSE\nUseDNS no\nMaxStartups 50:30:200\n",
            key = path("host_key").display(),
            authorized = path("authorized_keys").display(),
        );
        fs::write(path("config"), config).unwrap();
        let child = Self::spawn(folder.path(), port);
        Self { folder, port, child }
    }

    #[allow(clippy::disallowed_methods, reason = "tests run real programs")]
    fn spawn(folder: &Path, port: u16) -> Child {
        let (config, log) = (folder.join("config"), folder.join("log"));
        let child = Command::new("/usr/sbin/sshd").args(["-D", "-f", config.to_str().unwrap(), "-E", log.to_str().unwrap()]).spawn().unwrap();
        until("sshd listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        child
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How many logins there were.
    pub fn logins(&self) -> usize {
        fs::read_to_string(self.path("log")).unwrap().lines().filter(|l| l.starts_with("Accepted ") && l.contains(" for ")).count()
    }

    /// The processes of its living connections.
    pub fn connections(&self) -> Vec<String> {
        run("sh", &["-c", &format!("pgrep -P {} || true", self.child.id())]).lines().map(str::to_owned).collect()
    }

    /// Ends it and all its connections.
    pub fn stop(&mut self) {
        let connections = self.connections();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        for pid in connections {
            run("sh", &["-c", &format!("kill -KILL {pid} $(pgrep -P {pid}) 2>/dev/null || true")]);
        }
    }

    /// The same one again, after [`Sshd::stop`].
    pub fn again(&mut self) {
        self.child = Self::spawn(self.folder.path(), self.port);
    }

    /// Other lines at the top of its configuration, read again as `systemctl reload ssh` has it read: connections that stand are left alone.
    pub fn reload(&self, old: &str, new: &str) {
        let config = fs::read_to_string(self.path("config")).unwrap();
        assert!(config.contains(old), "{config}");
        fs::write(self.path("config"), config.replacen(old, new, 1)).unwrap();
        let listens = || fs::read_to_string(self.path("log")).unwrap().matches("Server listening on").count();
        let before = listens();
        run("kill", &["-HUP", &self.child.id().to_string()]);
        until("sshd listens again", || listens() > before);
    }

    /// Another host key from now on.
    pub fn change_key(&mut self) {
        self.stop();
        fs::remove_file(self.path("host_key")).unwrap();
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", self.path("host_key").to_str().unwrap()]);
        self.again();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Board {
    /// One host of the API's list, once `seen` holds. It is refreshed meanwhile.
    pub fn host_when(&self, key: &str, seen: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let find = |json: &serde_json::Value| json["hosts"].as_array().unwrap().iter().find(|h| h["key"] == key).unwrap().clone();
        find(&self.sessions_when(|json| seen(&find(json))))
    }

    /// The identity of a session, by host, user and name.
    pub fn session_on(&self, key: &str, user: &str, name: &str) -> String {
        let find = |host: &serde_json::Value| {
            let user = host["users"].as_array().unwrap().iter().find(|u| u["user"] == user)?.clone();
            user["sessions"].as_array()?.iter().find(|s| s["name"] == name).map(|s| s["id"].as_str().unwrap().to_owned())
        };
        find(&self.host_when(key, |host| find(host).is_some())).unwrap()
    }
}
