//! The audit file and the command that reads it.

/// The longest wait for the lock of the audit file, in milliseconds. A process that a killed muxboard was starting holds it until it runs its program.
pub const AUDIT_LOCK_MS_MAX: u64 = 2000;
/// The time between two tries for the lock of the audit file, in milliseconds.
pub const AUDIT_LOCK_MS: u64 = 20;
/// Events that wait to be written to the audit file; more are lost there, and counted.
pub const AUDIT_QUEUE_EVENTS: usize = 4096;
/// Events that are written to the audit file at once.
pub const AUDIT_BATCH_EVENTS: usize = 256;
/// The log names the head of the audit's chain once in so many records.
pub const AUDIT_HEAD_EVENTS: u64 = 256;
/// The longest text of an audit record, in bytes; of a longer one the beginning is kept.
pub const AUDIT_FIELD_BYTES_MAX: usize = 4096;
/// The longest line of an audit file, in bytes: four texts of [`AUDIT_FIELD_BYTES_MAX`], each byte written as `\u0000`, and the rest.
pub const AUDIT_LINE_BYTES_MAX: usize = 128 * 1024;
/// The shortest audit key, in bytes.
pub const AUDIT_KEY_BYTES_MIN: usize = 32;
/// The longest audit key, in bytes.
pub const AUDIT_KEY_BYTES_MAX: usize = 4096;
/// The size before which an audit file is rotated, in bytes: 64 MiB are about 150,000 records.
pub const AUDIT_ROTATE_BYTES: u64 = 64 << 20;
/// The smallest [`AUDIT_ROTATE_BYTES`] that may be configured.
pub const AUDIT_ROTATE_BYTES_MIN: u64 = 1 << 20; // 1 MiB
/// The largest [`AUDIT_ROTATE_BYTES`] that may be configured.
pub const AUDIT_ROTATE_BYTES_MAX: u64 = 1 << 40; // 1 TiB
/// Older audit files that are kept.
pub const AUDIT_KEEP_FILES: usize = 10;
/// The most [`AUDIT_KEEP_FILES`] that may be configured.
pub const AUDIT_KEEP_FILES_MAX: usize = 1000;
/// With `fsync = "second"`, the time between two times that audit lines are forced to the disk, in milliseconds.
pub const AUDIT_SYNC_MS: u64 = 1000;
/// The wait before an audit line that the disk did not take is written again, in milliseconds.
pub const AUDIT_RETRY_MS: u64 = 1000;
/// The time for waiting events to be written to the audit file when muxboard ends, in seconds.
pub const AUDIT_CLOSE_SECONDS_MAX: u64 = 5;
/// With `fsync = "always"`, the time for which an answer waits for the record of its act, in seconds: a disk that hangs must not hold up the board.
pub const AUDIT_FLUSH_SECONDS_MAX: u64 = 5;
/// The wait before a flush is asked for again while the audit's queue is full, in milliseconds.
pub const AUDIT_FLUSH_RETRY_MS: u64 = 10;
/// Records that `muxboard audit tail` shows unless it is told how many.
pub const AUDIT_TAIL_LINES: usize = 20;
/// The most records that `muxboard audit tail` shows.
pub const AUDIT_TAIL_LINES_MAX: usize = 10_000;
/// The widest cell of the table that `muxboard audit tail` prints, in characters.
pub const AUDIT_TAIL_COLUMN_CHARS_MAX: usize = 48;
/// Findings that `muxboard audit verify` names, in lines.
pub const AUDIT_FINDINGS_MAX: usize = 20;

const _: () = assert!(4 * 6 * (AUDIT_FIELD_BYTES_MAX + 3) + 4096 <= AUDIT_LINE_BYTES_MAX && AUDIT_LINE_BYTES_MAX as u64 <= AUDIT_ROTATE_BYTES_MIN);
