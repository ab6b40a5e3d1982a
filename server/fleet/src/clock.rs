//! The clock: the one place that reads the time of day.

use muxboard_core::snapshot::UnixSeconds;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch; 0 while the machine's clock is before it.
pub fn unix_now() -> UnixSeconds {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
