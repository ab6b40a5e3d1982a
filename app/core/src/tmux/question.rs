//! A question: the screen of a pane whose program waits, read in one call of tmux. The call that sends the answer compares that screen before it sends
//! anything, within tmux: a prompt that has changed gets no byte.
//!
//! Each row is compared by `#{C/r:REGEX}`, which every tmux since 3.2 knows: the number of the first row of the program's screen, whatever mode lies upon it,
//! that matches, from 1; 0 if none does. Beside the rows the pane's identity, its size, its cursor and the length of its history are compared.
//!
//! The text of a pane is foreign, and a format can run a command (`#(..)`): no character that means anything in a format, in a regular expression or between
//! tmux's quotes gets into one. Where such a character stands, most are compared as a class of one (`[.]`), and the rest match any character.

use super::call::{Call, MISMATCH, compare_and, compare_line, quote};
use super::format::PaneId;
use super::verb::clear;
use crate::limits::{QUESTION_BYTES_MAX, QUESTION_ROWS_MAX};
use crate::reply::{Reply, ReplyKey};
use crate::snapshot::SessionId;
use std::fmt::Write;

/// The word that the call of an answer prints when the answer was sent.
pub const SENT: &str = "MUXBOARD-SENT";
/// The word that it prints when a mode of tmux lay upon the pane, and was left first.
pub const LEFT: &str = "MUXBOARD-LEFT";
/// The word that it prints when the pane does not show the question any more: nothing was sent.
pub const CHANGED: &str = "MUXBOARD-CHANGED";

/// The facts of a pane that an answer is compared with.
const FACTS: [&str; 11] = [
    "pane_id",
    "pane_pid",
    "pane_dead",
    "pane_input_off",
    "pane_synchronized",
    "alternate_on",
    "history_size",
    "cursor_x",
    "cursor_y",
    "pane_width",
    "pane_height",
];

/// The screen of a pane at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The pane.
    pub pane: PaneId,
    /// The row of the cursor, from 0.
    pub cursor: usize,
    /// The rows of the screen from its top, without the blanks at their ends.
    pub rows: Vec<String>,
    /// Why nothing can be sent to the pane, if so.
    pub closed: Option<Closed>,
    /// The values of [`FACTS`], as tmux printed them: digits, `%` and blanks.
    facts: String,
}

/// Why a pane takes no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The pane's program has ended.
    Dead,
    /// Somebody has switched the pane's input off (`select-pane -d`).
    InputOff,
    /// The option `synchronize-panes` is on: keys for this pane go to the other panes of its window too, whose screens were not compared.
    Synchronized,
    /// The last row is longer than what can be compared.
    TooLong,
}

/// How the answer to a call of [`ask`] can be of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoQuestion {
    /// The pane is not there any more, or not in this session.
    NoPane,
    /// The words are not those of a question: tmux complains, or the session is gone.
    Unread,
}

fn of_pane(id: SessionId, pane: PaneId, then: &str, otherwise: &str) -> String {
    // A target that is not there is no error for if-shell: that the pane belongs to the session is compared.
    let there = format!("#{{m:* %{} *, #{{W:#{{P:#{{pane_id}} }}}}}}", pane.0);
    // Braces, for quotes within quotes would grow threefold with each level.
    format!("if-shell -F -t '${}:' {} {{ {then} }} {{ {otherwise} }}", id.number, quote(&there))
}

/// Prints the screen of a pane of a session, for [`read_question`]. `mark` is a fresh random word.
pub fn ask(id: SessionId, pane: PaneId, mark: &str) -> Call {
    let facts = FACTS.map(|fact| format!("#{{{fact}}}")).join(" ");
    let target = format!("%{}", pane.0);
    let then = format!(
        "display-message -p -t {target} {} ; capture-pane -p -t {target} ; display-message -p {}",
        quote(&format!("{mark} {facts}")),
        quote(&format!("{mark} end"))
    );
    Call(compare_and(id, &of_pane(id, pane, &then, &format!("display-message -p {CHANGED}")), MISMATCH))
}

/// Reads the output of [`ask`] with the same mark.
///
/// # Errors
/// The output holds no question.
pub fn read_question(words: &str, mark: &str) -> Result<Question, NoQuestion> {
    let end = format!("{mark} end");
    let mut lines = words.lines();
    let facts = loop {
        let line = lines.next().ok_or(if words.lines().any(|line| line == CHANGED) { NoQuestion::NoPane } else { NoQuestion::Unread })?;
        if let Some(facts) = line.strip_prefix(mark).and_then(|facts| facts.strip_prefix(' ')) {
            break facts;
        }
    };
    let mut rows = Vec::new();
    loop {
        match lines.next() {
            Some(line) if line == end => break,
            // tmux's search takes away the blanks of ASCII, and no other.
            Some(line) => rows.push(line.trim_end_matches([' ', '\t', '\u{b}', '\u{c}', '\r']).to_owned()),
            None => return Err(NoQuestion::Unread),
        }
    }
    question(facts, rows).ok_or(NoQuestion::Unread)
}

fn question(facts: &str, rows: Vec<String>) -> Option<Question> {
    let plain = facts.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'%'));
    let fields: Vec<&str> = facts.split(' ').collect();
    let [pane, pid, dead, off, synchronized, _alternate, _history, _x, y, _width, _height] = fields.as_slice() else { return None };
    let is_on = |flag: &str| !matches!(flag, "" | "0");
    // A dead pane of tmux 3.8 has no process id.
    if !plain || pid.is_empty() && !is_on(dead) {
        return None;
    }
    let closed = [(dead, Closed::Dead), (off, Closed::InputOff), (synchronized, Closed::Synchronized)].into_iter().find(|(flag, _)| is_on(flag));
    let question = Question {
        pane: PaneId(pane.strip_prefix('%')?.parse().ok()?),
        cursor: y.parse().ok()?,
        rows,
        closed: closed.map(|(_, closed)| closed),
        facts: facts.to_owned(),
    };
    let too_long = question.end().1.is_empty() && question.rows.iter().any(|row| !row.is_empty());
    Some(Question { closed: question.closed.or(too_long.then_some(Closed::TooLong)), ..question })
}

impl Question {
    /// The rows that are shown and compared: the last ones up to the last that has text, and where the first of them stands, from 0.
    pub fn end(&self) -> (usize, &[String]) {
        let last = self.rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        let mut first = last;
        let mut bytes = 0;
        while first > last.saturating_sub(QUESTION_ROWS_MAX) {
            let row = self.rows.get(first - 1).map_or("", String::as_str);
            bytes += regex(&pattern(row)).len();
            if bytes > QUESTION_BYTES_MAX {
                break;
            }
            first -= 1;
        }
        (first, self.rows.get(first..last).unwrap_or(&[]))
    }

    /// The format that is true while the pane shows this question. It is also what the question's fingerprint is made of.
    pub fn same(&self) -> String {
        let mut formats = FACTS.map(|fact| format!("#{{{fact}}}")).join(" ");
        let mut values = self.facts.clone();
        for row in self.end().1.iter().filter(|row| !row.is_empty()) {
            let pattern = pattern(row);
            let first = self.rows.iter().position(|row| fits(&pattern, row)).map_or(0, |at| at + 1);
            // Writing to a string does not fail.
            let _ = write!(formats, " #{{C/r:{}}}", regex(&pattern));
            let _ = write!(values, " {first}");
        }
        format!("#{{==:{formats},{values}}}")
    }

    /// Sends an answer to the pane if it still shows this question, and says by [`SENT`], [`LEFT`] and [`CHANGED`] what was done. The alerts of the session are
    /// put down like those of [`clear_alerts`](super::clear_alerts): the next bell is another question.
    ///
    /// All of it is input of the calls, and no argument: the text may be a password, and what a pane shows is nobody else's affair. Arguments are in the process
    /// list and in sudo's log. `buffer` is the name of a paste buffer, a fresh plain word; it is gone afterwards. (A text that is pasted is in no message of
    /// tmux either.)
    pub fn answer(&self, id: SessionId, answer: &Reply, windows: &[u32], buffer: &str) -> Vec<(Call, String)> {
        let target = format!("%{}", self.pane.0);
        let key = match answer {
            Reply::Line(_) => Some("Enter"),
            Reply::Key(ReplyKey::Char(_)) => None,
            Reply::Key(ReplyKey::Named(name)) => Some(*name),
        };
        let text = answer.text();
        let paste = text.is_some().then(|| format!("paste-buffer -r -b {buffer} -t {target}"));
        let keys = [paste, key.map(|key| format!("send-keys -t {target} {key}"))].into_iter().flatten().collect::<Vec<_>>().join(" ; ");
        let leave = format!("if-shell -F -t {target} '#{{pane_in_mode}}' {{ copy-mode -q -t {target} ; display-message -p {LEFT} }}");
        let send = format!("{leave} ; {keys} ; {} ; display-message -p {SENT}", clear(id, windows));
        let changed = format!("display-message -p {CHANGED}");
        let same = format!("if-shell -F -t {target} {} {{ {send} }} {{ {changed} }}", quote(&self.same()));
        let mut commands = compare_line(id, &of_pane(id, self.pane, &same, &changed), MISMATCH) + "\n";
        if text.is_some() {
            commands += &format!("delete-buffer -b {buffer}\n");
        }
        let load = text.map(|text| (Call::new(["load-buffer", "-b", buffer, "-"]), text));
        load.into_iter().chain([(Call::new(["source-file", "-"]), commands)]).collect()
    }
}

/// One character of a row as an answer is compared with it: the character itself, or `None`, which any character matches.
type Atom = Option<char>;

fn pattern(row: &str) -> Vec<Atom> {
    row.chars().map(|c| (is_plain(c) || is_bracketed(c)).then_some(c)).collect()
}

fn fits(pattern: &[Atom], row: &str) -> bool {
    let mut chars = row.chars();
    pattern.iter().all(|atom| chars.next().is_some_and(|c| atom.is_none_or(|wanted| wanted == c))) && chars.next().is_none()
}

/// Characters that mean nothing in a format, in a regular expression or in a text between single quotes.
fn is_plain(c: char) -> bool {
    let punctuation = matches!(c, ' ' | '!' | '"' | '&' | '-' | '/' | ':' | ';' | '<' | '=' | '>' | '@' | '_' | '`' | '~');
    c.is_ascii_alphanumeric() || punctuation || !c.is_ascii() && !c.is_control() && c != '\u{fffd}'
}

/// Characters that mean something in a regular expression alone.
fn is_bracketed(c: char) -> bool {
    matches!(c, '.' | '[' | ']' | '(' | ')' | '*' | '+' | '?' | '|' | '$')
}

fn regex(pattern: &[Atom]) -> String {
    let mut out = String::from("^");
    for atom in pattern {
        match atom {
            Some(c) if is_bracketed(*c) => {
                out.push('[');
                out.push(*c);
                out.push(']');
            }
            Some(c) => out.push(*c),
            None => out.push('.'),
        }
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId { server_pid: 7, server_start: 8, number: 3, created: 9 };
    const FACTS_OF_5: &str = "%5 4242 0 0 0 0 12 10 2 80 24";

    fn asked(rows: &[&str]) -> Question {
        question(FACTS_OF_5, rows.iter().map(|row| (*row).to_owned()).collect()).unwrap()
    }

    #[test]
    fn a_question_is_read_and_nothing_else_is_taken_for_one() {
        let words = format!("M {FACTS_OF_5}\nM and more\nProceed? [y/N]  \n\nM end\n");
        let read = read_question(&words, "M").unwrap();
        assert_eq!((read.pane, read.cursor, read.closed), (PaneId(5), 2, None));
        assert_eq!(read.rows, ["M and more", "Proceed? [y/N]", ""]);
        assert_eq!(read.end(), (0, &["M and more".to_owned(), "Proceed? [y/N]".to_owned()][..]));
        assert_eq!(read_question("MUXBOARD-CHANGED\n", "M"), Err(NoQuestion::NoPane));
        for words in ["", "MUXBOARD-MISMATCH\n", "M end\n", &format!("M {FACTS_OF_5}\ncut"), "M %5 1 0 0 #(x) 0 1 2 3 4 5\nM end\n", "M 1 2 3\nM end\n"] {
            assert_eq!(read_question(words, "M"), Err(NoQuestion::Unread), "{words}");
        }
        for (facts, why) in [
            ("%5 1 1 0 0 0 0 0 0 80 24", Closed::Dead),
            ("%5  1 0 0 0 0 0 0 80 24", Closed::Dead),
            ("%5 1 0 1 0 0 0 0 0 80 24", Closed::InputOff),
            ("%5 1 0 0 1 0 0 0 0 80 24", Closed::Synchronized),
        ] {
            assert_eq!(question(facts, vec![]).unwrap().closed, Some(why));
        }
    }

    #[test]
    fn what_is_compared_are_rows_where_they_stand() {
        let same = asked(&["a", "", "Proceed? [y/N]", "a", ""]).same();
        let facts = FACTS.map(|fact| format!("#{{{fact}}}")).join(" ");
        assert_eq!(same, format!("#{{==:{facts} #{{C/r:^a$}} #{{C/r:^Proceed[?] [[]y/N[]]$}} #{{C/r:^a$}},{FACTS_OF_5} 1 3 1}}"));
        // A row that matches the pattern of another is found first.
        assert!(asked(&["x#y", "x,y"]).same().ends_with(" 1 1}"));
    }

    #[test]
    fn only_the_end_of_a_screen_is_compared_and_so_many_bytes_of_it() {
        let rows: Vec<String> = (0..60).map(|row| format!("row {row}")).collect();
        let many = question(FACTS_OF_5, rows).unwrap();
        assert_eq!((many.end().0, many.end().1.len()), (60 - QUESTION_ROWS_MAX, QUESTION_ROWS_MAX));
        let wide = question(FACTS_OF_5, vec!["?".repeat(1000); 10]).unwrap();
        assert_eq!(wide.end().1.len(), 2);
        assert!(wide.same().len() < 2 * QUESTION_BYTES_MAX);
        let beyond = question(FACTS_OF_5, vec!["?".repeat(10_000)]).unwrap();
        assert_eq!((beyond.end().1.len(), beyond.closed), (0, Some(Closed::TooLong)));
    }

    /// A format that held `#(..)` would run a command as the session's user.
    #[test]
    fn no_text_of_a_pane_becomes_a_format_a_command_or_a_quote() {
        let every: String = (' '..='~').chain("é❯\t\u{1b}\u{fffd}".chars()).collect();
        for row in ["#(touch /tmp/x)", "#{pid}", "a,b}c", "'; kill-server ; '", "%H %%", "\\", &every] {
            let same = asked(&[row]).same();
            let pattern = same.split_once("C/r:").unwrap().1.split_once("},").unwrap().0;
            assert!(!pattern.contains(['#', '{', '}', ',', '%', '\'', '\\', '\t', '\u{1b}']), "{pattern}");
        }
    }

    #[test]
    fn an_answer_is_sent_behind_the_comparison_of_session_pane_and_screen_and_is_no_argument() {
        for (answer, keys) in [
            ("line:hunter2", "paste-buffer -r -b fresh -t %5 ; send-keys -t %5 Enter"),
            ("line:", "; send-keys -t %5 Enter"),
            ("key:1", "paste-buffer -r -b fresh -t %5 ; if-shell"),
            ("key:Escape", "; send-keys -t %5 Escape"),
        ] {
            let calls = asked(&["Proceed?"]).answer(ID, &answer.parse().unwrap(), &[1], "fresh");
            let (call, commands) = calls.last().unwrap();
            assert_eq!(call.words(&[])[2..], ["source-file", "-"]);
            let at = |part: &str| commands.find(part).unwrap_or_else(|| panic!("{part} in {commands}"));
            assert!(at("7/8/$3/9") < at("m:* %5 *") && at("m:* %5 *") < at("C/r:^Proceed[?]$"), "{commands}");
            assert!(at("C/r:") < at("copy-mode -q") && at("copy-mode -q") < at(keys), "{commands}");
            let load = (calls.len() == 2).then(|| (calls[0].0.words(&[])[2..].join(" "), calls[0].1.as_str()));
            let text = answer.split_once(':').unwrap().1;
            let want = keys.starts_with("paste").then_some(("load-buffer -b fresh -".to_owned(), text));
            assert_eq!(load, want);
            assert_eq!(commands.lines().count(), calls.len(), "the buffer goes, whatever was done");
        }
    }
}
