//! The command line: `muxboard`, `muxboard serve`, `muxboard check`, `muxboard sudoers`, `muxboard token new`, `muxboard explain`,
//! `muxboard audit`.

use crate::audit::AuditFile;
use crate::audit::command::Audit;
use crate::config::{self, Config, LISTEN_DEFAULT};
use crate::listen::Doorway;
use crate::{ASKPASS_SOCKET, Muxboard, askpass, assets, doctor, explain, random_hex, reload, sha256};
use anyhow::{Context, anyhow, bail};
use clap::{Args, Parser, Subcommand};
use muxboard_core::limits::{DESCRIPTORS, SHUT_DOWN_SECONDS_MAX};
use muxboard_core::name::UnixUser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

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
    Token(Token),
    /// Read an audit file
    #[command(subcommand)]
    Audit(Audit),
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

#[derive(Args)]
struct Serve {
    /// The configuration; without one: this machine, your own sessions, a fresh token
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, without a configuration
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "config")]
    listen: Option<SocketAddr>,
}

#[derive(Subcommand)]
enum Token {
    /// Print a new token and the lines of configuration that let it in
    New {
        /// Its name: what the board calls whoever uses it
        name: String,
        /// It is good for so many days; without this, until it is taken out of the configuration
        #[arg(long)]
        days: Option<u16>,
    },
}

impl CommandLine {
    /// Reads the command line, unless ssh started us to ask for a password: then that is all we do.
    pub fn from_environment() -> Option<Self> {
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
            Some(Command::Token(Token::New { name, days })) => new_token(&name, days)?,
            Some(Command::Audit(audit)) => return audit.run(|config| reload::read(config, &own_account()?.0)),
            Some(Command::Explain { config, group, who, host, user }) => {
                let allowed = explain::explain(&reload::read(&config, &own_account()?.0)?, &config, &who, group, &host, &user)?;
                return Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Some(Command::Sudoers { config, host }) => doctor::sudoers(&reload::read(&config, &own_account()?.0)?, &host)?,
            Some(Command::Check { config, json, host, user }) => {
                let own = own_account()?.0;
                let config = match config {
                    Some(path) => with_askpass(reload::read(&path, &own)?),
                    None => Config::default_for(&own, &hostname(), "", listen_default()),
                };
                let well = runtime()?.block_on(doctor::check(config, host.as_deref(), user.as_deref(), json))?;
                return Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Some(Command::Serve(serve)) => serve.run()?,
            None => self.serve.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn new_token(name: &str, days: Option<u16>) -> anyhow::Result<()> {
    config::token_name(name).map_err(anyhow::Error::msg)?;
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

/// The account we run as, from the system's own records.
fn own_account() -> anyhow::Result<(UnixUser, bool)> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot tell who I am: /proc/self/status is not readable")?;
    let uid = status
        .lines()
        .find_map(|l| l.strip_prefix("Uid:"))
        .and_then(|l| l.split_whitespace().nth(1))
        .ok_or_else(|| anyhow!("cannot tell who I am"))?
        .to_owned();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let by_id = accounts
        .lines()
        .filter_map(|l| {
            let mut f = l.split(':');
            Some((f.next()?, f.nth(1)?))
        })
        .find(|(_, id)| *id == uid)
        .map(|(name, _)| name.to_owned());
    // Accounts of a directory service are not in the file; then the login's own word has to do.
    let name = by_id.or_else(|| std::env::var("USER").ok()).ok_or_else(|| anyhow!("the account with uid {uid} has no name here; set USER"))?;
    Ok((name.parse().map_err(|e| anyhow!("cannot work as \"{name}\": {e}"))?, uid == "0"))
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "this machine".into(), |h| h.trim().to_owned())
}

#[expect(clippy::expect_used, reason = "a constant")]
fn listen_default() -> SocketAddr {
    LISTEN_DEFAULT.parse().expect("the default address")
}

/// ssh asks for passwords by starting this very binary.
fn with_askpass(mut config: Config) -> Config {
    config.ssh.askpass = std::env::current_exe().ok();
    config
}

/// Takes as many open files as the kernel lets us have and we can use: the usual limit of 1024 is a few hundred hosts.
fn more_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    if limit.current.is_some_and(|current| current < most)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum })
    {
        tracing::warn!("more than {limit:?} open files are not to be had: {error}");
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")
}

impl Serve {
    fn run(self) -> anyhow::Result<()> {
        let (own, root) = own_account()?;
        let mut token = None;
        let read_as = self.config.as_deref().and_then(reload::mark);
        let config = match &self.config {
            Some(path) => with_askpass(reload::read(path, &own)?),
            None => {
                if root {
                    let mut err = std::io::stderr();
                    writeln!(err, "muxboard: running as root without a configuration: whoever has the link below is root on this machine.")?;
                }
                let fresh = random_hex();
                let listen = self.listen.unwrap_or_else(listen_default);
                if !listen.ip().is_loopback() {
                    bail!("{listen} is open to the network, and every key press would cross it in the clear; that needs a configuration (serve -c FILE)");
                }
                let config = Config::default_for(&own, &hostname(), &fresh, listen);
                token = Some(fresh);
                config
            }
        };
        if !assets::complete() {
            bail!("this binary was built without the page's files; build it with: make build");
        }
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("MUXBOARD_LOG").unwrap_or_else(|_| "info".into()))
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .init();
        more_descriptors();
        let path = self.config;
        let audit = config.audit.clone().map(AuditFile::open).transpose()?.map(Arc::new);
        let ended = runtime()?.block_on(serve(config, token, path.map(|path| (path, own, read_as)), audit.clone()));
        // The runtime is gone, and with it whatever had something to say.
        audit.inspect(|audit| audit.close());
        ended
    }
}

async fn serve(config: Config, token: Option<String>, from: Option<(PathBuf, UnixUser, reload::Mark)>, audit: Option<Arc<AuditFile>>) -> anyhow::Result<()> {
    let doorway = Doorway::open(&config.listen, config.tls.as_ref(), config.connections).await.map_err(anyhow::Error::msg)?;
    let port = doorway.address().map_or_else(|| config.public_port(), |address| address.port());
    let origin = config.origins.first().cloned().or_else(|| Some(format!("http://{}", doorway.address()?))).unwrap_or_default();
    let link = format!("{origin}{}/{}", config.base, token.map(|t| format!("login#token={t}")).unwrap_or_default());
    let board = Muxboard::builder(config.inventory.clone())
        .rules(config.rules(port))
        .base(&config.base)
        .sweep(config.sweep)
        .attach(config.attach)
        .overtake(config.overtake)
        .requests_per_second(config.requests_per_second)
        .ssh(config.ssh.clone())
        .audit(move |event| {
            audit.as_deref().inspect(|file| file.write(&event));
        })
        .build()?;
    if let Some((path, own, read_as)) = from {
        let source = reload::Source { path, own, read_as, port, listen: config.listen.clone(), certificate: doorway.certificate() };
        tokio::spawn(reload::follow(source, config, board.handle()));
    }
    let (stop, handle) = (board.stopper(), board.handle());
    let router = board.alone();
    {
        let mut out = std::io::stdout();
        writeln!(out, "muxboard: {link}")?;
        out.flush()?;
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (told, heard) = tokio::sync::watch::channel(false);
    let mut server = tokio::spawn(doorway.serve(router, move |peer| handle.trusts(peer), heard));
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; every session lives on");
    told.send_replace(true);
    // WebSockets are no longer the HTTP server's: it would not wait for them to hear why they end.
    let _ = tokio::time::timeout(Duration::from_secs(SHUT_DOWN_SECONDS_MAX), async { tokio::join!(stop, server) }).await;
    Ok(())
}
