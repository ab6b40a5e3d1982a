//! What changes something on a host: make, rename, end a session. Each takes a permit, is one call of tmux that compares before it acts, and is
//! one event of the audit.

use crate::cell::HostCell;
use crate::exec::Bounds;
use crate::transport::Purpose;
use crate::{Audit, Failed, Fleet};
use muxboard_core::audit::{AuditEvent, CommandTrace};
use muxboard_core::inventory::User;
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Create, Kill, Operation, Permit, Rename};
use muxboard_core::shell::Script;
use muxboard_core::snapshot::{Kept, SessionId};
use muxboard_core::tmux::{self, Call, format};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

impl Fleet {
    pub(crate) async fn act(&self, cell: &HostCell, user: &User, call: &Call) -> Result<(), Failed> {
        let (exit, words) = cell.transport.call(&cell.host, user, call, Purpose::Act).await.map_err(Failed::Host)?;
        match outcome::acted(&cell.host, user, exit, &words) {
            Acted::Done => Ok(()),
            Acted::Gone => Err(Failed::Gone),
            Acted::NameTaken => Err(Failed::NameTaken),
            Acted::User(state) => Err(Failed::User(state)),
        }
    }

    /// Ends the permitted session, and says which of its windows stay open in other sessions.
    ///
    /// # Errors
    /// Nothing was touched unless this is `Ok`, or it is not known.
    pub async fn kill(self: &Arc<Self>, permit: Permit<Kill>) -> Result<Kept, Failed> {
        let (place, session) = (permit.place().clone(), permit.operation().session);
        let windows = self.windows(&place, session);
        let call = tmux::kill(session);
        self.to_the_end(async move |fleet| fleet.on_session(permit, call).await).await?;
        Ok(self.kept(&place, session, &windows))
    }

    /// Renames the permitted session.
    ///
    /// # Errors
    /// Nothing was touched unless this is `Ok`, or it is not known.
    pub async fn rename(self: &Arc<Self>, permit: Permit<Rename>) -> Result<(), Failed> {
        let call = tmux::rename(permit.operation().session, &permit.operation().name);
        self.to_the_end(async move |fleet| fleet.on_session(permit, call).await).await
    }

    /// Makes the permitted session and says which it is.
    ///
    /// # Errors
    /// No session was made unless this is `Ok`, or one whose startup command could not be started, or it is not known.
    pub async fn create(self: &Arc<Self>, permit: Permit<Create>) -> Result<SessionId, Failed> {
        self.to_the_end(async move |fleet| fleet.made(permit).await).await
    }

    /// Whoever asked may hang up: what was begun is done all the same, and is in the audit.
    async fn to_the_end<T, F>(self: &Arc<Self>, does: impl FnOnce(Arc<Self>) -> F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        tokio::spawn(does(self.clone())).await.unwrap_or_else(|_| Err(Failed::Here("muxboard is ending".into())))
    }

    async fn on_session<O: Operation>(self: Arc<Self>, permit: Permit<O>, call: Call) -> Result<(), Failed> {
        let (cell, user) = self.at(permit.place())?;
        let reported = self.reports(&permit);
        let turn = cell.turn_of(&user.name).await;
        let result = match &turn {
            Ok(_) => self.act(&cell, &user, &call).await,
            Err(busy) => Err(busy.clone()),
        };
        reported.end(None, &result);
        if turn.is_ok() {
            // After a failure too: the page was wrong about something.
            self.glance(&cell, &user).await;
        }
        result
    }

    async fn made(self: Arc<Self>, permit: Permit<Create>) -> Result<SessionId, Failed> {
        let (cell, user) = self.at(permit.place())?;
        let reported = self.reports(&permit);
        let turn = cell.turn_of(&user.name).await;
        let mut made = match &turn {
            Ok(_) => self.make(&cell, &user, permit.operation()).await,
            Err(busy) => Err(busy.clone()),
        };
        let id = made.as_ref().ok().copied();
        if let (Some(id), Some(command)) = (id, &permit.operation().command) {
            let started = self.act(&cell, &user, &tmux::start(id, command)).await;
            made = started.map(|()| id).map_err(|failed| if failed == Failed::Gone { Failed::EndedAtOnce } else { failed });
        }
        if turn.is_ok() {
            self.glance(&cell, &user).await;
        }
        // If the look itself failed we know no better than tmux's own word.
        let result = made.and_then(|id| if self.known(permit.place(), id) == Some(false) { Err(Failed::EndedAtOnce) } else { Ok(id) });
        // A session whose command could not be started is there all the same.
        reported.end(id.filter(|id| self.known(permit.place(), *id) != Some(false)), &result);
        result
    }

    async fn make(&self, cell: &HostCell, user: &User, wanted: &Create) -> Result<SessionId, Failed> {
        if let Some(directory) = &wanted.directory
            && !user.through_sudo
        {
            let seen_from_home = match directory.as_str() {
                "~" => ".".to_owned(),
                path => path.strip_prefix("~/").map_or_else(|| path.to_owned(), |below| format!("./{below}")),
            };
            let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX), bytes: ACTION_BYTES_MAX };
            let answer = cell.transport.run(&cell.host, &Script::is_directory(&seen_from_home), bounds, Purpose::Act).await;
            if answer.map_err(Failed::Host)?.exit != 0 {
                return Err(Failed::NoDirectory);
            }
        }
        let call = tmux::create(&wanted.name, wanted.directory.as_ref(), wanted.command.is_some());
        let mut refused = Failed::EndedAtOnce;
        // Twice: a server whose last session just ended still takes connections until its process is gone, and answers none of them.
        for _ in 0..2 {
            let (exit, text) = cell.transport.call(&cell.host, user, &call, Purpose::Act).await.map_err(Failed::Host)?;
            if exit == Some(0)
                && let Some(id) = text.lines().find_map(format::created)
            {
                return Ok(id);
            }
            refused = match outcome::acted(&cell.host, user, exit, &text) {
                Acted::NameTaken => Failed::NameTaken,
                Acted::User(state) => Failed::User(state),
                Acted::Done | Acted::Gone => Failed::EndedAtOnce,
            };
            if refused != Failed::EndedAtOnce {
                break;
            }
        }
        Err(refused)
    }

    pub(crate) fn report<O: Operation, T>(&self, permit: &Permit<O>, session: Option<SessionId>, result: &Result<T, Failed>) {
        self.reports(permit).end(session, result);
    }

    fn reports<O: Operation>(&self, permit: &Permit<O>) -> Report {
        let command = permit.operation().command().map(|command| {
            let command = command.as_str();
            CommandTrace { bytes: command.len(), sha256: Sha256::digest(command).iter().map(|b| format!("{b:02x}")).collect() }
        });
        // What muxboard's own end cuts off may be done.
        Report { audit: self.settings.audit.clone(), event: AuditEvent { command, ..AuditEvent::of(permit, None, "not known") } }
    }
}

/// What is to be said at an end: exactly one event, whichever way it comes.
pub(crate) struct Report {
    pub(crate) audit: Audit,
    pub(crate) event: AuditEvent,
}

impl Report {
    fn end<T>(mut self, session: Option<SessionId>, result: &Result<T, Failed>) {
        self.event.session = session.or(self.event.session);
        self.event.result = result.as_ref().map_or_else(Failed::word, |_| "done").into();
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        (self.audit)(std::mem::take(&mut self.event));
    }
}
