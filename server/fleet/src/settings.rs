//! How a fleet is run: how often it looks, the limits of what is opened, how it uses ssh.

use crate::attach::AttachLimits;
use crate::report::Audit;
use crate::transport::SshSettings;
use muxboard_core::limits::{REFRESH_SECONDS_MIN, SWEEP_SECONDS};
use std::sync::Arc;
use std::time::Duration;

/// How a fleet is run.
pub struct Settings {
    /// Between two sweeps of a host nobody looks at.
    pub sweep: Duration,
    /// A refresh waits until the last sweep is this old.
    pub refresh_min: Duration,
    /// The limits of live terminals.
    pub attach: AttachLimits,
    /// How long after an upload files that are too old are looked for; none: when that file is too old.
    pub expire_after: Option<Duration>,
    /// How we use ssh.
    pub ssh: SshSettings,
    /// A key typed against a backlog of output from another machine has a fresh terminal take the old one's place.
    pub overtake: bool,
    /// Where audit events go.
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
