//! What can be wrong with a host or a user: a kind, the cause in plain words, and the line that mends it where there is one. Said here once, for
//! the page, the API, the command line and the doctor.

mod account;
mod server;

use crate::inventory::{Host, Ssh};
use crate::limits::FOREIGN_LINE_CHARS_MAX;
use crate::shell::Script;
use serde::{Deserialize, Serialize};

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Nobody answers at the host's address, or the connection broke.
    Unreachable,
    /// The host took too long.
    TimedOut,
    /// sshd knows us not.
    AuthenticationFailed,
    /// The host shows another key than the one we know.
    HostKeyChanged,
    /// We know no key of the host, and may not accept one unseen.
    HostKeyUnknown,
    /// The host shows a key that is marked as revoked.
    HostKeyRevoked,
    /// sshd lets us in and runs nothing for us.
    NoShell,
    /// sshd allows too few sessions on one connection.
    TooFewSessions,
    /// sudo does not let us run tmux as that user.
    SudoRefused,
    /// sudo is not installed.
    SudoMissing,
    /// There is no such account.
    NoAccount,
    /// tmux is not installed.
    TmuxMissing,
    /// tmux is older than we can use.
    TmuxTooOld,
    /// tmux answers in a form that cannot be read.
    TmuxNotUnderstood,
    /// The socket is there and may not be used.
    SocketUnreadable,
    /// The file that publishes the socket's path does not.
    SocketFile,
    /// The tmux server did not answer in time (it may be stopped).
    NotAnswering,
    /// The tmux server runs, and its socket is missing: nobody can reach it.
    SocketMissing,
    /// The tmux server runs its configuration and has made no session yet.
    LoadingConfiguration,
    /// Anything else, in the words of the tool that failed.
    Other,
    /// The account that we log in as is expired or locked there.
    AccountExpired,
    /// The account that we log in as must change its password first.
    PasswordExpired,
}

pub use FaultKind as Kind;

impl FaultKind {
    /// A few words for a label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "no answer in time",
            Self::AuthenticationFailed => "authentication failed",
            Self::HostKeyChanged => "HOST KEY CHANGED",
            Self::HostKeyUnknown => "host key unknown",
            Self::HostKeyRevoked => "HOST KEY REVOKED",
            Self::NoShell => "no shell",
            Self::TooFewSessions => "too few ssh sessions",
            Self::SudoRefused => "sudo refused",
            Self::SudoMissing => "sudo missing",
            Self::NoAccount => "no such account",
            Self::TmuxMissing => "tmux missing",
            Self::TmuxTooOld => "tmux too old",
            Self::TmuxNotUnderstood => "tmux not understood",
            Self::SocketUnreadable => "socket unreadable",
            Self::SocketFile => "no socket published",
            Self::NotAnswering => "not answering",
            Self::SocketMissing => "socket missing",
            Self::LoadingConfiguration => "loading its configuration",
            Self::Other => "fault",
            Self::AccountExpired => "account expired",
            Self::PasswordExpired => "password expired",
        }
    }
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// What is wrong, in one sentence.
    pub title: String,
    /// Why, and what to do about it.
    pub words: String,
    /// The line that mends it, to be run where the words say.
    pub line: Option<String>,
}

impl Fault {
    fn new(kind: FaultKind, title: String, words: impl Into<String>) -> Self {
        Self { kind, title, words: words.into(), line: None }
    }

    fn mend(mut self, line: String) -> Self {
        self.line = Some(line);
        self
    }

    /// All of it as one paragraph, for places that have no room for a layout.
    pub fn sentence(&self) -> String {
        let line = self.line.as_ref().map(|line| format!(" {line}")).unwrap_or_default();
        format!("{} {}{line}", self.title, self.words)
    }

    /// The title and the mending line in at most `bytes_max` bytes. The line is left out where both together do not fit.
    pub fn brief(&self, bytes_max: usize) -> String {
        let whole = self.line.as_ref().map(|line| format!("{} {line}", self.title)).filter(|whole| whole.len() <= bytes_max);
        whole.unwrap_or_else(|| {
            let mut title = self.title.clone();
            while title.len() > bytes_max {
                title.pop();
            }
            title
        })
    }

    /// Nobody answers there.
    pub fn unreachable(host: &Host, why: &str) -> Self {
        Self::new(
            FaultKind::Unreachable,
            format!("{} cannot be reached.", host.label),
            format!("{}. It is tried again, less and less often.", why.trim().trim_end_matches('.')),
        )
    }

    /// The answer took too long.
    pub fn timed_out(host: &Host) -> Self {
        let words = "It may be busy, or the network drops what is sent to it. It is tried again, less and less often.";
        Self::new(FaultKind::TimedOut, format!("{} did not answer in time.", host.label), words)
    }

    /// The connection broke under an action.
    pub fn broken_off(host: &Host) -> Self {
        Self::new(
            FaultKind::TimedOut,
            format!("The connection to {} broke before it answered.", host.label),
            "Whether it was done is not known: refresh to see.",
        )
    }

    /// sshd knows us not.
    pub fn authentication_failed(host: &Host, ssh: &Ssh, says: &str) -> Self {
        let title = format!("{} does not let {} in.", host.label, host.login);
        if ssh.password.is_some() {
            return Self::new(
                FaultKind::AuthenticationFailed,
                title,
                format!("The password was refused: {says}. Check it where the configuration says it is kept."),
            );
        }
        let key = ssh.identity_file.as_ref().map(|path| format!(" -i {path}")).unwrap_or_default();
        // ssh says the same of a key that the host does not know and of one that it could not open.
        let passphrase =
            if ssh.passphrase.is_some() { " The key's passphrase may be wrong: check it where the configuration says it is kept. If it is right:" } else { "" };
        // Without PAM sshd says the same of an account that is expired or locked.
        let words = format!(
            "ssh says: {says}. (It says the same of an account that is expired or locked: as root there, `chage -l {0}` and `passwd -S {0}` tell.){passphrase} \
             As the account that runs muxboard, give the host your key, then refresh:",
            quoted(host.login.as_str())
        );
        let line = format!("ssh-copy-id{key}{} {}", port(ssh), quoted(&format!("{}@{}", host.login, ssh.address)));
        Self::new(FaultKind::AuthenticationFailed, title, words).mend(line)
    }

    /// A machine on the way knows us not. It is one of `ssh_config`'s, so there is no line for it here.
    pub(crate) fn jump_host_refused(host: &Host, says: &str) -> Self {
        let title = format!("The jump host on the way to {} does not let us in.", host.label);
        let words =
            format!("ssh says: {says}. As the account that runs muxboard, give that machine the key that ssh_config names for it (ssh-copy-id), then refresh.");
        Self::new(FaultKind::AuthenticationFailed, title, words)
    }

    /// A key that must not be trusted any more.
    pub(crate) fn host_key_revoked(host: &Host) -> Self {
        let words = "known_hosts, or a list of revoked keys, says that it is not to be trusted: whoever has stolen it may be in the host's place. Nothing is \
                     sent to it. No line here mends that: whoever runs the host must give it another key, and tell you its fingerprint.";
        Self::new(FaultKind::HostKeyRevoked, format!("The ssh host key of {} IS REVOKED.", host.label), words)
    }

    /// Another key than the one we know. `known` is what known_hosts calls the host, `file` the file with the old key, both in ssh's own words.
    pub fn host_key_changed(host: &Host, known: &str, file: Option<&str>) -> Self {
        let words = "Somebody may be listening in between. Nothing is sent to it until you have asked whoever runs the host whether its key was \
                     changed. Only then, as the account that runs muxboard, forget the old key:";
        let file = file.map(|file| format!(" -f {file}")).unwrap_or_default();
        Self::new(FaultKind::HostKeyChanged, format!("The ssh host key of {} HAS CHANGED.", host.label), words).mend(format!("ssh-keygen -R '{known}'{file}"))
    }

    /// No key that we know.
    pub fn host_key_unknown(host: &Host, ssh: &Ssh, config: Option<&str>) -> Self {
        let words = "Nothing is sent to it before its key is known. As the account that runs muxboard, connect once and compare the fingerprint:";
        let config = config.map(|file| format!(" -F {}", quoted(file))).unwrap_or_default();
        let line = format!("ssh{config} -o StrictHostKeyChecking=ask{} -l {} {} true", port(ssh), quoted(host.login.as_str()), ssh.address);
        Self::new(FaultKind::HostKeyUnknown, format!("The ssh host key of {} is not known.", host.label), words).mend(line)
    }

    /// sshd lets us in and runs nothing: `ended` is what the other side said and the status that it ended with, `None` if it neither ended nor answered.
    /// There is a mending line only for a login shell that says that it is none.
    pub fn no_shell(host: &Host, ended: Option<(i32, &str)>) -> Self {
        let (login, label) = (&host.login, &host.label);
        let title = format!("{label} lets {login} in and runs nothing for it.");
        let look =
            format!("As root on {label}, `getent passwd {0}` names the login shell, and `sshd -T -C user={0}` a forced command.", quoted(login.as_str()));
        match ended {
            Some((_, says)) if says.contains("account is currently not available") => {
                let words = format!("Its login shell is nologin. It says: {says}. If it is to run commands, as root on {label}:");
                Self::new(FaultKind::NoShell, title, words).mend(format!("usermod -s /bin/sh {}", quoted(login.as_str())))
            }
            Some((status, "")) => {
                let words = format!("What sshd starts there, the login shell or a forced command, ended with status {status} and said nothing. {look}");
                Self::new(FaultKind::NoShell, title, words)
            }
            Some((status, says)) => Self::new(FaultKind::NoShell, title, format!("What sshd starts there ended with status {status}. It says: {says}. {look}")),
            None => {
                let words =
                    format!("What sshd starts there, the login shell or a forced command, neither answers nor ends, or reads what is meant for sh. {look}");
                Self::new(FaultKind::NoShell, title, words)
            }
        }
    }

    /// sshd's `MaxSessions` leaves no room.
    pub fn too_few_sessions(host: &Host) -> Self {
        let words = "muxboard needs at least two on one connection. In the host's sshd_config, then reload sshd:".to_owned();
        Self::new(FaultKind::TooFewSessions, format!("sshd of {} allows too few sessions on one connection.", host.label), words).mend("MaxSessions 10".into())
    }
}

/// A word of a line that a person gives to a shell.
fn quoted(word: &str) -> Script {
    Script::command(&[word])
}

fn port(ssh: &Ssh) -> String {
    ssh.port.map(|port| format!(" -p {port}")).unwrap_or_default()
}

/// A line that another machine had a hand in, fit to be shown.
pub fn clean(line: &str) -> String {
    line.trim().chars().map(|c| if c.is_control() { '?' } else { c }).take(FOREIGN_LINE_CHARS_MAX).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::inventory::{HostKeys, Reach, Socket, User};

    pub(crate) fn host(port: Option<u16>) -> Host {
        let ssh = Ssh { address: "web1".parse().unwrap(), port, identity_file: None, host_keys: HostKeys::Strict, password: None, passphrase: None };
        Host {
            key: "h".parse().unwrap(),
            label: "Web 1".into(),
            reach: Reach::Ssh(ssh),
            login: "ops".parse().unwrap(),
            users: vec![User { name: "ops".parse().unwrap(), through_sudo: false, socket: Socket::Default }],
            order: vec![],
            tags: vec![],
        }
    }
}
