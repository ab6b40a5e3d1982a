//! One exchange with a host: why a script is run there, and what came back.

/// A host's answer to a script.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The exit code.
    pub(crate) exit: i32,
    /// Everything it said.
    pub(crate) output: Vec<u8>,
    /// The fresh mark that the script found as `$M`.
    pub(crate) mark: String,
}

/// Why a script is run: what it may cost when the host is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To look, by ourselves: a host that failed lately is left alone, and a look that was cut off is taken again.
    Look,
    /// To look, because a person asked for it now.
    Refresh,
    /// To change something: tried at once, and never twice.
    Act,
}
