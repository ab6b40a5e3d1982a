//! The verbs that act on a session or show one, a function a verb. Making a session is [`create`](super::create()).

use super::call::{Call, DONE, MISMATCH, compare_and, quote};
use crate::limits::PREFIX_CHARS_MAX;
use crate::name::NewSessionName;
use crate::snapshot::SessionId;

/// Prints tmux's version. The call needs no server, and the documented sudoers line grants it.
pub fn version() -> Call {
    Call::new(["-V"])
}

/// Ends a session and everything in it.
pub fn kill(id: SessionId) -> Call {
    Call(compare_and(id, &format!("kill-session -t '${}:' ; display-message -p {DONE}", id.number), MISMATCH))
}

/// Ends a whole tmux server. Only for a server of our own making.
pub fn kill_server() -> Call {
    Call::new(["kill-server"])
}

/// Has every window stay when its program ends. Only for a server of our own making.
pub fn keep_ended() -> Call {
    Call::new(["set-option", "-gw", "remain-on-exit", "on", ";", "display-message", "-p", DONE])
}

/// Gives a session another name.
pub fn rename(id: SessionId, name: &NewSessionName) -> Call {
    Call(compare_and(id, &format!("rename-session -t '${}:' -- {name} ; display-message -p {DONE}", id.number), MISMATCH))
}

/// The word that is printed where the alerts of a session were put down.
pub const CLEARED: &str = "MUXBOARD-CLEARED";

/// Puts down the alerts of all windows of a session, if the bell flags that are up there are those of these windows, in the session's order: a bell that rang
/// since is not lost. Says by [`CLEARED`] whether it did.
pub fn clear_alerts(id: SessionId, windows: &[u32]) -> Call {
    Call(compare_and(id, &format!("{} ; display-message -p {DONE}", clear(id, windows)), MISMATCH))
}

/// The command of [`clear_alerts`], for a session whose identity was compared.
pub(super) fn clear(id: SessionId, windows: &[u32]) -> String {
    let up: String = windows.iter().map(|window| format!("@{window} ")).collect();
    let as_known = quote(&format!("#{{==:#{{W:#{{?window_bell_flag,#{{window_id}} ,}}}},{up}}}"));
    format!("if-shell -F -t '${0}:' {as_known} {{ kill-session -C -t '${0}:' ; display-message -p {CLEARED} }}", id.number)
}

/// What xterm.js can do beyond what terminfo tells of xterm-256color, oldest first: tmux ignores the first feature that it does not know and all after it.
const FEATURES: &str = "RGB,ccolour,clipboard,cstyle,focus,overline,strikethrough,sync,title,usstyle,hyperlinks";

/// Attaches the terminal on which the call runs. A mismatch prints `mark`, which must be fresh: a terminal's output can hold any known word. With `watch`
/// the client is read-only and its size is ignored. (Read-only is tmux's courtesy, not our boundary: the server drops a watcher's input itself.)
pub fn attach(id: SessionId, watch: bool, mark: &str) -> Call {
    // -E: the session keeps its environment; ours would replace its SSH_AUTH_SOCK and DISPLAY (update-environment).
    let flags = if watch { "-E -r " } else { "-E " };
    let mut call = Call::new(["-T", FEATURES]);
    call.0.extend(compare_and(id, &format!("attach-session {flags}-t '${}:'", id.number), mark));
    call
}

/// Makes a session's active pane show its program again, whatever tmux shows there: every mode that lies upon it ends.
pub fn leave(id: SessionId) -> Call {
    Call(compare_and(id, &format!("copy-mode -q -t '${}:' ; display-message -p {DONE}", id.number), MISMATCH))
}

/// The first line that [`text`] prints: the lines of history, tmux's prefix, whether the program takes bracketed pastes (tmux 3.7 and newer).
const FACTS: &str = "#{history_size} #{prefix} #{bracket_paste_flag}";

/// Prints the session's active pane as text, with at most `lines` lines of its history, after a line of facts.
pub fn text(id: SessionId, lines: u32) -> Call {
    let target = format!("'${}:'", id.number);
    Call(compare_and(id, &format!("display-message -p -t {target} '{FACTS}' ; capture-pane -p -J -S -{lines} -t {target}"), MISMATCH))
}

/// The text of a pane, for people who select and search, and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneText {
    /// The lines, history first.
    pub text: String,
    /// The number of lines above the screen.
    pub history: u32,
    /// tmux's prefix, as its `key name`; empty if tmux has none.
    pub prefix: String,
    /// True if the program takes bracketed pastes; `None` if this tmux cannot tell.
    pub bracketed_paste: Option<bool>,
}

/// Reads the output of [`text`]; `None` if the session did not exist.
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
        for call in [
            kill(ID),
            clear_alerts(ID, &[1]),
            rename(ID, &"x".parse().unwrap()),
            attach(ID, true, "m"),
            start(ID, &"make".parse().unwrap()),
            leave(ID),
            text(ID, 5),
        ] {
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
