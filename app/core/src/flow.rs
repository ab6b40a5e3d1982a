//! Byte credit for one client, and the client's acknowledgements: two state machines without a clock. The credit bounds the output under way that the
//! client has not taken.
//!
//! The window follows what the client really drains, as the congestion control BBR does: from the time between a frame and its
//! acknowledgement it learns the shortest round trip and the rate, and keeps under way what is drained in that round trip and
//! [`QUEUE_MS`] more. A slow reader thus sees a screen at most that old, and a key that stops a flood is answered in that time; a distant
//! one gets the window that its round trip asks for.

use crate::limits::{
    CREDIT_BYTES_MIN, CREDIT_BYTES_QUICK, CREDIT_BYTES_START, FRAMES_MAX, PROBE_BYTES_MAX, QUEUE_MS, ROUND_TRIP_SECONDS, UNACKNOWLEDGED_BYTES_MAX,
};
use std::collections::VecDeque;
use std::time::Duration;

/// Byte credit for one client: how much output may still be sent. Times are since any fixed moment, the same one for every call.
#[derive(Debug, Clone)]
pub struct Credit {
    ceiling_bytes: u32,
    window_bytes: u32,
    under_way_bytes: u32,
    frames: VecDeque<SentFrame>,
    /// Bytes taken so far, and since when their rate is counted: when the last of them were taken, or when the next were sent to an idle client.
    taken_bytes: u64,
    taken_at: Duration,
    /// When the client last acknowledged anything.
    acknowledged_at: Duration,
    rate_bytes_per_second: Option<u64>,
    round_trip: Option<Duration>,
    /// When a small frame last travelled alone: only that shows the round trip, without what queues before it.
    probed_at: Option<Duration>,
    /// Nothing is sent until nothing is under way, for the next frame to be a probe.
    draining: bool,
}

/// A frame under way.
#[derive(Debug, Clone, Copy)]
struct SentFrame {
    bytes: u32,
    probe: bool,
    sent_at: Duration,
    /// What had been taken when it was sent, and when that was.
    taken_bytes: u64,
    taken_at: Duration,
}

impl Credit {
    /// Credit with nothing under way. The window never grows past `ceiling_bytes`.
    pub fn new(ceiling_bytes: u32) -> Self {
        Self {
            ceiling_bytes,
            window_bytes: CREDIT_BYTES_START.min(ceiling_bytes),
            under_way_bytes: 0,
            frames: VecDeque::new(),
            taken_bytes: 0,
            taken_at: Duration::ZERO,
            acknowledged_at: Duration::ZERO,
            rate_bytes_per_second: None,
            round_trip: None,
            probed_at: None,
            draining: false,
        }
    }

    /// The bytes that may be sent now; at zero, the source is not read.
    pub fn room(&self) -> usize {
        // Very many very short frames are memory too.
        if self.draining || self.frames.len() >= FRAMES_MAX {
            return 0;
        }
        self.window_bytes.saturating_sub(self.under_way_bytes) as usize
    }

    /// The longest frame that may be sent now, in bytes: half a window, so that one frame is taken while another travels. A probe is small.
    pub fn frame_bytes_max(&self, now: Duration) -> usize {
        (if self.is_drained() && self.probe_due(now) { PROBE_BYTES_MAX } else { self.window_bytes / 2 }) as usize
    }

    /// Whether the client may have taken all that was sent: so little of it can be an acknowledgement that it keeps back.
    fn is_drained(&self) -> bool {
        self.under_way_bytes <= UNACKNOWLEDGED_BYTES_MAX
    }

    fn probe_due(&self, now: Duration) -> bool {
        self.probed_at.is_none_or(|at| now.saturating_sub(at) > Duration::from_secs(ROUND_TRIP_SECONDS))
    }

    /// Since when the client owes an acknowledgement, if it owes one.
    pub fn owed_since(&self) -> Option<Duration> {
        self.frames.front().map(|frame| frame.sent_at.max(self.acknowledged_at))
    }

    /// Records that a frame of that many bytes was sent.
    pub fn sent(&mut self, bytes: usize, now: Duration) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let alone = self.is_drained();
        // One that was to be a probe may be a little longer: a pty gives what it has.
        let probe = alone && bytes <= if self.probe_due(now) { CREDIT_BYTES_MIN } else { PROBE_BYTES_MAX };
        if alone {
            // The time before says nothing about the client.
            self.taken_at = now;
        }
        if probe {
            self.probed_at = Some(now);
        }
        self.under_way_bytes = self.under_way_bytes.saturating_add(bytes);
        self.frames.push_back(SentFrame { bytes, probe, sent_at: now, taken_bytes: self.taken_bytes, taken_at: self.taken_at });
    }

    /// Records an acknowledgement. A false count or a false `held_ms` moves this client's own window within its bounds, and nothing else.
    pub fn taken(&mut self, Taken { bytes, held_ms }: Taken, now: Duration) {
        let now = now.saturating_sub(Duration::from_millis(held_ms.into())).max(self.acknowledged_at);
        // Only a client that was kept waiting for credit shows how fast it is: otherwise the source was the slower one.
        let was_full = self.under_way_bytes >= self.window_bytes / 2;
        let mut left = bytes.min(self.under_way_bytes);
        self.under_way_bytes -= left;
        self.taken_bytes += u64::from(left);
        let mut done = None;
        while let Some(frame) = self.frames.front_mut() {
            if frame.bytes > left {
                frame.bytes -= left;
                break;
            }
            left -= frame.bytes;
            done = self.frames.pop_front();
        }
        if let Some(frame) = done {
            let trip = now.saturating_sub(frame.sent_at);
            self.round_trip = if frame.probe { Some(trip) } else { self.round_trip.map(|known| known.min(trip)) };
            let micros = now.saturating_sub(frame.taken_at).as_micros().max(1);
            let rate = u64::try_from(u128::from(self.taken_bytes - frame.taken_bytes) * 1_000_000 / micros).unwrap_or(u64::MAX);
            self.rate_bytes_per_second = match self.rate_bytes_per_second {
                None => was_full.then_some(rate),
                Some(known) if was_full || rate > known => Some(known - known / 4 + rate / 4),
                known => known,
            };
            self.follow();
        }
        (self.taken_at, self.acknowledged_at) = (now, now);
        self.draining = !self.is_drained() && self.probe_due(now);
    }

    fn follow(&mut self) {
        let (Some(rate), Some(trip)) = (self.rate_bytes_per_second, self.round_trip) else { return };
        let drained_in = |time: Duration| u64::try_from(u128::from(rate) * time.as_micros() / 1_000_000).unwrap_or(u64::MAX);
        // However fast the client is, a stall leaves no more behind than this, or than two round trips need.
        let most = drained_in(trip * 2).max(u64::from(CREDIT_BYTES_QUICK)).min(u64::from(self.ceiling_bytes));
        let window = drained_in(trip + Duration::from_millis(QUEUE_MS)).clamp(u64::from(CREDIT_BYTES_MIN).min(most), most);
        self.window_bytes = u32::try_from(window).unwrap_or(self.ceiling_bytes);
    }
}

/// An acknowledgement: how much output a client has processed since the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The output, in bytes.
    pub bytes: u32,
    /// The time since the last of these bytes was processed, in milliseconds. The server subtracts it from the round trip.
    pub held_ms: u16,
}

impl Taken {
    /// An acknowledgement of this many bytes, sent as soon as they are processed.
    pub fn now(bytes: u32) -> Self {
        Self { bytes, held_ms: 0 }
    }
}

/// Output that a client has processed and not acknowledged. Gathering saves messages, each of which wakes the server. Times are since any fixed moment, the same one for every call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unacknowledged {
    bytes: u32,
    /// When the last of it was processed.
    at: Duration,
}

impl Unacknowledged {
    /// Whether all that was processed is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Adds output that was processed just now. Some: an acknowledgement that has to go at once. None: it may be kept back until the client sends
    /// something else, and no longer than [`UNACKNOWLEDGED_MS_MAX`](crate::limits::UNACKNOWLEDGED_MS_MAX).
    pub fn add(&mut self, bytes: u32, now: Duration) -> Option<Taken> {
        (self.bytes, self.at) = (self.bytes.saturating_add(bytes), now);
        if self.bytes < UNACKNOWLEDGED_BYTES_MAX { None } else { self.take(now) }
    }

    /// The acknowledgement of all that was processed; none if that was acknowledged.
    pub fn take(&mut self, now: Duration) -> Option<Taken> {
        let held_ms = u16::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u16::MAX);
        Some(std::mem::take(&mut self.bytes)).filter(|bytes| *bytes > 0).map(|bytes| Taken { bytes, held_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{CREDIT_BYTES_MAX, UNACKNOWLEDGED_MS_MAX};

    const MS: Duration = Duration::from_millis(1);

    /// Runs a source that always has more against a client that takes `rate` bytes a second at a distance of `trip`, and gives the most that
    /// was under way in the second half.
    fn run(rate: u64, trip: Duration, time: Duration) -> u32 {
        let mut credit = Credit::new(CREDIT_BYTES_MAX);
        let (mut now, mut drained_until, mut most) = (Duration::ZERO, Duration::ZERO, 0);
        let mut acks: VecDeque<(Duration, u32)> = VecDeque::new();
        while now < time {
            let bytes = credit.room().min(credit.frame_bytes_max(now));
            if bytes > 0 && bytes >= credit.frame_bytes_max(now).min(2048) {
                credit.sent(bytes, now);
                drained_until = drained_until.max(now + trip / 2) + Duration::from_micros(bytes as u64 * 1_000_000 / rate);
                acks.push_back((drained_until + trip / 2, bytes as u32));
            } else {
                let (at, bytes) = acks.pop_front().unwrap();
                now = now.max(at);
                credit.taken(Taken::now(bytes), now);
            }
            if now > time / 2 {
                most = most.max(credit.under_way_bytes);
            }
        }
        most
    }

    #[test]
    fn a_client_that_claims_more_than_it_got_gains_nothing() {
        let mut credit = Credit::new(CREDIT_BYTES_MAX);
        let start = credit.room();
        credit.sent(1000, MS);
        assert_eq!(credit.room(), start - 1000);
        credit.taken(Taken::now(u32::MAX), MS * 2);
        assert_eq!(credit.under_way_bytes, 0);
        assert!(credit.room() <= CREDIT_BYTES_QUICK as usize);
        credit.taken(Taken::now(u32::MAX), MS * 3);
        assert_eq!((credit.under_way_bytes, credit.owed_since()), (0, None));
    }

    #[test]
    fn a_slow_reader_has_little_under_way() {
        let most = run(200_000, MS, Duration::from_secs(5));
        assert!(most <= 200_000 * (QUEUE_MS as u32 + 20) / 1000, "{most}");
    }

    #[test]
    fn a_quick_reader_nearby_leaves_no_more_behind_than_the_quick_window() {
        let most = run(50_000_000, MS / 4, Duration::from_secs(1));
        assert!(most > CREDIT_BYTES_QUICK / 2 && most <= CREDIT_BYTES_QUICK, "{most}");
    }

    #[test]
    fn a_distant_reader_gets_the_window_its_round_trip_needs() {
        let most = run(5_000_000, MS * 100, Duration::from_secs(10));
        assert!((500_000..=CREDIT_BYTES_MAX).contains(&most), "{most}");
    }

    /// A frame can be 4 KiB longer than asked for; when only shorter ones counted as probes, a flood of more than ten seconds crawled.
    #[test]
    fn a_long_flood_in_frames_that_are_a_little_too_long_stays_quick() {
        let mut credit = Credit::new(CREDIT_BYTES_MAX);
        let (mut now, mut sent) = (Duration::ZERO, 0);
        let mut acks: VecDeque<(Duration, u32)> = VecDeque::new();
        while now < Duration::from_secs(30) {
            if credit.room() > 0 {
                let bytes = credit.room().min(credit.frame_bytes_max(now)) + 4096;
                credit.sent(bytes, now);
                acks.push_back((now + MS, bytes as u32));
                sent += bytes;
            } else {
                let (at, bytes) = acks.pop_front().unwrap();
                now = now.max(at);
                credit.taken(Taken::now(bytes), now);
            }
        }
        // Half a window in every round trip, at least.
        assert!(sent > 30_000 * CREDIT_BYTES_QUICK as usize / 2, "{sent}");
    }

    #[test]
    fn a_client_that_acknowledges_nothing_holds_a_bounded_number_of_frames() {
        let mut credit = Credit::new(CREDIT_BYTES_MAX);
        while credit.room() > 0 {
            credit.sent(1, MS);
        }
        assert!(credit.frames.len() <= FRAMES_MAX);
    }

    #[test]
    fn a_reader_that_stalled_is_quick_again_once_it_is() {
        let mut credit = Credit::new(CREDIT_BYTES_MAX);
        let mut now = MS;
        let round = |credit: &mut Credit, now: &mut Duration, wait: Duration| {
            let bytes = credit.room().min(credit.frame_bytes_max(*now));
            credit.sent(bytes, *now);
            *now += wait;
            credit.taken(Taken::now(bytes as u32), *now);
        };
        for _ in 0..50 {
            round(&mut credit, &mut now, MS);
        }
        let quick = credit.window_bytes;
        round(&mut credit, &mut now, Duration::from_secs(8));
        for _ in 0..50 {
            round(&mut credit, &mut now, MS);
        }
        assert!(credit.window_bytes >= quick / 2, "{} of {quick}", credit.window_bytes);
    }

    /// A client that keeps acknowledgements back counts as no further away.
    #[test]
    fn acknowledgements_that_are_kept_back_do_not_change_the_round_trip() {
        let (mut credit, mut now) = (Credit::new(CREDIT_BYTES_MAX), MS);
        let trip = Duration::from_millis(2);
        for _ in 0..200 {
            credit.sent(40, now);
            now += trip;
            let mut kept = Unacknowledged::default();
            assert_eq!(kept.add(40, now), None, "an echo wakes nobody by itself");
            now += Duration::from_millis(UNACKNOWLEDGED_MS_MAX.into());
            credit.taken(kept.take(now).unwrap(), now);
            assert_eq!(credit.round_trip, Some(trip));
        }
        assert_eq!((credit.under_way_bytes, credit.room() > 0), (0, true));
    }

    /// What a client keeps back must not look like output that is still under way when the round trip is measured anew: that would stop a flood for as
    /// long as it is kept back.
    #[test]
    fn a_flood_goes_on_while_its_client_keeps_a_little_back() {
        let (mut credit, mut kept) = (Credit::new(CREDIT_BYTES_MAX), Unacknowledged::default());
        let (mut now, mut sent, mut waits) = (Duration::ZERO, 0_u64, 0);
        let mut parsed: VecDeque<(Duration, u32)> = VecDeque::new();
        while now < Duration::from_secs(30) {
            // Every third frame is short: a pty gives what it has.
            let bytes = credit.room().min(credit.frame_bytes_max(now)).min(if sent % 3 == 0 { 700 } else { usize::MAX });
            if bytes > 0 {
                credit.sent(bytes, now);
                parsed.push_back((now + MS, bytes as u32));
                sent += 1;
            } else if let Some((at, bytes)) = parsed.pop_front() {
                now = now.max(at);
                if let Some(taken) = kept.add(bytes, now) {
                    credit.taken(taken, now);
                }
            } else {
                waits += 1;
                now += Duration::from_millis(UNACKNOWLEDGED_MS_MAX.into());
                credit.taken(kept.take(now).unwrap(), now);
            }
        }
        assert_eq!(waits, 0, "it waited for what the client kept back");
    }

    /// A client that acknowledged nothing was not missed as long as it was sent a little now and then.
    #[test]
    fn a_client_that_takes_nothing_owes_since_the_first_frame_however_little_it_is_sent() {
        let mut credit = Credit::new(CREDIT_BYTES_MAX);
        for second in 1..60 {
            credit.sent(20, MS * 1000 * second);
        }
        assert_eq!(credit.owed_since(), Some(MS * 1000));
    }

    #[test]
    fn much_is_acknowledged_at_once_and_all_of_it_once() {
        let mut kept = Unacknowledged::default();
        assert_eq!(kept.take(MS), None);
        assert_eq!(kept.add(UNACKNOWLEDGED_BYTES_MAX - 1, MS), None);
        assert_eq!(kept.add(1, MS * 5), Some(Taken::now(UNACKNOWLEDGED_BYTES_MAX)));
        assert_eq!(kept.take(MS * 6), None);
        assert_eq!(kept.add(7, MS * 7), None);
        assert_eq!(kept.take(MS * 10), Some(Taken { bytes: 7, held_ms: 3 }));
    }
}
