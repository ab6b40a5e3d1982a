//! What the command line takes from the system: the account, the host's name, a runtime.

use crate::config::{Config, LISTEN_DEFAULT};
use anyhow::{Context, anyhow};
use muxboard_core::name::UnixUser;
use std::net::SocketAddr;

/// The account we run as, from the system's own records.
pub(super) fn own_account() -> anyhow::Result<(UnixUser, bool)> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot tell who I am: /proc/self/status is not readable")?;
    let uid = status
        .lines()
        .find_map(|l| l.strip_prefix("Uid:"))
        .and_then(|l| l.split_whitespace().nth(1))
        .ok_or_else(|| anyhow!("cannot tell who I am"))?
        .to_owned();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let by_id = accounts
        .lines()
        .filter_map(|l| {
            let mut f = l.split(':');
            Some((f.next()?, f.nth(1)?))
        })
        .find(|(_, id)| *id == uid)
        .map(|(name, _)| name.to_owned());
    // Accounts of a directory service are not in the file; then the login's own word has to do.
    let name = by_id.or_else(|| std::env::var("USER").ok()).ok_or_else(|| anyhow!("the account with uid {uid} has no name here; set USER"))?;
    Ok((name.parse().map_err(|e| anyhow!("cannot work as \"{name}\": {e}"))?, uid == "0"))
}

pub(super) fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "this machine".into(), |h| h.trim().to_owned())
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
