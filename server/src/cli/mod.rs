//! The command line: `muxboard`, `muxboard serve`, `muxboard check`, `muxboard sudoers`, `muxboard token new`, `muxboard explain`,
//! `muxboard hooks`, `muxboard audit`.

mod audit;
mod audit_table;
mod check;
mod explain;
mod hooks;
mod serve;
mod system;
mod token;

use crate::config::{Config, reload};
use audit::AuditCommand;
use clap::{Parser, Subcommand};
use hooks::HooksCommand;
use muxboard_fleet::{ASKPASS_SOCKET, askpass};
use serve::Serve;
use std::path::PathBuf;
use std::process::ExitCode;
use system::{hostname, listen_default, own_account, runtime, with_askpass};
use token::{TokenCommand, new_token};

/// Every tmux session of one machine or a whole fleet on one web page.
///
/// Without a command it serves this machine's sessions of your own account, on the loopback address, and prints a link that logs you in.
#[derive(Parser)]
#[command(name = "muxboard", version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a board
    Serve(Serve),
    /// Walk the way to every host and user, and say what is wrong and the line that mends it
    Check {
        /// The configuration; without one: this machine, your own sessions
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// This host alone, by its key
        host: Option<String>,
        /// This user of it alone
        user: Option<String>,
    },
    /// Print the file for /etc/sudoers.d that a host needs
    Sudoers {
        /// The configuration
        #[arg(short, long, value_name = "FILE")]
        config: PathBuf,
        /// The host, by its key
        host: String,
    },
    /// Make access tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Read an audit file
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What makes coding agents and shells say on the board how they are
    #[command(subcommand)]
    Hooks(HooksCommand),
    /// Say which rule decides what somebody may do on a host as a user
    Explain {
        /// The configuration
        #[arg(short, long, value_name = "FILE")]
        config: PathBuf,
        /// A group that the proxy vouches for; may be given several times
        #[arg(short, long, value_name = "GROUP")]
        group: Vec<String>,
        /// A token's name, or an identity
        who: String,
        /// The host, by its key
        host: String,
        /// The Unix account
        user: String,
    },
}

impl CommandLine {
    /// Reads the command line, unless ssh started us to ask for a password: then that is all we do.
    pub fn from_environment() -> Option<Self> {
        system::keep_memory_closed();
        let Some(socket) = std::env::var_os(ASKPASS_SOCKET) else { return Some(Self::parse()) };
        let prompt = std::env::args().nth(1).unwrap_or_default();
        let answered = askpass(&socket, &prompt).unwrap_or(false);
        if answered { None } else { std::process::exit(1) }
    }

    /// Does what was asked.
    ///
    /// # Errors
    /// In words for the person at the terminal, on one line.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Some(Command::Token(TokenCommand::New { name, days })) => new_token(&name, days)?,
            Some(Command::Audit(audit)) => return audit.run(|config| reload::read(config, &own_account()?.0)),
            Some(Command::Hooks(hooks)) => hooks.run()?,
            Some(Command::Explain { config, group, who, host, user }) => {
                let allowed = explain::explain(&reload::read(&config, &own_account()?.0)?, &config, &who, group, &host, &user)?;
                return Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Some(Command::Sudoers { config, host }) => check::sudoers(&reload::read(&config, &own_account()?.0)?, &host)?,
            Some(Command::Check { config, json, host, user }) => {
                let own = own_account()?.0;
                let config = match config {
                    Some(path) => with_askpass(reload::read_trusted(&path, &own)?),
                    None => Config::default_for(&own, &hostname(), "", listen_default()),
                };
                let well = runtime()?.block_on(check::check(config, host.as_deref(), user.as_deref(), json))?;
                return Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Some(Command::Serve(serve)) => serve.run()?,
            None => self.serve.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
