//! The hands of muxboard: it sweeps hosts, acts on sessions and opens terminals. It acts on permits alone and knows nothing of the web.

mod attach;
mod environment;
mod exec;
mod look;
mod pty;
mod showing;
mod sweep;
mod transport;

pub use attach::{AttachEnd, AttachLimits, Attachment};
pub use look::Look;
pub use showing::Showing;

use attach::{EndReport, Opening, Register, Slots};
use exec::Bounds;
use muxboard_core::audit::AuditEvent;
use muxboard_core::inventory::{Host, Inventory, User};
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX, REFRESH_SECONDS_MIN, SWEEP_SECONDS, WATCHED_SWEEP_SECONDS};
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Create, Kill, Operation, Permit, Refresh, Rename, Type, Watch};
use muxboard_core::shell::Script;
use muxboard_core::snapshot::{HostState, Place, SessionId, Snapshot, UnixSeconds, UserState};
use muxboard_core::tmux::{self, Call, format};
use muxboard_core::wire::Grid;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Short};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use sweep::Sweeper;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;

/// Where audit events go.
pub type Audit = Arc<dyn Fn(AuditEvent) + Send + Sync>;

/// Why an action did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The session is not there any more, or another one is in its place; nothing was touched.
    Gone,
    /// A session of that name exists already.
    NameTaken,
    /// The start directory does not exist.
    NoDirectory,
    /// The session was made and ended at once: a shell such as nologin does that.
    EndedAtOnce,
    /// Too many terminals are open.
    CapReached,
    /// The user cannot be reached.
    User(UserState),
    /// The host cannot be reached, in the words of what failed.
    Host(String),
}

impl Failed {
    fn word(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::NameTaken => "name taken",
            Self::NoDirectory => "no such directory",
            Self::EndedAtOnce => "ended at once",
            Self::CapReached => "cap reached",
            Self::User(_) => "user not reached",
            Self::Host(_) => "host not reached",
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
    /// Where audit events go.
    pub audit: Audit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sweep: Duration::from_secs(SWEEP_SECONDS),
            refresh_min: Duration::from_secs(REFRESH_SECONDS_MIN),
            attach: AttachLimits::default(),
            audit: Arc::new(|_| {}),
        }
    }
}

/// All hosts.
pub struct Fleet {
    hosts: Vec<HostCell>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    slots: Arc<Slots>,
    register: Arc<Register>,
    settings: Settings,
}

struct HostCell {
    host: Host,
    sweeper: Mutex<Sweeper>,
    /// How many look at this host.
    lookers: AtomicUsize,
    looked: Notify,
    /// Users with output since they were last asked, for whom a glance is on its way.
    stirred: Short<HashSet<UnixUser>>,
}

impl HostCell {
    fn new(host: &Host) -> Self {
        Self { host: host.clone(), sweeper: Mutex::new(Sweeper::new(host)), lookers: AtomicUsize::new(0), looked: Notify::new(), stirred: Short::default() }
    }

    fn is_looked_at(&self) -> bool {
        self.lookers.load(Ordering::SeqCst) > 0
    }
}

impl Fleet {
    /// A fleet that has not looked at anything yet. [`Fleet::run`] makes it look.
    pub fn new(inventory: &Inventory, settings: Settings) -> Arc<Self> {
        let hosts = inventory.hosts.iter().map(HostCell::new).collect();
        let rows = inventory.hosts.iter().map(|host| Sweeper::new(host).row().clone()).collect();
        let slots = Slots::new(settings.attach);
        Arc::new(Self { hosts, snapshot: watch::Sender::new(Arc::new(Snapshot { hosts: rows })), slots, register: Arc::default(), settings })
    }

    /// Sweeps every host again and again, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut loops = tokio::task::JoinSet::new();
        for index in 0..self.hosts.len() {
            let fleet = self.clone();
            loops.spawn(async move { fleet.follow(index).await });
        }
        while loops.join_next().await.is_some() {}
    }

    async fn follow(&self, index: usize) {
        let Some(cell) = self.hosts.get(index) else { return };
        loop {
            self.sweep(cell, Instant::now(), false).await;
            let began = Instant::now();
            loop {
                // Registered before the count is read, so that no look is missed.
                let looked = cell.looked.notified();
                let wait = if cell.is_looked_at() { Duration::from_secs(WATCHED_SWEEP_SECONDS) } else { self.settings.sweep };
                tokio::select! {
                    () = tokio::time::sleep_until(began + wait) => break,
                    () = looked => {}
                }
            }
        }
    }

    /// What is known now, and a way to wait for more.
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    /// Sweeps a host unless a sweep began since `asked`.
    async fn sweep(&self, cell: &HostCell, asked: Instant, insist: bool) {
        let mut sweeper = cell.sweeper.lock().await;
        if sweeper.began.is_some_and(|began| began >= asked) {
            return;
        }
        sweeper.look(&cell.host, insist).await;
        if sweeper.lacks_previews() && matches!(sweeper.row().state, HostState::Up { .. }) {
            // New sessions: their panes are known only now.
            sweeper.look(&cell.host, false).await;
        }
        self.publish(&sweeper);
    }

    fn publish(&self, sweeper: &Sweeper) {
        let row = sweeper.row().clone();
        self.snapshot.send_modify(|snapshot| {
            let mut next = Snapshot::clone(snapshot);
            if let Some(old) = next.hosts.iter_mut().find(|h| h.key == row.key) {
                *old = row;
            }
            *snapshot = Arc::new(next);
        });
    }

    fn at(&self, place: &Place) -> Result<(&HostCell, &User), Failed> {
        let found = self.cell(&place.host).and_then(|cell| cell.host.user(&place.user).map(|user| (cell, user)));
        // A permit is made for what is configured; a host can only be missing if the inventory was changed since.
        found.ok_or_else(|| Failed::Host("it is not configured any more".into()))
    }

    fn cell(&self, key: &HostKey) -> Option<&HostCell> {
        self.hosts.iter().find(|cell| cell.host.key == *key)
    }

    async fn script(&self, host: &Host, script: &Script) -> Result<transport::Answer, Failed> {
        let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX), bytes: ACTION_BYTES_MAX };
        transport::run(host, script, bounds).await.map_err(|e| Failed::Host(e.to_string()))
    }

    async fn act(&self, host: &Host, user: &User, call: &Call) -> Result<(), Failed> {
        let answer = self.script(host, &transport::call(host, user, call)).await?;
        match outcome::acted(host, user, answer.exit, &answer.text()) {
            Acted::Done => Ok(()),
            Acted::Gone => Err(Failed::Gone),
            Acted::NameTaken => Err(Failed::NameTaken),
            Acted::User(state) => Err(Failed::User(state)),
        }
    }

    /// Ends the permitted session.
    ///
    /// # Errors
    /// Nothing was touched unless this is `Ok`.
    pub async fn kill(&self, permit: Permit<Kill>) -> Result<(), Failed> {
        self.on_session(&permit, &tmux::kill(permit.operation().session)).await
    }

    /// Renames the permitted session.
    ///
    /// # Errors
    /// Nothing was touched unless this is `Ok`.
    pub async fn rename(&self, permit: Permit<Rename>) -> Result<(), Failed> {
        self.on_session(&permit, &tmux::rename(permit.operation().session, &permit.operation().name)).await
    }

    async fn on_session<O: Operation>(&self, permit: &Permit<O>, call: &Call) -> Result<(), Failed> {
        let (cell, user) = self.at(permit.place())?;
        let result = self.act(&cell.host, user, call).await;
        self.report(permit, None, &result);
        // After a failure too: the page was wrong about something.
        self.sweep(cell, Instant::now(), false).await;
        result
    }

    /// Makes the permitted session and says which it is.
    ///
    /// # Errors
    /// No session was made unless this is `Ok`.
    pub async fn create(&self, permit: Permit<Create>) -> Result<SessionId, Failed> {
        let (cell, user) = self.at(permit.place())?;
        let made = self.make(&cell.host, user, permit.operation()).await;
        self.sweep(cell, Instant::now(), false).await;
        let result = match made {
            // If the sweep itself failed we know no better than tmux's own word.
            Ok(id) if self.known(permit.place(), id) != Some(false) => Ok(id),
            Ok(_) => Err(Failed::EndedAtOnce),
            Err(failed) => Err(failed),
        };
        self.report(&permit, result.as_ref().ok().copied(), &result);
        result
    }

    async fn make(&self, host: &Host, user: &User, wanted: &Create) -> Result<SessionId, Failed> {
        if let Some(directory) = &wanted.directory
            && !user.through_sudo
        {
            let seen_from_home = match directory.as_str() {
                "~" => ".".to_owned(),
                path => path.strip_prefix("~/").map_or_else(|| path.to_owned(), |below| format!("./{below}")),
            };
            if self.script(host, &Script::is_directory(&seen_from_home)).await?.exit != Some(0) {
                return Err(Failed::NoDirectory);
            }
        }
        let call = tmux::create(&wanted.name, wanted.directory.as_ref(), wanted.command.is_some());
        let answer = self.script(host, &transport::call(host, user, &call)).await?;
        let text = answer.text();
        let made = if answer.exit == Some(0) { text.lines().find_map(format::created) } else { None };
        let Some(id) = made else {
            return Err(match outcome::acted(host, user, answer.exit, &text) {
                Acted::NameTaken => Failed::NameTaken,
                Acted::User(state) => Failed::User(state),
                Acted::Done | Acted::Gone => Failed::EndedAtOnce,
            });
        };
        if let Some(command) = &wanted.command {
            self.act(host, user, &tmux::start(id, command)).await.map_err(|failed| if failed == Failed::Gone { Failed::EndedAtOnce } else { failed })?;
        }
        Ok(id)
    }

    /// Looks at the hosts of these permits now. A host that was asked within `refresh_min` is asked again when that time is over: whoever
    /// refreshes sees what is true after the click, and a hundred clicks are one sweep.
    pub async fn refresh(&self, permits: &[Permit<Refresh>]) {
        let asked = Instant::now();
        let cells = || self.hosts.iter().filter(|cell| permits.iter().any(|p| p.place().host == cell.host.key));
        let mut not_before = asked;
        for cell in cells() {
            let began = cell.sweeper.lock().await.began;
            not_before = not_before.max(began.map_or(asked, |began| began + self.settings.refresh_min));
        }
        tokio::time::sleep_until(not_before).await;
        for cell in cells() {
            self.sweep(cell, asked, true).await;
        }
    }

    /// Opens the permitted session to type into it.
    ///
    /// # Errors
    /// When there is no slot or no terminal.
    pub fn attach(&self, permit: &Permit<Type>, grid: Grid) -> Result<Attachment, Failed> {
        self.open(permit, permit.operation().session, true, grid)
    }

    /// Opens the permitted session to look at it.
    ///
    /// # Errors
    /// When there is no slot or no terminal.
    pub fn watch(&self, permit: &Permit<Watch>, grid: Grid) -> Result<Attachment, Failed> {
        // tmux's ignore-size holds only while somebody else is attached: a watcher's terminal has the session's own size from the start.
        let grid = self.size(permit.place(), permit.operation().session).unwrap_or(grid);
        self.open(permit, permit.operation().session, false, grid)
    }

    fn open<O: Operation>(&self, permit: &Permit<O>, session: SessionId, may_type: bool, grid: Grid) -> Result<Attachment, Failed> {
        let (cell, user) = self.at(permit.place())?;
        let opened = self.slots.take(&permit.principal().name).ok_or(Failed::CapReached).and_then(|slot| {
            let report = EndReport { audit: self.settings.audit.clone(), event: AuditEvent::of(permit, None, "ended") };
            let what = Opening { session, may_type, grid };
            Attachment::open(&cell.host, user, what, slot, &self.register, report).map_err(|e| Failed::Host(e.to_string()))
        });
        self.report(permit, None, &opened);
        opened
    }

    /// The limits of live terminals.
    pub fn limits(&self) -> AttachLimits {
        self.settings.attach
    }

    fn report<O: Operation, T>(&self, permit: &Permit<O>, session: Option<SessionId>, result: &Result<T, Failed>) {
        let word = result.as_ref().map_or_else(Failed::word, |_| "done");
        (self.settings.audit)(AuditEvent::of(permit, session, word));
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

fn unix_now() -> UnixSeconds {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
