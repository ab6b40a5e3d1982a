//! Asking hosts: a sweep of all users of a host, one user alone, and the refresh that a person asks for.

use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use crate::transport::Purpose;
use muxboard_core::inventory::User;
use muxboard_core::limits::REFRESH_SECONDS_MAX;
use muxboard_core::name::HostKey;
use muxboard_core::policy::{Permit, Refresh};
use muxboard_core::section::Section;
use muxboard_core::snapshot::HostState;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

impl Fleet {
    /// Sweeps a host unless a sweep began since `asked`.
    pub(crate) async fn sweep(&self, entry: &HostEntry, asked: Instant, purpose: Purpose) {
        let _slot = entry.sweep_lock.lock().await;
        if lock(&entry.began).is_some_and(|began| began >= asked) {
            return;
        }
        *lock(&entry.began) = Some(Instant::now());
        // New sessions: their panes are known only after the first time. Or it was asked too hastily.
        let asks_again = self.ask(entry, purpose).await;
        if asks_again {
            self.ask(entry, purpose).await;
        }
    }

    /// Asks a host once. True if asking again would bring more.
    async fn ask(&self, entry: &HostEntry, purpose: Purpose) -> bool {
        let questions = lock(&entry.sweeper).questions(&entry.host, purpose);
        let answer = entry.transport.run(&entry.host, &questions.script, questions.bounds(), purpose).await;
        let up = answer.is_ok();
        let mut sweeper = lock(&entry.sweeper);
        if sweeper.fast_path_timed_out(&questions, &answer) {
            return true;
        }
        let background = purpose == Purpose::Look && !entry.has_viewers() && entry.transport.is_crowded();
        sweeper.answered(&entry.host, &questions, answer);
        self.publish(entry, &sweeper);
        up && sweeper.lacks_previews() && !background
    }

    /// Looks at one user alone. Waits for no sweep: another user's server may keep one busy. False if the host did not answer.
    pub(crate) async fn refresh_user(&self, entry: &HostEntry, user: &User) -> bool {
        let began = Instant::now();
        let answer = entry.transport.list(&entry.host, user, Purpose::Refresh).await;
        let answered = answer.is_ok();
        let mut sweeper = lock(&entry.sweeper);
        match answer {
            Ok(section) => sweeper.user_answered(&entry.host, user, began, section),
            Err(fault) => sweeper.found(HostState::Fault(fault)),
        }
        self.publish(entry, &sweeper);
        answered
    }

    /// A user's server did not answer in time: the next sweep knows, and asks less often.
    pub(crate) fn note_no_answer(&self, entry: &HostEntry, user: &User, began: Instant) {
        let mut sweeper = lock(&entry.sweeper);
        sweeper.user_answered(&entry.host, user, began, Section::silent());
        self.publish(entry, &sweeper);
    }

    /// Looks at the hosts of these permits now. A host that was asked within `refresh_min` is asked again when that time is over: whoever
    /// refreshes sees what is true after the click, and a hundred clicks are one sweep. Hosts that do not answer are not waited for for long.
    pub async fn refresh(self: &Arc<Self>, permits: &[Permit<Refresh>]) {
        let asked = Instant::now();
        let wanted: HashSet<&HostKey> = permits.iter().map(|p| &p.place().host).collect();
        let mut looks = JoinSet::new();
        for entry in self.hosts().entries.iter().filter(|entry| wanted.contains(&entry.host.key)) {
            let (fleet, entry) = (self.clone(), entry.clone());
            looks.spawn(async move {
                let rested = lock(&entry.began).map(|began| began + fleet.settings.refresh_min);
                // A timer that is due already still waits for the next millisecond.
                if let Some(rested) = rested.filter(|rested| *rested > asked) {
                    sleep_until(rested).await;
                }
                fleet.sweep(&entry, asked, Purpose::Refresh).await;
                fleet.ask_login_paths(&entry);
            });
        }
        let _ = timeout(Duration::from_secs(REFRESH_SECONDS_MAX), async { while looks.join_next().await.is_some() {} }).await;
    }
}
