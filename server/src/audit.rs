//! The log's view of the audit: one line an event, through tracing.

use muxboard_core::audit::AuditEvent;

/// Writes one event to the log.
pub(crate) fn log(event: &AuditEvent) {
    let place = event.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let session = event.session.map(|s| s.to_string()).unwrap_or_default();
    tracing::info!(
        target: "muxboard::audit",
        who = event.who,
        gate = event.gate,
        from = event.from,
        request = event.request,
        operation = event.operation,
        place,
        session,
        result = event.result,
        "audit"
    );
}
