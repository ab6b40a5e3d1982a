//! `muxboard check` and `muxboard sudoers`: the doctor's findings as a table or as JSON, and the file for sudo.

use crate::config::Config;
use anyhow::{anyhow, bail};
use muxboard_core::inventory::Host;
use muxboard_core::name::UnixUser;
use muxboard_fleet::{Doctor, Finding, Verdict};
use serde_json::json;
use std::io::Write;

fn find<'a>(config: &'a Config, key: &str) -> anyhow::Result<&'a Host> {
    config.inventory.hosts.iter().find(|h| h.key.as_str() == key).ok_or_else(|| {
        let known: Vec<&str> = config.inventory.hosts.iter().map(|h| h.key.as_str()).collect();
        anyhow!("there is no host \"{}\"; the configuration has: {}", key.escape_debug(), known.join(", "))
    })
}

/// Examines all hosts, one, or one user of one. True if all is well.
///
/// # Errors
/// When there is no such host or user.
pub(crate) async fn check(config: Config, host: Option<&str>, user: Option<&str>, as_json: bool) -> anyhow::Result<bool> {
    let hosts: Vec<&Host> = match host {
        Some(key) => vec![find(&config, key)?],
        None => config.inventory.hosts.iter().collect(),
    };
    let only: Option<UnixUser> = user.map(str::parse).transpose().map_err(|e| anyhow!("{e}"))?;
    if let (Some(only), Some(host)) = (&only, hosts.first())
        && host.user(only).is_none()
    {
        bail!("{only} is not among the users of {}", host.key);
    }
    let doctor = Doctor::new(&config.inventory, config.ssh.clone())?;
    let mut out = std::io::stdout();
    let mut all = Vec::new();
    for host in hosts {
        let findings = doctor.examine(host, only.as_ref()).await;
        if !as_json {
            writeln!(out, "{}", table(host, &findings))?;
        }
        all.extend(findings);
    }
    if as_json {
        let rows: Vec<_> = all
            .iter()
            .map(|f| json!({ "host": f.host, "user": f.user, "step": f.step, "verdict": word(f.verdict), "words": f.words, "mend": f.line }))
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
    } else {
        let bad = all.iter().filter(|f| f.verdict == Verdict::Bad).count();
        writeln!(out, "{}", if bad == 0 { "All is well.".to_owned() } else { format!("{bad} of {} steps do not work.", all.len()) })?;
    }
    Ok(all.iter().all(|f| f.verdict != Verdict::Bad))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "ok",
        Verdict::Note => "note",
        Verdict::Bad => "BAD",
    }
}

fn table(host: &Host, findings: &[Finding]) -> String {
    let mut out = format!("{}   {}   {}\n", host.key, host.label, host.place());
    for finding in findings {
        let step = finding.user.as_ref().map_or_else(|| finding.step.to_owned(), |user| format!("{user}: {}", finding.step));
        out += &format!("  {:<5}{:<24}{}\n", word(finding.verdict), step, finding.words);
        if let Some(line) = &finding.line {
            out += &format!("       {:<24}    {line}\n", "");
        }
    }
    out
}

/// Prints the file that lets a host's login reach its users.
///
/// # Errors
/// When there is no such host.
pub(crate) fn sudoers(config: &Config, host: &str) -> anyhow::Result<()> {
    write!(std::io::stdout(), "{}", find(config, host)?.sudoers_fragment())?;
    Ok(())
}
