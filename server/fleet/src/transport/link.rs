//! Our connections to one host: one for looks and actions, with a few shells on it, others for terminals. Made when they are needed, made again
//! when they die, left alone for a while when the host is not there.

use super::client::SshClient;
use super::exchange::{Answer, Purpose};
use super::master::{DialTarget, Failure, Master, Pipes};
use super::shell::{JobOutcome, Shell, ShellError};
use crate::exec::Bounds;
use crate::lock::lock;
use muxboard_core::argv::Overruled;
use muxboard_core::fault::{Fault, FaultKind};
use muxboard_core::inventory::{Host, Ssh};
use muxboard_core::limits::{
    BACK_OFF_SECONDS, DIAL_TRIES, DIAL_WAIT_MS, REDIAL_ASKED_SECONDS_MAX, REDIAL_REFUSED_SECONDS, REDIAL_SECONDS_MAX, SHELL_SECONDS_MAX, SHELLS_KEPT,
    SHELLS_MAX, SWEEPS_WAIT_MS, TERMINALS_IDLE_SECONDS, TERMINALS_PER_MASTER,
};
use muxboard_core::shell::Script;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

/// Our connections to one host.
pub(crate) struct SshLink {
    host: Host,
    ssh: Ssh,
    number: usize,
    client: Arc<SshClient>,
    main: AsyncMutex<Main>,
    /// Shells nobody uses now.
    idle: Mutex<Vec<Shell>>,
    /// The first shell of this connection, if a job of it did not end in time.
    hung: Mutex<Option<Shell>>,
    /// As many as there may be at one moment; fewer where sshd allows fewer.
    shell_slots: Arc<Semaphore>,
    forgotten: AtomicUsize,
    sockets: AtomicU64,
    noise: AtomicUsize,
    terminals: AsyncMutex<Vec<Arc<Terminals>>>,
}

/// The connection for looks and actions.
#[derive(Default)]
struct Main {
    master: Option<Arc<Master>>,
    generation: u64,
    failures: u32,
    fault: Option<(Fault, Instant)>,
}

impl Main {
    /// How the last try to connect ended.
    fn note(&mut self, fault: Option<&Fault>) {
        self.failures = if fault.is_some() { self.failures.saturating_add(1) } else { 0 };
        self.fault = fault.map(|fault| (fault.clone(), Instant::now()));
    }
}

/// A connection for terminals.
struct Terminals {
    master: Master,
    taken: AtomicUsize,
    most: AtomicUsize,
}

/// The right to one terminal on a connection.
pub(crate) struct ChannelPermit {
    link: Arc<SshLink>,
    terminals: Arc<Terminals>,
}

impl SshLink {
    pub(crate) fn new(host: Host, ssh: Ssh, number: usize, client: Arc<SshClient>) -> Arc<Self> {
        Arc::new(Self {
            host,
            ssh,
            number,
            client,
            main: AsyncMutex::default(),
            idle: Mutex::default(),
            hung: Mutex::default(),
            shell_slots: Arc::new(Semaphore::new(SHELLS_MAX)),
            forgotten: AtomicUsize::new(0),
            sockets: AtomicU64::new(0),
            noise: AtomicUsize::new(0),
            terminals: AsyncMutex::default(),
        })
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn ssh(&self) -> &Ssh {
        &self.ssh
    }

    /// The configuration file that our ssh reads in the place of the account's own.
    pub(crate) fn config(&self) -> Option<&str> {
        self.client.config()
    }

    /// A path of ours that nothing is at.
    pub(crate) fn fresh_path(&self, kind: char) -> PathBuf {
        self.client.runtime.socket(self.number, self.sockets.fetch_add(1, Ordering::SeqCst), kind)
    }

    /// What the login shell says before it does what it is told, in bytes.
    pub(crate) fn noise(&self) -> usize {
        self.noise.load(Ordering::SeqCst)
    }

    /// Runs a script.
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn run(self: &Arc<Self>, script: &Script, bounds: Bounds, purpose: Purpose) -> Result<Answer, Fault> {
        let mut again = purpose != Purpose::Act;
        // A connection that dies over and over is not a connection.
        for _ in 0..DIAL_TRIES {
            let (master, generation) = self.master(purpose).await?;
            let Some((mut shell, slot)) = self.shell(&master, generation).await? else { continue };
            // Whoever asked may go away meanwhile: the shell, which the connection may live by, must not go with him.
            let (link, script) = (self.clone(), script.clone());
            let outcome = tokio::spawn(async move {
                let _slot = slot;
                // After the shell: who waits for a busy host's must not hold what all hosts share.
                let looks = async { if purpose == Purpose::Act { None } else { link.client.looks.acquire().await.ok() } };
                let _look = timeout(Duration::from_millis(SWEEPS_WAIT_MS), looks).await;
                let outcome = shell.run(&script, bounds).await;
                match outcome {
                    JobOutcome::Ended(_) => link.keep(shell),
                    // Its job may hang for ever, but the connection lives by it, and others use that.
                    JobOutcome::TimedOut if shell.is_first() => *lock(&link.hung) = Some(shell),
                    _ => {}
                }
                outcome
            });
            match outcome.await.unwrap_or(JobOutcome::Broken) {
                JobOutcome::Ended(answer) => return Ok(answer),
                JobOutcome::TimedOut => return Err(Fault::timed_out(&self.host)),
                JobOutcome::NotStarted => {}
                JobOutcome::Broken if again => again = false,
                JobOutcome::Broken => return Err(Fault::broken_off(&self.host)),
            }
        }
        Err(Fault::unreachable(&self.host, "The connection breaks again and again"))
    }

    /// Whether all the connections that looks may make at one moment are being made.
    pub(crate) fn is_crowded(&self) -> bool {
        self.client.is_crowded()
    }

    fn keep(&self, shell: Shell) {
        let mut idle = self.idle();
        // The first is kept in any case, at the end: the connection lives by it, and it is there before any other.
        if shell.is_first() || idle.len() < SHELLS_KEPT {
            idle.push(shell);
            idle.sort_by_key(Shell::is_first);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Shell>> {
        lock(&self.idle)
    }

    /// The connection for looks and actions, made if need be.
    async fn master(&self, purpose: Purpose) -> Result<(Arc<Master>, u64), Fault> {
        let mut main = self.main.lock().await;
        if let Some(master) = main.master.as_ref().filter(|master| master.is_alive()) {
            return Ok((master.clone(), main.generation));
        }
        main.master = None;
        self.idle().clear();
        *lock(&self.hung) = None;
        if let Some(fault) = self.rests(&main, purpose) {
            return Err(fault);
        }
        match self.dial('c', purpose).await {
            // Looks and actions would go well in the first session; terminals, uploads and whatever takes long need another.
            Ok((master, _)) if !Shell::has_room(&master).await => {
                let fault = Fault::too_few_sessions(&self.host);
                main.note(Some(&fault));
                Err(fault)
            }
            Ok((master, pipes)) => {
                let master = Arc::new(master);
                self.shell_slots.add_permits(self.forgotten.swap(0, Ordering::SeqCst));
                main.generation += 1;
                if let Some(pipes) = pipes {
                    self.noise.store(pipes.noise, Ordering::SeqCst);
                    self.idle().push(Shell::first(pipes, main.generation));
                }
                main.note(None);
                main.master = Some(master.clone());
                Ok((master, main.generation))
            }
            Err(fault) => {
                main.note(Some(&fault));
                Err(fault)
            }
        }
    }

    /// What was wrong just now, for as long as the host is left alone for it.
    fn rests(&self, main: &Main, purpose: Purpose) -> Option<Fault> {
        let (fault, at) = main.fault.as_ref()?;
        (at.elapsed() < self.pause(fault.kind, main.failures, purpose)).then(|| fault.clone())
    }

    /// How long a host that failed is left alone.
    fn pause(&self, kind: FaultKind, failures: u32, purpose: Purpose) -> Duration {
        let doubled = BACK_OFF_SECONDS << failures.min(16);
        let refused = matches!(kind, FaultKind::AuthenticationFailed | FaultKind::HostKeyChanged | FaultKind::HostKeyUnknown | FaultKind::HostKeyRevoked);
        let seconds = match (purpose, refused) {
            // What only a person can mend; and a wrong password is counted over there, whoever it is that asks for it to be tried again.
            (Purpose::Look, true) => REDIAL_REFUSED_SECONDS,
            (Purpose::Look, false) => doubled.min(REDIAL_SECONDS_MAX),
            (Purpose::Refresh | Purpose::Act, true) => (doubled / 2).min(REDIAL_ASKED_SECONDS_MAX),
            (Purpose::Refresh | Purpose::Act, false) => BACK_OFF_SECONDS,
        };
        // Spread, so that a thousand hosts behind one broken switch do not come back at one moment.
        let spread = 90 + (self.number as u64 * 7 + u64::from(failures) * 3) % 21;
        Duration::from_millis(seconds * 10 * spread)
    }

    async fn dial(&self, kind: char, purpose: Purpose) -> Result<(Master, Option<Pipes>), Fault> {
        let resolved = self.client.resolve(&self.host, &self.ssh).await.map_err(|why| Fault::unreachable(&self.host, &why))?;
        let mut wait = Duration::from_millis(DIAL_WAIT_MS + (self.number as u64 * 37) % DIAL_WAIT_MS);
        for left in (0..DIAL_TRIES).rev() {
            let may = self.client.acquire_dial(&resolved.first_hop, purpose).await.ok_or_else(|| Fault::unreachable(&self.host, "muxboard is ending"))?;
            let control = self.fresh_path(kind);
            let target = DialTarget { host: &self.host, ssh: &self.ssh, client: &self.client, resolved: &resolved };
            match Master::dial(target, control, kind == 'c', may).await {
                Ok(master) => return Ok(master),
                Err(Failure::Dropped(_)) if left > 0 => sleep(wait).await,
                Err(Failure::Dropped(fault) | Failure::Final(fault)) => return Err(fault),
            }
            wait *= 2;
        }
        Err(Fault::timed_out(&self.host))
    }

    /// A shell that nobody uses; it goes back with [`SshLink::keep`], or ends. None if the connection turns out to be dead.
    async fn shell(&self, master: &Arc<Master>, generation: u64) -> Result<Option<(Shell, OwnedSemaphorePermit)>, Fault> {
        loop {
            let Ok(permit) = self.shell_slots.clone().acquire_owned().await else { return Err(Fault::unreachable(&self.host, "muxboard is ending")) };
            match self.idle().pop() {
                Some(shell) if shell.generation == generation => return Ok(Some((shell, permit))),
                // While this one waited the connection was made anew, and lives by this shell.
                Some(newer) if newer.generation > generation => {
                    self.keep(newer);
                    return Ok(None);
                }
                _ => {}
            }
            match Shell::open(master, generation).await {
                Ok(shell) => {
                    self.noise.store(shell.noise, Ordering::SeqCst);
                    return Ok(Some((shell, permit)));
                }
                Err(ShellError::Refused) if master.is_alive() && master.answers().await => {
                    if self.forgotten.load(Ordering::SeqCst) + 1 >= SHELLS_MAX {
                        // How many it allows was settled when the connection was made: one that is made anew hears of a change.
                        return Err(self.give_up(generation, Fault::too_few_sessions(&self.host)).await);
                    }
                    // sshd allows fewer: those that are there have to do.
                    self.forgotten.fetch_add(1, Ordering::SeqCst);
                    permit.forget();
                }
                Err(ShellError::Refused) => return Ok(None),
                Err(ShellError::Silent) => {
                    let fresh = master.since.elapsed() < Duration::from_secs(SHELL_SECONDS_MAX * 2);
                    // Whatever ssh still hopes for.
                    let fault = if fresh { Fault::no_shell(&self.host, None) } else { Fault::timed_out(&self.host) };
                    return Err(self.give_up(generation, fault).await);
                }
            }
        }
    }

    /// Lets go of a connection that is of no use any more, and says why.
    async fn give_up(&self, generation: u64, fault: Fault) -> Fault {
        let mut main = self.main.lock().await;
        if main.generation == generation {
            main.master = None;
            main.note(Some(&fault));
        }
        fault
    }

    /// Room for a terminal, on a connection that is made if need be.
    pub(crate) async fn acquire_channel(self: &Arc<Self>) -> Result<ChannelPermit, Fault> {
        let mut all = self.terminals.lock().await;
        all.retain(|terminals| terminals.master.is_alive());
        let free = |t: &&Arc<Terminals>| t.taken.load(Ordering::SeqCst) < t.most.load(Ordering::SeqCst);
        let terminals = match all.iter().find(free) {
            Some(terminals) => terminals.clone(),
            None => {
                // Where a login was refused just now, another one would be as well. (While one is under way nobody knows yet.)
                if let Ok(main) = self.main.try_lock()
                    && let Some(fault) = self.rests(&main, Purpose::Act)
                {
                    return Err(fault);
                }
                let dialled = self.dial('t', Purpose::Act).await;
                if let Ok(mut main) = self.main.try_lock() {
                    main.note(dialled.as_ref().err());
                }
                let (master, _) = dialled?;
                let made = Arc::new(Terminals { master, taken: AtomicUsize::new(0), most: AtomicUsize::new(TERMINALS_PER_MASTER) });
                all.push(made.clone());
                made
            }
        };
        terminals.taken.fetch_add(1, Ordering::SeqCst);
        Ok(ChannelPermit { link: self.clone(), terminals })
    }
}

impl ChannelPermit {
    pub(crate) fn control(&self) -> &Path {
        self.terminals.master.control()
    }

    /// What an ssh on its connection is to be told beside what every ssh is.
    pub(crate) fn overruled(&self) -> &Overruled {
        &self.terminals.master.overruled
    }

    /// Whether ssh's complaint is that sshd opens no more on this connection.
    pub(crate) fn is_refusal(complaint: &str) -> bool {
        complaint.contains("refused by peer") || complaint.contains("open failed")
    }

    /// Says that sshd did not let this one in: the connection has all the terminals it can have. False if it has no other.
    pub(crate) fn lower_limit(&self) -> bool {
        let others = self.terminals.taken.load(Ordering::SeqCst).saturating_sub(1);
        self.terminals.most.store(others, Ordering::SeqCst);
        others > 0
    }
}

impl Drop for ChannelPermit {
    fn drop(&mut self) {
        let left = self.terminals.taken.fetch_sub(1, Ordering::SeqCst) - 1;
        if left > 0 {
            return;
        }
        let (link, terminals) = (self.link.clone(), self.terminals.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sleep(Duration::from_secs(TERMINALS_IDLE_SECONDS)).await;
                if terminals.taken.load(Ordering::SeqCst) == 0 {
                    let mut all = link.terminals.lock().await;
                    // Under the lock: nobody can take a channel on it now.
                    if terminals.taken.load(Ordering::SeqCst) == 0 {
                        all.retain(|other| !Arc::ptr_eq(other, &terminals));
                    }
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::SshSettings;
    use muxboard_core::inventory::{HostKeys, Reach, Secret};
    use muxboard_core::name::Address;
    use std::os::unix::fs::PermissionsExt;

    /// A host with a password, whose sshd accepts and says nothing.
    async fn silent(folder: &Path) -> (tokio::net::TcpListener, Arc<SshLink>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        std::fs::write(folder.join("password"), "secret\n").unwrap();
        std::fs::set_permissions(folder.join("password"), PermissionsExt::from_mode(0o600)).unwrap();
        let ssh = Ssh {
            address: "127.0.0.1".parse::<Address>().unwrap(),
            port: Some(listener.local_addr().unwrap().port()),
            identity_file: None,
            host_keys: HostKeys::Strict,
            password: Some(Secret::File(folder.join("password").to_str().unwrap().to_owned())),
            passphrase: None,
        };
        let host = Host { reach: Reach::Ssh(ssh.clone()), ..Host::local("h".parse().unwrap(), &"me".parse().unwrap()) };
        let settings = SshSettings { config: Some("/dev/null".into()), runtime: Some(folder.join("run")), askpass: Some("/bin/false".into()) };
        (listener, SshLink::new(host, ssh, 0, SshClient::new(settings).unwrap()))
    }

    #[tokio::test]
    async fn a_dial_of_a_host_with_a_password_that_was_given_up_or_that_went_on_beside_another_left_none_possible() {
        let folder = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        std::fs::set_permissions(folder.path().join("run"), PermissionsExt::from_mode(0o700)).unwrap();
        let (listener, link) = silent(folder.path()).await;
        let asks =
            || std::fs::read_dir(folder.path().join("run")).unwrap().filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "ask")).count();
        for _ in 0..2 {
            let mut held = Vec::new();
            let both = async {
                held.push(listener.accept().await.unwrap());
                held.push(listener.accept().await.unwrap());
            };
            tokio::select! {
                ended = link.master(Purpose::Act) => panic!("{:?}", ended.err()),
                ended = link.acquire_channel() => panic!("{:?}", ended.err()),
                connected = timeout(Duration::from_secs(30), both) => connected.unwrap(),
            }
            assert_eq!(asks(), 0);
        }
    }

    #[tokio::test]
    async fn a_refused_login_is_not_tried_again_and_again_for_one_who_asks_for_it() {
        let folder = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap();
        let (_listener, link) = silent(folder.path()).await;
        for purpose in [Purpose::Refresh, Purpose::Act] {
            let pause = |kind, failures| link.pause(kind, failures, purpose).as_secs();
            assert!(pause(FaultKind::AuthenticationFailed, 1) < pause(FaultKind::AuthenticationFailed, 3));
            assert!(pause(FaultKind::AuthenticationFailed, 40) > REDIAL_ASKED_SECONDS_MAX * 8 / 10);
            assert!(pause(FaultKind::Unreachable, 40) <= BACK_OFF_SECONDS * 2);
        }
        // Nor by a terminal.
        link.main.lock().await.note(Some(&Fault::timed_out(&link.host)));
        assert_eq!(link.acquire_channel().await.err().map(|fault| fault.kind), Some(FaultKind::TimedOut));
    }
}
