//! `muxboard explain`: which rule decides what somebody may do somewhere.

use crate::access::gate::ANYONE;
use crate::config::{Config, GateChoice};
use anyhow::anyhow;
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::policy::{Abilities, Ability, Grant, Principal};
use std::io::Write;
use std::path::Path;

/// Prints what a principal may do on a host as a user, and why. True if it is anything.
///
/// # Errors
/// When there is no such host.
pub(crate) fn explain(config: &Config, path: &Path, who: &str, groups: Vec<String>, host: &str, user: &str) -> anyhow::Result<bool> {
    let known = || config.inventory.hosts.iter().map(|h| h.key.as_str()).collect::<Vec<_>>().join(", ");
    let key: HostKey = host.parse().map_err(|e| anyhow!("{e}"))?;
    let found = config.inventory.host(&key).ok_or_else(|| anyhow!("there is no host \"{key}\"; the configuration has: {}", known()))?;
    let user: UnixUser = user.parse().map_err(|e| anyhow!("{e}"))?;
    let mut out = std::io::stdout();
    let account = match &config.gate {
        GateChoice::Proxy(gate) => match &gate.map {
            Some(map) => match map.account(who) {
                Some(account) => Some(account.clone()),
                None => {
                    writeln!(out, "{who} passes nowhere: no line of the user map has this identity, whole and letter for letter.")?;
                    return Ok(false);
                }
            },
            None => None,
        },
        GateChoice::Token(tokens) if tokens.iter().all(|token| token.name != who) => {
            writeln!(out, "{who} passes nowhere: no [[auth.token]] has this name.")?;
            return Ok(false);
        }
        GateChoice::Token(tokens) if !tokens.iter().any(|token| token.name == who && token.is_good()) => {
            writeln!(out, "{who} passes nowhere: the token of this name has expired.")?;
            return Ok(false);
        }
        GateChoice::Open if who != ANYONE => {
            writeln!(out, "{who} is nobody: with the gate \"open\" whoever comes is \"{ANYONE}\".")?;
            return Ok(false);
        }
        GateChoice::Deny => {
            writeln!(out, "{who} passes nowhere: the gate is \"deny\".")?;
            return Ok(false);
        }
        _ => None,
    };
    if found.user(&user).is_none() {
        writeln!(out, "{user} is not among the users of {key}: whoever asks hears that there is no such user.")?;
        return Ok(false);
    }
    if let Some(account) = &account {
        writeln!(out, "{who} is mapped to {account}.")?;
    }
    let principal = Principal { name: who.to_owned(), groups, account };
    let deciding: Vec<&Grant> = config.policy.deciding(&principal, &key, &user).collect();
    for grant in &deciding {
        writeln!(out, "{}:{}: this [[grant]] allows {}", path.display(), grant.line, words(grant.can))?;
    }
    let all = config.policy.abilities(&principal, &key, &user);
    if deciding.is_empty() {
        writeln!(out, "No [[grant]] matches, so {who} may do nothing on {key} as {user}, and does not see it.")?;
    } else {
        writeln!(out, "{who} on {key} as {user}: {}", words(all))?;
    }
    Ok(all != Abilities::NONE)
}

fn words(can: Abilities) -> String {
    Ability::ALL.into_iter().filter(|ability| can.has(*ability)).map(Ability::word).collect::<Vec<_>>().join(", ")
}
