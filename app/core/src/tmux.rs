//! tmux's verbs: a function a verb, each gives the words after `tmux`. Targets are ids only; nothing here turns a name into a target.
//!
//! A verb that acts on a session compares the session's whole identity inside tmux before it acts (`if-shell -F`), in one call.
//! Success is the word [`DONE`] on standard output: tmux's exit code is 0 for a mismatch too.

pub mod create;
pub mod format;
pub(crate) mod orphan;
pub mod section;

pub use create::{Made, Server, create, made, read_login_path, start};

use crate::name::NewSessionName;
use crate::snapshot::SessionId;

/// What a verb prints when it did its work.
pub const DONE: &str = "MUXBOARD-DONE";
/// What a verb prints when the session it was meant for is not there any more.
pub const MISMATCH: &str = "MUXBOARD-MISMATCH";
/// The oldest tmux whose `-T`, `if-shell -F -t` and `list-*` we rely on.
pub const VERSION_MIN: (u32, u32) = (3, 2);

/// The words after `tmux`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call(Vec<String>);

impl Call {
    fn new<I: IntoIterator<Item = S>, S: Into<String>>(words: I) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }

    /// The call with no configuration file, should it start a server.
    #[must_use]
    pub fn without_configuration(mut self) -> Self {
        self.0.splice(..0, ["-f", "/dev/null"].map(String::from));
        self
    }

    /// The whole command: `tmux -u`, the words that name the socket, the call. `-u` because tmux writes `_` for every non-ASCII character in a C
    /// locale.
    pub fn words(&self, socket: &[&str]) -> Vec<String> {
        let mut words = vec!["tmux".to_owned(), "-u".to_owned()];
        words.extend(socket.iter().map(|w| (*w).to_owned()));
        words.extend(self.0.iter().cloned());
        words
    }
}

/// The four facts that make a session this very session, as a tmux format for a session that is there.
const IDENTITY: &str = "#{pid}/#{start_time}/#{session_id}/#{session_created}";

/// `then` if the session is still the one meant, `otherwise` (a word to print) if not.
///
/// Nothing of the session is expanded before its id was found: tmux 3.2a crashes, with every session of the account, when it expands
/// `session_created` for a target that is gone. Conditionals are lazy in every tmux.
fn compare_and(id: SessionId, then: &str, otherwise: &str) -> Vec<String> {
    let SessionId { server_pid, server_start, number, created } = id;
    vec![
        "if-shell".into(),
        "-F".into(),
        "-t".into(),
        format!("${number}:"),
        format!("#{{==:#{{?#{{==:#{{session_id}},${number}}},{IDENTITY},}},{server_pid}/{server_start}/${number}/{created}}}"),
        then.into(),
        format!("display-message -p {otherwise}"),
    ]
}

/// Prints tmux's version. It needs no server, and sudo grants it by the documented line.
pub fn version() -> Call {
    Call::new(["-V"])
}

/// Ends a session and everything in it.
pub fn kill(id: SessionId) -> Call {
    Call(compare_and(id, &format!("kill-session -t '${}:' ; display-message -p {DONE}", id.number), MISMATCH))
}

/// Ends a whole server. For one of our own making alone.
pub fn kill_server() -> Call {
    Call::new(["kill-server"])
}

/// Gives a session another name.
pub fn rename(id: SessionId, name: &NewSessionName) -> Call {
    Call(compare_and(id, &format!("rename-session -t '${}:' -- {name} ; display-message -p {DONE}", id.number), MISMATCH))
}

/// What xterm.js can do beyond what terminfo says of xterm-256color. tmux ignores the first that it does not know and all after it: by age.
const FEATURES: &str = "RGB,ccolour,clipboard,cstyle,focus,overline,strikethrough,sync,title,usstyle,hyperlinks";

/// Attaches the terminal the command runs on. A mismatch prints `mark`, which must be fresh: a terminal's output can hold any known word.
/// With `watch` the client is read-only and its size is ignored. (Read-only is tmux's courtesy, not our boundary: see the socket's pump.)
pub fn attach(id: SessionId, watch: bool, mark: &str) -> Call {
    // -E: the session keeps its environment; ours would replace its SSH_AUTH_SOCK and DISPLAY (update-environment).
    let flags = if watch { "-E -r " } else { "-E " };
    let mut call = Call::new(["-T", FEATURES]);
    call.0.extend(compare_and(id, &format!("attach-session {flags}-t '${}:'", id.number), mark));
    call
}

/// Has a session's active pane show its program again, whatever tmux shows there: every mode that lies upon it ends.
pub fn leave(id: SessionId) -> Call {
    Call(compare_and(id, &format!("copy-mode -q -t '${}:' ; display-message -p {DONE}", id.number), MISMATCH))
}

/// What [`text`] prints first: how much history there is, in lines; tmux's prefix; whether the program takes pastes in brackets (tmux 3.7 and newer
/// say so, others nothing).
const FACTS: &str = "#{history_size} #{prefix} #{bracket_paste_flag}";

/// Prints the session's active pane as text, with at most so many lines of its history, after a line of facts.
pub fn text(id: SessionId, lines: u32) -> Call {
    let target = format!("'${}:'", id.number);
    Call(compare_and(id, &format!("display-message -p -t {target} '{FACTS}' ; capture-pane -p -J -S -{lines} -t {target}"), MISMATCH))
}

/// A pane's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its lines.
    pub text: String,
    /// How many of them are above the screen, at most what was asked for.
    pub history: u32,
    /// tmux's prefix, as its `key name`; empty if tmux has none.
    pub prefix: String,
    /// Whether the program takes pastes in brackets; none if this tmux cannot say.
    pub bracketed_paste: Option<bool>,
}

/// Reads what [`text`] printed; none if the session was not there.
pub fn read_text(words: &str, lines: u32) -> Option<Text> {
    let (facts, text) = words.split_once('\n')?;
    let mut facts = facts.split(' ');
    let history = facts.next()?.parse::<u32>().ok()?.min(lines);
    let prefix = facts.next()?.chars().filter(char::is_ascii_graphic).take(16).collect();
    let bracketed_paste = facts.next().and_then(|flag| flag.parse::<u8>().ok()).map(|flag| flag == 1);
    Some(Text { text: text.trim_end_matches('\n').to_owned(), history, prefix, bracketed_paste })
}

/// One word for tmux's own command parser, within a command string: single quotes keep everything but the single quote.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId { server_pid: 7, server_start: 8, number: 3, created: 9 };

    #[test]
    fn every_target_is_an_id() {
        for call in [kill(ID), rename(ID, &"x".parse().unwrap()), attach(ID, true, "m"), start(ID, &"make".parse().unwrap()), leave(ID), text(ID, 5)] {
            let words = call.words(&[]);
            let targets: Vec<_> = words.windows(2).filter(|w| w[0] == "-t").map(|w| w[1].clone()).collect();
            assert_eq!(targets, ["$3:"]);
            assert!(words.iter().any(|w| w.contains("7/8/$3/9")), "{words:?}");
        }
    }

    #[test]
    fn a_panes_text_is_read_and_no_text_is_taken_for_facts() {
        let read = read_text("12 C-b \n7 C-a 1\nlast\n\n", 10).unwrap();
        assert_eq!(read, Text { text: "7 C-a 1\nlast".into(), history: 10, prefix: "C-b".into(), bracketed_paste: None });
        assert_eq!(read_text("0 None 1\n", 10).unwrap().bracketed_paste, Some(true));
        assert_eq!(read_text("MUXBOARD-MISMATCH\n", 10), None);
        assert_eq!(read_text("", 10), None);
    }

    #[test]
    fn sockets_come_before_the_verb() {
        assert_eq!(kill(ID).words(&["-S", "/x y"])[..4], ["tmux", "-u", "-S", "/x y"]);
    }
}
