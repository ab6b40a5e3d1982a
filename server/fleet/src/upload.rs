//! Files from a page into an account: written as that user, by the one way that the documented sudoers line leaves.

use muxboard_core::limits::{UPLOAD_BYTES_MAX, UPLOAD_HOURS};
use std::time::Duration;

/// The limits of uploads, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// The largest file, in bytes.
    pub bytes_max: u64,
    /// How long a file is kept.
    pub keep: Duration,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self { bytes_max: UPLOAD_BYTES_MAX, keep: Duration::from_secs(UPLOAD_HOURS * 3600) }
    }
}
