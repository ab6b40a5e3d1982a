//! What the view and the driver of the terminal page share: the facts of the page, the state of the connection, and the signals between the two.

use leptos::prelude::RwSignal;
use muxboard_core::snapshot::{Mode, Place, SessionId};
use muxboard_core::wire::Seen;
use serde::{Deserialize, Serialize};

/// The session that a terminal page shows, and what the principal may do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalPage {
    /// The host and the user of the session.
    pub place: Place,
    /// The label of the host.
    pub label: String,
    /// The identity of the session.
    pub session: SessionId,
    /// The name of the session, verbatim.
    pub name: String,
    /// Whether this page only watches: it sends no keys.
    pub watch: bool,
    /// Whether the principal may type into the session.
    pub may_type: bool,
    /// Whether the principal may create sessions for this user.
    pub may_create: bool,
    /// The notes on the session, as sentences.
    pub notes: Vec<String>,
}

/// The state of the connection between the page and the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The connection is being made.
    Connecting,
    /// The connection is open; the last round trip in milliseconds, once one is measured.
    Live(Option<u32>),
    /// The connection is open and slow: the last round trip, or the one under way, takes this many milliseconds.
    Slow(u32),
    /// The connection broke; the page tries again.
    Lost,
    /// The connection is over: the sentence that says why, and what the page offers now.
    Ended(String, End),
}

impl Link {
    /// Whether typed keys are sent to the session.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Live(_) | Self::Slow(_))
    }
}

/// What the page offers after the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A button that connects again.
    Again,
    /// A link to create a session: this one is gone.
    Gone,
    /// A link to the session that has the name now.
    Replaced,
    /// Nothing but the way back to the board.
    Final,
}

/// The signals between the view and the driver.
#[derive(Clone, Copy)]
pub(super) struct Controls {
    /// The state of the connection.
    pub(super) link: RwSignal<Link>,
    /// The name of the session that tmux shows in this terminal.
    pub(super) name: RwSignal<String>,
    /// Whether keys were typed that were not sent.
    pub(super) refused: RwSignal<bool>,
    /// The clients that show the session, this page among them.
    pub(super) clients: RwSignal<Vec<Seen>>,
    /// Counts the requests to connect again.
    pub(super) again: RwSignal<u32>,
    /// What tmux shows in the place of the program, if it does.
    pub(super) mode: RwSignal<Option<Mode>>,
    /// Counts the requests to leave that mode and show the program.
    pub(super) leave: RwSignal<u32>,
}
