//! From an exit code and a tool's words to a named state or a named failure. The words are those of tmux 3.2 to 3.8, sudo 1.9 and
//! sudo-rs 0.2 in the C locale.

use crate::argv::NO_SOCKET_PUBLISHED;
use crate::fault::Fault;
use crate::inventory::{Host, User};
use crate::name::UnixUser;
use crate::note::Note;
use crate::section::Section;
use crate::snapshot::{SessionId, UserState};
use crate::ssh_words::account_refused;
use crate::tmux::format::{self, Listing};
use crate::tmux::{DONE, MISMATCH, VERSION_MIN, orphan};

/// The state that one user's section of a sweep shows. That there is no session is taken as a fact only where the server counted none or no server runs:
/// an answer that ended well and cannot be read is a fault.
pub fn user_state(host: &Host, user: &User, section: Section) -> UserState {
    let Section { listing, exit, cut, .. } = section;
    match exit {
        None if !cut => UserState::Fault(Fault::not_answering(host, &user.name)),
        // `timeout` ended our own tmux client.
        Some(124 | 137 | 143) => UserState::Fault(Fault::not_answering(host, &user.name)),
        Some(_) if listing.counted == Some(0) && listing.loading => UserState::Fault(Fault::loading_configuration(&user.name)),
        Some(0) | None => listed(host, &user.name, listing, cut),
        // list-windows complains where there is no window: the server runs (exit-empty off, or it is about to end), without a session.
        Some(_) if listing.counted == Some(0) && listing.unread.is_none() => UserState::Sessions(Vec::new()),
        Some(code) => refused(host, user, code, &listing.problems.join("\n")),
    }
}

fn listed(host: &Host, user: &UnixUser, listing: Listing, cut: bool) -> UserState {
    let version = listing.version.as_deref().unwrap_or("unknown");
    match format::version(version) {
        Some(v) if v < VERSION_MIN => UserState::Fault(Fault::tmux_too_old(host, version)),
        None if listing.counted.is_some() && version == "unknown" => UserState::Fault(Fault::tmux_too_old(host, version)),
        // More than one look may say: what was said is shown.
        _ if listing.whole || cut && !listing.sessions.is_empty() && listing.unread.is_none() => UserState::Sessions(listing.sessions),
        _ => {
            let row = listing.unread.or_else(|| listing.problems.into_iter().next()).unwrap_or_default();
            UserState::Fault(Fault::tmux_not_understood(user, version, &row))
        }
    }
}

/// The state that the words of a failed tmux or sudo mean.
fn refused(host: &Host, user: &User, code: i32, words: &str) -> UserState {
    let (words, orphan) = orphan::read(user, words);
    let words = words.as_str();
    let says = |text: &str| words.contains(text);
    if let Some(orphan) = orphan {
        let socket = words.lines().find_map(|line| line.strip_prefix("no server running on ").or_else(|| line.strip_prefix("error connecting to ")));
        let socket = socket.map_or("", |socket| socket.strip_suffix(" (No such file or directory)").unwrap_or(socket));
        return UserState::Fault(Fault::socket_missing(host, &user.name, orphan.pid, orphan.since.as_deref(), socket));
    }
    // sudo complains about a password too where it is the asking account that it does not let do anything.
    let of_account = if user.through_sudo { account_refused(host, "sudo", &words.lines().collect::<Vec<_>>()) } else { None };
    let fault = if let Some(fault) = of_account {
        fault
    } else if user.through_sudo
        && (says("sudo: a password is required")
            || says("is not allowed to execute")
            || says("sudo: a terminal is required")
            || says("sudo: interactive authentication is required")
            || says("I'm afraid I can't do that")
            || says("may not run")
            || says("is not in the sudoers file"))
    {
        Fault::sudo_refused(host, &user.name)
    } else if says("sudo: unknown user") || says("sudo: user '") && says("' not found") {
        Fault::no_account(host, &user.name)
    } else if says(NO_SOCKET_PUBLISHED) {
        Fault::socket_file(&user.name, words)
    } else if user.through_sudo && code == 127 && !says("tmux") {
        Fault::sudo_missing(host, &user.name)
    } else if code == 127 || says("tmux: command not found") || says("'tmux': command not found") {
        Fault::tmux_missing(host)
    } else if says("Permission denied") || says("not safe permissions") || says("directory ") && says("has unsafe permissions") {
        Fault::socket_unreadable(host, &user.name, words)
    } else if says("no server running on")
        || says("No such file or directory")
        || says("Connection refused")
        || says("no sessions")
        || says("server exited")
        || says("lost server")
    {
        return UserState::NoServer;
    } else if says("unknown command") || says("invalid option") || says("unknown option") || says("unknown flag") {
        Fault::tmux_too_old(host, "unknown")
    } else {
        Fault::other(&user.name, &if words.is_empty() { format!("tmux ended with status {code} and said nothing") } else { words.to_owned() })
    };
    UserState::Fault(fault)
}

/// How an action on a host ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// The action was done.
    Done,
    /// The session is not there any more, or another one is in its place: nothing was touched.
    Gone,
    /// A session of that name exists already.
    NameTaken,
    /// The user's tmux cannot be reached.
    User(UserState),
}

/// Reads the answer to an action, complaints of tmux and sudo included. Success is the word that was printed, never an exit code.
pub fn acted(host: &Host, user: &User, exit: Option<i32>, answer: &str) -> Acted {
    let says = |word: &str| answer.lines().any(|line| line == word);
    if says(DONE) {
        Acted::Done
    } else if says(MISMATCH) {
        Acted::Gone
    } else if answer.lines().any(|line| line.starts_with("duplicate session")) {
        Acted::NameTaken
    } else if let Some(code) = exit {
        match refused(host, user, code, answer.trim()) {
            // The server the session lived in is gone, and the session with it.
            UserState::NoServer => Acted::Gone,
            state => Acted::User(state),
        }
    } else {
        Acted::User(UserState::Fault(Fault::not_answering(host, &user.name)))
    }
}

/// A session that was made, or that the user's configuration made under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The identity of the session that was made or opened.
    pub session: SessionId,
    /// What the person who asked for the session should know of it.
    pub notes: Vec<Note>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultKind, tests::host};
    use crate::inventory::Socket;

    fn state(through_sudo: bool, exit: Option<i32>, words: &str) -> UserState {
        let user = User { name: "deploy".parse().unwrap(), through_sudo, socket: Socket::Default };
        let listing = Listing { problems: if words.is_empty() { vec![] } else { vec![words.into()] }, ..Listing::default() };
        user_state(&host(None), &user, Section { listing, captures: vec![], exit, cut: false })
    }

    fn fault(through_sudo: bool, exit: Option<i32>, words: &str) -> (FaultKind, Option<String>) {
        match state(through_sudo, exit, words) {
            UserState::Fault(fault) => (fault.kind, fault.line),
            other => panic!("{words:?} gave {other:?}"),
        }
    }

    #[test]
    fn empty_refused_and_unreachable_are_three_facts() {
        assert_eq!(state(false, Some(1), "no server running on /tmp/tmux-1000/default"), UserState::NoServer);
        assert_eq!(state(false, Some(1), "error connecting to /tmp/x (No such file or directory)"), UserState::NoServer);
        let answer = |rows: &str, exit| {
            let user = User { name: "deploy".parse().unwrap(), through_sudo: false, socket: Socket::Default };
            user_state(&host(None), &user, Section { listing: format::parse(rows, "M"), captures: vec![], exit: Some(exit), cut: false })
        };
        assert_eq!(answer("M B 3.3a::200\nM E \n", 0), UserState::Sessions(vec![]));
        assert_eq!(answer("M B 3.3a::200\nno current target\n", 1), UserState::Sessions(vec![]));
        // An answer that cannot be read is no empty list.
        for (rows, exit) in [("", 0), ("M B 3.4:x:200\nM S $0\\0371\nM E x\n", 0), ("M S $0:1\n", 0), ("M B 3.4::200\n", 0)] {
            let UserState::Fault(fault) = answer(rows, exit) else { panic!("{rows:?}") };
            assert_eq!(fault.kind, FaultKind::TmuxNotUnderstood, "{rows:?}");
            assert!(!rows.contains("3.4") || fault.title.contains("3.4"), "{}", fault.title);
            assert!(!rows.contains("037") || fault.words.contains("| S $0\\0371"), "{}", fault.words);
        }
        let UserState::Fault(old) = answer("M B 3.1c:x:200\nM S $0:1\n", 0) else { panic!() };
        assert_eq!(old.kind, FaultKind::TmuxTooOld);
        let line = "ops ALL=(deploy) NOPASSWD: /usr/bin/tmux".to_owned();
        assert_eq!(fault(true, Some(1), "sudo: a password is required"), (FaultKind::SudoRefused, Some(line)));
        assert_eq!(fault(true, Some(1), "sudo: unknown user deploy").0, FaultKind::NoAccount);
        assert_eq!(fault(true, Some(127), "sh: 1: sudo: not found").0, FaultKind::SudoMissing);
        assert_eq!(fault(false, Some(1), "error connecting to /x (Permission denied)"), (FaultKind::SocketUnreadable, None));
        let unsafe_directory = "error creating /tmp/tmux-7/default (directory /tmp/tmux-7 has unsafe permissions)";
        assert_eq!(fault(false, Some(1), unsafe_directory).0, FaultKind::SocketUnreadable);
        assert_eq!(fault(false, Some(127), "sh: 1: tmux: not found").0, FaultKind::TmuxMissing);
        assert_eq!(fault(true, Some(1), "sudo: tmux: command not found").0, FaultKind::TmuxMissing);
        assert_eq!(fault(false, None, "").0, FaultKind::NotAnswering);
        assert_eq!(fault(false, Some(1), "muxboard: no socket path in /run/x").0, FaultKind::SocketFile);
        // Of the account that asks, and sudo goes on to ask for its password.
        for expired in [
            "sudo: account validation failure, is your account locked?\nsudo: a password is required",
            "sudo: Account expired or PAM config lacks an \"account\" section for sudo, contact your system administrator\nsudo: a password is required",
        ] {
            assert_eq!(fault(true, Some(1), expired), (FaultKind::AccountExpired, Some("chage -E -1 -I -1 ops".into())), "{expired}");
        }
        let must_change = "sudo: Account or password is expired, reset your password and try again\nsudo: a password is required";
        assert_eq!(fault(true, Some(1), must_change), (FaultKind::PasswordExpired, Some("chage -d $(date +%F) ops".into())));
        // What sudo-rs says instead.
        let line = Some("ops ALL=(deploy) NOPASSWD: /usr/bin/tmux".to_owned());
        for refused in [
            "sudo: interactive authentication is required",
            "sudo: I'm sorry ops. I'm afraid I can't do that",
            "sudo: Sorry, user ops may not run tmux on web1.",
            "sudo: Sorry, user ops is not allowed to execute '/usr/bin/tmux' as deploy on web1.",
        ] {
            assert_eq!(fault(true, Some(1), refused), (FaultKind::SudoRefused, line.clone()), "{refused}");
        }
        assert_eq!(fault(true, Some(1), "sudo: user 'deploy' not found").0, FaultKind::NoAccount);
        assert_eq!(fault(true, Some(1), "sudo: 'tmux': command not found").0, FaultKind::TmuxMissing);
        assert_eq!(fault(false, Some(1), "protocol version mismatch (client 8, server 7)").0, FaultKind::Other);
    }
}
