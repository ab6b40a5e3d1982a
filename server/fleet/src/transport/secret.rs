//! Passwords and passphrases: read where the configuration says they are kept, at the moment they are needed, and given to ssh alone, by its own
//! means (`SSH_ASKPASS`). They are in no argument, no environment of a child, no log.
//!
//! ssh starts the muxboard binary again, which asks the process that dials, over a socket that exists for this one connection. Only the
//! prompts of this host are answered, each once: an ssh to a bastion asks in the same way, and must not get another host's password.

use crate::trust;
use muxboard_core::inventory::Secret;
use muxboard_core::limits::{PROMPT_BYTES_MAX, SECRET_BYTES_MAX};
use rustix::process::getuid;
use secrecy::{ExposeSecret, SecretString};
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// The environment variable that tells the binary that ssh started it, and on which socket to ask.
pub const ASKPASS_SOCKET: &str = "MUXBOARD_ASKPASS_SOCKET";

/// Reads a secret from where it is kept.
///
/// # Errors
/// In words, without the secret.
pub(super) fn read(secret: &Secret) -> Result<SecretString, String> {
    let text = match secret {
        Secret::Variable(name) => env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?,
        Secret::File(path) => from_file(Path::new(path), true)?,
        Secret::Credential(name) => {
            let folder = env::var_os("CREDENTIALS_DIRECTORY").ok_or("there are no systemd credentials here: CREDENTIALS_DIRECTORY is not set")?;
            // systemd keeps them readable for the unit alone.
            from_file(&PathBuf::from(folder).join(name), false)?
        }
    };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.is_empty() || line.len() > SECRET_BYTES_MAX || line.contains(['\n', '\0']) {
        return Err(format!("it must be one line of at most {SECRET_BYTES_MAX} bytes"));
    }
    Ok(line.to_owned().into())
}

/// Reads a file that only we may read, at most `bytes_max` bytes of it.
///
/// # Errors
/// In words, without the text: with the line that mends its mode.
pub fn private_file(path: &Path, bytes_max: usize) -> Result<String, String> {
    // systemd keeps its credentials readable for the unit alone, by means that do not show in their mode.
    let credential = env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| path.starts_with(folder));
    text_of(path, !credential, bytes_max)
}

fn from_file(path: &Path, ours_alone: bool) -> Result<String, String> {
    text_of(path, ours_alone, SECRET_BYTES_MAX + 2)
}

fn text_of(path: &Path, ours_alone: bool, bytes_max: usize) -> Result<String, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|e| format!("{shown} cannot be read: {e}"))?;
    let found = file.metadata().map_err(|e| format!("{shown} cannot be read: {e}"))?;
    let owned = found.uid() == getuid().as_raw() || found.uid() == 0;
    if ours_alone && (!owned || found.mode() & 0o077 != 0) {
        return Err(format!("others may read {shown}: chmod 600 {shown}"));
    }
    if ours_alone {
        trust::check_file(path)?;
    }
    let mut text = String::new();
    file.take(bytes_max as u64).read_to_string(&mut text).map_err(|e| format!("{shown} cannot be read: {e}"))?;
    Ok(text)
}

/// The secrets that one ssh may be given while it connects.
#[derive(Debug)]
pub(super) struct Secrets {
    /// The password, for the prompts of this account alone (`ops@web1`, as ssh names it).
    pub(super) password: Option<SecretString>,
    pub(super) account: String,
    pub(super) passphrase: Option<SecretString>,
}

impl Secrets {
    /// The answer to a prompt of OpenSSH; each kind of prompt is answered once.
    fn answer(&mut self, prompt: &str) -> Option<SecretString> {
        // sshconnect2.c cuts the names: at 30 and 128 characters, the key's path at 100.
        if prompt.starts_with("Enter passphrase for key '") {
            self.passphrase.take()
        } else if prompt.starts_with(&format!("{}'s password:", self.account)) || prompt.starts_with(&format!("({}) ", self.account)) {
            // The second is a prompt of the other side (PAM), marked by ssh with whose it is.
            self.password.take()
        } else {
            None
        }
    }
}

/// Answers prompts on this socket, for as long as the future lives.
pub(super) async fn serve(listener: UnixListener, mut secrets: Secrets) {
    while let Ok((mut asker, _)) = listener.accept().await {
        if !asker.peer_cred().is_ok_and(|peer| peer.uid() == getuid().as_raw()) {
            continue;
        }
        let mut prompt = Vec::new();
        if (&mut asker).take(PROMPT_BYTES_MAX).read_to_end(&mut prompt).await.is_err() {
            continue;
        }
        match secrets.answer(&String::from_utf8_lossy(&prompt)) {
            Some(secret) => drop(asker.write_all(secret.expose_secret().as_bytes()).await),
            None => tracing::warn!(prompt = %String::from_utf8_lossy(&prompt).escape_debug(), "ssh asked for what is not configured for this host"),
        }
    }
}

/// Runs as ssh's askpass program: asks the muxboard that dials for the secret of this prompt and prints it. False if there is none.
///
/// # Errors
/// When nobody answers on the socket.
pub fn askpass(socket: &OsStr, prompt: &str) -> io::Result<bool> {
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.write_all(prompt.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut secret = Vec::new();
    stream.take(SECRET_BYTES_MAX as u64).read_to_end(&mut secret)?;
    if secret.is_empty() {
        return Ok(false);
    }
    secret.push(b'\n');
    let mut out = io::stdout();
    out.write_all(&secret)?;
    out.flush()?;
    secret.fill(0);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_password_goes_to_its_own_host_alone_and_once() {
        let fresh = || Secrets { password: Some("p".to_owned().into()), account: "ops@web1".into(), passphrase: Some("k".to_owned().into()) };
        let told = |secrets: &mut Secrets, prompt: &str| secrets.answer(prompt).map(|s| s.expose_secret().to_owned());
        for prompt in [
            "ops@bastion's password: ",
            "ops@web11's password: ",
            "xops@web1's password: ",
            "Password: ",
            "Are you sure (yes/no)? ",
            "(ops@bastion) ops@web1's password: ",
        ] {
            assert_eq!(told(&mut fresh(), prompt), None, "{prompt}");
        }
        let mut secrets = fresh();
        assert_eq!(told(&mut secrets, "ops@web1's password: ").as_deref(), Some("p"));
        assert_eq!(told(&mut secrets, "ops@web1's password: "), None);
        assert_eq!(told(&mut secrets, "Enter passphrase for key '/k': ").as_deref(), Some("k"));
        assert_eq!(told(&mut fresh(), "(ops@web1) Password: ").as_deref(), Some("p"));
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "hunter2\n").unwrap();
        let secret = Secret::File(path.to_str().unwrap().to_owned());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let says = read(&secret).unwrap_err();
        assert!(says.contains("chmod 600") && !says.contains("hunter2"), "{says}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let got = read(&secret).unwrap();
        assert_eq!(got.expose_secret(), "hunter2");
        assert!(!format!("{got:?}").contains("hunter2"));
        fs::write(&path, "two\nlines\n").unwrap();
        assert!(read(&secret).is_err());
        assert!(read(&Secret::Variable("MUXBOARD_NOT_SET".into())).is_err());
    }
}
