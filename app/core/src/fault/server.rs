//! What can be wrong with a tmux server that runs.

use super::{Fault, Kind, clean};
use crate::inventory::Host;
use crate::name::UnixUser;
use crate::tmux::orphan::Orphan;

impl Fault {
    /// A tmux server runs, and its socket is missing. `socket` is its path in tmux's words.
    pub(crate) fn socket_missing(host: &Host, user: &UnixUser, orphan: &Orphan, socket: &str) -> Self {
        let since = orphan.since.as_ref().map(|since| format!(", since {since}")).unwrap_or_default();
        let which = orphan.pid.map(|pid| format!(" (pid {pid}{since})")).unwrap_or_default();
        let title = format!("A tmux server of {user} runs{which}, but its socket {} is missing.", clean(socket));
        let words = format!(
            "Its sessions live on and cannot be reached; no second server is started in its place. \
             This has the server make its socket again, as root or {user} on {}:",
            host.label
        );
        let line = orphan.pid.map_or_else(|| format!("pkill -USR1 -u {user} -x 'tmux: server'"), |pid| format!("kill -USR1 {pid}"));
        Self::new(Kind::SocketMissing, title, words).mend(line)
    }

    /// The user's tmux server has not finished its configuration.
    pub fn loading_configuration(user: &UnixUser) -> Self {
        let words = "Something that it runs takes long. A session that was asked for is made when it is done; refresh to see.";
        Self::new(Kind::LoadingConfiguration, format!("tmux of {user} is loading its configuration."), words)
    }
}
