//! The choices that a prompt offers, found in the text of a screen. All of it is a guess: the text is a program's, and only a program knows what it takes. So
//! the choices are buttons beside a field where anything can be written, and each shows what it sends.

use crate::limits::{CHOICE_CHARS_MAX, CHOICES_MAX, QUESTION_ROWS_MAX};
use crate::reply::{Reply, ReplyKey, ReplyLine};

/// One choice of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The prompt's own words for it. Foreign text.
    pub label: String,
    /// What chooses it.
    pub answer: Reply,
}

/// What the end of a screen looks like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompt {
    /// The choices, in the prompt's order; empty if none are found.
    pub choices: Vec<Choice>,
    /// True if a password is asked for, which nobody should see.
    pub secret: bool,
}

impl Prompt {
    /// True if the screen looks as if its program waited for a person.
    pub fn waits(&self) -> bool {
        self.secret || !self.choices.is_empty()
    }
}

/// Reads the end of a screen. `rows` are its rows from the top, and `cursor` is the row of the cursor, from 0.
pub fn read(rows: &[String], cursor: usize) -> Prompt {
    let Some(last) = rows.iter().rposition(|row| !row.trim().is_empty()) else { return Prompt::default() };
    let rows: Vec<&str> = rows.get((last + 1).saturating_sub(QUESTION_ROWS_MAX)..=last).unwrap_or(&[]).iter().map(|row| bare(row)).collect();
    let end = rows.last().copied().unwrap_or_default();
    let at_cursor = cursor == last;
    let numbered = numbered(&rows, at_cursor && end.ends_with(['?', ':']));
    if !numbered.is_empty() {
        return Prompt { choices: numbered, secret: false };
    }
    if !at_cursor {
        return Prompt::default();
    }
    let small = end.to_ascii_lowercase();
    if (small.contains("password") || small.contains("passphrase")) && small.ends_with(':') {
        return Prompt { choices: Vec::new(), secret: true };
    }
    if small.contains("press ") && ["enter", "return", "any key"].iter().any(|key| small.contains(key)) {
        return Prompt { choices: vec![Choice { label: "Return".into(), answer: Reply::Key(ReplyKey::Named("Enter")) }], secret: false };
    }
    Prompt { choices: bracketed(end), secret: false }
}

/// A row without blanks and without the lines of a box around it.
fn bare(row: &str) -> &str {
    row.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{2500}'..='\u{257f}' | '|'))
}

/// `1. Yes`, `❯ 2. No`, `3) Later`: at least two, counted from 1, near the end; one is marked, or a line below them asks.
fn numbered(rows: &[&str], asks_below: bool) -> Vec<Choice> {
    let mut found: Vec<&str> = Vec::new();
    let (mut marked, mut last) = (false, 0);
    for (at, row) in rows.iter().enumerate() {
        let Some((number, label, has_mark)) = option(row) else { continue };
        if number == 1 {
            found.clear();
            marked = false;
        }
        if number == found.len() + 1 && found.len() < CHOICES_MAX {
            found.push(label);
            marked |= has_mark;
            last = at;
        }
    }
    // What scrolls by is no prompt: the last choice stands near the end, or a list of nine would be one for ever.
    let after = rows.len() - 1 - last.min(rows.len() - 1);
    if found.len() < 2 || after > QUESTION_ROWS_MAX / 4 || !(marked || asks_below && after > 0) {
        return Vec::new();
    }
    let number = |n: usize| char::from_digit(u32::try_from(n).unwrap_or(0), 10).unwrap_or('0');
    // A menu that marks its choice takes the key alone; one that prints a list and asks below it reads a line.
    let answer = |n: usize| {
        if marked { Some(Reply::Key(ReplyKey::Char(number(n)))) } else { number(n).to_string().parse().ok().map(Reply::Line) }
    };
    found.into_iter().enumerate().filter_map(|(n, label)| Some(Choice { label: short(label), answer: answer(n + 1)? })).collect()
}

/// The number of an option, its words, and whether it is marked as the one that Return takes.
fn option(row: &str) -> Option<(usize, &str, bool)> {
    let plain = row.trim_start_matches(|c: char| matches!(c, '❯' | '›' | '▶' | '▸' | '●' | '→') || c.is_whitespace());
    let digits = plain.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = (plain.get(..digits)?, plain.get(digits..)?);
    let label = rest.strip_prefix(['.', ')'])?;
    let number = number.parse().ok().filter(|n| *n >= 1)?;
    label.starts_with(' ').then(|| (number, label.trim(), plain.len() < row.len()))
}

/// `[Y/n]`, `(yes/no)`, `[y,n,q,?]`: words between brackets at the end of a line that asks.
fn bracketed(row: &str) -> Vec<Choice> {
    if !row.contains('?') && !row.ends_with(':') {
        return Vec::new();
    }
    let end = row.trim_end_matches([':', '?', ' ', '.']);
    let (close, open) = match end.chars().last() {
        Some(']') => (']', '['),
        Some(')') => (')', '('),
        _ => return Vec::new(),
    };
    let inner = end.strip_suffix(close).unwrap_or(end);
    // Of `(yes/no/[fingerprint])` the outer pair is meant.
    let Some((_, inner)) = (if open == '(' { inner.split_once(open) } else { inner.rsplit_once(open) }) else { return Vec::new() };
    let separator = if inner.contains('/') { '/' } else { ',' };
    let words: Vec<&str> = inner.split(separator).map(str::trim).collect();
    let is_word =
        |word: &&str| !word.is_empty() && word.chars().count() <= CHOICE_CHARS_MAX && word.chars().all(|c| c.is_alphanumeric() || c == '?' || c == '!');
    let good: Vec<&str> = words.iter().copied().filter(is_word).take(CHOICES_MAX).collect();
    // A path or a list of files is not a choice of words.
    if words.len() < 2 || good.len() + 1 < words.len() || good.len() < 2 {
        return Vec::new();
    }
    let choice = |word: &str| {
        let (label, sent) = match word {
            "y" | "Y" => ("Yes", "y"),
            "n" | "N" => ("No", "n"),
            other => (other, other),
        };
        sent.parse::<ReplyLine>().ok().map(|line| Choice { label: label.to_owned(), answer: Reply::Line(line) })
    };
    good.into_iter().filter_map(choice).collect()
}

fn short(label: &str) -> String {
    const MORE: &str = "…";
    let max = CHOICE_CHARS_MAX * 5;
    if label.chars().count() <= max { label.to_owned() } else { label.chars().take(max).collect::<String>() + MORE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(screen: &str, cursor: usize) -> Vec<(String, String)> {
        let rows: Vec<String> = screen.lines().map(str::to_owned).collect();
        read(&rows, cursor).choices.into_iter().map(|choice| (choice.label, choice.answer.to_string())).collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(label, answer)| ((*label).to_owned(), (*answer).to_owned())).collect()
    }

    #[test]
    fn a_menu_that_marks_its_choice_takes_a_key() {
        let screen = "\
│ Do you want to make this edit to main.rs?  │
│ ❯ 1. Yes                                   │
│   2. Yes, allow all edits (shift+tab)      │
│   3. No, tell it what to do                │
╰────────────────────────────────────────────╯
";
        assert_eq!(choices(screen, 1), owned(&[("Yes", "key:1"), ("Yes, allow all edits (shift+tab)", "key:2"), ("No, tell it what to do", "key:3")]));
        assert_eq!(choices("● 1. Yes, allow once\n  2. No (esc)\n", 5), owned(&[("Yes, allow once", "key:1"), ("No (esc)", "key:2")]));
    }

    #[test]
    fn a_list_with_a_prompt_below_takes_a_line() {
        assert_eq!(choices("1) web1\n2) web2\n#? ", 2), owned(&[("web1", "line:1"), ("web2", "line:2")]));
        // The cursor is elsewhere: a list in a text.
        assert_eq!(choices("1) web1\n2) web2\nand so on", 9), []);
        assert_eq!(choices("1. one\n2. two", 1), []);
        assert_eq!(choices("1. one\n3. three\nWhich? ", 2), []);
        assert_eq!(choices("1. one\n2. two\n$ ", 2), []);
        assert_eq!(choices("> 1. one\n> 2. two\n$ ", 2), []);
    }

    #[test]
    fn words_between_brackets_are_choices() {
        for (line, want) in [
            ("Do you want to continue? [Y/n] ", &[("Yes", "line:y"), ("No", "line:n")][..]),
            ("Overwrite a.txt? (y/N): ", &[("Yes", "line:y"), ("No", "line:n")]),
            (
                "(1/3) Stage this hunk [y,n,q,a,d,e,?]? ",
                &[("Yes", "line:y"), ("No", "line:n"), ("q", "line:q"), ("a", "line:a"), ("d", "line:d"), ("e", "line:e"), ("?", "line:?")],
            ),
            ("Are you sure you want to continue connecting (yes/no/[fingerprint])? ", &[("yes", "line:yes"), ("no", "line:no")]),
            ("user@host:~/work (main) ", &[]),
            ("~/src/a [main] ", &[]),
            ("Which one (src/app/core): ", &[("src", "line:src"), ("app", "line:app"), ("core", "line:core")]),
            ("$ ls (src/app/core) ", &[]),
            // fish's prompt in a repository.
            ("ops@web1 ~/src (feature/login)> ", &[]),
            ("$ ", &[]),
            ("", &[]),
        ] {
            assert_eq!(choices(line, 0), owned(want), "{line}");
            assert_eq!(choices(line, 3), [], "the cursor is elsewhere: {line}");
        }
        assert_eq!(choices("Press ENTER to continue", 0), owned(&[("Return", "key:Enter")]));
    }

    #[test]
    fn a_password_is_a_secret() {
        for (line, secret) in [("[sudo] password for ops: ", true), ("Enter passphrase for key '/home/ops/.ssh/id': ", true), ("Password changed.", false)] {
            assert_eq!(read(&[line.to_owned()], 0), Prompt { choices: vec![], secret }, "{line}");
        }
    }

    #[test]
    fn no_text_is_too_odd() {
        for screen in ["[", "]", "(", ")", "[]", "[/]", "1.", "1. ", "❯", "│", "99999999999999999999. x\n1. y", "[é/ü]"] {
            for cursor in [0, 1] {
                let _ = choices(screen, cursor);
            }
        }
    }
}
