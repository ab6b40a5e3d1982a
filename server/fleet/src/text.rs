//! A session's text, history included: for people who select and search, and for programs.

use crate::exec::Bounds;
use crate::transport::Purpose;
use crate::{Failed, Fleet};
use muxboard_core::limits::{GRACE_SECONDS, TEXT_BYTES_MAX, TEXT_LINES_MAX, TEXT_SECONDS_MAX};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Permit, ReadText};
use muxboard_core::tmux::{self, Text, section};
use std::time::Duration;

impl Fleet {
    /// The text of the permitted session's active pane.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn text(&self, permit: &Permit<ReadText>) -> Result<Text, Failed> {
        let read = self.read(permit).await;
        self.report(permit, None, &read);
        read
    }

    async fn read(&self, permit: &Permit<ReadText>) -> Result<Text, Failed> {
        let (cell, user) = self.at(permit.place())?;
        let session = permit.operation().session;
        // What is too much is cut at its end, and that is the newest: so many lines that they fit, if a cell is no more than four bytes.
        let columns = self.size(permit.place(), session).map_or(80, |grid| u32::from(grid.columns()));
        let lines = (u32::try_from(TEXT_BYTES_MAX).unwrap_or(u32::MAX) / (4 * columns + 1)).min(TEXT_LINES_MAX);
        let script = section::single(&user, &tmux::text(session, lines), TEXT_SECONDS_MAX, TEXT_BYTES_MAX);
        let bounds = Bounds { time: Duration::from_secs(TEXT_SECONDS_MAX + GRACE_SECONDS), bytes: TEXT_BYTES_MAX };
        let answer = cell.transport.run(&cell.host, &script, bounds, Purpose::Refresh).await.map_err(Failed::Host)?;
        let (exit, words) = section::ended(&answer.output, &answer.mark);
        if let (Some(0), Some(text)) = (exit, tmux::read_text(&words, lines)) {
            return Ok(text);
        }
        Err(match outcome::acted(&cell.host, &user, exit, &words) {
            Acted::User(state) => Failed::User(state),
            _ => Failed::Gone,
        })
    }
}
