//! One long-lived `sh -s` on a host, over a connection that is there. Nothing but scripts that we built is ever written to it, a line a job, each
//! with an empty input of its own: sh reads ahead, and data sent after a script would run as commands. A fresh mark closes each answer.

use super::exchange::Answer;
use super::master::{Master, Pipes};
use crate::exec::Bounds;
use crate::random::sentinel;
use muxboard_core::limits::{MARK_BYTES, NOISE_BYTES_MAX, QUIET_JOBS_MIN, SHELL_SECONDS_MAX};
use muxboard_core::shell::Script;
use openssh::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// A long-lived `sh -s` on a host.
pub(super) struct Shell {
    /// The ssh session of the shell; `None` for the shell that the connection runs itself.
    child: Option<Child<Arc<openssh::Session>>>,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    output: Box<dyn AsyncRead + Send + Unpin>,
    /// The generation of the connection that the shell is on.
    pub(super) generation: u64,
    /// Bytes that other processes printed before or during the last job; for a fresh shell, those of its login shell.
    pub(super) noise: usize,
    /// How many jobs in turn ended without noise. Below [`QUIET_JOBS_MIN`] a job is guarded.
    quiet_jobs: u32,
}

/// Why a shell could not be opened.
#[derive(Debug)]
pub(super) enum ShellError {
    /// sshd does not open another session on this connection.
    Refused,
    /// sshd opened a session, and the shell does not answer.
    Silent,
}

/// How a job ended.
pub(super) enum JobOutcome {
    /// The job ran to its end.
    Ended(Answer),
    /// The job did not end in time; the shell is of no use any more.
    TimedOut,
    /// The shell was gone before the job reached it.
    NotStarted,
    /// The shell ended while the job ran.
    Broken,
}

impl Shell {
    /// The shell that a connection runs itself.
    pub(super) fn first(pipes: Pipes, generation: u64) -> Self {
        Self {
            child: None,
            input: Box::new(pipes.input),
            output: Box::new(pipes.output),
            generation,
            noise: pipes.noise,
            quiet_jobs: if pipes.noise == 0 { QUIET_JOBS_MIN } else { 0 },
        }
    }

    /// True if the connection ends with this shell.
    pub(super) fn is_first(&self) -> bool {
        self.child.is_none()
    }

    pub(super) async fn open(master: &Master, generation: u64) -> Result<Self, ShellError> {
        let begun = async {
            let mut command = master.session().arc_raw_command("exec sh -s");
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = command.spawn().await.map_err(|_| ShellError::Refused)?;
            let (Some(input), Some(output)) = (child.stdin().take(), child.stdout().take()) else { return Err(ShellError::Silent) };
            let mut shell = Self { child: Some(child), input: Box::new(input), output: Box::new(output), generation, noise: 0, quiet_jobs: QUIET_JOBS_MIN };
            // The first answer is preceded by whatever the login shell had to say.
            match shell.job(&Script::command(&["true"]), NOISE_BYTES_MAX).await {
                JobOutcome::Ended(Answer { exit: 0, .. }) => Ok(shell),
                _ => Err(ShellError::Silent),
            }
        };
        timeout(Duration::from_secs(SHELL_SECONDS_MAX), begun).await.unwrap_or(Err(ShellError::Silent))
    }

    /// True if sshd opens a second session on a connection that was just made (`MaxSessions`), whatever the login shell does with it.
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
        let guarded = self.quiet_jobs < QUIET_JOBS_MIN;
        let job = if guarded { script.guarded_job(&sentinel) } else { script.job(&sentinel) };
        if self.input.write_all(format!("{job}\n").as_bytes()).await.is_err() {
            return JobOutcome::NotStarted;
        }
        let mut answer = JobReader::new(&sentinel, guarded, bytes_max);
        let mut fresh: Vec<u8> = Vec::with_capacity(4096);
        loop {
            fresh.clear();
            if self.output.read_buf(&mut fresh).await.unwrap_or(0) == 0 {
                return JobOutcome::Broken;
            }
            if let Some(exit) = answer.take(&fresh) {
                self.noise = answer.noise;
                self.quiet_jobs = if answer.noise == 0 { self.quiet_jobs.saturating_add(1) } else { 0 };
                return JobOutcome::Ended(Answer { exit, output: answer.text, mark: sentinel });
            }
        }
    }
}

/// Reads the answer to one job from what a shell prints, and tells it from what others print there.
struct JobReader {
    begins: Vec<u8>,
    done: Vec<u8>,
    /// Begins each line of a guarded job.
    line: Option<Vec<u8>>,
    /// The part of a guarded line that has come so far.
    partial: Vec<u8>,
    has_begun: bool,
    searched: usize,
    text: Vec<u8>,
    bytes_max: usize,
    /// Bytes that did not belong to the job.
    noise: usize,
}

impl JobReader {
    fn new(mark: &str, guarded: bool, bytes_max: usize) -> Self {
        let [begins, done] = [Script::job_begins(mark), Script::job_done(mark)].map(String::into_bytes);
        let line = guarded.then(|| format!("{mark}:").into_bytes());
        Self { begins, done, line, partial: Vec::new(), has_begun: false, searched: 0, text: Vec::new(), bytes_max, noise: 0 }
    }

    /// Takes more output. Returns the job's exit code once it has ended.
    fn take(&mut self, bytes: &[u8]) -> Option<i32> {
        match self.line.clone() {
            None => self.text.extend_from_slice(bytes),
            Some(mark) => self.take_lines(&mark, bytes),
        }
        if !self.has_begun {
            let at = find(&self.text, &self.begins);
            let drop = at.unwrap_or_else(|| self.text.len().saturating_sub(self.begins.len() - 1));
            self.noise += drop;
            self.text.drain(..at.map_or(drop, |at| at + self.begins.len()));
            self.has_begun = at.is_some();
        }
        if self.has_begun { self.end() } else { None }
    }

    /// Takes the text after the mark of each line; all else is noise.
    fn take_lines(&mut self, mark: &[u8], bytes: &[u8]) {
        // No line ends in what came before.
        let mut searched = self.partial.len();
        self.partial.extend_from_slice(bytes);
        let mut begin = 0;
        while let Some(length) = self.partial.get(searched..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
            searched += length + 1;
            let line = self.partial.get(begin..searched).unwrap_or(&[]);
            match find(line, mark) {
                Some(at) => {
                    self.noise += at;
                    self.text.extend_from_slice(line.get(at + mark.len()..).unwrap_or(&[]));
                }
                None => self.noise += line.len(),
            }
            begin = searched;
        }
        self.partial.drain(..begin);
        // Keeps an unfinished line from its mark on, or its last bytes, which may begin a mark.
        let from = find(&self.partial, mark).unwrap_or_else(|| self.partial.len().saturating_sub(mark.len() - 1));
        self.noise += from;
        self.partial.drain(..from);
        self.partial.truncate(mark.len() + self.bytes_max + MARK_BYTES);
    }

    fn end(&mut self) -> Option<i32> {
        let found = find(self.text.get(self.searched..).unwrap_or(&[]), &self.done).map(|at| self.searched + at);
        let Some(at) = found else {
            if self.text.len() > self.bytes_max + MARK_BYTES {
                // Beyond the limit only the end is searched for; other bytes are dropped.
                self.text.drain(self.bytes_max..self.text.len() - MARK_BYTES);
            }
            self.searched = self.text.len().saturating_sub(self.done.len());
            return None;
        };
        let code = self.text.get(at + self.done.len()..).unwrap_or(&[]);
        let end = code.iter().position(|b| *b == b'\n')?;
        let exit = code.get(..end).and_then(|digits| std::str::from_utf8(digits).ok()?.trim().parse().ok()).unwrap_or(-1);
        self.text.truncate(at.min(self.bytes_max));
        Some(exit)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::spawn_shell;
    use tokio::process::Child as Process;

    /// A shell as a host runs it for us, with what its login shell leaves behind.
    async fn shell(start_file: &str) -> (Process, Shell) {
        let (process, input, output) = spawn_shell(&format!("{start_file}\nexec sh -s"));
        let mut shell = Shell { child: None, input: Box::new(input), output: Box::new(output), generation: 0, noise: 0, quiet_jobs: 0 };
        shell.run(&Script::command(&["true"]), BOUNDS).await;
        (process, shell)
    }

    const BOUNDS: Bounds = Bounds { time: Duration::from_secs(30), bytes: 1 << 20 };

    #[tokio::test]
    async fn a_writer_that_the_login_shell_left_behind_is_in_no_answer() {
        let writer = "(while :; do echo 'noise noise'; printf 'no newline'; done) &";
        let (_process, mut shell) = shell(writer).await;
        let lines: String = (0..300).map(|line| format!("row {line} of the answer\n")).collect();
        let script = Script::command(&["printf", "%s", &lines]);
        let mut is_noisy = false;
        // On a busy machine the writer gets no turn for many jobs.
        for job in 0..3000 {
            if job >= 30 && is_noisy {
                break;
            }
            match shell.run(&script, BOUNDS).await {
                JobOutcome::Ended(answer) => {
                    let text = String::from_utf8_lossy(&answer.output).into_owned();
                    assert!(answer.exit == 0 && text == lines, "job {job}: {} of {} bytes", text.len(), lines.len());
                }
                _ => panic!("job {job} has no answer"),
            }
            is_noisy |= shell.noise > 0;
        }
        assert!(is_noisy);
    }

    #[tokio::test]
    async fn a_shell_that_nobody_else_writes_into_is_guarded_no_longer_and_answers_alike() {
        let (_process, mut shell) = shell("echo welcome").await;
        let script = Script::command(&["printf", "%s", "a\\b \u{fe} 'c'\n  d\n\n"]);
        let mut answers = Vec::new();
        for _ in 0..QUIET_JOBS_MIN + 2 {
            let JobOutcome::Ended(answer) = shell.run(&script, BOUNDS).await else { panic!("no answer") };
            answers.push((answer.exit, answer.output));
        }
        assert!(shell.quiet_jobs >= QUIET_JOBS_MIN && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0], (0, "a\\b \u{fe} 'c'\n  d\n\n".as_bytes().to_vec()));
    }

    #[tokio::test]
    async fn a_job_whose_process_stays_behind_ends_all_the_same() {
        let (_process, mut shell) = shell("echo welcome").await;
        let script = Script::command(&["sh", "-c", "sleep 1000 & echo $!; exit 3"]);
        let JobOutcome::Ended(answer) = shell.run(&script, BOUNDS).await else { panic!("no answer") };
        assert_eq!(answer.exit, 3);
        shell.run(&Script::command(&["kill", String::from_utf8_lossy(&answer.output).trim()]), BOUNDS).await;
    }

    #[test]
    fn an_answer_that_is_too_long_is_cut_and_its_end_is_found() {
        for guarded in [false, true] {
            let mut reader = JobReader::new("M", guarded, 10);
            let prefix = if guarded { "M:" } else { "" };
            let long = format!("noise{prefix}\n{prefix}M begins\n{prefix}{}\n{prefix}M done 7\n", "x".repeat(500));
            let exits: Vec<i32> = long.as_bytes().chunks(7).filter_map(|piece| reader.take(piece)).collect();
            assert_eq!((exits, reader.text.len(), reader.noise), (vec![7], 10, 5));
        }
    }
}
