//! The log's view of the audit: one line an event, through tracing.

use muxboard_core::audit::AuditEvent;

/// Writes one event to the log.
pub(crate) fn log(event: &AuditEvent) {
    let session = event.session.map(|s| s.to_string()).unwrap_or_default();
    tracing::info!(target: "muxboard::audit", principal = event.principal, operation = event.operation, place = %event.place, session, result = event.result, "audit");
}
