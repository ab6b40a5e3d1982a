//! Who looks at what: a host that somebody looks at is swept often, a user whose terminal has output is glanced at.

use crate::cell::short;
use crate::fleet::Fleet;
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
    lookers: Vec<Arc<AtomicUsize>>,
}

impl Drop for Look {
    fn drop(&mut self) {
        for lookers in &self.lookers {
            lookers.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Fleet {
    /// Says that somebody looks at these hosts: they are swept often as long as the answer lives.
    pub fn look(&self, hosts: &HashSet<HostKey>) -> Look {
        let all = self.hosts();
        let looked_at = all.cells.iter().filter(|cell| hosts.contains(&cell.host.key)).map(|cell| {
            if cell.lookers.fetch_add(1, Ordering::SeqCst) == 0 {
                cell.looked.notify_one();
            }
            cell.lookers.clone()
        });
        Look { lookers: looked_at.collect() }
    }

    /// Says that a session of this place has output: its user is looked at within [`WATCHED_SWEEP_MS`]. A terminal that is idle costs
    /// no look: without output tmux cannot have led it to another session.
    pub fn stir(self: &Arc<Self>, place: &Place) {
        let Some(cell) = self.cell(&place.host) else { return };
        if cell.is_looked_at() || !short(&cell.stirred).insert(place.user.clone()) {
            return;
        }
        let (fleet, place) = (self.clone(), place.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(WATCHED_SWEEP_MS)).await;
            let Ok((cell, user)) = fleet.at(&place) else { return };
            let rests = || short(&cell.sweeper).rests(&user, Instant::now());
            // Through sudo a look may have to wait until sudo's log has room for it: it is put off, not left out.
            while !rests() && !short(&cell.sweeper).due(&user, Instant::now(), true) {
                tokio::time::sleep(Duration::from_millis(WATCHED_SWEEP_MS)).await;
            }
            short(&cell.stirred).remove(&place.user);
            if !rests() {
                fleet.glance(&cell, &user).await;
            }
        });
    }
}
