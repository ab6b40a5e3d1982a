//! A captured pane (`capture-pane -e`) to lines of styled text. Only colours and bold survive; every other escape sequence is dropped.

use crate::limits::{PREVIEW_CHARS_MAX, PREVIEW_LINES_MAX};
use serde::{Deserialize, Serialize};

/// The style of a run of text: one of the eight colours, bold or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Style {
    /// The colour's number (0 black, 1 red, 2 green, 3 yellow, 4 blue, 5 magenta, 6 cyan, 7 white), if it is not the default.
    pub colour: Option<u8>,
    /// True for bold text.
    pub bold: bool,
}

/// A run of text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The run's style.
    pub style: Style,
    /// The run's text, without control characters.
    pub text: String,
}

/// A line of text, as runs of one style each.
pub type StyledLine = Vec<Run>;

/// The last lines of a captured screen that hold anything, at most [`PREVIEW_LINES_MAX`], each cut to [`PREVIEW_CHARS_MAX`] characters.
pub fn preview(screen: &str) -> Vec<StyledLine> {
    let mut style = Style::default();
    let mut lines: Vec<StyledLine> = screen.lines().map(|l| line(l, &mut style)).collect();
    let blank = |line: &StyledLine| line.iter().all(|r| r.text.trim().is_empty());
    while lines.last().is_some_and(blank) {
        lines.pop();
    }
    // Of several blank lines one is enough: there is little room.
    lines.dedup_by(|line, before| blank(line) && blank(before));
    lines.split_off(lines.len().saturating_sub(PREVIEW_LINES_MAX))
}

/// The rows of a captured screen as plain text, each cut to [`PREVIEW_CHARS_MAX`] characters.
pub fn rows(screen: &str) -> Vec<String> {
    let text = |row: &str| line(row, &mut Style::default()).into_iter().map(|run| run.text).collect();
    screen.lines().map(text).collect()
}

fn line(text: &str, style: &mut Style) -> StyledLine {
    let mut runs: StyledLine = Vec::new();
    let mut room = PREVIEW_CHARS_MAX;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            escape(&mut chars, style);
        } else if !c.is_control() && room > 0 {
            room -= 1;
            match runs.last_mut() {
                Some(run) if run.style == *style => run.text.push(c),
                _ => runs.push(Run { style: *style, text: c.to_string() }),
            }
        }
    }
    if let Some(run) = runs.last_mut() {
        run.text.truncate(run.text.trim_end().len());
    }
    runs.retain(|r| !r.text.is_empty());
    runs
}

/// Reads one escape sequence; a `CSI .. m` changes the style.
fn escape(chars: &mut std::str::Chars<'_>, style: &mut Style) {
    match chars.next() {
        Some('[') => {
            let mut parameters = String::new();
            for c in chars.by_ref() {
                match c {
                    '\x40'..='\x7e' => {
                        if c == 'm' {
                            select(&parameters, style);
                        }
                        return;
                    }
                    c => parameters.push(c),
                }
            }
        }
        // A string (OSC, DCS, APC, PM, SOS): up to its terminator.
        Some(']' | 'P' | '_' | '^' | 'X') => {
            let mut escaped = false;
            for c in chars.by_ref() {
                if c == '\x07' || (escaped && c == '\\') {
                    return;
                }
                escaped = c == '\x1b';
            }
        }
        // A charset: one more character.
        Some('(' | ')') => drop(chars.next()),
        _ => {}
    }
}

fn select(parameters: &str, style: &mut Style) {
    let mut numbers = parameters.split(';').map(|p| p.parse::<u16>().unwrap_or(0));
    while let Some(n) = numbers.next() {
        match n {
            0 => *style = Style::default(),
            1 => style.bold = true,
            22 => style.bold = false,
            39 => style.colour = None,
            30..=37 => style.colour = u8::try_from(n - 30).ok(),
            90..=97 => style.colour = u8::try_from(n - 90).ok(),
            // 256 and true colours: the nearest of the eight is a guess, the default is honest; their parameters are eaten.
            38 | 48 => {
                let colour = match numbers.next() {
                    Some(5) => numbers.next().filter(|n| *n < 16).and_then(|n| u8::try_from(n % 8).ok()),
                    Some(2) => {
                        numbers.by_ref().take(3).for_each(drop);
                        None
                    }
                    _ => None,
                };
                if n == 38 {
                    style.colour = colour;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(screen: &str) -> Vec<String> {
        preview(screen).iter().map(|l| l.iter().map(|r| r.text.as_str()).collect()).collect()
    }

    #[test]
    fn a_preview_is_the_last_lines_that_hold_anything() {
        assert_eq!(texts("a\nb  \n\n   \n"), ["a", "b"]);
        assert_eq!(texts("a\n\n\n\n\n\n\n\nb"), ["a", "", "b"]);
        assert_eq!(texts("1\n2\n3\n4\n5\n6\n7\n8\n"), ["3", "4", "5", "6", "7", "8"]);
    }

    #[test]
    fn colours_survive_and_nothing_else() {
        let lines = preview("\x1b[1;31merror\x1b[0m: x\x1b]0;title\x07\x1b[38;5;196my\x1b[2Jz\x1b(B");
        let styled: Vec<_> = lines[0].iter().map(|r| (r.text.as_str(), r.style.colour, r.style.bold)).collect();
        assert_eq!(styled, [("error", Some(1), true), (": xyz", None, false)]);
    }

    #[test]
    fn a_colour_lasts_over_the_end_of_a_line() {
        let lines = preview("\x1b[32ma\nb");
        assert_eq!(lines[1][0].style.colour, Some(2));
    }
}
