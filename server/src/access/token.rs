//! The token gate: named bearer tokens, kept as hashes. A program sends its token; a browser's login turns it into a cookie that holds a
//! random login id, never the token. All comparisons take the same time, whatever is wrong. Several tokens may have one name: that is how one
//! is replaced by the next without a moment in which neither is good.

use super::caller::{Caller, Refusal};
use super::lockout::Lockout;
use super::login_path::LOGINS;
use super::peer::Source;
use axum::http::{HeaderMap, header};
use muxboard_core::limits::{LOGIN_HOURS, LOGIN_PATH_CHARS, LOGINS_MAX, TOKEN_CHARS_MIN};
use muxboard_core::policy::Principal;
use muxboard_core::snapshot::UnixSeconds;
use muxboard_fleet::unix_now;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

type Hash = [u8; 32];

/// A token that may be used, by name and SHA-256. Tokens are random and long, so a fast hash is enough: there is nothing to guess.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedToken {
    /// Its name: the principal's.
    pub name: String,
    /// The SHA-256 of the token.
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
        self.expires.is_none_or(|expires| unix_now() < expires)
    }
}

/// The gate of named bearer tokens.
pub struct TokenGate {
    tokens: Vec<NamedToken>,
    cookie: String,
    secure: bool,
    /// Whether each login has a path of its own.
    paths: bool,
    /// The logins and failure counts, which outlive a change of the configuration.
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
    /// A gate for these tokens. Browsers send a cookie to every port of a host: so each login has a path of its own, with a random part that no
    /// other page knows, and its cookie is good there alone.
    pub fn new(tokens: Vec<NamedToken>, port: u16) -> Self {
        Self { tokens, cookie: format!("muxboard_{port}"), secure: false, paths: true, sessions: Arc::default() }
    }

    /// The board is reached by https alone: its cookie never travels in the clear.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.cookie = format!("__Secure-{}", self.cookie);
        self.secure = true;
        self
    }

    /// The board is reached by https alone, under a name that is no name of a loopback address: nobody else on a port of that name has a certificate
    /// for it, so that logins need no paths. Where the board is mounted at the root of its host, no other host of the domain can set the cookie either
    /// (`__Host-`).
    #[must_use]
    pub fn secure_by_name(mut self, base: &str) -> Self {
        self.paths = false;
        if !base.is_empty() {
            return self.secure();
        }
        self.cookie = format!("__Host-{}", self.cookie);
        self.secure = true;
        self
    }

    pub(crate) fn has_login_paths(&self) -> bool {
        self.paths
    }

    /// The logins and the failures of a gate that this one replaces.
    pub(crate) fn inherit_sessions(&mut self, old: &Self) {
        self.sessions = old.sessions.clone();
    }

    /// Whom a token names. A right one always passes, whatever its source has sent before.
    pub(crate) fn of_token(&self, token: &str, source: Source) -> Result<Principal, Refusal> {
        match self.find(token) {
            Some(known) => {
                self.sessions.lockout.passed(source);
                Ok(Principal::named(known.name.clone()))
            }
            None if self.sessions.lockout.failed(source) => Err(Refusal::Locked),
            None => Err(Refusal::Unknown),
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

    pub(crate) fn of_cookie(&self, caller: &Caller) -> Option<Principal> {
        let logins = self.sessions.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let login = logins.get(&login_hash(&caller.login, self.cookie_value(&caller.headers)?))?;
        let token = self.tokens.iter().find(|token| token.sha256 == login.token && token.is_good())?;
        (login.until > Instant::now()).then(|| Principal::named(token.name.clone()))
    }

    fn cookie_value<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// Logs in whoever has this token: who it is, the board's base for this login, and the value of `Set-Cookie`.
    pub(crate) fn log_in(&self, token: &str, source: Source, base: &str) -> Result<(Principal, String, String), Refusal> {
        let principal = self.of_token(token, source)?;
        let (id, mut key) = (random_hex(), if self.paths { random_hex() } else { String::new() });
        key.truncate(LOGIN_PATH_CHARS);
        let base = if self.paths { format!("{base}{LOGINS}/{key}") } else { base.to_owned() };
        let life = Duration::from_secs(LOGIN_HOURS * 3600);
        let mut logins = self.sessions.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        logins.retain(|_, login| login.until > now);
        let token = sha256(token);
        if logins.len() >= LOGINS_MAX {
            evict_oldest(&mut logins, token);
        }
        logins.insert(login_hash(&key, &id), LoginSession { token, until: now + life });
        let cookie = self.set_cookie(&id, &base, life.as_secs());
        Ok((principal, base, cookie))
    }

    /// Logs out whoever sent this from below that base: who it was, if anybody was logged in, and the value of `Set-Cookie` that forgets the cookie.
    pub(crate) fn log_out(&self, caller: &Caller, base: &str) -> (Option<Principal>, String) {
        let principal = self.of_cookie(caller);
        if let Some(id) = self.cookie_value(&caller.headers) {
            self.sessions.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&login_hash(&caller.login, id));
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

/// What a login is kept by: a hash over both of its halves, so that neither opens anything alone, and how long a look-up takes says nothing about any.
fn login_hash(key: &str, id: &str) -> Hash {
    sha256(&format!("{key}/{id}"))
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
    muxboard_core::hex::encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::super::peer::Peer;
    use super::*;

    const TOKEN: &str = "a-token-of-20-chars-";

    fn gate() -> TokenGate {
        TokenGate::new(vec![NamedToken::new("ops", TOKEN)], 1)
    }

    fn name(gate: &TokenGate, token: &str) -> Option<String> {
        gate.of_token(token, Source::Unknown).ok().map(|p| p.name)
    }

    /// A login: its `Set-Cookie`, and the browser that it was made in.
    fn cookie(gate: &TokenGate, base: &str) -> (String, Caller) {
        let (_, at, cookie) = gate.log_in(TOKEN, Source::Unknown, base).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("other=1; {}", cookie.split(';').next().unwrap()).parse().unwrap());
        let path = format!("{}/", at.strip_prefix(base).unwrap());
        let login = super::super::login_path::split(&path).map_or("", |(key, _)| key).to_owned();
        (cookie, Caller { headers, login, peer: Peer::Unknown })
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
    fn a_source_that_failed_too_often_is_locked_and_a_right_token_always_passes() {
        let gate = gate();
        for _ in 0..muxboard_core::limits::FAILURES_MAX {
            assert_eq!(gate.of_token("wrong", Source::Unix), Err(Refusal::Unknown));
        }
        assert_eq!(gate.of_token("wrong", Source::Unix), Err(Refusal::Locked));
        assert_eq!(gate.of_token("wrong", Source::Unknown), Err(Refusal::Unknown), "locked alone");
        assert!(gate.of_token(TOKEN, Source::Unix).is_ok());
        assert_eq!(gate.of_token("wrong", Source::Unix), Err(Refusal::Unknown), "the count begins anew");
    }

    #[test]
    fn a_cookie_opens_nothing_without_the_path_of_its_login_nor_the_path_without_its_cookie() {
        let gate = gate();
        let ((_, one), (_, two)) = (cookie(&gate, ""), cookie(&gate, ""));
        assert!(one.login.len() == LOGIN_PATH_CHARS && one.login != two.login);
        for login in ["", &two.login, &one.login[1..]] {
            assert!(gate.of_cookie(&Caller { login: login.to_owned(), ..one.clone() }).is_none(), "{login}");
        }
        assert!(gate.of_cookie(&Caller { headers: HeaderMap::new(), ..one.clone() }).is_none());
        assert!(gate.of_cookie(&one).is_some() && gate.of_cookie(&two).is_some());
    }

    #[test]
    fn a_login_lives_until_its_logout_and_is_not_the_token() {
        let gate = gate();
        let (cookie, headers) = self::cookie(&gate, "/mux");
        let path = format!("; Path=/mux/~/{}/; HttpOnly; SameSite=Strict", headers.login);
        assert!(cookie.starts_with("muxboard_1=") && cookie.contains(&path) && !cookie.contains("Secure"), "{cookie}");
        assert!(!cookie.contains("a-token"));
        assert!(gate.of_cookie(&headers).is_some());
        let (secure, _) = self::cookie(&self::gate().secure_by_name("/mux"), "/mux");
        assert!(secure.starts_with("__Secure-muxboard_1=") && secure.contains("; Path=/mux/;") && secure.ends_with("; Secure"), "{secure}");
        let (secure, browser) = self::cookie(&self::gate().secure(), "");
        assert!(secure.starts_with("__Secure-muxboard_1=") && secure.contains(&format!("; Path=/~/{}/;", browser.login)), "{secure}");
        let (host, _) = self::cookie(&self::gate().secure_by_name(""), "");
        assert!(host.starts_with("__Host-muxboard_1=") && host.contains("; Path=/;"), "{host}");
        gate.log_out(&headers, "/mux");
        assert!(gate.of_cookie(&headers).is_none());
        let (_, headers) = self::cookie(&gate, "");
        assert!(gate.of_cookie(&headers).is_some());
        gate.sessions.logins.lock().unwrap().values_mut().for_each(|login| login.until = Instant::now());
        assert!(gate.of_cookie(&headers).is_none(), "its time is over");
    }
}
