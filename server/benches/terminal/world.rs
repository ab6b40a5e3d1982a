//! What is measured: a tmux server of its own, a muxboard before it, and what the kernel says of processes.

use crate::client::{Place, Pty, Relay, Socket, Wire};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const TOKEN: &str = "a-token-for-the-bench-only";
const FLAGS: &str = "RGB,ccolour,clipboard,cstyle,focus,overline,strikethrough,sync,title,usstyle,hyperlinks";

/// A tmux server with a folder of its own.
pub struct World {
    pub folder: tempfile::TempDir,
    pub user: String,
}

#[allow(clippy::disallowed_methods, reason = "a bench runs real programs")]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("TMUX").current_dir("/");
    command
}

impl World {
    pub fn new() -> Self {
        let user = String::from_utf8(command("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
        Self { folder: tempfile::Builder::new().prefix("muxboard-bench").tempdir().unwrap(), user }
    }
    pub fn socket(&self) -> String {
        self.folder.path().join("tmux").display().to_string()
    }
    pub fn tmux(&self, words: &[&str]) -> String {
        let output = command("tmux").args(["-u", "-f", "/dev/null", "-S", &self.socket()]).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
    /// A session that runs this; made anew.
    pub fn session(&self, name: &str, runs: &str) {
        self.tmux(&["kill-session", "-t", &format!("={name}")]);
        self.tmux(&["new-session", "-d", "-s", name, "-x", "120", "-y", "39", runs]);
    }
    /// The words that attach a session, on any terminal.
    pub fn attach(&self, name: &str) -> Vec<String> {
        ["tmux", "-u", "-S", &self.socket(), "-T", FLAGS, "attach-session", "-E", "-t", &format!("={name}")].map(String::from).to_vec()
    }
    pub fn floor(&self, name: &str) -> Pty {
        Pty::spawn(&self.attach(name))
    }
    /// The relay, a process of its own that ends with its connection.
    pub fn relay(&self, name: &str) -> Relay {
        let program = std::env::current_exe().unwrap();
        let mut child = command(&program.display().to_string()).arg("relay").args(self.attach(name)).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        std::thread::spawn(move || child.wait());
        Relay::open(line.trim().parse().unwrap())
    }
    /// A file of that many bytes without a newline, which a pty would change.
    pub fn file(&self, bytes: usize) -> PathBuf {
        let path = self.folder.path().join(format!("file-{bytes}"));
        let text: Vec<u8> = (0..bytes).map(|i| b'0' + ((i / 7 + i / 1009) % 75) as u8).collect();
        std::fs::write(&path, text).unwrap();
        path
    }
    /// A board of this machine.
    pub fn board(&self, tools: Option<&Path>) -> Board {
        let host = format!("[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\nsocket = \"{}\"\n", self.user, self.socket());
        self.board_of("", &host, tools)
    }
    /// A board of these hosts; `tools` is a folder of programs that come first.
    pub fn board_of(&self, top: &str, hosts: &str, tools: Option<&Path>) -> Board {
        self.board_with(top, "", hosts, tools)
    }
    /// The same, with more limits.
    pub fn board_with(&self, top: &str, limits: &str, hosts: &str, tools: Option<&Path>) -> Board {
        let config = self.folder.path().join("muxboard.toml");
        let hash: String = muxboard::sha256(TOKEN).iter().map(|b| format!("{b:02x}")).collect();
        let user = &self.user;
        let text = format!(
            "{top}listen = \"127.0.0.1:0\"\n[limits]\nattaches_per_principal = 64\nattaches = 64\nrequests_per_second = 0\n{limits}[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"ops\"\nsha256 = \"{hash}\"\n\
             [[grant]]\nwho = [\"ops\"]\nhosts = [\"*\"]\nusers = [\"*\"]\ncan = [\"type\", \"create\", \"kill\"]\n{hosts}"
        );
        std::fs::write(&config, text).unwrap();
        let mut command = command(env!("CARGO_BIN_EXE_muxboard"));
        if let Some(tools) = tools {
            command.env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default()));
        }
        let mut child = command
            .args(["serve", "-c", &config.display().to_string()])
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("MUXBOARD_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("muxboard: http://").trim_end_matches('/').to_owned();
        Board { child, address, user: user.clone() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A muxboard that runs.
pub struct Board {
    child: Child,
    pub address: String,
    user: String,
}

impl Board {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
    /// Where the terminal of a session is.
    pub fn place(&self, world: &World, name: &str) -> Place {
        self.place_on("here", world, name)
    }
    /// The same on a host of another key.
    pub fn place_on(&self, key: &str, world: &World, name: &str) -> Place {
        let id = world.tmux(&["display-message", "-p", "-t", &format!("={name}:"), "#{session_id}-#{session_created}-#{pid}-#{start_time}"]);
        let path = format!("/ws/attach/{key}/{}/{}", self.user, id.trim_start_matches('$'));
        Place { wire: Wire::Muxboard, address: self.address.clone(), path, headers: format!("Authorization: Bearer {TOKEN}\r\n") }
    }
    pub fn attach(&self, world: &World, name: &str) -> Socket {
        Socket::open(&self.place(world, name))
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of a process so far, without its children.
pub fn cpu(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanoseconds = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Resident memory of a process, in KiB.
pub fn memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    text.lines().find_map(|l| l.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok()).unwrap()
}
