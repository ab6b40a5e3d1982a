//! How a session is made: the call that makes it, the reader of what that call prints, and the call that runs its startup command.

use super::call::{Call, DONE, MISMATCH, compare_and, quote};
use super::format;
use crate::limits::NOTE_LINE_CHARS_MAX;
use crate::name::{Directory, NewSessionName, StartupCommand};
use crate::shell::Script;
use crate::snapshot::SessionId;

/// The part that a call may play in the life of a tmux server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The server runs; without one the call fails.
    Running,
    /// The call starts the server if none runs, and waits until the server has loaded its configuration.
    Started,
}

/// The line that tells a new session from everything tmux printed before it: its identity, and the values of two options that would end it with
/// our own client.
const MADE: &str = "#{pid}/#{start_time}/#{session_id}/#{session_created} #{destroy-unattached} #{exit-unattached}";

/// A session that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The identity of the new session.
    pub id: SessionId,
    /// What tmux could not use of its configuration, in its own words, one line each.
    pub complaints: Vec<String>,
    /// The configuration has `destroy-unattached` on; it is off for this session.
    pub destroys_unattached: bool,
    /// The configuration has `exit-unattached` on; it is off if the call started the server.
    pub exits_unattached: bool,
}

/// Makes a detached session. What it prints is for [`made`]. With `waiting`, the session's first program only waits, for [`start`] to replace it.
///
/// The directory and the name are format-expanded by tmux: the name is a plain word, in the directory every `#` is doubled.
///
/// `source-file /dev/null` prints the errors of the configuration that tmux has shown nobody yet. Else tmux puts the first pane into view mode to
/// show them (3.2 and 3.3 at once, newer ones when somebody attaches), and no key reaches the program.
///
/// `destroy-unattached` would end the session when this call's own client goes. It is switched off for the session by its id, which tmux finds in the
/// same call: no other session can have the name.
pub fn create(name: &NewSessionName, directory: Option<&Directory>, waiting: bool, server: Server) -> Call {
    let directory = match directory.map(Directory::as_str) {
        None | Some("~") => "#{HOME}".to_owned(),
        Some(path) => match path.strip_prefix("~/") {
            Some(below) => format!("#{{HOME}}/{}", below.replace('#', "##")),
            None => path.replace('#', "##"),
        },
    };
    // An argument that ends in ';' ends a tmux command.
    let directory = directory.strip_suffix(';').map_or_else(|| directory.clone(), |path| format!("{path}\\;"));
    let mut call = Call::new(if server == Server::Running { vec!["-N"] } else { vec![] });
    call.0.extend(["source-file", "/dev/null", ";", "new-session", "-E", "-d", "-P", "-F", MADE, "-s", name.as_str(), "-c", &directory].map(String::from));
    if waiting {
        call.0.push("exec cat".into());
    }
    call.0.extend([";", "run-shell", "-C", &kept(name)].map(String::from));
    if server == Server::Started {
        // A server option: only the server that this call started has nobody else attached who may rely on it.
        call.0.extend([";", "if-shell", "-F", "#{exit-unattached}", "set-option -s exit-unattached off"].map(String::from));
    }
    call
}

/// The tmux command that keeps the session of that name alive without a client. `run-shell -C` expands the id; the doubled `#` is left for
/// `if-shell`. The option is a flag up to tmux 3.3 and a choice since 3.4.
fn kept(name: &NewSessionName) -> String {
    let id = format!("#{{S:#{{?#{{==:#{{session_name}},{name}}},#{{session_id}},}}}}");
    let is_off = "##{||:##{==:##{destroy-unattached},0},##{==:##{destroy-unattached},off}}";
    format!("if-shell -F -t '{id}:' '{is_off}' '' \"set-option -t '{id}:' destroy-unattached off\"")
}

/// Reads what [`create`] printed; none if no session was made.
pub fn made(answer: &str) -> Option<Made> {
    let lines: Vec<&str> = answer.lines().filter(|line| !line.trim().is_empty()).collect();
    // The last one: what tmux complains of comes before, and may look like anything.
    let (at, id, options) = lines.iter().enumerate().rev().find_map(|(at, line)| {
        let (id, options) = line.split_once(' ')?;
        Some((at, format::created(id)?, options))
    })?;
    let mut options = options.split(' ').map(|value| !matches!(value, "" | "0" | "off"));
    let (destroys_unattached, exits_unattached) = (options.next().unwrap_or(false), options.next().unwrap_or(false));
    Some(Made { id, complaints: lines.iter().take(at).map(|line| (*line).to_owned()).collect(), destroys_unattached, exits_unattached })
}

/// The word before the `PATH` in the answer to [`login_path`].
const PATH: &str = "MUXBOARD-PATH ";

/// A script of the user's own that prints the `PATH` of a login of his. Its output is for [`read_login_path`].
pub(crate) fn login_path() -> Script {
    // One line for all shells.
    let login = Script::command(&["sh", "-c", AS_LOGIN, "muxboard", &format!("echo \"{PATH}$PATH\"")]);
    Script::frame("cd; [ -n \"$SHELL\" ] || SHELL=$(getent passwd \"$(id -un)\" | cut -d: -f7); export SHELL; {}", &[&login])
}

/// Reads what [`login_path`] printed, whatever the files of the login printed before it.
pub fn read_login_path(words: &str) -> Option<String> {
    let path = words.lines().rev().find_map(|line| line.strip_prefix(PATH))?;
    Some(path.chars().filter(|c| !c.is_control()).take(NOTE_LINE_CHARS_MAX).collect())
}

/// Runs `$1` as a login of the account would, by the shell that tmux would use: so `PATH` is what `~/.profile` and its like make of it. tcsh takes
/// `-l` only alone, so it reads the files of a login by itself; a shell that is not known here may not know `-l`.
const AS_LOGIN: &str = "case ${SHELL##*/} in \
    csh|tcsh|bsd-csh) exec \"$SHELL\" -c 'if ( -r /etc/csh.login ) source /etc/csh.login; if ( -r ~/.login ) source ~/.login; eval $argv[1]:q' \"$1\";; \
    sh|ash|bash|dash|fish|ksh|ksh93|lksh|mksh|oksh|rbash|yash|zsh) exec \"$SHELL\" -l -c \"$1\";; \
    *) exec \"$SHELL\" -c \"$1\";; esac";

/// Replaces the waiting program of a session made by [`create`] with the startup command, and keeps its last screen and exit status when it ends.
///
/// tmux 3.3a closes a pane as soon as it hears of its program's end: of what was printed right before it some may be lost (`echo x; exit 3`: 2 times in 160).
pub fn start(id: SessionId, command: &StartupCommand) -> Call {
    let target = format!("${}:", id.number);
    let program = ["sh", "-c", AS_LOGIN, "muxboard", command.as_str()].map(quote).join(" ");
    let then = format!("set-option -w -t '{target}' remain-on-exit on ; respawn-pane -k -t '{target}' -- {program} ; display-message -p {DONE}");
    Call(compare_and(id, &then, MISMATCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_session_is_told_from_what_tmux_complained_of_before_it() {
        let id = SessionId { server_pid: 7, server_start: 8, number: 3, created: 9 };
        let said = "/home/x/.tmux.conf:1: unknown command: 1/2/$9/4 0 0\n1/2/$9/4 0 0\n7/8/$3/9 keep-last 0\n";
        let complaints = said.lines().take(2).map(str::to_owned).collect();
        assert_eq!(made(said), Some(Made { id, complaints, destroys_unattached: true, exits_unattached: false }));
        assert_eq!(made("7/8/$3/9 off 1\n"), Some(Made { id, complaints: vec![], destroys_unattached: false, exits_unattached: true }));
        assert_eq!(made("duplicate session: x\n"), None);
    }

    #[test]
    fn a_directory_is_never_expanded() {
        let dir = "/srv/#(touch canary)/#{x}".parse().unwrap();
        let words = create(&"x".parse().unwrap(), Some(&dir), false, Server::Running).words(&[]);
        assert!(words.windows(2).any(|w| w == ["-c", "/srv/##(touch canary)/##{x}"]), "{words:?}");
    }
}
