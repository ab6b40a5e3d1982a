//! Who looks at what: a host that somebody looks at is swept often, a user whose terminal has output is asked alone.

use crate::fleet::Fleet;
use crate::lock::lock;
use muxboard_core::limits::WATCHED_SWEEP_MS;
use muxboard_core::name::HostKey;
use muxboard_core::snapshot::Place;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Somebody looks at some hosts.
pub struct Look {
    viewer_count: Vec<Arc<AtomicUsize>>,
}

impl Drop for Look {
    fn drop(&mut self) {
        for viewer_count in &self.viewer_count {
            viewer_count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Fleet {
    /// Says that somebody looks at these hosts: they are swept often as long as the answer lives.
    pub fn look(&self, hosts: &HashSet<HostKey>) -> Look {
        let all = self.hosts();
        let looked_at = all.entries.iter().filter(|entry| hosts.contains(&entry.host.key)).map(|entry| {
            if entry.viewer_count.fetch_add(1, Ordering::SeqCst) == 0 {
                entry.viewed.notify_one();
            }
            entry.viewer_count.clone()
        });
        Look { viewer_count: looked_at.collect() }
    }

    /// Says that a session of this place has output: its user is looked at within [`WATCHED_SWEEP_MS`]. A terminal that is idle costs
    /// no look: without output tmux cannot have led it to another session.
    pub fn stir(self: &Arc<Self>, place: &Place) {
        let Some(entry) = self.entry(&place.host) else { return };
        if entry.has_viewers() || !lock(&entry.with_output).insert(place.user.clone()) {
            return;
        }
        let (fleet, place) = (self.clone(), place.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(WATCHED_SWEEP_MS)).await;
            let Ok((entry, user)) = fleet.at(&place) else { return };
            let rests = || lock(&entry.sweeper).rests(&user, Instant::now());
            // Through sudo a look may have to wait until sudo's log has room for it: it is put off, not left out.
            while !rests() && !lock(&entry.sweeper).due(&user, Instant::now(), true) {
                tokio::time::sleep(Duration::from_millis(WATCHED_SWEEP_MS)).await;
            }
            lock(&entry.with_output).remove(&place.user);
            if !rests() {
                fleet.refresh_user(&entry, &user).await;
            }
        });
    }
}
