//! The state that all requests share. It knows no URL and no page.

use crate::access::refusals::RefusalCounter;
use crate::access::rules::Rules;
use crate::access::throttle::Throttle;
use crate::audit::AuditFile;
use muxboard_app::base::Base;
use muxboard_fleet::{Audit, Fleet, Slots};
use std::sync::Arc;
use tokio::sync::watch;

/// The state that all requests share.
pub(crate) struct AppState {
    pub(crate) fleet: Arc<Fleet>,
    /// Live connections hear when they change.
    pub(crate) rules: watch::Sender<Arc<Rules>>,
    pub(crate) base: Base,
    /// The way back to the application that the board is part of: words and URL.
    pub(crate) home: Option<(String, String)>,
    pub(crate) boards: Arc<Slots>,
    pub(crate) throttle: Throttle,
    pub(crate) audit: Audit,
    /// The audit file, if audit events go to one.
    pub(crate) audit_file: Option<Arc<AuditFile>>,
    /// The refusals of callers without an identity.
    pub(crate) refusals: Arc<RefusalCounter>,
    /// True once the server stops. Every live connection holds a receiver to its very end.
    pub(crate) stop: watch::Sender<bool>,
}

impl AppState {
    /// The rules as they are now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.borrow().clone()
    }

    /// Waits until all audit events so far are on the disk, where the configuration promises that.
    pub(crate) async fn flush_audit(&self) {
        if let Some(file) = &self.audit_file {
            file.flush().await;
        }
    }
}
