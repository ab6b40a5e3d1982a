//! Who asks. Exactly one gate decides; a gate a file.

pub(crate) mod lockout;
pub(crate) mod own;
pub(crate) mod proxy;
pub(crate) mod token;
pub(crate) mod user_map;

use crate::peer::{Peer, Source};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use ipnet::IpNet;
use muxboard_core::policy::Principal;
use own::Authorize;
use proxy::ProxyGate;
use std::sync::Arc;
use token::TokenGate;

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
    /// The embedder's own. If it fails, panics or takes too long, nobody passes.
    Own(Arc<dyn Authorize>),
}

/// The name of whoever passes the open gate.
pub const ANYONE: &str = "anyone";

/// Why somebody does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody we know: 401.
    Unknown,
    /// Too many failed tries from there: 429.
    Locked,
    /// The proxy's identity is in no line of the user map: 403.
    NotMapped(String),
}

impl Refusal {
    /// Its words in the audit.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "denied: not authenticated",
            Self::Locked => "denied: too many failures",
            Self::NotMapped(_) => "denied: identity not mapped",
        }
    }

    /// Who was refused, if anybody was identified.
    pub(crate) fn identity(&self) -> &str {
        if let Self::NotMapped(identity) = self { identity } else { "" }
    }
}

/// What a request brings to a gate.
#[derive(Debug, Clone)]
pub struct Caller {
    headers: HeaderMap,
    peer: Peer,
}

impl Caller {
    pub(crate) fn of(request: &Request) -> Self {
        Self { headers: request.headers().clone(), peer: Peer::of(request) }
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The other end of its connection.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    pub(crate) fn source(&self, trusted: &[IpNet]) -> Source {
        Source::of(self.peer, &self.headers, trusted)
    }
}

impl Gate {
    /// The embedder's own gate.
    pub fn own(gate: impl Authorize) -> Self {
        Self::Own(Arc::new(gate))
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
            Self::Own(gate) => own::ask(gate, caller).await.ok_or(Refusal::Unknown),
        }
    }

    /// Who a request would be now, for a connection that it opened. Nothing is counted: it is no new try.
    pub(crate) async fn still(&self, caller: &Caller) -> Option<Principal> {
        match self {
            Self::Token(gate) => match bearer(&caller.headers) {
                Some(token) => gate.find(token).map(|known| Principal::named(known.name.clone())),
                None => gate.of_cookie(&caller.headers),
            },
            Self::Deny | Self::Proxy(_) | Self::Open | Self::Own(_) => self.principal(caller, Source::Unknown).await.ok(),
        }
    }

    /// What outlives a change of the configuration.
    pub(crate) fn take_over(&mut self, old: &Self) {
        if let (Self::Token(new), Self::Token(old)) = (self, old) {
            new.take_over(old);
        }
    }

    /// Its name, as in the configuration.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Token(_) => "token",
            Self::Proxy(_) => "proxy",
            Self::Open => "open",
            Self::Own(_) => "own",
        }
    }
}

/// The token of `Authorization: Bearer TOKEN`, if there is exactly one such header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        // Two answers to one question: neither counts, and the cookie is not asked either.
        return Some("");
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
