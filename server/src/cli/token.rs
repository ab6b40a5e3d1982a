//! `muxboard token new`: a fresh token, and the lines of configuration that let it in.

use crate::access::token::{random_hex, sha256};
use crate::config::token_name;
use clap::Subcommand;
use std::io::Write;

/// Make access tokens
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Print a new token and the lines of configuration that let it in
    New {
        /// Its name: what the board calls whoever uses it
        name: String,
        /// It is good for so many days; without this, until it is taken out of the configuration
        #[arg(long)]
        days: Option<u16>,
    },
}

pub(super) fn new_token(name: &str, days: Option<u16>) -> anyhow::Result<()> {
    token_name(name).map_err(anyhow::Error::msg)?;
    let token = random_hex();
    let hash: String = sha256(&token).iter().map(|b| format!("{b:02x}")).collect();
    let mut out = std::io::stdout();
    writeln!(out, "# Give this to whoever is \"{name}\"; it is shown only here:\n#   {token}\n[[auth.token]]\nname = \"{name}\"\nsha256 = \"{hash}\"")?;
    if let Some(days) = days {
        let last = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().checked_add(jiff::Span::new().days(days))?;
        writeln!(out, "expires = {last}")?;
    }
    Ok(())
}
