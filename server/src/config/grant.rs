//! A grant of the configuration: as written, then validated. What it names must be configured: a name that nothing has is a mistake, not a rule.

use super::text::{ConfigError, ConfigText};
use muxboard_core::inventory::Inventory;
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::policy::{Abilities, Ability, Among, Grant};
use serde::Deserialize;
use std::fmt;
use toml::Spanned;

/// In `users`: the account that the user map gives to whoever asks.
pub(super) const MAPPED: &str = "@mapped";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGrant {
    pub(super) who: Vec<String>,
    pub(super) hosts: Vec<Spanned<String>>,
    pub(super) users: Vec<Spanned<String>>,
    pub(super) can: Vec<Ability>,
}

pub(super) fn validate(text: &ConfigText<'_>, written: &Spanned<RawGrant>, inventory: &Inventory) -> Result<Grant, ConfigError> {
    let grant = written.get_ref();
    let hosts: Among<HostKey> = among(text, grant.hosts.iter())?;
    let mapped = grant.users.iter().any(|user| user.get_ref() == MAPPED);
    let users: Among<UnixUser> = among(text, grant.users.iter().filter(|user| user.get_ref() != MAPPED))?;
    if let Among::These(keys) = &hosts
        && let Some((_, written)) = keys.iter().zip(&grant.hosts).find(|(key, _)| inventory.host(key).is_none())
    {
        return Err(text.at(written, format!("there is no [[host]] with the key \"{}\"", written.get_ref())));
    }
    if let Among::These(users) = &users
        && let Some((_, at)) = users
            .iter()
            .zip(grant.users.iter().filter(|user| user.get_ref() != MAPPED))
            .find(|(user, _)| inventory.hosts.iter().all(|h| h.user(user).is_none()))
    {
        return Err(text.at(at, format!("no [[host]] has the user \"{}\"", at.get_ref())));
    }
    Ok(Grant { who: grant.who.clone(), hosts, users, mapped, can: Abilities::of(&grant.can), line: text.line(written.span().start) })
}

fn among<'a, T: std::str::FromStr>(text: &ConfigText<'_>, written: impl Iterator<Item = &'a Spanned<String>> + Clone) -> Result<Among<T>, ConfigError>
where
    T::Err: fmt::Display,
{
    if written.clone().any(|w| w.get_ref() == "*") {
        return Ok(Among::Any);
    }
    written.map(|w| text.parsed(w)).collect::<Result<_, _>>().map(Among::These)
}
