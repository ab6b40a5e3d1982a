//! The context of a request: the rules it is judged by, where it came from and who sent it. Made once, before any handler.

use crate::access::caller::{Caller, Refusal};
use crate::access::login_path;
use crate::access::peer::Source;
use crate::access::rules::Rules;
use crate::http::guard::RequestId;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use muxboard_core::audit::AuditEvent;
use muxboard_core::policy::{Actor, Principal};
use std::sync::Arc;

/// The rules, source and sender of one request.
#[derive(Clone)]
pub(crate) struct RequestContext {
    pub(crate) caller: Arc<Caller>,
    pub(crate) actor: Result<Actor, Refusal>,
    /// The rules at the time of the request.
    pub(crate) rules: Arc<Rules>,
    /// The source and the correlation id of a request whose sender is not known.
    pub(crate) anonymous: Actor,
}

impl RequestContext {
    pub(crate) fn source(&self) -> Source {
        self.caller.source(&self.rules.allowed_hosts.proxies)
    }

    /// Whether the gate still names the same principal for this request.
    pub(crate) async fn revalidate(&self, state: &AppState, principal: &Principal) -> bool {
        state.rules().gate.revalidate(&self.caller).await.as_ref() == Some(principal)
    }

    /// Records a refusal in the audit.
    pub(crate) fn refused(&self, state: &AppState, operation: &'static str, refusal: &Refusal) {
        let who = Actor { principal: Principal::named(refusal.identity()), ..self.anonymous.clone() };
        state.refusals.refused(self.source(), AuditEvent::about(&who, operation, refusal.word()));
    }
}

/// Attaches the context to a request, before any gate is asked.
pub(crate) async fn attach_context(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let (rules, caller) = (state.rules(), Caller::of(&request));
    if login_path::split(request.uri().path()).is_some() && !rules.gate.has_login_paths() {
        // Every page has one URL. What a proxy in front of us keeps from somebody by its path must not have another one.
        return (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response();
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let from = caller.source(&rules.allowed_hosts.proxies).to_string();
    let anonymous = Actor { principal: Principal::default(), gate: rules.gate.name(), from, request: id };
    request.extensions_mut().insert(RequestContext { caller: Arc::new(caller), actor: Err(Refusal::Unknown), rules, anonymous });
    next.run(request).await
}

/// Asks the gate who sent a request, and notes the answer in its context.
pub(crate) async fn authenticate(mut request: Request, next: Next) -> Response {
    if let Some(context) = request.extensions().get::<RequestContext>().cloned() {
        let principal = context.rules.gate.principal(&context.caller, context.source()).await;
        let actor = principal.map(|principal| Actor { principal, ..context.anonymous.clone() });
        request.extensions_mut().insert(RequestContext { actor, ..context });
    }
    next.run(request).await
}
