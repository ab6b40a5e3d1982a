//! An answer to a program that waits, without a terminal: what the pane shows is read, and compared again by tmux in the call that sends.

use crate::error::ActionError;
use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use crate::random::{row_mark, sentinel};
use crate::transport::Purpose;
use muxboard_core::inventory::User;
use muxboard_core::limits::{REACTION_LOOKS_MAX, REACTION_MS};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Permit, ReadText, SendReply};
use muxboard_core::reply::Fingerprint;
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux::{self, CHANGED, CLEARED, LEFT, NoQuestion, PaneId, Question, SENT};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// How an answer was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// True if a mode of tmux lay upon the pane (somebody had scrolled back), and was left first.
    pub left_mode: bool,
    /// What the pane shows afterwards; `None` if it is gone or cannot be read.
    pub after: Option<OpenQuestion>,
}

/// A question with what an answer to it must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQuestion {
    /// What the pane shows.
    pub question: Question,
    /// The fingerprint of that and of the turn: once an answer was sent to the pane, it is another one, whether the screen has changed or not. So nothing is
    /// sent twice.
    pub fingerprint: Fingerprint,
}

impl OpenQuestion {
    fn new(question: Question, turn: &str) -> Self {
        let fingerprint = Fingerprint::of(&Sha256::digest(format!("{turn} {}", question.same())).into());
        Self { question, fingerprint }
    }
}

impl Fleet {
    /// Reads what a pane of the permitted session shows.
    ///
    /// # Errors
    /// [`ActionError::Changed`] if the pane is not there; or it cannot be had.
    pub async fn question(&self, permit: &Permit<ReadText>, pane: PaneId) -> Result<OpenQuestion, ActionError> {
        let read = self.permitted_question(permit, pane).await;
        self.report(permit, None, &read);
        read
    }

    async fn permitted_question(&self, permit: &Permit<ReadText>, pane: PaneId) -> Result<OpenQuestion, ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let _slot = self.texts.take(&permit.principal().name).ok_or(ActionError::TextsReached)?;
        entry.refuse_resting(&user)?;
        let _slot = entry.acquire_user_slot(&user.name).await?;
        let turn = entry.turn(&user.name, pane);
        Ok(OpenQuestion::new(ask(&entry, &user, permit.operation().session, pane).await?, &turn))
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
                Ok(sent) => {
                    lock(&entry.sweeper).windows(&user.name, |asked, sessions| asked.answer(sessions, wanted.session, wanted.pane, sent.cleared));
                    Ok(Sent { left_mode: sent.left_mode, after: reaction(&entry, &user, wanted, &sent.question).await })
                }
                Err(error) => Err(error),
            };
            fleet.refresh_user(&entry, &user).await;
            sent
        })
        .await
    }
}

/// What the call that sent an answer has said, and what was answered.
struct Answered {
    question: Question,
    left_mode: bool,
    cleared: bool,
}

/// What a pane shows once its program did something with the answer to a question, or did nothing for a while.
async fn reaction(entry: &HostEntry, user: &User, wanted: &SendReply, answered: &Question) -> Option<OpenQuestion> {
    let turn = entry.turn(&user.name, wanted.pane);
    let mut shown = None;
    for look in 0..REACTION_LOOKS_MAX {
        tokio::time::sleep(Duration::from_millis(REACTION_MS << look)).await;
        let _slot = entry.acquire_user_slot(&user.name).await.ok()?;
        let question = ask(entry, user, wanted.session, wanted.pane).await.ok()?;
        let changed = question != *answered;
        shown = Some(OpenQuestion::new(question, &turn));
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

/// Sends an answer, once.
async fn send(entry: &HostEntry, user: &User, wanted: &SendReply) -> Result<Answered, ActionError> {
    entry.refuse_resting(user)?;
    let turn = entry.turn(&user.name, wanted.pane);
    let shown = OpenQuestion::new(ask(entry, user, wanted.session, wanted.pane).await?, &turn);
    if shown.fingerprint != wanted.fingerprint {
        return Err(ActionError::Changed);
    }
    let question = shown.question;
    if let Some(closed) = question.closed {
        return Err(ActionError::Closed(closed));
    }
    if !entry.take_turn(&user.name, wanted.pane, &turn) {
        return Err(ActionError::Changed);
    }
    let up = lock(&entry.sweeper).flags(&user.name, wanted.session);
    let calls = question.answer(wanted.session, &wanted.answer, &up, &format!("muxboard-{}", row_mark()));
    let (exit, words) = entry.transport.feed(&entry.host, user, &calls).await.map_err(ActionError::Host)?;
    let says = |word: &str| words.lines().any(|line| line == word);
    if says(SENT) {
        Ok(Answered { left_mode: says(LEFT), cleared: says(CLEARED), question })
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
