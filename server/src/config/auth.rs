//! The gate of the configuration: as written, then validated.

use super::text::{ConfigError, ConfigText};
use crate::access::gate::Gate;
use crate::access::proxy::ProxyGate;
use crate::access::token::{NamedToken, TokenGate, sha256};
use crate::access::user_map::UserMap;
use axum::http::HeaderName;
use ipnet::IpNet;
use muxboard_core::limits::{IDENTITY_BYTES_MAX, TOKEN_CHARS_MIN};
use muxboard_core::name::{Piece, pieces};
use muxboard_core::snapshot::UnixSeconds;
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::value::Datetime;

/// The chosen gate.
pub enum GateChoice {
    /// Nobody.
    Deny,
    /// These tokens.
    Token(Vec<NamedToken>),
    /// What a proxy says.
    Proxy(ProxyGate),
    /// Whoever reaches it.
    Open,
}

impl fmt::Debug for GateChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny => f.write_str("Deny"),
            Self::Token(tokens) => f.debug_list().entries(tokens.iter().map(|t| &t.name)).finish(),
            Self::Proxy(_) => f.write_str("Proxy"),
            Self::Open => f.write_str("Open"),
        }
    }
}

impl GateChoice {
    /// The gate of a board on that port.
    pub(super) fn gate(&self, port: u16, https_only: bool, base: &str) -> Gate {
        match self {
            Self::Deny => Gate::Deny,
            Self::Token(tokens) if https_only => Gate::Token(TokenGate::new(tokens.clone(), port).secure(base)),
            Self::Token(tokens) => Gate::Token(TokenGate::new(tokens.clone(), port)),
            Self::Proxy(gate) => Gate::Proxy(gate.clone()),
            Self::Open => Gate::Open,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuth {
    pub(super) gate: Spanned<String>,
    #[serde(default)]
    pub(super) token: Vec<RawToken>,
    pub(super) proxy: Option<Spanned<RawProxy>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProxy {
    pub(super) header: Option<Spanned<String>>,
    pub(super) groups_header: Option<Spanned<String>>,
    pub(super) groups_separator: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) trusted: Vec<Spanned<String>>,
    pub(super) secret_header: Option<Spanned<String>>,
    pub(super) secret_file: Option<Spanned<String>>,
    pub(super) user_map: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) system_users: Vec<String>,
}

impl RawProxy {
    /// Whether it says more than which proxies are believed about a client's address.
    pub(super) fn is_gate(&self) -> bool {
        [&self.header, &self.groups_header, &self.groups_separator, &self.secret_header, &self.secret_file, &self.user_map].iter().any(|key| key.is_some())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawToken {
    pub(super) name: Spanned<String>,
    pub(super) sha256: Spanned<String>,
    pub(super) expires: Option<Spanned<toml::value::Datetime>>,
}

/// The gate, and the proxies that are believed about a client's address.
pub(super) fn validate(text: &ConfigText<'_>, auth: Option<&RawAuth>) -> Result<(GateChoice, Vec<IpNet>), ConfigError> {
    let Some(auth) = auth else { return Ok((GateChoice::Deny, Vec::new())) };
    let proxies = match &auth.proxy {
        Some(proxy) => proxy.get_ref().trusted.iter().map(|net| a_net(text, net)).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let gate = match (auth.gate.get_ref().as_str(), &auth.proxy) {
        ("proxy", Some(written)) => GateChoice::Proxy(proxy(text, written, proxies.clone())?),
        ("proxy", None) => return Err(text.at(&auth.gate, "the proxy gate needs [auth.proxy] with header = \"X-..\" and trusted = [\"ADDRESS/BITS\"]")),
        (_, Some(written)) if written.get_ref().is_gate() => {
            return Err(text.at(written, "[auth.proxy] has a meaning beyond trusted only with gate = \"proxy\": name one gate"));
        }
        ("deny", _) => GateChoice::Deny,
        ("open", _) => GateChoice::Open,
        ("token", _) if auth.token.is_empty() => {
            return Err(text.at(&auth.gate, "the token gate needs at least one [[auth.token]]; make one with: muxboard token new NAME"));
        }
        ("token", _) => GateChoice::Token(auth.token.iter().map(|t| token(text, t)).collect::<Result<_, _>>()?),
        _ => return Err(text.at(&auth.gate, "gate must be \"token\", \"proxy\", \"open\" or \"deny\"")),
    };
    Ok((gate, proxies))
}

/// A network, or one address.
fn a_net(text: &ConfigText<'_>, net: &Spanned<String>) -> Result<IpNet, ConfigError> {
    let one = || net.get_ref().parse::<IpAddr>().ok().map(IpNet::from);
    net.get_ref().parse().ok().or_else(one).ok_or_else(|| text.at(net, "trusted is a list of networks, for example \"127.0.0.1/32\""))
}

/// What a token may be called. Its name stands in the log and in the audit, and in a grant's `who`, where `*` and `group:..` mean something else.
pub(crate) fn token_name(name: &str) -> Result<(), String> {
    let shows = matches!(pieces(name).as_slice(), [Piece::Text(_)]) && name.len() <= IDENTITY_BYTES_MAX && !name.contains(['"', '\\']);
    if shows && name != "*" && !name.starts_with("group:") {
        return Ok(());
    }
    Err(format!("a token's name is plain text of 1 to {IDENTITY_BYTES_MAX} bytes without quotes, and not \"*\" or \"group:..\""))
}

fn token(text: &ConfigText<'_>, token: &RawToken) -> Result<NamedToken, ConfigError> {
    token_name(token.name.get_ref()).map_err(|says| text.at(&token.name, says))?;
    let hex = token.sha256.get_ref();
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(|i| hex.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect();
    let hash = bytes
        .and_then(|b| b.try_into().ok())
        .ok_or_else(|| text.at(&token.sha256, "sha256 must be 64 hexadecimal digits, as printed by: muxboard token new NAME"))?;
    if hash == sha256("") {
        return Err(text.at(&token.sha256, "this is the hash of the empty text"));
    }
    let expires = match &token.expires {
        None => None,
        Some(when) => {
            Some(seconds(when.get_ref()).ok_or_else(|| text.at(when, "expires is a day (2027-01-31: the end of it, UTC) or a moment (2027-01-31T12:00:00Z)"))?)
        }
    };
    Ok(NamedToken { name: token.name.get_ref().clone(), sha256: hash, expires })
}

/// A moment, or the end of a day in UTC.
fn seconds(when: &Datetime) -> Option<UnixSeconds> {
    let date: jiff::civil::Date = when.date?.to_string().parse().ok()?;
    let moment = match (when.time, when.offset) {
        (None, None) => date.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(),
        (Some(_), Some(_)) => when.to_string().parse::<jiff::Timestamp>().ok()?,
        // A time of day somewhere unnamed is no moment.
        _ => return None,
    };
    u64::try_from(moment.as_second()).ok()
}

fn proxy(text: &ConfigText<'_>, written: &Spanned<RawProxy>, trusted: Vec<IpNet>) -> Result<ProxyGate, ConfigError> {
    let proxy = written.get_ref();
    let Some(header) = &proxy.header else { return Err(text.at(written, "which header holds the identity? Say header = \"X-authentik-username\"")) };
    let secret = match (&proxy.secret_header, &proxy.secret_file) {
        (None, None) => None,
        (Some(name), Some(file)) => Some((header_name(text, name)?, secret(text, file)?)),
        (Some(one), None) | (None, Some(one)) => return Err(text.at(one, "secret_header and secret_file belong together: name both")),
    };
    let map = match &proxy.user_map {
        None => None,
        Some(path) => Some(UserMap::read(&absolute(text, path, "user_map")?, &proxy.system_users).map_err(|says| text.at(path, says))?),
    };
    let gate = ProxyGate {
        header: header_name(text, header)?,
        groups_header: proxy.groups_header.as_ref().map(|name| header_name(text, name)).transpose()?,
        groups_separator: proxy.groups_separator.as_ref().map_or(Ok(','), |separator| one_character(text, separator))?,
        trusted,
        secret,
        map,
    };
    Ok(gate)
}

fn one_character(text: &ConfigText<'_>, separator: &Spanned<String>) -> Result<char, ConfigError> {
    let mut characters = separator.get_ref().chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if one.is_ascii_punctuation() => Ok(one),
        _ => Err(text.at(separator, "groups_separator is the one sign that stands between two groups: \",\" or \"|\"")),
    }
}

fn header_name(text: &ConfigText<'_>, name: &Spanned<String>) -> Result<HeaderName, ConfigError> {
    let reserved = ["host", "origin", "cookie", "authorization", "x-forwarded-for"];
    match HeaderName::from_bytes(name.get_ref().as_bytes()) {
        Ok(header) if header.as_str().contains('_') => {
            Err(text.at(name, "a header with '_' in its name is read as '-' by some proxies and dropped by others: name one without"))
        }
        Ok(header) if reserved.contains(&header.as_str()) => Err(text.at(name, format!("{header} has a meaning of its own: name another header"))),
        Ok(header) => Ok(header),
        Err(_) => Err(text.at(name, "this is not the name of a header")),
    }
}

/// The hash of what a file holds on its first line. Others must not be able to read it.
fn secret(text: &ConfigText<'_>, file: &Spanned<String>) -> Result<[u8; 32], ConfigError> {
    let path = absolute(text, file, "secret_file")?;
    let says = |says: String| text.at(file, says);
    let read = muxboard_fleet::private_file(&path, IDENTITY_BYTES_MAX).map_err(says)?;
    let line = read.strip_suffix('\n').unwrap_or(&read);
    if line.len() < TOKEN_CHARS_MIN || line.contains(char::is_control) {
        return Err(text.at(file, format!("the secret must be one line of at least {TOKEN_CHARS_MIN} characters; make one with: openssl rand -hex 32")));
    }
    Ok(sha256(line))
}

fn absolute(text: &ConfigText<'_>, path: &Spanned<String>, what: &str) -> Result<PathBuf, ConfigError> {
    if path.get_ref().starts_with('/') { Ok(Path::new(path.get_ref()).to_owned()) } else { Err(text.at(path, format!("{what} must be an absolute path"))) }
}
