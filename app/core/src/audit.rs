//! What happened, for the record: every effect and every denial emits exactly one event. Never a typed byte, a token or a command's text.

use crate::policy::{Ability, Actor, Operation, Permit};
use crate::snapshot::{Place, SessionId};

/// The record of one effect, one attempt, or one denial.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditEvent {
    /// The principal's name; empty if nobody was identified.
    pub who: String,
    /// The name of the gate that identified the principal.
    pub gate: &'static str,
    /// The client's address, or `unix` for a client on a Unix socket.
    pub from: String,
    /// The correlation id of the request, which all its events and log lines carry.
    pub request: String,
    /// The operation's name.
    pub operation: &'static str,
    /// The abilities that the operation needs.
    pub abilities: Vec<Ability>,
    /// The host and the user, if the event is about one.
    pub place: Option<Place>,
    /// The session, if the event is about one.
    pub session: Option<SessionId>,
    /// What is kept of a startup command, or of an uploaded file.
    pub command: Option<CommandTrace>,
    /// How the operation ended, in one word or a few.
    pub result: String,
    /// How many events this one stands for, if it is more than one: refusals of strangers are counted, not written one by one.
    pub times: Option<u64>,
}

/// What the audit keeps of a startup command or of a file: enough to recognise it, not its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTrace {
    /// The length, in bytes.
    pub bytes: usize,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

impl AuditEvent {
    /// The event of a permitted operation with this result.
    pub fn of<O: Operation>(permit: &Permit<O>, session: Option<SessionId>, result: impl Into<String>) -> Self {
        Self { session: session.or_else(|| permit.operation().session()), ..Self::asked(permit.actor(), permit.place(), permit.operation(), result) }
    }

    /// The event of an operation that was asked for, permitted or not, with this result.
    pub fn asked<O: Operation>(actor: &Actor, place: &Place, operation: &O, result: impl Into<String>) -> Self {
        Self { operation: O::NAME, abilities: operation.needs(), place: Some(place.clone()), session: operation.session(), ..Self::about(actor, "", result) }
    }

    /// An event about whoever asked, without a host or a session.
    pub fn about(actor: &Actor, operation: &'static str, result: impl Into<String>) -> Self {
        Self {
            who: actor.principal.name.clone(),
            gate: actor.gate,
            from: actor.from.clone(),
            request: actor.request.clone(),
            operation,
            result: result.into(),
            ..Self::default()
        }
    }
}
