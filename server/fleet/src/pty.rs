//! A process on a pty, read and written through its descriptor. One of the three places where processes start.
//!
//! portable-pty opens and spawns. Its own reader and writer are not used: dropping its writer types Enter and ^D into the terminal, which
//! runs what a person has half typed.

use crate::environment;
use muxboard_core::argv::{self, Argv};
use muxboard_core::limits::{HANGUP_MS, PTY_READ_BYTES};
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

/// A process and its terminal. Dropping it hangs up, then kills, always reaps.
pub(crate) struct Pty {
    tty: String,
    fd: AsyncFd<OwnedFd>,
    /// Where the output comes from, if that is not the terminal.
    output: Option<AsyncFd<OwnedFd>>,
    /// The same descriptor again, only while input waits to be taken: otherwise every key that tmux reads would wake us, to say that another
    /// could be written.
    full: Option<AsyncFd<OwnedFd>>,
    process: Option<PtyProcess>,
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
        let pair = native_pty_system().openpty(size(grid)).map_err(io::Error::other)?;
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
            let raw = pair.master.as_raw_fd().ok_or_else(|| io::Error::other("the terminal has no descriptor"))?;
            #[expect(unsafe_code, reason = "portable-pty gives only the number of a descriptor that it keeps open; it is duplicated while the owner lives")]
            let fd = unsafe { BorrowedFd::borrow_raw(raw) }.try_clone_to_owned()?;
            fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
            let tty = pair.master.tty_name().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            // The duplicate is all we need of the master.
            Ok((group, ended, tty, register(fd, Interest::READABLE)?))
        };
        match parts() {
            Ok((group, ended, tty, fd)) => Ok(Self { tty, fd, output: None, full: None, process: Some(PtyProcess { child, group, ended }) }),
            Err(error) => {
                // Out of descriptors: the process must not stay behind.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The same, with its output through a FIFO, which is made at this path and taken away by the caller.
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

    /// What was said on the terminal itself, where the output goes elsewhere.
    pub(crate) fn complaints(&self) -> String {
        let mut said = [0; PTY_READ_BYTES];
        let read = rustix::io::read(self.fd.get_ref(), &mut said).unwrap_or(0);
        String::from_utf8_lossy(said.get(..read).unwrap_or(&[])).into_owned()
    }

    /// The name of its terminal (`/dev/pts/3`).
    pub(crate) fn tty(&self) -> &str {
        &self.tty
    }

    /// The process that was started on it.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref()?.child.process_id()
    }

    /// Waits until there may be output, or the end.
    pub(crate) async fn readable(&self) {
        // An error is found by the read that follows.
        let _ = self.output.as_ref().unwrap_or(&self.fd).readable().await.map(|mut guard| guard.retain_ready());
    }

    /// Appends what is there now, and says how much: `None` if nothing is, zero at the end.
    pub(crate) fn read(&self, into: &mut Vec<u8>) -> Option<usize> {
        into.reserve(PTY_READ_BYTES);
        match self.output.as_ref().unwrap_or(&self.fd).try_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, spare_capacity(into))?)) {
            Ok(read) => Some(read),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
            // EIO: what a pty says when its last process is gone.
            Err(_) => Some(0),
        }
    }

    /// Waits until input may be written, if it could not before.
    pub(crate) async fn writable(&self) {
        if let Some(full) = &self.full {
            let _ = full.writable().await.map(|mut guard| guard.retain_ready());
        }
    }

    /// Writes what can be written now and says how much.
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

    /// Waits a moment for the process to end, after its output has, and says how; a signal is 255, as ssh's own failures are.
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
    /// SIGHUP, a moment, SIGKILL, and its status is collected. A client started by sudo is root's and deaf to our signals; the kernel hangs
    /// it up when the terminal closes, which has happened before.
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
        if let (Some(process), Ok(runtime)) = (self.process.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(process.end());
        }
    }
}
