//! Who asks. Exactly one gate decides; a gate a file.

pub(crate) mod token;

use axum::http::{HeaderMap, header};
use muxboard_core::policy::Principal;
use token::TokenGate;

/// The gate of a board.
pub enum Gate {
    /// Nobody passes: the default of the library.
    Deny,
    /// Named bearer tokens.
    Token(TokenGate),
}

impl Gate {
    /// Who sent a request, from its own `Authorization` header or from the cookie of a login. Loopback is never an identity.
    pub(crate) fn principal(&self, headers: &HeaderMap) -> Option<Principal> {
        match self {
            Self::Deny => None,
            Self::Token(gate) => match bearer(headers) {
                Some(token) => gate.of_token(token),
                None => gate.of_cookie(headers),
            },
        }
    }

    /// Its name, as in the configuration.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Token(_) => "token",
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
