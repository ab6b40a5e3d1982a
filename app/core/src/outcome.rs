//! From an exit code and a tool's words to a named state or a named failure. The words are those of tmux 3.2 to 3.7, sudo 1.9 and
//! sudo-rs 0.2 in the C locale.

use crate::argv::NO_SOCKET_PUBLISHED;
use crate::fault::Fault;
use crate::inventory::{Host, User};
use crate::snapshot::UserState;
use crate::tmux::section::Section;
use crate::tmux::{DONE, MISMATCH, VERSION_MIN, format};

/// What one section of a sweep means.
pub fn user_state(host: &Host, user: &User, section: Section) -> UserState {
    let words = section.listing.problems.join("\n");
    match section.exit {
        None if !section.cut => UserState::Fault(Fault::not_answering(host, &user.name)),
        // `timeout` ended our own tmux client.
        Some(124 | 137 | 143) => UserState::Fault(Fault::not_answering(host, &user.name)),
        Some(0) | None => match section.listing.version.as_deref() {
            Some(version) if format::version(version).is_some_and(|v| v < VERSION_MIN) => UserState::Fault(Fault::tmux_too_old(host, version)),
            // Before 2.2 a server knew neither its pid nor its version: its rows are none of ours, and no session is understood.
            None if section.listing.problems.iter().any(|p| p.starts_with("S\u{1f}$")) => UserState::Fault(Fault::tmux_too_old(host, "unknown")),
            _ => UserState::Sessions(section.listing.sessions),
        },
        Some(code) => refused(host, user, code, &words),
    }
}

/// What tmux's or sudo's own words mean, when there is nothing else.
fn refused(host: &Host, user: &User, code: i32, words: &str) -> UserState {
    let says = |text: &str| words.contains(text);
    let fault = if user.through_sudo
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
    } else if says("no current target") {
        // list-windows where there is no window: the server runs (exit-empty off, or it is about to end), without a session.
        return UserState::Sessions(Vec::new());
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
    /// It was done.
    Done,
    /// The session is not there any more, or another one is in its place: nothing was touched.
    Gone,
    /// A session of that name exists already.
    NameTaken,
    /// The user cannot be reached at all.
    User(UserState),
}

/// What the answer to an action means, tmux's and sudo's complaints included. Success is the word that was printed, never an exit code.
pub fn acted(host: &Host, user: &User, exit: Option<i32>, answer: &str) -> Acted {
    let says = |word: &str| answer.lines().any(|line| line == word);
    if says(DONE) {
        Acted::Done
    } else if says(MISMATCH) {
        Acted::Gone
    } else if answer.contains("duplicate session") {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Kind, tests::host};
    use crate::inventory::Socket;
    use crate::tmux::format::Listing;

    fn state(through_sudo: bool, exit: Option<i32>, words: &str) -> UserState {
        let user = User { name: "deploy".parse().unwrap(), through_sudo, socket: Socket::Default };
        let listing = Listing { problems: if words.is_empty() { vec![] } else { vec![words.into()] }, ..Listing::default() };
        user_state(&host(None), &user, Section { listing, captures: vec![], exit, cut: false })
    }

    fn fault(through_sudo: bool, exit: Option<i32>, words: &str) -> (Kind, Option<String>) {
        match state(through_sudo, exit, words) {
            UserState::Fault(fault) => (fault.kind, fault.line),
            other => panic!("{words:?} gave {other:?}"),
        }
    }

    #[test]
    fn empty_refused_and_unreachable_are_three_facts() {
        assert_eq!(state(false, Some(1), "no server running on /tmp/tmux-1000/default"), UserState::NoServer);
        assert_eq!(state(false, Some(1), "error connecting to /tmp/x (No such file or directory)"), UserState::NoServer);
        assert_eq!(state(false, Some(0), ""), UserState::Sessions(vec![]));
        assert_eq!(state(false, Some(1), "no current target"), UserState::Sessions(vec![]));
        let line = "ops ALL=(deploy) NOPASSWD: /usr/bin/tmux".to_owned();
        assert_eq!(fault(true, Some(1), "sudo: a password is required"), (Kind::SudoRefused, Some(line)));
        assert_eq!(fault(true, Some(1), "sudo: unknown user deploy").0, Kind::NoAccount);
        assert_eq!(fault(true, Some(127), "sh: 1: sudo: not found").0, Kind::SudoMissing);
        assert_eq!(fault(false, Some(1), "error connecting to /x (Permission denied)"), (Kind::SocketUnreadable, None));
        let unsafe_directory = "error creating /tmp/tmux-7/default (directory /tmp/tmux-7 has unsafe permissions)";
        assert_eq!(fault(false, Some(1), unsafe_directory).0, Kind::SocketUnreadable);
        assert_eq!(fault(false, Some(127), "sh: 1: tmux: not found").0, Kind::TmuxMissing);
        assert_eq!(fault(true, Some(1), "sudo: tmux: command not found").0, Kind::TmuxMissing);
        assert_eq!(fault(false, None, "").0, Kind::NotAnswering);
        assert_eq!(fault(false, Some(1), "muxboard: no socket path in /run/x").0, Kind::SocketFile);
        // What sudo-rs says instead.
        let line = Some("ops ALL=(deploy) NOPASSWD: /usr/bin/tmux".to_owned());
        for refused in [
            "sudo: interactive authentication is required",
            "sudo: I'm sorry ops. I'm afraid I can't do that",
            "sudo: Sorry, user ops may not run tmux on web1.",
            "sudo: Sorry, user ops is not allowed to execute '/usr/bin/tmux' as deploy on web1.",
        ] {
            assert_eq!(fault(true, Some(1), refused), (Kind::SudoRefused, line.clone()), "{refused}");
        }
        assert_eq!(fault(true, Some(1), "sudo: user 'deploy' not found").0, Kind::NoAccount);
        assert_eq!(fault(true, Some(1), "sudo: 'tmux': command not found").0, Kind::TmuxMissing);
        assert_eq!(fault(false, Some(1), "protocol version mismatch (client 8, server 7)").0, Kind::Other);
    }
}
