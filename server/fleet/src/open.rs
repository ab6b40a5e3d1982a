//! Opening terminals: the permit, the slot, the audit, and the fresh terminal that overtakes a backlog.

use crate::attach::AttachRequest;
use crate::attach::Attachment;
use crate::attach::Connection;
use crate::error::Failed;
use crate::fleet::Fleet;
use crate::lock::lock;
use crate::report::Report;
use crate::transport::Transport;
use muxboard_core::audit::AuditEvent;
use muxboard_core::fault::Fault;
use muxboard_core::name::HostKey;
use muxboard_core::policy::{Operation, Permit, Type, Watch};
use muxboard_core::snapshot::{SessionId, UserState};
use muxboard_core::tmux;
use muxboard_core::wire::Grid;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Instant;

/// A pane on its way back to its program.
pub type Leaving = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>>;

impl Fleet {
    /// Opens the permitted session to type into it.
    ///
    /// # Errors
    /// When there is no slot or no terminal.
    pub async fn attach(self: &Arc<Self>, permit: &Permit<Type>, grid: Grid) -> Result<Attachment, Failed> {
        self.open(permit, permit.operation().session, true, grid).await
    }

    /// Opens the permitted session to look at it.
    ///
    /// # Errors
    /// When there is no slot or no terminal.
    pub async fn watch(self: &Arc<Self>, permit: &Permit<Watch>, grid: Grid) -> Result<Attachment, Failed> {
        // tmux's ignore-size holds only while somebody else is attached: a watcher's terminal has the session's own size from the start.
        let grid = self.size(permit.place(), permit.operation().session).unwrap_or(grid);
        self.open(permit, permit.operation().session, false, grid).await
    }

    async fn open<O: Operation>(self: &Arc<Self>, permit: &Permit<O>, session: SessionId, may_type: bool, grid: Grid) -> Result<Attachment, Failed> {
        let (entry, user) = self.at(permit.place())?;
        let opened = async {
            let slot = self.slots.take(&permit.principal().name).ok_or(Failed::CapReached)?;
            let what = AttachRequest { session, may_type, grid, principal: permit.principal().name.clone() };
            let connection = Connection::open(&entry.host, &entry.transport, &user, &what, &self.register).await?;
            self.look_behind_sudo(&connection);
            let report = Report { audit: self.settings.audit.clone(), event: AuditEvent::of(permit, None, "ended") };
            Ok(Attachment::new(connection, what, slot, self.settings.attach.lifetime, report))
        };
        let opened = opened.await;
        self.report(permit, None, &opened);
        opened
    }

    /// A fresh terminal on the session that this attachment shows now, to take the old one's place: what another machine has already sent for the old
    /// one, up to a megabyte in ssh's own window, is then not in the way of what comes next. For hosts over ssh alone.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn again<O: Operation>(
        self: &Arc<Self>,
        permit: &Permit<O>,
        attachment: &Attachment,
    ) -> Pin<Box<dyn Future<Output = Result<Connection, Failed>> + Send>> {
        let (fleet, place) = (self.clone(), permit.place().clone());
        let session = self.shown_by(&place, attachment).or(permit.operation().session());
        let (may_type, grid, principal) = (attachment.may_type(), attachment.grid(), permit.principal().name.clone());
        Box::pin(async move {
            let (entry, user) = fleet.at(&place)?;
            let what = AttachRequest { session: session.ok_or(Failed::Gone)?, may_type, grid, principal };
            let fresh = Connection::open(&entry.host, &entry.transport, &user, &what, &fleet.register).await?;
            fleet.look_behind_sudo(&fresh);
            Ok(fresh)
        })
    }

    /// Has the pane on show in this terminal show its program again, if tmux shows its history, words or a list there: what comes then goes to the
    /// program. `None` for a watcher's terminal, which changes nothing.
    ///
    /// # Errors
    /// When the session is gone, or tmux did not do it; then what comes may go to tmux.
    pub fn leave<O: Operation>(self: &Arc<Self>, permit: &Permit<O>, attachment: &Attachment) -> Option<Leaving> {
        let (fleet, place) = (self.clone(), permit.place().clone());
        let session = self.shown_by(&place, attachment).or(permit.operation().session());
        let leaving: Leaving = Box::pin(async move {
            let (entry, user) = fleet.at(&place)?;
            // As in `read`: an unanswered question through sudo leaves a process of root's behind.
            if user.through_sudo && lock(&entry.sweeper).rests(&user, Instant::now()) {
                return Err(Failed::User(UserState::Fault(Fault::not_answering(&entry.host, &user.name))));
            }
            let _slot = entry.acquire_user_slot(&user.name).await?;
            fleet.act(&entry, &user, &tmux::leave(session.ok_or(Failed::Gone)?)).await
        });
        attachment.may_type().then_some(leaving)
    }

    /// Whether a backlog in front of a terminal of this host can be overtaken. On this machine there is none: a pty holds a few kilobytes.
    pub fn may_overtake(&self, host: &HostKey) -> bool {
        self.settings.overtake && self.entry(host).is_some_and(|entry| matches!(entry.transport, Transport::Ssh(_)))
    }
}
