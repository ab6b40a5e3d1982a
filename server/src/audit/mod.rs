//! The audit: what happened goes to the log, and to a file of its own where one is configured. The file's records are chained with a key, so
//! that whoever has the key can tell whether a line was changed, taken out, moved or put in.
//!
//! `record` makes a line, `key` seals it, `disk` keeps the files, `mark` says how far they reach, `file` is what the rest of the server sees; `verify` is for whoever reads them.

mod disk;
mod file;
pub(crate) mod key;
pub(crate) mod mark;
pub(crate) mod opening;
pub(crate) mod record;
mod settings;
pub(crate) mod verify;

pub use file::AuditFile;
pub use settings::{AuditSettings, Fsync};

use muxboard_core::audit::AuditEvent;

/// Writes one event to the log.
pub(crate) fn log(event: &AuditEvent) {
    let abilities: Vec<&str> = event.abilities.iter().map(|ability| ability.word()).collect();
    tracing::info!(
        target: "muxboard::audit",
        who = event.who,
        gate = event.gate,
        from = event.from,
        request = event.request,
        operation = event.operation,
        abilities = abilities.join(","),
        place = event.place.as_ref().map(tracing::field::display),
        session = event.session.as_ref().map(tracing::field::display),
        command_bytes = event.command.as_ref().map(|command| command.bytes),
        command_sha256 = event.command.as_ref().map(|command| command.sha256.as_str()),
        result = event.result,
        times = event.times,
        "audit"
    );
}
