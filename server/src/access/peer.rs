//! Who is at the other end of a connection, and for whom it speaks.

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection from there.
    Tcp(SocketAddr),
    /// A connection to our Unix socket: whoever may open its file.
    Unix,
    /// An embedder's server that does not say (`into_make_service_with_connect_info::<SocketAddr>()` would).
    Unknown,
}

impl Peer {
    pub(crate) fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let ours = extensions.get::<ConnectInfo<Self>>().map(|info| info.0);
        ours.or_else(|| extensions.get::<ConnectInfo<SocketAddr>>().map(|info| Self::Tcp(info.0))).unwrap_or(Self::Unknown)
    }

    /// Whether it is among these, or came by the Unix socket: the right to open that file is what makes it trusted.
    pub(crate) fn is_trusted(self, trusted: &[IpNet]) -> bool {
        match self {
            Self::Tcp(address) => trusted.iter().any(|net| net.contains(&address.ip().to_canonical())),
            Self::Unix => true,
            Self::Unknown => false,
        }
    }
}

/// For whom a request counts, where something is counted: its limits, its failed logins; and what the audit says of where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Address(IpAddr),
    Unix,
    Unknown,
}

impl Source {
    /// The peer; or, if that is a trusted proxy, the last address of `X-Forwarded-For` that is none. What stands before that anybody can write.
    /// It gives no authority: it is only counted and recorded.
    pub(crate) fn of(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let direct = match peer {
            Peer::Tcp(address) => Self::Address(address.ip().to_canonical()),
            Peer::Unix => Self::Unix,
            Peer::Unknown => Self::Unknown,
        };
        if !peer.is_trusted(trusted) {
            return direct;
        }
        let said = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).map(str::trim);
        let mut hops: Vec<&str> = said.collect();
        while let Some(hop) = hops.pop() {
            let Ok(address) = hop.parse::<IpAddr>() else { return direct };
            let address = address.to_canonical();
            if !trusted.iter().any(|net| net.contains(&address)) {
                return Self::Address(address);
            }
        }
        direct
    }

    /// What is counted as one: an IPv6 client has a whole /64 to choose addresses from (RFC 6177).
    pub(crate) fn counted(self) -> Self {
        match self {
            Self::Address(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Address(IpAddr::from([a, b, c, d, 0, 0, 0, 0]))
            }
            other => other,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let peer = if peer == "unix" { Peer::Unix } else { Peer::Tcp(peer.parse().unwrap()) };
        Source::of(peer, &headers, &trusted).counted().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_speaks_and_only_the_last_hop_it_saw() {
        for (peer, forwarded, want) in [
            ("198.51.100.7:1", &["203.0.113.1"][..], "198.51.100.7"),
            ("127.0.0.1:1", &["203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1:1", &["6.6.6.6, 203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1:1", &["6.6.6.6", "203.0.113.1, 10.1.2.3"], "203.0.113.1"),
            ("127.0.0.1:1", &["6.6.6.6, rubbish"], "127.0.0.1"),
            ("127.0.0.1:1", &[], "127.0.0.1"),
            ("[::ffff:127.0.0.1]:1", &["203.0.113.1"], "203.0.113.1"),
            ("unix", &["203.0.113.1"], "203.0.113.1"),
            ("unix", &[], "unix"),
            ("[2001:db8:1:2:3:4:5:6]:1", &[], "2001:db8:1:2::"),
        ] {
            assert_eq!(source(peer, forwarded), want, "{peer} {forwarded:?}");
        }
    }
}
