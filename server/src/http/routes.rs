//! Every URL of the product on one screen, and every guard applied there once.

use crate::http::{api, assets, context, forms, guard, pages, refusal, socket, upload};
use crate::state::Shared;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, any, delete, get, patch, post};
use muxboard_core::limits;
use std::sync::Arc;
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// What a route asks of whoever calls it, before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it shows no secret and does nothing in anybody's name.
    Nothing,
    /// Somebody whom the gate knows. What he may is decided behind it.
    Identity,
    /// The same for a WebSocket: a refusal is said as its close code, which is all of it that a browser shows to a page.
    Socket,
}

type Handler = MethodRouter<Arc<Shared>>;

/// Every URL of the board, below its base: its method, what it needs, who answers. There is no other.
fn table() -> Vec<(&'static str, &'static str, Needs, Handler)> {
    use Needs::{Identity, Nothing, Socket};
    vec![
        ("GET", "/", Identity, get(pages::dashboard::dashboard)),
        ("GET", "/login", Nothing, get(pages::login::login)),
        ("POST", "/login", Nothing, post(pages::login::log_in)),
        ("POST", "/logout", Nothing, post(pages::login::log_out)),
        ("GET", "/{host}/{user}/{name}", Identity, get(pages::terminal::terminal)),
        ("POST", "/upload/{host}/{user}/{session}", Identity, post(upload::receive)),
        ("POST", "/fn/{function}", Identity, post(forms::function)),
        ("GET", "/ws/board", Socket, get(socket::board::follow)),
        ("GET", "/ws/attach/{host}/{user}/{session}", Socket, get(socket::terminal::attach)),
        ("GET", "/api/v1/whoami", Identity, get(api::whoami)),
        ("GET", "/api/v1/hosts", Identity, get(api::hosts)),
        ("GET", "/api/v1/sessions", Identity, get(api::sessions)),
        ("POST", "/api/v1/sessions", Identity, post(api::create)),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/text", Identity, get(api::text)),
        ("PATCH", "/api/v1/sessions/{host}/{user}/{session}", Identity, patch(api::rename)),
        ("DELETE", "/api/v1/sessions/{host}/{user}/{session}", Identity, delete(api::kill)),
        ("POST", "/api/v1/refresh", Identity, post(api::refresh)),
        ("GET", "/api/{*path}", Identity, any(api::nothing)),
        ("GET", "/healthz", Nothing, get(|| async { "ok\n" })),
        ("GET", "/assets/{build}/{*path}", Nothing, get(assets::serve)),
    ]
}

/// Every URL of the board, below its base: method, path, and what it needs. Any other URL needs an identity too, to hear that it is none.
pub fn routes() -> Vec<(&'static str, &'static str, Needs)> {
    table().into_iter().map(|(method, path, needs, _)| (method, path, needs)).collect()
}

/// The routes. The router holds the base it was built with and nothing beside it, so that an application can merge it: its own routes, fallback and
/// layers stay its own. A board without a base takes every URL.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let identified = || middleware::from_fn(context::identify);
    let known_alone = || middleware::from_fn_with_state(shared.clone(), refusal::known_alone);
    let mut board = Router::new();
    for (_, path, needs, handler) in table() {
        board = board.route(
            path,
            match needs {
                Needs::Nothing => handler,
                Needs::Identity => handler.layer(known_alone()).layer(identified()),
                Needs::Socket => handler.layer(identified()),
            },
        );
    }
    let nothing: Handler = any(pages::render::nothing);
    let board = board
        .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "That cannot be done here.\n") })
        .fallback_service(nothing.layer(known_alone()).layer(identified()).with_state(shared.clone()))
        .layer(DefaultBodyLimit::max(limits::FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(shared.clone(), context::meet))
        // What is packed already is left as it is.
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
        .layer(middleware::from_fn_with_state(shared.clone(), guard::doors))
        .layer(middleware::from_fn(guard::headers))
        .with_state(shared.clone());
    if shared.base.0.is_empty() { board } else { Router::new().nest_service(&shared.base.0, board) }
}

/// The routes for a server that has nothing else: what is beside the base is guarded too.
pub(crate) fn alone(shared: Arc<Shared>) -> Router {
    let mut board = router(shared.clone());
    if !shared.base.0.is_empty() {
        let beside: MethodRouter = any(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") });
        let doors = middleware::from_fn_with_state(shared.clone(), guard::doors);
        board = board.fallback_service(beside.layer(doors).layer(middleware::from_fn(guard::headers)));
    }
    // It holds for a whole host name, all its ports: not ours to say where we are a part of another application.
    board.layer(middleware::from_fn_with_state(shared, guard::https_alone))
}
