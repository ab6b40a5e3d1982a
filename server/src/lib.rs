//! The door of muxboard: URLs, identity, WebSockets, assets. A library first: [`Muxboard::builder`] makes a board that any axum application can
//! mount; the binary is that builder, fed from TOML.
//!
//! ```no_run
//! use muxboard::{AllowedHosts, Gate, Muxboard, NamedToken, TokenGate};
//! # async fn start(inventory: muxboard::Inventory, policy: muxboard::Policy) -> std::io::Result<()> {
//! let token = NamedToken::new("ops", &std::env::var("MUXBOARD_TOKEN").unwrap_or_default());
//! let board = Muxboard::builder(inventory).policy(policy).gate(Gate::Token(TokenGate::new(vec![token], 8088))).allowed_hosts(AllowedHosts::loopback(8088)).build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8088").await?;
//! axum::serve(listener, board.into_router()).await
//! # }
//! ```
#![recursion_limit = "512"] // a view is one nested type

mod access;
mod audit;
mod board;
mod board_port;
pub mod cli;
pub mod config;
mod error;
mod http;
mod log_limiter;
mod state;

pub use access::allowed_hosts::AllowedHosts;
pub use access::caller::Caller;
pub use access::custom::{Authorize, Authorized};
pub use access::gate::{ANYONE, Gate};
pub use access::peer::Peer;
pub use access::proxy::ProxyGate;
pub use access::rules::Rules;
pub use access::token::{NamedToken, TokenGate, random_hex, sha256};
pub use access::user_map::UserMap;
pub use audit::{AuditFile, AuditSettings, Fsync};
pub use board::{Builder, Handle, Muxboard};
pub use http::forms::functions;
pub use http::listen::{Listen, TlsFiles};
pub use http::routes::{Access, routes};
pub use muxboard_core::audit::AuditEvent;
pub use muxboard_core::inventory::Inventory;
pub use muxboard_core::policy::{Policy, Principal};
pub use muxboard_fleet::{ASKPASS_SOCKET, AttachLimits, SshSettings, askpass};

/// What an inventory is made of.
pub mod inventory {
    pub use muxboard_core::inventory::{Host, HostKeys, Inventory, Reach, Secret, Socket, Ssh, User};
    pub use muxboard_core::name::{Address, HostKey, UnixUser};
}

/// What a policy is made of.
pub mod policy {
    pub use muxboard_core::policy::{Abilities, Ability, Among, Grant, Policy, Principal};
}
