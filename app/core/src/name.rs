//! Names: parse or refuse. A name that exists is a name that was checked; nothing here makes a tmux target from one.

use crate::limits::{COMMAND_BYTES_MAX, DIRECTORY_BYTES_MAX, INTERFACE_BYTES_MAX, NEW_NAME_CHARS_MAX, USER_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Why a name was refused, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName(String);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for BadName {}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        name!($(#[$doc])* $name, $check, |text| text);
    };
    ($(#[$doc:meta])* $name:ident, $check:expr, $bare:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                let (check, bare): (fn(&str) -> Result<(), String>, fn(&str) -> &str) = ($check, $bare);
                let text = bare(text);
                check(text).map(|()| Self(text.to_owned())).map_err(BadName)
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn word(text: &str, max: usize, first: fn(char) -> bool, rest: fn(char) -> bool, what: &str, rule: &str) -> Result<(), String> {
    let mut chars = text.chars();
    let good = chars.next().is_some_and(first) && chars.all(rest) && text.len() <= max;
    if good { Ok(()) } else { Err(format!("{what} must be {rule}, at most {max} characters")) }
}

name!(
    /// A host's key in the inventory: part of URLs, so a plain word.
    HostKey,
    |text| word(text, 64, |c| c.is_ascii_alphanumeric(), |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'), "a host key", "letters, digits, '-', '_', '.', not starting with a sign")
);
name!(
    /// A Unix account, by the name that its host knows: of `/etc/passwd` or of a directory service (`jane.doe@corp.example.com`, `CORP\jane`,
    /// `web1$`). It is one component of a path and no option, and [`sudoers(5)`](crate::inventory::Host::sudoers_line), shells and URLs each get it
    /// quoted in their own way.
    UnixUser,
    unix_user
);
name!(
    /// Where ssh connects to: a host name, an alias of `ssh_config`, or an address, an IPv6 one without the brackets that URLs have. Nothing in it can
    /// be an option, or mean anything to the shell that runs a `ProxyCommand` with it (CVE-2023-51385).
    Address,
    |text| {
        if let Some((address, zone)) = text.split_once('%') {
            // The network interface of a link-local address (RFC 4007).
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.len() <= INTERFACE_BYTES_MAX && zone.chars().all(plain) {
                return Ok(());
            }
        }
        word(text, 253, |c| c.is_ascii_alphanumeric() || c == ':' || c == '_', |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'), "an address", "a host name or an address alone (the account is `login`, the port is `port`)")
    },
    |text| text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).filter(|inner| inner.contains(':')).unwrap_or(text)
);
name!(
    /// The name of a session to be made: a plain word, so that no tool that shows it can misread it.
    NewSessionName,
    |text| word(text, NEW_NAME_CHARS_MAX, allowed_in_new_name, allowed_in_new_name, "a new session's name", "letters, digits, '-' and '_'")
);
name!(
    /// The name of an existing session, exactly as tmux reports it: it may hold anything. It is shown and compared, never expanded, and never a path or a
    /// target.
    SessionName,
    |_| Ok(())
);
name!(
    /// A start directory: absolute, or `~` and below.
    Directory,
    |text| {
        let rooted = text.starts_with('/') || text == "~" || text.starts_with("~/");
        if !rooted {
            Err("a start directory must be absolute (/srv/app) or in the home directory (~/app)".into())
        } else {
            plain(text, DIRECTORY_BYTES_MAX, "a start directory")
        }
    }
);
name!(
    /// A startup command: one line for the user's own shell. It is full control of the account, so it needs `create` and `type`.
    StartupCommand,
    |text| {
        if text.trim().is_empty() { return Err("a startup command must not be blank".into()); }
        plain(text, COMMAND_BYTES_MAX, "a startup command")
    }
);

/// Refuses names that no account database can hold, that would be an option or a path, and names with characters that a reader cannot see.
fn unix_user(text: &str) -> Result<(), String> {
    // Beyond ASCII all that can be seen: the tables of Unicode's letters would be 3 kB of the page's program.
    let word = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() && !invisible(c);
    let letter = |c: char| word(c) || matches!(c, '-' | '_' | '.' | '@' | '\\' | '+' | '\'' | ' ' | '$');
    let first = |c: char| word(c) || c == '_';
    let last = |c: char| word(c) || matches!(c, '-' | '_' | '.' | '$');
    let dollar = text.find('$').is_some_and(|at| at + 1 < text.len());
    if text.len() <= USER_BYTES_MAX && text.starts_with(first) && text.ends_with(last) && text.chars().all(letter) && !dollar {
        Ok(())
    } else {
        let rule = "letters, digits, '-', '_', '.', '@', '+', '\\', '\'' and blanks inside, perhaps a '$' at the end, starting with a letter, a digit or '_'";
        Err(format!("a Unix user must be {rule}, at most {USER_BYTES_MAX} bytes"))
    }
}

fn allowed_in_new_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn plain(text: &str, max: usize, what: &str) -> Result<(), String> {
    if text.len() > max {
        Err(format!("{what} must be at most {max} bytes"))
    } else if text.chars().any(char::is_control) {
        Err(format!("{what} must be one line without control characters"))
    } else {
        Ok(())
    }
}

/// A piece of a foreign name, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that shows as it is.
    Text(String),
    /// A character that would be invisible or would reorder its neighbours, by its code point (`U+202E`).
    Mark(String),
}

/// Splits a foreign text into what shows and what must be marked: control and format characters, bidi overrides, and spaces at the edges.
pub fn pieces(text: &str) -> Vec<Piece> {
    let last = text.chars().count().saturating_sub(1);
    let mut out: Vec<Piece> = Vec::new();
    for (i, c) in text.chars().enumerate() {
        let edge_space = c == ' ' && (i == 0 || i == last);
        if edge_space || invisible(c) {
            let mark = if c == ' ' { "␣".to_owned() } else { format!("U+{:04X}", u32::from(c)) };
            out.push(Piece::Mark(mark));
        } else if let Some(Piece::Text(run)) = out.last_mut() {
            run.push(c);
        } else {
            out.push(Piece::Text(c.to_string()));
        }
    }
    out
}

/// A foreign text of which nothing is invisible and nothing reorders its neighbours: U+FFFD stands for such characters.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if invisible(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters of Unicode's categories Cc and Cf and the blanks other than the plain space, except the joiner that builds emoji.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{a0}' | '\u{61c}' | '\u{180e}' | '\u{1680}' | '\u{2000}'..='\u{200c}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_are_plain_words() {
        for good in ["a", "A_b-9", "-x", &"x".repeat(64)] {
            assert!(good.parse::<NewSessionName>().is_ok(), "{good}");
        }
        for bad in ["", " a", "a b", "a.b", "a:b", "#(x)", "é", "a\n", &"x".repeat(65)] {
            assert!(bad.parse::<NewSessionName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hosts_and_users_never_look_like_options() {
        for bad in ["", "-oProxyCommand=x", "a\n", "a/b", "a\0b", ".."] {
            assert!(bad.parse::<HostKey>().is_err(), "{bad:?}");
            assert!(bad.parse::<UnixUser>().is_err(), "{bad:?}");
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
        for bad in ["a b", "é"] {
            assert!(bad.parse::<HostKey>().is_err(), "{bad:?}");
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
        for bad in [
            "ops@web1",
            "ssh://web1",
            "web1;id",
            "$(id)",
            "`id`",
            "%h",
            "web1 -v",
            "[web1]",
            "[]",
            "[::1",
            "fe80::1%",
            "fe80::1%h;id",
            "web1%lo",
            "fe80::1%lo%p",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
        for good in ["web1", "web1.internal", "10.0.0.1", "::1", "fe80::1", "my_alias", "xn--bcher-kva.example"] {
            assert!(good.parse::<Address>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn ipv6_addresses_are_taken_with_a_zone_and_in_brackets_and_kept_bare() {
        for (written, kept) in [("fe80::1%lo", "fe80::1%lo"), ("[::1]", "::1"), ("[fe80::1%eth0.2]", "fe80::1%eth0.2"), ("::ffff:10.0.0.1", "::ffff:10.0.0.1")]
        {
            assert_eq!(written.parse::<Address>().map(|a| a.to_string()), Ok(kept.to_owned()), "{written}");
        }
    }

    #[test]
    fn names_of_directory_services_are_unix_users() {
        for good in ["ops", "_x", "jane.doe@corp.example.com", "CORP\\jane", "CORP+jane", "jane doe", "web1$", "O'Brien", "4711", "jané", &"x".repeat(255)] {
            assert_eq!(good.parse::<UnixUser>().map(|u| u.to_string()), Ok(good.to_owned()), "{good:?}");
        }
        let bad = [
            " a",
            "a ",
            "a\\",
            "a@",
            "$a",
            "a$b",
            "a:b",
            "a,b",
            "a\tb",
            "a\u{202e}b",
            "a\u{a0}b",
            "#0",
            "%wheel",
            "+a",
            "~a",
            ".",
            ".a",
            "\\a",
            "@a",
            "a;b",
            "a`b",
            "a(b",
            "a\"b",
            "a*",
            "a=b",
            "a!b",
            "a%b",
        ];
        for bad in bad.into_iter().chain([&*"x".repeat(256)]) {
            assert!(bad.parse::<UnixUser>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn directories_are_rooted_and_one_line() {
        for good in ["/", "~", "~/x", "/srv/#(touch x)", "/a b"] {
            assert!(good.parse::<Directory>().is_ok(), "{good}");
        }
        for bad in ["", "x", "~root", "/a\nb", "../x"] {
            assert!(bad.parse::<Directory>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_marked() {
        assert_eq!(pieces("build"), [Piece::Text("build".into())]);
        assert_eq!(pieces("a b"), [Piece::Text("a b".into())]);
        assert_eq!(pieces(" a"), [Piece::Mark("␣".into()), Piece::Text("a".into())]);
        assert_eq!(pieces("x\u{202e}y"), [Piece::Text("x".into()), Piece::Mark("U+202E".into()), Piece::Text("y".into())]);
        assert_eq!(pieces("👩\u{200d}💻"), [Piece::Text("👩\u{200d}💻".into())]);
    }
}
