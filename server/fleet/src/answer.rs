//! An answer to a program that waits, without a terminal: what the pane shows is read, and compared again by tmux in the call that sends.

use crate::error::ActionError;
use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use crate::random::sentinel;
use crate::transport::Purpose;
use muxboard_core::inventory::User;
use muxboard_core::limits::{REACTION_LOOKS_MAX, REACTION_MS};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Permit, ReadText, SendReply};
use muxboard_core::reply::Fingerprint;
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux::{self, CHANGED, LEFT, NoQuestion, PaneId, Question, SENT};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// How an answer was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// True if a mode of tmux lay upon the pane (somebody had scrolled back), and was left first.
    pub left_mode: bool,
    /// What the pane shows afterwards; `None` if it is gone or cannot be read.
    pub after: Option<Question>,
}

/// The fingerprint of a question: an answer that names another one is not sent.
pub fn fingerprint(question: &Question) -> Fingerprint {
    Fingerprint::of(&Sha256::digest(question.same()).into())
}

impl Fleet {
    /// Reads what a pane of the permitted session shows.
    ///
    /// # Errors
    /// [`ActionError::Changed`] if the pane is not there; or it cannot be had.
    pub async fn question(&self, permit: &Permit<ReadText>, pane: PaneId) -> Result<Question, ActionError> {
        let read = self.permitted_question(permit, pane).await;
        self.report(permit, None, &read);
        read
    }

    async fn permitted_question(&self, permit: &Permit<ReadText>, pane: PaneId) -> Result<Question, ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let _slot = self.texts.take(&permit.principal().name).ok_or(ActionError::TextsReached)?;
        entry.refuse_resting(&user)?;
        let _slot = entry.acquire_user_slot(&user.name).await?;
        ask(&entry, &user, permit.operation().session, pane).await
    }

    /// Sends an answer to a pane of the permitted session, if that pane still shows the question with the answer's fingerprint. tmux compares once more, within
    /// the call that sends.
    ///
    /// # Errors
    /// Nothing was sent unless this is `Ok`, or it is not known.
    pub async fn answer(self: &Arc<Self>, permit: Permit<SendReply>) -> Result<Sent, ActionError> {
        self.to_the_end(async move |fleet| {
            let (entry, user) = fleet.at(permit.place())?;
            let reported = fleet.reports(&permit);
            let wanted = permit.operation();
            let sent = match entry.acquire_user_slot(&user.name).await {
                Ok(_slot) => send(&entry, &user, wanted).await,
                Err(busy) => Err(busy),
            };
            reported.end(None, &sent);
            let sent = match sent {
                Ok(left_mode) => {
                    lock(&entry.sweeper).answer(&user.name, wanted.session, wanted.pane);
                    Ok(Sent { left_mode, after: reaction(&entry, &user, wanted).await })
                }
                Err(error) => Err(error),
            };
            fleet.refresh_user(&entry, &user).await;
            sent
        })
        .await
    }
}

/// What a pane shows once its program did something with an answer, or did nothing for a while.
async fn reaction(entry: &HostEntry, user: &User, wanted: &SendReply) -> Option<Question> {
    let mut shown = None;
    for look in 0..REACTION_LOOKS_MAX {
        tokio::time::sleep(Duration::from_millis(REACTION_MS << look)).await;
        let _slot = entry.acquire_user_slot(&user.name).await.ok()?;
        let question = ask(entry, user, wanted.session, wanted.pane).await.ok()?;
        let changed = fingerprint(&question) != wanted.fingerprint;
        shown = Some(question);
        if changed {
            break;
        }
    }
    shown
}

async fn ask(entry: &HostEntry, user: &User, session: SessionId, pane: PaneId) -> Result<Question, ActionError> {
    let mark = sentinel();
    let (exit, words) = entry.transport.call(&entry.host, user, &tmux::ask(session, pane, &mark), Purpose::Refresh).await.map_err(ActionError::Host)?;
    tmux::read_question(&words, &mark).map_err(|why| match why {
        NoQuestion::NoPane => ActionError::Changed,
        // The words may be text of the pane, which no error may contain.
        NoQuestion::Unread if exit == Some(0) && words.contains(&mark) => ActionError::Unreadable,
        NoQuestion::Unread => not_acted(outcome::acted(&entry.host, user, exit, &words)),
    })
}

/// Sends an answer. Returns whether a mode of tmux was left first.
async fn send(entry: &HostEntry, user: &User, wanted: &SendReply) -> Result<bool, ActionError> {
    let question = ask(entry, user, wanted.session, wanted.pane).await?;
    if fingerprint(&question) != wanted.fingerprint {
        return Err(ActionError::Changed);
    }
    if let Some(closed) = question.closed {
        return Err(ActionError::Closed(closed));
    }
    let up = lock(&entry.sweeper).flags(&user.name, wanted.session);
    let call = question.answer(wanted.session, &wanted.answer, &up);
    let (exit, words) = entry.transport.call(&entry.host, user, &call, Purpose::Act).await.map_err(ActionError::Host)?;
    let says = |word: &str| words.lines().any(|line| line == word);
    if says(SENT) {
        Ok(says(LEFT))
    } else if says(CHANGED) {
        Err(ActionError::Changed)
    } else {
        Err(not_acted(outcome::acted(&entry.host, user, exit, &words)))
    }
}

fn not_acted(acted: Acted) -> ActionError {
    match acted {
        Acted::Gone => ActionError::Gone,
        Acted::User(state) => ActionError::User(state),
        Acted::Done | Acted::NameTaken => ActionError::Unreadable,
    }
}
