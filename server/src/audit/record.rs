//! One line of the audit file: how it is made, and how it is taken apart again. It knows neither files nor the rest of the chain.
//!
//! A line is plain ASCII: whatever else a name holds is written as `\u....`, so that no terminal, pager or editor can be fooled by a file of
//! hostile names.

use super::key::{Head, Key, Mac};
use jiff::Timestamp;
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::{AUDIT_FIELD_BYTES_MAX, AUDIT_LINE_BYTES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, Serializer};
use std::io;

/// An entry that is to be written.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Something happened.
    Event(Timestamp, Box<AuditEvent>),
    /// So many events could not be written.
    Lost(Timestamp, u64),
    /// The file before this one ends in the middle of a line.
    Torn(Timestamp, Torn),
}

impl Entry {
    /// How many events are lost if it is not written.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Event(..) => 1,
            Self::Lost(_, events) => *events,
            Self::Torn(..) => 0,
        }
    }
}

/// A digest of the bytes that a crash left after the last whole line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Torn {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Torn {
    /// That of these bytes.
    pub(crate) fn of(rest: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        Self { bytes: rest.len() as u64, sha256: muxboard_core::hex::encode(&Sha256::digest(rest)) }
    }
}

/// The length and digest of a startup command or an uploaded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommandDigest {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A record, all but its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    /// Its number in the whole chain, from 1.
    pub(crate) n: u64,
    /// When it happened.
    pub(crate) at: String,
    /// In the first line of a file: the code it continues from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Mac>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) torn: Option<Torn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lost: Option<u64>,
    #[serde(flatten)]
    pub(crate) event: Option<EventRecord>,
}

/// The fields of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub(crate) who: String,
    pub(crate) gate: String,
    pub(crate) from: String,
    pub(crate) request: String,
    pub(crate) operation: String,
    pub(crate) abilities: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<CommandDigest>,
    pub(crate) result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u64>,
}

impl EventRecord {
    fn of(event: &AuditEvent) -> Self {
        Self {
            who: bounded(&event.who),
            gate: event.gate.to_owned(),
            from: bounded(&event.from),
            request: bounded(&event.request),
            operation: event.operation.to_owned(),
            abilities: event.abilities.iter().map(|ability| ability.word().to_owned()).collect(),
            host: event.place.as_ref().map(|place| place.host.to_string()),
            user: event.place.as_ref().map(|place| place.user.to_string()),
            session: event.session.map(|session| session.to_string()),
            command: event.command.as_ref().map(|command| CommandDigest { bytes: command.bytes as u64, sha256: command.sha256.clone() }),
            result: bounded(&event.result),
            times: event.times,
        }
    }
}

/// The text, or its beginning: a line that grows with what a stranger sends would fill the disk.
fn bounded(text: &str) -> String {
    if text.len() <= AUDIT_FIELD_BYTES_MAX {
        return text.to_owned();
    }
    let end = (0..=AUDIT_FIELD_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", text.get(..end).unwrap_or_default())
}

/// JSON whose strings are ASCII without control characters.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[u32::from(c).to_le_bytes()[0]])?;
            } else {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }
}

/// The line of an entry after the end of the chain, with its end of line; and the chain's new end. The first line of a file says from where the
/// chain comes.
///
/// # Errors
/// Never, as far as is known: JSON of plain fields.
pub(crate) fn line(key: &Key, after: &Head, first: bool, entry: &Entry) -> io::Result<(Vec<u8>, Head)> {
    let (at, torn, lost, event) = match entry {
        Entry::Event(at, event) => (at, None, None, Some(EventRecord::of(event))),
        Entry::Lost(at, events) => (at, None, Some(*events), None),
        Entry::Torn(at, torn) => (at, Some(torn.clone()), None, None),
    };
    let record = AuditRecord { n: after.n + 1, at: format!("{at:.3}"), previous: first.then_some(after.mac), torn, lost, event };
    let mut text = Vec::new();
    record.serialize(&mut Serializer::with_formatter(&mut text, Ascii))?;
    let mac = key.seal(&after.mac, &text);
    text.pop(); // the brace: the code is the last field
    text.extend_from_slice(format!(",\"mac\":\"{mac}\"}}\n").as_bytes());
    debug_assert!(text.len() <= AUDIT_LINE_BYTES_MAX, "a line has its bound by those of its fields");
    Ok((text, Head { n: record.n, mac }))
}

/// A line taken apart.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) record: AuditRecord,
    /// What the code covers beside the code before it.
    pub(crate) body: Vec<u8>,
    pub(crate) mac: Mac,
}

/// Takes a line apart, without its end of line. `None`: it is no record.
pub(crate) fn parts(line: &[u8]) -> Option<Parts> {
    const OPEN: &[u8] = b",\"mac\":\"";
    let rest = line.strip_suffix(b"\"}")?;
    let (rest, mac) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    let mut body = rest.strip_suffix(OPEN)?.to_vec();
    body.push(b'}');
    let mac = std::str::from_utf8(mac).ok()?.parse().ok()?;
    Some(Parts { record: serde_json::from_slice(&body).ok()?, body, mac })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muxboard_core::audit::CommandTrace;
    use muxboard_core::policy::Ability;
    use muxboard_core::snapshot::SessionId;

    fn key() -> Key {
        Key::of("k".repeat(32).as_bytes()).unwrap()
    }

    fn hostile() -> AuditEvent {
        AuditEvent {
            who: "a\"b\\c\u{1b}[2J\n\u{202e}\u{9b}\u{7f}é😀".into(),
            gate: "proxy",
            from: "x".repeat(AUDIT_FIELD_BYTES_MAX + 1),
            request: "r1".into(),
            operation: "create",
            abilities: vec![Ability::Create, Ability::Type],
            place: Some("web1/ops".parse().unwrap()),
            session: Some(SessionId { number: 3, created: 10, server_pid: 20, server_start: 30 }),
            command: Some(CommandTrace { bytes: 12, sha256: "ab".repeat(32) }),
            result: "done".into(),
            times: None,
        }
    }

    #[test]
    fn a_line_is_ascii_json_with_its_code_last() {
        let genesis = Head { n: 0, mac: key().genesis() };
        let at: Timestamp = "2026-11-21T12:00:00.5Z".parse().unwrap();
        let (text, head) = line(&key(), &genesis, true, &Entry::Event(at, Box::new(hostile()))).unwrap();
        assert!(text.ends_with(b"\n") && text.iter().filter(|b| !matches!(b, b' '..=b'~')).count() == 1);
        let text = String::from_utf8(text).unwrap();
        let start = r#"{"n":1,"at":"2026-11-21T12:00:00.500Z","previous":""#;
        assert!(text.starts_with(start), "{text}");
        let end = format!(
            r#""host":"web1","user":"ops","session":"3-10-20-30","command":{{"bytes":12,"sha256":"{}"}},"result":"done","mac":"{}"}}"#,
            "ab".repeat(32),
            head.mac
        );
        assert!(text.trim_end().ends_with(&end), "{text}");
        let read = parts(text.trim_end().as_bytes()).unwrap();
        let event = read.record.event.unwrap();
        assert_eq!((read.mac, read.record.n, event.who.as_str()), (head.mac, 1, hostile().who.as_str()));
        assert!(event.from.ends_with("x...") && event.from.len() == AUDIT_FIELD_BYTES_MAX + 3);
        assert_eq!(key().seal(&genesis.mac, &read.body), head.mac);
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&whole["abilities"][1], &whole["gate"]), (&"type".into(), &"proxy".into()));
    }

    #[test]
    fn the_longest_line_is_within_its_bound() {
        let worst = "\u{1}".repeat(AUDIT_FIELD_BYTES_MAX * 2);
        let event =
            AuditEvent { who: worst.clone(), from: worst.clone(), request: worst.clone(), result: worst, abilities: Ability::ALL.to_vec(), ..hostile() };
        let (text, _) = line(&key(), &Head { n: u64::MAX - 1, mac: key().genesis() }, true, &Entry::Event(Timestamp::UNIX_EPOCH, Box::new(event))).unwrap();
        assert!(text.len() <= AUDIT_LINE_BYTES_MAX, "{}", text.len());
    }

    #[test]
    fn what_is_no_record_is_none() {
        let (text, _) = line(&key(), &Head { n: 0, mac: key().genesis() }, false, &Entry::Lost(Timestamp::UNIX_EPOCH, 7)).unwrap();
        let text = String::from_utf8(text).unwrap();
        let line = text.trim_end();
        assert!(line.starts_with(r#"{"n":1,"at":"1970-01-01T00:00:00.000Z","lost":7,"mac":""#), "{line}");
        assert_eq!(parts(line.as_bytes()).unwrap().record.lost, Some(7));
        for bad in ["", "{}", "x", &line[1..], &line[..line.len() - 1], &text, &line.to_uppercase(), &line.replace("\"n\":1", "\"n\":-1"), &format!("{line} ")]
        {
            assert!(parts(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
