//! The audit event of one action: reported exactly once, when the action ends or is given up.

use crate::error::Failed;
use muxboard_core::audit::AuditEvent;
use muxboard_core::snapshot::SessionId;
use std::sync::Arc;

/// Where audit events go.
pub type Audit = Arc<dyn Fn(AuditEvent) + Send + Sync>;

/// What is to be said at an end: exactly one event, whichever way it comes.
pub(crate) struct Report {
    pub(crate) audit: Audit,
    pub(crate) event: AuditEvent,
}

impl Report {
    pub(crate) fn end<T>(mut self, session: Option<SessionId>, result: &Result<T, Failed>) {
        self.event.session = session.or(self.event.session);
        self.event.result = result.as_ref().map_or_else(Failed::word, |_| "done").into();
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        (self.audit)(std::mem::take(&mut self.event));
    }
}
