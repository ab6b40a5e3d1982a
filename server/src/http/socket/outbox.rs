//! The output on its way to a terminal's client: never more than the client has room for.

use axum::extract::ws::Message;
use muxboard_core::flow::Credit;
use muxboard_core::flow::Taken;
use muxboard_core::limits::{CREDIT_BYTES_MAX, DRY_MS, OUTPUT_FRAME_BYTES_MAX, OUTPUT_FRAME_MS};
use muxboard_core::wire::ToClient;
use muxboard_fleet::AttachLimits;
use std::time::Duration;
use tokio::time::Instant;

/// Output on its way to the client: a frame that is being filled, when it may go, and how much the client has not taken yet.
pub(super) struct Outbox {
    pub(super) frame: Vec<u8>,
    /// The length of the last frame, in bytes: the next buffer begins with this capacity, so that it is not copied while it grows.
    last_bytes: usize,
    pub(super) not_before: Instant,
    credit: Credit,
    began: Instant,
    /// Since when the client leaves no room for more, and for how long it left none before, since all that had come was last read.
    pub(super) closed: Option<Instant>,
    waited: Duration,
    /// Since when there is nothing to read.
    dry: Option<Instant>,
}

impl Outbox {
    pub(super) fn new(limits: AttachLimits) -> Self {
        let ceiling = u32::try_from(limits.queue_bytes).unwrap_or(u32::MAX).min(CREDIT_BYTES_MAX);
        Self {
            frame: Vec::new(),
            last_bytes: 0,
            not_before: Instant::now(),
            credit: Credit::new(ceiling),
            began: Instant::now(),
            closed: None,
            waited: Duration::ZERO,
            dry: None,
        }
    }

    pub(super) fn held(&self) -> usize {
        self.frame.len().saturating_sub(1)
    }

    /// How far the frame may be filled, its tag included.
    pub(super) fn limit(&self) -> usize {
        1 + self.credit.room().min(self.credit.frame_bytes_max(self.began.elapsed())).min(OUTPUT_FRAME_BYTES_MAX)
    }

    pub(super) fn is_open(&self) -> bool {
        self.frame.len().max(1) < self.limit()
    }

    /// Notes whether the client leaves room for more output, and since when it does not. Call it before every wait.
    pub(super) fn note_backpressure(&mut self) {
        if self.is_open() {
            self.waited += self.closed.take().map_or(Duration::ZERO, |since| since.elapsed());
        } else if self.closed.is_none() {
            self.closed = Some(Instant::now());
        }
    }

    /// Notes whether the last read took all output there was. A moment without output does not end a backlog: ssh fills a terminal by the kilobyte.
    pub(super) fn note_drained(&mut self, dry: bool) {
        if dry {
            self.dry.get_or_insert_with(Instant::now);
        } else if self.dry.take().is_some_and(|since| since.elapsed() > Duration::from_millis(DRY_MS)) {
            self.waited = Duration::ZERO;
        }
    }

    /// For how long output has waited for a client that is too slow for it.
    pub(super) fn behind(&self) -> Duration {
        if self.dry.is_some_and(|since| since.elapsed() > Duration::from_millis(DRY_MS)) {
            return Duration::ZERO;
        }
        self.waited + self.closed.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Drops output that was not sent, and resets the client's terminal: CAN ends a sequence that was cut, RIS resets.
    pub(super) fn reset(&mut self) {
        self.frame.clear();
        self.open().extend_from_slice(b"\x18\x1bc");
        (self.closed, self.waited, self.dry) = (None, Duration::ZERO, None);
        self.not_before = Instant::now();
    }

    /// The frame to read into: the output follows its tag, so that it is copied once on its way, into the WebSocket's buffer.
    pub(super) fn open(&mut self) -> &mut Vec<u8> {
        if self.frame.is_empty() {
            self.frame.reserve(self.last_bytes);
            self.frame.push(ToClient::OUTPUT_TAG);
        }
        &mut self.frame
    }

    /// Whether what is held may go now, and not only when its time has come.
    pub(super) fn is_due(&self) -> bool {
        self.held() > 0 && (self.frame.len() >= self.limit() || Instant::now() >= self.not_before)
    }

    pub(super) fn take(&mut self) -> Message {
        self.credit.sent(self.held(), self.began.elapsed());
        self.not_before = Instant::now() + Duration::from_millis(OUTPUT_FRAME_MS);
        self.last_bytes = self.frame.len();
        Message::Binary(std::mem::take(&mut self.frame).into())
    }

    pub(super) fn taken(&mut self, taken: Taken) {
        self.credit.taken(taken, self.began.elapsed());
    }

    pub(super) fn is_stalled(&self, limits: AttachLimits) -> bool {
        self.credit.owed_since().is_some_and(|since| self.began.elapsed().saturating_sub(since) > limits.stall)
    }
}
