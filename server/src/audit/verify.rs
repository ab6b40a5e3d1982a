//! Whether an audit file is what was written: every line in its place, sealed by the key. It reads lines and knows no files; whatever is wrong is
//! a finding that names the line.
//!
//! Each line is checked against the code that the line before it says it has, so one edit is one finding and not the end of everything. What it
//! cannot know without a head from elsewhere is whether lines were cut from the end.

use super::key::{Head, Key, Mac};
use super::record::{self, Parts, Torn};
use muxboard_core::limits::{AUDIT_FINDINGS_MAX, AUDIT_LINE_BYTES_MAX};
use std::io::{self, BufRead, Read};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChainFinding {
    /// `FILE:LINE`, or nothing if it is about the whole.
    pub(crate) line: Option<String>,
    pub(crate) says: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct ChainReport {
    /// The number of the first record.
    pub(crate) first: Option<u64>,
    /// The head as it is in the files.
    pub(crate) last: Option<Head>,
    pub(crate) records: u64,
    pub(crate) files: u64,
    /// Events that could not be written, as the records say themselves.
    pub(crate) lost: u64,
    /// Half lines that a crash left, as the records say themselves.
    pub(crate) torn: u64,
    pub(crate) findings: Vec<ChainFinding>,
    /// There are more findings than are kept.
    pub(crate) more: bool,
}

/// Reads the lines of one audit, file by file, from the oldest.
pub(crate) struct Verifier<'a> {
    key: &'a Key,
    /// The heads that must be in it, and whether they were come by.
    heads: Vec<(Head, bool)>,
    name: String,
    line: u64,
    /// Bytes after the last whole line that no record has accounted for, and where they begin.
    torn: Vec<u8>,
    torn_at: Option<String>,
    verdict: ChainReport,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(key: &'a Key, heads: &[Head]) -> Self {
        let heads = heads.iter().map(|head| (*head, false)).collect();
        Self { key, heads, name: String::new(), line: 0, torn: Vec::new(), torn_at: None, verdict: ChainReport::default() }
    }

    /// Reads a file to its end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn file(&mut self, name: &str, mut file: impl BufRead) -> io::Result<()> {
        (self.name, self.line) = (name.to_owned(), 0);
        self.verdict.files += 1;
        let mut line = Vec::new();
        loop {
            line.clear();
            file.by_ref().take(AUDIT_LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                // A line that is being written right now is whole at the second look.
                let room = (AUDIT_LINE_BYTES_MAX as u64 + 1).saturating_sub(line.len() as u64);
                file.by_ref().take(room).read_until(b'\n', &mut line)?;
            }
            self.line += 1;
            match line.strip_suffix(b"\n") {
                Some(line) => self.whole(line),
                None if line.is_empty() => return Ok(()),
                None if line.len() > AUDIT_LINE_BYTES_MAX => {
                    self.find("is longer than any record");
                    file.skip_until(b'\n')?;
                }
                None => {
                    self.torn.extend_from_slice(&line);
                    self.torn_at = Some(self.here());
                    return Ok(());
                }
            }
        }
    }

    fn here(&self) -> String {
        format!("{}:{}", self.name, self.line)
    }

    fn find(&mut self, says: impl Into<String>) {
        self.add(ChainFinding { line: Some(self.here()), says: says.into() });
    }

    fn add(&mut self, finding: ChainFinding) {
        if self.verdict.findings.len() < AUDIT_FINDINGS_MAX {
            self.verdict.findings.push(finding);
        } else {
            self.verdict.more = true;
        }
    }

    fn whole(&mut self, line: &[u8]) {
        let Some(parts) = record::parts(line) else {
            return self.find("is no record of an audit: it was put in, or changed");
        };
        let n = parts.record.n;
        self.sealed(&parts);
        self.accounted(&parts);
        self.verdict.first.get_or_insert(n);
        self.verdict.last = Some(Head { n, mac: parts.mac });
        self.verdict.records += 1;
        self.verdict.lost += parts.record.lost.unwrap_or_default();
        self.head(n, parts.mac);
    }

    /// Whether the line is sealed after the one before it, and if not, what that looks like.
    fn sealed(&mut self, parts: &Parts) {
        let n = parts.record.n;
        let Some(from) = self.verdict.last.or_else(|| self.beginning(parts)) else {
            return self.find(format!("is record {n}, and the lines before it in this file are gone"));
        };
        if self.line == 1 && parts.record.previous.is_none() {
            return self.find(format!("is record {n}, and the lines before it in this file are gone"));
        }
        let good = self.key.seal(&from.mac, &parts.body) == parts.mac;
        let next = from.n.checked_add(1) == Some(n);
        if good && next {
            return;
        }
        let own = parts.record.previous.is_some_and(|previous| self.key.seal(&previous, &parts.body) == parts.mac);
        self.find(match n.checked_sub(from.n) {
            Some(1) if own => format!("is record {n}, but does not continue from record {} above it: that one is not what was written", from.n),
            Some(1) if self.verdict.records == 0 => format!("is record {n}, and it was changed, or the key is another"),
            Some(1) => format!("is record {n}, and it was changed, or record {} above it was", from.n),
            Some(2) => format!("is record {n}: record {} is missing before it", n - 1),
            Some(gap) if gap > 2 => format!("is record {n}: records {} to {} are missing before it", from.n + 1, n - 1),
            _ => format!("is record {n}, and it comes after record {}: it was moved, or put in a second time", from.n),
        });
    }

    /// From where the first line of all continues: it says so itself, as far as the files before it are not here.
    fn beginning(&mut self, parts: &Parts) -> Option<Head> {
        let before = Head { n: parts.record.n.checked_sub(1)?, mac: parts.record.previous? };
        if before.n == 0 && before.mac != self.key.genesis() {
            self.find("is record 1, but not the beginning of a chain of this key");
        }
        self.head(before.n, before.mac);
        Some(before)
    }

    /// Whether what a crash left after the line before is what this one says.
    fn accounted(&mut self, parts: &Parts) {
        let torn = std::mem::take(&mut self.torn);
        let first = self.verdict.records == 0;
        self.verdict.torn += u64::from(parts.record.torn.is_some());
        match &parts.record.torn {
            None if torn.is_empty() => {}
            None => self.find("says nothing of the half line before it, which was not left by a crash"),
            Some(_) if first && torn.is_empty() => {}
            Some(said) if *said == Torn::of(&torn) => {}
            Some(said) => self.find(format!("says that a crash left {} bytes before it; there are {}, or others", said.bytes, torn.len())),
        }
    }

    /// Compares the heads that must be here with the record of their number.
    fn head(&mut self, n: u64, mac: Mac) {
        let mut wrong = Vec::new();
        for (head, met) in self.heads.iter_mut().filter(|(head, met)| head.n == n && !met) {
            *met = true;
            if head.mac != mac {
                wrong.push(*head);
            }
        }
        for head in wrong {
            self.find(format!("is not what the head {head} says of record {n}: it was written anew, or this is another log"));
        }
    }

    /// What was found in all.
    pub(crate) fn end(mut self) -> ChainReport {
        if !self.torn.is_empty() {
            let says = "is not whole: a crash left it so, or its end was cut. muxboard puts such a file aside when it starts, and says so in the next";
            let line = self.torn_at.take();
            self.add(ChainFinding { line, says: says.into() });
        }
        let first = self.verdict.first.unwrap_or(u64::MAX);
        for (head, _) in std::mem::take(&mut self.heads).into_iter().filter(|(_, met)| !met) {
            let says = if head.n < first && self.verdict.records > 0 {
                format!("the head {head} is older than what is here, which begins at record {first}: the file it is in was removed")
            } else {
                format!("the head {head} is not in it: the tail was cut or it is another log")
            };
            self.add(ChainFinding { line: None, says });
        }
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::Entry;
    use jiff::Timestamp;
    use muxboard_core::audit::AuditEvent;

    fn key() -> Key {
        Key::of("k".repeat(32).as_bytes()).unwrap()
    }

    /// So many lines of a chain after this head, the first of them the first of a file.
    fn lines(after: Head, number: usize) -> Vec<String> {
        lines_that_end(after, number, "done")
    }

    fn lines_that_end(after: Head, number: usize, result: &str) -> Vec<String> {
        let mut head = after;
        let one = |i| {
            let event = AuditEvent { who: format!("ops{i}"), operation: "kill", result: result.into(), ..AuditEvent::default() };
            let (line, next) = record::line(&key(), &head, i == 0, &Entry::Event(Timestamp::UNIX_EPOCH, Box::new(event))).unwrap();
            head = next;
            String::from_utf8(line).unwrap()
        };
        (0..number).map(one).collect()
    }

    fn genesis() -> Head {
        Head { n: 0, mac: key().genesis() }
    }

    fn head_of(line: &str) -> Head {
        let parts = record::parts(line.trim_end().as_bytes()).unwrap();
        Head { n: parts.record.n, mac: parts.mac }
    }

    fn verdict(files: &[String], heads: &[Head]) -> ChainReport {
        let key = key();
        let mut verifier = Verifier::new(&key, heads);
        for (i, file) in files.iter().enumerate() {
            verifier.file(&format!("file{i}"), file.as_bytes()).unwrap();
        }
        verifier.end()
    }

    /// The findings in these files, a line each.
    fn found(files: &[String], heads: &[Head]) -> Vec<String> {
        verdict(files, heads).findings.into_iter().map(|f| format!("{} {}", f.line.unwrap_or_default(), f.says)).collect()
    }

    fn check(lines: &[String], want: &[&str]) {
        let found = found(&[lines.concat()], &[]);
        assert_eq!(found.len(), want.len(), "{found:#?}");
        for (found, want) in found.iter().zip(want) {
            assert!(found.starts_with(want), "{found:?} is not {want:?}");
        }
    }

    #[test]
    fn what_was_written_is_good() {
        let all = lines(genesis(), 6);
        let seen = verdict(&[all.concat()], &[genesis(), head_of(&all[2]), head_of(&all[5])]);
        assert_eq!((seen.first, seen.last, seen.records, seen.findings), (Some(1), Some(head_of(&all[5])), 6, vec![]));
        assert_eq!(verdict(&[String::new()], &[]).records, 0);
    }

    #[test]
    fn every_changed_byte_is_found_and_names_its_line() {
        let all = lines(genesis(), 3);
        let (start, text) = (all[0].len(), all.concat());
        for at in start..start + all[1].len() {
            for flip in [1, 2, 32] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= flip;
                let key = key();
                let mut verifier = Verifier::new(&key, &[]);
                verifier.file("file", &bytes[..]).unwrap();
                let findings = verifier.end().findings;
                // A line whose end was changed takes the next one with it.
                assert!(findings.iter().any(|f| matches!(f.line.as_deref(), Some("file:2" | "file:3"))), "{at} {flip}: {findings:?}");
            }
        }
    }

    #[test]
    fn one_edit_is_one_finding() {
        let mut all = lines(genesis(), 5);
        all[2] = all[2].replace("ops2", "ops9");
        check(&all, &["file0:3 is record 3, and it was changed, or record 2"]);
        let mut all = lines(genesis(), 5);
        all[0] = all[0].replace("ops0", "ops9");
        check(&all, &["file0:1 is record 1, and it was changed, or the key is another"]);
    }

    #[test]
    fn removed_lines_are_counted() {
        let all = lines(genesis(), 6);
        check(&[&all[..2], &all[3..]].concat(), &["file0:3 is record 4: record 3 is missing"]);
        check(&[&all[..1], &all[4..]].concat(), &["file0:2 is record 5: records 2 to 4 are missing"]);
        check(&all[1..], &["file0:1 is record 2, and the lines before it in this file are gone"]);
        assert_eq!(found(&[all[..2].concat(), all[3..].concat()], &[])[0], "file1:1 is record 4, and the lines before it in this file are gone");
    }

    #[test]
    fn swapped_doubled_and_foreign_lines_are_found() {
        let all = lines(genesis(), 5);
        let mut swapped = all.clone();
        swapped.swap(1, 2);
        check(
            &swapped,
            &[
                "file0:2 is record 3: record 2 is missing",
                "file0:3 is record 2, and it comes after record 3: it was moved",
                "file0:4 is record 4: record 3 is missing",
            ],
        );
        let mut doubled = all.clone();
        doubled.insert(2, all[1].clone());
        check(&doubled, &["file0:3 is record 2, and it comes after record 2"]);
        let mut renumbered = all.clone();
        renumbered.insert(2, all[1].replace("\"n\":2", "\"n\":3"));
        check(&renumbered, &["file0:3 is record 3, and it was changed", "file0:4 is record 3, and it comes after record 3"]);
        for foreign in ["\n", "{}\n", "hello\n", &format!(" {}", all[1]), &"x".repeat(AUDIT_LINE_BYTES_MAX * 2 + 5), "\u{0}\n"] {
            let mut with = all.clone();
            with.insert(2, format!("{}\n", foreign.trim_end_matches('\n')));
            let found = found(&[with.concat()], &[]);
            assert!(found.len() == 1 && found[0].starts_with("file0:3 is "), "{found:?}");
        }
    }

    #[test]
    fn a_cut_tail_is_found_by_a_head_alone() {
        let all = lines(genesis(), 6);
        let head = head_of(&all[5]);
        let cut = [all[..4].concat()];
        assert_eq!(found(&cut, &[]), Vec::<String>::new());
        assert_eq!(found(&cut, &[head]), [format!(" the head {head} is not in it: the tail was cut or it is another log")]);
        assert_eq!(found(&[String::new()], &[head]).len(), 1);
        // Written anew by somebody who has the key: all is sealed, and the head tells.
        let anew = lines_that_end(genesis(), 7, "denied").concat();
        assert!(found(&[anew], &[head]).iter().any(|f| f.contains("it was written anew")));
    }

    #[test]
    fn files_are_good_alone_and_in_order() {
        let first = lines(genesis(), 3);
        let second = lines(head_of(&first[2]), 3);
        let third = lines(head_of(&second[2]), 3);
        let files = [first.concat(), second.concat(), third.concat()];
        assert_eq!((verdict(&files, &[]).records, found(&files, &[])), (9, vec![]));
        for (i, file) in files.iter().enumerate() {
            let alone = verdict(std::slice::from_ref(file), &[]);
            assert_eq!((alone.first, alone.findings), (Some(i as u64 * 3 + 1), vec![]));
        }
        let gap = [files[0].clone(), files[2].clone()];
        assert_eq!(found(&gap, &[]), ["file1:1 is record 7: records 4 to 6 are missing before it"]);
        let other = lines(Head { n: 3, mac: genesis().mac }, 2);
        assert!(found(&[first.concat(), other.concat()], &[])[0].contains("does not continue from record 3 above it"));
        // A head of before what is here is confirmed by what the first line continues from, and an older one is not.
        assert_eq!(found(&files[1..], &[head_of(&first[2])]), Vec::<String>::new());
        assert!(found(&files[1..], &[head_of(&first[1])])[0].contains("is older than what is here, which begins at record 4"));
        let forged = lines(Head { n: 0, mac: head_of(&first[1]).mac }, 1);
        assert!(found(&forged, &[])[0].contains("not the beginning of a chain of this key"));
    }

    #[test]
    fn what_a_crash_left_is_good_only_if_the_next_line_says_it() {
        let before = lines(genesis(), 2);
        let half = "{\"n\":3,\"at\"";
        let (torn, head) = record::line(&key(), &head_of(&before[1]), true, &Entry::Torn(Timestamp::UNIX_EPOCH, Torn::of(half.as_bytes()))).unwrap();
        let torn = String::from_utf8(torn).unwrap();
        let seen = verdict(&[before.concat() + half, torn.clone()], &[head]);
        assert_eq!((seen.torn, seen.records, seen.findings), (1, 3, vec![]));
        assert_eq!(found(&[before.concat() + half, String::new(), torn.clone()], &[]), Vec::<String>::new());
        for (first, second, want) in [
            (before.concat() + half, String::new(), "file0:3 is not whole"),
            (before.concat() + half, lines(head_of(&before[1]), 1).concat(), "file1:1 says nothing of the half line"),
            (before.concat() + "{\"n\":3,\"bt\"", torn.clone(), "file1:1 says that a crash left 11 bytes"),
            (before.concat(), torn.clone(), "file1:1 says that a crash left 11 bytes before it; there are 0"),
            (before.concat().trim_end().to_owned(), String::new(), "file0:2 is not whole"),
        ] {
            let found = found(&[first, second], &[]);
            assert!(found.len() == 1 && found[0].starts_with(want), "{found:?} is not {want:?}");
        }
        assert_eq!(found(&[torn], &[]), Vec::<String>::new());
    }

    #[test]
    fn another_key_finds_everything_and_stops_naming_it() {
        let other = Key::of("x".repeat(32).as_bytes()).unwrap();
        let mut verifier = Verifier::new(&other, &[]);
        verifier.file("file", lines(genesis(), 50).concat().as_bytes()).unwrap();
        let seen = verifier.end();
        assert_eq!((seen.findings.len(), seen.more), (AUDIT_FINDINGS_MAX, true));
        assert!(seen.findings[0].says.contains("not the beginning of a chain of this key"), "{:?}", seen.findings[0]);
    }
}
