//! What a person answers to a program that waits: a line or a bare key, and the fingerprint of the screen that the person saw.

use crate::hex;
use crate::limits::REPLY_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why an answer was refused, in words for the person who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadReply(String);

impl fmt::Display for BadReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for BadReply {}

/// An answer to a program that waits. Written `line:TEXT` or `key:NAME` in forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A text, and Return behind it; nothing but Return if the text is empty.
    Line(ReplyLine),
    /// One key, without a Return.
    Key(ReplyKey),
}

impl Reply {
    /// The text that is sent as it is, without keys that have a name; `None` if there is none.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Line(line) => (!line.0.is_empty()).then(|| line.0.clone()),
            Self::Key(ReplyKey::Char(char)) => Some(char.to_string()),
            Self::Key(ReplyKey::Named(_)) => None,
        }
    }
}

/// The text of an answer: one line without control characters, at most [`REPLY_BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ReplyLine(String);

/// It may be a password.
impl fmt::Debug for ReplyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyLine(..)")
    }
}

impl ReplyLine {
    /// The line, without a Return.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReplyLine {
    type Err = BadReply;
    fn from_str(text: &str) -> Result<Self, BadReply> {
        if text.len() > REPLY_BYTES_MAX {
            Err(BadReply(format!("an answer must be at most {REPLY_BYTES_MAX} bytes; open the terminal for more")))
        } else if text.chars().any(char::is_control) {
            Err(BadReply("an answer must be one line without control characters; open the terminal for more".into()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// A key that can be an answer by itself: a character that is printed, or one of [`ReplyKey::NAMED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKey {
    /// The character.
    Char(char),
    /// The key, by the name that tmux gives it.
    Named(&'static str),
}

impl ReplyKey {
    /// The keys that are no characters: what a page calls each, and what tmux calls it.
    pub const NAMED: [(&'static str, &'static str); 11] = [
        ("Return", "Enter"),
        ("Esc", "Escape"),
        ("Tab", "Tab"),
        ("Shift-Tab", "BTab"),
        ("Backspace", "BSpace"),
        ("↑", "Up"),
        ("↓", "Down"),
        ("←", "Left"),
        ("→", "Right"),
        ("Ctrl-C", "C-c"),
        ("Ctrl-D", "C-d"),
    ];
}

impl FromStr for ReplyKey {
    type Err = BadReply;
    fn from_str(text: &str) -> Result<Self, BadReply> {
        let mut chars = text.chars();
        if let (Some(char), None) = (chars.next(), chars.next())
            && !char.is_control()
        {
            return Ok(Self::Char(char));
        }
        let named = Self::NAMED.iter().find(|(_, name)| *name == text).map(|(_, name)| Self::Named(name));
        let all = || Self::NAMED.map(|(_, name)| name).join(", ");
        named.ok_or_else(|| BadReply(format!("a key must be one character or one of {}", all())))
    }
}

impl FromStr for Reply {
    type Err = BadReply;
    fn from_str(text: &str) -> Result<Self, BadReply> {
        match text.split_once(':') {
            Some(("line", line)) => line.parse().map(Self::Line),
            Some(("key", key)) => key.parse().map(Self::Key),
            _ => Err(BadReply("an answer must be line:TEXT or key:NAME".into())),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line:{}", line.0),
            Self::Key(ReplyKey::Char(char)) => write!(f, "key:{char}"),
            Self::Key(ReplyKey::Named(name)) => write!(f, "key:{name}"),
        }
    }
}

/// The SHA-256 of all that an answer is compared with, as 64 hexadecimal digits: an answer names by it the screen that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint with this digest.
    pub fn of(digest: &[u8; 32]) -> Self {
        Self(hex::encode(digest))
    }
}

impl FromStr for Fingerprint {
    type Err = BadReply;
    fn from_str(text: &str) -> Result<Self, BadReply> {
        let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(BadReply("a fingerprint must be the one that the question had".into())) }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = BadReply;
    fn try_from(text: String) -> Result<Self, BadReply> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_or_one_key() {
        for good in ["line:", "line:yes", "line:a:b 'c' \"d\" ;#{e}", "key:1", "key:é", "key: ", "key::", "key:Enter", "key:C-c"] {
            assert_eq!(good.parse::<Reply>().unwrap().to_string(), good);
        }
        for bad in ["", "yes", "line", "line:a\nb", "line:\u{1b}[A", "key:", "key:yy", "key:\r", "key:C-z", "keys:a"] {
            assert!(bad.parse::<Reply>().is_err(), "{bad:?}");
        }
        assert!(format!("line:{}", "x".repeat(REPLY_BYTES_MAX)).parse::<Reply>().is_ok());
        assert!(format!("line:{}", "x".repeat(REPLY_BYTES_MAX + 1)).parse::<Reply>().is_err());
    }

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        let written = Fingerprint::of(&[0xab; 32]).to_string();
        assert_eq!(written.parse::<Fingerprint>().unwrap(), Fingerprint::of(&[0xab; 32]));
        for bad in ["", "ab", &"AB".repeat(32), &"zz".repeat(32)] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }
}
