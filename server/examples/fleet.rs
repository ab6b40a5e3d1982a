//! Two machines over ssh, and who may do what on them, in plain code.
//!
//! ```sh
//! MUXBOARD_TOKEN=... WEB2_PASSWORD=... cargo run --release --example fleet
//! ```
//!
//! The connections are OpenSSH's: `~/.ssh/config`, agents, jump hosts and known hosts count. On each machine `ops` needs a line of sudoers for
//! `deploy`: `ops ALL=(deploy) NOPASSWD: /usr/bin/tmux`.

use anyhow::Context;
use muxboard::inventory::{Host, HostKeys, Inventory, Reach, Secret, Socket, Ssh, User};
use muxboard::policy::{Abilities, Ability, Among, Grant, Policy};
use muxboard::{ASKPASS_SOCKET, AllowedHosts, Gate, Muxboard, NamedToken, SshSettings, TokenGate, askpass};
use std::io::Write;
use std::net::SocketAddr;

fn inventory() -> anyhow::Result<Inventory> {
    let web = |number: u8, password: Option<Secret>| -> anyhow::Result<Host> {
        Ok(Host {
            key: format!("web{number}").parse()?,
            label: format!("Web {number}"),
            reach: Reach::Ssh(Ssh {
                address: format!("web{number}.internal").parse()?,
                port: None,
                identity_file: None,
                host_keys: HostKeys::Strict,
                password,
                passphrase: None,
            }),
            login: "ops".parse()?,
            users: vec![
                User { name: "ops".parse()?, through_sudo: false, socket: Socket::Default },
                User { name: "deploy".parse()?, through_sudo: true, socket: Socket::Default },
            ],
            order: vec!["agent".into()],
            tags: vec!["prod".into()],
        })
    };
    // A key or an agent for the one, a password for the other: its variable is named here, never the password.
    Ok(Inventory { hosts: vec![web(1, None)?, web(2, Some(Secret::Variable("WEB2_PASSWORD".into())))?] })
}

fn policy() -> anyhow::Result<Policy> {
    let grant = |who: &str, hosts, users, can: &[Ability]| Grant { who: vec![who.into()], hosts, users, mapped: false, can: Abilities::of(can), line: 0 };
    Ok(Policy {
        grants: vec![
            grant("ops", Among::Any, Among::Any, &[Ability::Type, Ability::Create, Ability::Kill]),
            // A screen on the wall: it shows what deploy does on the first machine, and nobody can type there.
            grant("wall", Among::These(vec!["web1".parse()?]), Among::These(vec!["deploy".parse()?]), &[Ability::Watch]),
        ],
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // ssh asks for a password by starting this program again (the setting askpass below): then that is all it does.
    if let Some(socket) = std::env::var_os(ASKPASS_SOCKET) {
        let answered = askpass(&socket, &std::env::args().nth(1).unwrap_or_default())?;
        std::process::exit(if answered { 0 } else { 1 });
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8088").await?;
    let port = listener.local_addr()?.port();
    let mut tokens = vec![NamedToken::new("ops", &std::env::var("MUXBOARD_TOKEN").context("MUXBOARD_TOKEN: 16 characters or more")?)];
    tokens.extend(std::env::var("WALL_TOKEN").ok().map(|token| NamedToken::new("wall", &token)));
    let board = Muxboard::builder(inventory()?)
        .policy(policy()?)
        .gate(Gate::Token(TokenGate::new(tokens, port)))
        .allowed_hosts(AllowedHosts::loopback(port))
        .ssh(SshSettings { askpass: std::env::current_exe().ok(), ..SshSettings::default() })
        .build()?;
    writeln!(std::io::stdout(), "fleet: http://127.0.0.1:{port}/")?;
    axum::serve(listener, board.into_router().into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
