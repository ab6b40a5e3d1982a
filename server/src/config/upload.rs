//! Uploads in the configuration: as written, then validated. Off unless it says otherwise.

use super::text::{ConfigError, ConfigText, within};
use muxboard_core::limits::{UPLOAD_BYTES_MAX, UPLOAD_BYTES_MOST, UPLOAD_HOURS, UPLOAD_HOURS_MAX};
use muxboard_fleet::UploadLimits;
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUpload {
    #[serde(default)]
    enabled: bool,
    max_bytes: Option<Spanned<i64>>,
    expire_hours: Option<Spanned<i64>>,
}

impl RawUpload {
    /// # Errors
    /// The first mistake in it, whether uploads are on or not.
    pub(super) fn validate(&self, text: &ConfigText<'_>) -> Result<Option<UploadLimits>, ConfigError> {
        let bytes_max = within(text, self.max_bytes.as_ref(), "max_bytes", UPLOAD_BYTES_MAX, 1..=UPLOAD_BYTES_MOST)?;
        let hours = within(text, self.expire_hours.as_ref(), "expire_hours", UPLOAD_HOURS, 1..=UPLOAD_HOURS_MAX)?;
        Ok(self.enabled.then(|| UploadLimits { bytes_max, keep: Duration::from_secs(hours * 3600) }))
    }
}
