//! A host of the configuration: as written, then validated. Nothing of it may look like an option to ssh or tmux, or hold what a shell would read.

use super::grant::MAPPED;
use super::text::{ConfigError, ConfigText, absolute, is_absolute};
use muxboard_core::inventory::{Host, HostKeys, Reach, Secret, Socket, Ssh, User};
use muxboard_core::name::{HostKey, UnixUser};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHost {
    pub(super) key: Spanned<String>,
    label: Option<Spanned<String>>,
    #[serde(default)]
    local: bool,
    users: Vec<Spanned<String>>,
    socket: Option<Spanned<String>>,
    socket_name: Option<Spanned<String>>,
    socket_file: Option<Spanned<String>>,
    #[serde(default)]
    user: BTreeMap<String, Spanned<RawUser>>,
    #[serde(default)]
    order: Vec<String>,
    #[serde(default)]
    tags: Vec<Spanned<String>>,
    address: Option<Spanned<String>>,
    port: Option<Spanned<i64>>,
    login: Option<Spanned<String>>,
    identity_file: Option<Spanned<String>>,
    host_key_policy: Option<Spanned<String>>,
    password_env: Option<Spanned<String>>,
    password_file: Option<Spanned<String>>,
    password_credential: Option<Spanned<String>>,
    passphrase_env: Option<Spanned<String>>,
    passphrase_file: Option<Spanned<String>>,
    passphrase_credential: Option<Spanned<String>>,
}

/// The first words of the board's own URLs.
const RESERVED: [&str; 4] = ["api", "assets", "fn", "ws"];

/// The settings of one user of a host.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUser {
    socket: Option<Spanned<String>>,
    socket_name: Option<Spanned<String>>,
    socket_file: Option<Spanned<String>>,
}

impl RawHost {
    /// # Errors
    /// The first mistake in it.
    pub(super) fn validate(&self, text: &ConfigText<'_>, own: &UnixUser, mapped: Option<&[UnixUser]>) -> Result<Host, ConfigError> {
        let key: HostKey = text.parsed(&self.key)?;
        if RESERVED.contains(&key.as_str()) {
            return Err(text.at(&self.key, format!("\"{key}\" begins other addresses of the board: name the host otherwise")));
        }
        let reach = self.reach(text)?;
        let login = match (&reach, &self.login) {
            (Reach::Local, Some(login)) => return Err(text.at(login, "login is for hosts over ssh; this machine is reached as the account that runs muxboard")),
            (Reach::Local, None) => own.clone(),
            (Reach::Ssh(_), Some(login)) => ssh_login(text, login)?,
            (Reach::Ssh(_), None) => return Err(text.at(&self.key, "as whom does ssh log in? Say login = \"ACCOUNT\"")),
        };
        let everyones = socket(text, &self.socket, &self.socket_name, &self.socket_file)?.unwrap_or_default();
        let (all_mapped, named): (Vec<_>, Vec<_>) = self.users.iter().partition(|user| user.get_ref() == MAPPED);
        let mut users = named.iter().map(|name| self.a_user(text, text.parsed(name)?, &login, &everyones)).collect::<Result<Vec<_>, _>>()?;
        if self.users.is_empty() {
            return Err(text.at(&self.key, "users is empty: name the Unix accounts whose sessions are to be shown"));
        }
        if let Some((i, _)) = users.iter().enumerate().find(|(i, u)| users.iter().take(*i).any(|other| other.name == u.name))
            && let Some(twice) = named.get(i)
        {
            return Err(text.at(twice, format!("the user \"{}\" is there already", twice.get_ref())));
        }
        // All accounts of the user map that are not named here already.
        if let Some(at) = all_mapped.first() {
            let Some(mapped) = mapped else {
                return Err(text.at(at, "\"@mapped\" is every account of the user map: it needs gate = \"proxy\" and auth.proxy.user_map"));
            };
            for account in mapped {
                if users.iter().all(|user| user.name != *account) {
                    users.push(self.a_user(text, account.clone(), &login, &everyones)?);
                }
            }
        }
        if let Some((name, written)) = self.user.iter().find(|(name, _)| users.iter().all(|u| u.name.as_str() != name.as_str())) {
            return Err(text.at(written, format!("\"{}\" is not among the users of this host", name.escape_debug())));
        }
        let label = match &self.label {
            Some(label) => plain(text, label, "label")?,
            None => key.to_string(),
        };
        let tags = self.tags.iter().map(|tag| plain(text, tag, "a tag")).collect::<Result<_, _>>()?;
        Ok(Host { label, key, reach, login, users, order: self.order.clone(), tags })
    }

    fn a_user(&self, text: &ConfigText<'_>, name: UnixUser, login: &UnixUser, everyones: &Socket) -> Result<User, ConfigError> {
        let own = self.user.get(name.as_str()).map(|user| {
            let user = user.get_ref();
            socket(text, &user.socket, &user.socket_name, &user.socket_file)
        });
        let socket = own.transpose()?.flatten().unwrap_or_else(|| everyones.clone());
        Ok(User { through_sudo: name != *login, name, socket })
    }

    fn reach(&self, text: &ConfigText<'_>) -> Result<Reach, ConfigError> {
        let Some(address) = &self.address else {
            let remote = [&self.identity_file, &self.host_key_policy, &self.password_env, &self.password_file, &self.password_credential];
            return match (self.local, remote.into_iter().flatten().next()) {
                (true, None) if self.port.is_none() => Ok(Reach::Local),
                (true, _) => {
                    Err(text
                        .at(&self.key, "this host is local = true: what is about ssh (port, identity_file, host_key_policy, password_..) has no meaning here"))
                }
                (false, _) => Err(text.at(&self.key, "where is it? Say address = \"NAME\" for a host over ssh, or local = true")),
            };
        };
        if self.local {
            return Err(text.at(address, "local = true and address are two answers to one question: name one"));
        }
        let port = match &self.port {
            None => None,
            Some(port) => Some(u16::try_from(*port.get_ref()).ok().filter(|p| *p > 0).ok_or_else(|| text.at(port, "port must be between 1 and 65535"))?),
        };
        let identity_file = match &self.identity_file {
            Some(path) => Some(below_home(text, path, "identity_file")?),
            None => None,
        };
        let host_keys = match self.host_key_policy.as_ref().map(|p| (p, p.get_ref().as_str())) {
            None | Some((_, "strict")) => HostKeys::Strict,
            Some((_, "accept-new")) => HostKeys::AcceptNew,
            Some((policy, _)) => return Err(text.at(policy, "host_key_policy must be \"strict\" or \"accept-new\"; a changed key is refused by both")),
        };
        let password = secret(text, "password", &self.password_env, &self.password_file, &self.password_credential)?;
        let passphrase = secret(text, "passphrase", &self.passphrase_env, &self.passphrase_file, &self.passphrase_credential)?;
        Ok(Reach::Ssh(Ssh { address: text.parsed(address)?, port, identity_file, host_keys, password, passphrase }))
    }
}

type Word = Option<Spanned<String>>;

fn secret(text: &ConfigText<'_>, what: &str, variable: &Word, file: &Word, credential: &Word) -> Result<Option<Secret>, ConfigError> {
    if let Some(second) = [variable, file, credential].into_iter().flatten().nth(1) {
        return Err(text.at(second, format!("the {what} is kept in two places: name one")));
    }
    let word = |written: &Spanned<String>| {
        let good = !written.get_ref().is_empty() && written.get_ref().bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if good && !written.get_ref().starts_with('.') {
            Ok(written.get_ref().clone())
        } else {
            Err(text.at(written, format!("this is the NAME of where the {what} is kept, never the {what} itself")))
        }
    };
    Ok(match (variable, file, credential) {
        (Some(name), ..) => Some(Secret::Variable(word(name)?)),
        (_, Some(path), _) => Some(Secret::File(absolute(text, path, "this file")?.to_owned())),
        (.., Some(name)) => Some(Secret::Credential(word(name)?)),
        _ => None,
    })
}

fn socket(text: &ConfigText<'_>, path: &Word, name: &Word, file: &Word) -> Result<Option<Socket>, ConfigError> {
    if let Some(second) = [path, name, file].into_iter().flatten().nth(1) {
        return Err(text.at(second, "socket, socket_name and socket_file are answers to one question: name one"));
    }
    Ok(match (path, name, file) {
        (Some(path), ..) => Some(Socket::Path(absolute(text, path, "socket")?.to_owned())),
        (_, Some(name), _) => {
            let plain = !name.get_ref().is_empty()
                && name.get_ref().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && !name.get_ref().starts_with(['-', '.']);
            if !plain {
                return Err(text.at(name, "socket_name must be letters, digits, '-', '_', '.'"));
            }
            Some(Socket::Name(name.get_ref().clone()))
        }
        (.., Some(path)) => Some(Socket::File(absolute(text, path, "socket_file")?.to_owned())),
        _ => None,
    })
}

/// A path that is absolute, or below the home directory of the account that runs muxboard.
fn below_home(text: &ConfigText<'_>, path: &Spanned<String>, what: &str) -> Result<String, ConfigError> {
    let path_below = path.get_ref().strip_prefix('~').unwrap_or(path.get_ref());
    if is_absolute(path_below) { Ok(path.get_ref().clone()) } else { Err(text.at(path, format!("{what} must be an absolute path"))) }
}

fn plain(text: &ConfigText<'_>, written: &Spanned<String>, what: &str) -> Result<String, ConfigError> {
    let label = written.get_ref();
    if label.trim().is_empty() || label.len() > 200 || label.contains(char::is_control) {
        return Err(text.at(written, format!("{what} must be one line of text, at most 200 bytes")));
    }
    Ok(label.clone())
}

/// The account that ssh logs in as. ssh hands its name to the shell of an operator's own `ProxyCommand` or `Match exec` (`%r`), and refuses such names itself only
/// since version 9.6 (CVE-2023-51385).
fn ssh_login(text: &ConfigText<'_>, login: &Spanned<String>) -> Result<UnixUser, ConfigError> {
    if login.get_ref().contains('\'') || login.get_ref().contains(" -") {
        return Err(text.at(login, "ssh takes no login with a quote, or with a blank before a '-'"));
    }
    text.parsed(login)
}
