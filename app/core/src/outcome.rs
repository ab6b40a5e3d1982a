//! From an exit code and a tool's words to a named state or a named failure. The words are those of tmux 3.2 to 3.7 and sudo 1.9 in the C locale.

use crate::inventory::{Host, User};
use crate::snapshot::UserState;
use crate::tmux::section::Section;
use crate::tmux::{DONE, MISMATCH, VERSION_MIN, format};

/// What one section of a sweep means.
pub fn user_state(host: &Host, user: &User, section: Section) -> UserState {
    let words = section.listing.problems.join("\n");
    match section.exit {
        None if !section.cut => UserState::NotAnswering,
        // `timeout` ended our own tmux client.
        Some(124 | 137 | 143) => UserState::NotAnswering,
        Some(0) | None => match section.listing.version.as_deref() {
            Some(version) if format::version(version).is_some_and(|v| v < VERSION_MIN) => UserState::TmuxTooOld { version: version.to_owned() },
            _ => UserState::Sessions(section.listing.sessions),
        },
        Some(code) => fault(host, user, code, &words),
    }
}

/// What tmux's or sudo's own words mean, when there is nothing else.
fn fault(host: &Host, user: &User, code: i32, words: &str) -> UserState {
    let says = |text: &str| words.contains(text);
    if user.through_sudo
        && (says("sudo: a password is required")
            || says("is not allowed to execute")
            || says("sudo: a terminal is required")
            || says("is not in the sudoers file"))
    {
        UserState::SudoRefused { line: host.sudoers_line(&user.name) }
    } else if says("sudo: unknown user") {
        UserState::NoAccount
    } else if user.through_sudo && code == 127 && !says("tmux") {
        UserState::Other { words: "sudo is not installed, and without it this account cannot be reached".into() }
    } else if code == 127 || says("tmux: command not found") {
        UserState::TmuxMissing
    } else if says("Permission denied") || says("not safe permissions") || says("directory ") && says("has unsafe permissions") {
        UserState::SocketUnreadable { words: words.to_owned() }
    } else if says("no current target") {
        // list-windows where there is no window: the server runs (exit-empty off, or it is about to end), without a session.
        UserState::Sessions(Vec::new())
    } else if says("no server running on")
        || says("No such file or directory")
        || says("Connection refused")
        || says("no sessions")
        || says("server exited")
        || says("lost server")
    {
        UserState::NoServer
    } else if says("unknown command") || says("invalid option") || says("unknown option") || says("unknown flag") {
        UserState::TmuxTooOld { version: "unknown".into() }
    } else {
        UserState::Other { words: if words.is_empty() { format!("tmux ended with status {code} and said nothing") } else { words.to_owned() } }
    }
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
        match fault(host, user, code, answer.trim()) {
            // The server the session lived in is gone, and the session with it.
            UserState::NoServer => Acted::Gone,
            state => Acted::User(state),
        }
    } else {
        Acted::User(UserState::NotAnswering)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Socket;
    use crate::tmux::format::Listing;

    fn state(through_sudo: bool, exit: Option<i32>, words: &str) -> UserState {
        let user = User { name: "deploy".parse().unwrap(), through_sudo };
        let host = Host {
            key: "h".parse().unwrap(),
            label: String::new(),
            place: String::new(),
            login: "ops".parse().unwrap(),
            users: vec![user.clone()],
            socket: Socket::Default,
            order: vec![],
        };
        let listing = Listing { problems: if words.is_empty() { vec![] } else { vec![words.into()] }, ..Listing::default() };
        user_state(&host, &user, Section { listing, captures: vec![], exit, cut: false })
    }

    #[test]
    fn empty_refused_and_unreachable_are_three_facts() {
        assert_eq!(state(false, Some(1), "no server running on /tmp/tmux-1000/default"), UserState::NoServer);
        assert_eq!(state(false, Some(1), "error connecting to /tmp/x (No such file or directory)"), UserState::NoServer);
        assert_eq!(state(true, Some(1), "sudo: a password is required"), UserState::SudoRefused { line: "ops ALL=(deploy) NOPASSWD: /usr/bin/tmux".into() });
        assert_eq!(state(true, Some(1), "sudo: unknown user deploy"), UserState::NoAccount);
        assert!(matches!(state(false, Some(1), "error connecting to /x (Permission denied)"), UserState::SocketUnreadable { .. }));
        assert_eq!(state(false, Some(127), "sh: 1: tmux: not found"), UserState::TmuxMissing);
        assert_eq!(state(false, None, ""), UserState::NotAnswering);
        assert_eq!(state(false, Some(0), ""), UserState::Sessions(vec![]));
        assert_eq!(state(false, Some(1), "no current target"), UserState::Sessions(vec![]));
        assert!(matches!(state(false, Some(1), "protocol version mismatch (client 8, server 7)"), UserState::Other { .. }));
    }
}
