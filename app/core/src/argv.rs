//! From a host, a user and a tmux call to the words of a process on this machine.

use crate::inventory::{Host, User};
use crate::shell::Script;
use crate::tmux::Call;

/// The words of a process: the program and its arguments. No shell reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv {
    program: String,
    arguments: Vec<String>,
}

impl Argv {
    fn new(mut words: Vec<String>) -> Self {
        let arguments = words.split_off(1.min(words.len()));
        Self { program: words.pop().unwrap_or_default(), arguments }
    }

    /// The program, looked up in `PATH`.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// tmux as a user of a host: directly, or by exactly what the documented sudoers line grants.
pub fn tmux_words(host: &Host, user: &User, call: &Call) -> Vec<String> {
    let mut words = Vec::new();
    if user.through_sudo {
        words.extend(["sudo", "-n", "-H", "-u", user.name.as_str(), "--"].map(String::from));
    }
    words.extend(call.words(&host.socket));
    words
}

/// tmux as a user of this machine.
pub fn local(host: &Host, user: &User, call: &Call) -> Argv {
    Argv::new(tmux_words(host, user, call))
}

/// A script on this machine.
pub fn local_script(script: &Script) -> Argv {
    Argv::new(vec!["sh".into(), "-c".into(), script.as_str().into()])
}
