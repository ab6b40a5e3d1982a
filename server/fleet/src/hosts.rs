//! What the fleet holds of one host: the way there, what is known, who looks, and when it is asked next.

use crate::error::ActionError;
use crate::lock::lock;
use crate::random::sentinel;
use crate::sweep::Sweeper;
use crate::transport::{SshClient, Transport};
use muxboard_core::fault::Fault;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits::{CALLS_PER_USER, CALLS_WAITING_MAX, TURNS_MAX};
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::snapshot::{HostRow, UserState};
use muxboard_core::tmux::PaneId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// What the fleet holds of one host.
pub(crate) struct HostEntry {
    /// A number that no other entry of this process has.
    pub(crate) number: u64,
    pub(crate) host: Host,
    /// The host's row in the snapshot, for those who follow this host alone.
    pub(crate) row: Arc<watch::Sender<Arc<HostRow>>>,
    pub(crate) transport: Transport,
    pub(crate) sweeper: Mutex<Sweeper>,
    /// Held during a sweep: there is one at a time.
    pub(crate) sweep_lock: AsyncMutex<()>,
    /// When the last sweep began.
    pub(crate) began: Mutex<Option<Instant>>,
    /// How many viewers the host has.
    pub(crate) viewer_count: Arc<AtomicUsize>,
    pub(crate) viewed: Arc<Notify>,
    /// Users with output since they were last asked, for whom a refresh is scheduled, and when somebody last typed there.
    pub(crate) with_output: Mutex<HashMap<UnixUser, Option<Instant>>>,
    /// How often each pane was answered from here: an answer names the turn that it was given in, and each turn takes one.
    turns: Mutex<HashMap<(UnixUser, PaneId), u64>>,
    /// Begins the turns of this entry: those of an earlier one, or of an earlier process, are over.
    epoch: String,
    /// The slots for calls of each user.
    user_slots: Mutex<HashMap<UnixUser, Arc<UserSlots>>>,
}

/// Slots for calls of one user: calls under way, and calls under way or waiting.
struct UserSlots {
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// A permit for one call for a user.
pub(crate) struct UserSlot {
    _waiting: OwnedSemaphorePermit,
    _running: OwnedSemaphorePermit,
}

impl HostEntry {
    pub(crate) fn new(host: &Host, client: Option<&Arc<SshClient>>) -> Self {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self {
            number: number as u64,
            host: host.clone(),
            row: Arc::new(watch::Sender::new(Arc::new(Sweeper::new(host).row().clone()))),
            transport: Transport::new(host, number, client),
            sweeper: Mutex::new(Sweeper::new(host)),
            sweep_lock: AsyncMutex::default(),
            began: Mutex::default(),
            viewer_count: Arc::default(),
            viewed: Arc::default(),
            with_output: Mutex::default(),
            turns: Mutex::default(),
            epoch: sentinel(),
            user_slots: Mutex::default(),
        }
    }

    /// The entry of the same host with a changed configuration: it keeps the viewers and, where only users, label or order changed, the connections and
    /// what is known of users that stay.
    pub(crate) fn succeeded_by(&self, host: &Host, client: Option<&Arc<SshClient>>) -> Self {
        let mut next = Self::new(host, client);
        if self.host.reach == host.reach && self.host.login == host.login {
            next.transport = self.transport.clone();
            next.sweeper = Mutex::new(lock(&self.sweeper).succeeded_by(&self.host, host));
        }
        let row = Arc::new(lock(&next.sweeper).row().clone());
        self.row.send_replace(row);
        next.row = self.row.clone();
        (next.viewer_count, next.viewed) = (self.viewer_count.clone(), self.viewed.clone());
        next
    }

    /// The turn in which a pane can be answered now.
    pub(crate) fn turn(&self, user: &UnixUser, pane: PaneId) -> String {
        format!("{} {}", self.epoch, lock(&self.turns).get(&(user.clone(), pane)).copied().unwrap_or_default())
    }

    /// Ends that turn. False if another answer has: then nothing may be sent.
    pub(crate) fn take_turn(&self, user: &UnixUser, pane: PaneId, turn: &str) -> bool {
        let mut turns = lock(&self.turns);
        let number = turns.get(&(user.clone(), pane)).copied().unwrap_or_default();
        if turn != format!("{} {number}", self.epoch) || turns.len() >= TURNS_MAX && number == 0 {
            return false;
        }
        turns.insert((user.clone(), pane), number + 1);
        true
    }

    /// Refuses a question to a user reached through sudo whose server does not answer, until it is asked again: each question leaves a process of root's
    /// behind.
    pub(crate) fn refuse_resting(&self, user: &User) -> Result<(), ActionError> {
        if user.through_sudo && lock(&self.sweeper).rests(user, Instant::now()) {
            return Err(ActionError::User(UserState::Fault(Fault::not_answering(&self.host, &user.name))));
        }
        Ok(())
    }

    /// Waits for a slot for one call of a user. There are so few for each user that a server which does not answer holds up nobody but its own user.
    pub(crate) async fn acquire_user_slot(&self, user: &UnixUser) -> Result<UserSlot, ActionError> {
        let semaphore = |size| Arc::new(Semaphore::new(size));
        let fresh = || Arc::new(UserSlots { waiting: semaphore(CALLS_WAITING_MAX), running: semaphore(CALLS_PER_USER) });
        let user_slots = lock(&self.user_slots).entry(user.clone()).or_insert_with(fresh).clone();
        let waiting = user_slots.waiting.clone().try_acquire_owned().map_err(|_| ActionError::Busy)?;
        let running = user_slots.running.clone().acquire_owned().await.map_err(|_| ActionError::Busy)?;
        Ok(UserSlot { _waiting: waiting, _running: running })
    }

    pub(crate) fn has_viewers(&self) -> bool {
        self.viewer_count.load(Ordering::SeqCst) > 0
    }
}

/// The entries of all hosts, in the inventory's order.
#[derive(Default)]
pub(crate) struct Hosts {
    pub(crate) entries: Vec<Arc<HostEntry>>,
    pub(crate) index: HashMap<HostKey, usize>,
}

impl Hosts {
    pub(crate) fn new(entries: impl IntoIterator<Item = Arc<HostEntry>>) -> Self {
        let entries: Vec<Arc<HostEntry>> = entries.into_iter().collect();
        let index = entries.iter().enumerate().map(|(index, entry)| (entry.host.key.clone(), index)).collect();
        Self { entries, index }
    }

    pub(crate) fn get(&self, key: &HostKey) -> Option<&Arc<HostEntry>> {
        self.entries.get(*self.index.get(key)?)
    }
}
