//! A process on a pty, read and written through its descriptor. One of the three places where processes start.
//!
//! portable-pty opens and spawns. Its own reader and writer are not used: dropping its writer types Enter and ^D into the terminal, which
//! runs what a person has half typed.

use crate::environment;
use crate::exec::{self, Holder};
use muxboard_core::argv::{self, Argv};
use muxboard_core::limits::{HANGUP_MS, HOLD_SECONDS_MAX, PTY_READ_BYTES};
use muxboard_core::wire::Grid;
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, mknodat, open};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use rustix::termios::{Winsize, tcsetwinsize};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

/// A process and its terminal. Dropping it sends SIGHUP, then SIGKILL, and always reaps.
pub(crate) struct Pty {
    tty: String,
    fd: AsyncFd<OwnedFd>,
    /// Where the output comes from, if it does not come from the terminal.
    output: Option<AsyncFd<OwnedFd>>,
    /// A second descriptor of the terminal, only while input waits to be taken: otherwise every key that tmux reads would wake us for nothing.
    full: Option<AsyncFd<OwnedFd>>,
    process: Option<PtyProcess>,
    /// Holds the terminal open, beyond our own end too, until its program has begun: see [`Pty::hold`].
    holder: Option<Holder>,
    /// Dropped once the terminal has closed.
    guards: Vec<Box<dyn Send + Sync>>,
}

struct PtyProcess {
    child: Box<dyn Child + Send + Sync>,
    group: Pid,
    /// Readable once the process has ended.
    ended: AsyncFd<OwnedFd>,
}

fn size(grid: Grid) -> PtySize {
    PtySize { rows: grid.rows(), cols: grid.columns(), pixel_width: 0, pixel_height: 0 }
}

fn register(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "the OwnedFd keeps the descriptor open for as long as it is registered")]
    Ok(unsafe { AsyncFd::register_with_interest(fd, interest) }?)
}

impl Pty {
    /// Starts a process on a new terminal of that size.
    ///
    /// # Errors
    /// When no terminal is to be had or the program cannot be started.
    pub(crate) fn spawn(argv: &Argv, grid: Grid) -> io::Result<Self> {
        Self::start(argv, grid, false)
    }

    /// Starts a process on a new terminal that is held open as by [`Pty::hold`].
    ///
    /// # Errors
    /// When no terminal is to be had or a process cannot be started.
    pub(crate) fn spawn_held(argv: &Argv, grid: Grid) -> io::Result<Self> {
        Self::start(argv, grid, true)
    }

    fn start(argv: &Argv, grid: Grid, held: bool) -> io::Result<Self> {
        let pair = native_pty_system().openpty(size(grid)).map_err(io::Error::other)?;
        let raw = pair.master.as_raw_fd().ok_or_else(|| io::Error::other("the terminal has no descriptor"))?;
        #[expect(unsafe_code, reason = "portable-pty gives only the number of a descriptor that it keeps open; it is duplicated while the owner lives")]
        let fd = unsafe { BorrowedFd::borrow_raw(raw) }.try_clone_to_owned()?;
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        let holder = held.then(|| exec::hold(fd.try_clone()?, None)).transpose()?;
        #[expect(clippy::disallowed_methods, reason = "one of the three places where processes start; its copy of our environment is cleared at once")]
        let mut command = CommandBuilder::new(argv.program());
        command.env_clear();
        command.args(argv.arguments());
        command.cwd("/");
        for (name, value) in environment::allowed() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let mut child = pair.slave.spawn_command(command).map_err(io::Error::other)?;
        drop(pair.slave); // else its end is never seen
        let parts = || {
            let group =
                child.process_id().and_then(|p| i32::try_from(p).ok()).and_then(Pid::from_raw).ok_or_else(|| io::Error::other("the process has no id"))?;
            let ended = register(pidfd_open(group, PidfdFlags::empty())?, Interest::READABLE)?;
            let tty = pair.master.tty_name().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            // The duplicate is all we need of the master.
            Ok((group, ended, tty, register(fd, Interest::READABLE)?))
        };
        match parts() {
            Ok((group, ended, tty, fd)) => {
                Ok(Self { tty, fd, output: None, full: None, process: Some(PtyProcess { child, group, ended }), holder, guards: Vec::new() })
            }
            Err(error) => {
                // Out of descriptors: the process must not stay behind.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Starts a process on a new terminal with its output through a FIFO. The FIFO is made at `fifo`; the caller removes it.
    ///
    /// # Errors
    /// When no terminal or FIFO is to be had or the program cannot be started.
    pub(crate) fn spawn_through(argv: Argv, fifo: &Path, grid: Grid) -> io::Result<Self> {
        mknodat(CWD, fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let output = open(fifo, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        // What stands in it is old when a reader comes back.
        let _ = rustix::pipe::fcntl_setpipe_size(&output, PTY_READ_BYTES);
        let mut pty = Self::spawn(&argv::into_fifo(argv, &fifo.to_string_lossy()), grid)?;
        pty.output = Some(register(output, Interest::READABLE)?);
        Ok(pty)
    }

    /// Holds the terminal open until its program has drawn, for at most [`HOLD_SECONDS_MAX`] after this is dropped or we have ended. A sudo that is hung up
    /// while it starts its command never ends (seen with 1.9.13): three processes of root's, one of which spins.
    ///
    /// # Errors
    /// When the process that holds it cannot be started.
    pub(crate) fn hold(&mut self) -> io::Result<()> {
        let output = self.output.as_ref().map(|output| output.get_ref().try_clone()).transpose()?;
        self.holder = Some(exec::hold(self.fd.get_ref().try_clone()?, output)?);
        Ok(())
    }

    /// Keeps a value until the terminal has closed, which is after the drop of one that is held.
    pub(crate) fn keep(&mut self, guard: impl Send + Sync + 'static) {
        self.guards.push(Box::new(guard));
    }

    /// Notes output of the program: once it has drawn, the terminal is held no longer.
    pub(crate) fn note_output(&mut self, bytes: &[u8]) {
        if self.holder.is_some() && bytes.iter().copied().any(is_drawing) {
            self.holder.take().into_iter().for_each(Holder::release);
        }
    }

    /// What was printed on the terminal itself, where the output goes through a FIFO.
    pub(crate) fn complaints(&self) -> String {
        let mut said = [0; PTY_READ_BYTES];
        let read = rustix::io::read(self.fd.get_ref(), &mut said).unwrap_or(0);
        String::from_utf8_lossy(said.get(..read).unwrap_or(&[])).into_owned()
    }

    /// The terminal's path (`/dev/pts/3`).
    pub(crate) fn tty(&self) -> &str {
        &self.tty
    }

    /// The id of the process on the terminal.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref()?.child.process_id()
    }

    /// Waits until there may be output, or until the output has ended.
    pub(crate) async fn readable(&self) {
        // An error is found by the read that follows.
        let _ = self.output.as_ref().unwrap_or(&self.fd).readable().await.map(|mut guard| guard.retain_ready());
    }

    /// Appends the available output and returns its length in bytes: `None` if there is none yet, zero at the end.
    pub(crate) fn read(&self, into: &mut Vec<u8>) -> Option<usize> {
        into.reserve(PTY_READ_BYTES);
        match self.output.as_ref().unwrap_or(&self.fd).try_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, spare_capacity(into))?)) {
            Ok(read) => Some(read),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
            // EIO: what a pty says when its last process is gone.
            Err(_) => Some(0),
        }
    }

    /// Waits until input may be written, if the last write was not complete.
    pub(crate) async fn writable(&self) {
        if let Some(full) = &self.full {
            let _ = full.writable().await.map(|mut guard| guard.retain_ready());
        }
    }

    /// Writes as much as the terminal takes now and returns how much, in bytes.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = |fd: &OwnedFd| Ok(rustix::io::write(fd, bytes)?);
        let result = match &self.full {
            None => write(self.fd.get_ref()),
            Some(full) => full.try_io(Interest::WRITABLE, write),
        };
        let written = match result {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            result => result?,
        };
        if written == bytes.len() {
            self.full = None;
        } else if self.full.is_none() {
            self.full = Some(register(self.fd.get_ref().try_clone()?, Interest::WRITABLE)?);
        }
        Ok(written)
    }

    /// Waits up to [`HANGUP_MS`] for the process to end and returns its exit code: 255 for a signal, as for ssh's own failures. `None` if it runs on.
    pub(crate) async fn exit_code(&mut self) -> Option<u32> {
        let process = self.process.as_mut()?;
        let _ = timeout(Duration::from_millis(HANGUP_MS), process.ended.readable()).await;
        process.child.try_wait().ok().flatten().map(|status| if status.signal().is_some() { 255 } else { status.exit_code() })
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, grid: Grid) {
        let _ = tcsetwinsize(self.fd.get_ref(), Winsize { ws_row: grid.rows(), ws_col: grid.columns(), ws_xpixel: 0, ws_ypixel: 0 });
    }
}

impl PtyProcess {
    /// Sends SIGHUP and, after [`HANGUP_MS`], SIGKILL, and collects the exit status. A client started by sudo is root's and cannot be signalled; the
    /// kernel hung it up when the terminal closed.
    async fn end(mut self) {
        let _ = kill_process_group(self.group, Signal::HUP);
        if timeout(Duration::from_millis(HANGUP_MS), self.ended.readable()).await.is_err() {
            let _ = kill_process_group(self.group, Signal::KILL);
            let _ = timeout(Duration::from_millis(HANGUP_MS), self.ended.readable()).await;
        }
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            tracing::warn!(pid = self.group.as_raw_nonzero().get(), "a terminal's process does not end");
            let _ = self.ended.readable().await;
            let _ = self.child.try_wait();
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let (Some(process), Ok(runtime)) = (self.process.take(), tokio::runtime::Handle::try_current()) else { return };
        let output = self.output.as_ref().unwrap_or(&self.fd).get_ref().try_clone();
        let held = self.holder.take().zip(output.ok());
        let guards = if held.is_some() { std::mem::take(&mut self.guards) } else { Vec::new() };
        runtime.spawn(async move {
            if let Some((holder, output)) = held {
                let _ = timeout(Duration::from_secs(HOLD_SECONDS_MAX), first_drawing(output)).await;
                holder.release();
            }
            process.end().await;
            drop(guards);
        });
    }
}

/// Waits until the program has drawn on its terminal, or until the output has ended.
async fn first_drawing(output: OwnedFd) -> io::Result<()> {
    let output = register(output, Interest::READABLE)?;
    let mut bytes = [0; PTY_READ_BYTES];
    loop {
        let mut ready = output.readable().await?;
        match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut bytes)?)) {
            Ok(Ok(0) | Err(_)) => return Ok(()),
            Ok(Ok(read)) if bytes.iter().take(read).any(|byte| is_drawing(*byte)) => return Ok(()),
            _ => {}
        }
    }
}

/// True for ESC, with which all that tmux draws begins. sudo's messages contain none.
pub(crate) fn is_drawing(byte: u8) -> bool {
    byte == 0x1b
}
