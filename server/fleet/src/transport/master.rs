//! One ssh connection of ours that others share: a child process, never a daemon. It lives as long as its standard input, a pipe that we hold:
//! when we end, however that is, it ends too. One of the three places where processes start.

use super::client::{DialPermit, Resolved, SshClient};
use super::secret::{self, ASKPASS_SOCKET, Secrets};
use crate::environment;
use crate::random::sentinel;
use muxboard_core::argv::{self, Overruled};
use muxboard_core::fault::{self, Fault};
use muxboard_core::inventory::{Host, Ssh};
use muxboard_core::limits::{DIAL_SECONDS_MAX, HANGUP_MS, NOISE_BYTES_MAX, SSH_WORDS_BYTES_MAX, WORDS_CHARS_MAX};
use muxboard_core::shell::Script;
use muxboard_core::ssh_words::{self, of_ended_shell};
use rustix::process::{Pid, Signal, kill_process_group};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// An ssh connection that others share.
pub(crate) struct Master {
    control: PathBuf,
    session: Arc<openssh::Session>,
    alive: Arc<AtomicBool>,
    /// The standard input of an ssh without a shell. Closing it ends the connection.
    _input: Option<ChildStdin>,
    /// Dropped with this: the task that waits for the process then ends it.
    _needed: oneshot::Sender<()>,
    pub(super) since: Instant,
    /// Options that an ssh on this connection must be given beside those of every ssh.
    pub(super) overruled: Overruled,
}

/// The shell that a connection runs itself, and how many bytes were printed before it.
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) noise: usize,
}

/// The host to connect to, and how.
#[derive(Clone, Copy)]
pub(super) struct DialTarget<'a> {
    pub(super) host: &'a Host,
    pub(super) ssh: &'a Ssh,
    pub(super) client: &'a SshClient,
    pub(super) resolved: &'a Resolved,
}

/// Why a connection was not made.
pub(super) enum Failure {
    /// The other side dropped the connection before it listened, as sshd does when too many come at once (`MaxStartups`).
    Dropped(Fault),
    /// Any other fault.
    Final(Fault),
}

impl Master {
    /// Makes a connection. With `shell`, also returns the shell that the connection runs and lives by.
    pub(super) async fn dial(target: DialTarget<'_>, control: PathBuf, shell: bool, _may: DialPermit) -> Result<(Self, Option<Pipes>), Failure> {
        let DialTarget { host, ssh, client, resolved } = target;
        let askpass = AskpassServer::new(host, ssh, client, resolved, &control).map_err(Failure::Final)?;
        let argv = argv::master(host, ssh, client.config(), &resolved.overruled, &control.to_string_lossy(), askpass.is_some(), shell);
        #[expect(clippy::disallowed_methods, reason = "one of the three places where processes start")]
        let mut command = tokio::process::Command::new(argv.program());
        command.args(argv.arguments()).env_clear().envs(environment::allowed()).current_dir("/");
        if let Some(agent) = std::env::var_os("SSH_AUTH_SOCK") {
            command.env("SSH_AUTH_SOCK", agent);
        }
        if let Some(askpass) = &askpass {
            command.env("SSH_ASKPASS", &askpass.program).env("SSH_ASKPASS_REQUIRE", "force").env(ASKPASS_SOCKET, &askpass.socket.0);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let no_ssh = |error: std::io::Error| Failure::Final(Fault::unreachable(host, &format!("ssh cannot be started here: {error}")));
        let mut child = command.spawn().map_err(no_ssh)?;
        let (Some(mut input), Some(mut output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::Final(Fault::unreachable(host, "there is no pipe to ssh")));
        };
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let mark = sentinel();
        // The other side says it back: then all of the way works, a login shell included, whatever else that says.
        let begins = if shell { Script::job_begins(&mark).len() } else { 0 };
        let (line, answer) =
            if shell { (format!("{}\n", Script::command(&["true"]).job(&mark)), Script::job_done(&mark) + "0\n") } else { (format!("{mark}\n"), mark) };
        let greeting = async {
            let _ = input.write_all(line.as_bytes()).await;
            read_until_mark(&mut output, answer.as_bytes()).await
        };
        let mut errors = StderrTail { from: errors, said: Vec::new() };
        let answers = async {
            match askpass {
                Some(AskpassServer { listener, secrets, socket: _socket, .. }) => secret::serve(listener, secrets).await,
                None => std::future::pending().await,
            }
        };
        let aside = async { tokio::join!(errors.gather(), answers) };
        let greeted: Result<Result<usize, GreetingError>, _> = tokio::select! {
            greeted = timeout(Duration::from_secs(DIAL_SECONDS_MAX), greeting) => greeted,
            // Neither ends by itself.
            _ = aside => Ok(Err(GreetingError::Ended(String::new()))),
        };
        let session = Arc::new(openssh::Session::resume_mux(control.clone().into_boxed_path(), None));
        match greeted {
            Ok(Ok(_)) => {}
            Ok(Err(GreetingError::Endless(ref noise))) => {
                kill(group);
                let _ = timeout(Duration::from_millis(HANGUP_MS), child.wait()).await;
                return Err(Failure::Final(Fault::endless_shell(host, ssh, client.config(), noise)));
            }
            Ok(Err(GreetingError::Ended(ref noise))) => {
                let status = timeout(Duration::from_millis(HANGUP_MS), child.wait()).await.ok().and_then(Result::ok);
                errors.rest().await;
                kill(group);
                return Err(failure(target, status.and_then(|s| s.code()), noise, &errors.text()));
            }
            Err(_) => {
                let connected = timeout(Duration::from_millis(HANGUP_MS), session.check()).await.is_ok_and(|answer| answer.is_ok());
                kill(group);
                let _ = timeout(Duration::from_millis(HANGUP_MS), child.wait()).await;
                return Err(Failure::Final(if connected { Fault::no_shell(host, None) } else { Fault::timed_out(host) }));
            }
        }
        let alive = Arc::new(AtomicBool::new(true));
        let (needed, gone) = oneshot::channel();
        let (held, pipes, rest) = match greeted {
            Ok(Ok(noise)) if shell => (None, Some(Pipes { input, output, noise: noise.saturating_sub(begins) }), None),
            _ => (Some(input), None, Some(output)),
        };
        tokio::spawn(attend(child, rest, errors, group, alive.clone(), gone, control.clone()));
        Ok((Self { control, session, alive, _input: held, _needed: needed, since: Instant::now(), overruled: resolved.overruled.clone() }, pipes))
    }

    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    /// True if ssh's control socket answers. A connection that was killed just now may not be known to be dead yet.
    pub(super) async fn answers(&self) -> bool {
        let answers = timeout(Duration::from_millis(HANGUP_MS), self.session.check()).await.is_ok_and(|answer| answer.is_ok());
        if !answers {
            self.alive.store(false, Ordering::SeqCst);
        }
        answers
    }

    pub(super) fn session(&self) -> Arc<openssh::Session> {
        self.session.clone()
    }

    pub(super) fn control(&self) -> &Path {
        &self.control
    }
}

/// Reads what the process prints until it ends or nobody needs it any more, then kills and reaps it.
async fn attend(
    mut child: Child,
    output: Option<ChildStdout>,
    mut errors: StderrTail,
    group: Option<Pid>,
    alive: Arc<AtomicBool>,
    gone: oneshot::Receiver<()>,
    control: PathBuf,
) {
    let mut sink = tokio::io::sink();
    let mut talk = std::pin::pin!(async {
        let drain = async {
            if let Some(mut output) = output {
                let _ = tokio::io::copy(&mut output, &mut sink).await;
            }
        };
        tokio::join!(drain, errors.gather());
    });
    tokio::select! {
        _ = child.wait() => {}
        () = &mut talk => {}
        // Its input is closed by now: it ends by itself, unless the network holds it.
        _ = gone => if timeout(Duration::from_millis(HANGUP_MS), child.wait()).await.is_err() { kill(group); }
    }
    alive.store(false, Ordering::SeqCst);
    kill(group);
    let _ = child.wait().await;
    let _ = std::fs::remove_file(control);
}

fn kill(group: Option<Pid>) {
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Why the mark of a greeting did not come, each with the last line that did.
enum GreetingError {
    /// The output ended.
    Ended(String),
    /// More than [`NOISE_BYTES_MAX`] bytes came before the mark.
    Endless(String),
}

/// Reads until the mark has come, and returns how much came before it, in bytes.
async fn read_until_mark(from: &mut (impl AsyncRead + Unpin), mark: &[u8]) -> Result<usize, GreetingError> {
    let mut said: Vec<u8> = Vec::new();
    let mut total = 0;
    loop {
        let read = from.read_buf(&mut said).await.unwrap_or(0);
        total += read;
        if said.windows(mark.len()).any(|w| w == mark) {
            return Ok(total.saturating_sub(mark.len()));
        }
        if read == 0 || total > NOISE_BYTES_MAX {
            let text = String::from_utf8_lossy(&said).into_owned();
            // Of a line that was cut in the middle at the limit the one before is whole.
            let mut lines = text.lines().rev().skip(usize::from(read > 0)).map(str::trim);
            let last = lines.find(|l| !l.is_empty()).or(text.lines().last()).unwrap_or("").chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect();
            return Err(if read == 0 { GreetingError::Ended(last) } else { GreetingError::Endless(last) });
        }
        let old = said.len().saturating_sub(1024.max(mark.len()));
        said.drain(..old);
    }
}

/// The last [`SSH_WORDS_BYTES_MAX`] bytes of ssh's standard error.
struct StderrTail {
    from: ChildStderr,
    said: Vec<u8>,
}

impl StderrTail {
    /// Reads to the end of standard error, then waits for ever.
    async fn gather(&mut self) {
        self.until_end().await;
        std::future::pending::<()>().await;
    }

    async fn until_end(&mut self) {
        let mut piece = Vec::with_capacity(1024);
        while let Ok(1..) = self.from.read_buf(&mut piece).await {
            self.said.extend_from_slice(&piece);
            piece.clear();
            let over = self.said.len().saturating_sub(SSH_WORDS_BYTES_MAX);
            self.said.drain(..over);
        }
    }

    /// Reads to the end of standard error, for a moment: a process that ssh started may hold it open.
    async fn rest(&mut self) {
        let _ = timeout(Duration::from_millis(HANGUP_MS / 4), self.until_end()).await;
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }
}

fn failure(target: DialTarget<'_>, code: Option<i32>, noise: &str, says: &str) -> Failure {
    let DialTarget { host, client, resolved, .. } = target;
    // 255 is ssh's own; any other is that of what ran on the other side.
    if let Some(code) = code.filter(|code| *code != 255) {
        return Failure::Final(of_ended_shell(host, code, noise, says));
    }
    let fault = ssh_words::of_ssh(host, says, client.config(), resolved.is_behind.then_some(resolved.account.as_str()));
    // Only before the other side has said who it is: a connection that is closed later was refused, and each try counts as a failed login there.
    let dropped = ["kex_exchange_identification", "ssh_exchange_identification", "Connection reset by UNKNOWN", "Connection closed by UNKNOWN"];
    let refused = says.contains("stdio forwarding failed");
    let transient = fault.kind == fault::FaultKind::Unreachable && !refused && dropped.iter().any(|words| says.contains(words));
    if transient { Failure::Dropped(fault) } else { Failure::Final(fault) }
}

/// The socket on which ssh may ask for secrets, and the secrets.
struct AskpassServer {
    program: PathBuf,
    socket: RemoveOnDrop,
    listener: UnixListener,
    secrets: Secrets,
}

/// A file of ours that is removed when this is dropped, also when dialling is given up.
struct RemoveOnDrop(PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl AskpassServer {
    fn new(host: &Host, ssh: &Ssh, client: &SshClient, resolved: &Resolved, control: &Path) -> Result<Option<Self>, Fault> {
        if ssh.password.is_none() && ssh.passphrase.is_none() {
            return Ok(None);
        }
        let unreadable = |what: &str, why: String| Fault::unreachable(host, &format!("its {what} cannot be read: {why}"));
        let password = ssh.password.as_ref().map(secret::read).transpose().map_err(|why| unreadable("password", why))?;
        let passphrase = ssh.passphrase.as_ref().map(secret::read).transpose().map_err(|why| unreadable("key's passphrase", why))?;
        let program = client.settings.askpass.clone().ok_or_else(|| unreadable("password", "no program for SSH_ASKPASS is set".into()))?;
        // Its own for each connection: two to one host may be made at once. (ssh makes its control socket under a longer name than this first.)
        let socket = RemoveOnDrop(PathBuf::from(format!("{}.ask", control.display())));
        let listener = UnixListener::bind(&socket.0).map_err(|e| unreadable("password", e.to_string()))?;
        Ok(Some(Self { program, socket, listener, secrets: Secrets { password, account: resolved.account.clone(), passphrase } }))
    }
}
