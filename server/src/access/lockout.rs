//! Failed tries, counted for each source and in total. Tokens cannot be guessed; this keeps those who try from filling the log, and says so.

use super::peer::Source;
use muxboard_core::limits::{FAILURES_MAX, FAILURES_TOTAL_MAX, LOCKOUT_SECONDS, SOURCES_MAX};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The count.
#[derive(Default)]
pub(crate) struct Lockout(Mutex<FailureCounts>);

#[derive(Default)]
struct FailureCounts {
    sources: HashMap<Source, FailureCount>,
    total: FailureCount,
}

#[derive(Default, Clone, Copy)]
struct FailureCount {
    failures: u32,
    /// When the last of them was.
    last: Option<Instant>,
    /// Somebody passed from there since we started: what others do must not keep him out.
    good: bool,
}

impl FailureCount {
    fn is_over(&self, most: u32, now: Instant) -> bool {
        self.failures >= most && !self.is_old(now)
    }

    fn is_old(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.duration_since(last) >= Duration::from_secs(LOCKOUT_SECONDS))
    }

    fn fail(&mut self, now: Instant) {
        if self.is_old(now) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some(now);
    }
}

impl Lockout {
    /// Whether nothing that comes from there is looked at now.
    pub(crate) fn is_locked(&self, source: Source) -> bool {
        self.locked_at(source, Instant::now())
    }

    fn locked_at(&self, source: Source, now: Instant) -> bool {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.sources.get(&source.counted()).copied().unwrap_or_default();
        own.is_over(FAILURES_MAX, now) || !own.good && counts.total.is_over(FAILURES_TOTAL_MAX, now)
    }

    /// A try failed.
    pub(crate) fn failed(&self, source: Source) {
        self.failed_at(source, Instant::now());
    }

    fn failed_at(&self, source: Source, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.sources.len() >= SOURCES_MAX && !counts.sources.contains_key(&source.counted()) {
            counts.sources.retain(|_, count| !count.is_old(now) || count.good);
            if counts.sources.len() >= SOURCES_MAX {
                counts.sources.clear();
            }
        }
        counts.sources.entry(source.counted()).or_default().fail(now);
        counts.total.fail(now);
    }

    /// A try succeeded.
    pub(crate) fn passed(&self, source: Source) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.sources.get_mut(&source.counted()) {
            (count.failures, count.good) = (0, true);
        } else if counts.sources.len() < SOURCES_MAX {
            counts.sources.insert(source.counted(), FailureCount { good: true, ..FailureCount::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(n: u32) -> Source {
        Source::Address(std::net::IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn a_source_is_locked_alone_and_for_a_time() {
        let (lockout, now) = (Lockout::default(), Instant::now());
        for _ in 0..FAILURES_MAX - 1 {
            lockout.failed_at(source(1), now);
        }
        assert!(!lockout.locked_at(source(1), now));
        lockout.failed_at(source(1), now);
        assert!(lockout.locked_at(source(1), now) && !lockout.locked_at(source(2), now));
        let later = now + Duration::from_secs(LOCKOUT_SECONDS);
        assert!(!lockout.locked_at(source(1), later));
        lockout.failed_at(source(1), later);
        assert!(!lockout.locked_at(source(1), later), "the count begins anew");
    }

    #[test]
    fn many_sources_together_lock_all_but_those_who_passed_before() {
        let (lockout, now) = (Lockout::default(), Instant::now());
        lockout.passed(source(7));
        for n in 0..FAILURES_TOTAL_MAX {
            lockout.failed_at(source(1000 + n), now);
        }
        assert!(lockout.locked_at(source(8), now));
        assert!(!lockout.locked_at(source(7), now));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (lockout, now) = (Lockout::default(), Instant::now());
        for n in 0..u32::try_from(SOURCES_MAX).unwrap() * 2 {
            lockout.failed_at(source(n), now);
        }
        assert!(lockout.0.lock().unwrap().sources.len() <= SOURCES_MAX);
    }
}
