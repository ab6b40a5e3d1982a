//! The last records of an audit file as a table for a person. Whatever a name holds shows as text: what would move the cursor, reorder or hide is
//! written out.

use crate::audit::record::{self, AuditRecord};
use muxboard_core::limits::AUDIT_TAIL_COLUMN_CHARS_MAX;

const HEADER: [&str; 8] = ["WHEN", "WHO", "FROM", "WHAT", "WHERE", "SESSION", "RESULT", "COMMAND"];

/// The table of these lines.
pub(super) fn of(lines: &[Vec<u8>]) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(HEADER.map(str::to_owned).to_vec()).chain(lines.iter().map(|line| row(line))).collect();
    let width = |column: usize| rows.iter().filter(|row| row.len() > 1).filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out += line.join("  ").trim_end();
        out.push('\n');
    }
    out
}

fn row(line: &[u8]) -> Vec<String> {
    let Some(parts) = record::parts(line) else {
        return vec![format!("no record: {}", shown(&String::from_utf8_lossy(line)))];
    };
    let AuditRecord { at, event, lost, torn, .. } = parts.record;
    let Some(event) = event else {
        let says = match (lost, torn) {
            (Some(events), _) => format!("{events} events could not be written"),
            (_, Some(torn)) => format!("a crash left {} bytes of a line in the file before", torn.bytes),
            _ => "a record of another version".to_owned(),
        };
        return vec![format!("{}  {says}", shown(&at))];
    };
    let place = event.host.map(|host| format!("{host}/{}", event.user.unwrap_or_default()));
    let command = event.command.map(|command| format!("{} bytes, sha256 {}", command.bytes, command.sha256.get(..12).unwrap_or_default()));
    let result = event.times.map_or_else(|| event.result.clone(), |times| format!("{} (x{times})", event.result));
    let cells = [Some(at), Some(event.who), Some(event.from), Some(event.operation), place, event.session, Some(result), command];
    cells.iter().map(|cell| cell.as_deref().filter(|text| !text.is_empty()).map_or_else(|| "-".to_owned(), shown)).collect()
}

/// The text with everything written out that does not show as itself, and not too long.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == AUDIT_TAIL_COLUMN_CHARS_MAX {
            out += "...";
            break;
        }
        match c {
            '"' | '\'' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::key::{Head, Key};
    use crate::audit::record::{Entry, Torn};
    use jiff::Timestamp;
    use muxboard_core::audit::AuditEvent;

    #[test]
    fn hostile_names_show_as_text() {
        let key = Key::of("k".repeat(32).as_bytes()).unwrap();
        let mut head = Head { n: 0, mac: key.genesis() };
        let hostile = AuditEvent { who: "ops\n\u{1b}[2J\u{9b}\u{202e}'\\".into(), operation: "kill", result: "x".repeat(500), ..AuditEvent::default() };
        let at = Timestamp::UNIX_EPOCH;
        let torn = Torn::of(b"half");
        let mut lines: Vec<Vec<u8>> = vec![b"\x1b[31mnot a record".to_vec()];
        for entry in [Entry::Event(at, Box::new(hostile)), Entry::Lost(at, 7), Entry::Torn(at, torn)] {
            let (mut line, after) = record::line(&key, &head, false, &entry).unwrap();
            line.pop();
            head = after;
            lines.push(line);
        }
        let table = of(&lines);
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!((rows.len(), table.chars().filter(|c| c.is_control() && *c != '\n').count()), (5, 0), "{table}");
        assert!(rows[0].starts_with("WHEN") && rows[1] == "no record: \\u{1b}[31mnot a record", "{table}");
        assert!(rows[2].contains(r"ops\n\u{1b}[2J\u{9b}\u{202e}'\\") && rows[2].contains("xxx...") && !rows[2].contains(&"x".repeat(100)), "{table}");
        assert!(rows[3].ends_with("  7 events could not be written") && rows[4].contains("4 bytes of a line"), "{table}");
    }
}
