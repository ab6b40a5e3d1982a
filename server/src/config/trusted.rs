//! The files that a configuration names and trusts: whether anybody else can change them.

use super::Config;
use crate::audit::opening;
use muxboard_core::inventory::{Reach, Secret};
use muxboard_fleet::trust;
use std::path::Path;

/// Checks that only this account and root can change the files that a configuration names.
///
/// # Errors
/// One sentence for the operator, with the line that mends it.
pub(crate) fn check_named_files(config: &Config) -> Result<(), String> {
    if let Some(tls) = &config.tls {
        trust::check_file(&tls.cert)?;
        trust::check_file(&tls.key)?;
    }
    if let Some(audit) = &config.audit {
        trust::check_file(&audit.key_file)?;
        trust::check_folder(opening::folder(&audit.file))?;
        opening::all(&audit.file).try_for_each(|file| trust::check_file(&file))?;
    }
    if let Some(path) = &config.ssh.config {
        trust::check_file(Path::new(path))?;
    }
    for host in &config.inventory.hosts {
        let Reach::Ssh(ssh) = &host.reach else { continue };
        let secrets = [&ssh.password, &ssh.passphrase].into_iter().flatten();
        let files = secrets.filter_map(|secret| if let Secret::File(path) = secret { Some(path) } else { None });
        files.chain(&ssh.identity_file).try_for_each(|path| trust::check_file(Path::new(path)))?;
    }
    Ok(())
}
