//! The folder of our control sockets: whoever may write there may use our connections, so it is ours alone or not used at all.

use crate::random::sentinel;
use muxboard_core::limits::{CONTROL_PATH_BYTES_MAX, SOCKET_NAME_BYTES};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The folder of this process. Removed when dropped; what a killed process left is removed by the next one.
#[derive(Debug)]
pub(crate) struct Runtime {
    folder: PathBuf,
    lock: PathBuf,
    _locked: File,
}

/// Where the folder lies unless the settings say it.
fn usual() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd's RuntimeDirectory= may be readable by all: a folder in it is not.
    let service = std::env::var("RUNTIME_DIRECTORY")
        .ok()
        .and_then(|all| all.split(':').next().filter(|first| !first.is_empty()).map(|first| Path::new(first).join("ssh")));
    service
        .or_else(|| variable("XDG_RUNTIME_DIR").filter(|folder| folder.is_dir()).map(|folder| folder.join("muxboard")))
        .unwrap_or_else(|| format!("/tmp/muxboard-{}", rustix::process::getuid().as_raw()).into())
}

impl Runtime {
    /// # Errors
    /// When the folder is not ours alone, or its path leaves no room for a socket's name; in words for the operator.
    pub(crate) fn open(wanted: Option<&Path>) -> io::Result<Self> {
        let parent = wanted.map_or_else(usual, Path::to_owned);
        let shown = parent.display();
        match DirBuilder::new().mode(0o700).create(&parent) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io::Error::new(error.kind(), format!("the runtime directory {shown} cannot be made: {error}")));
            }
            _ => {}
        }
        // Not followed: a link could lead to a folder that is ours and is put elsewhere later.
        let found = fs::symlink_metadata(&parent)?;
        let (mode, owner) = (found.mode() & 0o7777, found.uid());
        if !found.is_dir() || owner != rustix::process::getuid().as_raw() || mode & 0o077 != 0 {
            return Err(io::Error::other(format!(
                "the runtime directory {shown} is not ours alone (owner {owner}, mode {mode:o}{}): whoever may write there could use our ssh connections. Remove it, or: chmod 700 {shown}",
                if found.is_dir() { "" } else { ", and no directory" },
            )));
        }
        Self::sweep_out(&parent);
        let name: String = sentinel().chars().take(8).collect();
        let folder = parent.join(&name);
        let bytes = folder.as_os_str().len() + SOCKET_NAME_BYTES;
        if bytes > CONTROL_PATH_BYTES_MAX {
            return Err(io::Error::other(format!(
                "the runtime directory {shown} is too deep for ssh's control sockets ({bytes} of {CONTROL_PATH_BYTES_MAX} bytes): set XDG_RUNTIME_DIR to a shorter path"
            )));
        }
        let lock = parent.join(format!("{name}.lock"));
        let locked = File::create_new(&lock)?;
        flock(&locked, FlockOperation::NonBlockingLockExclusive)?;
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder, lock, _locked: locked })
    }

    /// Removes what processes left that are not there any more: their locks can be had.
    fn sweep_out(parent: &Path) {
        let Ok(entries) = fs::read_dir(parent) else { return };
        for lock in entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "lock")) {
            let free = File::open(&lock).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok());
            if free {
                let _ = fs::remove_dir_all(lock.with_extension(""));
                let _ = fs::remove_file(&lock);
            }
        }
    }

    /// A path for a socket. `kind` is one letter.
    pub(crate) fn socket(&self, host: usize, generation: u64, kind: char) -> PathBuf {
        self.folder.join(format!("{host}.{generation}{kind}"))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn refused(folder: &Path) -> String {
        Runtime::open(Some(folder)).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let world = tempfile::tempdir().unwrap();
        let open = world.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refused(&open).contains(&format!("chmod 700 {}", open.display())));
        let ours = world.path().join("ours");
        DirBuilder::new().mode(0o700).create(&ours).unwrap();
        symlink(&ours, world.path().join("link")).unwrap();
        assert!(refused(&world.path().join("link")).contains("no directory"));
        fs::write(world.path().join("file"), "").unwrap();
        assert!(refused(&world.path().join("file")).contains("no directory"));
        assert!(Runtime::open(Some(&ours)).is_ok());
    }

    #[test]
    fn a_path_that_leaves_no_room_for_a_socket_is_refused_before_ssh_would_fail() {
        let world = tempfile::tempdir().unwrap();
        assert!(refused(&world.path().join("x".repeat(80))).contains("too deep"));
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not() {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().join("run");
        let living = Runtime::open(Some(&folder)).unwrap();
        let dead = Runtime::open(Some(&folder)).unwrap();
        let (left, lock) = (dead.folder.clone(), dead.lock.clone());
        // As SIGKILL leaves it: the lock is free, the files are there, a stale socket among them.
        let stale = std::os::unix::net::UnixListener::bind(dead.socket(0, 1, 'c')).unwrap();
        drop(stale);
        flock(&dead._locked, FlockOperation::Unlock).unwrap();
        std::mem::forget(dead);
        let _next = Runtime::open(Some(&folder)).unwrap();
        assert!(!left.exists() && !lock.exists());
        assert!(living.folder.exists() && living.lock.exists());
    }
}
