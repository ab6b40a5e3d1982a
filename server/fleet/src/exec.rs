//! Runs a process to its end: with a limit of time and of output, in a process group of its own that never outlives the call.
//! One of the three places where processes start.

use crate::environment;
use muxboard_core::argv::{self, Argv};
use muxboard_core::limits::AFTERWARDS_MS;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// The limits of one run of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How long the process may take.
    pub(crate) time: Duration,
    /// How much of its output is read, in bytes.
    pub(crate) bytes: usize,
}

/// How a run of a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended the process, ours included.
    pub(crate) exit: Option<i32>,
    /// The standard output, cut at the limit.
    pub(crate) output: Vec<u8>,
    /// True if the process did not end in time and was killed.
    pub(crate) timed_out: bool,
}

fn command(argv: &Argv, variables: &[(&str, &str)]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "one of the three places where processes start")]
    let mut command = Command::new(argv.program());
    command.args(argv.arguments()).env_clear().envs(environment::allowed()).envs(variables.iter().copied());
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true);
    command
}

/// Runs a process to its end, with these variables beside the allowed ones and with `input` as its standard input. Its standard error is discarded:
/// scripts redirect what should be read.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn run(argv: &Argv, variables: &[(&str, &str)], input: &[u8], bounds: Bounds) -> io::Result<Ended> {
    let mut child = command(argv, variables).stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() }).spawn()?;
    let group = Group::of(&child, Signal::KILL);
    let stdin = child.stdin.take();
    let Some(mut stdout) = child.stdout.take() else { return Err(io::Error::other("no pipe to the process")) };

    let deadline = Instant::now() + bounds.time;
    let mut output = Vec::new();
    let exit = {
        let mut reading = pin!(read_capped(&mut stdout, &mut output, bounds.bytes));
        let ended = async {
            tokio::select! {
                whole = &mut reading => { whole?; child.wait().await }
                exit = child.wait() => {
                    // All that it said is there, but the end of it may never come: a tmux client hands its output to its server, and one that is
                    // stopped holds it open.
                    let _ = timeout(Duration::from_millis(AFTERWARDS_MS), &mut reading).await;
                    exit
                }
            }
        };
        let feeding = async {
            if let Some(mut stdin) = stdin {
                // If it does not read, its answer says so.
                let _ = stdin.write_all(input).await;
            }
        };
        timeout_at(deadline, async { tokio::join!(ended, feeding).0 }).await.ok().transpose()?
    };
    let timed_out = exit.is_none();
    drop(group);
    let exit = match exit {
        Some(status) => status.code(),
        None => {
            // Killed just now: reap it. A process in uninterruptible sleep is left to the runtime's own reaper.
            let _ = timeout(Duration::from_millis(AFTERWARDS_MS), child.wait()).await;
            None
        }
    };
    Ok(Ended { exit, output, timed_out })
}

/// A process that reads data from a pipe and answers in lines. Dropping it closes the pipe and sends SIGHUP, so that the process can clean up.
pub(crate) struct PipedProcess {
    input: Option<ChildStdin>,
    output: BufReader<Take<ChildStdout>>,
    complaints: ChildStderr,
    _group: Group,
    child: Child,
}

/// Starts a process with pipes for its input, output and errors. At most `output_bytes_max` bytes of its output are read.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn spawn_piped(argv: &Argv, output_bytes_max: usize) -> io::Result<PipedProcess> {
    let mut child = command(argv, &[]).stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(false).spawn()?;
    let group = Group::of(&child, Signal::HUP);
    let no_pipe = || io::Error::other("no pipe to the process");
    Ok(PipedProcess {
        input: Some(child.stdin.take().ok_or_else(no_pipe)?),
        output: BufReader::new(child.stdout.take().ok_or_else(no_pipe)?.take(output_bytes_max as u64)),
        complaints: child.stderr.take().ok_or_else(no_pipe)?,
        _group: group,
        child,
    })
}

impl PipedProcess {
    /// Writes all of the data.
    ///
    /// # Errors
    /// When it does not read any more.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(input) = &mut self.input else { return Err(io::ErrorKind::BrokenPipe.into()) };
        input.write_all(bytes).await
    }

    /// Closes the process's input: the data is complete.
    pub(crate) fn end(&mut self) {
        self.input = None;
    }

    /// The next line of the output; `None` at its end. Bytes that are not UTF-8 are replaced.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.output.read_until(b'\n', &mut line).await.ok()?;
        (read > 0).then(|| String::from_utf8_lossy(&line).into_owned())
    }

    /// Closes the input and returns the process's standard error, at most `bytes_max` bytes of it.
    pub(crate) async fn complaints(mut self, bytes_max: usize) -> String {
        self.end();
        let mut said = Vec::new();
        let mut complaints = (&mut self.complaints).take(bytes_max as u64);
        let reading = complaints.read_to_end(&mut said);
        // Somebody else may hold it open for ever.
        let _ = timeout(Duration::from_millis(AFTERWARDS_MS), async { tokio::join!(reading, self.child.wait()) }).await;
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// A process that holds descriptors open. It is ended by [`Holder::release`]; else it ends [`HOLD_SECONDS_MAX`](muxboard_core::limits::HOLD_SECONDS_MAX)
/// after this value is dropped or muxboard has ended, by SIGKILL too.
pub(crate) struct Holder(Child);

/// Starts a process that holds these descriptors open.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn hold(one: OwnedFd, other: Option<OwnedFd>) -> io::Result<Holder> {
    let mut command = command(&argv::holder(), &[]);
    command.stdin(Stdio::piped()).stdout(one).stderr(other.map_or_else(Stdio::null, Stdio::from)).kill_on_drop(false);
    Ok(Holder(command.spawn()?))
}

impl Holder {
    /// Ends the process now.
    pub(crate) fn release(mut self) {
        let _ = self.0.start_kill();
    }
}

async fn read_capped(from: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>, bytes_max: usize) -> io::Result<()> {
    let mut limited = from.take(bytes_max as u64);
    limited.read_to_end(into).await?;
    // What comes after the limit is read and thrown away, so that the process ends as it would.
    tokio::io::copy(from, &mut tokio::io::sink()).await?;
    Ok(())
}

/// A process group that receives a signal when this is dropped.
struct Group(Option<Pid>, Signal);

impl Group {
    fn of(child: &Child, signal: Signal) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw), signal)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, self.1);
        }
    }
}

/// A shell that runs a script, and its pipes.
#[cfg(test)]
pub(crate) fn spawn_shell(script: &str) -> (Child, ChildStdin, ChildStdout) {
    let (argv, _) = argv::local_script(&muxboard_core::shell::Script::command(&["sh", "-c", script]));
    let mut child = command(&argv, &[]).stdin(Stdio::piped()).spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (child, input, output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use muxboard_core::shell::Script;

    fn sh(script: &str) -> Argv {
        muxboard_core::argv::local_script(&Script::command(&["sh", "-c", script])).0
    }

    fn bounds(seconds: u64, bytes: usize) -> Bounds {
        Bounds { time: Duration::from_secs(seconds), bytes }
    }

    #[tokio::test]
    async fn a_run_returns_its_output_and_exit_code() {
        let ended = run(&sh("echo a; exit 3"), &[], &[], bounds(5, 100)).await.unwrap();
        assert_eq!((ended.exit, ended.output.as_slice(), ended.timed_out), (Some(3), b"a\n".as_slice(), false));
    }

    #[tokio::test]
    async fn a_script_longer_than_one_argument_may_be_runs_all_the_same() {
        let long = "x".repeat(300_000);
        let (argv, input) = muxboard_core::argv::local_script(&Script::with_complaints(&Script::command(&["echo", &long, "it's $HOME"])));
        let ended = run(&argv, &[("M", "mark")], input.as_bytes(), bounds(5, 1_000_000)).await.unwrap();
        assert_eq!((ended.exit, ended.output), (Some(0), format!("{long} it's $HOME\n").into_bytes()));
    }

    #[tokio::test]
    async fn output_is_capped() {
        let ended = run(&sh("head -c 1000000 /dev/zero; echo end"), &[], &[], bounds(5, 10)).await.unwrap();
        assert_eq!((ended.exit, ended.output.len()), (Some(0), 10));
    }

    #[tokio::test]
    async fn a_process_that_hangs_is_killed_with_its_children() {
        let ended = run(&sh("echo $$; sleep 1000 & sleep 1000"), &[], &[], bounds(1, 100)).await.unwrap();
        assert!(ended.timed_out);
        let pid = String::from_utf8(ended.output).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let alive = || std::fs::read_to_string(&stat).is_ok_and(|s| !s.contains(") Z "));
        let gone = async {
            while alive() {
                tokio::task::yield_now().await
            }
        };
        assert!(timeout(Duration::from_secs(10), gone).await.is_ok(), "its child lives on");
    }

    #[tokio::test]
    async fn a_pipe_that_somebody_else_holds_open_does_not_make_it_time_out() {
        let ended = run(&sh("sleep 1000 & echo said"), &[], &[], bounds(5, 100)).await.unwrap();
        assert_eq!((ended.exit, ended.output.as_slice(), ended.timed_out), (Some(0), b"said\n".as_slice(), false));
    }

    #[tokio::test]
    async fn the_environment_is_rebuilt() {
        // Cargo gives its tests plenty of variables: none of them may pass.
        assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
        let ended = run(&sh("env"), &[], &[], bounds(5, 100_000)).await.unwrap();
        let text = String::from_utf8(ended.output).unwrap();
        assert!(!text.contains("CARGO") && text.contains("LANG=C.UTF-8"), "{text}");
    }
}
