//! The sweeps that nobody asks for: a loop for every host, for as long as the host is configured.

use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use crate::transport::Purpose;
use futures_util::FutureExt;
use muxboard_core::limits::{SPREAD_HOSTS_MIN, WATCHED_SWEEP_MS};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

impl Fleet {
    /// Sweeps every configured host, each in a loop of its own, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut hosts = self.hosts.subscribe();
        let mut loops = JoinSet::new();
        let mut running: HashMap<u64, AbortHandle> = HashMap::new();
        loop {
            let now = hosts.borrow_and_update().clone();
            while loops.try_join_next().is_some() {}
            running.retain(|number, task| {
                let stays = now.entries.iter().any(|entry| entry.number == *number);
                if !stays {
                    task.abort();
                }
                stays
            });
            for entry in &now.entries {
                running.entry(entry.number).or_insert_with(|| {
                    let (fleet, entry) = (self.clone(), entry.clone());
                    loops.spawn(async move { again_after_panic(fleet.settings.sweep, || fleet.follow(&entry)).await })
                });
            }
            if hosts.changed().await.is_err() {
                return;
            }
        }
    }

    async fn follow(&self, entry: &Arc<HostEntry>) {
        loop {
            self.sweep(entry, Instant::now(), Purpose::Look).await;
            self.ask_login_paths(entry);
            let began = lock(&entry.began).unwrap_or_else(Instant::now);
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(self.due(entry, began)) => break,
                    () = entry.viewed.notified() => {}
                }
            }
        }
    }

    /// When the next sweep of a host is due, after one that began at `began`. In a big fleet every host has its own moment within the interval, so that a
    /// thousand hosts with viewers are swept one after the other.
    fn due(&self, entry: &HostEntry, began: Instant) -> Instant {
        let every = if entry.has_viewers() { Duration::from_millis(WATCHED_SWEEP_MS) } else { self.settings.sweep };
        let many = self.hosts().entries.len();
        if many < SPREAD_HOSTS_MIN {
            return began + every;
        }
        let moment = every.mul_f64((entry.number % many as u64) as f64 / many as f64);
        let earliest = (began + every / 2).max(Instant::now()).duration_since(self.began);
        let rounds = (earliest.saturating_sub(moment).as_secs_f64() / every.as_secs_f64()).ceil();
        self.began + moment + every.mul_f64(rounds)
    }
}

/// Runs a loop again when it has panicked, after a pause: a fault of ours in one sweep must not leave its host unasked for ever.
async fn again_after_panic<F: Future<Output = ()>>(pause: Duration, mut run: impl FnMut() -> F) {
    while AssertUnwindSafe(run()).catch_unwind().await.is_err() {
        tracing::error!("a sweep ended by a fault of muxboard itself; the host is asked again in {pause:?}");
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_panicked_runs_again() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut runs = 0;
        runtime.block_on(again_after_panic(Duration::ZERO, || {
            runs += 1;
            let run = runs;
            async move { assert!(run == 3, "a fault of ours, provoked by this test") }
        }));
        assert_eq!(runs, 3);
    }
}
