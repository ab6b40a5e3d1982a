//! What every request must pass before anything looks at who sent it, and what every answer carries.

use crate::board::Shared;
use crate::peer::{Peer, Source};
use crate::seldom::Seldom;
use crate::visit::RequestId;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::{HTTPS_ALONE_SECONDS, REQUESTS_BURST_SECONDS, SOURCES_MAX};
use muxboard_core::policy::{Asker, Principal};
use std::num::NonZeroU32;
use std::sync::Arc;

/// The hosts and origins a board answers to. Both are configuration: what a request claims is compared with them, never with itself.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// Allowed values of the `Host` header.
    pub hosts: Vec<String>,
    /// Allowed values of the `Origin` header.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed when requests are counted and recorded. It gives no authority.
    pub proxies: Vec<IpNet>,
}

impl Doors {
    /// The doors of a board that is reached by its loopback address alone.
    pub fn loopback(port: u16) -> Self {
        let hosts: Vec<String> = ["127.0.0.1", "localhost", "[::1]"].iter().map(|h| format!("{h}:{port}")).collect();
        Self { origins: hosts.iter().map(|h| format!("http://{h}")).collect(), hosts, proxies: Vec::new() }
    }

    /// Whether browsers come by https alone.
    pub(crate) fn https_alone(&self) -> bool {
        !self.origins.is_empty() && self.origins.iter().all(|origin| origin.starts_with("https://"))
    }
}

/// How many requests a source may send.
pub(crate) struct Throttle {
    limiter: Option<DefaultKeyedRateLimiter<Source>>,
    refused: Seldom,
}

impl Throttle {
    /// `per_second` on average; none if it is 0.
    pub(crate) fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).zip(NonZeroU32::new(per_second.saturating_mul(REQUESTS_BURST_SECONDS)));
        let limiter = quota.map(|(rate, burst)| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)));
        Self { limiter, refused: Seldom::default() }
    }

    fn lets_through(&self, source: Source) -> bool {
        let Some(limiter) = &self.limiter else { return true };
        if limiter.len() > SOURCES_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(&source.counted()).is_ok()
    }
}

/// Too many requests. Foreign `Host`: DNS rebinding. Foreign or missing `Origin` where something changes: a cross-site request.
pub(crate) async fn doors(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let rules = shared.rules();
    let source = Source::of(Peer::of(&request), request.headers(), &rules.doors.proxies);
    if !shared.throttle.lets_through(source) {
        if let Some(times) = shared.throttle.refused.times() {
            tracing::info!(times, path = request.uri().path(), from = %source, "refused: too many requests");
        }
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], "Too many requests. Wait a moment.\n").into_response();
    }
    if let Err(refused) = check(&rules.doors, &request) {
        tracing::info!(path = request.uri().path(), from = %source, "refused: {refused}");
        let request = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let nobody = Asker { principal: Principal::default(), gate: rules.gate.name(), from: source.to_string(), request };
        (shared.audit)(AuditEvent::about(&nobody, "enter", "denied: foreign host or origin"));
        return (StatusCode::FORBIDDEN, format!("Refused: {refused}\n")).into_response();
    }
    next.run(request).await
}

fn check(doors: &Doors, request: &Request) -> Result<(), &'static str> {
    let headers = request.headers();
    // HTTP/2 has the authority in the request line instead.
    let host = match (single(headers, header::HOST)?, request.uri().authority()) {
        (Some(host), _) => host,
        (None, Some(authority)) => authority.as_str(),
        (None, None) => return Err("the request names no host."),
    };
    if !doors.hosts.iter().any(|h| h.eq_ignore_ascii_case(host)) {
        return Err("this board does not answer to that host name. Its configuration can allow it (hosts_allowed).");
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD) && !headers.contains_key(header::UPGRADE);
    match single(headers, header::ORIGIN)? {
        Some(origin) if !safe && !doors.origins.iter().any(|o| o == origin) => {
            Err("the request comes from another site. The configuration can allow it (origins).")
        }
        // A browser always names the origin; a program proves itself with a header that no site can make a browser send.
        None if !safe && crate::auth::bearer(headers).is_none() => Err("the request names no origin and carries no Authorization header with a bearer token."),
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

/// This request's nonce, for the one inline script of a page.
#[derive(Clone)]
pub(crate) struct Nonce(pub(crate) String);

/// Sets the headers of every answer, errors too.
pub(crate) async fn headers(mut request: Request, next: Next) -> Response {
    let random = crate::auth::token::random_hex();
    let (nonce, id) = random.split_at(32);
    // The nonce is a secret of this page, the id is not.
    let id: String = id.chars().take(16).collect();
    request.extensions_mut().insert(Nonce(nonce.to_owned()));
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut answer = next.run(request).await;
    let terminal = answer.extensions().get::<XtermPage>().is_some();
    // xterm.js sets style attributes, and nothing else here does.
    let attributes = if terminal { "style-src-attr 'unsafe-inline'; " } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; {attributes}img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let out = answer.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        out.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        out.insert(HeaderName::from_static("x-request-id"), id);
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ] {
        out.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Pages show what a principal may see: no cache keeps them.
    out.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Tells browsers to come by https alone, if no other origin is configured: what is typed without it never leaves them in the clear.
pub(crate) async fn https_alone(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    if shared.rules().doors.https_alone()
        && let Ok(alone) = HeaderValue::from_str(&format!("max-age={HTTPS_ALONE_SECONDS}"))
    {
        answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, alone);
    }
    answer
}

/// Marks the answer that holds a terminal.
#[derive(Clone, Copy)]
pub(crate) struct XtermPage;

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
            &Doors { hosts: vec!["good.example".into()], origins: vec!["https://good.example".into()], proxies: vec![] },
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
