//! Finds the tty that tmux lists for a terminal of ours behind a sudo that has put a pty of its own between the two (`use_pty`).

use crate::attach::Connection;
use crate::exec::Bounds;
use crate::fleet::Fleet;
use crate::register::Registered;
use crate::transport::Purpose;
use muxboard_core::limits::{ACTION_SECONDS_MAX, SUDO_PTY_BYTES_MAX, SUDO_PTY_LOOKS, SUDO_PTY_MS};
use muxboard_core::sudo_pty;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::sleep;

impl Fleet {
    /// Starts the search for the tty behind a terminal's sudo, and refreshes the terminal's user when it is found. Where sudo has no pty of its own, tmux
    /// lists the terminal itself, which ends the search; after [`SUDO_PTY_LOOKS`] looks without a result the terminal itself is taken to be the one.
    pub(crate) fn look_behind_sudo(self: &Arc<Self>, connection: &Connection) {
        let Some((sudo, terminal)) = connection.behind_sudo() else { return };
        let fleet = self.clone();
        tokio::spawn(async move {
            for look in 0..SUDO_PTY_LOOKS {
                sleep(Duration::from_millis(SUDO_PTY_MS << look)).await;
                if fleet.has_settled(sudo, &terminal).await {
                    return;
                }
            }
            if let Some(terminal) = terminal.upgrade() {
                terminal.settle(None);
                fleet.notice_output(terminal.place(), None);
            }
        });
    }

    /// Looks once for the tty behind sudo. True if the search is over. The terminal is not kept alive meanwhile: it may close.
    async fn has_settled(self: &Arc<Self>, sudo: u32, terminal: &Weak<Registered>) -> bool {
        let facts = terminal.upgrade().map(|terminal| (terminal.place().clone(), terminal.tty().to_owned(), terminal.opened()));
        let Some((place, tty, opened)) = facts else { return true };
        let Ok((entry, _)) = self.at(&place) else { return true };
        let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX), bytes: SUDO_PTY_BYTES_MAX };
        let answer = entry.transport.run(&entry.host, &sudo_pty::script(sudo), bounds, Purpose::Refresh).await;
        let inner = answer.ok().and_then(|answer| sudo_pty::read(&String::from_utf8_lossy(&answer.output), &tty));
        if inner.is_none() && !self.lists(&place, &tty, opened) {
            return false;
        }
        if let Some(terminal) = terminal.upgrade() {
            terminal.settle(inner);
            self.notice_output(&place, None);
        }
        true
    }
}
