//! The context of a request: the rules it is judged by, where it came from, who sent it, and what its pages are made with. Made once, before any check.

use crate::access::caller::{Caller, Refusal};
use crate::access::login_path::{self, LOGINS};
use crate::access::peer::Source;
use crate::access::rules::Rules;
use crate::access::token::random_hex;
use crate::board_port::BoardPort;
use crate::state::AppState;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use muxboard_app::base::Base;
use muxboard_core::audit::AuditEvent;
use muxboard_core::policy::{Actor, Principal};
use std::sync::Arc;

/// The context of one request. A handler takes it as an argument.
#[derive(Clone)]
pub(crate) struct RequestContext {
    pub(crate) caller: Arc<Caller>,
    pub(crate) source: Source,
    pub(crate) actor: Result<Actor, Refusal>,
    /// The rules at the time of the request: it is judged by these, also when they change meanwhile. What lives longer follows the changes.
    pub(crate) rules: Arc<Rules>,
    /// The source and the correlation id of a request whose sender is not known.
    pub(crate) anonymous: Actor,
    /// The nonce of the page's one inline script. It is a secret of that page.
    pub(crate) nonce: String,
    /// The path of the board for this sender: the mount path, and the path of the login if there is one.
    pub(crate) base: Base,
}

impl RequestContext {
    fn new(state: &AppState, request: &Request) -> Self {
        let (rules, caller) = (state.rules(), Caller::of(request));
        let source = caller.source(&rules.allowed_hosts.proxies);
        let random = random_hex();
        let (nonce, id) = random.split_at(32);
        let id = id.chars().take(16).collect();
        let anonymous = Actor { principal: Principal::default(), gate: rules.gate.name(), from: source.to_string(), request: id };
        let base = login_path::split(request.uri().path()).map_or_else(|| state.base.clone(), |(key, _)| Base(format!("{}{LOGINS}/{key}", state.base.0)));
        Self { caller: Arc::new(caller), source, actor: Err(Refusal::Unknown), rules, anonymous, nonce: nonce.to_owned(), base }
    }

    /// The id that the request has in the log, in the audit and in its answer.
    pub(crate) fn request_id(&self) -> &str {
        &self.anonymous.request
    }

    /// The board as this sender may see and use it.
    pub(crate) fn board(&self, state: &Arc<AppState>, who: Actor) -> BoardPort {
        BoardPort { state: state.clone(), rules: self.rules.clone(), who }
    }

    /// Whether the current gate still names the same principal for this request.
    pub(crate) async fn revalidate(&self, state: &AppState, principal: &Principal) -> bool {
        state.rules().gate.revalidate(&self.caller).await.as_ref() == Some(principal)
    }

    /// Records a refusal in the audit.
    pub(crate) fn refused(&self, state: &AppState, operation: &'static str, refusal: &Refusal) {
        let who = Actor { principal: Principal::named(refusal.identity()), ..self.anonymous.clone() };
        state.refusals.refused(self.source, AuditEvent::about(&who, operation, refusal.word()));
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The board for the sender of a request on a route that requires an identity.
impl FromRequestParts<Arc<AppState>> for BoardPort {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, StatusCode> {
        let who = parts.extensions.get::<Actor>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(RequestContext::from_request_parts(parts, state).await?.board(state, who))
    }
}

/// Attaches the context to a request, before anything else looks at it.
pub(crate) async fn attach_context(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let context = RequestContext::new(&state, &request);
    request.extensions_mut().insert(context);
    next.run(request).await
}

/// Asks the gate who sent a request, and notes the answer in its context.
pub(crate) async fn authenticate(context: RequestContext, mut request: Request, next: Next) -> Response {
    let principal = context.rules.gate.principal(&context.caller, context.source).await;
    let actor = principal.map(|principal| Actor { principal, ..context.anonymous.clone() });
    request.extensions_mut().insert(RequestContext { actor, ..context });
    next.run(request).await
}
