//! How many requests a source may send.

use super::peer::Source;
use crate::log_limiter::LogLimiter;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use muxboard_core::limits::{REQUESTS_BURST_SECONDS, SOURCES_MAX};
use std::num::NonZeroU32;

/// How many requests a source may send.
pub(crate) struct Throttle {
    limiter: Option<DefaultKeyedRateLimiter<Source>>,
    pub(crate) refused: LogLimiter,
}

impl Throttle {
    /// `per_second` on average; none if it is 0.
    pub(crate) fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).zip(NonZeroU32::new(per_second.saturating_mul(REQUESTS_BURST_SECONDS)));
        let limiter = quota.map(|(rate, burst)| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)));
        Self { limiter, refused: LogLimiter::default() }
    }

    pub(crate) fn lets_through(&self, source: Source) -> bool {
        let Some(limiter) = &self.limiter else { return true };
        if limiter.len() > SOURCES_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(&source.counted()).is_ok()
    }
}
