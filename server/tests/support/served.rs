//! The real binary on any place to listen, and clients for them: plain, TLS, a Unix socket.

use super::{Accounts, PATIENCE, TOKEN, accounts, as_account_with, binary, hash, sshd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Instant;

/// A folder for one run: the configuration, what it names, what the binary says.
pub struct Place {
    pub accounts: Accounts,
    pub port: u16,
    folder: tempfile::TempDir,
}

/// The binary that serves there.
pub struct Served {
    child: Child,
    pub link: String,
    log: PathBuf,
}

/// A port that is free, below those that the kernel gives to whoever asks for any: it stays free until it is used.
pub fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    (0..1000).map(|_| start + NEXT.fetch_add(1, Ordering::SeqCst)).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

impl Place {
    /// With a port that is free.
    pub fn new() -> Option<Self> {
        let accounts = accounts()?;
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let place = Self { accounts, port: port(), folder };
        place.own("run", 0o755);
        Some(place)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder of the account that runs muxboard.
    pub fn own(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        sshd::run("chown", &[&self.accounts.front, path.to_str().unwrap()]);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// A file that the account that runs muxboard alone may read, written in place if it is there; its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        sshd::run("chown", &[&self.accounts.front, path.to_str().unwrap()]);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A fresh certificate for localhost and its key, as the configuration names them.
    pub fn certificate(&self) -> String {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
                     -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
        let files = ["-out", cert.to_str().unwrap(), "-keyout", key.to_str().unwrap()];
        sshd::run("openssl", &words.split_whitespace().chain(files).collect::<Vec<_>>());
        sshd::run("chown", &[&self.accounts.front, files[3]]);
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        format!("[tls]\ncert = \"{}\"\nkey = \"{}\"\n", cert.display(), key.display())
    }

    /// The configuration: `top` before everything else, `auth` for the gate.
    pub fn write(&self, top: &str, auth: &str) -> PathBuf {
        let path = self.path("muxboard.toml");
        let gate = format!("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"ops\"\nsha256 = \"{}\"\n", hash(TOKEN));
        let gate = if auth.starts_with("[auth]\ngate") { auth.to_owned() } else { gate + auth };
        let front = &self.accounts.front;
        fs::write(&path, format!("{top}\n{gate}[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{front}\"]\n")).unwrap();
        path
    }

    /// Serves.
    pub fn serve(&self, top: &str, auth: &str) -> Served {
        let config = self.write(top, auth);
        let (run, log) = (self.path("run"), self.path("log"));
        let variables = [("XDG_RUNTIME_DIR", run.to_str().unwrap()), ("MUXBOARD_LOG", "info,muxboard=debug")];
        let err = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = as_account_with(&self.accounts.front, &variables, binary());
        let mut child = command.args(["serve", "-c", config.to_str().unwrap()]).stdout(Stdio::piped()).stderr(err).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let served = Served { child, link: line.trim().strip_prefix("muxboard: ").unwrap_or_default().to_owned(), log };
        assert!(!served.link.is_empty(), "it does not serve: {}", served.said());
        served
    }

    /// What it says when it does not serve.
    pub fn refuses(&self, top: &str, auth: &str) -> String {
        let config = self.write(top, auth);
        let run = self.path("run");
        let mut command = as_account_with(&self.accounts.front, &[("XDG_RUNTIME_DIR", run.to_str().unwrap())], binary());
        let mut child = command.args(["serve", "-c", config.to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if !line.is_empty() {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        assert!(line.is_empty() && output.status.code() == Some(1) && says.lines().count() == 1, "it said {line:?} {says:?}");
        says
    }
}

impl Served {
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has said that.
    pub fn says(&self, words: &str) {
        self.says_since(0, words);
    }

    /// Waits until it has said that after its first so many bytes.
    pub fn says_since(&self, bytes: usize, words: &str) {
        let began = Instant::now();
        while !self.said().get(bytes..).is_some_and(|said| said.contains(words)) {
            assert!(began.elapsed() < PATIENCE, "it never said {words:?}, but: {}", self.said());
            super::rest();
        }
    }

    pub fn signal(&self, signal: &str) {
        sshd::run("kill", &[&format!("-{signal}"), &self.child.id().to_string()]);
    }

    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the board said:\n{}", self.said());
        }
    }
}

pub fn plain(port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection with TLS by a client that trusts this certificate alone.
pub fn tls(port: u16, trusted: &Path, versions: &[&'static SupportedProtocolVersion]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&fs::read(trusted).unwrap()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    StreamOwned::new(client, plain(port))
}

/// Asks, and reads to the end of the connection, or of the head if it is upgraded.
pub fn ask(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    if request.contains("Upgrade: ") {
        let mut one = [0];
        while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut one).unwrap() == 1 {
            bytes.push(one[0]);
        }
    } else {
        stream.read_to_end(&mut bytes).unwrap();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A request whose connection ends with its answer.
pub fn get(path: &str, host: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
}
