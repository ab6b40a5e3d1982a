//! Asking hosts: a sweep of all users of a host, one user alone, and the refresh that a person asks for.

use crate::cell::{HostCell, short};
use crate::fleet::Fleet;
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
    pub(crate) async fn sweep(&self, cell: &HostCell, asked: Instant, purpose: Purpose) {
        let _turn = cell.turn.lock().await;
        if short(&cell.began).is_some_and(|began| began >= asked) {
            return;
        }
        *short(&cell.began) = Some(Instant::now());
        // New sessions: their panes are known only after the first time. Or it was asked too hastily.
        let asks_again = self.ask(cell, purpose).await;
        if asks_again {
            self.ask(cell, purpose).await;
        }
    }

    /// Asks a host once. True if asking again would bring more.
    async fn ask(&self, cell: &HostCell, purpose: Purpose) -> bool {
        let questions = short(&cell.sweeper).questions(&cell.host, purpose);
        let answer = cell.transport.run(&cell.host, &questions.script, questions.bounds(), purpose).await;
        let up = answer.is_ok();
        let mut sweeper = short(&cell.sweeper);
        if sweeper.was_too_hasty(&questions, &answer) {
            return true;
        }
        let unhurried = purpose == Purpose::Look && !cell.is_looked_at() && cell.transport.is_crowded();
        sweeper.answered(&cell.host, &questions, answer);
        self.publish(cell, &sweeper);
        up && sweeper.lacks_previews() && !unhurried
    }

    /// Looks at one user alone. Waits for no sweep: another user's server may keep one busy. False if the host did not answer.
    pub(crate) async fn glance(&self, cell: &HostCell, user: &User) -> bool {
        let began = Instant::now();
        let answer = cell.transport.list(&cell.host, user, Purpose::Refresh).await;
        let answered = answer.is_ok();
        let mut sweeper = short(&cell.sweeper);
        match answer {
            Ok(section) => sweeper.glanced(&cell.host, user, began, section),
            Err(fault) => sweeper.found(HostState::Fault(fault)),
        }
        self.publish(cell, &sweeper);
        answered
    }

    /// A user's server did not answer in time: the next sweep knows, and asks less often.
    pub(crate) fn heard_nothing(&self, cell: &HostCell, user: &User, began: Instant) {
        let mut sweeper = short(&cell.sweeper);
        sweeper.glanced(&cell.host, user, began, Section::silent());
        self.publish(cell, &sweeper);
    }

    /// Looks at the hosts of these permits now. A host that was asked within `refresh_min` is asked again when that time is over: whoever
    /// refreshes sees what is true after the click, and a hundred clicks are one sweep. Hosts that do not answer are not waited for for long.
    pub async fn refresh(self: &Arc<Self>, permits: &[Permit<Refresh>]) {
        let asked = Instant::now();
        let wanted: HashSet<&HostKey> = permits.iter().map(|p| &p.place().host).collect();
        let mut looks = JoinSet::new();
        for cell in self.hosts().cells.iter().filter(|cell| wanted.contains(&cell.host.key)) {
            let (fleet, cell) = (self.clone(), cell.clone());
            looks.spawn(async move {
                let rested = short(&cell.began).map(|began| began + fleet.settings.refresh_min);
                // A timer that is due already still waits for the next millisecond.
                if let Some(rested) = rested.filter(|rested| *rested > asked) {
                    sleep_until(rested).await;
                }
                fleet.sweep(&cell, asked, Purpose::Refresh).await;
                fleet.ask_login_paths(&cell);
            });
        }
        let _ = timeout(Duration::from_secs(REFRESH_SECONDS_MAX), async { while looks.join_next().await.is_some() {} }).await;
    }
}
