//! The key of the chain, and the code it makes of a line and the code before it. It reads the key's file only if nobody else could have.

use hmac::{Hmac, Mac as _};
use muxboard_core::hex;
use muxboard_core::limits::{AUDIT_KEY_BYTES_MAX, AUDIT_KEY_BYTES_MIN};
use muxboard_core::shell::Script;
use muxboard_fleet::trust;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::str::FromStr;

/// The text whose code a chain begins with, in the place of the code of a record before it.
const GENESIS: &str = "muxboard audit";

/// A message authentication code. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Mac([u8; 32]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}
impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}
impl TryFrom<String> for Mac {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl FromStr for Mac {
    type Err = &'static str;
    /// Small letters alone: each code has one spelling.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "a code is 64 hexadecimal digits in small letters";
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let good = rest.is_empty() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let digit = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b.wrapping_sub(b'a').wrapping_add(10) };
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| (digit(*high) << 4) | (digit(*low) & 15)).collect();
        if good { bytes.try_into().map(Self).map_err(|_| WANTED) } else { Err(WANTED) }
    }
}

/// The end of a chain: the number of its last record and that record's code. Written `N:MAC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) n: u64,
    pub(crate) mac: Mac,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.n, self.mac)
    }
}
impl FromStr for Head {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (n, mac) = text.split_once(':').ok_or("a head is N:MAC, as the log says it")?;
        Ok(Self { n: n.parse().map_err(|_| "a head is N:MAC, and N a number")?, mac: mac.parse()? })
    }
}

/// For what the key is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyUse {
    /// To write: whoever else owns the file knows the key.
    Write,
    /// To verify: root may use anybody's key.
    Verify,
}

/// The key. It is never shown: there is no `Debug`.
#[derive(Clone)]
pub(crate) struct Key(Hmac<Sha256>);

impl Key {
    /// Reads it from its file.
    ///
    /// # Errors
    /// When it is not there, too short, or not ours alone: one sentence with the line that mends it.
    pub(crate) fn read(path: &Path, purpose: KeyUse) -> io::Result<Self> {
        let shown = path.display();
        let word = Script::command(&[path.to_string_lossy()]);
        let word = word.as_str();
        let make = format!("(umask 077; head -c 32 /dev/urandom | base64 > {word})");
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::new(error.kind(), format!("the audit key {shown} is not there; make one: {make}")),
            _ => io::Error::new(error.kind(), format!("the audit key {shown} cannot be read: {error}")),
        };
        // Not blocking: it could be a pipe that nobody writes to.
        let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        if !found.is_file() {
            return Err(io::Error::other(format!("the audit key {shown} is not a file; make one: {make}")));
        }
        let own = geteuid();
        if found.uid() != own.as_raw() && !(purpose == KeyUse::Verify && own.is_root()) {
            return Err(io::Error::other(format!("the audit key {shown} belongs to somebody else, who knows it: chown {} {word}", own.as_raw())));
        }
        if found.mode() & 0o077 != 0 {
            return Err(io::Error::other(format!("others may read the audit key {shown}: chmod 600 {word}")));
        }
        if purpose == KeyUse::Write {
            trust::check_file(path).map_err(io::Error::other)?;
        }
        let mut bytes = Vec::new();
        file.take(AUDIT_KEY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Self::of(&bytes).map_err(|says| io::Error::other(format!("the audit key {shown} {says}; make one: {make}")))
    }

    /// The key that a file with these bytes holds. The end of its line is not a part of it: an editor may add one.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, String> {
        let key = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        if !(AUDIT_KEY_BYTES_MIN..=AUDIT_KEY_BYTES_MAX).contains(&key.len()) {
            return Err(format!("has {} bytes, not {AUDIT_KEY_BYTES_MIN} to {AUDIT_KEY_BYTES_MAX}", key.len()));
        }
        Hmac::new_from_slice(key).map(Self).map_err(|error| error.to_string())
    }

    /// The code that a chain begins with.
    pub(crate) fn genesis(&self) -> Mac {
        Mac(self.0.clone().chain_update(GENESIS).finalize().into_bytes().into())
    }

    /// The code of a mark.
    pub(super) fn mark(&self, body: &[u8]) -> Mac {
        Mac(self.0.clone().chain_update("muxboard audit mark").chain_update(body).finalize().into_bytes().into())
    }

    /// The code of a line, after the one before it.
    pub(crate) fn seal(&self, previous: &Mac, body: &[u8]) -> Mac {
        Mac(self.0.clone().chain_update(previous.to_string()).chain_update(body).finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown};

    fn refused(path: &Path, purpose: KeyUse) -> String {
        Key::read(path, purpose).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_key_that_others_could_know_is_refused_with_the_line_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a key");
        let says = refused(&path, KeyUse::Write);
        assert!(says.contains(&format!("(umask 077; head -c 32 /dev/urandom | base64 > '{}')", path.display())), "{says}");
        for (bytes, want) in [("short\n".repeat(5), "has 29 bytes"), ("x".repeat(5000), "not 32 to 4096"), ("x".repeat(31) + "\n", "has 31 bytes")] {
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let says = refused(&path, KeyUse::Write);
            assert!(says.contains(want) && says.contains("make one"), "{says}");
        }
        fs::write(&path, "k".repeat(44)).unwrap();
        assert!(Key::read(&path, KeyUse::Write).is_ok());
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            for purpose in [KeyUse::Write, KeyUse::Verify] {
                assert!(refused(&path, purpose).contains("chmod 600 '"), "{mode:o}");
            }
        }
        assert!(refused(folder.path(), KeyUse::Write).contains("is not a file"));
        if geteuid().is_root() {
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(65534), None).unwrap();
            assert!(refused(&path, KeyUse::Write).contains("belongs to somebody else"));
            assert!(Key::read(&path, KeyUse::Verify).is_ok());
        }
    }

    #[test]
    fn a_code_has_one_spelling_and_depends_on_all_that_it_covers() {
        let key = Key::of("k".repeat(32).as_bytes()).unwrap();
        let genesis = key.genesis();
        let text = genesis.to_string();
        assert_eq!(text.parse::<Mac>(), Ok(genesis));
        for bad in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), text.replace(&text[..1], "g"), String::new()] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
        let head = Head { n: 7, mac: key.seal(&genesis, b"{}") };
        assert_eq!(head.to_string().parse::<Head>(), Ok(head));
        for bad in ["7", "7:", "x:", ":", "-1:aa"] {
            assert!(bad.parse::<Head>().is_err(), "{bad}");
        }
        let other = Key::of("l".repeat(32).as_bytes()).unwrap();
        assert!(head.mac != key.seal(&head.mac, b"{}") && head.mac != key.seal(&genesis, b"{ }") && head.mac != other.seal(&genesis, b"{}"));
        // What an editor or `echo` adds at the end makes no other key.
        assert_eq!(Key::of(format!("{}\r\n", "k".repeat(32)).as_bytes()).unwrap().genesis(), genesis);
    }
}
