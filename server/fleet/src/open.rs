//! Opening terminals: the permit, the slot, the audit, and the fresh terminal that overtakes a backlog.

use crate::attach::AttachRequest;
use crate::attach::Attachment;
use crate::attach::Connection;
use crate::error::ActionError;
use crate::fleet::Fleet;
use crate::report::Report;
use crate::transport::Transport;
use muxboard_core::audit::AuditEvent;
use muxboard_core::name::HostKey;
use muxboard_core::policy::{Operation, Permit, Type, Watch};
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux;
use muxboard_core::wire::Grid;
use std::pin::Pin;
use std::sync::Arc;

/// A pending [`Fleet::leave`].
pub type Leaving = Pin<Box<dyn Future<Output = Result<(), ActionError>> + Send>>;

impl Fleet {
    /// Opens a terminal on the permitted session to type into it.
    ///
    /// # Errors
    /// When there is no slot or no terminal.
    pub async fn attach(self: &Arc<Self>, permit: &Permit<Type>, grid: Grid) -> Result<Attachment, ActionError> {
        self.open(permit, permit.operation().session, true, grid).await
    }

    /// Opens a read-only terminal on the permitted session.
    ///
    /// # Errors
    /// When there is no slot or no terminal.
    pub async fn watch(self: &Arc<Self>, permit: &Permit<Watch>, grid: Grid) -> Result<Attachment, ActionError> {
        // tmux's ignore-size holds only while somebody else is attached: a watcher's terminal has the session's own size from the start.
        let grid = self.size(permit.place(), permit.operation().session).unwrap_or(grid);
        self.open(permit, permit.operation().session, false, grid).await
    }

    async fn open<O: Operation>(self: &Arc<Self>, permit: &Permit<O>, session: SessionId, may_type: bool, grid: Grid) -> Result<Attachment, ActionError> {
        let (entry, user) = self.at(permit.place())?;
        let opened = async {
            let slot = self.slots.take(&permit.principal().name).ok_or(ActionError::CapReached)?;
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

    /// Opens a fresh terminal on the session that this attachment shows now, to replace the attachment's connection. What another machine has already sent
    /// on the old connection, up to a megabyte in ssh's own window, then no longer delays what comes next. For hosts over ssh only.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn reattach<O: Operation>(
        self: &Arc<Self>,
        permit: &Permit<O>,
        attachment: &Attachment,
    ) -> Pin<Box<dyn Future<Output = Result<Connection, ActionError>> + Send>> {
        let (fleet, place) = (self.clone(), permit.place().clone());
        let session = self.shown_by(&place, attachment).or(permit.operation().session());
        let (may_type, grid, principal) = (attachment.may_type(), attachment.grid(), permit.principal().name.clone());
        Box::pin(async move {
            let (entry, user) = fleet.at(&place)?;
            let what = AttachRequest { session: session.ok_or(ActionError::Gone)?, may_type, grid, principal };
            let fresh = Connection::open(&entry.host, &entry.transport, &user, &what, &fleet.register).await?;
            fleet.look_behind_sudo(&fresh);
            Ok(fresh)
        })
    }

    /// Makes the pane of this terminal show its program again, if tmux shows its history, messages or a list there, so that input reaches the program.
    /// `None` for a watcher's terminal, which changes nothing.
    ///
    /// # Errors
    /// When the session is gone, or tmux did not do it; then what comes may go to tmux.
    pub fn leave<O: Operation>(self: &Arc<Self>, permit: &Permit<O>, attachment: &Attachment) -> Option<Leaving> {
        let (fleet, place) = (self.clone(), permit.place().clone());
        let session = self.shown_by(&place, attachment).or(permit.operation().session());
        let leaving: Leaving = Box::pin(async move {
            let (entry, user) = fleet.at(&place)?;
            entry.refuse_resting(&user)?;
            let _slot = entry.acquire_user_slot(&user.name).await?;
            fleet.act(&entry, &user, &tmux::leave(session.ok_or(ActionError::Gone)?)).await.map(|_| ())
        });
        attachment.may_type().then_some(leaving)
    }

    /// True if a fresh terminal can overtake a backlog of output of this host. On this machine there is no backlog: a pty holds a few kilobytes.
    pub fn may_overtake(&self, host: &HostKey) -> bool {
        self.settings.overtake && self.entry(host).is_some_and(|entry| matches!(entry.transport, Transport::Ssh(_)))
    }
}
