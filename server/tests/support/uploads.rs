//! A board that takes files, and what lies in the folders that it puts them into.

use super::skip::skip;
use super::sshd::{Client, Sshd, host, until};
use super::{Board, TOKEN, accounts, as_account};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub const FOLDER: &str = ".muxboard-uploads";

/// All these tests put files into the homes of the same accounts: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A board that takes files, with a session of each account it reaches, here and over ssh.
pub struct World {
    pub board: Board,
    pub client: Client,
    _sshd: Sshd,
    _turn: MutexGuard<'static, ()>,
}

/// An account, and the way to it.
pub struct Way {
    pub place: String,
    pub account: String,
    pub session: String,
}

impl World {
    pub fn new(upload: &str) -> Option<Self> {
        let accounts = accounts()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let client = Client::new(&accounts);
        let sshd = Sshd::start(&client, "MaxSessions 3\n");
        client.know(&sshd);
        let far = host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far], "");
        let here = far.replace("key = \"far\"", "key = \"here\"").replace("address = \"127.0.0.1\"", "local = true");
        let here = here.lines().filter(|line| !line.starts_with("port") && !line.starts_with("login")).collect::<Vec<_>>().join("\n");
        let here = here.replace(&accounts.login, &accounts.front).replace(&accounts.far, &accounts.other);
        let board = client.board(&format!("[limits]\nrequests_per_second = 0\n[upload]\n{upload}"), &format!("{far}\n{here}\n"));
        for account in [&accounts.front, &accounts.other, &accounts.login, &accounts.far] {
            forget(account);
            board.tmux(account, &["new-session", "-d", "-s", "work"]);
        }
        Some(Self { board, client, _sshd: sshd, _turn: turn })
    }

    pub fn way(&self, host: &str, account: &str) -> Way {
        Way { place: format!("{host}/{account}"), account: account.into(), session: self.board.session_on(host, account, "work") }
    }

    /// Our own account, another one through sudo, and both over ssh.
    pub fn ways(&self) -> [Way; 4] {
        let accounts = &self.client.accounts;
        [self.way("here", &accounts.front), self.way("here", &accounts.other), self.way("far", &accounts.login), self.way("far", &accounts.far)]
    }

    pub fn sudo(&self) -> Way {
        self.way("here", &self.client.accounts.other)
    }

    pub fn send(&self, way: &Way, file: &[u8]) -> (u16, Value) {
        let answer = self.board.upload(&way.place, &way.session, file).token(TOKEN).send();
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}")))
    }

    /// Begins a file of that length and sends a part of it.
    pub fn begin(&self, way: &Way, length: usize, part: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.board.port)).unwrap();
        let head = format!(
            "POST /upload/{}/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            way.place, way.session, self.board.port
        );
        stream.write_all(&[head.as_bytes(), part].concat()).unwrap();
        stream
    }
}

/// Sends what is left, and reads the answer.
pub fn finish(mut stream: TcpStream, rest: &[u8]) -> String {
    stream.write_all(rest).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

impl Drop for World {
    fn drop(&mut self) {
        let accounts = &self.client.accounts;
        for account in [&accounts.front, &accounts.other, &accounts.login, &accounts.far] {
            forget(account);
        }
    }
}

pub fn folder(account: &str) -> PathBuf {
    Path::new("/home").join(account).join(FOLDER)
}

pub fn forget(account: &str) {
    as_them(account, &format!("rm -rf ~/{FOLDER}"));
}

/// A line for a shell, as an account.
pub fn as_them(account: &str, line: &str) -> String {
    let output = as_account(account, "sh").args(["-c", line]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// All that is in an account's folder, hidden files too.
pub fn there(account: &str) -> Vec<String> {
    fs::read_dir(folder(account)).map(|all| all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()).unwrap_or_default()
}

pub fn partial_is_there(account: &str) -> bool {
    there(account).iter().any(|name| name.starts_with('.'))
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A process that is ended with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A small file system as an account's folder.
pub struct Small(PathBuf);

impl Small {
    pub fn mount(account: &str) -> Option<Self> {
        as_them(account, &format!("mkdir -m 700 ~/{FOLDER}"));
        let id = fs::metadata(folder(account)).unwrap().uid();
        let path = folder(account);
        #[expect(clippy::disallowed_methods, reason = "tests run real programs")]
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size=64k,mode=0700,uid={id},gid={id}"), "muxboard-test", path.to_str().unwrap()])
            .status()
            .unwrap();
        if !mounted.success() {
            skip("mount", "This test needs the right to mount a small file system: run it as root outside of a container.");
        }
        mounted.success().then_some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // The script's last process may still stand in it.
        #[expect(clippy::disallowed_methods, reason = "tests run real programs")]
        let unmounts = || Command::new("umount").arg(&self.0).stderr(Stdio::null()).status().unwrap().success();
        until("it is unmounted", unmounts);
    }
}
