//! What is there to be shown: the configured hosts and, on each, the Unix users whose tmux we manage. Nothing outside it exists for us.

use crate::limits::SUDO_LOOKS_PER_MINUTE_MAX;
use crate::name::{Address, HostKey, UnixUser};

/// The tmux server of a user, by its socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Socket {
    /// tmux's own default.
    #[default]
    Default,
    /// `tmux -L NAME`.
    Name(String),
    /// `tmux -S PATH`.
    Path(String),
    /// `tmux -S` with the path that another tool wrote into this file, read as the user whose socket it is.
    File(String),
}

/// A Unix user on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The Unix account.
    pub name: UnixUser,
    /// True if the user is reached through `sudo -n -H -u NAME tmux`, because we log in as another account.
    pub through_sudo: bool,
    /// The user's tmux server.
    pub socket: Socket,
}

/// How ssh treats a host key that it does not know yet. A key that has changed is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKeys {
    /// An unknown key is refused: `StrictHostKeyChecking=yes`.
    #[default]
    Strict,
    /// An unknown key is learned: `StrictHostKeyChecking=accept-new`.
    AcceptNew,
}

/// Where a password or passphrase is kept. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In an environment variable of ours.
    Variable(String),
    /// In a file that only we may read.
    File(String),
    /// A systemd credential: a file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// A host over OpenSSH. `ssh_config` decides what is not set here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// A name that DNS or `ssh_config` knows, or an address.
    pub address: Address,
    /// The port of sshd; `None` leaves it to `ssh_config`.
    pub port: Option<u16>,
    /// The path of the private key; `None` leaves it to `ssh_config`.
    pub identity_file: Option<String>,
    /// How an unknown host key is treated.
    pub host_keys: HostKeys,
    /// Where the login's password is kept.
    pub password: Option<Secret>,
    /// Where the private key's passphrase is kept.
    pub passphrase: Option<Secret>,
}

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The host is this machine.
    Local,
    /// The host is reached over ssh.
    Ssh(Ssh),
}

/// A configured host and the users whose tmux is managed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The host's name in URLs.
    pub key: HostKey,
    /// The host's name on the page.
    pub label: String,
    /// How the host is reached.
    pub reach: Reach,
    /// The account that we log in as, before any sudo.
    pub login: UnixUser,
    /// The managed users, in the order of the page.
    pub users: Vec<User>,
    /// Prefixes of session names; sessions whose names begin with them come first, in this order.
    pub order: Vec<String>,
    /// Words by which the page's filter finds the host.
    pub tags: Vec<String>,
}

impl Host {
    /// This machine with the sessions of our own account alone.
    pub fn local(key: HostKey, own: &UnixUser) -> Self {
        let user = User { name: own.clone(), through_sudo: false, socket: Socket::Default };
        let label = key.to_string();
        Self { key, label, reach: Reach::Local, login: own.clone(), users: vec![user], order: Vec::new(), tags: Vec::new() }
    }

    /// The managed user of that name.
    pub fn user(&self, name: &UnixUser) -> Option<&User> {
        self.users.iter().find(|u| u.name == *name)
    }

    /// The host's address and tags, in words.
    pub fn place(&self) -> String {
        let place = match &self.reach {
            Reach::Local => "this machine".to_owned(),
            Reach::Ssh(ssh) => {
                // Without brackets a port would read as the end of an IPv6 address.
                let address = if ssh.address.as_str().contains(':') { format!("[{}]", ssh.address) } else { ssh.address.to_string() };
                format!("{}@{address}{}", self.login, ssh.port.map(|port| format!(":{port}")).unwrap_or_default())
            }
        };
        self.tags.iter().fold(place, |place, tag| place + " · " + tag)
    }

    /// The line of sudoers(5) that lets us reach a user of this host.
    pub fn sudoers_line(&self, user: &UnixUser) -> String {
        format!("{} ALL=({}) NOPASSWD: /usr/bin/tmux", in_sudoers(&self.login), in_sudoers(user))
    }

    /// A file for /etc/sudoers.d that lets us reach all users of the host.
    pub fn sudoers_fragment(&self) -> String {
        let lines: Vec<String> = self.users.iter().filter(|u| u.through_sudo).map(|u| self.sudoers_line(&u.name) + "\n").collect();
        let head = if lines.is_empty() {
            format!("# {} needs no sudo on {}: all its users are itself.\n", self.login, self.key)
        } else {
            format!("# On {}: {} runs tmux as these accounts, which is full control of them, and nothing else.\n", self.key, self.login)
                + "# As root there: visudo -cf FILE && install -m 0440 FILE /etc/sudoers.d/muxboard   (tmux elsewhere? Say its path: command -v tmux)\n"
        };
        if lines.is_empty() {
            return head;
        }
        head + &lines.concat() + &self.sudoers_quiet()
    }

    /// Lines, as comments, that keep looks out of sudo's log. A look begins with the words of [`format::call`](crate::tmux::format::call); no call that
    /// changes something does.
    fn sudoers_quiet(&self) -> String {
        let mut sockets: Vec<String> = Vec::new();
        for user in self.users.iter().filter(|user| user.through_sudo) {
            let socket = match &user.socket {
                Socket::Default => String::new(),
                Socket::Name(name) => format!("-L {name} "),
                Socket::Path(path) => format!(
                    "-S {} ",
                    path.chars().flat_map(|c| (!c.is_alphanumeric() && !"/._-".contains(c)).then_some('\\').into_iter().chain([c])).collect::<String>()
                ),
                Socket::File(_) => "-S * ".to_owned(),
            };
            let look = format!("/usr/bin/tmux -u {socket}display-message -p *");
            if !sockets.contains(&look) {
                sockets.push(look);
            }
        }
        format!(
            "# sudo logs each look at these accounts too: at most {SUDO_LOOKS_PER_MINUTE_MAX} a minute for each while somebody looks at it. These lines keep looks out of its \
             log; what is done stays in it:\n# Cmnd_Alias MUXBOARD_LOOKS = {}\n# Defaults!MUXBOARD_LOOKS !log_allowed\n",
            sockets.join(", ")
        )
    }
}

/// A name as sudoers(5) reads it. In capitals alone it would be an alias, so it is quoted; a character that ends or changes a word has a backslash
/// before it. (Between quotes sudo 1.9 reads two backslashes as two, and `\x41` as a letter.)
fn in_sudoers(user: &UnixUser) -> String {
    let alias = user.as_str().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if alias {
        return format!("\"{user}\"");
    }
    let special = |c: char| matches!(c, '\\' | ' ' | '@');
    user.as_str().chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// All hosts, in the order of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The hosts, in the order of the page.
    pub hosts: Vec<Host>,
}

impl Inventory {
    /// The host of that key.
    pub fn host(&self, key: &HostKey) -> Option<&Host> {
        self.hosts.iter().find(|h| h.key == *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_for_sudoers() {
        let written = |user: &str| in_sudoers(&user.parse().unwrap());
        for (user, want) in [
            ("ops", "ops"),
            ("OPS", "\"OPS\""),
            ("jane.doe@corp.example.com", "jane.doe\\@corp.example.com"),
            ("CORP\\jane", "CORP\\\\jane"),
            ("jane doe", "jane\\ doe"),
            ("web1$", "web1$"),
        ] {
            assert_eq!(written(user), want);
        }
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        let ssh = |address: &str, port| Ssh {
            address: address.parse().unwrap(),
            port,
            identity_file: None,
            host_keys: HostKeys::Strict,
            password: None,
            passphrase: None,
        };
        let mut host = Host::local("h".parse().unwrap(), &"ops".parse().unwrap());
        for (address, port, want) in [
            ("::1", Some(7822), "ops@[::1]:7822"),
            ("[::1]", Some(7822), "ops@[::1]:7822"),
            ("fe80::1%lo", None, "ops@[fe80::1%lo]"),
            ("web1", Some(22), "ops@web1:22"),
            ("10.0.0.1", None, "ops@10.0.0.1"),
        ] {
            host.reach = Reach::Ssh(ssh(address, port));
            assert_eq!(host.place(), want);
        }
    }
}
