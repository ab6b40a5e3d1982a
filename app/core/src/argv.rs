//! From a host, a user and a tmux call to the words of a process on this machine: of tmux itself, of a shell, or of ssh.

use crate::inventory::{Host, HostKeys, Socket, Ssh, User};
use crate::limits::{ALIVE_COUNT, ALIVE_SECONDS, CONNECT_SECONDS_MAX, HOLD_SECONDS_MAX, SCRIPT_WORD_BYTES_MAX, SOCKET_FILE_BYTES_MAX};
use crate::shell::Script;
use crate::tmux::Call;

/// A process: its program and arguments. No shell reads them.
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

    /// The arguments, without the program.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// The complaint of a call whose socket's path is not in the file that should publish it.
pub const NO_SOCKET_PUBLISHED: &str = "muxboard: no socket path in";

/// The words of a call of tmux as a user of a host: directly, or by exactly what the documented sudoers line grants.
pub fn tmux_words(user: &User, call: &Call) -> Vec<String> {
    let mut words = through_sudo(user);
    match &user.socket {
        Socket::Default => words.extend(call.words(&[])),
        Socket::Name(name) => words.extend(call.words(&["-L", name])),
        Socket::Path(path) => words.extend(call.words(&["-S", path])),
        Socket::File(file) => {
            words.extend(call.words(&["-S"]));
            return published(user, file, words);
        }
    }
    words
}

fn through_sudo(user: &User) -> Vec<String> {
    if user.through_sudo { ["sudo", "-n", "-H", "-u", user.name.as_str(), "--"].map(String::from).into() } else { Vec::new() }
}

/// The words of a call of tmux on the socket whose path a file holds. The file is read as the user: a path that another account may not read is not
/// believed. The default path never takes its place.
fn published(user: &User, file: &str, mut words: Vec<String>) -> Vec<String> {
    let read = Script::command(&["head", "-c", &SOCKET_FILE_BYTES_MAX.to_string(), file]);
    let read = if user.through_sudo { Script::command(&shell_words(user, &read, "probe")) } else { read };
    let after = words.iter().position(|w| w == "-S").map_or(words.len(), |at| at + 1);
    let rest = words.split_off(after);
    let complaint = Script::command(&["printf", "%s %s\\n", NO_SOCKET_PUBLISHED, file]);
    let script = Script::with_published(&read, &Script::command(&words), &Script::command(&rest), &complaint);
    ["sh", "-c", script.as_str()].map(String::from).into()
}

/// The words of a shell as a user, its input and output ours. `probe` is a plain word: calls of one user at the same moment need different ones.
pub(crate) fn shell_words(user: &User, script: &Script, probe: &str) -> Vec<String> {
    if !user.through_sudo {
        return ["sh", "-c", script.as_str()].map(String::from).into();
    }
    // Only tmux is granted, and it can run a command: with a server of its own that ends at once, so that no configuration is loaded.
    let probe = format!("muxboard-{probe}");
    let mut words = through_sudo(user);
    words.extend(["tmux", "-L", &probe, "-f", "/dev/null", "-c", Script::and_no_probe(script, &probe).for_login_shell().as_str()].map(String::from));
    words
}

/// The user with a throwaway tmux server in the place of the user's own, for a check. Its calls need [`Call::without_configuration`], and it is removed by
/// [`end_throwaway`].
pub fn throwaway(user: &User, probe: &str) -> User {
    User { socket: Socket::Name(format!("muxboard-{probe}")), ..user.clone() }
}

/// The script that removes the socket of a [`throwaway`] server, after killing its process if that still runs.
pub fn end_throwaway(user: &User, probe: &str, server_pid: Option<u32>) -> Script {
    let kill = server_pid.map_or_else(|| Script::command(&["true"]), |pid| Script::command(&["kill", "-9", &pid.to_string()]));
    Script::command(&shell_words(user, &Script::and_no_probe(&kill, &format!("muxboard-{probe}")), probe))
}

/// The process of a call of tmux as a user of this machine.
pub fn local(user: &User, call: &Call) -> Argv {
    Argv::new(tmux_words(user, call))
}

/// The process of a script on this machine, and the input of its shell. The script's mark comes as the environment variable `M`, which other accounts
/// cannot read. A script as long as [`SCRIPT_WORD_BYTES_MAX`], such as a look at about a hundred users, is read from that input.
pub fn local_script(script: &Script) -> (Argv, String) {
    let script = script.with_mark();
    let argv = |words: &str| Argv::new(vec!["sh".into(), "-c".into(), words.into()]);
    if script.as_str().len() < SCRIPT_WORD_BYTES_MAX { (argv(script.as_str()), String::new()) } else { (argv("eval \"$(cat)\""), script.to_string()) }
}

/// The process that runs a script on this machine, and its standard input, which is the whole script: no other account can read it among the arguments.
pub fn hidden_script(script: &Script) -> (Argv, String) {
    (Argv::new(["sh", "-c", "eval \"$(cat)\""].map(String::from).to_vec()), script.with_mark().to_string())
}

/// The process of these words on this machine.
pub fn words_here(words: Vec<String>) -> Argv {
    Argv::new(words)
}

/// Options of newer OpenSSH that would take the input, the command or the life of a process of ours, each with the value that leaves it alone. 8.4 knows none of them and
/// refuses what it does not know (`IgnoreUnknown` on the command line would take the place of the account's own); `ssh -G` names the ones that it knows.
const NEWER: [(&str, &str); 4] = [
    ("stdinnull", "StdinNull=no"),
    ("sessiontype", "SessionType=default"),
    ("forkafterauthentication", "ForkAfterAuthentication=no"),
    ("channeltimeout", "ChannelTimeout=none"),
];

/// Options of newer OpenSSH that the installed ssh knows and must be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overruled(Vec<&'static str>);

impl Overruled {
    /// Reads the output of [`resolve`].
    pub fn known_to(resolved: &str) -> Self {
        let is_known = |name: &str| resolved.lines().any(|line| line.split(' ').next() == Some(name));
        Self(NEWER.iter().filter(|(name, _)| is_known(name)).map(|(_, option)| *option).collect())
    }
}

/// The words that every ssh of ours begins with, whatever `ssh_config` says: nothing is forwarded, nothing runs here, nobody is asked on a terminal.
fn ssh(host: &Host, ssh: &Ssh, config: Option<&str>, control: &str, options: &[String]) -> Vec<String> {
    let mut words = vec!["ssh".to_owned()];
    if let Some(config) = config {
        words.extend(["-F".into(), config.into()]);
    }
    // ssh expands `%` in this path.
    words.extend(["-S".into(), control.replace('%', "%%")]);
    let mut option = |option: &str| words.extend(["-o".to_owned(), option.to_owned()]);
    for fixed in [
        "ControlPersist=no",
        "ClearAllForwardings=yes",
        "ExitOnForwardFailure=no",
        "Tunnel=no",
        "ForwardAgent=no",
        "ForwardX11=no",
        "PermitLocalCommand=no",
        "RemoteCommand=none",
    ] {
        option(fixed);
    }
    options.iter().for_each(|o| option(o));
    if let Some(file) = &ssh.identity_file {
        option("IdentitiesOnly=yes");
        words.extend(["-i".into(), file.clone()]);
    }
    if let Some(port) = ssh.port {
        words.extend(["-p".into(), port.to_string()]);
    }
    words.extend(["-l".into(), host.login.to_string()]);
    words
}

fn to(mut words: Vec<String>, ssh: &Ssh, command: Option<&str>) -> Argv {
    words.extend(["--".into(), ssh.address.to_string()]);
    words.extend(command.map(String::from));
    Argv::new(words)
}

/// The ssh that holds a connection others share (`-M`), for as long as its standard input is open. (A master without a command stays behind when we are
/// killed.) It runs a shell for our jobs or, for a connection that carries terminals alone, a cat. With `asks`, it may ask for a password or passphrase,
/// once.
pub fn master(host: &Host, to_host: &Ssh, config: Option<&str>, overruled: &Overruled, control: &str, asks: bool, shell: bool) -> Argv {
    let known = match to_host.host_keys {
        HostKeys::Strict => "yes",
        HostKeys::AcceptNew => "accept-new",
    };
    let mut options = vec![
        "ControlMaster=yes".to_owned(),
        // Less leaves out why sshd hung up, and its banner, in which PAM tells that an account is expired.
        "LogLevel=INFO".to_owned(),
        format!("ServerAliveInterval={ALIVE_SECONDS}"),
        format!("ServerAliveCountMax={ALIVE_COUNT}"),
        format!("ConnectTimeout={CONNECT_SECONDS_MAX}"),
        format!("StrictHostKeyChecking={known}"),
        // The lines a person should see are ours, not these.
        "VisualHostKey=no".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        format!("BatchMode={}", if asks { "no" } else { "yes" }),
        "NumberOfPasswordPrompts=1".to_owned(),
    ];
    options.extend(overruled.0.iter().map(|option| (*option).to_owned()));
    let mut words = ssh(host, to_host, config, control, &options);
    words.push("-T".into());
    to(words, to_host, Some(if shell { "exec sh -s" } else { "exec cat" }))
}

/// The ssh of a terminal on an existing connection. It never makes a connection itself.
pub fn terminal(host: &Host, to_host: &Ssh, config: Option<&str>, overruled: &Overruled, control: &str, script: &Script) -> Argv {
    on_connection(host, to_host, config, overruled, control, "-tt", script)
}

/// The ssh of a process without a terminal on an existing connection: its input and output are data.
pub fn data(host: &Host, to_host: &Ssh, config: Option<&str>, overruled: &Overruled, control: &str, script: &Script) -> Argv {
    on_connection(host, to_host, config, overruled, control, "-T", script)
}

fn on_connection(host: &Host, to_host: &Ssh, config: Option<&str>, overruled: &Overruled, control: &str, terminal: &str, script: &Script) -> Argv {
    let mut options = vec![
        "ControlMaster=no".to_owned(),
        // Of a connection that others share it would say that it is left.
        "LogLevel=ERROR".to_owned(),
        // Else `~C` typed in a browser opens forwards, and `~.` cuts the line.
        "EscapeChar=none".to_owned(),
        "BatchMode=yes".to_owned(),
        // Where sharing is refused, ssh would connect by itself.
        "ProxyCommand=false".to_owned(),
    ];
    options.extend(overruled.0.iter().map(|option| (*option).to_owned()));
    let mut words = ssh(host, to_host, config, control, &options);
    words.push(terminal.into());
    to(words, to_host, Some(script.for_login_shell().as_str()))
}

/// The process with its output redirected into a FIFO; its terminal has its input, size and complaints alone. ssh uses blocking writes on a terminal: on a
/// shared connection, one whose reader has stalled would hold up all others. It does not wait for a FIFO.
pub fn into_fifo(argv: Argv, fifo: &str) -> Argv {
    let mut words: Vec<String> = ["sh", "-c", "exec \"$@\" >\"$0\"", fifo].map(String::from).into();
    words.push(argv.program);
    words.extend(argv.arguments);
    Argv::new(words)
}

/// The process that runs until its input has ended, and [`HOLD_SECONDS_MAX`] longer.
pub fn holder() -> Argv {
    Argv::new(vec!["sh".into(), "-c".into(), format!("read -r never || exec sleep {HOLD_SECONDS_MAX}")])
}

/// The ssh that prints what `ssh_config` makes of a host, without connecting.
pub fn resolve(host: &Host, to_host: &Ssh, config: Option<&str>) -> Argv {
    let mut words = ssh(host, to_host, config, "none", &[]);
    words.push("-G".into());
    to(words, to_host, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::tests::host;
    use crate::inventory::Reach;

    fn words(argv: &Argv) -> Vec<&str> {
        argv.arguments().iter().map(String::as_str).collect()
    }

    #[test]
    fn the_destination_is_never_an_option() {
        let host = host(Some(2222));
        let Reach::Ssh(ssh) = &host.reach else { unreachable!() };
        let script = Script::command(&["true"]);
        let none = Overruled::default();
        for argv in [master(&host, ssh, None, &none, "/c", false, true), terminal(&host, ssh, Some("/x"), &none, "/c", &script), resolve(&host, ssh, None)] {
            let words = words(&argv);
            let dashes = words.iter().position(|w| *w == "--").unwrap();
            assert_eq!(words[dashes + 1], "web1");
            assert!(words.windows(2).any(|w| w == ["-p", "2222"]) && words.windows(2).any(|w| w == ["-l", "ops"]));
        }
    }

    #[test]
    fn a_terminal_has_no_escape_character_and_connects_nowhere_itself() {
        let host = host(None);
        let Reach::Ssh(ssh) = &host.reach else { unreachable!() };
        let argv = terminal(&host, ssh, None, &Overruled::default(), "/run/50%/c", &Script::command(&["true"]));
        let words = words(&argv);
        for option in ["EscapeChar=none", "ControlMaster=no", "ProxyCommand=false", "ClearAllForwardings=yes"] {
            assert!(words.windows(2).any(|w| w == ["-o", option]), "{option}");
        }
        assert!(words.windows(2).any(|w| w == ["-S", "/run/50%%/c"]));
    }

    #[test]
    fn options_of_newer_ssh_are_overruled_where_they_are_known_and_are_no_word_where_they_are_not() {
        let host = host(None);
        let Reach::Ssh(ssh) = &host.reach else { unreachable!() };
        let old = Overruled::known_to("user ops\nhostname web1\nport 22\n");
        assert_eq!(old, Overruled::default());
        let new = Overruled::known_to("sessiontype none\nstdinnull yes\nforkafterauthentication no\nhostname stdinnull\n");
        let script = Script::command(&["true"]);
        for argv in
            [master(&host, ssh, None, &new, "/c", false, true), terminal(&host, ssh, None, &new, "/c", &script), data(&host, ssh, None, &new, "/c", &script)]
        {
            let words = words(&argv);
            for option in ["SessionType=default", "StdinNull=no", "ForkAfterAuthentication=no"] {
                assert!(words.windows(2).any(|w| w == ["-o", option]), "{option}");
            }
            assert!(!words.iter().any(|w| w.starts_with("ChannelTimeout")));
        }
    }
}
