//! Who is let in: tokens, logins, failures, identities.

/// The shortest access token that is taken, in characters.
pub const TOKEN_CHARS_MIN: usize = 16;
/// A login's life, in hours.
pub const LOGIN_HOURS: u64 = 24 * 7;
/// The random part of a login's path, in hexadecimal digits: 96 bits.
pub const LOGIN_PATH_CHARS: usize = 24;
/// Logins kept at once; the oldest gives way.
pub const LOGINS_MAX: usize = 256;
/// Failed logins of one source before the next ones are answered with 429.
pub const FAILURES_MAX: u32 = 10;
/// How long failed logins are counted together, after the last of them, in seconds.
pub const LOCKOUT_SECONDS: u64 = 300;
/// Sources (addresses) whose requests and failures are counted.
pub const SOURCES_MAX: usize = 10_000;
/// The time in which refusals of callers without an identity are one record of the audit and one line of the log for each source, and one more with their
/// number, in seconds.
pub const REFUSALS_FOLDED_SECONDS: u64 = 600;
/// Sources whose refusals are counted apart in that time; those of all others are counted together. Both bound what such callers write: 3.7 MB a day.
pub const REFUSALS_FOLDED_SOURCES_MAX: usize = 32;
/// Symbolic links that are followed on the way to a trusted file (Linux's own limit).
pub const LINKS_MAX: usize = 40;
/// Time for an embedder's gate to answer, in seconds.
pub const AUTHORIZE_SECONDS_MAX: u64 = 4;
/// The longest name of a principal, in bytes: others see who types, with a length of one byte on the wire.
pub const PRINCIPAL_BYTES_MAX: usize = 255;
/// The longest identity, group list or secret that a proxy may send, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 4096;
/// Groups of one principal.
pub const GROUPS_MAX: usize = 256;
/// The largest user map, in bytes.
pub const USER_MAP_BYTES_MAX: u64 = 4 << 20; // 4 MiB
/// The lowest uid of a person's account; a lower one is the system's own (login.defs(5), `UID_MIN`).
pub const UID_MIN: u32 = 1000;
