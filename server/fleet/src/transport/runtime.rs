//! The folder of our control sockets: whoever may write there may use our connections, so it is ours alone or not used at all.

use crate::random::sentinel;
use crate::trust;
use muxboard_core::limits::{CONTROL_PATH_BYTES_MAX, SOCKET_NAME_BYTES};
use muxboard_core::shell::Script;
use rustix::fs::{FlockOperation, flock};
use rustix::process::getuid;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The folder of this process's control sockets, removed when dropped. What a killed process left behind is removed by the next one.
#[derive(Debug)]
pub(crate) struct Runtime {
    folder: PathBuf,
    lock: PathBuf,
    _locked: File,
}

/// The default parent of the folder.
fn usual() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd's RuntimeDirectory= may be readable by all: a folder in it is not.
    let service = std::env::var("RUNTIME_DIRECTORY")
        .ok()
        .and_then(|all| all.split(':').next().filter(|first| !first.is_empty()).map(|first| Path::new(first).join("ssh")));
    service
        .or_else(|| variable("XDG_RUNTIME_DIR").filter(|folder| folder.is_dir()).map(|folder| folder.join("muxboard")))
        .unwrap_or_else(|| temporary(Path::new("/tmp")))
}

/// A folder of ours in one that all accounts share: the usual name, or, where another account has taken that, one that nobody could foresee. Such a one is
/// used again by the next process.
fn temporary(shared: &Path) -> PathBuf {
    let name = format!("muxboard-{}", getuid().as_raw());
    let first = shared.join(&name);
    if fs::symlink_metadata(&first).is_err() || is_ours_alone(&first) {
        return first;
    }
    let before = format!("{name}-");
    let found = fs::read_dir(shared).into_iter().flatten().flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&before));
    let other = found.map(|entry| entry.path()).find(|path| is_ours_alone(path)).unwrap_or_else(|| shared.join(before + &short_name()));
    tracing::warn!("{} is not ours alone: another account may have made it. {} is used in its place", first.display(), other.display());
    other
}

fn short_name() -> String {
    sentinel().chars().take(8).collect()
}

/// Whether it is a directory of this account, which nobody else may enter. A link is not followed: it could lead to a folder that is ours and be put
/// elsewhere later.
fn is_ours_alone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & 0o077 == 0)
}

/// Why a folder is not ours alone, with the line that mends it.
fn not_ours(path: &Path) -> String {
    let shown = path.display();
    let word = Script::command(&[path.to_string_lossy()]);
    let word = word.as_str();
    let own = getuid().as_raw();
    let elsewhere = "or set XDG_RUNTIME_DIR to a folder of your own";
    let (what, mend) = match fs::symlink_metadata(path) {
        Ok(found) if found.uid() != own => (format!("it belongs to another account (uid {})", found.uid()), format!("as root: rm -r {word}, {elsewhere}")),
        Ok(found) if !found.is_dir() => ("it is no directory".into(), format!("rm {word}")),
        Ok(found) => (format!("its mode is {:o}", found.mode() & 0o7777), format!("chmod 700 {word}")),
        Err(error) => (error.to_string(), elsewhere.into()),
    };
    format!("the runtime directory {shown} is not ours alone: {what}. Whoever may write there could use our ssh connections. To mend it: {mend}")
}

impl Runtime {
    /// Makes the folder, below `wanted` or below the default parent.
    ///
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
        if !is_ours_alone(&parent) {
            return Err(io::Error::other(not_ours(&parent)));
        }
        trust::check_folder(&parent).map_err(|says| io::Error::other(format!("the runtime directory {shown}: {says}")))?;
        Self::sweep_out(&parent);
        let name = short_name();
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

    /// Removes the folders of processes that have ended: their locks are free.
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

    /// The path of a socket in the folder. `kind` is one letter.
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
        assert!(
            refused(&open)
                .ends_with(&format!("its mode is 755. Whoever may write there could use our ssh connections. To mend it: chmod 700 {}", open.display()))
        );
        let ours = world.path().join("ours");
        DirBuilder::new().mode(0o700).create(&ours).unwrap();
        symlink(&ours, world.path().join("link")).unwrap();
        assert!(refused(&world.path().join("link")).contains("no directory"));
        fs::write(world.path().join("file"), "").unwrap();
        assert!(refused(&world.path().join("file")).contains("no directory"));
        assert!(Runtime::open(Some(&ours)).is_ok());
    }

    #[test]
    fn a_folder_that_another_account_has_taken_is_left_to_it() {
        let shared = tempfile::tempdir().unwrap();
        let first = shared.path().join(format!("muxboard-{}", getuid().as_raw()));
        assert_eq!(temporary(shared.path()), first);
        let ours = Runtime::open(Some(&temporary(shared.path()))).unwrap();
        assert_eq!(temporary(shared.path()), first);
        drop(ours);
        // As another account may make it: what is there is not ours alone.
        fs::set_permissions(&first, fs::Permissions::from_mode(0o777)).unwrap();
        let other = temporary(shared.path());
        assert_ne!(other, first);
        let kept = Runtime::open(Some(&other)).unwrap();
        assert_eq!(temporary(shared.path()), other, "the next process has the same one");
        drop(kept);
        if getuid().is_root() {
            std::os::unix::fs::chown(&first, Some(65534), None).unwrap();
            let says = refused(&first);
            assert!(says.contains("another account (uid 65534)") && says.contains(&format!("as root: rm -r {}", first.display())), "{says}");
            std::os::unix::fs::chown(&other, Some(65534), None).unwrap();
            assert_ne!(temporary(shared.path()), other);
        }
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
