//! The sweep of one host: one script with a section a user, and the parser of what it prints. The same for every transport.
//!
//! All sections run at the same time, each under its own limit of time and output, and print one after the other: they are the stages of one
//! pipeline, and the pipe between two stages carries nothing but its end, which tells the next stage that it may print. So no section
//! can cut into another's output, and a tmux server that hangs costs one user, never the host. The mark around sections is a variable of the
//! script (`$M`), in no process's words: another account cannot know it, so no user's output can begin or end another's section.

use crate::argv;
use crate::inventory::User;
use crate::limits::{PREVIEW_LINES_MAX, SECTION_BYTES_MAX, SECTION_SECONDS_MAX};
use crate::name::{Directory, UnixUser};
use crate::shell::Script;
use crate::tmux::format::{self, Listing, PaneId};
use crate::tmux::{self, Call, DONE, MISMATCH, orphan};

/// What one sweep asks of one user.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The user.
    pub user: &'a User,
    /// The panes whose last lines are wanted.
    pub panes: Vec<PaneId>,
    /// Some pane's exit status is still missing.
    pub unsettled: bool,
    /// A fresh random word that begins each row of the listing and each pane's screen. It is among tmux's words, where others can read it: whoever
    /// forges it forges his own sessions.
    pub row_mark: &'a str,
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

impl Section {
    /// The section of a user whose tmux gave no answer in time.
    pub fn silent() -> Self {
        Self { listing: Listing::default(), captures: Vec::new(), exit: None, cut: false }
    }
}

fn capture_mark(ask: &Ask<'_>, pane: PaneId) -> String {
    format!("{} pane {}", ask.row_mark, pane.0)
}

fn call(ask: &Ask<'_>) -> Call {
    let mut words = format::list(ask.row_mark);
    for pane in &ask.panes {
        let target = format!("%{}", pane.0);
        words.extend([";", "display-message", "-p", &capture_mark(ask, *pane)].map(String::from));
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
    Call::new(words)
}

/// One call of tmux as a user, its complaints and its exit code, which comes to its end in that time whatever tmux does. Its standard output is for
/// [`ended`]. Nobody may wait for the end of that output: tmux's client hands it to the server, and a stopped one holds it open.
///
/// Our own tmux client can be ended, and what it says is our own account's affair. One that sudo started is root's, and stays until its server
/// answers: it is left behind with a pipe that nobody reads, and may say so much and no more.
pub fn single(user: &User, call: &Call, seconds: u64, bytes: usize) -> Script {
    alone(user, &argv::tmux_words(user, call), seconds, bytes)
}

/// A call of tmux that may start the user's server, for [`ended`] like [`single`]. What the configuration starts begins in the user's home directory and
/// has nothing of sudo's or sshd's in its environment: a server keeps for ever what its first client had. `probe` is a plain word, a fresh one for every call.
pub fn starting(user: &User, call: &Call, probe: &str, seconds: u64, bytes: usize) -> Script {
    let as_himself = User { through_sudo: false, ..user.clone() };
    let tmux = Script::command(&argv::tmux_words(&as_himself, call));
    let script = Script::frame(
        "cd; unset SUDO_COMMAND SUDO_USER SUDO_UID SUDO_GID SSH_CLIENT SSH_CONNECTION SSH_TTY LC_ALL; LANG=C.UTF-8; export LANG; exec {}",
        &[&tmux],
    );
    alone(user, &argv::shell_words(user, &script, probe), seconds, bytes)
}

/// Asks whether a user may enter a directory, for [`ended`]: the words are [`DONE`] or [`MISMATCH`]. `probe` as for
/// [`starting`].
pub fn entering(user: &User, directory: &Directory, probe: &str, seconds: u64, bytes: usize) -> Script {
    let seen_from_home = match directory.as_str() {
        "~" => ".".to_owned(),
        path => path.strip_prefix("~/").map_or_else(|| path.to_owned(), |below| format!("./{below}")),
    };
    let script = Script::enters(&seen_from_home, DONE, MISMATCH);
    alone(user, &argv::shell_words(user, &script, probe), seconds, bytes)
}

/// Asks for the `PATH` of a login of the user, for [`ended`] and [`read_login_path`](tmux::read_login_path). `probe` as for [`starting`].
pub fn login_path(user: &User, probe: &str, seconds: u64, bytes: usize) -> Script {
    alone(user, &argv::shell_words(user, &tmux::login_path(), probe), seconds, bytes)
}

fn alone(user: &User, words: &[String], seconds: u64, bytes: usize) -> Script {
    if user.through_sudo {
        bounded(user, words, seconds, bytes)
    } else {
        Script::frame("{} </dev/null 2>&1; {}", &[&within(words, seconds), &orphan::exit(user)])
    }
}

/// The same for somebody who waits for the end of the output: it ends, too.
fn bounded(user: &User, words: &[String], seconds: u64, bytes: usize) -> Script {
    let command = if user.through_sudo { Script::command(words) } else { within(words, seconds) };
    let limit = Script::command(&["timeout", &seconds.to_string(), "head", "-c", &bytes.to_string()]);
    Script::frame("{ { {} </dev/null 2>&1; {}; } 2>/dev/null 3>&- & } | {}", &[&command, &orphan::exit(user), &limit])
}

fn within(words: &[String], seconds: u64) -> Script {
    let seconds = seconds.to_string();
    let words: Vec<&str> = ["timeout", &seconds].into_iter().chain(words.iter().map(String::as_str)).collect();
    Script::command(&words)
}

/// Reads what [`single`] printed: the exit code, none if it did not end in time, and the words.
pub fn ended(output: &[u8], mark: &str) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(output);
    match text.rsplit_once(&format!("\n{mark} exit ")) {
        // `timeout` ended our own tmux client.
        Some((_, code)) if matches!(code.trim(), "124" | "137" | "143") => (None, String::new()),
        Some((words, code)) => (code.trim().parse().ok(), orphan::marked(words, mark)),
        None => (None, text.into_owned()),
    }
}

/// The script for a user who is the only one asked, of our own account, and answered the last time: nothing beside tmux is started: `timeout` is
/// a third of what such a look costs there. Nothing ends it if tmux does not answer: then the caller loses patience, and asks by [`script`] from then on. What it prints
/// needs [`fast_path_end`] behind it.
pub fn fast_path(ask: &Ask<'_>) -> Script {
    let name = Script::command(&[ask.user.name.as_str()]);
    Script::frame("printf '%s begin %s\\n' \"$M\" {}; exec {} 2>&1", &[&name, &Script::command(&argv::tmux_words(ask.user, &call(ask)))])
}

/// What [`fast_path`] could not print after tmux, whose exit code is its own.
pub fn fast_path_end(exit: i32, mark: &str) -> String {
    format!("\n{mark} exit {exit}\n{mark} end\n")
}

/// The script for [`Script::job`] or `sh -c` with the mark in `$M`: its standard output is for [`parse`].
pub fn script(asks: &[Ask<'_>]) -> Script {
    let name = |ask: &Ask<'_>| Script::command(&[ask.user.name.as_str()]);
    // One user alone has nobody to wait for: five processes less, which is most of what a look costs.
    if let [ask] = asks {
        let command = single(ask.user, &call(ask), SECTION_SECONDS_MAX, SECTION_BYTES_MAX);
        return Script::frame("printf '%s begin %s\\n' \"$M\" {}; {}; printf '\\n%s end\\n' \"$M\"", &[&name(ask), &command]);
    }
    let stage = |ask: &Ask<'_>| {
        let command = bounded(ask.user, &argv::tmux_words(ask.user, &call(ask)), SECTION_SECONDS_MAX, SECTION_BYTES_MAX);
        Script::frame("{ o=$({}); cat >/dev/null; printf '%s begin %s\\n%s\\n%s end\\n' \"$M\" {} \"$o\" \"$M\" >&3; }", &[&command, &name(ask)])
    };
    Script::frame("exec 3>&1 </dev/null; {}", &[&Script::join(&asks.iter().map(stage).collect::<Vec<_>>(), " | ")])
}

/// Reads what [`script`] printed: a section for every user that was heard of, in order.
pub fn parse(output: &[u8], mark: &str, row_mark: &str) -> Vec<(UnixUser, Section)> {
    let text = String::from_utf8_lossy(output);
    let (begin, end) = (format!("{mark} begin "), format!("{mark} end"));
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(user) = line.strip_prefix(&begin).and_then(|user| user.parse().ok()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|l| *l != end).collect();
        out.push((user, section(&body, mark, row_mark)));
    }
    out
}

fn section(body: &[&str], mark: &str, row_mark: &str) -> Section {
    let (exit_mark, pane_mark) = (format!("{mark} exit "), format!("{row_mark} pane "));
    let mut listing = String::new();
    let mut captures: Vec<(PaneId, String)> = Vec::new();
    let mut after: Option<String> = None;
    let mut exit = None;
    let mut bytes = 0;
    for line in body {
        bytes += line.len() + 1;
        if let Some(code) = line.strip_prefix(&exit_mark) {
            exit = code.parse().ok();
        } else if let Some(after) = &mut after {
            after.push_str(line);
            after.push('\n');
        } else if orphan::begins(line, mark) {
            after = Some(format!("\n{line}\n"));
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
    let mut listing = format::parse(&orphan::plain(&listing), row_mark);
    let found = after.map(|after| orphan::marked(&after, mark)).unwrap_or_default();
    listing.problems.extend(found.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    Section { listing, captures, exit, cut }
}
