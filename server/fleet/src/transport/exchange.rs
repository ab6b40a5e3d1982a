//! One exchange with a host: why a script is run there, and what came back.

/// A host's answer to a script.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The script's exit code.
    pub(crate) exit: i32,
    /// The script's standard output.
    pub(crate) output: Vec<u8>,
    /// The fresh mark that the script found as `$M`.
    pub(crate) mark: String,
}

/// Why a script is run, which decides what it may cost when the host is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A sweep of our own: a host that failed lately is left alone, and a sweep that was cut off is tried again.
    Look,
    /// A look that a person asked for now.
    Refresh,
    /// A change: tried at once, and never twice.
    Act,
}
