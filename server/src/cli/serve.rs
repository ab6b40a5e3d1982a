//! `muxboard serve`: a board from a configuration, or of this machine alone, until a signal ends it.

use super::system::{hostname, listen_default, own_account, runtime, with_askpass};
use crate::access::token::random_hex;
use crate::audit::AuditFile;
use crate::board::Muxboard;
use crate::config::{Config, reload};
use crate::http::assets;
use crate::http::listen::Listener;
use anyhow::bail;
use clap::Args;
use muxboard_core::limits::{DESCRIPTORS, SHUT_DOWN_SECONDS_MAX};
use muxboard_core::name::UnixUser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub(super) struct Serve {
    /// The configuration; without one: this machine, your own sessions, a fresh token
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, without a configuration
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "config")]
    listen: Option<SocketAddr>,
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

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (own, root) = own_account()?;
        let mut token = None;
        let read_as = self.config.as_deref().and_then(reload::mark);
        let config = match &self.config {
            Some(path) => with_askpass(reload::read_trusted(path, &own)?),
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
    let listener = Listener::open(&config.listen, config.tls.as_ref(), config.connections).await.map_err(anyhow::Error::msg)?;
    let port = listener.address().map_or_else(|| config.public_port(), |address| address.port());
    let origin = config.origins.first().cloned().or_else(|| Some(format!("http://{}", listener.address()?))).unwrap_or_default();
    let link = format!("{origin}{}/{}", config.base, token.map(|t| format!("login#token={t}")).unwrap_or_default());
    let mut board = Muxboard::builder(config.inventory.clone())
        .rules(config.rules(port))
        .base(&config.base)
        .sweep(config.sweep)
        .attach(config.attach)
        .overtake(config.overtake)
        .requests_per_second(config.requests_per_second)
        .ssh(config.ssh.clone());
    if let Some(file) = audit {
        board = board.audit_file(file);
    }
    let board = board.build()?;
    if let Some((path, own, read_as)) = from {
        let source = reload::ConfigSource { path, own, read_as, port, listen: config.listen.clone(), certificate: listener.certificate() };
        tokio::spawn(reload::follow(source, config, board.handle()));
    }
    let (stop, handle) = (board.shutdown(), board.handle());
    let router = board.into_standalone_router();
    // Before anybody knows that it runs: a signal that came in between would be lost.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    {
        let mut out = std::io::stdout();
        writeln!(out, "muxboard: {link}")?;
        out.flush()?;
    }
    let (told, heard) = tokio::sync::watch::channel(false);
    let mut server = tokio::spawn(listener.serve(router, move |peer| handle.trusts(peer), heard));
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
