//! A session's text, history included: for people who select and search, and for programs.

use crate::error::ActionError;
use crate::exec::Bounds;
use crate::fleet::Fleet;
use crate::transport::Purpose;
use muxboard_core::limits::{GRACE_SECONDS, TEXT_BYTES_MAX, TEXT_LINES_MAX, TEXT_SECONDS_MAX};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Permit, ReadText};
use muxboard_core::section;
use muxboard_core::tmux::{self, PaneText};
use std::time::Duration;
use tokio::time::Instant;

impl Fleet {
    /// Reads the text of the permitted session's active pane, with at most `history` lines of its history.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn text(&self, permit: &Permit<ReadText>, history: u32) -> Result<PaneText, ActionError> {
        let read = self.read(permit, history).await;
        self.report(permit, None, &read);
        read
    }

    async fn read(&self, permit: &Permit<ReadText>, history: u32) -> Result<PaneText, ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let _slot = self.texts.take(&permit.principal().name).ok_or(ActionError::TextsReached)?;
        entry.refuse_resting(&user)?;
        let _slot = entry.acquire_user_slot(&user.name).await?;
        let session = permit.operation().session;
        // What is too much is cut at its end, and that is the newest: so many lines that they fit, if a cell is no more than four bytes.
        let columns = self.size(permit.place(), session).map_or(80, |grid| u32::from(grid.columns()));
        let lines = (u32::try_from(TEXT_BYTES_MAX).unwrap_or(u32::MAX) / (4 * columns + 1)).min(TEXT_LINES_MAX).min(history);
        let script = section::single(&user, &tmux::text(session, lines), TEXT_SECONDS_MAX, TEXT_BYTES_MAX);
        let bounds = Bounds { time: Duration::from_secs(TEXT_SECONDS_MAX + GRACE_SECONDS), bytes: TEXT_BYTES_MAX };
        let began = Instant::now();
        let answer = entry.transport.run(&entry.host, &script, bounds, Purpose::Refresh).await.map_err(ActionError::Host)?;
        let (exit, words) = section::ended(&answer.output, &answer.mark);
        if let (Some(0), Some(text)) = (exit, tmux::read_text(&words, lines)) {
            return Ok(text);
        }
        if exit.is_none() && answer.output.len() >= TEXT_BYTES_MAX {
            return Err(ActionError::TextTooLarge);
        }
        if exit.is_none() {
            self.note_no_answer(&entry, &user, began);
        }
        Err(match outcome::acted(&entry.host, &user, exit, &words) {
            // The unread words may be text of the pane, which no error may contain.
            Acted::User(_) if exit == Some(0) => ActionError::Unreadable,
            Acted::User(state) => ActionError::User(state),
            _ => ActionError::Gone,
        })
    }
}
