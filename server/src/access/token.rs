//! The token gate: named bearer tokens, kept as hashes. A program sends its token; a browser's login turns it into a cookie that holds a
//! random login id, never the token. All comparisons take the same time, whatever is wrong. Several tokens may have one name: that is how one
//! is replaced by the next without a moment in which neither is good.

use super::caller::Refusal;
use super::lockout::Lockout;
use super::peer::Source;
use axum::http::{HeaderMap, header};
use muxboard_core::limits::{LOGIN_HOURS, LOGINS_MAX, TOKEN_CHARS_MIN};
use muxboard_core::policy::Principal;
use muxboard_core::snapshot::UnixSeconds;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use subtle::ConstantTimeEq;

type Hash = [u8; 32];

/// A token that may be used, by name and SHA-256. Tokens are random and long, so a fast hash is enough: there is nothing to guess.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedToken {
    /// Its name: the principal's.
    pub name: String,
    /// Its hash.
    pub sha256: Hash,
    /// From then on it is not known any more.
    pub expires: Option<UnixSeconds>,
}

impl NamedToken {
    /// A token that does not expire.
    pub fn new(name: impl Into<String>, token: &str) -> Self {
        Self { name: name.into(), sha256: sha256(token), expires: None }
    }

    /// Whether it has not expired.
    pub(crate) fn is_good(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(UnixSeconds::MAX, |d| d.as_secs());
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// The gate.
pub struct TokenGate {
    tokens: Vec<NamedToken>,
    cookie: String,
    secure: bool,
    /// What outlives a change of the configuration: who is logged in, who failed.
    sessions: Arc<GateSessions>,
}

#[derive(Default)]
struct GateSessions {
    logins: Mutex<HashMap<Hash, LoginSession>>,
    lockout: Lockout,
}

struct LoginSession {
    /// The token that made it: it is good as long as that is.
    token: Hash,
    until: Instant,
}

impl TokenGate {
    /// A gate for these tokens. The cookie is named by the port, because browsers send a cookie to every port of a host.
    pub fn new(tokens: Vec<NamedToken>, port: u16) -> Self {
        Self { tokens, cookie: format!("muxboard_{port}"), secure: false, sessions: Arc::default() }
    }

    /// The board is reached by https alone: its cookie never travels in the clear. Where it is mounted at the root of its host, no other host of
    /// the domain can set it either (`__Host-`).
    #[must_use]
    pub fn secure(mut self, base: &str) -> Self {
        self.cookie = format!("{}{}", if base.is_empty() { "__Host-" } else { "__Secure-" }, self.cookie);
        self.secure = true;
        self
    }

    /// The logins and the failures of a gate that this one replaces.
    pub(crate) fn inherit_sessions(&mut self, old: &Self) {
        self.sessions = old.sessions.clone();
    }

    /// Whom a token names. A source that failed too often is not even listened to.
    pub(crate) fn of_token(&self, token: &str, source: Source) -> Result<Principal, Refusal> {
        if self.sessions.lockout.is_locked(source) {
            return Err(Refusal::Locked);
        }
        match self.find(token) {
            Some(known) => {
                self.sessions.lockout.passed(source);
                Ok(Principal::named(known.name.clone()))
            }
            None => {
                self.sessions.lockout.failed(source);
                Err(Refusal::Unknown)
            }
        }
    }

    pub(super) fn find(&self, token: &str) -> Option<&NamedToken> {
        let hash = sha256(token);
        let mut found = None;
        for known in &self.tokens {
            // Every token is compared, and the result looked at only afterwards.
            if bool::from(known.sha256.ct_eq(&hash)) {
                found = Some(known);
            }
        }
        let long_enough = token.len() >= TOKEN_CHARS_MIN;
        found.filter(|known| long_enough && known.is_good())
    }

    pub(crate) fn of_cookie(&self, headers: &HeaderMap) -> Option<Principal> {
        // The map is keyed by the hash of the random id: how long a look-up takes says nothing about any id.
        let logins = self.sessions.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let login = logins.get(&sha256(self.cookie_value(headers)?))?;
        let token = self.tokens.iter().find(|token| token.sha256 == login.token && token.is_good())?;
        (login.until > Instant::now()).then(|| Principal::named(token.name.clone()))
    }

    fn cookie_value<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// Logs in whoever has this token: who it is, and the value of `Set-Cookie`.
    pub(crate) fn log_in(&self, token: &str, source: Source, base: &str) -> Result<(Principal, String), Refusal> {
        let principal = self.of_token(token, source)?;
        let id = random_hex();
        let life = Duration::from_secs(LOGIN_HOURS * 3600);
        let mut logins = self.sessions.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        logins.retain(|_, login| login.until > now);
        let token = sha256(token);
        if logins.len() >= LOGINS_MAX {
            evict_oldest(&mut logins, token);
        }
        logins.insert(sha256(&id), LoginSession { token, until: now + life });
        Ok((principal, self.set_cookie(&id, base, life.as_secs())))
    }

    /// Logs out whoever sent this: who it was, if anybody was logged in, and the value of `Set-Cookie` that forgets the cookie.
    pub(crate) fn log_out(&self, headers: &HeaderMap, base: &str) -> (Option<Principal>, String) {
        let principal = self.of_cookie(headers);
        if let Some(id) = self.cookie_value(headers) {
            self.sessions.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&sha256(id));
        }
        (principal, self.set_cookie("", base, 0))
    }

    fn set_cookie(&self, value: &str, base: &str, seconds: u64) -> String {
        format!("{}={value}; Path={}/; HttpOnly; SameSite=Strict; Max-Age={seconds}{}", self.cookie, base, if self.secure { "; Secure" } else { "" })
    }
}

/// Ends the oldest login of the token that has the most, or as many as the one that logs in now: nobody's logins end for another's.
fn evict_oldest(logins: &mut HashMap<Hash, LoginSession>, now: Hash) {
    let mut of_token: HashMap<Hash, usize> = HashMap::new();
    logins.values().for_each(|login| *of_token.entry(login.token).or_default() += 1);
    let most = of_token.into_iter().max_by_key(|(token, count)| (*count, *token == now)).map(|(token, _)| token);
    let oldest = logins.iter().filter(|(_, login)| Some(login.token) == most).min_by_key(|(_, login)| login.until).map(|(id, _)| *id);
    if let Some(oldest) = oldest {
        logins.remove(&oldest);
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

    const TOKEN: &str = "a-token-of-20-chars-";

    fn gate() -> TokenGate {
        TokenGate::new(vec![NamedToken::new("ops", TOKEN)], 1)
    }

    fn name(gate: &TokenGate, token: &str) -> Option<String> {
        gate.of_token(token, Source::Unknown).ok().map(|p| p.name)
    }

    fn cookie(gate: &TokenGate, base: &str) -> (String, HeaderMap) {
        let (_, cookie) = gate.log_in(TOKEN, Source::Unknown, base).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("other=1; {}", cookie.split(';').next().unwrap()).parse().unwrap());
        (cookie, headers)
    }

    #[test]
    fn only_the_whole_token_passes() {
        assert_eq!(name(&gate(), TOKEN).as_deref(), Some("ops"));
        for wrong in ["", "a-token-of-20-chars", "A-TOKEN-OF-20-CHARS-", "a-token-of-20-chars--"] {
            assert_eq!(name(&gate(), wrong), None, "{wrong}");
        }
        // One that could be guessed is not listened to, whoever configured it.
        let short = TOKEN.get(..TOKEN_CHARS_MIN - 1).unwrap();
        assert_eq!(name(&TokenGate::new(vec![NamedToken::new("ops", short)], 1), short), None);
    }

    #[test]
    fn a_token_that_has_expired_is_not_known_and_its_logins_end() {
        let expires = |expires| TokenGate::new(vec![NamedToken { expires: Some(expires), ..NamedToken::new("ops", TOKEN) }], 1);
        let (future, mut past) = (expires(u64::MAX), expires(1));
        assert_eq!((name(&future, TOKEN).as_deref(), name(&past, TOKEN)), (Some("ops"), None));
        let (_, headers) = cookie(&future, "");
        assert!(future.of_cookie(&headers).is_some());
        past.inherit_sessions(&future);
        assert!(past.of_cookie(&headers).is_none());
    }

    #[test]
    fn a_login_outlives_a_change_of_the_configuration_unless_its_token_goes() {
        let gate = gate();
        let (_, headers) = cookie(&gate, "");
        let mut next = TokenGate::new(vec![NamedToken::new("new", "another-token-of-ours"), NamedToken::new("ops", TOKEN)], 1);
        next.inherit_sessions(&gate);
        assert!(next.of_cookie(&headers).is_some());
        let mut without = TokenGate::new(vec![NamedToken::new("ops", "another-token-of-ours")], 1);
        without.inherit_sessions(&next);
        assert!(without.of_cookie(&headers).is_none(), "the token that made the login is gone");
    }

    #[test]
    fn one_token_that_logged_in_again_and_again_ended_the_logins_of_the_others() {
        let (own, greedy) = (TOKEN, "another-token-of-ours");
        let gate = TokenGate::new(vec![NamedToken::new("ops", own), NamedToken::new("eye", greedy)], 1);
        let (_, first) = cookie(&gate, "");
        for _ in 0..=LOGINS_MAX {
            gate.log_in(greedy, Source::Unknown, "").unwrap();
        }
        assert!(gate.of_cookie(&first).is_some());
        assert_eq!(gate.sessions.logins.lock().unwrap().len(), LOGINS_MAX);
        // A token's own logins make room for its next one, and the oldest goes first.
        let gate = self::gate();
        let (_, first) = cookie(&gate, "");
        let (_, second) = cookie(&gate, "");
        for _ in 0..LOGINS_MAX - 1 {
            cookie(&gate, "");
        }
        assert!(gate.of_cookie(&first).is_none() && gate.of_cookie(&second).is_some());
    }

    #[test]
    fn a_source_that_failed_too_often_is_not_listened_to() {
        let gate = gate();
        for _ in 0..muxboard_core::limits::FAILURES_MAX {
            assert_eq!(gate.of_token("wrong", Source::Unix), Err(Refusal::Unknown));
        }
        assert_eq!(gate.of_token(TOKEN, Source::Unix), Err(Refusal::Locked));
        assert!(gate.of_token(TOKEN, Source::Unknown).is_ok());
    }

    #[test]
    fn a_login_lives_until_its_logout_and_is_not_the_token() {
        let gate = gate();
        let (cookie, headers) = self::cookie(&gate, "/mux");
        assert!(cookie.starts_with("muxboard_1=") && cookie.contains("; Path=/mux/; HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
        assert!(!cookie.contains("a-token"));
        assert!(gate.of_cookie(&headers).is_some());
        let (secure, _) = self::cookie(&self::gate().secure("/mux"), "/mux");
        assert!(secure.starts_with("__Secure-muxboard_1=") && secure.ends_with("; Secure"), "{secure}");
        let (host, _) = self::cookie(&self::gate().secure(""), "");
        assert!(host.starts_with("__Host-muxboard_1=") && host.contains("; Path=/;"), "{host}");
        gate.log_out(&headers, "/mux");
        assert!(gate.of_cookie(&headers).is_none());
        let (_, headers) = self::cookie(&gate, "");
        assert!(gate.of_cookie(&headers).is_some());
        gate.sessions.logins.lock().unwrap().values_mut().for_each(|login| login.until = Instant::now());
        assert!(gate.of_cookie(&headers).is_none(), "its time is over");
    }
}
