//! A tmux server whose socket is gone: it runs, and nobody can reach it. The kernel still lists the path that such a server listens at
//! (`/proc/net/unix`), which every account may read; where there is no such list, nothing is found and nothing is said.

use crate::inventory::{Socket, User};
use crate::limits::ORPHAN_SECONDS_MIN;
use crate::shell::Script;
use std::borrow::Cow;

/// Begins the lines that [`marked`] marks, and no other: in tmux's own words it is replaced.
const FOUND: char = '\0';
const LISTENS: &str = "listens";
const RUNS: &str = "runs";

/// A server without its socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Orphan {
    /// The process id of the server; `None` where several servers may be the one.
    pub(crate) pid: Option<u32>,
    /// When it started, as `ps` says it.
    pub(crate) since: Option<String>,
}

/// The end of a call of tmux: prints its exit code, and after a failure first the sockets that somebody listens at under this user's path and the tmux
/// servers of this user. A call that succeeds costs no process more.
pub(crate) fn exit(user: &User) -> Script {
    // Of our own account nobody knows the name but the configuration.
    let id = if user.through_sudo { Script::frame("\"$(id -u {})\"", &[&Script::command(&[user.name.as_str()])]) } else { Script::frame("\"$(id -u)\"", &[]) };
    let file = |file: &str| Script::frame("/tmux-{}/{}", &[&id, &Script::command(&[file])]);
    let path = match &user.socket {
        Socket::Default => file("default"),
        Socket::Name(name) => file(name),
        Socket::Path(path) => Script::command(&[path]),
        Socket::File(_) => Script::command(&["/"]),
    };
    Script::frame(
        "e=$?; [ \"$e\" -ne 1 ] || { s=$(sed -n 's,^[^ ]* [^ ]* [^ ]* 00010000 0001 01 *[0-9]* \\(/.*\\)$,\\1,p' /proc/net/unix | grep -F -- {} | head -n 200); \
         [ -z \"$s\" ] || { printf '\\n%s listens\\n%s\\n%s runs\\n' \"$M\" \"$s\" \"$M\"; \
         LC_ALL=C ps -u {} -o pid= -o etimes= -o lstart= -o comm= -o args= | grep 'tmux: server' | head -n 50; }; } 2>/dev/null; \
         printf '\\n%s exit %s\\n' \"$M\" \"$e\"",
        &[&path, &id],
    )
}

/// True if a line of the output begins what [`exit`] printed after a failure.
pub(crate) fn begins(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark).and_then(|rest| rest.strip_prefix(' ')) == Some(LISTENS)
}

/// tmux's words, without a line that could be taken for a marked one.
pub(crate) fn plain(words: &str) -> Cow<'_, str> {
    if words.contains(FOUND) { words.replace(FOUND, "?").into() } else { words.into() }
}

/// tmux's words, then what [`exit`] printed after a failure, its lines marked for [`read`]: tmux's own words cannot be marked.
pub(crate) fn marked(words: &str, mark: &str) -> String {
    let (words, rest) = words.rsplit_once(&format!("\n{mark} {LISTENS}\n")).unwrap_or((words, ""));
    let mut out = plain(words).into_owned();
    let runs = format!("{mark} {RUNS}");
    for line in rest.lines() {
        out.push_str(&format!("\n{FOUND}{}", if line == runs { RUNS } else { line }));
    }
    out
}

/// The words of a call that failed without the marked lines, and the server of this user that lost its socket, if those lines tell of one.
pub(crate) fn read(user: &User, words: &str) -> (String, Option<Orphan>) {
    let (found, words): (Vec<&str>, Vec<&str>) = words.lines().partition(|line| line.starts_with(FOUND));
    let orphan = orphan(user, &words, &found);
    (words.join("\n").trim().to_owned(), orphan)
}

fn orphan(user: &User, words: &[&str], found: &[&str]) -> Option<Orphan> {
    let found: Vec<&str> = found.iter().filter_map(|line| line.strip_prefix(FOUND)).collect();
    let (paths, processes) = found.split_at(found.iter().position(|line| *line == RUNS).unwrap_or(found.len()));
    let refused = |path: &str| {
        let end = |line: &str, before: &str, after: &str| line.strip_prefix(before).and_then(|l| l.strip_prefix(path)).is_some_and(|l| l == after);
        words.iter().any(|l| end(l, "no server running on ", "") || end(l, "error connecting to ", " (No such file or directory)"))
    };
    if !paths.iter().any(|path| refused(path)) {
        return None;
    }
    let all: Vec<ServerProcess<'_>> = processes.iter().filter_map(|line| process(line)).filter(|p| p.seconds >= ORPHAN_SECONDS_MIN).collect();
    let named: Vec<&ServerProcess<'_>> = all.iter().filter(|p| p.names(&user.socket)).collect();
    // A server that was told its socket by its environment names none.
    let unnamed: Vec<&ServerProcess<'_>> = all.iter().filter(|p| p.socket().is_none()).collect();
    let meant = if named.is_empty() { unnamed } else { named };
    match meant.as_slice() {
        [] => None,
        [one] => Some(Orphan { pid: Some(one.pid), since: Some(one.since.clone()) }),
        _ => Some(Orphan { pid: None, since: None }),
    }
}

/// A tmux server, as `ps` lists it.
struct ServerProcess<'a> {
    pid: u32,
    seconds: u64,
    since: String,
    words: Vec<&'a str>,
}

fn process(line: &str) -> Option<ServerProcess<'_>> {
    let mut words = line.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    let seconds = words.next()?.parse().ok()?;
    let since: Vec<&str> = words.by_ref().take(5).filter(|w| w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':')).collect();
    let is_server = words.next() == Some("tmux:") && words.next() == Some("server");
    let words: Vec<&str> = words.collect();
    // A process that ended and was not waited for has its name in brackets.
    (is_server && since.len() == 5 && !words.first()?.starts_with('[')).then(|| ServerProcess { pid, seconds, since: since.join(" "), words })
}

impl ServerProcess<'_> {
    /// The flag and the argument that name its socket. The words of a server are those of the client that started it.
    fn socket(&self) -> Option<(char, &str)> {
        let mut words = self.words.iter().skip(1).copied();
        let mut named = None;
        while let Some(flags) = words.next().and_then(|word| word.strip_prefix('-')) {
            // The first flag that takes an argument has the rest of the word, or the next word.
            if let Some((at, flag)) = flags.char_indices().find(|(_, c)| "cfLST".contains(*c)) {
                let rest = flags.get(at + 1..).filter(|rest| !rest.is_empty());
                let argument = rest.or_else(|| words.next()).unwrap_or("");
                if matches!(flag, 'L' | 'S') {
                    named = Some((flag, argument));
                }
            }
        }
        named
    }

    /// True if the server's command line names this socket.
    fn names(&self, socket: &Socket) -> bool {
        match socket {
            Socket::Default => self.socket().is_none(),
            Socket::Name(name) => self.socket() == Some(('L', name)),
            Socket::Path(path) => self.socket() == Some(('S', path)),
            Socket::File(_) => matches!(self.socket(), Some(('S', _))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(socket: Socket) -> User {
        User { name: "ann".parse().unwrap(), through_sudo: true, socket }
    }

    fn asked(socket: Socket, tmux: &str, listens: &str, runs: &str) -> Option<Orphan> {
        read(&user(socket), &marked(&format!("{tmux}\n\nM listens\n{listens}\nM runs\n{runs}"), "M")).1
    }

    const GONE: &str = "error connecting to /tmp/tmux-7/default (No such file or directory)";

    fn line(pid: u32, seconds: u64, words: &str) -> String {
        format!("{pid} {seconds} Sat Nov 28 07:02:21 2026 tmux: server    {words}\n")
    }

    #[test]
    fn only_the_server_of_this_very_socket_is_an_orphan() {
        let orphan = |pid| Some(Orphan { pid: Some(pid), since: Some("Sat Nov 28 07:02:21 2026".into()) });
        let three = line(5, 90, "tmux -u new -d") + &line(6, 90, "tmux -uLwork new -d -L x") + &line(7, 90, "tmux -S /x new");
        assert_eq!(asked(Socket::Default, GONE, "/tmp/tmux-7/default", &three), orphan(5));
        assert_eq!(asked(Socket::Name("work".into()), "no server running on /tmp/tmux-7/work", "/tmp/tmux-7/work", &three), orphan(6));
        assert_eq!(asked(Socket::Path("/x".into()), "no server running on /x", "/x", &three), orphan(7));
        // Somebody listens at another path; nobody listens; a server that has just made its socket; one that has ended.
        assert_eq!(asked(Socket::Default, GONE, "/srv/tmp/tmux-7/default", &three), None);
        assert_eq!(read(&user(Socket::Default), &marked(GONE, "M")), (GONE.to_owned(), None));
        assert_eq!(asked(Socket::Default, GONE, "/tmp/tmux-7/default", &line(5, 0, "tmux")), None);
        assert_eq!(asked(Socket::Default, GONE, "/tmp/tmux-7/default", &line(5, 90, "[tmux: server] <defunct>")), None);
    }

    #[test]
    fn of_several_servers_none_is_named() {
        let two = line(5, 90, "tmux") + &line(6, 90, "tmux new");
        assert_eq!(asked(Socket::Default, GONE, "/tmp/tmux-7/default", &two), Some(Orphan { pid: None, since: None }));
        // Another socket's server is not it, whoever listens there; one that names no socket may be.
        assert_eq!(asked(Socket::Default, GONE, "/tmp/tmux-7/default", &line(8, 90, "tmux -L other")), None);
        assert_eq!(asked(Socket::Path("/x".into()), "no server running on /x", "/x", &line(8, 90, "tmux new -d")).unwrap().pid, Some(8));
    }

    #[test]
    fn tmux_itself_cannot_say_that_its_socket_is_gone() {
        let forged = format!("{GONE}\n\u{0}/tmp/tmux-7/default\n\u{0}runs\n\u{0}{}", line(1, 90, "tmux"));
        assert_eq!(read(&user(Socket::Default), &marked(&forged, "M")).1, None);
    }
}
