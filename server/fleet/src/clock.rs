//! The clock: the one place that reads the time of day.

use muxboard_core::snapshot::UnixSeconds;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch; the largest number while the machine's clock is before it, so that what expires has expired.
pub fn unix_now() -> UnixSeconds {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(UnixSeconds::MAX, |d| d.as_secs())
}
