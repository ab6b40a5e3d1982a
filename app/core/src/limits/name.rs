//! Names and what else a person types into a form.

/// Longest name for a new session, in characters (they are all ASCII).
pub const NEW_NAME_CHARS_MAX: usize = 64;
/// Longest startup command, in bytes. Linux's own limit for one argument is 128 KiB (`MAX_ARG_STRLEN`).
pub const COMMAND_BYTES_MAX: usize = 4096;
/// Longest start directory, in bytes (`PATH_MAX`).
pub const DIRECTORY_BYTES_MAX: usize = 4096;
/// Longest name of a Unix account, in bytes (Linux's `LOGIN_NAME_MAX` without its end).
pub const USER_BYTES_MAX: usize = 255;
/// The longest name of a network interface, in bytes (Linux's `IFNAMSIZ` without its end).
pub const INTERFACE_BYTES_MAX: usize = 15;
