//! What a check of a host finds, step by step.

use muxboard_core::fault::Fault;
use muxboard_core::inventory::{Host, User};
use muxboard_core::name::{HostKey, UnixUser};

/// The result of one step of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The step is as it should be.
    Good,
    /// The step works, and something about it is worth knowing.
    Note,
    /// The step fails.
    Bad,
}

/// The finding of one step of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The host that was checked.
    pub host: HostKey,
    /// The user that was checked; `None` for a step about the host.
    pub user: Option<UnixUser>,
    /// The step, in a word or two.
    pub step: &'static str,
    /// The step's result.
    pub verdict: Verdict,
    /// The finding in plain words.
    pub words: String,
    /// The command that mends it, if there is one.
    pub line: Option<String>,
}

/// The findings on one host so far.
pub(crate) struct Findings<'a> {
    pub(crate) host: &'a Host,
    pub(crate) findings: Vec<Finding>,
}

impl Findings<'_> {
    pub(crate) fn add(&mut self, user: Option<&User>, step: &'static str, verdict: Verdict, words: impl Into<String>, line: Option<String>) {
        let words = words.into();
        self.findings.push(Finding { host: self.host.key.clone(), user: user.map(|u| u.name.clone()), step, verdict, words, line });
    }

    pub(crate) fn good(&mut self, user: Option<&User>, step: &'static str, words: impl Into<String>) {
        self.add(user, step, Verdict::Good, words, None);
    }

    pub(crate) fn fault(&mut self, user: Option<&User>, step: &'static str, fault: Fault) {
        self.add(user, step, Verdict::Bad, format!("{} {}", fault.title, fault.words), fault.line);
    }
}
