//! What changes something on a host: rename, end a session (and make one: create.rs). Each takes a permit, is one call of tmux that compares before it acts, and is
//! one event of the audit.

use crate::error::ActionError;
use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use crate::report::Report;
use crate::transport::Purpose;
use muxboard_core::audit::{AuditEvent, CommandTrace};
use muxboard_core::confirm::Confirmed;
use muxboard_core::hex;
use muxboard_core::inventory::User;
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Dismiss, Kill, Operation, Permit, Rename};
use muxboard_core::snapshot::{Kept, SessionId};
use muxboard_core::tmux::{self, CLEARED, Call};
use sha2::{Digest, Sha256};
use std::sync::Arc;

impl Fleet {
    /// Makes one call of tmux that acts. Returns what it printed.
    pub(crate) async fn act(&self, entry: &HostEntry, user: &User, call: &Call) -> Result<String, ActionError> {
        let (exit, words) = entry.transport.call(&entry.host, user, call, Purpose::Act).await.map_err(ActionError::Host)?;
        match outcome::acted(&entry.host, user, exit, &words) {
            Acted::Done => Ok(words),
            Acted::Gone => Err(ActionError::Gone),
            Acted::NameTaken => Err(ActionError::NameTaken),
            Acted::User(state) => Err(ActionError::User(state)),
        }
    }

    /// Ends the session whose name was typed to confirm it, and returns its windows that stay open in other sessions.
    ///
    /// ```
    /// # use muxboard_core::{confirm::Confirmed, policy::{Kill, Permit}};
    /// # use std::sync::Arc;
    /// async fn end(fleet: Arc<muxboard_fleet::Fleet>, confirmed: Confirmed<Kill>) {
    ///     let _ = fleet.kill(confirmed).await;
    /// }
    /// ```
    /// A permit alone does not compile:
    /// ```compile_fail,E0308
    /// # use muxboard_core::{confirm::Confirmed, policy::{Kill, Permit}};
    /// # use std::sync::Arc;
    /// async fn end(fleet: Arc<muxboard_fleet::Fleet>, permit: Permit<Kill>) {
    ///     let _ = fleet.kill(permit).await;
    /// }
    /// ```
    ///
    /// # Errors
    /// When the session was not ended, or it is not known whether it was.
    pub async fn kill(self: &Arc<Self>, confirmed: Confirmed<Kill>) -> Result<Kept, ActionError> {
        let permit = confirmed.into_permit();
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
    pub async fn rename(self: &Arc<Self>, permit: Permit<Rename>) -> Result<(), ActionError> {
        let call = tmux::rename(permit.operation().session, &permit.operation().name);
        self.to_the_end(async move |fleet| fleet.on_session(permit, call).await).await
    }

    /// Takes it that nobody is needed for what the permitted session has needed somebody for. tmux puts its flags down, so that the next bell is seen.
    ///
    /// # Errors
    /// When the session is gone, or cannot be asked.
    pub async fn dismiss(self: &Arc<Self>, permit: Permit<Dismiss>) -> Result<(), ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let (session, until) = (permit.operation().session, permit.operation().until);
        let call = tmux::clear_alerts(session, &lock(&entry.sweeper).flags(&user.name, session));
        self.to_the_end(async move |fleet| {
            let meant = (entry.clone(), user.name.clone());
            let dismissed = move |words: &str| {
                let cleared = words.lines().any(|line| line == CLEARED);
                lock(&meant.0.sweeper).windows(&meant.1, |asked, sessions| asked.dismiss(sessions, session, until, cleared));
            };
            fleet.on_session_then(permit, call, dismissed).await
        })
        .await
    }

    /// Runs an action to its end, also when the caller goes away: what was begun is done, and is in the audit.
    pub(crate) async fn to_the_end<T, F>(self: &Arc<Self>, does: impl FnOnce(Arc<Self>) -> F) -> Result<T, ActionError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ActionError>> + Send + 'static,
    {
        tokio::spawn(does(self.clone())).await.unwrap_or_else(|_| Err(ActionError::Here("muxboard is ending".into())))
    }

    async fn on_session<O: Operation>(self: Arc<Self>, permit: Permit<O>, call: Call) -> Result<(), ActionError> {
        self.on_session_then(permit, call, |_| ()).await
    }

    /// Calls tmux for a session; if that succeeded, does `then` with what it printed before the user is asked again.
    async fn on_session_then<O: Operation>(self: Arc<Self>, permit: Permit<O>, call: Call, then: impl FnOnce(&str) + Send) -> Result<(), ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let reported = self.reports(&permit);
        let turn = entry.acquire_user_slot(&user.name).await;
        let result = match &turn {
            Ok(_) => self.act(&entry, &user, &call).await,
            Err(busy) => Err(busy.clone()),
        };
        reported.end(None, &result);
        if let Ok(words) = &result {
            then(words);
        }
        if turn.is_ok() {
            // After a failure too: the page was wrong about something.
            self.refresh_user(&entry, &user).await;
        }
        result.map(|_| ())
    }

    pub(crate) fn report<O: Operation, T>(&self, permit: &Permit<O>, session: Option<SessionId>, result: &Result<T, ActionError>) {
        self.reports(permit).end(session, result);
    }

    pub(crate) fn reports<O: Operation>(&self, permit: &Permit<O>) -> Report {
        let command = permit.operation().command().map(|command| {
            let command = command.as_str();
            CommandTrace { bytes: command.len(), sha256: hex::encode(&Sha256::digest(command)) }
        });
        // What muxboard's own end cuts off may be done.
        Report { audit: self.settings.audit.clone(), event: AuditEvent { command, ..AuditEvent::of(permit, None, "not known") } }
    }
}
