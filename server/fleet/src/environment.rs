//! The environment of every process we start: cleared and rebuilt from this allow-list. A tmux server keeps for ever what its first client had.

use std::env;
use std::ffi::OsString;

/// Variables handed on if we have them. `TMUX_TMPDIR` says where tmux keeps its sockets.
const HANDED_ON: [&str; 7] = ["HOME", "USER", "LOGNAME", "SHELL", "TZ", "XDG_RUNTIME_DIR", "TMUX_TMPDIR"];
/// Where programs are looked up if we have no `PATH`.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// Name and value of each variable.
pub(crate) fn allowed() -> Vec<(&'static str, OsString)> {
    let mut out: Vec<_> = HANDED_ON.iter().filter_map(|name| env::var_os(name).map(|value| (*name, value))).collect();
    out.push(("PATH", env::var_os("PATH").unwrap_or_else(|| PATH_DEFAULT.into())));
    // UTF-8 characters, and messages that we can read.
    out.push(("LANG", "C.UTF-8".into()));
    out
}
