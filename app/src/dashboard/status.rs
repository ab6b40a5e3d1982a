//! The facts that the bar shows: the numbers of hosts and sessions, and whether the page is connected to the board.

use muxboard_core::snapshot::HostState;
use muxboard_core::view::View;
use serde::{Deserialize, Serialize};

/// The counts in the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Hosts shown.
    pub hosts: usize,
    /// Sessions shown.
    pub sessions: usize,
    /// Sessions that need a person.
    pub needs: usize,
    /// Hosts that were not asked yet.
    pub pending: usize,
}

impl Counts {
    /// Counts the hosts and sessions of a view.
    pub fn of(view: &View) -> Self {
        let pending = view.hosts.iter().filter(|h| h.host.state == HostState::Pending).count();
        Self {
            pending,
            hosts: view.hosts.len(),
            sessions: view.sessions().count(),
            needs: view.sessions().filter(|(_, _, s)| s.counted_need().is_some()).count(),
        }
    }

    /// The title of the browser's tab, with the number of sessions that need a person.
    pub fn title(self) -> String {
        if self.needs == 0 { "muxboard".to_owned() } else { format!("({}) muxboard", self.needs) }
    }
}

/// Whether the page follows the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// The page is as the server sent it; no frame has come.
    AsSent,
    /// The page follows the board.
    Yes,
    /// The connection was lost; the page tries again.
    Lost,
}

/// Formats a count with its noun: `1 host`, `2 hosts`.
pub fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
