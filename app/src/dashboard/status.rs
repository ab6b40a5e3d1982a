//! What the bar tells of the page: how many hosts and sessions there are, and whether the page is connected to the board.

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
    /// Of a view.
    pub fn of(view: &View) -> Self {
        let pending = view.hosts.iter().filter(|h| h.host.state == HostState::Pending).count();
        Self {
            pending,
            hosts: view.hosts.len(),
            sessions: view.sessions().count(),
            needs: view.sessions().filter(|(_, _, s)| s.counted_need().is_some()).count(),
        }
    }
}

/// How the page's connection to the board stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// The HTML as it was sent.
    AsSent,
    /// Following.
    Yes,
    /// It was, and is trying again.
    Lost,
}

/// `1 host`, `2 hosts`.
pub fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
