//! The mark of a chain, `FILE.chain`: from which record to which it reaches, sealed with the key. A chain has no such word of its own: what is left of one whose
//! oldest files, newest lines or all are removed is whole.

use super::key::{Head, Key, Mac};
use super::opening;
use muxboard_core::limits::AUDIT_FIELD_BYTES_MAX;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the records reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainMark {
    /// The oldest record that is kept: those before it were removed by rotation.
    pub(crate) oldest: u64,
    /// The end of the chain, or an end it had a moment ago.
    n: u64,
    mac: Mac,
    /// The mark was begun after this record: 0 with the chain itself. What was before is not known from it.
    pub(crate) since: u64,
}

impl ChainMark {
    pub(super) fn new(oldest: u64, head: Head, since: u64) -> Self {
        Self { oldest, n: head.n, mac: head.mac, since }
    }

    pub(crate) fn head(&self) -> Head {
        Head { n: self.n, mac: self.mac }
    }

    /// The mark, moved on to this head.
    pub(super) fn moved(self, head: Head) -> Self {
        Self { n: head.n, mac: head.mac, ..self }
    }

    /// Reads the mark of an audit file. `None`: there is none.
    ///
    /// # Errors
    /// When it cannot be read, or was not written with this key.
    pub(crate) fn read(file: &Path, key: &Key) -> io::Result<Option<Self>> {
        let Some(opened) = opening::to_read(&path(file))? else { return Ok(None) };
        let mut text = String::new();
        opened.take(AUDIT_FIELD_BYTES_MAX as u64).read_to_string(&mut text)?;
        let mark = text.split_once('\n').and_then(|(body, mac)| {
            let mac: Mac = mac.strip_suffix('\n')?.parse().ok()?;
            (key.mark(body.as_bytes()) == mac).then(|| serde_json::from_str(body).ok())?
        });
        mark.map(Some).ok_or_else(|| io::Error::other("it was not written with this key, or it was changed"))
    }

    /// Puts it in the place of the one before.
    pub(super) fn write(&self, file: &Path, key: &Key) -> io::Result<()> {
        let (path, next) = (path(file), opening::beside(file, "chain.new"));
        let body = serde_json::to_string(self)?;
        let mac = key.mark(body.as_bytes());
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        options.open(&next)?.write_all(format!("{body}\n{mac}\n").as_bytes())?;
        fs::rename(next, path)
    }
}

/// The path of the mark of an audit file.
pub(crate) fn path(file: &Path) -> PathBuf {
    opening::beside(file, "chain")
}
