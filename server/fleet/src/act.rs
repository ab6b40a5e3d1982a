//! What changes something on a host: make, rename, end a session. Each takes a permit, is one call of tmux that compares before it acts, and is
//! one event of the audit.

use crate::cell::HostCell;
use crate::exec::Bounds;
use crate::transport::Purpose;
use crate::{Failed, Fleet};
use muxboard_core::audit::{AuditEvent, CommandTrace};
use muxboard_core::inventory::User;
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Create, Kill, Operation, Permit, Rename};
use muxboard_core::shell::Script;
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux::{self, Call, format};
use sha2::{Digest, Sha256};
use std::time::Duration;

impl Fleet {
    async fn act(&self, cell: &HostCell, user: &User, call: &Call) -> Result<(), Failed> {
        let (exit, words) = cell.transport.call(&cell.host, user, call, Purpose::Act).await.map_err(Failed::Host)?;
        match outcome::acted(&cell.host, user, exit, &words) {
            Acted::Done => Ok(()),
            Acted::Gone => Err(Failed::Gone),
            Acted::NameTaken => Err(Failed::NameTaken),
            Acted::User(state) => Err(Failed::User(state)),
        }
    }

    /// Ends the permitted session.
    ///
    /// # Errors
    /// Nothing was touched unless this is `Ok`.
    pub async fn kill(&self, permit: Permit<Kill>) -> Result<(), Failed> {
        self.on_session(&permit, &tmux::kill(permit.operation().session)).await
    }

    /// Renames the permitted session.
    ///
    /// # Errors
    /// Nothing was touched unless this is `Ok`.
    pub async fn rename(&self, permit: Permit<Rename>) -> Result<(), Failed> {
        self.on_session(&permit, &tmux::rename(permit.operation().session, &permit.operation().name)).await
    }

    async fn on_session<O: Operation>(&self, permit: &Permit<O>, call: &Call) -> Result<(), Failed> {
        let (cell, user) = self.at(permit.place())?;
        let result = self.act(&cell, &user, call).await;
        self.report(permit, None, &result);
        // After a failure too: the page was wrong about something.
        self.glance(&cell, &user).await;
        result
    }

    /// Makes the permitted session and says which it is.
    ///
    /// # Errors
    /// No session was made unless this is `Ok`.
    pub async fn create(&self, permit: Permit<Create>) -> Result<SessionId, Failed> {
        let (cell, user) = self.at(permit.place())?;
        let made = self.make(&cell, &user, permit.operation()).await;
        self.glance(&cell, &user).await;
        let result = match made {
            // If the look itself failed we know no better than tmux's own word.
            Ok(id) if self.known(permit.place(), id) != Some(false) => Ok(id),
            Ok(_) => Err(Failed::EndedAtOnce),
            Err(failed) => Err(failed),
        };
        self.report(&permit, result.as_ref().ok().copied(), &result);
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
        let (exit, text) = cell.transport.call(&cell.host, user, &call, Purpose::Act).await.map_err(Failed::Host)?;
        let made = if exit == Some(0) { text.lines().find_map(format::created) } else { None };
        let Some(id) = made else {
            return Err(match outcome::acted(&cell.host, user, exit, &text) {
                Acted::NameTaken => Failed::NameTaken,
                Acted::User(state) => Failed::User(state),
                Acted::Done | Acted::Gone => Failed::EndedAtOnce,
            });
        };
        if let Some(command) = &wanted.command {
            self.act(cell, user, &tmux::start(id, command)).await.map_err(|failed| if failed == Failed::Gone { Failed::EndedAtOnce } else { failed })?;
        }
        Ok(id)
    }

    pub(crate) fn report<O: Operation, T>(&self, permit: &Permit<O>, session: Option<SessionId>, result: &Result<T, Failed>) {
        let word = result.as_ref().map_or_else(Failed::word, |_| "done");
        let command = permit.operation().command().map(|command| {
            let command = command.as_str();
            CommandTrace { bytes: command.len(), sha256: Sha256::digest(command).iter().map(|b| format!("{b:02x}")).collect() }
        });
        (self.settings.audit)(AuditEvent { command, ..AuditEvent::of(permit, session, word) });
    }
}
