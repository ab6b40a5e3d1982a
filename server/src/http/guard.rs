//! The checks that every request passes before anybody asks who sent it, and the headers of every answer.

use crate::access::allowed_hosts::{TWO_HOSTS, check};
use crate::access::login_path;
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::HTTPS_ALONE_SECONDS;
use std::sync::Arc;

/// Refuses requests above the rate limit; a foreign `Host` (DNS rebinding); a foreign or missing `Origin` where something changes (a cross-site
/// request).
pub(crate) async fn check_host_and_origin(State(state): State<Arc<AppState>>, context: RequestContext, request: Request, next: Next) -> Response {
    let source = context.source;
    // The path of a login is half of it.
    let path = login_path::without(request.uri().path());
    if !state.throttle.lets_through(source) {
        if let Some(times) = state.throttle.refused.allow() {
            tracing::info!(times, path, from = %source, "refused: too many requests");
        }
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], "Too many requests. Wait a moment.\n").into_response();
    }
    if let Err(refused) = check(&context.rules.allowed_hosts, &request) {
        if state.refusals.refused(source, AuditEvent::about(&context.anonymous, "enter", "denied: foreign host or origin")) {
            tracing::info!(path, from = %source, "refused: {refused}");
        }
        let status = if refused == TWO_HOSTS { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
        return (status, format!("Refused: {refused}\n")).into_response();
    }
    next.run(request).await
}

/// Answers 404 below the path of a login where logins have none. Every page has one URL: what a proxy in front of us keeps from somebody by its path must
/// not have another one.
pub(crate) async fn check_login_path(context: RequestContext, request: Request, next: Next) -> Response {
    if login_path::split(request.uri().path()).is_some() && !context.rules.gate.has_login_paths() {
        return (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response();
    }
    next.run(request).await
}

/// Delays the answer to a request that changes something until its record is on the disk, where the configuration promises that.
pub(crate) async fn answer_after_record(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let changes = !request.method().is_safe();
    let answer = next.run(request).await;
    if changes {
        state.flush_audit().await;
    }
    answer
}

/// Sets the headers of every answer, errors too.
pub(crate) async fn headers(context: RequestContext, request: Request, next: Next) -> Response {
    let nonce = &context.nonce;
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
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
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
pub(crate) async fn strict_transport_security(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    if state.rules().allowed_hosts.https_only()
        && let Ok(alone) = HeaderValue::from_str(&format!("max-age={HTTPS_ALONE_SECONDS}"))
    {
        answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, alone);
    }
    answer
}

/// Marks the answer that holds a terminal.
#[derive(Clone, Copy)]
pub(crate) struct XtermPage;
