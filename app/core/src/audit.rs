//! What happened, for the record: every effect emits exactly one event. Never a typed byte, a token or a command's text.

use crate::policy::{Operation, Permit};
use crate::snapshot::{Place, SessionId};

/// One effect, or one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who.
    pub principal: String,
    /// What: the operation's name.
    pub operation: &'static str,
    /// Where.
    pub place: Place,
    /// On which session, if on one.
    pub session: Option<SessionId>,
    /// How it ended, in one word or a few.
    pub result: String,
}

impl AuditEvent {
    /// The event of a permitted operation that ended so.
    pub fn of<O: Operation>(permit: &Permit<O>, session: Option<SessionId>, result: impl Into<String>) -> Self {
        Self {
            principal: permit.principal().name.clone(),
            operation: O::NAME,
            place: permit.place().clone(),
            session: session.or_else(|| permit.operation().session()),
            result: result.into(),
        }
    }
}
