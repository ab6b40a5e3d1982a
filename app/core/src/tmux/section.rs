//! The sweep of one host: one script with a section a user, and the parser of what it prints. The same for every transport.
//!
//! All sections run at the same time, each under its own limit of time and output, and print one after the other: they are the stages of one
//! pipeline, and the pipe between two stages carries nothing but its end, which tells the next stage that it may print. So no section
//! can cut into another's output, and a tmux server that hangs costs one user, never the host. What a section says is indented by one
//! space, and the marks around sections are not: the sentinel in them can be read from the process list by every account of the host, so it
//! keeps nothing secret, and no user's output can begin or end another's section.

use super::Call;
use super::format::{self, Listing, PaneId};
use crate::argv;
use crate::inventory::User;
use crate::limits::{PREVIEW_LINES_MAX, SECTION_BYTES_MAX, SECTION_SECONDS_MAX};
use crate::name::UnixUser;
use crate::shell::Script;

/// What one sweep asks of one user.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The user.
    pub user: &'a User,
    /// The panes whose last lines are wanted.
    pub panes: Vec<PaneId>,
    /// Some pane's exit status is still missing.
    pub unsettled: bool,
}

/// What one user's section said.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The listing, and all words that are no rows.
    pub listing: Listing,
    /// The captured panes.
    pub captures: Vec<(PaneId, String)>,
    /// The exit code of tmux (or sudo); none if it did not end in time.
    pub exit: Option<i32>,
    /// It said more than the limit allows.
    pub cut: bool,
}

fn capture_mark(sentinel: &str, pane: PaneId) -> String {
    format!("{sentinel} pane {}", pane.0)
}

fn call(ask: &Ask<'_>, sentinel: &str) -> Call {
    let mut words = format::list();
    for pane in &ask.panes {
        let target = format!("%{}", pane.0);
        words.extend([";", "display-message", "-p", &capture_mark(sentinel, *pane)].map(String::from));
        // A pane that is gone must not end the whole call: if-shell tolerates a target that cannot be found. tmux scrolls a dead pane to say
        // so on its last line: what went off the top comes from the history.
        let there = format!("#{{==:#{{pane_id}},{target}}}");
        let capture =
            format!("if-shell -F -t {target} '#{{pane_dead}}' 'capture-pane -p -e -S -{PREVIEW_LINES_MAX} -t {target}' 'capture-pane -p -e -t {target}'");
        words.extend([";", "if-shell", "-F", "-t", &target, &there, &capture].map(String::from));
    }
    if ask.unsettled {
        // tmux 3.3a now and then misses that a child ended, until another does (seen in 4 to 12 of 100 commands that end at once): an empty
        // job is that other child.
        words.extend([";", "if-shell", "-b", "true", ""].map(String::from));
    }
    Call(words)
}

/// The script that makes one call of tmux as a user, its complaints included, and comes back within the limits whatever tmux does: its standard
/// output is for [`ended`].
pub fn single(user: &User, call: &Call, sentinel: &str, seconds: u64, bytes: usize) -> Script {
    let command = Script::command(&argv::tmux_words(user, call));
    let exit = Script::command(&["printf", "\\n%s exit %s\\n", sentinel]);
    let limit = Script::command(&["timeout", &seconds.to_string(), "head", "-c", &bytes.to_string()]);
    Script::frame("o=$({ { {} {} </dev/null 2>&1; {} \"$?\"; } 2>/dev/null & } | {}); printf %s \"$o\"", &[&own_limit(user, seconds), &command, &exit, &limit])
}

/// Reads what [`single`] printed: the exit code, none if it did not end in time, and the words.
pub fn ended(output: &[u8], sentinel: &str) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(output);
    let mark = format!("\n{sentinel} exit ");
    match text.rsplit_once(&mark) {
        // `timeout` ended our own tmux client.
        Some((_, "124" | "137" | "143")) | None => (None, text.into_owned()),
        Some((words, code)) => (code.trim().parse().ok(), words.to_owned()),
    }
}

/// We can end our own tmux client; one that sudo started is root's, and stays until its server answers.
fn own_limit(user: &User, seconds: u64) -> Script {
    if user.through_sudo { Script::command::<&str>(&[]) } else { Script::command(&["timeout", &(seconds + 1).to_string()]) }
}

/// The script for `sh -c`: its standard output is for [`parse`].
pub fn script(asks: &[Ask<'_>], sentinel: &str) -> Script {
    let stages: Vec<Script> = asks
        .iter()
        .map(|ask| {
            let command = Script::command(&argv::tmux_words(ask.user, &call(ask, sentinel)));
            let exit = Script::command(&["printf", "\\n%s exit %s\\n", sentinel]);
            let limit = Script::command(&["timeout", &SECTION_SECONDS_MAX.to_string(), "head", "-c", &SECTION_BYTES_MAX.to_string()]);
            let head = Script::command(&["printf", "%s begin %s\\n%s\\n%s end\\n", sentinel, ask.user.name.as_str()]);
            let tail = Script::command(&[sentinel]);
            Script::frame(
                "{ o=$({ { {} {} </dev/null 2>&1; {} \"$?\"; } 2>/dev/null 3>&- & } | {} | sed 's/^/ /'); cat >/dev/null; {} \"$o\" {} >&3; }",
                &[&own_limit(ask.user, SECTION_SECONDS_MAX), &command, &exit, &limit, &head, &tail],
            )
        })
        .collect();
    Script::frame("exec 3>&1 </dev/null; {}", &[&Script::join(&stages, " | ")])
}

/// Reads what [`script`] printed: a section for every user that was heard of, in order.
pub fn parse(output: &[u8], sentinel: &str) -> Vec<(UnixUser, Section)> {
    let text = String::from_utf8_lossy(output);
    let (begin, end) = (format!("{sentinel} begin "), format!("{sentinel} end"));
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(user) = line.strip_prefix(&begin).and_then(|user| user.parse().ok()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|l| *l != end).filter_map(|l| l.strip_prefix(' ')).collect();
        out.push((user, section(&body, sentinel)));
    }
    out
}

fn section(body: &[&str], sentinel: &str) -> Section {
    let (exit_mark, pane_mark) = (format!("{sentinel} exit "), format!("{sentinel} pane "));
    let mut listing = String::new();
    let mut captures: Vec<(PaneId, String)> = Vec::new();
    let mut exit = None;
    let mut bytes = 0;
    for line in body {
        bytes += line.len() + 1;
        if let Some(code) = line.strip_prefix(&exit_mark) {
            exit = code.parse().ok();
        } else if let Some(pane) = line.strip_prefix(&pane_mark).and_then(|p| p.parse().ok()) {
            captures.push((PaneId(pane), String::new()));
        } else {
            let into = captures.last_mut().map_or(&mut listing, |(_, text)| text);
            into.push_str(line);
            into.push('\n');
        }
    }
    let cut = exit.is_none() && bytes >= SECTION_BYTES_MAX;
    if cut && let Some(whole) = listing.rfind('\n') {
        // The last line may be half a row.
        listing.truncate(listing.get(..whole).and_then(|l| l.rfind('\n')).unwrap_or(0));
    }
    Section { listing: format::parse(&listing), captures, exit, cut }
}
