//! Refusals of callers without an identity. The first refusal of a source is recorded at once; those that follow in the same interval are one more record,
//! with their number. A flood of them so rotates no person's act out of the audit, and fills no log.

use super::peer::Source;
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::{REFUSALS_FOLDED_SECONDS, REFUSALS_FOLDED_SOURCES_MAX};
use muxboard_fleet::Audit;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The source of a record that counts all sources beyond [`REFUSALS_FOLDED_SOURCES_MAX`].
const OTHERS: &str = "other addresses";
const INTERVAL: Duration = Duration::from_secs(REFUSALS_FOLDED_SECONDS);

/// The refusals of the current intervals. Dropping it records the counts that are left.
pub(crate) struct RefusalCounter {
    audit: Audit,
    folded: Mutex<HashMap<RefusalKind, RefusalCount>>,
}

/// What refusals that are counted together have in common.
#[derive(PartialEq, Eq, Hash)]
struct RefusalKind {
    who: String,
    source: String,
    operation: &'static str,
    result: String,
}

struct RefusalCount {
    since: Instant,
    /// The newest of these refusals.
    last: AuditEvent,
    /// The number of refusals after the first one, which has its own record.
    times: u64,
}

impl RefusalCounter {
    pub(crate) fn new(audit: Audit) -> Arc<Self> {
        Arc::new(Self { audit, folded: Mutex::default() })
    }

    /// Records or counts a refusal. True if it was recorded now: the log may have a line for it, too.
    pub(crate) fn refused(&self, source: Source, event: AuditEvent) -> bool {
        self.refused_at(source, event, Instant::now())
    }

    fn refused_at(&self, source: Source, event: AuditEvent, now: Instant) -> bool {
        let mut alike = RefusalKind { who: event.who.clone(), source: source.counted().to_string(), operation: event.operation, result: event.result.clone() };
        self.record_due(now);
        let mut folded = self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        if folded.len() >= REFUSALS_FOLDED_SOURCES_MAX && !folded.contains_key(&alike) {
            (alike.who, alike.source) = (String::new(), OTHERS.to_owned());
        }
        match folded.entry(alike) {
            Entry::Occupied(mut counted) => {
                let counted = counted.get_mut();
                (counted.last, counted.times) = (event, counted.times.saturating_add(1));
                return false;
            }
            Entry::Vacant(place) => place.insert(RefusalCount { since: now, last: event.clone(), times: 0 }),
        };
        drop(folded);
        (self.audit)(event);
        true
    }

    /// Records the counts of the intervals that are over at `now`.
    fn record_due(&self, now: Instant) {
        let mut folded = self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<_> = folded.extract_if(|_, counted| now.saturating_duration_since(counted.since) >= INTERVAL).collect();
        drop(folded);
        for (alike, RefusalCount { mut last, times, .. }) in due.into_iter().filter(|(_, counted)| counted.times > 0) {
            if alike.source == OTHERS {
                (last.who, last.from) = (alike.who, alike.source);
            }
            (self.audit)(AuditEvent { times: Some(times), ..last });
        }
    }

    /// Records the counts of intervals as they end, for as long as the board lives.
    pub(crate) async fn record_in_time(refusals: Weak<Self>) {
        loop {
            tokio::time::sleep(INTERVAL / 10).await;
            let Some(refusals) = refusals.upgrade() else { return };
            refusals.record_due(Instant::now());
        }
    }
}

impl Drop for RefusalCounter {
    fn drop(&mut self) {
        self.record_due(Instant::now() + INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Records = Arc<Mutex<Vec<(String, Option<u64>)>>>;

    fn world() -> (Arc<RefusalCounter>, Records) {
        let records = Records::default();
        let kept = records.clone();
        (RefusalCounter::new(Arc::new(move |event: AuditEvent| kept.lock().unwrap().push((event.from, event.times)))), records)
    }

    fn refuse(refusals: &RefusalCounter, address: &str, result: &str, now: Instant) -> bool {
        let event = AuditEvent { from: address.into(), operation: "enter", result: result.into(), ..AuditEvent::default() };
        refusals.refused_at(Source::Address(address.parse().unwrap()), event, now)
    }

    #[test]
    fn a_source_has_two_records_in_an_interval_however_often_it_is_refused() {
        let (refusals, records) = world();
        let now = Instant::now();
        for i in 0..1000 {
            assert_eq!(refuse(&refusals, &format!("2001:db8:1:2::{i:x}"), "denied", now), i == 0, "one network");
        }
        assert!(refuse(&refusals, "2001:db8:1:2::1", "another refusal", now) && refuse(&refusals, "2001:db8:1:3::1", "denied", now));
        refusals.record_due(now + INTERVAL);
        assert_eq!(records.lock().unwrap().len(), 4);
        assert_eq!(records.lock().unwrap()[3], ("2001:db8:1:2::3e7".into(), Some(999)));
        // It begins anew.
        assert!(refuse(&refusals, "2001:db8:1:2::1", "denied", now + INTERVAL));
    }

    #[test]
    fn many_sources_are_counted_together_and_what_is_counted_is_recorded_at_the_end() {
        let (refusals, records) = world();
        let now = Instant::now();
        for i in 0..10_000_u32 {
            refuse(&refusals, &std::net::Ipv4Addr::from(i).to_string(), "denied", now);
        }
        assert_eq!(records.lock().unwrap().len(), REFUSALS_FOLDED_SOURCES_MAX + 1);
        drop(refusals);
        let records = records.lock().unwrap();
        assert_eq!(records.len(), REFUSALS_FOLDED_SOURCES_MAX + 2);
        assert_eq!(records.last(), Some(&(OTHERS.to_owned(), Some(10_000 - REFUSALS_FOLDED_SOURCES_MAX as u64 - 1))));
    }
}
