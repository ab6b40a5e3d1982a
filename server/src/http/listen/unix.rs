//! A Unix socket as a file: what it takes the place of, who may open it, that it goes with us. Whoever may open it speaks for everybody (the proxy in
//! front of us does), so nobody may put another in its place.

use muxboard_core::limits::BACKLOG;
use muxboard_fleet::trust;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// A Unix socket that we listen on. Its file is removed when it is dropped.
pub(super) struct UnixSocketListener {
    listener: UnixListener,
    _file: OwnSocketFile,
}

/// The file of our socket: removed on drop, if it is still the one we made.
struct OwnSocketFile {
    path: PathBuf,
    is: (u64, u64),
}

impl Drop for OwnSocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.is) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl UnixSocketListener {
    /// # Errors
    /// In words for the operator.
    pub(super) async fn open(path: &Path, mode: u32) -> Result<Self, String> {
        // The folder's group may put another socket there: the proxy in front is in it.
        trust::check_shared_folder(path.parent().unwrap_or(Path::new("/")))?;
        remove_stale(path).await?;
        let says = |error: io::Error| format!("cannot listen on {}: {error}", path.display());
        let socket = UnixSocket::new_stream().map_err(says)?;
        socket.bind(path).map_err(says)?;
        let found = fs::symlink_metadata(path).map_err(says)?;
        let file = OwnSocketFile { path: path.to_owned(), is: (found.dev(), found.ino()) };
        // Nobody can connect before we listen: there is no moment with another mode.
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(says)?;
        Ok(Self { listener: socket.listen(BACKLOG).map_err(says)?, _file: file })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(unix, _)| unix)
    }
}

/// Removes what a process of ours that was killed left there; nothing else.
async fn remove_stale(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let says = |error: io::Error| format!("cannot listen on {shown}: {error}");
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(says(error)),
    };
    if !found.file_type().is_socket() {
        return Err(format!("{shown} is there already and is no socket, so it is left alone: choose another path, or move it away"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("{shown} is a socket of another account, so it is left alone: choose another path, or remove it"));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(says),
        // Also one whose backlog is full is alive.
        _ => Err(format!("{shown} is in use: another program listens there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener as Listener;

    fn folder(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        let path = folder.path().join("http.sock");
        (folder, path)
    }

    async fn says(path: &Path) -> String {
        UnixSocketListener::open(path, 0o660).await.err().unwrap()
    }

    #[tokio::test]
    async fn it_has_its_mode_and_goes_with_us() {
        let (_folder, path) = folder(0o755);
        let door = UnixSocketListener::open(&path, 0o660).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
        UnixStream::connect(&path).await.unwrap();
        assert!(says(&path).await.contains("is in use"));
        drop(door);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn only_a_dead_socket_is_removed() {
        let (folder, path) = folder(0o755);
        drop(Listener::bind(&path).unwrap());
        assert!(path.exists());
        let door = UnixSocketListener::open(&path, 0o600).await.unwrap();
        // Another one in our place is not ours to remove.
        fs::remove_file(&path).unwrap();
        let _other = Listener::bind(&path).unwrap();
        drop(door);
        assert!(path.exists());
        for (name, make) in
            [("file", &(|p: &Path| fs::write(p, "kept").unwrap()) as &dyn Fn(&Path)), ("link", &|p| std::os::unix::fs::symlink("/x", p).unwrap())]
        {
            let path = folder.path().join(name);
            make(&path);
            assert!(says(&path).await.contains("is no socket"), "{name}");
            assert!(fs::symlink_metadata(&path).is_ok(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_others_write_in_is_refused() {
        for mode in [0o777, 0o1777, 0o757] {
            let (_folder, path) = folder(mode);
            assert!(says(&path).await.starts_with("others may write in"), "{mode:o}");
        }
        let (above, _) = folder(0o777);
        let below = above.path().join("below");
        fs::create_dir(&below).unwrap();
        assert!(says(&below.join("s")).await.starts_with("others may write in"));
        fs::set_permissions(above.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(UnixSocketListener::open(&below.join("s"), 0o660).await.is_ok());
        assert!(says(Path::new("/not/there/s")).await.contains("No such file"));
    }
}
