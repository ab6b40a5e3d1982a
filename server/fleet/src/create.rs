//! Making a session: a call to a server that runs, then, if none does, a call that starts one.

use crate::error::ActionError;
use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use crate::transport::Purpose;
use muxboard_core::fault::{Fault, FaultKind};
use muxboard_core::inventory::User;
use muxboard_core::name::Directory;
use muxboard_core::note::Note;
use muxboard_core::outcome::{self, Acted, Created};
use muxboard_core::policy::{Create, Permit};
use muxboard_core::snapshot::UserState;
use muxboard_core::tmux::{self, DONE, MISMATCH, Made, Server};
use std::sync::Arc;

/// The outcome of one call that makes a session.
enum CreateOutcome {
    Made(Created),
    /// No tmux server runs.
    NoServer,
    /// A session of that name exists. Holds what tmux printed before it found out.
    NameTaken(String),
}

impl Fleet {
    /// Makes the permitted session. Where the user's own configuration makes a session of that name when tmux starts, that session is returned.
    ///
    /// # Errors
    /// No session was made unless this is `Ok`, or one whose startup command could not be started, or it is not known.
    pub async fn create(self: &Arc<Self>, permit: Permit<Create>) -> Result<Created, ActionError> {
        self.to_the_end(async move |fleet| fleet.made(permit).await).await
    }

    async fn made(self: Arc<Self>, permit: Permit<Create>) -> Result<Created, ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let reported = self.reports(&permit);
        let turn = entry.acquire_user_slot(&user.name).await;
        let mut made = match &turn {
            Ok(_) => match self.creations.check(&entry, &user, &permit.principal().name) {
                Ok(()) => self.make(&entry, &user, permit.operation()).await,
                Err(reached) => Err(reached),
            },
            Err(busy) => Err(busy.clone()),
        };
        let id = made.as_ref().ok().map(|made| made.session);
        if let (Some(id), Some(command)) = (id, &permit.operation().command) {
            let started = self.act(&entry, &user, &tmux::start(id, command)).await;
            made = made.and_then(|made| started.map(|_| made).map_err(|failed| if failed == ActionError::Gone { ActionError::EndedAtOnce } else { failed }));
        }
        if let Ok(made) = &made {
            lock(&entry.sweeper).note(&user, made);
        }
        let looked = turn.is_ok() && self.refresh_user(&entry, &user).await;
        // If the look itself failed we know no better than tmux's own word.
        let is_over = |id| looked && self.session_exists(permit.place(), id) == Some(false);
        let result = made.and_then(|made| if is_over(made.session) { Err(ActionError::EndedAtOnce) } else { Ok(made) });
        // A session whose command could not be started is there all the same.
        reported.end(id.filter(|id| !is_over(*id)), &result);
        result
    }

    /// Refuses a user whose tmux was too old at the last look and still is: a session it made could not be listed.
    async fn is_new_enough(&self, entry: &HostEntry, user: &User) -> Result<(), ActionError> {
        let too_old = || {
            let host = entry.row.borrow();
            let state = host.users.iter().find(|row| row.name == user.name).map(|row| row.state.clone());
            state.filter(|state| matches!(state, UserState::Fault(fault) if fault.kind == FaultKind::TmuxTooOld))
        };
        if too_old().is_some() {
            self.refresh_user(entry, user).await;
        }
        too_old().map_or(Ok(()), |state| Err(ActionError::User(state)))
    }

    async fn make(&self, entry: &HostEntry, user: &User, wanted: &Create) -> Result<Created, ActionError> {
        self.is_new_enough(entry, user).await?;
        if let Some(directory) = &wanted.directory {
            enters(entry, user, directory).await?;
        }
        // Twice: a server whose last session just ended still takes connections until its process is gone, and answers none of them.
        for _ in 0..2 {
            match self.try_to_make(entry, user, wanted, Server::Running).await? {
                CreateOutcome::Made(created) => return Ok(created),
                CreateOutcome::NameTaken(_) => return Err(ActionError::NameTaken),
                CreateOutcome::NoServer => {}
            }
            match self.try_to_make(entry, user, wanted, Server::Started).await? {
                CreateOutcome::Made(created) => return Ok(created),
                CreateOutcome::NameTaken(said) => return self.made_by_configuration(entry, user, wanted, &said).await,
                CreateOutcome::NoServer => {}
            }
        }
        Err(ActionError::EndedAtOnce)
    }

    async fn try_to_make(&self, entry: &HostEntry, user: &User, wanted: &Create, server: Server) -> Result<CreateOutcome, ActionError> {
        let call = tmux::create(&wanted.name, wanted.directory.as_ref(), wanted.command.is_some(), server);
        let asked = match server {
            Server::Running => entry.transport.call(&entry.host, user, &call, Purpose::Act).await,
            Server::Started => entry.transport.start(&entry.host, user, &call).await,
        };
        let (exit, text) = asked.map_err(ActionError::Host)?;
        if exit == Some(0)
            && let Some(made) = tmux::made(&text)
        {
            return Ok(CreateOutcome::Made(Created { session: made.id, notes: notes(&made, server) }));
        }
        if exit.is_none() && server == Server::Started {
            return Err(ActionError::User(UserState::Fault(Fault::not_made_while_loading(user))));
        }
        match outcome::acted(&entry.host, user, exit, &text) {
            Acted::NameTaken => Ok(CreateOutcome::NameTaken(text)),
            Acted::User(state) => Err(ActionError::User(state)),
            Acted::Done | Acted::Gone => Ok(CreateOutcome::NoServer),
        }
    }

    /// The session of that name, where none existed before the configuration was loaded. No startup command is run in it: it has a program already.
    async fn made_by_configuration(&self, entry: &HostEntry, user: &User, wanted: &Create, said: &str) -> Result<Created, ActionError> {
        if wanted.command.is_some() {
            return Err(ActionError::MadeByConfiguration);
        }
        let listed = entry.transport.list(&entry.host, user, Purpose::Act).await.map_err(ActionError::Host)?;
        let session = listed.listing.sessions.into_iter().find(|s| s.name.as_str() == wanted.name.as_str()).ok_or(ActionError::EndedAtOnce)?;
        let complaints: Vec<String> = said.lines().take_while(|line| !line.starts_with("duplicate session")).map(str::to_owned).collect();
        let mut notes = vec![Note::MadeByConfiguration];
        notes.extend(Note::configuration_errors(&complaints));
        Ok(Created { session: session.id, notes })
    }
}

/// What the person who made a session should know of it.
fn notes(made: &Made, server: Server) -> Vec<Note> {
    let mut notes = Vec::new();
    notes.extend(Note::configuration_errors(&made.complaints));
    notes.extend(made.destroys_unattached.then_some(Note::KeptUnattached));
    notes.extend((made.exits_unattached && server == Server::Started).then_some(Note::ServerKeptUnattached));
    notes
}

/// Refuses a start directory that the user may not enter: tmux would start the session elsewhere without telling.
async fn enters(entry: &HostEntry, user: &User, directory: &Directory) -> Result<(), ActionError> {
    let (exit, words) = entry.transport.enters(&entry.host, user, directory).await.map_err(ActionError::Host)?;
    let says = |word: &str| words.lines().any(|line| line == word);
    match outcome::acted(&entry.host, user, exit, &words) {
        _ if says(DONE) => Ok(()),
        _ if says(MISMATCH) => Err(ActionError::NoDirectory),
        Acted::User(state) => Err(ActionError::User(state)),
        _ => Err(ActionError::Silent),
    }
}
