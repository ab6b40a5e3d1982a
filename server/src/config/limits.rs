//! The limits of the configuration: as written, then validated.

use super::text::{ConfigError, ConfigText};
use muxboard_core::limits::{OUTPUT_FRAME_BYTES_MAX, QUEUE_BYTES_MAX};
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
    queue_bytes: Option<Spanned<usize>>,
    stall_seconds: Option<Spanned<u64>>,
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
                Some(hours) if *hours.get_ref() > 0.0 && *hours.get_ref() <= 8760.0 => Duration::from_secs_f64(hours.get_ref() * 3600.0),
                Some(hours) => return Err(text.at(hours, "attach_hours must be more than 0 and at most 8760 (a year)")),
            },
            queue_bytes: match &self.queue_bytes {
                None => defaults.queue_bytes,
                Some(bytes) if (OUTPUT_FRAME_BYTES_MAX..=QUEUE_BYTES_MAX * 16).contains(bytes.get_ref()) => *bytes.get_ref(),
                Some(bytes) => return Err(text.at(bytes, "queue_bytes must be between 65536 and 67108864")),
            },
            stall: match &self.stall_seconds {
                None => defaults.stall,
                Some(seconds) if (1..=86_400).contains(seconds.get_ref()) => Duration::from_secs(*seconds.get_ref()),
                Some(seconds) => return Err(text.at(seconds, "stall_seconds must be between 1 and 86400")),
            },
        })
    }
}
