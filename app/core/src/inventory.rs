//! What is there to be shown: the configured hosts and, on each, the Unix users whose tmux we manage. Nothing outside it exists for us.

use crate::name::{HostKey, UnixUser};

/// Which tmux server of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Socket {
    /// tmux's own default.
    #[default]
    Default,
    /// `tmux -L NAME`.
    Name(String),
    /// `tmux -S PATH`.
    Path(String),
}

/// A Unix user on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub name: UnixUser,
    /// Reached through `sudo -n -H -u NAME tmux`, because we log in as somebody else.
    pub through_sudo: bool,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name in URLs.
    pub key: HostKey,
    /// Its name on the page.
    pub label: String,
    /// Where it is, in words.
    pub place: String,
    /// Whom we are there before any sudo.
    pub login: UnixUser,
    /// The users we manage, in the order of the page.
    pub users: Vec<User>,
    /// The tmux server of each of them.
    pub socket: Socket,
    /// Sessions whose names begin with these come first, in this order.
    pub order: Vec<String>,
}

impl Host {
    /// The managed user of that name.
    pub fn user(&self, name: &UnixUser) -> Option<&User> {
        self.users.iter().find(|u| u.name == *name)
    }

    /// The line of sudoers(5) that lets us reach a user of this host.
    pub fn sudoers_line(&self, user: &UnixUser) -> String {
        format!("{} ALL=({user}) NOPASSWD: /usr/bin/tmux", self.login)
    }
}

/// All hosts, in the order of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The hosts.
    pub hosts: Vec<Host>,
}

impl Inventory {
    /// The host of that key.
    pub fn host(&self, key: &HostKey) -> Option<&Host> {
        self.hosts.iter().find(|h| h.key == *key)
    }
}
