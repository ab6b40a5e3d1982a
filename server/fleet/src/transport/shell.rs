//! One long-lived `sh -s` on a host, over a connection that is there. Nothing but scripts that we built is ever written to it, a line a job, each
//! with an empty input of its own: sh reads ahead, and data sent after a script would run as commands. A fresh mark closes each answer.

use super::exchange::Answer;
use super::master::{Master, Pipes};
use crate::exec::Bounds;
use crate::random::sentinel;
use muxboard_core::limits::{MARK_BYTES, NOISE_BYTES_MAX, SHELL_SECONDS_MAX};
use muxboard_core::shell::Script;
use openssh::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// A shell.
pub(super) struct Shell {
    /// A session of its own; none if it is the connection's first.
    child: Option<Child<Arc<openssh::Session>>>,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    output: Box<dyn AsyncRead + Send + Unpin>,
    /// Which connection it is on.
    pub(super) generation: u64,
    /// What the login shell said before it, in bytes.
    pub(super) noise: usize,
}

/// Why there is no shell.
#[derive(Debug)]
pub(super) enum ShellError {
    /// sshd does not open another session on this connection.
    Refused,
    /// It did, and says nothing.
    Silent,
}

/// How a job went.
pub(super) enum JobOutcome {
    /// To its end.
    Ended(Answer),
    /// Not in time. The shell is of no use any more.
    TimedOut,
    /// The shell was gone before, and heard nothing of it.
    NotStarted,
    /// The shell went while it ran.
    Broken,
}

impl Shell {
    /// The one that a connection runs itself.
    pub(super) fn first(pipes: Pipes, generation: u64) -> Self {
        Self { child: None, input: Box::new(pipes.input), output: Box::new(pipes.output), generation, noise: pipes.noise }
    }

    /// Whether the connection lives by it.
    pub(super) fn is_first(&self) -> bool {
        self.child.is_none()
    }

    pub(super) async fn open(master: &Master, generation: u64) -> Result<Self, ShellError> {
        let begun = async {
            let mut command = master.session().arc_raw_command("exec sh -s");
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = command.spawn().await.map_err(|_| ShellError::Refused)?;
            let (Some(input), Some(output)) = (child.stdin().take(), child.stdout().take()) else { return Err(ShellError::Silent) };
            let mut shell = Self { child: Some(child), input: Box::new(input), output: Box::new(output), generation, noise: 0 };
            // The first answer is preceded by whatever the login shell had to say.
            match shell.job(&Script::command(&["true"]), NOISE_BYTES_MAX).await {
                JobOutcome::Ended(Answer { exit: 0, output, .. }) => {
                    shell.noise = output.len();
                    Ok(shell)
                }
                _ => Err(ShellError::Silent),
            }
        };
        timeout(Duration::from_secs(SHELL_SECONDS_MAX), begun).await.unwrap_or(Err(ShellError::Silent))
    }

    /// Whether sshd opens a second session on a connection that has just been made (`MaxSessions`). What the login shell makes of it is no matter.
    pub(super) async fn has_room(master: &Master) -> bool {
        let opened = async {
            let mut command = master.session().arc_raw_command("exit 0");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let Ok(child) = command.spawn().await else { return false };
            // Until it has ended it takes the place of one that is wanted.
            let _ = child.wait().await;
            true
        };
        let opened = timeout(Duration::from_secs(SHELL_SECONDS_MAX), opened).await.unwrap_or(true);
        opened || !master.is_alive() || !master.answers().await
    }

    pub(super) async fn run(&mut self, script: &Script, bounds: Bounds) -> JobOutcome {
        timeout(bounds.time, self.job(script, bounds.bytes)).await.unwrap_or(JobOutcome::TimedOut)
    }

    async fn job(&mut self, script: &Script, bytes_max: usize) -> JobOutcome {
        let sentinel = sentinel();
        if self.input.write_all(format!("{}\n", script.job(&sentinel)).as_bytes()).await.is_err() {
            return JobOutcome::NotStarted;
        }
        let mark = format!("\n{sentinel} done ");
        let mut output: Vec<u8> = Vec::with_capacity(4096);
        let mut searched = 0;
        loop {
            if output.len() > bytes_max + MARK_BYTES {
                // Too much: its end is looked for, the rest is dropped.
                output.drain(bytes_max..output.len() - MARK_BYTES);
                searched = bytes_max;
            }
            output.reserve(4096);
            if self.output.read_buf(&mut output).await.unwrap_or(0) == 0 {
                return JobOutcome::Broken;
            }
            let fresh = output.get(searched..).unwrap_or(&[]);
            if let Some(at) = fresh.windows(mark.len()).position(|w| w == mark.as_bytes()) {
                let at = searched + at;
                let code = output.get(at + mark.len()..).unwrap_or(&[]);
                if let Some(end) = code.iter().position(|b| *b == b'\n') {
                    let exit = code.get(..end).and_then(|digits| std::str::from_utf8(digits).ok()?.trim().parse().ok()).unwrap_or(-1);
                    output.truncate(at.min(bytes_max));
                    return JobOutcome::Ended(Answer { exit, output, mark: sentinel });
                }
            } else {
                searched = output.len().saturating_sub(mark.len());
            }
        }
    }
}
