//! The limits of the configuration: as written, then validated.

use super::text::{ConfigError, ConfigText, within};
use muxboard_core::limits::{ATTACH_HOURS_MAX, OUTPUT_FRAME_BYTES_MAX, QUEUE_BYTES_MAX, STALL_SECONDS, STALL_SECONDS_MAX};
use muxboard_fleet::AttachLimits;
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    attaches_per_principal: Option<usize>,
    attaches: Option<usize>,
    attach_hours: Option<Spanned<f64>>,
    queue_bytes: Option<Spanned<i64>>,
    stall_seconds: Option<Spanned<i64>>,
    pub(super) overtake: Option<bool>,
    pub(super) requests_per_second: Option<u32>,
    pub(super) connections: Option<Spanned<usize>>,
}

impl RawLimits {
    pub(super) fn validate(&self, text: &ConfigText<'_>) -> Result<AttachLimits, ConfigError> {
        let defaults = AttachLimits::default();
        Ok(AttachLimits {
            per_principal: self.attaches_per_principal.unwrap_or(defaults.per_principal),
            total: self.attaches.unwrap_or(defaults.total),
            lifetime: match &self.attach_hours {
                None => defaults.lifetime,
                Some(hours) if *hours.get_ref() > 0.0 && *hours.get_ref() <= ATTACH_HOURS_MAX => Duration::from_secs_f64(hours.get_ref() * 3600.0),
                Some(hours) => return Err(text.at(hours, format!("attach_hours must be more than 0 and at most {ATTACH_HOURS_MAX} (a year)"))),
            },
            queue_bytes: within(text, self.queue_bytes.as_ref(), "queue_bytes", defaults.queue_bytes, OUTPUT_FRAME_BYTES_MAX..=QUEUE_BYTES_MAX)?,
            stall: Duration::from_secs(within(text, self.stall_seconds.as_ref(), "stall_seconds", STALL_SECONDS, 1..=STALL_SECONDS_MAX)?),
        })
    }
}
