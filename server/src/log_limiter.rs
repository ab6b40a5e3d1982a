//! A limit for lines of the log that a client can cause: a flood of requests must not fill the log, from which the system would then drop lines,
//! those of the audit too.

use muxboard_core::limits::CROWDED_SECONDS;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When the line was last written, and how many were held back since.
#[derive(Default)]
pub(crate) struct LogLimiter(Mutex<(Option<Instant>, u64)>);

impl LogLimiter {
    /// Counts one more occurrence. Returns how many there were since the line was last written, this one included, when it may be written again:
    /// at most once in [`CROWDED_SECONDS`].
    pub(crate) fn allow(&self) -> Option<u64> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, times) = (kept.0, kept.1.saturating_add(1));
        let now = said.is_none_or(|said| said.elapsed() >= Duration::from_secs(CROWDED_SECONDS));
        *kept = if now { (Some(Instant::now()), 0) } else { (said, times) };
        now.then_some(times)
    }
}
