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

/// The questions of one sweep to one user's tmux.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The user to ask.
    pub user: &'a User,
    /// The panes whose last lines are wanted.
    pub panes: Vec<PaneId>,
    /// True if some pane's exit status is still missing.
    pub unsettled: bool,
    /// A fresh random word that begins each row of the listing and each pane's screen. It is among tmux's arguments, which others can read: whoever forges
    /// it forges his own sessions.
    pub row_mark: &'a str,
}

/// The answer of one user's tmux to a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The listing, with all lines that are no rows.
    pub listing: Listing,
    /// The captured panes, each with its screen.
    pub captures: Vec<(PaneId, String)>,
    /// The exit code of tmux (or sudo); `None` if it did not end in time.
    pub exit: Option<i32>,
    /// True if the answer was longer than the limit and was cut.
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

/// A script for one call of tmux as a user: prints what tmux says, complaints included, and its exit code, and ends in `seconds` whatever tmux does. Its
/// output is for [`ended`]. Nobody may wait for the end of that output: tmux's client hands it to the server, and a stopped server holds it open.
///
/// Our own tmux client can be ended, and what it says is our own account's affair. One that sudo started is root's, and stays until its server
/// answers: it is left behind with a pipe that nobody reads, and may say so much and no more.
pub fn single(user: &User, call: &Call, seconds: u64, bytes: usize) -> Script {
    alone(user, &argv::tmux_words(user, call), seconds, bytes)
}

/// A script like [`single`] of several calls of tmux, each with a text as its input that no process has among its arguments: it may be a password. The script
/// itself must be in none either. The exit code is that of the last call.
pub fn feeding(user: &User, calls: &[(Call, String)], seconds: u64, bytes: usize) -> Script {
    let fed = |(call, text): &(Call, String)| (argv::tmux_words(user, call), Some(text.clone()));
    calls_of(user, &calls.iter().map(fed).collect::<Vec<_>>(), seconds, bytes)
}

/// A script for one call of tmux that may start the user's server, for [`ended`] like [`single`]. What the configuration starts begins in the user's home
/// directory and has nothing of sudo's or sshd's in its environment: a server keeps for ever what its first client had. `probe` is a plain word, a fresh
/// one for every call.
pub fn starting(user: &User, call: &Call, probe: &str, seconds: u64, bytes: usize) -> Script {
    let as_himself = User { through_sudo: false, ..user.clone() };
    let tmux = Script::command(&argv::tmux_words(&as_himself, call));
    let script = Script::frame(
        "cd; unset SUDO_COMMAND SUDO_USER SUDO_UID SUDO_GID SSH_CLIENT SSH_CONNECTION SSH_TTY LC_ALL; LANG=C.UTF-8; export LANG; exec {}",
        &[&tmux],
    );
    alone(user, &argv::shell_words(user, &script, probe), seconds, bytes)
}

/// A script that asks whether a user may enter a directory, for [`ended`]: it prints [`DONE`] or [`MISMATCH`]. `probe` as for [`starting`].
pub fn entering(user: &User, directory: &Directory, probe: &str, seconds: u64, bytes: usize) -> Script {
    let seen_from_home = match directory.as_str() {
        "~" => ".".to_owned(),
        path => path.strip_prefix("~/").map_or_else(|| path.to_owned(), |below| format!("./{below}")),
    };
    let script = Script::enters(&seen_from_home, DONE, MISMATCH);
    alone(user, &argv::shell_words(user, &script, probe), seconds, bytes)
}

/// A script that prints the `PATH` of a login of the user, for [`ended`] and [`read_login_path`](tmux::read_login_path). `probe` as for [`starting`].
pub fn login_path(user: &User, probe: &str, seconds: u64, bytes: usize) -> Script {
    alone(user, &argv::shell_words(user, &tmux::login_path(), probe), seconds, bytes)
}

fn alone(user: &User, words: &[String], seconds: u64, bytes: usize) -> Script {
    calls_of(user, &[(words.to_vec(), None)], seconds, bytes)
}

/// Commands one after the other, each with the text that is its input, or an empty one.
fn calls_of(user: &User, calls: &[(Vec<String>, Option<String>)], seconds: u64, bytes: usize) -> Script {
    if user.through_sudo {
        return bounded(user, calls, seconds, bytes);
    }
    let calls: Vec<Script> = calls.iter().map(|(words, text)| fed(&within(words, seconds), text.as_deref())).collect();
    Script::frame("{}; {}", &[&Script::join(&calls, "; "), &orphan::exit(user)])
}

/// A script like [`alone`] whose output also ends in time, for a caller that waits for its end.
fn bounded(user: &User, calls: &[(Vec<String>, Option<String>)], seconds: u64, bytes: usize) -> Script {
    let command = |words: &[String]| if user.through_sudo { Script::command(words) } else { within(words, seconds) };
    let calls: Vec<Script> = calls.iter().map(|(words, text)| fed(&command(words), text.as_deref())).collect();
    let limit = Script::command(&["timeout", &seconds.to_string(), "head", "-c", &bytes.to_string()]);
    Script::frame("{ { {}; {}; } 2>/dev/null 3>&- & } | {}", &[&Script::join(&calls, "; "), &orphan::exit(user), &limit])
}

/// The command with its complaints in its output, and with the text as its input, or an empty one. (printf is a part of the shell, and no process.)
fn fed(command: &Script, text: Option<&str>) -> Script {
    match text {
        None => Script::frame("{} </dev/null 2>&1", &[command]),
        Some(text) => Script::frame("printf %s {} | {} 2>&1", &[&Script::command(&[text]), command]),
    }
}

fn within(words: &[String], seconds: u64) -> Script {
    let seconds = seconds.to_string();
    let words: Vec<&str> = ["timeout", &seconds].into_iter().chain(words.iter().map(String::as_str)).collect();
    Script::command(&words)
}

/// Reads the output of [`single`]: the exit code, `None` if tmux did not end in time, and the words.
pub fn ended(output: &[u8], mark: &str) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(output);
    match text.rsplit_once(&format!("\n{mark} exit ")) {
        // `timeout` ended our own tmux client.
        Some((_, code)) if matches!(code.trim(), "124" | "137" | "143") => (None, String::new()),
        Some((words, code)) => (code.trim().parse().ok(), orphan::marked(words, mark)),
        None => (None, text.into_owned()),
    }
}

/// The script for one user of our own account, who alone is asked and answered the last time: it starts nothing beside tmux (`timeout` is a third of what
/// such a look costs). Nothing ends it if tmux does not answer: the caller then gives up and uses [`script`] from then on. Its output needs
/// [`fast_path_end`] behind it.
pub fn fast_path(ask: &Ask<'_>) -> Script {
    let name = Script::command(&[ask.user.name.as_str()]);
    Script::frame("printf '%s begin %s\\n' \"$M\" {}; exec {} 2>&1", &[&name, &Script::command(&argv::tmux_words(ask.user, &call(ask)))])
}

/// The lines that [`fast_path`] could not print after tmux, whose exit code is its own.
pub fn fast_path_end(exit: i32, mark: &str) -> String {
    format!("\n{mark} exit {exit}\n{mark} end\n")
}

/// The script of a sweep, for [`Script::job`] or `sh -c` with the mark in `$M`: its output is for [`parse`].
pub fn script(asks: &[Ask<'_>]) -> Script {
    let name = |ask: &Ask<'_>| Script::command(&[ask.user.name.as_str()]);
    // One user alone has nobody to wait for: five processes less, which is most of what a look costs.
    if let [ask] = asks {
        let command = single(ask.user, &call(ask), SECTION_SECONDS_MAX, SECTION_BYTES_MAX);
        return Script::frame("printf '%s begin %s\\n' \"$M\" {}; {}; printf '\\n%s end\\n' \"$M\"", &[&name(ask), &command]);
    }
    let stage = |ask: &Ask<'_>| {
        let command = bounded(ask.user, &[(argv::tmux_words(ask.user, &call(ask)), None)], SECTION_SECONDS_MAX, SECTION_BYTES_MAX);
        Script::frame("{ o=$({}); cat >/dev/null; printf '%s begin %s\\n%s\\n%s end\\n' \"$M\" {} \"$o\" \"$M\" >&3; }", &[&command, &name(ask)])
    };
    Script::frame("exec 3>&1 </dev/null; {}", &[&Script::join(&asks.iter().map(stage).collect::<Vec<_>>(), " | ")])
}

/// Reads the output of [`script`]: a section for every user that answered, in order.
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
