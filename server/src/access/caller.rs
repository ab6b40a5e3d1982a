//! What a request brings to a gate, and why a gate lets nobody in.

use crate::access::peer::{Peer, Source};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use ipnet::IpNet;

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
    pub(super) headers: HeaderMap,
    pub(super) peer: Peer,
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
