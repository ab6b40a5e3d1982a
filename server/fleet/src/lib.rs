//! The hands of muxboard: it sweeps hosts, acts on sessions and opens terminals. It acts on permits alone and knows nothing of the web.

mod act;
mod attach;
mod cell;
mod create;
mod doctor;
mod environment;
mod exec;
mod look;
mod open;
mod pty;
mod showing;
mod slots;
mod sudo_pty;
mod sweep;
mod text;
mod transport;
mod trial;
mod upload;

pub use attach::{AttachEnd, AttachLimits, Attachment, Connection};
pub use doctor::{Doctor, Finding, Verdict};
pub use look::Look;
pub use open::Leaving;
pub use showing::Showing;
pub use slots::{Slot, Slots};
pub use transport::{ASKPASS_SOCKET, SshSettings, askpass, private_file};
pub use upload::{UploadLimits, Uploading};

use attach::Register;
use cell::{HostCell, Hosts, short};
use muxboard_core::audit::AuditEvent;
use muxboard_core::fault::{Fault, Kind};
use muxboard_core::inventory::{Inventory, Reach, User};
use muxboard_core::limits::{REFRESH_SECONDS_MAX, REFRESH_SECONDS_MIN, SWEEP_SECONDS, TEXTS, TEXTS_PER_PRINCIPAL, UPLOADS, UPLOADS_PER_PRINCIPAL};
use muxboard_core::name::HostKey;
use muxboard_core::policy::{Permit, Refresh};
use muxboard_core::section::Section;
use muxboard_core::snapshot::{HostRow, HostState, Place, Snapshot, UnixSeconds, UserState};
use muxboard_core::upload::Refused;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use sweep::Sweeper;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use transport::{Client, Purpose};

/// Where audit events go.
pub type Audit = Arc<dyn Fn(AuditEvent) + Send + Sync>;

/// Why an action did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The session is not there any more, or another one is in its place; nothing was touched.
    Gone,
    /// A session of that name exists already.
    NameTaken,
    /// A session of that name is made by the user's own configuration when tmux starts, which it just did; the command was not run.
    MadeByConfiguration,
    /// The start directory does not exist, or may not be entered.
    NoDirectory,
    /// The session was made and ended at once: a shell such as nologin does that.
    EndedAtOnce,
    /// Too many terminals are open.
    CapReached,
    /// Too many things are being done for that user at this moment.
    Busy,
    /// Too many files are on their way.
    UploadsReached,
    /// Too many texts are being read.
    TextsReached,
    /// A text is larger than what is read at once.
    TextTooLarge,
    /// The host's own program ended without a word.
    Silent,
    /// The user's own machine did not take a file.
    NotTaken(Refused),
    /// The user cannot be reached.
    User(UserState),
    /// The host cannot be reached.
    Host(Fault),
    /// The host is not configured any more, or no terminal is to be had on this machine, in the words of what failed.
    Here(String),
}

impl Failed {
    fn word(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::NameTaken | Self::MadeByConfiguration => "name taken",
            Self::NoDirectory => "no such directory",
            Self::EndedAtOnce => "ended at once",
            Self::Busy => "busy",
            Self::CapReached | Self::UploadsReached | Self::TextsReached => "cap reached",
            Self::TextTooLarge => "too large",
            Self::Silent => "no answer",
            Self::NotTaken(_) => "not taken",
            // It was asked, and may do it yet.
            Self::Host(Fault { kind: Kind::TimedOut, .. })
            | Self::User(UserState::Fault(Fault { kind: Kind::NotAnswering | Kind::LoadingConfiguration, .. })) => "not known",
            Self::User(_) => "user not reached",
            Self::Host(_) => "host not reached",
            Self::Here(_) => "failed here",
        }
    }
}

/// How a fleet is run.
pub struct Settings {
    /// Between two sweeps of a host nobody looks at.
    pub sweep: Duration,
    /// A refresh waits until the last sweep is this old.
    pub refresh_min: Duration,
    /// The limits of live terminals.
    pub attach: AttachLimits,
    /// How long after an upload files that are too old are looked for; none: when that file is too old.
    pub expire_after: Option<Duration>,
    /// How we use ssh.
    pub ssh: SshSettings,
    /// A key typed against a backlog of output from another machine has a fresh terminal take the old one's place.
    pub overtake: bool,
    /// Where audit events go.
    pub audit: Audit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sweep: Duration::from_secs(SWEEP_SECONDS),
            refresh_min: Duration::from_secs(REFRESH_SECONDS_MIN),
            attach: AttachLimits::default(),
            expire_after: None,
            ssh: SshSettings::default(),
            overtake: true,
            audit: Arc::new(|_| {}),
        }
    }
}

/// All hosts.
pub struct Fleet {
    hosts: watch::Sender<Arc<Hosts>>,
    /// Our ssh client, made when the first host needs it.
    client: Mutex<Option<Arc<Client>>>,
    began: Instant,
    snapshot: watch::Sender<Arc<Snapshot>>,
    slots: Arc<Slots>,
    uploads: Arc<Slots>,
    texts: Arc<Slots>,
    /// When the uploaded files of a user are looked through for old ones.
    expiring: Mutex<HashMap<Place, (Instant, Duration)>>,
    register: Arc<Register>,
    settings: Settings,
}

impl Fleet {
    /// A fleet that has not looked at anything yet. [`Fleet::run`] makes it look.
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
            expiring: Mutex::default(),
            register: Arc::default(),
            settings,
        };
        fleet.reconfigure(inventory)?;
        Ok(Arc::new(fleet))
    }

    /// Goes on with these hosts. What stays as it was keeps its connections, its terminals and all that is known of it.
    ///
    /// # Errors
    /// As for [`Fleet::new`]; then nothing has changed.
    pub fn reconfigure(&self, inventory: &Inventory) -> io::Result<()> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_none() && inventory.hosts.iter().any(|host| host.reach != Reach::Local) {
            *client = Some(Client::new(self.settings.ssh.clone())?);
        }
        let old = self.hosts();
        let hosts = Hosts::new(inventory.hosts.iter().map(|host| match old.get(&host.key) {
            Some(cell) if cell.host == *host => cell.clone(),
            Some(cell) => Arc::new(cell.succeeded_by(host, client.as_ref())),
            None => Arc::new(HostCell::new(host, client.as_ref())),
        }));
        // At one moment: whoever publishes a row finds its place by the hosts that the snapshot is of.
        self.snapshot.send_modify(|snapshot| {
            *snapshot = Arc::new(Snapshot { hosts: hosts.cells.iter().map(|cell| cell.row.borrow().clone()).collect() });
            self.hosts.send_replace(Arc::new(hosts));
        });
        Ok(())
    }

    pub(crate) fn hosts(&self) -> Arc<Hosts> {
        self.hosts.borrow().clone()
    }

    /// Sweeps every host again and again, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut hosts = self.hosts.subscribe();
        let mut loops = JoinSet::new();
        let mut running: HashMap<u64, AbortHandle> = HashMap::new();
        loop {
            let now = hosts.borrow_and_update().clone();
            while loops.try_join_next().is_some() {}
            running.retain(|number, task| {
                let stays = now.cells.iter().any(|cell| cell.number == *number);
                if !stays {
                    task.abort();
                }
                stays
            });
            for cell in &now.cells {
                running.entry(cell.number).or_insert_with(|| {
                    let (fleet, cell) = (self.clone(), cell.clone());
                    loops.spawn(async move { fleet.follow(&cell).await })
                });
            }
            if hosts.changed().await.is_err() {
                return;
            }
        }
    }

    async fn follow(&self, cell: &Arc<HostCell>) {
        loop {
            self.sweep(cell, Instant::now(), Purpose::Look).await;
            self.ask_login_paths(cell);
            let began = short(&cell.began).unwrap_or_else(Instant::now);
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(cell.due(began, self)) => break,
                    () = cell.looked.notified() => {}
                }
            }
        }
    }

    /// What is known now, and a way to wait for more.
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    /// Sweeps a host unless a sweep began since `asked`.
    async fn sweep(&self, cell: &HostCell, asked: Instant, purpose: Purpose) {
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
    async fn glance(&self, cell: &HostCell, user: &User) -> bool {
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

    /// Under the sweeper's lock, so that what is older is never shown after what is newer.
    fn publish(&self, cell: &HostCell, sweeper: &Sweeper) {
        let row = Arc::new(sweeper.row().clone());
        self.snapshot.send_modify(|snapshot| {
            let hosts = self.hosts();
            // A cell that was replaced meanwhile has nothing to say any more.
            let place = hosts.get(&cell.host.key).filter(|now| now.number == cell.number).and_then(|_| hosts.index.get(&cell.host.key));
            let mut next = Snapshot::clone(snapshot);
            if let Some(old) = place.and_then(|index| next.hosts.get_mut(*index)) {
                *old = row.clone();
                *snapshot = Arc::new(next);
                cell.row.send_replace(row);
            }
        });
    }

    /// What is known of one host, and a way to wait for more.
    pub fn row_of(&self, host: &HostKey) -> Option<watch::Receiver<Arc<HostRow>>> {
        self.cell(host).map(|cell| cell.row.subscribe())
    }

    fn at(&self, place: &Place) -> Result<(Arc<HostCell>, User), Failed> {
        let found = self.cell(&place.host).and_then(|cell| cell.host.user(&place.user).cloned().map(|user| (cell, user)));
        // A permit is made for what is configured; a host can only be missing if the inventory was changed since.
        found.ok_or_else(|| Failed::Here("it is not configured any more".into()))
    }

    fn cell(&self, key: &HostKey) -> Option<Arc<HostCell>> {
        self.hosts().get(key).cloned()
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

    /// The limits of live terminals.
    pub fn limits(&self) -> AttachLimits {
        self.settings.attach
    }
}

/// 128 fresh random bits in hexadecimal: a mark that no output can forge.
fn sentinel() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness nothing here is safe: better no sweep than a mark that can be guessed.
    #[expect(clippy::expect_used, reason = "the kernel's random source does not fail on a running system")]
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// 64 fresh random bits in hexadecimal: a word that no title or directory can hold that was there before it.
fn row_mark() -> String {
    let mut mark = sentinel();
    mark.truncate(16);
    mark
}

fn unix_now() -> UnixSeconds {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
