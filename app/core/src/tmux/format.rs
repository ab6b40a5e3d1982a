//! The fields we ask tmux for, beside the parser of what it answers: bytes in, values AND problems out. Parsing never fails.
//!
//! A row is `MARK TAG plain:plain:..MARKtext MARKtext..`: a fresh random mark, which the caller gives, begins each row and each free-text field; plain
//! fields (numbers, ids, flags) hold no colon. All of it is printable: tmux 3.4 and 3.5a print a control character as `\037`, builds of 3.6 and 3.7 as
//! `_`. No title or directory can hold a mark that was made after it, and every free-text field is asked for with its control characters replaced
//! (`#{s/[..]/?/:FIELD}`, the raw bytes in the bracket), so none can end its row.
//!
//! An answer proves that it is whole: the server counts its sessions before and after the lists, and each session its windows ([`Listing::whole`]). A
//! list that could not be read is therefore never an empty one.

use super::call::Call;
use crate::limits::{FIELD_COLUMNS_MAX, SIGNALS_PER_WINDOW_MAX};
use crate::note::Note;
use crate::signal;
use crate::snapshot::{Client, Mode, Session, SessionId, UnixSeconds, Window};
use std::collections::HashSet;

/// The oldest tmux whose `-T`, `if-shell -F -t` and `list-*` we rely on.
pub const VERSION_MIN: (u32, u32) = (3, 2);

/// A tmux pane, by its id (`%5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaneId(pub u32);

/// What one listing of a tmux server shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The sessions, in tmux's order.
    pub sessions: Vec<Session>,
    /// The pane that each session's preview shows: its active window's active pane.
    pub panes: Vec<(SessionId, PaneId)>,
    /// The row of the cursor, from 0, in these panes.
    pub cursors: Vec<(PaneId, usize)>,
    /// What the panes say of themselves ([`signal`](crate::signal)).
    pub signals: Vec<PaneSignal>,
    /// When somebody last pressed a key in a session, by the host's clock; sessions where nobody did since the last terminal opened are missing.
    pub typed: Vec<(SessionId, UnixSeconds)>,
    /// The time of the host's clock when tmux answered; `None` if it does not tell.
    pub now: Option<UnixSeconds>,
    /// True if a pane died and tmux does not know its exit status yet.
    pub unsettled: bool,
    /// The server's version, as it reports it (`3.3a`).
    pub version: Option<String>,
    /// The number of sessions that the server counted before it listed them; `None` if its first row is missing.
    pub counted: Option<usize>,
    /// True if the server has never had a session and would end without one: it is still loading its configuration.
    pub loading: bool,
    /// True if everything that was counted was read: sessions before and after the lists, the windows of each session.
    pub whole: bool,
    /// The first row that carries our mark and could not be read, without its marks.
    pub unread: Option<String>,
    /// Lines without our mark: tmux's or sudo's own words.
    pub problems: Vec<String>,
}

/// What one pane says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneSignal {
    /// The pane's window, by tmux's id without its `@`.
    pub window: u32,
    /// The pane.
    pub pane: PaneId,
    /// The state.
    pub told: signal::ProgramState,
    /// The program's words.
    pub text: String,
    /// Since when, by the host's clock; `None` if the program does not say.
    pub at: Option<UnixSeconds>,
}

fn text(field: &str) -> String {
    format!("#{{s/[\x01-\x1f\x7f]/?/:{field}}}")
}

fn short(field: &str) -> String {
    format!("#{{={FIELD_COLUMNS_MAX}:{}}}", text(field))
}

fn row(mark: &str, tag: &str, plain: &[&str], texts: &[String]) -> String {
    let plain: Vec<String> = plain.iter().map(|f| format!("#{{{f}}}")).collect();
    let mut out = format!("{mark} {tag} {}", plain.join(":"));
    for text in texts {
        out.push_str(mark);
        out.push_str(text);
    }
    out
}

/// A letter for each session: tmux before 3.4 has no format that counts them.
const COUNT: &str = "S:x";

/// What the panes of a window say of themselves, each behind the mark and its id. Panes without the option, and dead ones, print nothing.
fn signals(mark: &str) -> String {
    format!("#{{P:#{{?pane_dead,,#{{?@muxboard_state,{mark}#{{pane_id}} {},}}}}}}", short("@muxboard_state"))
}

/// Runs a command if the server has never had a session and would end without one. tmux 3.2 does not know the id of its next session.
const LOADING: &str = "if-shell -F #{&&:#{exit-empty},#{||:#{==:#{next_session_id},$0},#{==:#{next_session_id},}}}";

/// One call that lists all sessions, their windows, each with the facts of its active pane, and the clients. `mark` is a fresh random word.
pub(crate) fn list(mark: &str) -> Vec<String> {
    let session = [
        "session_id",
        "session_created",
        "session_attached",
        "session_windows",
        "pid",
        "start_time",
        "status",
        "destroy-unattached",
        "exit-unattached",
        "session_activity",
        "session_last_attached",
    ];
    let window = [
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
        "window_id",
        "pane_mode",
        "cursor_y",
    ];
    let texts = [short("window_name"), short("pane_current_command"), short("pane_current_path"), short("pane_title")];
    let client = ["session_id", "client_width", "client_height", "client_activity", "client_flags"];
    let calls = [
        ("display-message -p", row(mark, "B", &["version", COUNT], &[]) + ":%s"),
        (LOADING, format!("display-message -p '{mark} L -'")),
        ("list-sessions -F", row(mark, "S", &session, &[text("session_name")])),
        ("list-windows -a -F", row(mark, "W", &window, &texts) + &signals(mark)),
        ("list-clients -F", row(mark, "C", &client, &[text("client_tty")])),
        ("display-message -p", row(mark, "E", &[COUNT], &[])),
    ];
    let mut words = Vec::new();
    for (verb, row) in calls {
        if !words.is_empty() {
            words.push(";".to_owned());
        }
        words.extend(verb.split(' ').map(String::from));
        words.push(row);
    }
    words
}

/// The call that prints a listing. `mark` is a fresh random word, for [`parse`] too.
pub fn call(mark: &str) -> Call {
    Call(list(mark))
}

/// Reads the output of [`call`] with the same mark.
pub fn parse(answer: &str, mark: &str) -> Listing {
    let mut out = Listing::default();
    let mut read = Read::default();
    let shown = |line: &str| line.chars().take(FIELD_COLUMNS_MAX).collect::<String>();
    for line in answer.lines().filter(|l| !l.is_empty()) {
        let Some(rest) = line.strip_prefix(mark).and_then(|rest| rest.strip_prefix(' ')) else {
            out.problems.push(shown(line));
            continue;
        };
        let mut texts = rest.split(mark);
        let (tag, plain) = texts.next().and_then(|head| head.split_once(' ')).unwrap_or_default();
        let (plain, texts): (Vec<&str>, Vec<&str>) = (plain.split(':').collect(), texts.collect());
        let understood = match (tag, plain.as_slice(), texts.as_slice()) {
            ("B", [version, count, now @ ..], []) => read.begin(version, count, now, &mut out),
            ("L", ["-"], []) => {
                out.loading = true;
                Some(())
            }
            ("S", plain, [name]) => session(plain, name, &mut out).map(|windows| read.windows.push(windows)),
            ("W", plain, texts) => window(plain, texts, &mut read.panes, &mut out),
            ("C", plain, [tty]) => client(plain, tty).map(|client| read.clients.push(client)),
            ("E", [count], []) => counted(count).map(|count| read.end = Some(count)),
            _ => None,
        };
        if understood.is_none() && out.unread.is_none() {
            out.unread = Some(shown(&line.replace(mark, "|")));
        }
    }
    out.whole = read.is_whole(&out);
    for session in &mut out.sessions {
        let number = session.id.number;
        show(session, read.clients.iter().filter(|c| c.session == number));
    }
    out
}

/// Rows that are kept until all are read: the counts that prove the answer whole, and the clients.
#[derive(Default)]
struct Read {
    /// How many windows each session counts.
    windows: Vec<usize>,
    clients: Vec<ClientRow>,
    /// The panes that have said something.
    panes: HashSet<PaneId>,
    /// How many sessions the server counted after it had listed them.
    end: Option<usize>,
}

impl Read {
    fn begin(&mut self, version: &str, count: &str, now: &[&str], out: &mut Listing) -> Option<()> {
        out.counted = Some(counted(count)?);
        out.now = now.first().and_then(|now| now.parse().ok());
        // A tmux older than 2.2 does not know its own version.
        out.version = Some(if version.is_empty() { "unknown" } else { version }.to_owned());
        Some(())
    }

    fn is_whole(&self, listing: &Listing) -> bool {
        let sessions = Some(listing.sessions.len());
        let windows = || listing.sessions.iter().map(|s| s.windows.len()).eq(self.windows.iter().copied());
        listing.unread.is_none() && listing.counted == sessions && self.end == sessions && windows()
    }
}

/// The number of sessions in the answer to [`COUNT`].
fn counted(letters: &str) -> Option<usize> {
    letters.bytes().all(|letter| letter == b'x').then_some(letters.len())
}

/// A client's row, with what decides who drives the size.
struct ClientRow {
    session: u32,
    activity: UnixSeconds,
    ignored: bool,
    client: Client,
}

fn client(plain: &[&str], tty: &str) -> Option<ClientRow> {
    let [id, columns, rows, activity, flags] = plain else { return None };
    let flag = |name: &str| flags.split(',').any(|f| f == name);
    let client = Client { tty: tty.to_owned(), columns: columns.parse().ok()?, rows: rows.parse().ok()?, read_only: flag("read-only"), drives: false };
    Some(ClientRow { session: number(id, '$')?, activity: activity.parse().ok()?, ignored: flag("ignore-size"), client })
}

/// Whatever the option `window-size` says, the client whose size the window has is the one that drives it; of several the latest.
fn show<'a>(session: &mut Session, clients: impl Iterator<Item = &'a ClientRow> + Clone) {
    let size = session.current().map(|w| (w.columns, w.rows.saturating_add(session.status_rows)));
    let fits = |c: &&ClientRow| !c.ignored && Some((c.client.columns, c.client.rows)) == size;
    let driver = clients.clone().filter(fits).max_by_key(|c| c.activity).map(|c| &c.client.tty);
    session.clients = clients.map(|c| Client { drives: Some(&c.client.tty) == driver, ..c.client.clone() }).collect();
}

/// What ends a session with its last terminal, by the values of `destroy-unattached` and `exit-unattached`: flags, or since tmux 3.4 the first a choice.
fn ends_unattached(destroys: &str, exits: &str) -> Vec<Note> {
    let is_on = |value: &str| !matches!(value, "" | "0" | "off");
    let notes = [(is_on(exits), Note::ServerEndsUnattached), (is_on(destroys), Note::EndsUnattached)];
    notes.into_iter().filter_map(|(is_on, note)| is_on.then_some(note)).collect()
}

/// Takes a session's row, and gives the number of windows it counts.
fn session(plain: &[&str], name: &str, out: &mut Listing) -> Option<usize> {
    let [id, created, attached, windows, pid, start, status, destroys, exits, typed, shown] = plain else { return None };
    let id = SessionId { server_pid: pid.parse().ok()?, server_start: start.parse().ok()?, number: number(id, '$')?, created: created.parse().ok()? };
    let windows = windows.parse().ok()?;
    // tmux takes the opening of a terminal for activity too, just before it notes when that was. No terminal ever showed a session without that time.
    let (typed, shown) = (typed.parse::<UnixSeconds>().ok()?, shown.parse().unwrap_or(typed.parse().ok()?));
    if typed > shown {
        out.typed.push((id, typed));
    }
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
        notes: ends_unattached(destroys, exits),
    });
    Some(windows)
}

fn window(plain: &[&str], texts: &[&str], panes: &mut HashSet<PaneId>, out: &mut Listing) -> Option<()> {
    let [id, index, active, activity, bell, dead, status, signal, pane, width, height, window_id, mode, cursor @ ..] = plain else { return None };
    let [name, command, path, title, signals @ ..] = texts else { return None };
    let id = number(id, '$')?;
    let pane = PaneId(number(pane, '%')?);
    let window = Window {
        id: number(window_id, '@')?,
        pane: pane.0,
        also_in: Vec::new(),
        counted_elsewhere: false,
        mode: shown_mode(mode),
        index: index.parse().ok()?,
        active: flag(active)?,
        activity: activity.parse().ok()?,
        bell: flag(bell)?,
        asked: None,
        signal: None,
        seems_waiting: None,
        exited: exit(dead, status, signal)?,
        ended_at: None,
        dismissed: false,
        columns: width.parse().ok()?,
        rows: height.parse().ok()?,
        name: (*name).to_owned(),
        command: (*command).to_owned(),
        path: (*path).to_owned(),
        title: (*title).to_owned(),
    };
    for text in signals.iter().take(SIGNALS_PER_WINDOW_MAX) {
        let (pane, value) = text.split_once(' ')?;
        let pane = PaneId(number(pane, '%')?);
        // Sessions that share the window list its panes too.
        if let Some((told, text, at)) = signal::read(value)
            && panes.insert(pane)
        {
            out.signals.push(PaneSignal { window: window.id, pane, told, text, at });
        }
    }
    out.unsettled |= window.exited.is_some() && status.is_empty() && signal.is_empty();
    let session = out.sessions.iter_mut().rev().find(|s| s.id.number == id)?;
    session.activity = session.activity.max(window.activity);
    if window.active {
        out.panes.push((session.id, pane));
        out.cursors.extend(cursor.first().and_then(|row| Some((pane, row.parse().ok()?))));
    }
    session.windows.push(window);
    Some(())
}

/// The mode that `pane_mode` names: the uppermost, where several lie upon each other.
fn shown_mode(name: &str) -> Option<Mode> {
    match name {
        "" => None,
        "copy-mode" => Some(Mode::History),
        "view-mode" => Some(Mode::Words),
        _ => Some(Mode::Other),
    }
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

/// Reads the identity that `new-session -P -F` printed.
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

/// Reads a tmux version such as `3.3a`, `next-3.4` or `openbsd-7.4`, as major and minor; `None` where it has none.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let (major, rest) = digits.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::ProgramState;

    const SESSION: &str = "M S $3:100:1:1:7:8:on:0:0:100:100Ma b\n";
    const WINDOW: &str = "M W $3:0:1:150:1:1:2::%5:80:24:@7:copy-modeMwMbashM/srvMt\n";

    fn answer(rows: &[&str]) -> Listing {
        parse(&rows.concat(), "M")
    }

    #[test]
    fn a_listing_is_read() {
        let listing = answer(&["M B 3.3a:x:200\n", SESSION, WINDOW, "M E x\n"]);
        assert_eq!((listing.whole, listing.unread, listing.problems.len()), (true, None, 0));
        let session = &listing.sessions[0];
        assert_eq!((session.name.as_str(), session.activity, session.attached), ("a b", 150, 1));
        assert_eq!((session.windows[0].exited, session.windows[0].bell), (Some(2), true));
        assert_eq!((session.windows[0].id, session.windows[0].mode), (7, Some(Mode::History)));
        assert_eq!(listing.panes, [(session.id, PaneId(5))]);
        assert_eq!(listing.version.as_deref(), Some("3.3a"));
    }

    #[test]
    fn what_the_panes_of_a_window_say_is_read_once_for_each_pane() {
        let says = WINDOW.trim_end().to_owned() + "M%5 waiting Allow?M%6 working @90M%7 no state of ours\n";
        let listing = answer(&["M B 3.3a:x:200\n", SESSION, &says, &says.replace("$3", "$4"), "M E x\n"]);
        let signal = |pane, told, text: &str, at| PaneSignal { window: 7, pane: PaneId(pane), told, text: text.to_owned(), at };
        assert_eq!(listing.signals, [signal(5, ProgramState::Waiting, "Allow?", None), signal(6, ProgramState::Working, "", Some(90))]);
        assert_eq!((listing.now, listing.typed.len()), (Some(200), 0));
        let typed = answer(&[&SESSION.replace("100:100M", "120:100M")]).typed;
        assert_eq!(typed.iter().map(|(id, at)| (id.number, *at)).collect::<Vec<_>>(), [(3, 120)]);
        assert!(answer(&[&SESSION.replace("100:100M", "100:M")]).typed.is_empty(), "no terminal ever showed it");
    }

    #[test]
    fn an_answer_is_whole_only_if_all_that_was_counted_was_read() {
        let begin = "M B 3.3a:x:200\n";
        let end = "M E x\n";
        assert!(answer(&["M B 3.3a::200\n", "M E \n"]).whole);
        // tmux's and sudo's own words are no rows, and take nothing away.
        assert!(answer(&["sudo: unable to resolve host web1\n", begin, SESSION, WINDOW, end]).whole);
        for (missing, rows) in [
            ("everything", vec![]),
            ("the first count", vec![SESSION, WINDOW, end]),
            ("the last count", vec![begin, SESSION, WINDOW]),
            ("a session", vec![begin, end]),
            ("a window", vec![begin, SESSION, end]),
            ("nothing, and there is more", vec![begin, SESSION, WINDOW, SESSION, WINDOW, end]),
            ("a field", vec![begin, SESSION, WINDOW, "M S $4\n", end]),
        ] {
            assert!(!answer(&rows).whole, "{missing}");
        }
    }

    #[test]
    fn the_first_row_that_cannot_be_read_is_kept() {
        // As tmux 3.4 writes a control character.
        let listing = answer(&["no words of ours\n", "M S $3:100:1:1:7:8:on\\0370\\0370a\n", "M W broken\n"]);
        assert_eq!((listing.unread.as_deref(), listing.problems.len()), (Some("| S $3:100:1:1:7:8:on\\0370\\0370a"), 1));
    }

    /// One bell in a window of a session group was two needs.
    #[test]
    fn versions_of_all_kinds_are_read() {
        for (text, want) in [("3.3a", Some((3, 3))), ("next-3.6", Some((3, 6))), ("3.10", Some((3, 10))), ("master", None)] {
            assert_eq!(version(text), want, "{text}");
        }
    }
}
