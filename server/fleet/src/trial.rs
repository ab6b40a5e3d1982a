//! The doctor's trial of a user's tmux: every verb that acts on sessions, in a throwaway server of that very tmux, and the user's shell in a terminal of that
//! server. The user's own server is not touched, and no tmux configuration of his is read.

use crate::exec::Bounds;
use crate::finding::{Findings, Verdict};
use crate::random::row_mark;
use crate::transport::{Purpose, Transport};
use muxboard_core::argv;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX, CHECK_SHELL_LOOKS, CHECK_SHELL_MS, GRACE_SECONDS, TEXT_LINES_MAX, WORDS_CHARS_MAX};
use muxboard_core::name::{BadName, NewSessionName};
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux::format::{self, Listing};
use muxboard_core::tmux::{self, Call, DONE, MISMATCH, Server};
use std::time::Duration;

const STEP: &str = "trial";

/// Tries every verb in a throwaway server: makes, lists, renames and ends a session, and asks for one that is gone and one that was replaced.
pub(crate) async fn of_verbs(record: &mut Findings<'_>, transport: &Transport, user: &User, version: &str) {
    let probe = format!("check-{}", row_mark());
    let mut trial = Trial { host: record.host, transport, user: argv::throwaway(user, &probe), server: None };
    let tried = trial.run().await;
    trial.end(user, &probe).await;
    match tried {
        Ok(None) => record.good(Some(user), STEP, "a session was made, listed, renamed and ended in a throwaway server; its shell runs in a terminal"),
        Ok(Some(ended)) => record.add(Some(user), STEP, Verdict::Bad, ended.words(user), None),
        Err(why) => record.add(Some(user), STEP, Verdict::Bad, format!("tmux {version} does not work as it must: {why}"), None),
    }
}

struct Trial<'a> {
    host: &'a Host,
    transport: &'a Transport,
    user: User,
    /// The throwaway server's process.
    server: Option<u32>,
}

/// A shell that ended as soon as a terminal was its own.
struct EndedShell {
    status: i32,
    /// What its terminal shows.
    said: String,
}

impl EndedShell {
    fn words(&self, user: &User) -> String {
        let status = if self.status < 0 { "by a signal".to_owned() } else { format!("with status {}", self.status) };
        let what = format!(
            "a new session of {} ends at once: its shell ends {status} in a terminal. Look at what it reads at its start (~/.profile, ~/.bashrc)",
            user.name
        );
        failure(&what, &self.said)
    }
}

impl Trial<'_> {
    /// Runs the trial. Returns the user's shell if that ended. The error names the first step that fails.
    async fn run(&mut self) -> Result<Option<EndedShell>, String> {
        let name = |name: &str| name.parse::<NewSessionName>().map_err(|e: BadName| e.to_string());
        let (first, second, shells) = (name("muxboard-check")?, name("muxboard-checked")?, name("muxboard-check-shell")?);
        let said = self.ask(tmux::create(&first, None, true, Server::Started).without_configuration()).await?;
        let Some(id) = tmux::made(&said).map(|made| made.id) else {
            return Err(failure("a session cannot be made", &said));
        };
        self.server = Some(id.server_pid);
        self.says(tmux::keep_ended(), DONE, "an option cannot be set").await?;
        let said = self.ask(tmux::create(&shells, None, false, Server::Running)).await?;
        let Some(shell) = tmux::made(&said).map(|made| made.id) else {
            return Err(failure("a session with a shell cannot be made", &said));
        };
        self.lists(id, &first, "a session that was just made is not listed as it is").await?;
        let gone = SessionId { number: shell.number.saturating_add(1), ..id };
        self.says(tmux::kill(gone), MISMATCH, "an action on a session that is gone is not refused").await?;
        let replaced = SessionId { created: id.created.saturating_sub(1), ..id };
        self.says(tmux::kill(replaced), MISMATCH, "an action on a session that was replaced is not refused").await?;
        self.says(tmux::leave(id), DONE, "a pane cannot be led back to its program").await?;
        self.says(tmux::rename(id, &second), DONE, "a session cannot be renamed").await?;
        self.lists(id, &second, "a renamed session is not listed by its new name").await?;
        self.says(tmux::kill(id), DONE, "a session cannot be ended").await?;
        self.ended_shell(shell).await
    }

    /// The user's shell, if it ends within a while.
    async fn ended_shell(&self, id: SessionId) -> Result<Option<EndedShell>, String> {
        for _ in 0..CHECK_SHELL_LOOKS {
            let (listing, _) = self.list().await?;
            let windows = listing.sessions.into_iter().filter(|session| session.id == id).flat_map(|session| session.windows);
            if let Some(status) = windows.filter_map(|window| window.exited).next() {
                // tmux scrolls a dead pane to say so on its last line: what it showed may be history by now.
                let said = self.ask(tmux::text(id, TEXT_LINES_MAX)).await?;
                let said = tmux::read_text(&said, TEXT_LINES_MAX).map(|read| read.text).unwrap_or_default();
                return Ok(Some(EndedShell { status, said }));
            }
            tokio::time::sleep(Duration::from_millis(CHECK_SHELL_MS)).await;
        }
        Ok(None)
    }

    async fn ask(&self, call: Call) -> Result<String, String> {
        match self.transport.call(self.host, &self.user, &call, Purpose::Act).await {
            Ok((Some(_), said)) => Ok(said),
            Ok((None, _)) => Err("it does not answer in time".into()),
            Err(fault) => Err(format!("{} {}", fault.title, fault.words)),
        }
    }

    async fn says(&self, call: Call, word: &str, what: &str) -> Result<(), String> {
        let said = self.ask(call).await?;
        if said.lines().any(|line| line == word) { Ok(()) } else { Err(failure(what, &said)) }
    }

    async fn lists(&self, id: SessionId, name: &NewSessionName, what: &str) -> Result<(), String> {
        let (listing, said) = self.list().await?;
        let there = listing.sessions.iter().any(|session| session.id == id && session.name.as_str() == name.as_str());
        if there && listing.whole { Ok(()) } else { Err(failure(what, &listing.unread.unwrap_or(said))) }
    }

    /// The sessions of the throwaway server, and what was printed, without its marks.
    async fn list(&self) -> Result<(Listing, String), String> {
        let mark = row_mark();
        let said = self.ask(format::call(&mark)).await?;
        Ok((format::parse(&said, &mark), said.replace(&mark, "|")))
    }

    /// Ends the server, whatever became of the trial, and removes its socket.
    async fn end(&self, user: &User, probe: &str) {
        let ended = self.transport.call(self.host, &self.user, &tmux::kill_server().without_configuration(), Purpose::Act).await;
        // A server that does not answer is ended by its number: it is ours, and alive.
        let stuck = if matches!(ended, Ok((Some(_), _))) { None } else { self.server };
        let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX + GRACE_SECONDS), bytes: ACTION_BYTES_MAX };
        let _ = self.transport.run(self.host, &argv::end_throwaway(user, probe, stuck), bounds, Purpose::Act).await;
    }
}

fn failure(what: &str, said: &str) -> String {
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect();
    if said.is_empty() { format!("{what}. It says nothing") } else { format!("{what}. It says: {said}") }
}
