//! One call of tmux: its words, the words it prints on success and on a mismatch, and the comparison of a session's whole identity inside tmux before it
//! acts on that session.

use crate::snapshot::SessionId;

/// The word that a verb prints when it did its work.
pub const DONE: &str = "MUXBOARD-DONE";
/// The word that a verb prints when the session it was meant for does not exist any more.
pub const MISMATCH: &str = "MUXBOARD-MISMATCH";
/// One call of tmux: the words after `tmux`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call(pub(super) Vec<String>);

impl Call {
    pub(crate) fn new<I: IntoIterator<Item = S>, S: Into<String>>(words: I) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }

    /// The call with no configuration file, should it start a server.
    #[must_use]
    pub fn without_configuration(mut self) -> Self {
        self.0.splice(..0, ["-f", "/dev/null"].map(String::from));
        self
    }

    /// The whole command: `tmux -u`, the words that name the socket, the call. `-u` because tmux writes `_` for every non-ASCII character in a C locale.
    pub fn words(&self, socket: &[&str]) -> Vec<String> {
        let mut words = vec!["tmux".to_owned(), "-u".to_owned()];
        words.extend(socket.iter().map(|w| (*w).to_owned()));
        words.extend(self.0.iter().cloned());
        words
    }
}

/// The identity of a session that exists, as a tmux format.
const IDENTITY: &str = "#{pid}/#{start_time}/#{session_id}/#{session_created}";

/// The words that run `then` if the session is still the one meant, and print `otherwise` if not.
///
/// Nothing of the session is expanded before its id was found: tmux 3.2a crashes, with every session of the account, when it expands
/// `session_created` for a target that is gone. Conditionals are lazy in every tmux.
pub(super) fn compare_and(id: SessionId, then: &str, otherwise: &str) -> Vec<String> {
    vec!["if-shell".into(), "-F".into(), "-t".into(), format!("${}:", id.number), is_still(id), then.into(), format!("display-message -p {otherwise}")]
}

/// A line of tmux commands, for `source-file`, that runs `then` if the session is still the one meant, and prints `otherwise` if not.
pub(super) fn compare_line(id: SessionId, then: &str, otherwise: &str) -> String {
    format!("if-shell -F -t '${}:' {} {{ {then} }} {{ display-message -p {otherwise} }}", id.number, quote(&is_still(id)))
}

/// The format that is true for the session that is meant.
fn is_still(SessionId { server_pid, server_start, number, created }: SessionId) -> String {
    format!("#{{==:#{{?#{{==:#{{session_id}},${number}}},{IDENTITY},}},{server_pid}/{server_start}/${number}/{created}}}")
}

/// One word quoted for tmux's own command parser, within a command string: single quotes keep everything but the single quote.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
