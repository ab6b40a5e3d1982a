//! Live terminals: lifetime (how long), and the [`Attachment`], one tmux client on one pty.

use crate::error::Failed;
use crate::lock::lock;
use crate::pty::Pty;
use crate::random::sentinel;
use crate::report::Report;
use crate::slots::Slot;
use crate::transport::{ChannelPermit, SshLink, Transport};
use muxboard_core::argv;
use muxboard_core::fault::Fault;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits;
use muxboard_core::refusal::of_ssh;
use muxboard_core::shell::Script;
use muxboard_core::snapshot::{Place, SessionId};
use muxboard_core::tmux::{self, Call};
use muxboard_core::wire::Grid;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The limits of live terminals, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachLimits {
    /// Terminals of one principal.
    pub per_principal: usize,
    /// Terminals in total.
    pub total: usize,
    /// Life of one connection.
    pub lifetime: Duration,
    /// What may be queued for one client, in bytes.
    pub queue_bytes: usize,
    /// How long a client may take none of it.
    pub stall: Duration,
}

impl Default for AttachLimits {
    fn default() -> Self {
        Self {
            per_principal: limits::ATTACHES_PER_PRINCIPAL,
            total: limits::ATTACHES,
            lifetime: Duration::from_secs(limits::ATTACH_HOURS * 3600),
            queue_bytes: limits::QUEUE_BYTES_MAX,
            stall: Duration::from_secs(limits::STALL_SECONDS_MAX),
        }
    }
}

/// Whose terminals are open, by host and the tty that tmux names there in its list of clients.
#[derive(Default)]
pub(crate) struct Register(Mutex<HashMap<(Place, String), String>>);

impl Register {
    /// Whose terminal it is. The user's own tmux says which tty: it is asked about his own terminals only.
    pub(crate) fn principal(&self, place: &Place, tty: &str) -> Option<String> {
        lock(&self.0).get(&(place.clone(), tty.to_owned())).cloned()
    }
}

/// A terminal's entry in the register; taken out when dropped.
pub(crate) struct Registered {
    register: Arc<Register>,
    place: Place,
    principal: String,
    /// The tty that we opened.
    outer: String,
    opened: Instant,
    /// The tty behind it that tmux lists, where sudo has put one of its own between the two.
    inner: OnceLock<String>,
    /// Since when [`Registered::tty`] is known to be the one that tmux lists.
    settled: OnceLock<Instant>,
}

impl Registered {
    fn new(register: &Arc<Register>, place: Place, tty: &str, principal: String) -> Self {
        let (inner, settled) = (OnceLock::new(), OnceLock::new());
        let new = Self { register: register.clone(), place, principal, outer: tty.to_owned(), opened: Instant::now(), inner, settled };
        new.enter(tty);
        new
    }

    fn enter(&self, tty: &str) {
        lock(&self.register.0).insert((self.place.clone(), tty.to_owned()), self.principal.clone());
    }

    /// The tty that tmux's list of clients names, as far as it is known.
    pub(crate) fn tty(&self) -> &str {
        self.inner.get().unwrap_or(&self.outer)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// Takes note of the tty that tmux lists instead of ours, or with `None` that it lists ours. Only the first word counts.
    pub(crate) fn settle(&self, inner: Option<String>) {
        if let Some(inner) = inner
            && self.settled.get().is_none()
        {
            self.enter(&inner);
            let _ = self.inner.set(inner);
        }
        let _ = self.settled.set(Instant::now());
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut all = lock(&self.register.0);
        for tty in self.inner.get().into_iter().chain([&self.outer]) {
            all.remove(&(self.place.clone(), tty.clone()));
        }
    }
}

/// What is opened.
pub(crate) struct AttachRequest {
    pub(crate) session: SessionId,
    pub(crate) may_type: bool,
    pub(crate) grid: Grid,
    pub(crate) principal: String,
}

/// How a terminal's output ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachEnd {
    /// tmux let the client go: detached, or the session ended.
    Ended,
    /// The session was not there any more: nothing was shown.
    Gone,
}

/// One tmux client on one pty: on this machine, or behind an ssh on one of ours.
pub struct Connection {
    registered: Arc<Registered>, // before the pty: a tty that is free again may be another's
    /// sudo, as its host numbers it, where it stands between the terminal and tmux.
    sudo: Option<u32>,
    pty: Pty,
    channel: Option<ChannelPermit>, // after the pty: the terminal goes before the room for it is another's
    mark: Vec<u8>,
    /// The first output, as long as it can be tmux's word that the session is gone.
    early: Option<Vec<u8>>,
    /// Output that came with the terminal's announcement.
    ahead: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(host: &Host, transport: &Transport, user: &User, what: &AttachRequest, register: &Arc<Register>) -> Result<Self, Failed> {
        let mark = sentinel();
        let call = tmux::attach(what.session, !what.may_type, &mark);
        let place = Place { host: host.key.clone(), user: user.name.clone() };
        let made = |pty: Pty, channel, pid: Option<u32>, tty: &str, ahead| {
            let registered = Arc::new(Registered::new(register, place, tty, what.principal.clone()));
            let sudo = pid.filter(|_| user.through_sudo);
            if sudo.is_none() {
                registered.settle(None);
            }
            Self { registered, sudo, pty, channel, mark: mark.into_bytes(), early: Some(Vec::new()), ahead }
        };
        match transport {
            Transport::Local => {
                let pty = Pty::spawn(&argv::local(user, &call), what.grid).map_err(|e| Failed::Here(e.to_string()))?;
                let tty = pty.tty().to_owned();
                let pid = pty.pid();
                Ok(made(pty, None, pid, &tty, Vec::new()))
            }
            Transport::Ssh(link) => {
                let (pty, channel, remote) = remote(link, user, &call, what.grid).await?;
                Ok(made(pty, Some(channel), remote.pid, &remote.tty, remote.ahead))
            }
        }
    }
}

/// A terminal that has announced itself.
struct RemoteTty {
    /// The process that becomes tmux or sudo, as its host numbers it.
    pid: Option<u32>,
    /// Its name on its host.
    tty: String,
    ahead: Vec<u8>,
}

async fn remote(link: &Arc<SshLink>, user: &User, call: &Call, grid: Grid) -> Result<(Pty, ChannelPermit, RemoteTty), Failed> {
    let host = link.host();
    let script_of = |start: &str| Script::announced(start, &Script::command(&argv::tmux_words(user, call)));
    loop {
        let channel = link.acquire_channel().await.map_err(Failed::Host)?;
        let start = sentinel();
        let argv = argv::terminal(host, link.ssh(), link.config(), channel.overruled(), &channel.control().to_string_lossy(), &script_of(&start));
        let fifo = link.fresh_path('o');
        let pty = Pty::spawn_through(argv, &fifo, grid).map_err(|e| Failed::Here(e.to_string()));
        let announced = match &pty {
            Ok(pty) => timeout(Duration::from_secs(limits::TERMINAL_SECONDS_MAX), announcement(pty, &start)).await,
            Err(_) => Ok(Err(String::new())),
        };
        let _ = std::fs::remove_file(&fifo);
        let mut pty = pty?;
        match announced {
            Ok(Ok(remote)) => {
                // It is heard: tmux may begin. A new terminal has room for one byte.
                pty.write(b"\n").map_err(|e| Failed::Here(e.to_string()))?;
                return Ok((pty, channel, remote));
            }
            Ok(Err(said)) if ChannelPermit::is_refusal(&said) => {
                if !channel.lower_limit() {
                    return Err(Failed::Host(Fault::too_few_sessions(host)));
                }
            }
            Ok(Err(said)) => return Err(Failed::Host(of_ssh(host, &said, link.config(), None))),
            Err(_) => return Err(Failed::Host(Fault::timed_out(host))),
        }
    }
}

/// Reads until the terminal says which it is; what a login shell said before is dropped. Otherwise its last words.
async fn announcement(pty: &Pty, start: &str) -> Result<RemoteTty, String> {
    let mut said = Vec::new();
    loop {
        pty.readable().await;
        let ended = pty.read(&mut said) == Some(0);
        let line = said.windows(start.len()).position(|w| w == start.as_bytes()).and_then(|at| said.get(at..));
        if let Some(line) = line
            && let Some(end) = line.iter().position(|b| *b == b'\n')
        {
            let words = String::from_utf8_lossy(line.get(..end).unwrap_or(&[])).into_owned();
            let mut words = words.split_whitespace().skip(1);
            let (pid, tty) = (words.next().and_then(|pid| pid.parse().ok()), words.next().unwrap_or("").to_owned());
            return Ok(RemoteTty { pid, tty, ahead: line.get(end + 1..).unwrap_or(&[]).to_vec() });
        }
        if ended || said.len() > limits::NOISE_BYTES_MAX {
            return Err(pty.complaints() + &String::from_utf8_lossy(&said).chars().take(limits::SSH_WORDS_BYTES_MAX).collect::<String>());
        }
    }
}

/// One live terminal. Dropping it detaches; the session lives on.
pub struct Attachment {
    pub(crate) connection: Connection,
    may_type: bool,
    grid: Grid,
    deadline: Instant,
    _slot: Slot,
    _report: Report,
}

impl Attachment {
    pub(crate) fn new(connection: Connection, what: AttachRequest, slot: Slot, lifetime: Duration, report: Report) -> Self {
        Self { connection, may_type: what.may_type, grid: what.grid, deadline: Instant::now() + lifetime, _slot: slot, _report: report }
    }

    /// Goes on with another terminal, and lets the old one go.
    pub fn go_on_with(&mut self, fresh: Connection) {
        self.connection = fresh;
        self.connection.pty.resize(self.grid);
    }

    /// The tty that tmux's list of clients names.
    pub(crate) fn tty(&self) -> &str {
        self.connection.registered.tty()
    }

    /// Since when [`Attachment::tty`] is known to be the one that tmux lists.
    pub(crate) fn settled(&self) -> Option<Instant> {
        self.connection.registered.settled.get().copied()
    }

    pub(crate) fn may_type(&self) -> bool {
        self.may_type
    }

    /// When the connection's lifetime is over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits until there may be output, or the end.
    pub async fn readable(&self) {
        if self.connection.ahead.is_empty() {
            self.connection.pty.readable().await;
        }
    }

    /// Appends the output that is there now, up to about `max` bytes in all (the kernel gives at most 4 KiB at a time). False if there was less: all
    /// that had come is read.
    ///
    /// # Errors
    /// How it ended, when there is no more.
    pub fn read(&mut self, into: &mut Vec<u8>, max: usize) -> Result<bool, AttachEnd> {
        let connection = &mut self.connection;
        if !connection.ahead.is_empty() {
            let before = into.len();
            into.append(&mut connection.ahead);
            connection.keep(into.get(before..).unwrap_or(&[]));
        }
        while into.len() < max {
            let before = into.len();
            match connection.pty.read(into) {
                None => return Ok(false),
                Some(0) => return Err(connection.end()),
                Some(_) => connection.keep(into.get(before..).unwrap_or(&[])),
            }
        }
        Ok(true)
    }

    /// Whether the output so far can still turn out to be tmux's word that the session is gone.
    pub fn undecided(&self) -> bool {
        self.connection.early.as_deref().is_some_and(|early| !early.contains(&0x1b))
    }

    /// Waits until typed bytes may be written.
    pub async fn writable(&self) {
        if self.may_type {
            self.connection.pty.writable().await;
        }
    }

    /// Writes some of the typed bytes and says how many. A watcher's bytes end here, before the pty.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.may_type { self.connection.pty.write(bytes) } else { Ok(bytes.len()) }
    }

    /// Its size.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// After the end of its output: whether it was the connection to its host that ended, and not tmux.
    pub async fn is_lost(&mut self) -> bool {
        // ssh's own exit code; tmux has none of that number.
        self.connection.channel.is_some() && self.connection.pty.exit_code().await == Some(255)
    }

    /// Gives the terminal the size that its client asks for; a watcher's stays as it is.
    pub fn resize(&mut self, grid: Grid) {
        if self.may_type {
            self.fit(grid);
        }
    }

    /// Gives a watcher's terminal the size that the session has now; true if that is another than before.
    pub(crate) fn follow(&mut self, session: Grid) -> bool {
        let changed = !self.may_type && session != self.grid;
        if changed {
            self.fit(session);
        }
        changed
    }

    fn fit(&mut self, grid: Grid) {
        self.grid = grid;
        self.connection.pty.resize(grid);
    }
}

impl Connection {
    /// The sudo between the terminal and tmux, where there is one, and what is to be settled when its pty is known.
    pub(crate) fn behind_sudo(&self) -> Option<(u32, Weak<Registered>)> {
        self.sudo.map(|pid| (pid, Arc::downgrade(&self.registered)))
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(early) = &mut self.early {
            early.extend_from_slice(bytes);
            if early.len() > limits::EARLY_BYTES_MAX {
                self.early = None;
            }
        }
    }

    fn end(&self) -> AttachEnd {
        let early = self.early.as_deref().unwrap_or(&[]);
        let holds = |needle: &[u8]| early.windows(needle.len()).any(|w| w == needle);
        if holds(&self.mark) || holds(b"no server running") || holds(b"error connecting to") { AttachEnd::Gone } else { AttachEnd::Ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tmux_that_claims_anothers_tty_learned_whose_it_is() {
        let register = Arc::new(Register::default());
        let _hers = Registered::new(&register, "h/ann".parse().unwrap(), "/dev/pts/3", "ann@example.org".into());
        assert_eq!(register.principal(&"h/ann".parse().unwrap(), "/dev/pts/3").as_deref(), Some("ann@example.org"));
        assert_eq!(register.principal(&"h/bob".parse().unwrap(), "/dev/pts/3"), None);
    }

    #[test]
    fn both_ttys_of_a_terminal_behind_sudo_leave_the_register_with_it() {
        let register = Arc::new(Register::default());
        let place: Place = "h/ann".parse().unwrap();
        let hers = Registered::new(&register, place.clone(), "/dev/pts/3", "ann@example.org".into());
        hers.settle(Some("/dev/pts/4".into()));
        hers.settle(Some("/dev/pts/5".into()));
        assert_eq!(hers.tty(), "/dev/pts/4");
        assert_eq!(register.principal(&place, "/dev/pts/4").as_deref(), Some("ann@example.org"));
        drop(hers);
        assert!(register.0.lock().unwrap().is_empty());
    }
}
