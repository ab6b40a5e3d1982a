//! The frames of both WebSockets and their close codes: one file, used by the server and by the browser. A frame is a tag byte and its
//! fields, numbers big-endian. Any bytes decode to a frame or are refused; nothing here panics or allocates by a number from the wire.

use crate::flow::Taken;
use crate::limits::GRID_CELLS_MAX;
use crate::name::HostKey;
use crate::snapshot::{HostRow, HostState, Mode, UnixSeconds};
use crate::view::{HostView, View};

/// The error for bytes that are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadFrame;

/// A terminal's size in cells, each side at least 1 and at most [`GRID_CELLS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    columns: u16,
    rows: u16,
}

impl Grid {
    /// The nearest size that a terminal can have.
    pub fn clamped(columns: u16, rows: u16) -> Self {
        Self { columns: columns.clamp(1, GRID_CELLS_MAX), rows: rows.clamp(1, GRID_CELLS_MAX) }
    }
    /// The width, in cells.
    pub fn columns(self) -> u16 {
        self.columns
    }
    /// The height, in cells.
    pub fn rows(self) -> u16 {
        self.rows
    }
}

/// A frame from the browser's terminal to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToServer {
    /// The first frame of a connection.
    Hello {
        /// The size of the browser's terminal.
        grid: Grid,
        /// True for a read-only terminal, which leaves the session's size as it is.
        watch: bool,
        /// The session's name on the page; may be empty. If the session is gone, the server tells by it whether another session has the name now.
        name: String,
    },
    /// Typed bytes.
    Input(Vec<u8>),
    /// The new size of the browser's terminal.
    Resize(Grid),
    /// Acknowledges output.
    Taken(Taken),
    /// Asks for a [`ToClient::Pong`] with the same number.
    Ping(u32),
    /// A part of a long paste, as typed bytes. The server answers with [`ToClient::Written`], so that the rest waits in the browser, where keys can
    /// overtake it.
    Paste(Vec<u8>),
    /// Leaves what tmux shows instead of the program ([`Mode`]). Input that follows is written once that is done.
    Leave,
}

/// A frame from the server to the browser's terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToClient {
    /// tmux shows the session on a terminal of this size: the size that was asked for or, for a watcher, the session's own. A watcher receives the frame
    /// again when the session's size changes.
    Attached(Grid),
    /// Output of the terminal.
    Output(Vec<u8>),
    /// The answer to a [`ToServer::Ping`] with the same number.
    Pong(u32),
    /// All tmux clients that show the session now.
    Clients(Vec<Seen>),
    /// The session that this terminal shows: sent when it is known, when tmux moved the terminal to another session (`switch-client`), and when the
    /// session was renamed.
    Shows {
        /// The session's identity, without a blank.
        session: String,
        /// The session's name.
        name: String,
    },
    /// The number of bytes of pastes that were written to the terminal since the last such frame.
    Written(u32),
    /// What tmux shows instead of the session's program, sent whenever it changes. A connection begins with `None`.
    Mode(Option<Mode>),
}

/// A tmux client of the session, as other clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The principal whose terminal on this board it is; empty for any other terminal.
    pub principal: String,
    /// The client's size.
    pub grid: Grid,
    /// True if the client is read-only.
    pub watches: bool,
    /// True if the session has this client's size.
    pub drives: bool,
    /// True for the receiver's own client.
    pub own: bool,
}

impl ToServer {
    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello { grid, watch, name } => [&[0x00, u8::from(*watch)][..], &cells(*grid), name.as_bytes()].concat(),
            Self::Input(bytes) => tagged(0x01, bytes),
            Self::Resize(grid) => tagged(0x02, &cells(*grid)),
            Self::Taken(Taken { bytes, held_ms: 0 }) => tagged(0x03, &bytes.to_be_bytes()),
            Self::Taken(Taken { bytes, held_ms }) => [&[0x03][..], &bytes.to_be_bytes(), &held_ms.to_be_bytes()].concat(),
            Self::Ping(number) => tagged(0x04, &number.to_be_bytes()),
            Self::Paste(bytes) => tagged(0x05, bytes),
            Self::Leave => vec![0x06],
        }
    }

    /// Decodes a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, BadFrame> {
        match frame {
            [0x00, watch @ (0 | 1), a, b, c, d, name @ ..] => Ok(Self::Hello { grid: grid(&[*a, *b, *c, *d])?, watch: *watch == 1, name: text(name)? }),
            [0x01, bytes @ ..] => Ok(Self::Input(bytes.to_vec())),
            [0x02, rest @ ..] => Ok(Self::Resize(grid(rest)?)),
            [0x03, bytes @ .., a, b] if bytes.len() == 4 => Ok(Self::Taken(Taken { bytes: number(bytes)?, held_ms: u16::from_be_bytes([*a, *b]) })),
            [0x03, bytes @ ..] => Ok(Self::Taken(Taken::now(number(bytes)?))),
            [0x04, rest @ ..] => Ok(Self::Ping(number(rest)?)),
            // An empty one would wait to be acknowledged and never be written.
            [0x05, bytes @ ..] if !bytes.is_empty() => Ok(Self::Paste(bytes.to_vec())),
            [0x06] => Ok(Self::Leave),
            _ => Err(BadFrame),
        }
    }
}

impl ToClient {
    /// The tag byte of [`ToClient::Output`]: the server puts it before the bytes as it reads them, so that they are copied once.
    pub const OUTPUT_TAG: u8 = 0x10;

    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Output(bytes) => tagged(Self::OUTPUT_TAG, bytes),
            Self::Attached(grid) => tagged(0x11, &cells(*grid)),
            Self::Pong(number) => tagged(0x12, &number.to_be_bytes()),
            Self::Clients(clients) => {
                let mut out = vec![0x13];
                for seen in clients {
                    // A name longer than its length byte can say is not said.
                    let (length, name) = u8::try_from(seen.principal.len()).map_or((0, ""), |length| (length, seen.principal.as_str()));
                    out.push(u8::from(seen.watches) | u8::from(seen.drives) << 1 | u8::from(seen.own) << 2);
                    out.extend_from_slice(&cells(seen.grid));
                    out.push(length);
                    out.extend_from_slice(name.as_bytes());
                }
                out
            }
            Self::Shows { session, name } => tagged(0x14, format!("{session} {name}").as_bytes()),
            Self::Written(bytes) => tagged(0x15, &bytes.to_be_bytes()),
            Self::Mode(mode) => vec![
                0x16,
                match mode {
                    None => 0,
                    Some(Mode::History) => 1,
                    Some(Mode::Words) => 2,
                    Some(Mode::Other) => 3,
                },
            ],
        }
    }

    /// Decodes a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, BadFrame> {
        match frame {
            [Self::OUTPUT_TAG, bytes @ ..] => Ok(Self::Output(bytes.to_vec())),
            [0x11, rest @ ..] => Ok(Self::Attached(grid(rest)?)),
            [0x12, rest @ ..] => Ok(Self::Pong(number(rest)?)),
            [0x13, rest @ ..] => clients(rest),
            [0x14, rest @ ..] => {
                let text = text(rest)?;
                let (session, name) = text.split_once(' ').ok_or(BadFrame)?;
                Ok(Self::Shows { session: session.to_owned(), name: name.to_owned() })
            }
            [0x15, rest @ ..] => Ok(Self::Written(number(rest)?)),
            [0x16, 0] => Ok(Self::Mode(None)),
            [0x16, 1] => Ok(Self::Mode(Some(Mode::History))),
            [0x16, 2] => Ok(Self::Mode(Some(Mode::Words))),
            [0x16, 3] => Ok(Self::Mode(Some(Mode::Other))),
            _ => Err(BadFrame),
        }
    }
}

fn clients(mut bytes: &[u8]) -> Result<ToClient, BadFrame> {
    let mut out = Vec::new();
    while let [flags @ 0..=7, a, b, c, d, length, rest @ ..] = bytes {
        let (name, rest) = rest.split_at_checked(usize::from(*length)).ok_or(BadFrame)?;
        out.push(Seen { principal: text(name)?, grid: grid(&[*a, *b, *c, *d])?, watches: flags & 1 != 0, drives: flags & 2 != 0, own: flags & 4 != 0 });
        bytes = rest;
    }
    if bytes.is_empty() { Ok(ToClient::Clients(out)) } else { Err(BadFrame) }
}

fn text(bytes: &[u8]) -> Result<String, BadFrame> {
    String::from_utf8(bytes.to_vec()).map_err(|_| BadFrame)
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.push(tag);
    out.extend_from_slice(bytes);
    out
}

fn cells(grid: Grid) -> [u8; 4] {
    let ([a, b], [c, d]) = (grid.columns.to_be_bytes(), grid.rows.to_be_bytes());
    [a, b, c, d]
}

fn grid(bytes: &[u8]) -> Result<Grid, BadFrame> {
    let [a, b, c, d] = bytes else { return Err(BadFrame) };
    let (columns, rows) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
    let grid = Grid::clamped(columns, rows);
    if (grid.columns, grid.rows) == (columns, rows) { Ok(grid) } else { Err(BadFrame) }
}

fn number(bytes: &[u8]) -> Result<u32, BadFrame> {
    bytes.try_into().map(u32::from_be_bytes).map_err(|_| BadFrame)
}

/// A frame of the board's WebSocket: the whole view first, then the hosts that changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum BoardFrame {
    /// The whole view.
    Whole {
        /// What the principal may see.
        view: View,
    },
    /// The hosts that changed. Hosts never come or go within a connection.
    Changed {
        /// The time of the server's clock.
        now: UnixSeconds,
        /// The hosts whose users or sessions changed.
        hosts: Vec<HostView>,
        /// Hosts whose users and sessions are unchanged, each with its state, since when, and when it was last asked.
        swept: Vec<(HostKey, HostState, UnixSeconds, Option<UnixSeconds>)>,
    },
}

impl BoardFrame {
    /// Adds what changed from one view of a host to the next.
    pub fn add(&mut self, was: &HostView, is: &HostView) {
        let Self::Changed { hosts, .. } = self else { return };
        if was.users != is.users {
            hosts.push(is.clone());
        } else {
            self.looked_at(&was.host, &is.host);
        }
    }

    /// Adds what changed from one row of a host to the next, for a host whose users are unchanged.
    pub fn looked_at(&mut self, was: &HostRow, is: &HostRow) {
        let Self::Changed { swept, .. } = self else { return };
        if (&was.state, was.since, was.swept_at) != (&is.state, is.since, is.swept_at) {
            swept.push((is.key.clone(), is.state.clone(), is.since, is.swept_at));
        }
    }

    /// True if nothing changed.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Self::Changed { hosts, swept, .. } if hosts.is_empty() && swept.is_empty())
    }

    /// Brings a view up to this frame. False if the frame names a host that the view lacks.
    pub fn apply(self, view: &mut View) -> bool {
        match self {
            Self::Whole { view: whole, .. } => *view = whole,
            Self::Changed { now, hosts, swept, .. } => {
                view.now = now;
                for host in hosts {
                    let Some(old) = view.hosts.iter_mut().find(|h| h.host.key == host.host.key) else { return false };
                    *old = host;
                }
                for (key, state, since, at) in swept {
                    let Some(old) = view.hosts.iter_mut().find(|h| h.host.key == key) else { return false };
                    (old.host.state, old.host.since, old.host.swept_at) = (state, since, at);
                }
            }
        }
        true
    }

    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
        to_bytes(self)
    }

    /// Decodes a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, BadFrame> {
        from_bytes(frame)
    }
}

/// Encodes any plain value in the encoding of the board's frames.
pub fn to_bytes<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // Serialising into memory cannot fail: every type we send is plain data.
    postcard::to_allocvec(value).unwrap_or_default()
}

/// Decodes a value from [`to_bytes`].
///
/// # Errors
/// When the bytes are not such a value.
pub fn from_bytes<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, BadFrame> {
    postcard::from_bytes(bytes).map_err(|_| BadFrame)
}

/// Why a WebSocket was closed. Each reason has a close code, documented for other clients in docs/protocol.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The client is not logged in, or not any more.
    Unauthenticated,
    /// The client is logged in and not allowed.
    Forbidden,
    /// There is no such host or user.
    Unknown,
    /// The session ended.
    Gone,
    /// The session is gone, and another one has its name now.
    Replaced,
    /// The connection's lifetime is over.
    LifetimeOver,
    /// The client took no output for too long.
    Stalled,
    /// The grant or the token was withdrawn.
    Revoked,
    /// The server stops and will be back.
    ShuttingDown,
    /// Too many terminals are open.
    CapReached,
    /// The client sent bytes that are not a frame.
    BadFrame,
    /// The person detached from the session (tmux's `detach-client`).
    Detached,
    /// The host or the user cannot be reached.
    Unreachable,
    /// The connection to the host broke; a new one may work.
    Lost,
}

impl Close {
    const ALL: [(Self, u16, &'static str); 14] = [
        (Self::Unauthenticated, 4001, "You are not logged in any more."),
        (Self::Forbidden, 4003, "You may not open this session."),
        (Self::Unknown, 4004, "There is no such host or user here."),
        (Self::BadFrame, 4008, "The browser sent something the server does not understand. Reload the page."),
        (Self::Gone, 4010, "This session has ended."),
        (Self::Replaced, 4011, "This session is gone; another one has its name now."),
        (Self::LifetimeOver, 4012, "This connection reached its lifetime. The session itself lives on."),
        (Self::Stalled, 4013, "The browser took no output for too long. The session itself lives on."),
        (Self::Revoked, 4014, "Your access was withdrawn."),
        (Self::ShuttingDown, 4015, "The server is restarting. The session itself lives on."),
        (Self::Detached, 4016, "Detached. The session itself lives on."),
        (Self::Unreachable, 4020, "This user's tmux cannot be reached."),
        (Self::Lost, 4021, "The connection to this host broke. The session itself lives on."),
        (Self::CapReached, 4029, "Too many terminals are open. Close one and try again."),
    ];

    fn row(self) -> (u16, &'static str) {
        Self::ALL.iter().find(|(c, ..)| *c == self).map_or((1011, ""), |(_, code, sentence)| (*code, *sentence))
    }

    /// The close code.
    pub fn code(self) -> u16 {
        self.row().0
    }

    /// The sentence to show to the person.
    pub fn sentence(self) -> &'static str {
        self.row().1
    }

    /// The reason of a close code; `None` for a code that is not ours.
    pub fn of(code: u16) -> Option<Self> {
        Self::ALL.iter().find(|(_, c, _)| *c == code).map(|(close, ..)| *close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_pastes_are_refused() {
        assert_eq!(ToServer::decode(&[0x05]), Err(BadFrame));
        assert_eq!(ToServer::decode(&[0x05, b'x']), Ok(ToServer::Paste(b"x".to_vec())));
    }

    #[test]
    fn close_codes_are_one_to_one() {
        for (close, code, sentence) in Close::ALL {
            assert_eq!(Close::of(code), Some(close));
            assert!((4000..5000).contains(&close.code()) && !sentence.is_empty());
        }
    }
}
