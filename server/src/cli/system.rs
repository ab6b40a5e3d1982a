//! What the command line takes from the system: the account, the host's name, a runtime.

use crate::config::{Config, LISTEN_DEFAULT};
use anyhow::{Context, anyhow};
use muxboard_core::name::UnixUser;
use nix::unistd::{Uid, User};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::io::Write;
use std::net::SocketAddr;

/// Closes this process's memory, environment and core dumps to every account but root, the one that runs it too: they hold tokens, passwords and screens.
/// Programs that it starts are as they always are. (A limit of 0 for core dumps would be inherited by everything in the sessions.)
pub(super) fn keep_memory_closed() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        let _ = writeln!(std::io::stderr(), "muxboard: others who run as this account can read its memory: {error}");
    }
}

/// The account that muxboard runs as, by the account database (directory services included), and whether it is root.
pub(super) fn own_account() -> anyhow::Result<(UnixUser, bool)> {
    let uid = Uid::effective();
    // A directory service that is down knows nobody; then the login's own word has to do.
    let known = User::from_uid(uid).ok().flatten().map(|user| user.name);
    let name = known.or_else(|| std::env::var("USER").ok()).ok_or_else(|| anyhow!("the account with uid {uid} has no name here; set USER"))?;
    Ok((name.parse().map_err(|e| anyhow!("cannot work as \"{name}\": {e}"))?, uid.is_root()))
}

/// The machine's host name.
pub(super) fn hostname() -> String {
    nix::unistd::gethostname().map_or_else(|_| "this machine".into(), |name| name.to_string_lossy().into_owned())
}

#[expect(clippy::expect_used, reason = "a constant")]
pub(super) fn listen_default() -> SocketAddr {
    LISTEN_DEFAULT.parse().expect("the default address")
}

/// ssh asks for passwords by starting this very binary.
pub(super) fn with_askpass(mut config: Config) -> Config {
    config.ssh.askpass = std::env::current_exe().ok();
    config
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")
}
