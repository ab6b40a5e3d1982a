//! Failed logins, counted for each source. Tokens are too long to be guessed and a right one always passes: the count keeps those who try from being
//! answered, recorded and logged like somebody who mistyped.

use super::peer::Source;
use muxboard_core::limits::{FAILURES_MAX, LOCKOUT_SECONDS, SOURCES_MAX};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The failed logins of each source.
#[derive(Default)]
pub(crate) struct Lockout(Mutex<HashMap<Source, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn is_old(self, now: Instant) -> bool {
        now.duration_since(self.last) >= Duration::from_secs(LOCKOUT_SECONDS)
    }
}

/// Forgets what is old; if nothing is, the source with the fewest failures, of several the one whose last is longest ago. A locked source is thus
/// forgotten only where all are locked.
fn make_room(sources: &mut HashMap<Source, Failures>, now: Instant) {
    sources.retain(|_, failures| !failures.is_old(now));
    if sources.len() >= SOURCES_MAX {
        let least = sources.iter().min_by_key(|(_, failures)| (failures.count, failures.last)).map(|(source, _)| *source);
        least.map(|source| sources.remove(&source));
    }
}

impl Lockout {
    /// Counts a failed login; whether the source had failed [`FAILURES_MAX`] times before, with less than [`LOCKOUT_SECONDS`] between.
    pub(crate) fn failed(&self, source: Source) -> bool {
        self.failed_at(source, Instant::now())
    }

    fn failed_at(&self, source: Source, now: Instant) -> bool {
        let source = source.counted();
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= SOURCES_MAX && !sources.contains_key(&source) {
            make_room(&mut sources, now);
        }
        let failures = sources.entry(source).or_insert(Failures { count: 0, last: now });
        if failures.is_old(now) {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last: now };
        failures.count > FAILURES_MAX
    }

    /// Forgets the failures of a source whose login succeeded.
    pub(crate) fn passed(&self, source: Source) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&source.counted());
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
        for n in 0..FAILURES_MAX * 3 {
            assert_eq!(lockout.failed_at(source(1), now), n >= FAILURES_MAX);
            // However many fail together.
            assert!(!lockout.failed_at(source(1000 + n), now));
        }
        let later = now + Duration::from_secs(LOCKOUT_SECONDS);
        assert!(!lockout.failed_at(source(1), later), "the count begins anew");
        lockout.passed(source(1));
        assert!(!lockout.0.lock().unwrap().contains_key(&source(1)));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_no_crowd_of_others_opens_a_lock() {
        let (lockout, now) = (Lockout::default(), Instant::now());
        let locked = source(u32::MAX);
        for _ in 0..FAILURES_MAX {
            lockout.failed_at(locked, now);
        }
        for n in 0..u32::try_from(SOURCES_MAX).unwrap() + 100 {
            lockout.failed_at(source(n), now);
        }
        assert_eq!(lockout.0.lock().unwrap().len(), SOURCES_MAX);
        assert!(lockout.failed_at(locked, now), "the lock was forgotten");
    }
}
