//! Where the audit file is, and how it is kept.

use muxboard_core::limits::{AUDIT_KEEP_FILES, AUDIT_ROTATE_BYTES};
use std::path::PathBuf;

/// When lines are forced to the disk. A crash of muxboard loses none; this is about a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fsync {
    /// After each batch of lines; the answer to an act waits for that.
    Always,
    /// At most once a second.
    #[default]
    Second,
    /// When the system likes.
    Never,
}

/// Where the audit file is, and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// The file. Older ones lie beside it, as `FILE.1` (the newest of them), `FILE.2` and so on.
    pub file: PathBuf,
    /// The file that holds the key of the chain.
    pub key_file: PathBuf,
    /// When lines are forced to the disk.
    pub fsync: Fsync,
    /// The file is put aside before it would be longer.
    pub rotate_bytes: u64,
    /// So many older files are kept.
    pub keep: usize,
}

impl AuditSettings {
    /// Settings for these files, with the default limits.
    pub fn new(file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), key_file: key_file.into(), fsync: Fsync::default(), rotate_bytes: AUDIT_ROTATE_BYTES, keep: AUDIT_KEEP_FILES }
    }
}
