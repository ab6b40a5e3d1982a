//! A word for the log that is said at most once in a while: who floods us does not get to fill the log, from which the system would then drop
//! lines, those of the audit too.

use muxboard_core::limits::CROWDED_SECONDS;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When it was said last, and how often it was held back since.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// It happened once more. If it may be said now: how often it happened since it was said last, this time too.
    pub(crate) fn times(&self) -> Option<u64> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, times) = (kept.0, kept.1.saturating_add(1));
        let now = said.is_none_or(|said| said.elapsed() >= Duration::from_secs(CROWDED_SECONDS));
        *kept = if now { (Some(Instant::now()), 0) } else { (said, times) };
        now.then_some(times)
    }
}
