//! The proxy gate: an authenticating proxy in front says who it is, in a header. The peer must be that proxy, and prove it where a secret is
//! configured, before the header is even looked at: a neighbour on the network can write any header.

use super::caller::{Caller, Refusal};
use super::user_map::UserMap;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use muxboard_core::limits::{GROUPS_MAX, IDENTITY_BYTES_MAX};
use muxboard_core::policy::Principal;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The gate.
#[derive(Debug, Clone)]
pub struct ProxyGate {
    /// The header that holds the identity.
    pub header: HeaderName,
    /// The header that holds the groups.
    pub groups_header: Option<HeaderName>,
    /// What stands between two groups. A group whose name holds it would be read as two.
    pub groups_separator: char,
    /// The addresses of the proxy. A connection to our Unix socket is trusted too.
    pub trusted: Vec<IpNet>,
    /// A header that only the proxy can set, and the SHA-256 of its value.
    pub secret: Option<(HeaderName, [u8; 32])>,
    /// The account of each identity; without a map identities have none, and `@mapped` grants nothing.
    pub map: Option<UserMap>,
}

impl ProxyGate {
    pub(super) fn principal(&self, caller: &Caller) -> Result<Principal, Refusal> {
        let headers = caller.headers();
        if !caller.peer().is_trusted(&self.trusted) || !self.proves(headers) {
            return Err(Refusal::Unknown);
        }
        let identity = only(headers, &self.header).filter(|identity| !identity.is_empty()).ok_or(Refusal::Unknown)?;
        let groups = match &self.groups_header {
            Some(name) if headers.contains_key(name) || smuggled(headers, name) => only(headers, name).ok_or(Refusal::Unknown)?,
            _ => "",
        };
        let account = match &self.map {
            Some(map) => Some(map.account(identity).ok_or_else(|| Refusal::NotMapped(identity.to_owned()))?.clone()),
            None => None,
        };
        let groups = groups.split(self.groups_separator).map(str::trim).filter(|g| !g.is_empty()).take(GROUPS_MAX).map(str::to_owned).collect();
        Ok(Principal { name: identity.to_owned(), groups, account })
    }

    fn proves(&self, headers: &HeaderMap) -> bool {
        let Some((name, hash)) = &self.secret else { return true };
        only(headers, name).is_some_and(|value| {
            let said: [u8; 32] = Sha256::digest(value).into();
            hash.ct_eq(&said).into()
        })
    }
}

/// The value of a header that is there exactly once, as plain text. Servers behind CGI read `X_Name` as `X-Name`: where both spellings can be
/// sent, the proxy may have removed only one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() || smuggled(headers, name) {
        return None;
    }
    // Identities may be written in UTF-8.
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    (text.len() <= IDENTITY_BYTES_MAX && !text.contains(char::is_control)).then_some(text)
}

/// Whether the header is there in another spelling.
fn smuggled(headers: &HeaderMap, name: &HeaderName) -> bool {
    let plain = |name: &str| name.replace('_', "-");
    headers.keys().any(|other| other != name && plain(other.as_str()) == plain(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::gate::Gate;
    use crate::access::peer::{Peer, Source};
    use crate::access::token::sha256;

    async fn asks(peer: &str, headers: &[(&str, &str)]) -> Result<Principal, Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map");
        std::fs::write(&path, "ann@a = alice\n").unwrap();
        let gate = Gate::Proxy(ProxyGate {
            header: HeaderName::from_static("x-authentik-username"),
            groups_header: Some(HeaderName::from_static("x-authentik-groups")),
            groups_separator: '|',
            trusted: vec!["10.0.0.1/32".parse().unwrap()],
            secret: Some((HeaderName::from_static("x-proxy-secret"), sha256("swordfish"))),
            map: Some(UserMap::read(&path, &[]).unwrap()),
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let peer = if peer == "unix" { Peer::Unix } else { Peer::Tcp(peer.parse().unwrap()) };
        gate.principal(&Caller { headers: map, peer }, Source::Unknown).await
    }

    #[tokio::test]
    async fn the_peer_and_its_secret_come_before_the_identity() {
        let (secret, ann) = (("x-proxy-secret", "swordfish"), ("x-authentik-username", "ann@a"));
        let alice = Ok(Principal { name: "ann@a".into(), groups: vec!["ops".into(), "all hands".into()], account: Some("alice".parse().unwrap()) });
        assert_eq!(asks("10.0.0.1:9", &[secret, ann, ("x-authentik-groups", "ops|all hands")]).await, alice);
        assert_eq!(asks("unix", &[secret, ann, ("x-authentik-groups", "ops | all hands |")]).await, alice);
        // A comma in a group's name makes no second group, where another separator is configured.
        let sales = asks("unix", &[secret, ann, ("x-authentik-groups", "Sales, admins|ops")]).await.unwrap();
        assert_eq!(sales.groups, ["Sales, admins", "ops"]);
        for (why, peer, headers) in [
            ("another peer", "10.0.0.2:9", &[secret, ann][..]),
            ("loopback is no identity", "127.0.0.1:9", &[secret, ann]),
            ("another peer that says it is forwarded", "10.0.0.2:9", &[secret, ann, ("x-forwarded-for", "10.0.0.1")]),
            ("no secret", "10.0.0.1:9", &[ann]),
            ("a wrong secret", "10.0.0.1:9", &[("x-proxy-secret", "swordfisch"), ann]),
            ("two secrets", "10.0.0.1:9", &[secret, secret, ann]),
            ("no identity", "10.0.0.1:9", &[secret]),
            ("an empty identity", "10.0.0.1:9", &[secret, ("x-authentik-username", "")]),
            ("two identities", "10.0.0.1:9", &[secret, ann, ("x-authentik-username", "bob")]),
            ("a smuggled identity", "10.0.0.1:9", &[secret, ("x_authentik_username", "ann@a")]),
            ("a smuggled second identity", "10.0.0.1:9", &[secret, ann, ("x_authentik-username", "bob")]),
            ("smuggled groups", "10.0.0.1:9", &[secret, ann, ("x_authentik_groups", "admins")]),
        ] {
            assert_eq!(asks(peer, headers).await, Err(Refusal::Unknown), "{why}");
        }
        for other in ["ann", "ann@b", "ANN@A", "ann@a,bob", "group:ops", "alice"] {
            assert_eq!(asks("10.0.0.1:9", &[secret, ("x-authentik-username", other)]).await, Err(Refusal::NotMapped(other.into())));
        }
    }
}
