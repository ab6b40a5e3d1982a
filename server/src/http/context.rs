//! A request's identity: found once, before any handler, and kept with the request.

use crate::access::caller::{Caller, Refusal};
use crate::access::peer::Source;
use crate::access::rules::Rules;
use crate::http::guard::RequestId;
use crate::state::Shared;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use muxboard_core::audit::AuditEvent;
use muxboard_core::policy::{Asker, Principal};
use std::sync::Arc;

/// A request, and who sent it.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) caller: Arc<Caller>,
    pub(crate) found: Result<Asker, Refusal>,
    /// The rules as they were when it came.
    pub(crate) rules: Arc<Rules>,
    /// From where, and its correlation id: for those whom no gate knows.
    pub(crate) nobody: Asker,
}

impl Visit {
    pub(crate) fn source(&self) -> Source {
        self.caller.source(&self.rules.doors.proxies)
    }

    /// Whether the same gate would let the same one in now.
    pub(crate) async fn holds(&self, shared: &Shared, principal: &Principal) -> bool {
        shared.rules().gate.still(&self.caller).await.as_ref() == Some(principal)
    }

    /// Says a refusal to the audit.
    pub(crate) fn refused(&self, shared: &Shared, operation: &'static str, refusal: &Refusal) {
        let who = Asker { principal: Principal::named(refusal.identity()), ..self.nobody.clone() };
        (shared.audit)(AuditEvent::about(&who, operation, refusal.word()));
    }
}

/// Keeps with a request what is known of it before any gate is asked.
pub(crate) async fn meet(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let (rules, caller) = (shared.rules(), Caller::of(&request));
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let from = caller.source(&rules.doors.proxies).to_string();
    let nobody = Asker { principal: Principal::default(), gate: rules.gate.name(), from, request: id };
    request.extensions_mut().insert(Visit { caller: Arc::new(caller), found: Err(Refusal::Unknown), rules, nobody });
    next.run(request).await
}

/// Asks the gate who sent a request.
pub(crate) async fn identify(mut request: Request, next: Next) -> Response {
    if let Some(visit) = request.extensions().get::<Visit>().cloned() {
        let principal = visit.rules.gate.principal(&visit.caller, visit.source()).await;
        let found = principal.map(|principal| Asker { principal, ..visit.nobody.clone() });
        request.extensions_mut().insert(Visit { found, ..visit });
    }
    next.run(request).await
}
