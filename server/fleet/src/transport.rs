//! How a script gets to a host and its answer back. So far: this machine.

use crate::exec::{self, Bounds};
use muxboard_core::argv;
use muxboard_core::inventory::{Host, User};
use muxboard_core::shell::Script;
use muxboard_core::tmux::Call;
use std::io;

/// A host's answer to a script.
pub(crate) struct Answer {
    /// The exit code; none if it did not end in time.
    pub(crate) exit: Option<i32>,
    /// Everything it said.
    pub(crate) output: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// Runs a script on the host.
pub(crate) async fn run(_host: &Host, script: &Script, bounds: Bounds) -> io::Result<Answer> {
    let ended = exec::run(&argv::local_script(script), bounds).await?;
    Ok(Answer { exit: if ended.timed_out { None } else { ended.exit.or(Some(-1)) }, output: ended.output })
}

/// The script that makes one call of tmux as a user, its complaints included.
pub(crate) fn call(host: &Host, user: &User, call: &Call) -> Script {
    Script::with_complaints(&Script::command(&argv::tmux_words(host, user, call)))
}
