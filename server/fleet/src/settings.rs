//! How a fleet is run: how often it looks, the limits of what is opened, how it uses ssh.

use crate::attach::AttachLimits;
use crate::report::Audit;
use crate::transport::SshSettings;
use muxboard_core::limits::{REFRESH_SECONDS_MIN, SWEEP_SECONDS};
use std::sync::Arc;
use std::time::Duration;

/// How a fleet is run.
pub struct Settings {
    /// The time between two sweeps of a host without viewers.
    pub sweep: Duration,
    /// The shortest time between two sweeps of a host that persons ask for.
    pub refresh_min: Duration,
    /// The limits of live terminals.
    pub attach: AttachLimits,
    /// The time after an upload at which old files are removed; `None` for the age at which that upload itself is too old.
    pub expire_after: Option<Duration>,
    /// How ssh is used.
    pub ssh: SshSettings,
    /// True if a key typed against a backlog of output from another machine opens a fresh terminal that replaces the old one.
    pub overtake: bool,
    /// The sink of audit events.
    pub audit: Audit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sweep: Duration::from_secs(SWEEP_SECONDS),
            refresh_min: Duration::from_secs(REFRESH_SECONDS_MIN),
            attach: AttachLimits::default(),
            expire_after: None,
            ssh: SshSettings::default(),
            overtake: true,
            audit: Arc::new(|_| {}),
        }
    }
}
