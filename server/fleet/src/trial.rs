//! The doctor's trial of a user's tmux: every verb that acts on sessions, in a throwaway server of that very tmux. The user's own server is not
//! touched, and no configuration of his is read.

use crate::exec::Bounds;
use crate::finding::{Findings, Verdict};
use crate::random::row_mark;
use crate::transport::{Purpose, Transport};
use muxboard_core::argv;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX, GRACE_SECONDS, WORDS_CHARS_MAX};
use muxboard_core::name::{BadName, NewSessionName};
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux::{self, Call, DONE, MISMATCH, Server, format};
use std::time::Duration;

const STEP: &str = "trial";

/// Makes, lists, renames and ends a session, and asks for one that is gone and one that was replaced.
pub(crate) async fn of_verbs(record: &mut Findings<'_>, transport: &Transport, user: &User, version: &str) {
    let probe = format!("check-{}", row_mark());
    let mut trial = Trial { host: record.host, transport, user: argv::throwaway(user, &probe), server: None };
    let failed = trial.run().await.err();
    trial.end(user, &probe).await;
    match failed {
        None => record.good(Some(user), STEP, "a session was made, listed, renamed and ended in a throwaway server"),
        Some(why) => record.add(Some(user), STEP, Verdict::Bad, format!("tmux {version} does not work as it must: {why}"), None),
    }
}

struct Trial<'a> {
    host: &'a Host,
    transport: &'a Transport,
    user: User,
    /// The throwaway server's process.
    server: Option<u32>,
}

impl Trial<'_> {
    /// The first step that fails, in words.
    async fn run(&mut self) -> Result<(), String> {
        let word = |e: BadName| e.to_string();
        let (first, second): (NewSessionName, NewSessionName) = ("muxboard-check".parse().map_err(word)?, "muxboard-checked".parse().map_err(word)?);
        let said = self.ask(tmux::create(&first, None, true, Server::Started).without_configuration()).await?;
        let Some(id) = tmux::made(&said).map(|made| made.id) else {
            return Err(failure("a session cannot be made", &said));
        };
        self.server = Some(id.server_pid);
        self.lists(id, &first, "a session that was just made is not listed as it is").await?;
        let gone = SessionId { number: id.number.saturating_add(1), ..id };
        self.says(tmux::kill(gone), MISMATCH, "an action on a session that is gone is not refused").await?;
        let replaced = SessionId { created: id.created.saturating_sub(1), ..id };
        self.says(tmux::kill(replaced), MISMATCH, "an action on a session that was replaced is not refused").await?;
        self.says(tmux::leave(id), DONE, "a pane cannot be led back to its program").await?;
        self.says(tmux::rename(id, &second), DONE, "a session cannot be renamed").await?;
        self.lists(id, &second, "a renamed session is not listed by its new name").await?;
        self.says(tmux::kill(id), DONE, "a session cannot be ended").await
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
        let mark = row_mark();
        let said = self.ask(format::call(&mark)).await?;
        let listing = format::parse(&said, &mark);
        match listing.sessions.as_slice() {
            [only] if listing.whole && only.id == id && only.name.as_str() == name.as_str() => Ok(()),
            _ => Err(failure(what, &listing.unread.unwrap_or_else(|| said.replace(&mark, "|")))),
        }
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
