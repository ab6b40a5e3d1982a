//! The environment of every process we start: cleared and rebuilt from this allow-list. A tmux server keeps for ever what its first client had.

use std::env;
use std::ffi::OsString;

/// Variables that a child inherits where we have them. `TMUX_TMPDIR` names the folder of tmux's sockets.
const HANDED_ON: [&str; 7] = ["HOME", "USER", "LOGNAME", "SHELL", "TZ", "XDG_RUNTIME_DIR", "TMUX_TMPDIR"];
/// The `PATH` of a child where we have none.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// The name and value of each variable of a child.
pub(crate) fn allowed() -> Vec<(&'static str, OsString)> {
    let mut out: Vec<_> = HANDED_ON.iter().filter_map(|name| env::var_os(name).map(|value| (*name, value))).collect();
    out.push(("PATH", env::var_os("PATH").unwrap_or_else(|| PATH_DEFAULT.into())));
    // UTF-8 characters, and messages that we can read.
    out.push(("LANG", "C.UTF-8".into()));
    out
}
