//! The fleet: the hosts it looks after, what is known of them, and what is under way. What it does is in the files beside this one.

use crate::attach::AttachLimits;
use crate::creations::Creations;
use crate::error::ActionError;
use crate::hosts::{HostEntry, Hosts};
use crate::lock::lock;
use crate::register::Register;
use crate::settings::Settings;
use crate::slots::Slots;
use crate::sweep::Sweeper;
use crate::transport::SshClient;
use muxboard_core::inventory::{Inventory, Reach, User};
use muxboard_core::limits::{TEXTS, TEXTS_PER_PRINCIPAL, UPLOADS, UPLOADS_PER_PRINCIPAL};
use muxboard_core::name::HostKey;
use muxboard_core::snapshot::{HostRow, Place, Snapshot};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// All configured hosts: what is known of them, and what may be done there.
pub struct Fleet {
    pub(crate) hosts: watch::Sender<Arc<Hosts>>,
    /// Our ssh client, made when the first host needs it.
    client: Mutex<Option<Arc<SshClient>>>,
    pub(crate) began: Instant,
    snapshot: watch::Sender<Arc<Snapshot>>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) uploads: Arc<Slots>,
    pub(crate) texts: Arc<Slots>,
    pub(crate) creations: Creations,
    /// When the uploaded files of a user are next searched for old ones.
    pub(crate) expiring: Mutex<HashMap<Place, watch::Sender<Expiry>>>,
    pub(crate) register: Arc<Register>,
    pub(crate) settings: Settings,
}

/// When the uploaded files of a user are searched for old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    /// The next time: when the oldest file that is known of is too old.
    pub(crate) first: Instant,
    /// The last time: when the newest is.
    pub(crate) last: Instant,
    /// How long files are kept, by the newest limit.
    pub(crate) keep: Duration,
}

impl Expiry {
    /// With one more file, which is too old at that moment.
    pub(crate) fn with(self, due: Instant, keep: Duration) -> Self {
        let Self { first, last, .. } = self.kept_for(keep);
        Self { first: first.min(due), last: last.max(due), keep }
    }

    /// With another limit for all files.
    pub(crate) fn kept_for(self, keep: Duration) -> Self {
        let moved = |due: Instant| due.checked_sub(self.keep).map_or(due, |uploaded| uploaded + keep);
        Self { first: moved(self.first), last: moved(self.last), keep }
    }
}

impl Fleet {
    /// A fleet that has asked no host yet. [`Fleet::run`] makes it sweep.
    ///
    /// # Errors
    /// When there are hosts over ssh and no safe folder for control sockets, in words for the operator.
    pub fn new(inventory: &Inventory, settings: Settings) -> io::Result<Arc<Self>> {
        let fleet = Self {
            hosts: watch::Sender::default(),
            client: Mutex::default(),
            began: Instant::now(),
            snapshot: watch::Sender::default(),
            slots: Slots::new(settings.attach.total, settings.attach.per_principal),
            uploads: Slots::new(UPLOADS, UPLOADS_PER_PRINCIPAL),
            texts: Slots::new(TEXTS, TEXTS_PER_PRINCIPAL),
            creations: Creations::default(),
            expiring: Mutex::default(),
            register: Arc::default(),
            settings,
        };
        fleet.reconfigure(inventory)?;
        Ok(Arc::new(fleet))
    }

    /// Replaces the hosts. Hosts and users that stay as they were keep their connections, their terminals and what is known of them.
    ///
    /// # Errors
    /// As for [`Fleet::new`]; then nothing has changed.
    pub fn reconfigure(&self, inventory: &Inventory) -> io::Result<()> {
        let mut client = lock(&self.client);
        if client.is_none() && inventory.hosts.iter().any(|host| host.reach != Reach::Local) {
            *client = Some(SshClient::new(self.settings.ssh.clone())?);
        }
        let old = self.hosts();
        let hosts = Hosts::new(inventory.hosts.iter().map(|host| match old.get(&host.key) {
            Some(entry) if entry.host == *host => entry.clone(),
            Some(entry) => Arc::new(entry.succeeded_by(host, client.as_ref())),
            None => Arc::new(HostEntry::new(host, client.as_ref())),
        }));
        // At one moment: whoever publishes a row finds its place by the hosts that the snapshot is of.
        self.snapshot.send_modify(|snapshot| {
            *snapshot = Arc::new(Snapshot { hosts: hosts.entries.iter().map(|entry| entry.row.borrow().clone()).collect() });
            self.hosts.send_replace(Arc::new(hosts));
        });
        Ok(())
    }

    pub(crate) fn hosts(&self) -> Arc<Hosts> {
        self.hosts.borrow().clone()
    }

    /// A receiver of the snapshot, which changes with every sweep that finds something new.
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    /// Puts a host's row into the snapshot. Called under the sweeper's lock, so that no older row replaces a newer one.
    pub(crate) fn publish(&self, entry: &HostEntry, sweeper: &Sweeper) {
        let row = Arc::new(sweeper.row().clone());
        self.snapshot.send_modify(|snapshot| {
            let hosts = self.hosts();
            // A entry that was replaced meanwhile has nothing to say any more.
            let place = hosts.get(&entry.host.key).filter(|now| now.number == entry.number).and_then(|_| hosts.index.get(&entry.host.key));
            let mut next = Snapshot::clone(snapshot);
            if let Some(old) = place.and_then(|index| next.hosts.get_mut(*index)) {
                *old = row.clone();
                *snapshot = Arc::new(next);
                entry.row.send_replace(row);
            }
        });
    }

    /// A receiver of one host's row; `None` if the host is not configured.
    pub fn row_of(&self, host: &HostKey) -> Option<watch::Receiver<Arc<HostRow>>> {
        self.entry(host).map(|entry| entry.row.subscribe())
    }

    pub(crate) fn at(&self, place: &Place) -> Result<(Arc<HostEntry>, User), ActionError> {
        let found = self.entry(&place.host).and_then(|entry| entry.host.user(&place.user).cloned().map(|user| (entry, user)));
        // A permit is made for what is configured; a host can only be missing if the inventory was changed since.
        found.ok_or_else(|| ActionError::Here("it is not configured any more".into()))
    }

    pub(crate) fn entry(&self, key: &HostKey) -> Option<Arc<HostEntry>> {
        self.hosts().get(key).cloned()
    }

    /// The limits of live terminals.
    pub fn limits(&self) -> AttachLimits {
        self.settings.attach
    }
}
