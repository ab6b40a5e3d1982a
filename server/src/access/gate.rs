//! The gate: it decides who sent a request. Exactly one gate decides; a gate a file.

use super::caller::{Caller, Refusal, bearer};
use super::custom::{self, Authorize};
use super::peer::Source;
use super::proxy::ProxyGate;
use super::token::TokenGate;
use muxboard_core::policy::Principal;
use std::sync::Arc;

/// The gate of a board.
#[derive(Default)]
pub enum Gate {
    /// Nobody passes: the default of the library.
    #[default]
    Deny,
    /// Named bearer tokens.
    Token(TokenGate),
    /// A header set by an authenticating proxy.
    Proxy(ProxyGate),
    /// Whoever reaches it is `anyone`. For a board that nobody else can reach.
    Open,
    /// A gate of the embedder. If it fails, panics or takes too long, nobody passes.
    Custom(Arc<dyn Authorize>),
}

/// The name of whoever passes the open gate.
pub const ANYONE: &str = "anyone";

impl Gate {
    /// A gate of the embedder.
    pub fn custom(gate: impl Authorize) -> Self {
        Self::Custom(Arc::new(gate))
    }

    /// Who sent a request. Loopback is never an identity.
    pub(crate) async fn principal(&self, caller: &Caller, source: Source) -> Result<Principal, Refusal> {
        match self {
            Self::Deny => Err(Refusal::Unknown),
            Self::Token(gate) => match bearer(&caller.headers) {
                Some(token) => gate.of_token(token, source),
                None => gate.of_cookie(&caller.headers).ok_or(Refusal::Unknown),
            },
            Self::Proxy(gate) => gate.principal(caller),
            Self::Open => Ok(Principal::named(ANYONE)),
            Self::Custom(gate) => custom::ask(gate, caller).await.ok_or(Refusal::Unknown),
        }
    }

    /// Asks again who sent the request that opened a connection. Nothing is counted: it is no new login attempt.
    pub(crate) async fn revalidate(&self, caller: &Caller) -> Option<Principal> {
        match self {
            Self::Token(gate) => match bearer(&caller.headers) {
                Some(token) => gate.find(token).map(|known| Principal::named(known.name.clone())),
                None => gate.of_cookie(&caller.headers),
            },
            Self::Deny | Self::Proxy(_) | Self::Open | Self::Custom(_) => self.principal(caller, Source::Unknown).await.ok(),
        }
    }

    /// Takes the logins and failure counts of the gate that this one replaces.
    pub(crate) fn inherit_sessions(&mut self, old: &Self) {
        if let (Self::Token(new), Self::Token(old)) = (self, old) {
            new.inherit_sessions(old);
        }
    }

    /// Its name, as in the configuration.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Token(_) => "token",
            Self::Proxy(_) => "proxy",
            Self::Open => "open",
            Self::Custom(_) => "own",
        }
    }
}
