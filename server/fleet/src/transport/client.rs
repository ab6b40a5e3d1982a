//! Our ssh client: what all connections share. How many are made at one moment, in all and through one bastion; where their sockets lie.

use super::exchange::Purpose;
use super::runtime::Runtime;
use crate::exec::{self, Bounds};
use crate::lock::lock;
use muxboard_core::argv::{self, Argv, Overruled};
use muxboard_core::fault;
use muxboard_core::inventory::{Host, Ssh};
use muxboard_core::limits::{DIALS, DIALS_KEPT, DIALS_KEPT_PER_BASTION, DIALS_PER_BASTION, RESOLVE_SECONDS_MAX, SSH_WORDS_BYTES_MAX, SWEEPS};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How we use ssh.
#[derive(Debug, Clone, Default)]
pub struct SshSettings {
    /// A configuration file for ssh (`-F`) in the place of the account's own.
    pub config: Option<String>,
    /// The folder for control sockets; usually below `$RUNTIME_DIRECTORY`, `$XDG_RUNTIME_DIR`, or in /tmp.
    pub runtime: Option<PathBuf>,
    /// The program that ssh runs to ask for a password (`SSH_ASKPASS`): it must call [`askpass`](super::askpass). Without it no password is given.
    pub askpass: Option<PathBuf>,
}

/// Our ssh client.
pub(crate) struct SshClient {
    pub(super) settings: SshSettings,
    pub(super) runtime: Runtime,
    /// Looks under way at one moment, on connections that stand.
    pub(super) looks: Semaphore,
    dials: DialLimiter,
    /// Questions to ssh about its configuration: a process each.
    resolves: Semaphore,
    bastions: Mutex<HashMap<String, Arc<DialLimiter>>>,
}

/// How many connections may be made at one moment. Hosts that are dead and dialled again and again leave room for people: what looks may take is
/// less than all, and a refresh, which may be of a whole dead fleet, takes theirs or what is kept, but for one.
struct DialLimiter {
    all: Arc<Semaphore>,
    of_looks: Arc<Semaphore>,
    of_refreshes: Arc<Semaphore>,
}

impl DialLimiter {
    fn new(all: usize, kept: usize) -> Self {
        let [all, of_looks, of_refreshes] = [all, all - kept, kept - 1].map(|count| Arc::new(Semaphore::new(count)));
        Self { all, of_looks, of_refreshes }
    }

    async fn acquire(&self, purpose: Purpose) -> Option<DialSlot> {
        let of_looks = self.of_looks.clone().acquire_owned();
        let part = match purpose {
            Purpose::Act => None,
            Purpose::Look => Some(of_looks.await.ok()?),
            Purpose::Refresh => tokio::select! {
                one = of_looks => Some(one.ok()?),
                one = self.of_refreshes.clone().acquire_owned() => Some(one.ok()?),
            },
        };
        Some(DialSlot { _part: part, _one: self.all.clone().acquire_owned().await.ok()? })
    }
}

/// A place in one [`DialLimiter`].
struct DialSlot {
    _one: OwnedSemaphorePermit,
    _part: Option<OwnedSemaphorePermit>,
}

/// The right to make a connection now.
pub(super) struct DialPermit {
    _here: DialSlot,
    _at_bastion: DialSlot,
}

/// What `ssh_config` makes of a host.
pub(crate) struct Resolved {
    /// The account as ssh names it when it asks for its password: `ops@web1.internal`.
    pub(crate) account: String,
    /// The machine that all connections of this kind come to first: the first `ProxyJump`, the whole `ProxyCommand`, or the host itself.
    pub(crate) first_hop: String,
    /// The name or address that is connected to in the end, and its port.
    pub(crate) target: (String, u16),
    /// Whether another machine is between.
    pub(crate) is_behind: bool,
    /// What this ssh is to be told beside what every ssh is.
    pub(crate) overruled: Overruled,
}

impl SshClient {
    pub(crate) fn new(settings: SshSettings) -> io::Result<Arc<Self>> {
        let runtime = Runtime::open(settings.runtime.as_deref())?;
        Ok(Arc::new(Self {
            settings,
            runtime,
            looks: Semaphore::new(SWEEPS),
            dials: DialLimiter::new(DIALS, DIALS_KEPT),
            resolves: Semaphore::new(DIALS),
            bastions: Mutex::default(),
        }))
    }

    pub(crate) fn config(&self) -> Option<&str> {
        self.settings.config.as_deref()
    }

    /// Whether looks make as many connections as they may.
    pub(super) fn is_crowded(&self) -> bool {
        self.dials.of_looks.available_permits() == 0
    }

    /// Waits until a connection through this first hop may be made.
    pub(super) async fn acquire_dial(&self, first_hop: &str, purpose: Purpose) -> Option<DialPermit> {
        let bastion = {
            let mut bastions = lock(&self.bastions);
            bastions.entry(first_hop.to_owned()).or_insert_with(|| Arc::new(DialLimiter::new(DIALS_PER_BASTION, DIALS_KEPT_PER_BASTION))).clone()
        };
        // The bastion's first: who waits for a crowded one must not hold what others could use.
        let at_bastion = bastion.acquire(purpose).await?;
        Some(DialPermit { _here: self.dials.acquire(purpose).await?, _at_bastion: at_bastion })
    }

    /// Asks ssh what its configuration makes of a host. It connects nowhere.
    ///
    /// # Errors
    /// In ssh's words.
    pub(crate) async fn resolve(&self, host: &Host, ssh: &Ssh) -> Result<Resolved, String> {
        let _one = self.resolves.acquire().await.map_err(|_| "muxboard is ending")?;
        let bounds = Bounds { time: Duration::from_secs(RESOLVE_SECONDS_MAX), bytes: SSH_WORDS_BYTES_MAX * 4 };
        let argv = argv::resolve(host, ssh, self.config());
        let ended = exec::run(&argv, &[], &[], bounds).await.map_err(|e| format!("ssh cannot be started: {e}"))?;
        if ended.exit != Some(0) {
            return Err(refused_configuration(&argv).await);
        }
        let text = String::from_utf8_lossy(&ended.output).into_owned();
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')).filter(|value| *value != "none");
        let name = field("hostname").unwrap_or(ssh.address.as_str()).to_lowercase();
        let port = field("port").and_then(|p| p.parse().ok()).unwrap_or(22);
        let jump = field("proxyjump").map(|jumps| jumps.split(',').next().unwrap_or(jumps)).or_else(|| field("proxycommand"));
        Ok(Resolved {
            account: format!("{:.30}@{:.128}", host.login.as_str(), name),
            first_hop: jump.map_or_else(|| format!("{name}:{port}"), str::to_owned),
            is_behind: jump.is_some(),
            overruled: Overruled::known_to(&text),
            target: (name, port),
        })
    }
}

/// Why ssh does not resolve a host, in a sentence with ssh's own words. It is asked again, for those alone.
async fn refused_configuration(argv: &Argv) -> String {
    let says = match exec::spawn_piped(argv, SSH_WORDS_BYTES_MAX) {
        Ok(process) => process.complaints(SSH_WORDS_BYTES_MAX).await,
        Err(error) => error.to_string(),
    };
    let first = says.lines().map(fault::clean).find(|line| !line.is_empty()).unwrap_or_else(|| "nothing".into());
    format!("ssh cannot read its configuration, and says: {first}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the connection can be made at once: everything that it waits for is there, or it is not.
    async fn may(client: &SshClient, first_hop: &str, purpose: Purpose) -> Option<DialPermit> {
        tokio::select! {
            biased;
            permit = client.acquire_dial(first_hop, purpose) => Some(permit.unwrap()),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn hosts_that_are_dead_leave_room_to_open_a_terminal_also_behind_one_bastion_and_while_all_are_refreshed() {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().unwrap();
        let client = SshClient::new(SshSettings { runtime: Some(folder.path().to_owned()), ..SshSettings::default() }).unwrap();
        for all_behind_one in [true, false] {
            let hop = |i: usize| if all_behind_one { "bastion".to_owned() } else { format!("dead{i}") };
            let mut dialled = Vec::new();
            for purpose in [Purpose::Look, Purpose::Refresh] {
                while let Some(permit) = may(&client, &hop(dialled.len()), purpose).await {
                    dialled.push(permit);
                }
            }
            let most = if all_behind_one { DIALS_PER_BASTION } else { DIALS };
            assert_eq!(dialled.len(), most - 1);
            assert!(may(&client, "healthy", Purpose::Act).await.is_some());
            assert!(may(&client, &hop(0), Purpose::Act).await.is_some());
        }
    }
}
