//! One machine, your own sessions, one token: the smallest board there is.
//!
//! ```sh
//! cargo run --release --example single      # prints a link that logs you in
//! ```

use anyhow::Context;
use muxboard::inventory::{Host, Inventory};
use muxboard::policy::{Abilities, Among, Grant, Policy};
use muxboard::{AllowedHosts, Gate, Muxboard, NamedToken, TokenGate, random_hex};
use std::io::Write;
use std::net::SocketAddr;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let own = std::env::var("USER").context("USER: whose sessions?")?.parse()?;
    let inventory = Inventory { hosts: vec![Host::local("local".parse()?, &own)] };
    let everything = Grant { who: vec!["me".into()], hosts: Among::Any, users: Among::Any, mapped: false, can: Abilities::ALL, line: 0 };

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8088").await?;
    let port = listener.local_addr()?.port();
    let token = random_hex();
    let board = Muxboard::builder(inventory)
        .policy(Policy { grants: vec![everything] })
        .gate(Gate::Token(TokenGate::new(vec![NamedToken::new("me", &token)], port)))
        .allowed_hosts(AllowedHosts::loopback(port))
        .build()?;
    writeln!(std::io::stdout(), "single: http://127.0.0.1:{port}/login#token={token}")?;
    // With the peer's address: failed logins are counted by where they come from.
    axum::serve(listener, board.into_router().into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
