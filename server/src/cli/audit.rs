//! `muxboard audit verify` and `muxboard audit tail`: for the person who reads an audit file.

use super::audit_table as table;
use crate::audit::key::{Head, Key, KeyUse};
use crate::audit::mark::{self, ChainMark};
use crate::audit::opening::all_to_read;
use crate::audit::verify::{ChainFinding, ChainReport, Verifier};
use crate::config::Config;
use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use muxboard_core::limits::{AUDIT_LINE_BYTES_MAX, AUDIT_TAIL_LINES, AUDIT_TAIL_LINES_MAX};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Read an audit file
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that every line of an audit file, and of the older files beside it, is in its place and as it was written
    Verify {
        #[command(flatten)]
        which: AuditFileArgs,
        /// The file that holds the key
        #[arg(long, value_name = "KEY", required_unless_present = "config")]
        key_file: Option<PathBuf>,
        /// A head that must be in it, as the system log has it ("audit head"): without one, lines cut from the end cannot be known
        #[arg(long, value_name = "N:MAC")]
        head: Vec<Head>,
    },
    /// Print the last records as a table
    Tail {
        #[command(flatten)]
        which: AuditFileArgs,
        /// How many
        #[arg(short = 'n', value_name = "N", default_value_t = AUDIT_TAIL_LINES)]
        lines: usize,
    },
}

/// The audit file that a command reads: named itself, or by a configuration.
#[derive(Args)]
pub(crate) struct AuditFileArgs {
    /// The audit file
    #[arg(value_name = "FILE", required_unless_present = "config")]
    file: Option<PathBuf>,
    /// The configuration that names it
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
}

impl AuditCommand {
    /// Does what was asked. `read` reads a configuration.
    ///
    /// # Errors
    /// When there is nothing to read; in words for the person at the terminal.
    pub(crate) fn run(self, read: impl Fn(&Path) -> anyhow::Result<Config>) -> anyhow::Result<ExitCode> {
        let (Self::Verify { which, .. } | Self::Tail { which, .. }) = &self;
        let settings = match &which.config {
            Some(path) => Some(read(path)?.audit.ok_or_else(|| anyhow!("{} has no [audit]: there is no audit file", path.display()))?),
            None => None,
        };
        let named = which.file.clone().or_else(|| settings.as_ref().map(|settings| settings.file.clone()));
        let named = named.context("which audit file? Name it, or the configuration with -c")?;
        // A link may be named here; what is written is not reached by one.
        let file = named.canonicalize().unwrap_or(named);
        match self {
            Self::Tail { lines, .. } => tail(&file, lines),
            Self::Verify { key_file, head, .. } => {
                let key_file = key_file.or_else(|| settings.map(|settings| settings.key_file)).context("which key? Name its file with --key-file")?;
                verify(&file, &Key::read(&key_file, KeyUse::Verify)?, &head)
            }
        }
    }
}

fn open(file: &Path) -> anyhow::Result<Vec<(PathBuf, File)>> {
    let files = all_to_read(file)?;
    if files.is_empty() {
        bail!("there is no audit file {}", file.display());
    }
    Ok(files)
}

fn verify(file: &Path, key: &Key, heads: &[Head]) -> anyhow::Result<ExitCode> {
    // The mark's head from before the files are opened, its oldest record from after it: they may be written meanwhile.
    let before = ChainMark::read(file, key);
    let known: Vec<Head> = heads.iter().copied().chain(before.as_ref().ok().and_then(Option::as_ref).map(ChainMark::head)).collect();
    let files = if matches!(before, Ok(None)) { open(file)? } else { all_to_read(file)? };
    let mark = ChainMark::read(file, key);
    let mut verifier = Verifier::new(key, &known);
    for (path, file) in files.into_iter().rev() {
        let shown = path.display().to_string();
        verifier.file(&shown, BufReader::new(file)).with_context(|| format!("{shown} cannot be read"))?;
    }
    let mut verdict = verifier.end();
    if let Some(says) = missing(&mark, &verdict) {
        verdict.findings.push(ChainFinding { line: Some(mark::path(file).display().to_string()), says });
    }
    std::io::stdout().write_all(report(&file.display().to_string(), &verdict, mark.ok().flatten().as_ref(), heads).as_bytes())?;
    Ok(if verdict.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the mark of the chain says is missing at the chain's beginning; or why the mark says nothing.
fn missing(mark: &std::io::Result<Option<ChainMark>>, verdict: &ChainReport) -> Option<String> {
    let first = verdict.first.unwrap_or(u64::MAX);
    match mark {
        Err(error) => Some(format!("cannot be used: {error}")),
        Ok(None) => Some("is not there: it was removed, or these files are a copy without it, or of a muxboard that made none".to_owned()),
        Ok(Some(mark)) if first > mark.oldest && mark.head().n >= mark.oldest => {
            let until = first.min(mark.head().n + 1) - 1;
            Some(format!("says that record {0} is the oldest that is kept: records {0} to {until} were removed", mark.oldest))
        }
        Ok(Some(_)) => None,
    }
}

fn report(file: &str, verdict: &ChainReport, mark: Option<&ChainMark>, heads: &[Head]) -> String {
    let mut out = String::new();
    for finding in &verdict.findings {
        out += &finding.line.as_ref().map_or_else(|| format!("BAD  {}\n", finding.says), |line| format!("BAD  {line} {}\n", finding.says));
    }
    if verdict.more {
        out += "BAD  ... and more\n";
    }
    let range = match (verdict.first, verdict.last) {
        (Some(first), Some(last)) => format!("{}, {first} to {}, in {}", many(verdict.records, "record"), last.n, many(verdict.files, "file")),
        _ => "no record".to_owned(),
    };
    out += &format!(
        "{file}: {range}. {}\n",
        if verdict.findings.is_empty() { "Each is in its place and as it was written." } else { "It is not what was written." }
    );
    if let Some(mark) = mark.filter(|mark| mark.oldest > 1) {
        out += &format!("Records 1 to {} were rotated away: muxboard removed their files, because there were more than it keeps.\n", mark.oldest - 1);
    }
    if let Some(mark) = mark.filter(|mark| mark.since > 0) {
        out += &format!("What was before record {} is not known for certain: {file}.chain was made anew then.\n", mark.since + 1);
    }
    if verdict.lost > 0 {
        out += &format!("{} could not be written at the time, as the records say.\n", many(verdict.lost, "event"));
    }
    if verdict.torn > 0 {
        out += &format!("{} left half of a line, as the records say.\n", many(verdict.torn, "crash"));
    }
    if let Some(last) = verdict.last {
        out += &format!("Head: {last}\n");
    }
    if heads.is_empty() {
        out += "Whether all of it was put back to an earlier state, FILE.chain too, cannot be known from the files alone. The system log has the heads (\"audit \
            head\", muxboard writes one at its start, every 256 records and at its end): give the last of them with --head N:MAC.\n";
    }
    out
}

fn many(number: u64, what: &str) -> String {
    let plural = if what.ends_with("sh") { "es" } else { "s" };
    format!("{number} {what}{}", if number == 1 { "" } else { plural })
}

fn tail(file: &Path, lines: usize) -> anyhow::Result<ExitCode> {
    if !(1..=AUDIT_TAIL_LINES_MAX).contains(&lines) {
        bail!("-n must be between 1 and {AUDIT_TAIL_LINES_MAX}");
    }
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    for (path, file) in open(file)? {
        let wanted = lines - last.len();
        if wanted == 0 {
            break;
        }
        let older = last_lines(BufReader::new(file), wanted).with_context(|| format!("{} cannot be read", path.display()))?;
        older.into_iter().rev().for_each(|line| last.push_front(line));
    }
    std::io::stdout().write_all(table::of(&Vec::from(last)).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn last_lines(mut file: impl BufRead, wanted: usize) -> std::io::Result<VecDeque<Vec<u8>>> {
    let mut last = VecDeque::new();
    loop {
        let mut line = Vec::new();
        if file.by_ref().take(AUDIT_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(last);
        }
        if line.ends_with(b"\n") {
            line.pop();
        }
        if last.len() == wanted {
            last.pop_front();
        }
        last.push_back(line);
    }
}
