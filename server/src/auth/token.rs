//! The token gate: named bearer tokens, kept as hashes. A program sends its token; a browser's login turns it into a cookie that holds a
//! random login id, never the token. All comparisons take the same time, whatever is wrong.

use axum::http::{HeaderMap, header};
use muxboard_core::limits::{LOGIN_HOURS, LOGINS_MAX, TOKEN_CHARS_MIN};
use muxboard_core::policy::Principal;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

type Hash = [u8; 32];

/// A token that may be used, by name and SHA-256. Tokens are random and long, so a fast hash is enough: there is nothing to guess.
#[derive(Clone)]
pub struct NamedToken {
    /// Its name: the principal's.
    pub name: String,
    /// Its hash.
    pub sha256: Hash,
}

/// The gate.
pub struct TokenGate {
    tokens: Vec<NamedToken>,
    cookie: String,
    secure: bool,
    logins: Mutex<HashMap<Hash, (Principal, Instant)>>,
}

impl TokenGate {
    /// A gate for these tokens. The cookie is named by the port, because browsers send a cookie to every port of a host.
    pub fn new(tokens: Vec<NamedToken>, port: u16) -> Self {
        Self { tokens, cookie: format!("muxboard_{port}"), secure: false, logins: Mutex::default() }
    }

    /// The board is reached by https alone: its cookie never travels in the clear.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.cookie = format!("__Secure-{}", self.cookie);
        self.secure = true;
        self
    }

    pub(crate) fn of_token(&self, token: &str) -> Option<Principal> {
        let hash = sha256(token);
        let mut found = None;
        for known in &self.tokens {
            // Every token is compared, and the result looked at only afterwards.
            if bool::from(known.sha256.ct_eq(&hash)) {
                found = Some(&known.name);
            }
        }
        let long_enough = token.len() >= TOKEN_CHARS_MIN;
        found.filter(|_| long_enough).map(|name| Principal { name: name.clone(), groups: Vec::new() })
    }

    pub(crate) fn of_cookie(&self, headers: &HeaderMap) -> Option<Principal> {
        // The map is keyed by the hash of the random id: how long a look-up takes says nothing about any id.
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let (principal, until) = logins.get(&sha256(self.cookie_value(headers)?))?;
        (*until > Instant::now()).then(|| principal.clone())
    }

    fn cookie_value<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// Logs a principal in: the value of `Set-Cookie`.
    pub(crate) fn log_in(&self, principal: Principal, base: &str) -> String {
        let id = random_hex();
        let life = Duration::from_secs(LOGIN_HOURS * 3600);
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        logins.retain(|_, (_, until)| *until > now);
        if logins.len() >= LOGINS_MAX
            && let Some(oldest) = logins.iter().min_by_key(|(_, (_, until))| *until).map(|(id, _)| *id)
        {
            logins.remove(&oldest);
        }
        logins.insert(sha256(&id), (principal, now + life));
        self.set_cookie(&id, base, life.as_secs())
    }

    /// Logs out whoever sent this: the value of `Set-Cookie` that forgets the cookie.
    pub(crate) fn log_out(&self, headers: &HeaderMap, base: &str) -> String {
        if let Some(id) = self.cookie_value(headers) {
            self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&sha256(id));
        }
        self.set_cookie("", base, 0)
    }

    fn set_cookie(&self, value: &str, base: &str, seconds: u64) -> String {
        format!("{}={value}; Path={}/; HttpOnly; SameSite=Strict; Max-Age={seconds}{}", self.cookie, base, if self.secure { "; Secure" } else { "" })
    }
}

/// The hash a token is kept as.
pub fn sha256(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// 256 fresh random bits in hexadecimal: a token, a login id.
///
/// # Panics
/// When the kernel gives no random bytes; nothing is safe then.
pub fn random_hex() -> String {
    let mut bytes = [0_u8; 32];
    #[expect(clippy::expect_used, reason = "the kernel's random source does not fail on a running system; a guessable token must never exist")]
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> TokenGate {
        TokenGate::new(vec![NamedToken { name: "ops".into(), sha256: sha256("a-token-of-20-chars-") }], 1)
    }

    #[test]
    fn only_the_whole_token_passes() {
        assert_eq!(gate().of_token("a-token-of-20-chars-").map(|p| p.name).as_deref(), Some("ops"));
        for wrong in ["", "a-token-of-20-chars", "A-TOKEN-OF-20-CHARS-", "a-token-of-20-chars--"] {
            assert_eq!(gate().of_token(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_login_lives_until_its_logout_and_is_not_the_token() {
        let gate = gate();
        let cookie = gate.log_in(gate.of_token("a-token-of-20-chars-").unwrap(), "/mux");
        assert!(cookie.starts_with("muxboard_1=") && cookie.contains("; Path=/mux/; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains("a-token"));
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("other=1; {}", cookie.split(';').next().unwrap()).parse().unwrap());
        assert!(gate.of_cookie(&headers).is_some());
        assert!(gate.log_in(Principal { name: "x".into(), groups: vec![] }, "").find("Secure").is_none());
        let secure = self::gate().secure().log_in(Principal { name: "x".into(), groups: vec![] }, "");
        assert!(secure.starts_with("__Secure-muxboard_1=") && secure.ends_with("; Secure"), "{secure}");
        gate.log_out(&headers, "/mux");
        assert!(gate.of_cookie(&headers).is_none());
    }
}
