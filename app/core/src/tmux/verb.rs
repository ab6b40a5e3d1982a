//! The verbs that act on a session or show one, a function a verb. Making a session is [`create`](super::create()).

use super::call::{Call, DONE, MISMATCH, compare_and};
use crate::limits::PREFIX_CHARS_MAX;
use crate::name::NewSessionName;
use crate::snapshot::SessionId;

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
pub struct PaneText {
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
pub fn read_text(words: &str, lines: u32) -> Option<PaneText> {
    let (facts, text) = words.split_once('\n')?;
    let mut facts = facts.split(' ');
    let history = facts.next()?.parse::<u32>().ok()?.min(lines);
    let prefix = facts.next()?.chars().filter(char::is_ascii_graphic).take(PREFIX_CHARS_MAX).collect();
    let bracketed_paste = facts.next().and_then(|flag| flag.parse::<u8>().ok()).map(|flag| flag == 1);
    Some(PaneText { text: text.trim_end_matches('\n').to_owned(), history, prefix, bracketed_paste })
}

#[cfg(test)]
mod tests {
    use super::super::start;
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
        assert_eq!(read, PaneText { text: "7 C-a 1\nlast".into(), history: 10, prefix: "C-b".into(), bracketed_paste: None });
        assert_eq!(read_text("0 None 1\n", 10).unwrap().bracketed_paste, Some(true));
        assert_eq!(read_text("MUXBOARD-MISMATCH\n", 10), None);
        assert_eq!(read_text("", 10), None);
    }

    #[test]
    fn sockets_come_before_the_verb() {
        assert_eq!(kill(ID).words(&["-S", "/x y"])[..4], ["tmux", "-u", "-S", "/x y"]);
    }
}
