//! What happened, for the record: every effect and every denial emits exactly one event. Never a typed byte, a token or a command's text.

use crate::policy::{Ability, Asker, Operation, Permit};
use crate::snapshot::{Place, SessionId};

/// One effect, one attempt, or one denial.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditEvent {
    /// Who: a principal's name; empty if nobody was identified.
    pub who: String,
    /// The gate that said so.
    pub gate: &'static str,
    /// From where: the client's address, or `unix`.
    pub from: String,
    /// The correlation id of the request: all its events and its lines in the log carry it.
    pub request: String,
    /// What: the operation's name.
    pub operation: &'static str,
    /// The abilities it needs, in words.
    pub abilities: Vec<Ability>,
    /// Where, if it is about a place.
    pub place: Option<Place>,
    /// On which session, if on one.
    pub session: Option<SessionId>,
    /// What is kept of a startup command, or of an uploaded file.
    pub command: Option<CommandTrace>,
    /// How it ended, in one word or a few.
    pub result: String,
    /// How many events this one stands for, if it is more than one: refusals of strangers are counted, not written one by one.
    pub times: Option<u64>,
}

/// What is kept of a startup command or of a file: enough to recognise it, not what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTrace {
    /// Its length, in bytes.
    pub bytes: usize,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl AuditEvent {
    /// The event of a permitted operation that ended so.
    pub fn of<O: Operation>(permit: &Permit<O>, session: Option<SessionId>, result: impl Into<String>) -> Self {
        Self { session: session.or_else(|| permit.operation().session()), ..Self::asked(permit.asker(), permit.place(), permit.operation(), result) }
    }

    /// The event of an operation that was asked for, and ended so.
    pub fn asked<O: Operation>(asker: &Asker, place: &Place, operation: &O, result: impl Into<String>) -> Self {
        Self { operation: O::NAME, abilities: operation.needs(), place: Some(place.clone()), session: operation.session(), ..Self::about(asker, "", result) }
    }

    /// An event about whoever asked, and no place.
    pub fn about(asker: &Asker, operation: &'static str, result: impl Into<String>) -> Self {
        Self {
            who: asker.principal.name.clone(),
            gate: asker.gate,
            from: asker.from.clone(),
            request: asker.request.clone(),
            operation,
            result: result.into(),
            ..Self::default()
        }
    }
}
