//! Uploaded files.

/// The largest file that may be uploaded unless the configuration says otherwise, in bytes.
pub const UPLOAD_BYTES_MAX: u64 = 10 << 20; // 10 MiB
/// The largest [`UPLOAD_BYTES_MAX`] that may be configured, in bytes.
pub const UPLOAD_BYTES_MOST: u64 = 1 << 30; // 1 GiB
/// How long an uploaded file is kept, in hours.
pub const UPLOAD_HOURS: u64 = 24;
/// The longest [`UPLOAD_HOURS`] that may be configured.
pub const UPLOAD_HOURS_MAX: u64 = 24 * 365;
/// The wait after an uploaded file is too old until it is removed, in seconds: `find -mmin` counts whole minutes, and only what is older.
pub const UPLOAD_EXPIRE_LATE_SECONDS: u64 = 120;
/// Files of uploads that one account keeps at one moment.
pub const UPLOAD_FILES_MAX: usize = 100;
/// Uploads of one principal at one moment.
pub const UPLOADS_PER_PRINCIPAL: usize = 2;
/// Uploads at one moment.
pub const UPLOADS: usize = 8;
/// The beginning of a file from which its type is told, in bytes.
pub const SNIFFED_BYTES: usize = 4096;
/// The time without a byte after which an upload is cut off, in seconds.
pub const UPLOAD_IDLE_SECONDS_MAX: u64 = 30;
/// The slowest upload, in bytes a second; a slower one is cut off: it holds one of [`UPLOADS`]. A telephone's worst line has ten times that.
pub const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 4 * 1024;
/// The bytes of a file that may still be under way to a host when all of it was handed over: ssh's own window is 2 MiB, pipes and sockets have the rest.
pub const UPLOAD_UNDER_WAY_BYTES_MAX: u64 = 3 << 20; // 3 MiB
/// The time for a host to answer that a file can come, and at the end that it is there, in seconds.
pub const UPLOAD_ANSWER_SECONDS_MAX: u64 = 15;
/// The longest path of an uploaded file, in bytes (`PATH_MAX`).
pub const PATH_BYTES_MAX: usize = 4096;
