//! Every URL of the product on one screen, and every guard applied there once.

use crate::access::login_path::LOGINS;
use crate::http::{api, assets, context, forms, guard, pages, refusal, socket, upload};
use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, any, delete, get, patch, post};
use muxboard_core::limits;
use std::sync::Arc;
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// What a route requires of its callers, before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the route shows no secret and does nothing in anybody's name.
    Public,
    /// An identity that the gate knows. What it may do is decided behind the gate.
    Identity,
    /// An identity, for a WebSocket: a refusal is its close code, the only part of it that a browser shows to a page.
    Socket,
}

type Handler = MethodRouter<Arc<AppState>>;

/// Every URL of the board, below its base: its method, path, what it requires and its handler. There is no other.
fn table() -> Vec<(&'static str, &'static str, Access, Handler)> {
    use Access::{Identity, Public, Socket};
    vec![
        ("GET", "/", Identity, get(pages::dashboard::dashboard)),
        ("GET", "/login", Public, get(pages::login::login)),
        ("POST", "/login", Public, post(pages::login::log_in)),
        ("POST", "/logout", Public, post(pages::login::log_out)),
        ("GET", "/{host}/{user}/{name}", Identity, get(pages::terminal::terminal)),
        ("GET", "/answer/{host}/{user}/{session}", Identity, get(pages::answer::show)),
        ("POST", "/answer/{host}/{user}/{session}", Identity, post(pages::answer::send)),
        ("POST", "/upload/{host}/{user}/{session}", Identity, post(upload::receive)),
        ("POST", "/fn/{function}", Identity, post(forms::function)),
        ("GET", "/ws/board", Socket, get(socket::board::follow)),
        ("GET", "/ws/attach/{host}/{user}/{session}", Socket, get(socket::terminal::attach)),
        ("GET", "/api/v1/whoami", Identity, get(api::whoami)),
        ("GET", "/api/v1/hosts", Identity, get(api::hosts)),
        ("GET", "/api/v1/sessions", Identity, get(api::sessions)),
        ("POST", "/api/v1/sessions", Identity, post(api::create)),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/text", Identity, get(api::text)),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/question", Identity, get(api::question)),
        ("POST", "/api/v1/sessions/{host}/{user}/{session}/answer", Identity, post(api::answer)),
        ("PATCH", "/api/v1/sessions/{host}/{user}/{session}", Identity, patch(api::rename)),
        ("DELETE", "/api/v1/sessions/{host}/{user}/{session}", Identity, delete(api::kill)),
        ("POST", "/api/v1/sessions/{host}/{user}/{session}/dismiss", Identity, post(api::dismiss)),
        ("POST", "/api/v1/refresh", Identity, post(api::refresh)),
        ("GET", "/api/{*path}", Identity, any(api::nothing)),
        ("GET", "/healthz", Public, get(|| async { "ok\n" })),
        ("GET", "/assets/{build}/{*path}", Public, get(assets::serve)),
    ]
}

/// Every URL of the board, below its base: method, path, and what it requires. Unknown paths require an identity before they answer 404.
pub fn routes() -> Vec<(&'static str, &'static str, Access)> {
    table().into_iter().map(|(method, path, access, _)| (method, path, access)).collect()
}

/// The routes. The router holds the base it was built with and nothing beside it, so that an application can merge it: its own routes, fallback and
/// layers stay its own. A board without a base takes every URL.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let authenticated = || middleware::from_fn(context::authenticate);
    let require_identity = || middleware::from_fn_with_state(state.clone(), refusal::require_identity);
    let mut board = Router::new();
    for (_, path, access, handler) in table() {
        let handler = match access {
            Access::Public => handler,
            Access::Identity => handler.layer(require_identity()).layer(authenticated()),
            Access::Socket => handler.layer(authenticated()),
        };
        // The same below the path of a login.
        board = board.route(&format!("{LOGINS}/{{login}}{path}"), handler.clone()).route(path, handler);
    }
    let nothing: Handler = any(pages::render::not_found);
    let board = board
        .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "That cannot be done here.\n") })
        .fallback_service(nothing.layer(require_identity()).layer(authenticated()).with_state(state.clone()))
        .layer(DefaultBodyLimit::max(limits::FORM_BYTES_MAX))
        .layer(middleware::from_fn(guard::check_login_path))
        // What is packed already is left as it is.
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
        .layer(middleware::from_fn_with_state(state.clone(), guard::check_host_and_origin))
        .layer(middleware::from_fn_with_state(state.clone(), guard::answer_after_record))
        .layer(middleware::from_fn(guard::headers))
        .layer(middleware::from_fn_with_state(state.clone(), context::attach_context))
        .with_state(state.clone());
    if state.base.0.is_empty() { board } else { Router::new().nest_service(&state.base.0, board) }
}

/// The routes for a server without other routes: URLs outside the base are guarded too.
pub(crate) fn standalone_router(state: Arc<AppState>) -> Router {
    let mut board = router(state.clone());
    if !state.base.0.is_empty() {
        let beside: MethodRouter = any(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") });
        let guarded = middleware::from_fn_with_state(state.clone(), guard::check_host_and_origin);
        let attached = middleware::from_fn_with_state(state.clone(), context::attach_context);
        board = board.fallback_service(beside.layer(guarded).layer(middleware::from_fn(guard::headers)).layer(attached));
    }
    // It holds for a whole host name, all its ports: not ours to say where we are a part of another application.
    board.layer(middleware::from_fn_with_state(state, guard::strict_transport_security))
}
