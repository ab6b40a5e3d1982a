//! Live terminals: lifetime (how long), and the [`Attachment`], one tmux client on one pty.

use crate::error::ActionError;
use crate::pty::{self, Pty};
use crate::random::sentinel;
use crate::register::{Register, Registered};
use crate::report::Report;
use crate::slots::Slot;
use crate::transport::{ChannelPermit, SshLink, Transport};
use muxboard_core::argv;
use muxboard_core::fault::Fault;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits;
use muxboard_core::shell::Script;
use muxboard_core::snapshot::{Place, SessionId};
use muxboard_core::ssh_words::of_ssh;
use muxboard_core::tmux::{self, Call};
use muxboard_core::wire::Grid;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The limits of live terminals, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachLimits {
    /// The most terminals of one principal.
    pub per_principal: usize,
    /// The most terminals in total.
    pub total: usize,
    /// How long one terminal's connection may live.
    pub lifetime: Duration,
    /// The most output that may be queued for one client, in bytes.
    pub queue_bytes: usize,
    /// How long a client may take no output.
    pub stall: Duration,
}

impl Default for AttachLimits {
    fn default() -> Self {
        Self {
            per_principal: limits::ATTACHES_PER_PRINCIPAL,
            total: limits::ATTACHES,
            lifetime: Duration::from_secs(limits::ATTACH_HOURS * 3600),
            queue_bytes: limits::QUEUE_BYTES,
            stall: Duration::from_secs(limits::STALL_SECONDS),
        }
    }
}

/// The session that a terminal is opened on, the client's grid, the principal who opens it, and whether that principal may type.
pub(crate) struct AttachRequest {
    pub(crate) session: SessionId,
    pub(crate) may_type: bool,
    pub(crate) grid: Grid,
    pub(crate) principal: String,
}

/// How a terminal's output ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachEnd {
    /// tmux ended the client: it was detached, or the session ended.
    Ended,
    /// The session did not exist any more: nothing was shown.
    Gone,
}

/// One tmux client on one pty: on this machine, or behind an ssh whose pty is here.
pub struct Connection {
    registered: Arc<Registered>, // before the pty: a tty that is free again may be another's
    /// The process id of the sudo between the terminal and tmux, on its host; `None` if there is none.
    sudo: Option<u32>,
    pty: Pty,
    /// Given back once the terminal has closed.
    channel: Option<ChannelPermit>,
    mark: Vec<u8>,
    /// The first output, as long as it can be tmux's message that the session is gone.
    early: Option<Vec<u8>>,
    /// Output that came with the terminal's announcement.
    ahead: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(host: &Host, transport: &Transport, user: &User, what: &AttachRequest, register: &Arc<Register>) -> Result<Self, ActionError> {
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
                let spawn = if user.through_sudo { Pty::spawn_held } else { Pty::spawn };
                let pty = spawn(&argv::local(user, &call), what.grid).map_err(|e| ActionError::Here(e.to_string()))?;
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

/// A terminal on another machine that has announced itself.
struct RemoteTty {
    /// The process that becomes tmux or sudo, by its id on its host.
    pid: Option<u32>,
    /// The terminal's path on its host.
    tty: String,
    ahead: Vec<u8>,
}

async fn remote(link: &Arc<SshLink>, user: &User, call: &Call, grid: Grid) -> Result<(Pty, ChannelPermit, RemoteTty), ActionError> {
    let host = link.host();
    let script_of = |start: &str| Script::announced(start, &Script::command(&argv::tmux_words(user, call)));
    loop {
        let channel = link.acquire_channel().await.map_err(ActionError::Host)?;
        let start = sentinel();
        let argv = argv::terminal(host, link.ssh(), link.config(), channel.overruled(), &channel.control().to_string_lossy(), &script_of(&start));
        let fifo = link.fresh_path('o');
        let pty = Pty::spawn_through(argv, &fifo, grid).map_err(|e| ActionError::Here(e.to_string()));
        let announced = match &pty {
            Ok(pty) => timeout(Duration::from_secs(limits::TERMINAL_SECONDS_MAX), announcement(pty, &start)).await,
            Err(_) => Ok(Err(String::new())),
        };
        let _ = std::fs::remove_file(&fifo);
        let mut pty = pty?;
        match announced {
            Ok(Ok(remote)) => {
                let held = if user.through_sudo { pty.hold() } else { Ok(()) };
                // It is heard: tmux may begin. A new terminal has room for one byte.
                held.and_then(|()| pty.write(b"\n")).map_err(|e| ActionError::Here(e.to_string()))?;
                return Ok((pty, channel, remote));
            }
            Ok(Err(said)) if ChannelPermit::is_refusal(&said) => {
                if !channel.lower_limit() {
                    return Err(ActionError::Host(Fault::too_few_sessions(host)));
                }
            }
            Ok(Err(said)) => return Err(ActionError::Host(of_ssh(host, &said, link.config(), None))),
            Err(_) => return Err(ActionError::Host(Fault::timed_out(host))),
        }
    }
}

/// Reads until the terminal has announced its path, and drops what a login shell printed before. On failure returns the last words.
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
    /// Given back once the terminal has closed.
    slot: Option<Slot>,
    _report: Report,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.channel.take().into_iter().for_each(|channel| self.pty.keep(channel));
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.slot.take().into_iter().for_each(|slot| self.connection.pty.keep(slot));
    }
}

impl Attachment {
    pub(crate) fn new(connection: Connection, what: AttachRequest, slot: Slot, lifetime: Duration, report: Report) -> Self {
        Self { connection, may_type: what.may_type, grid: what.grid, deadline: Instant::now() + lifetime, slot: Some(slot), _report: report }
    }

    /// Replaces the connection by a fresh one and closes the old one.
    pub fn go_on_with(&mut self, fresh: Connection) {
        self.connection = fresh;
        self.connection.pty.resize(self.grid);
    }

    /// The tty in tmux's list of clients.
    pub(crate) fn tty(&self) -> &str {
        self.connection.registered.tty()
    }

    /// When [`Attachment::tty`] became known to be the one that tmux lists; `None` while it is not.
    pub(crate) fn settled(&self) -> Option<Instant> {
        self.connection.registered.settled()
    }

    pub(crate) fn may_type(&self) -> bool {
        self.may_type
    }

    /// When the connection's lifetime is over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits until there may be output, or until the output has ended.
    pub async fn readable(&self) {
        if self.connection.ahead.is_empty() {
            self.connection.pty.readable().await;
        }
    }

    /// Appends the output that is available, up to about `max` bytes in all (the kernel returns at most 4 KiB at a time). False if all available output
    /// was read.
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

    /// True if the output so far can still turn out to be tmux's message that the session is gone.
    pub fn undecided(&self) -> bool {
        self.connection.early.as_deref().is_some_and(|early| !early.iter().copied().any(pty::is_drawing))
    }

    /// Waits until typed bytes may be written.
    pub async fn writable(&self) {
        if self.may_type {
            self.connection.pty.writable().await;
        }
    }

    /// Writes some of the typed bytes and returns how many. A watcher's bytes are dropped here, before the pty.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.may_type { self.connection.pty.write(bytes) } else { Ok(bytes.len()) }
    }

    /// The terminal's size.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// True if the connection to the host ended and not tmux. Call it after the output has ended.
    pub async fn is_lost(&mut self) -> bool {
        // ssh's own exit code; tmux has none of that number.
        self.connection.channel.is_some() && self.connection.pty.exit_code().await == Some(255)
    }

    /// Gives the terminal the size that its client asks for. A watcher's terminal keeps its size.
    pub fn resize(&mut self, grid: Grid) {
        if self.may_type {
            self.fit(grid);
        }
    }

    /// Gives a watcher's terminal the session's current size. True if the size changed.
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
    /// The process id of the sudo between the terminal and tmux, with the entry to settle when sudo's pty is known; `None` without sudo.
    pub(crate) fn behind_sudo(&self) -> Option<(u32, Weak<Registered>)> {
        self.sudo.map(|pid| (pid, Arc::downgrade(&self.registered)))
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.pty.note_output(bytes);
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
