//! What the fleet holds of one host: the way there, what is known, who looks, and when it is asked next.

use crate::error::Failed;
use crate::sweep::Sweeper;
use crate::transport::{Client, Transport};
use muxboard_core::inventory::Host;
use muxboard_core::limits::{CALLS_PER_USER, CALLS_WAITING_MAX};
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::snapshot::HostRow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Short, MutexGuard, PoisonError};
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

pub(crate) struct HostCell {
    /// No other cell of this process has it.
    pub(crate) number: u64,
    pub(crate) host: Host,
    /// What the snapshot holds of it, for those who follow this host alone.
    pub(crate) row: Arc<watch::Sender<Arc<HostRow>>>,
    pub(crate) transport: Transport,
    pub(crate) sweeper: Short<Sweeper>,
    /// One sweep at a time.
    pub(crate) turn: Mutex<()>,
    /// When the last one began.
    pub(crate) began: Short<Option<Instant>>,
    /// How many look at this host.
    pub(crate) lookers: Arc<AtomicUsize>,
    pub(crate) looked: Arc<Notify>,
    /// Users with output since they were last asked, for whom a glance is on its way.
    pub(crate) stirred: Short<HashSet<UnixUser>>,
    /// Who waits to have something done for each user.
    turns: Short<HashMap<UnixUser, Arc<Turns>>>,
}

/// Calls for one user: those under way, and those with them that wait.
struct Turns {
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// The right to have one thing done for a user now.
pub(crate) struct Turn {
    _waiting: OwnedSemaphorePermit,
    _running: OwnedSemaphorePermit,
}

pub(crate) fn short<T>(mutex: &Short<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HostCell {
    pub(crate) fn new(host: &Host, client: Option<&Arc<Client>>) -> Self {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self {
            number: number as u64,
            host: host.clone(),
            row: Arc::new(watch::Sender::new(Arc::new(Sweeper::new(host).row().clone()))),
            transport: Transport::new(host, number, client),
            sweeper: Short::new(Sweeper::new(host)),
            turn: Mutex::default(),
            began: Short::default(),
            lookers: Arc::default(),
            looked: Arc::default(),
            stirred: Short::default(),
            turns: Short::default(),
        }
    }

    /// The cell of a host whose configuration changed: who looks at it still does, and where only its users are others, its connections stand and
    /// what is known of those that stay is kept.
    pub(crate) fn succeeded_by(&self, host: &Host, client: Option<&Arc<Client>>) -> Self {
        let mut next = Self::new(host, client);
        if self.host.reach == host.reach && self.host.login == host.login {
            next.transport = self.transport.clone();
            next.sweeper = Short::new(short(&self.sweeper).succeeded_by(&self.host, host));
        }
        let row = Arc::new(short(&next.sweeper).row().clone());
        self.row.send_replace(row);
        next.row = self.row.clone();
        (next.lookers, next.looked) = (self.lookers.clone(), self.looked.clone());
        next
    }

    /// Waits until something may be done for a user: so many at one moment that a server which does not answer holds up nobody but its own user.
    pub(crate) async fn turn_of(&self, user: &UnixUser) -> Result<Turn, Failed> {
        let semaphore = |size| Arc::new(Semaphore::new(size));
        let fresh = || Arc::new(Turns { waiting: semaphore(CALLS_WAITING_MAX), running: semaphore(CALLS_PER_USER) });
        let turns = short(&self.turns).entry(user.clone()).or_insert_with(fresh).clone();
        let waiting = turns.waiting.clone().try_acquire_owned().map_err(|_| Failed::Busy)?;
        let running = turns.running.clone().acquire_owned().await.map_err(|_| Failed::Busy)?;
        Ok(Turn { _waiting: waiting, _running: running })
    }

    pub(crate) fn is_looked_at(&self) -> bool {
        self.lookers.load(Ordering::SeqCst) > 0
    }
}

/// The cells of all hosts, in the inventory's order.
#[derive(Default)]
pub(crate) struct Hosts {
    pub(crate) cells: Vec<Arc<HostCell>>,
    pub(crate) index: HashMap<HostKey, usize>,
}

impl Hosts {
    pub(crate) fn new(cells: impl IntoIterator<Item = Arc<HostCell>>) -> Self {
        let cells: Vec<Arc<HostCell>> = cells.into_iter().collect();
        let index = cells.iter().enumerate().map(|(index, cell)| (cell.host.key.clone(), index)).collect();
        Self { cells, index }
    }

    pub(crate) fn get(&self, key: &HostKey) -> Option<&Arc<HostCell>> {
        self.cells.get(*self.index.get(key)?)
    }
}
