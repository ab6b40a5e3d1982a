//! Who looks at what: a host that somebody looks at is swept often, a user whose terminal has output is asked alone.

use crate::fleet::Fleet;
use crate::lock::lock;
use muxboard_core::limits::{TYPING_SECONDS_MAX, WATCHED_SWEEP_MS};
use muxboard_core::name::HostKey;
use muxboard_core::snapshot::Place;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// One viewer of some hosts, counted until dropped.
pub struct Viewer {
    counts: Vec<Arc<AtomicUsize>>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        for count in &self.counts {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Fleet {
    /// Adds a viewer of these hosts: they are swept every [`WATCHED_SWEEP_MS`] as long as the result lives.
    pub fn add_viewer(&self, hosts: &HashSet<HostKey>) -> Viewer {
        let all = self.hosts();
        let looked_at = all.entries.iter().filter(|entry| hosts.contains(&entry.host.key)).map(|entry| {
            if entry.viewer_count.fetch_add(1, Ordering::SeqCst) == 0 {
                entry.viewed.notify_one();
            }
            entry.viewer_count.clone()
        });
        Viewer { counts: looked_at.collect() }
    }

    /// Records that a session of this user has output: the user is asked after [`WATCHED_SWEEP_MS`], or once nobody has typed there for that long. An idle
    /// terminal costs no look: without output tmux cannot have moved it to another session. `typed` is when somebody last typed in the session.
    pub fn notice_output(self: &Arc<Self>, place: &Place, typed: Option<Instant>) {
        let Some(entry) = self.entry(&place.host) else { return };
        if entry.has_viewers() {
            return;
        }
        let mut with_output = lock(&entry.with_output);
        if let Some(known) = with_output.get_mut(&place.user) {
            *known = (*known).max(typed);
            return;
        }
        with_output.insert(place.user.clone(), typed);
        drop(with_output);
        let (fleet, place) = (self.clone(), place.clone());
        tokio::spawn(async move {
            fleet.wait_for_typing_pause(&place).await;
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

    /// Waits [`WATCHED_SWEEP_MS`], and until nobody has typed there for that long, but no longer than [`TYPING_SECONDS_MAX`]: a look starts processes, which
    /// would stand in the way of the next key.
    async fn wait_for_typing_pause(&self, place: &Place) {
        let pause = Duration::from_millis(WATCHED_SWEEP_MS);
        let last = Instant::now() + Duration::from_secs(TYPING_SECONDS_MAX);
        let mut until = Instant::now() + pause;
        loop {
            sleep_until(until).await;
            let typed = self.entry(&place.host).and_then(|entry| lock(&entry.with_output).get(&place.user).copied().flatten());
            match typed.map(|typed| (typed + pause).min(last)) {
                Some(quiet) if quiet > until => until = quiet,
                _ => return,
            }
        }
    }
}
