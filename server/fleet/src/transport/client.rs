//! Our ssh client: what all connections share. How many are made at one moment, in all and through one bastion; where their sockets lie.

use super::Purpose;
use super::runtime::Runtime;
use crate::exec::{self, Bounds};
use muxboard_core::argv;
use muxboard_core::inventory::{Host, Ssh};
use muxboard_core::limits::{DIALS, DIALS_KEPT, DIALS_PER_BASTION, SSH_WORDS_BYTES_MAX, SWEEPS};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
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
pub(crate) struct Client {
    pub(super) settings: SshSettings,
    pub(super) runtime: Runtime,
    /// Looks under way at one moment, on connections that stand.
    pub(super) looks: Semaphore,
    dials: Arc<Semaphore>,
    /// Those of them that looks may take.
    dials_of_looks: Arc<Semaphore>,
    /// Questions to ssh about its configuration: a process each.
    resolves: Semaphore,
    bastions: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// The right to make a connection now.
pub(super) struct Dialling {
    _one: OwnedSemaphorePermit,
    _of_looks: Option<OwnedSemaphorePermit>,
    _of_bastion: OwnedSemaphorePermit,
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
}

impl Client {
    pub(crate) fn new(settings: SshSettings) -> io::Result<Arc<Self>> {
        let runtime = Runtime::open(settings.runtime.as_deref())?;
        Ok(Arc::new(Self {
            settings,
            runtime,
            looks: Semaphore::new(SWEEPS),
            dials: Arc::new(Semaphore::new(DIALS)),
            dials_of_looks: Arc::new(Semaphore::new(DIALS - DIALS_KEPT)),
            resolves: Semaphore::new(DIALS),
            bastions: Mutex::default(),
        }))
    }

    pub(super) fn config(&self) -> Option<&str> {
        self.settings.config.as_deref()
    }

    /// Whether looks make as many connections as they may.
    pub(super) fn is_crowded(&self) -> bool {
        self.dials_of_looks.available_permits() == 0
    }

    /// Waits until a connection through this first hop may be made.
    pub(super) async fn may_dial(&self, first_hop: &str, purpose: Purpose) -> Option<Dialling> {
        let of_bastion = {
            let mut bastions = self.bastions.lock().unwrap_or_else(PoisonError::into_inner);
            bastions.entry(first_hop.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(DIALS_PER_BASTION))).clone()
        };
        // The bastion's first: who waits for a crowded one must not hold what others could use.
        let of_bastion = of_bastion.acquire_owned().await.ok()?;
        let of_looks = if purpose == Purpose::Look { Some(self.dials_of_looks.clone().acquire_owned().await.ok()?) } else { None };
        let one = self.dials.clone().acquire_owned().await.ok()?;
        Some(Dialling { _one: one, _of_looks: of_looks, _of_bastion: of_bastion })
    }

    /// Asks ssh what its configuration makes of a host. It connects nowhere.
    ///
    /// # Errors
    /// In ssh's words.
    pub(crate) async fn resolve(&self, host: &Host, ssh: &Ssh) -> Result<Resolved, String> {
        let _one = self.resolves.acquire().await.map_err(|_| "muxboard is ending")?;
        let bounds = Bounds { time: Duration::from_secs(10), bytes: SSH_WORDS_BYTES_MAX * 4 };
        let ended = exec::run(&argv::resolve(host, ssh, self.config()), &[], &[], bounds).await.map_err(|e| format!("ssh cannot be started: {e}"))?;
        if ended.exit != Some(0) {
            return Err("ssh cannot read its configuration".into());
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
            target: (name, port),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hosts_that_are_dead_leave_room_to_open_a_terminal() {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().unwrap();
        let client = Client::new(SshSettings { runtime: Some(folder.path().to_owned()), ..SshSettings::default() }).unwrap();
        let mut dialled = Vec::new();
        for i in 0..DIALS - DIALS_KEPT {
            dialled.push(client.may_dial(&format!("dead{i}"), Purpose::Look).await.unwrap());
        }
        tokio::select! {
            biased;
            _ = client.may_dial("one more", Purpose::Look) => panic!("looks have them all"),
            dialled = client.may_dial("healthy", Purpose::Act) => assert!(dialled.is_some()),
        }
    }
}
