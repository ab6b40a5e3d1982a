//! The hosts and origins a board answers to, and whether a request names them. It knows no answer and no log.

use super::caller::bearer;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use ipnet::IpNet;

/// The hosts and origins a board answers to. Both are configuration: what a request claims is compared with them, never with itself.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts {
    /// Allowed values of the `Host` header.
    pub hosts: Vec<String>,
    /// Allowed values of the `Origin` header.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed when requests are counted and recorded. It gives no authority.
    pub proxies: Vec<IpNet>,
}

impl AllowedHosts {
    /// The hosts and origins of a board that is reached by its loopback address alone.
    pub fn loopback(port: u16) -> Self {
        let hosts: Vec<String> = ["127.0.0.1", "localhost", "[::1]"].iter().map(|h| format!("{h}:{port}")).collect();
        Self { origins: hosts.iter().map(|h| format!("http://{h}")).collect(), hosts, proxies: Vec::new() }
    }

    /// Whether browsers come by https alone.
    pub(crate) fn https_only(&self) -> bool {
        !self.origins.is_empty() && self.origins.iter().all(|origin| origin.starts_with("https://"))
    }
}

/// Whether the board answers to what a request names as its host and origin, or why not.
pub(crate) fn check(allowed: &AllowedHosts, request: &Request) -> Result<(), &'static str> {
    let headers = request.headers();
    // HTTP/2 has the authority in the request line instead.
    let host = match (single(headers, header::HOST)?, request.uri().authority()) {
        (Some(host), _) => host,
        (None, Some(authority)) => authority.as_str(),
        (None, None) => return Err("the request names no host."),
    };
    if !allowed.hosts.iter().any(|h| h.eq_ignore_ascii_case(host)) {
        return Err("this board does not answer to that host name. Its configuration can allow it (hosts_allowed).");
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD) && !headers.contains_key(header::UPGRADE);
    match single(headers, header::ORIGIN)? {
        Some(origin) if !safe && !allowed.origins.iter().any(|o| o == origin) => {
            Err("the request comes from another site. The configuration can allow it (origins).")
        }
        // A browser always names the origin; a program proves itself with a header that no site can make a browser send.
        None if !safe && bearer(headers).is_none() => Err("the request names no origin and carries no Authorization header with a bearer token."),
        _ => Ok(()),
    }
}

fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err("a header is there twice.");
    }
    first.map(|v| v.to_str().map_err(|_| "a header is not text.")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn asks(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = axum::http::Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(
            &AllowedHosts { hosts: vec!["good.example".into()], origins: vec!["https://good.example".into()], proxies: vec![] },
            &request.body(Body::empty()).unwrap(),
        )
        .is_ok()
    }

    #[test]
    fn host_and_origin_are_compared_with_the_configuration() {
        let host = ("host", "good.example");
        assert!(asks("GET", &[host]));
        assert!(asks("GET", &[("host", "GOOD.example")]));
        assert!(!asks("GET", &[]));
        assert!(!asks("GET", &[("host", "evil.example")]));
        assert!(!asks("GET", &[host, ("host", "evil.example")]));
        assert!(!asks("POST", &[("host", "evil.example"), ("origin", "https://evil.example")]));
        assert!(asks("POST", &[host, ("origin", "https://good.example")]));
        for origin in ["null", "http://good.example", "https://good.example:444", "https://good.example.evil", "https://evil.example", ""] {
            assert!(!asks("POST", &[host, ("origin", origin)]), "{origin}");
            assert!(!asks("GET", &[host, ("upgrade", "websocket"), ("origin", origin)]), "{origin}");
            assert!(!asks("POST", &[host, ("origin", origin), ("authorization", "Bearer x")]), "{origin}");
        }
        assert!(!asks("POST", &[host]));
        assert!(!asks("POST", &[host, ("cookie", "a=b")]));
        assert!(!asks("POST", &[host, ("cookie", "a=b"), ("authorization", "Basic x")]));
        assert!(asks("POST", &[host, ("authorization", "Bearer x")]));
    }
}
