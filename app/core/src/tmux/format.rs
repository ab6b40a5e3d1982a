//! The fields we ask tmux for, beside the parser of what it answers: bytes in, values AND problems out. Parsing never fails.
//!
//! Fields are separated by US (0x1f). Titles, directories and commands can hold any byte, so every free-text field is asked for with its
//! control characters replaced (`#{s/[..]/?/:FIELD}`, the raw bytes in the bracket): no name, title or directory can forge a field or a row.

use super::Call;
use crate::limits::FIELD_COLUMNS_MAX;
use crate::snapshot::{Client, Session, SessionId, UnixSeconds, Window};

const SEPARATOR: char = '\x1f';

/// A tmux pane, by its id (`%5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaneId(pub u32);

/// What one listing said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The sessions, in tmux's order.
    pub sessions: Vec<Session>,
    /// The pane a preview of each session shows: its active window's active pane.
    pub panes: Vec<(SessionId, PaneId)>,
    /// A pane died and tmux does not know how yet.
    pub unsettled: bool,
    /// The server's version, as it says it (`3.3a`).
    pub version: Option<String>,
    /// Lines that are not rows of ours: tmux's or sudo's own words.
    pub problems: Vec<String>,
}

fn text(field: &str) -> String {
    format!("#{{s/[\x01-\x1f\x7f]/?/:{field}}}")
}

fn short(field: &str) -> String {
    format!("#{{={FIELD_COLUMNS_MAX}:{}}}", text(field))
}

fn row(tag: &str, fields: &[String]) -> String {
    let mut out = tag.to_owned();
    for field in fields {
        out.push(SEPARATOR);
        out.push_str(field);
    }
    out
}

fn plain(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|f| format!("#{{{f}}}")).collect()
}

/// One call that lists all sessions, their windows, each with the facts of its active pane, and the clients.
pub(super) fn list() -> Vec<String> {
    let mut session = plain(&["session_id", "session_created", "session_attached", "pid", "start_time", "version", "status"]);
    session.push(text("session_name"));
    let mut window = plain(&[
        "session_id",
        "window_index",
        "window_active",
        "window_activity",
        "window_bell_flag",
        "pane_dead",
        "pane_dead_status",
        "pane_dead_signal",
        "pane_id",
        "window_width",
        "window_height",
    ]);
    window.extend([short("window_name"), short("pane_current_command"), short("pane_current_path"), short("pane_title")]);
    let mut client = plain(&["session_id", "client_width", "client_height", "client_activity", "client_flags"]);
    client.push(text("client_tty"));
    let lists = [("list-sessions", "S", session), ("list-windows -a", "W", window), ("list-clients", "C", client)];
    let mut words = Vec::new();
    for (verb, tag, fields) in lists {
        if !words.is_empty() {
            words.push(";".to_owned());
        }
        words.extend(verb.split(' ').map(String::from));
        words.extend(["-F".to_owned(), row(tag, &fields)]);
    }
    words
}

/// The listing alone.
pub fn call() -> Call {
    Call(list())
}

/// Reads the answer to [`call`].
pub fn parse(answer: &str) -> Listing {
    let mut out = Listing::default();
    let mut clients = Vec::new();
    for line in answer.lines().filter(|l| !l.is_empty()) {
        let fields: Vec<&str> = line.split(SEPARATOR).collect();
        let understood = match fields.as_slice() {
            ["S", rest @ ..] => session(rest, &mut out),
            ["W", rest @ ..] => window(rest, &mut out),
            ["C", rest @ ..] => client(rest).map(|client| clients.push(client)),
            _ => None,
        };
        if understood.is_none() {
            out.problems.push(line.chars().take(FIELD_COLUMNS_MAX).collect());
        }
    }
    for session in &mut out.sessions {
        let number = session.id.number;
        show(session, clients.iter().filter(|c| c.session == number));
    }
    out
}

/// A client's row: beside what is shown of it, what tells who drives the size.
struct ClientRow {
    session: u32,
    activity: UnixSeconds,
    ignored: bool,
    client: Client,
}

fn client(fields: &[&str]) -> Option<ClientRow> {
    let [id, columns, rows, activity, flags, tty] = fields else { return None };
    let flag = |name: &str| flags.split(',').any(|f| f == name);
    let client = Client { tty: (*tty).to_owned(), columns: columns.parse().ok()?, rows: rows.parse().ok()?, read_only: flag("read-only"), drives: false };
    Some(ClientRow { session: number(id, '$')?, activity: activity.parse().ok()?, ignored: flag("ignore-size"), client })
}

/// Whatever the option `window-size` says, the client whose size the window has is the one that drives it; of several the latest.
fn show<'a>(session: &mut Session, clients: impl Iterator<Item = &'a ClientRow> + Clone) {
    let size = session.current().map(|w| (w.columns, w.rows.saturating_add(session.status_rows)));
    let fits = |c: &&ClientRow| !c.ignored && Some((c.client.columns, c.client.rows)) == size;
    let driver = clients.clone().filter(fits).max_by_key(|c| c.activity).map(|c| &c.client.tty);
    session.clients = clients.map(|c| Client { drives: Some(&c.client.tty) == driver, ..c.client.clone() }).collect();
}

fn session(fields: &[&str], out: &mut Listing) -> Option<()> {
    let [id, created, attached, pid, start, version, status, name] = fields else { return None };
    let id = SessionId { server_pid: pid.parse().ok()?, server_start: start.parse().ok()?, number: number(id, '$')?, created: created.parse().ok()? };
    out.version.get_or_insert_with(|| (*version).to_owned());
    out.sessions.push(Session {
        id,
        name: name.parse().ok()?,
        attached: attached.parse().ok()?,
        // The option is on, off, or a number of lines.
        status_rows: if *status == "off" { 0 } else { status.parse().unwrap_or(1) },
        activity: id.created,
        windows: Vec::new(),
        preview: Vec::new(),
        clients: Vec::new(),
    });
    Some(())
}

fn window(fields: &[&str], out: &mut Listing) -> Option<()> {
    let [id, index, active, activity, bell, dead, status, signal, pane, width, height, name, command, path, title] = fields else { return None };
    let id = number(id, '$')?;
    let pane = PaneId(number(pane, '%')?);
    let window = Window {
        index: index.parse().ok()?,
        active: flag(active)?,
        activity: activity.parse().ok()?,
        bell: flag(bell)?,
        exited: exit(dead, status, signal)?,
        columns: width.parse().ok()?,
        rows: height.parse().ok()?,
        name: (*name).to_owned(),
        command: (*command).to_owned(),
        path: (*path).to_owned(),
        title: (*title).to_owned(),
    };
    out.unsettled |= window.exited.is_some() && status.is_empty() && signal.is_empty();
    let session = out.sessions.iter_mut().rev().find(|s| s.id.number == id)?;
    session.activity = session.activity.max(window.activity);
    if window.active {
        out.panes.push((session.id, pane));
    }
    session.windows.push(window);
    Some(())
}

/// A pane dies a moment before tmux knows how: until then it ended, and that is no alarm.
fn exit(dead: &str, status: &str, signal: &str) -> Option<Option<i32>> {
    let how = if signal.is_empty() { status.parse().unwrap_or(0) } else { -1 };
    flag(dead).map(|dead| dead.then_some(how))
}

fn number(text: &str, sigil: char) -> Option<u32> {
    text.strip_prefix(sigil)?.parse().ok()
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" | "" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// The identity that `new-session -P -F` printed.
pub fn created(answer: &str) -> Option<SessionId> {
    let mut parts = answer.trim_end().split('/');
    let id = SessionId {
        server_pid: parts.next()?.parse().ok()?,
        server_start: parts.next()?.parse().ok()?,
        number: number(parts.next()?, '$')?,
        created: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(id)
}

/// A tmux version such as `3.3a`, `next-3.4` or `openbsd-7.4`, as major and minor, where it has them.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let (major, rest) = digits.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[&str]) -> String {
        fields.join("\x1f") + "\n"
    }

    fn session_line(id: &str, name: &str) -> String {
        line(&["S", id, "100", "1", "7", "8", "3.3a", "on", name])
    }

    #[test]
    fn a_listing_is_read() {
        let answer = session_line("$3", "a b") + &line(&["W", "$3", "0", "1", "150", "1", "1", "2", "", "%5", "80", "24", "w", "bash", "/srv", "t"]);
        let listing = parse(&answer);
        assert_eq!(listing.problems, Vec::<String>::new());
        let session = &listing.sessions[0];
        assert_eq!((session.name.as_str(), session.activity, session.attached), ("a b", 150, 1));
        assert_eq!((session.windows[0].exited, session.windows[0].bell), (Some(2), true));
        assert_eq!(listing.panes, [(session.id, PaneId(5))]);
        assert_eq!(listing.version.as_deref(), Some("3.3a"));
    }

    #[test]
    fn what_is_no_row_is_a_problem_and_nothing_is_lost() {
        let listing = parse(&(String::from("no server running on /tmp/x\n") + &session_line("$1", "") + "S\x1fbroken\n"));
        assert_eq!(listing.problems.len(), 2);
        assert_eq!(listing.sessions.len(), 1);
    }

    #[test]
    fn versions_of_all_kinds() {
        for (text, want) in [("3.3a", Some((3, 3))), ("next-3.6", Some((3, 6))), ("3.10", Some((3, 10))), ("master", None)] {
            assert_eq!(version(text), want, "{text}");
        }
    }
}
