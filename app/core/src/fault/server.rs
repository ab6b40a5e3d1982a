//! What can be wrong with a user's tmux, and with sudo on the way to it.

use super::{Fault, FaultKind, clean, quoted};
use crate::inventory::{Host, User};
use crate::name::UnixUser;

impl Fault {
    /// The fault of a tmux server that runs without its socket. `pid` and `since` tell which server, where only one can be meant; `socket` is the socket's
    /// path in tmux's words.
    pub(crate) fn socket_missing(host: &Host, user: &UnixUser, pid: Option<u32>, since: Option<&str>, socket: &str) -> Self {
        let since = since.map(|since| format!(", since {since}")).unwrap_or_default();
        let which = pid.map(|pid| format!(" (pid {pid}{since})")).unwrap_or_default();
        let title = format!("A tmux server of {user} runs{which}, but its socket {} is missing.", clean(socket));
        let words = format!(
            "Its sessions live on and cannot be reached; no second server is started in its place. \
             This has the server make its socket again, as root or {user} on {}:",
            host.label
        );
        let line = pid.map_or_else(|| format!("pkill -USR1 -u {} -x 'tmux: server'", quoted(user.as_str())), |pid| format!("kill -USR1 {pid}"));
        Self::new(FaultKind::SocketMissing, title, words).mend(line)
    }

    /// The fault of a tmux server that has not finished its configuration.
    pub fn loading_configuration(user: &UnixUser) -> Self {
        let words = "Something that it runs takes long; refresh to see.";
        Self::new(FaultKind::LoadingConfiguration, format!("tmux of {user} is loading its configuration."), words)
    }

    /// The fault of a session that was asked for while the tmux server had not finished its configuration. Our own client gives up, and tmux with it; a
    /// client that sudo started waits on.
    pub fn not_made_while_loading(user: &User) -> Self {
        let then = if user.through_sudo { "The session is made when it is done." } else { "The session was not made: make it when it is done." };
        let fault = Self::loading_configuration(&user.name);
        Self { words: format!("{then} {}", fault.words), ..fault }
    }

    pub(crate) fn sudo_refused(host: &Host, user: &UnixUser) -> Self {
        let words = format!("Add this line with visudo on {}, then refresh:", host.label);
        Self::new(FaultKind::SudoRefused, format!("sudo does not let {} run tmux as {user}.", host.login), words).mend(host.sudoers_line(user))
    }

    pub(crate) fn sudo_missing(host: &Host, user: &UnixUser) -> Self {
        let words = format!("Without it {user} cannot be reached from {}. With Debian's or Ubuntu's packages:", host.login);
        Self::new(FaultKind::SudoMissing, format!("sudo is not installed on {}.", host.label), words).mend("apt-get install sudo".into())
    }

    pub(crate) fn no_account(host: &Host, user: &UnixUser) -> Self {
        let title = format!("There is no account {user} on {}.", host.label);
        Self::new(FaultKind::NoAccount, title, "Make it, or take it out of the configuration:")
            .mend(format!("useradd -m -s /bin/bash {}", quoted(user.as_str())))
    }

    pub(crate) fn tmux_missing(host: &Host) -> Self {
        Self::new(FaultKind::TmuxMissing, format!("tmux is not installed on {}.", host.label), "With Debian's or Ubuntu's packages:")
            .mend("apt-get install tmux".into())
    }

    pub(crate) fn tmux_too_old(host: &Host, version: &str) -> Self {
        let title = format!("tmux is too old on {} (version {version}).", host.label);
        Self::new(FaultKind::TmuxTooOld, title, "muxboard needs tmux 3.2 or newer. With Debian's or Ubuntu's packages:").mend("apt-get install tmux".into())
    }

    pub(crate) fn tmux_not_understood(user: &UnixUser, version: &str, row: &str) -> Self {
        let title = format!("The tmux of {user} answers in a form that muxboard does not understand (version {version}).");
        let row = if row.is_empty() { "It ended well and said nothing".to_owned() } else { format!("The first line that cannot be read: {row}") };
        Self::new(FaultKind::TmuxNotUnderstood, title, format!("{row}. Nothing is known of its sessions; they run on. Please report it with this line."))
    }

    pub(crate) fn socket_unreadable(host: &Host, user: &UnixUser, words: &str) -> Self {
        let fault = Self::new(FaultKind::SocketUnreadable, format!("The tmux socket of {user} may not be used."), format!("tmux says: {words}."));
        // tmux refuses a socket directory that others may enter; in its own words the path comes first.
        // They are another machine's: what is no plain path is no part of a line that somebody will run.
        let plain = |w: &&str| w.starts_with('/') && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
        let unsafe_directory = words.split_whitespace().find(plain).filter(|_| words.contains("unsafe permissions"));
        match unsafe_directory {
            Some(path) => Self { words: format!("{} As {user} on {}:", fault.words, host.label), ..fault }.mend(format!("chmod 700 {path}")),
            None => fault,
        }
    }

    pub(crate) fn socket_file(user: &UnixUser, words: &str) -> Self {
        let words = format!("{words}. It must hold one line, the absolute path of a tmux socket, and {user} must be able to read it.");
        Self::new(FaultKind::SocketFile, format!("No tmux socket is published for {user}."), words)
    }

    /// The fault of a tmux server that did not answer in time.
    pub fn not_answering(host: &Host, user: &UnixUser) -> Self {
        let words = format!(
            "It may have no open file left; then, as root on {0}: prlimit --nofile=16384:16384 --pid PID, for each PID of pgrep -u {1} tmux. Or it is stopped; \
             this lets it go on, as root or {user} on {0}:",
            host.label,
            quoted(user.as_str())
        );
        Self::new(FaultKind::NotAnswering, format!("The tmux server of {user} does not answer."), words)
            .mend(format!("pkill -CONT -u {} tmux", quoted(user.as_str())))
    }

    pub(crate) fn other(user: &UnixUser, words: &str) -> Self {
        Self::new(FaultKind::Other, format!("tmux does not work for {user}."), format!("It says: {words}"))
    }
}
