//! What a program says of itself: the pane's user option `@muxboard_state`, set by any program with one tmux command
//! (`tmux set-option -p -t "$TMUX_PANE" @muxboard_state "waiting Allow the edit?"`). It needs no client, and reaches us through ssh and sudo as all of tmux does.

use crate::limits::SIGNAL_CHARS_MAX;
use serde::{Deserialize, Serialize};

/// The state that a program says it is in. In order: of several panes of a window the greatest is the window's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramState {
    /// The program has done what it was asked.
    Done,
    /// The program works; nobody is needed.
    Working,
    /// The program waits for a person.
    Waiting,
    /// The program could not do what it was asked.
    Failed,
}

/// A state with the program's words and its age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The state.
    pub told: ProgramState,
    /// The program's own words; may be empty. Foreign text.
    pub text: String,
    /// Since when the program is in this state: as it says itself or, if it does not, when a sweep first found it.
    /// In seconds since the Unix epoch.
    pub since: u64,
    /// True if somebody answered since, or said that nobody is needed: then it needs nobody, whatever its option says. Typing answers a program that waits.
    pub answered: bool,
}

/// Reads the option's value: a state, then words, then `@` with the time in seconds since the Unix epoch; the last two may be missing. `None` if the value
/// begins with no state.
pub fn read(value: &str) -> Option<(ProgramState, String, Option<u64>)> {
    let (state, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    let told = match state {
        "working" => ProgramState::Working,
        "waiting" => ProgramState::Waiting,
        "done" => ProgramState::Done,
        "failed" => ProgramState::Failed,
        _ => return None,
    };
    let rest = rest.trim();
    let (words, time) = rest.rsplit_once('@').unwrap_or((rest, ""));
    let stands_alone = words.is_empty() || words.ends_with(' ');
    let (words, at) = match time.parse() {
        Ok(at) if stands_alone => (words, Some(at)),
        _ => (rest, None),
    };
    Some((told, words.trim().chars().take(SIGNAL_CHARS_MAX).collect(), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_its_words_and_its_time_are_read() {
        for (value, want) in [
            ("working", Some((ProgramState::Working, "", None))),
            ("waiting Allow the edit?", Some((ProgramState::Waiting, "Allow the edit?", None))),
            ("failed 3 of 40 tests @1764000000", Some((ProgramState::Failed, "3 of 40 tests", Some(1_764_000_000)))),
            ("done @1764000000", Some((ProgramState::Done, "", Some(1_764_000_000)))),
            ("  done  ", Some((ProgramState::Done, "", None))),
            ("waiting mail from ops@12", Some((ProgramState::Waiting, "mail from ops@12", None))),
            ("waiting for @all", Some((ProgramState::Waiting, "for @all", None))),
            ("", None),
            ("Waiting", None),
            ("waiting:now", None),
        ] {
            assert_eq!(read(value), want.map(|(told, words, at)| (told, words.to_owned(), at)), "{value}");
        }
        let long = "waiting ".to_owned() + &"x".repeat(SIGNAL_CHARS_MAX * 2);
        assert_eq!(read(&long).unwrap().1.len(), SIGNAL_CHARS_MAX);
    }
}
