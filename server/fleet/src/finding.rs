//! What a check of a host finds, step by step.

use muxboard_core::fault::Fault;
use muxboard_core::inventory::{Host, User};
use muxboard_core::name::{HostKey, UnixUser};

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works, and is worth knowing.
    Note,
    /// Does not work.
    Bad,
}

/// What was found at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// On which host.
    pub host: HostKey,
    /// Of which user, if it is about one.
    pub user: Option<UnixUser>,
    /// The step, in a word or two.
    pub step: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// In plain words.
    pub words: String,
    /// The line that mends it.
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
