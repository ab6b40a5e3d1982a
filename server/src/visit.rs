//! A request's identity: found once, before any handler, and kept with the request. Who is not let in is told so here, in the form that the
//! route's callers understand.

use crate::auth::{Caller, Refusal};
use crate::board::Shared;
use crate::guard::Nonce;
use crate::pages;
use crate::peer::Source;
use crate::rules::Rules;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::LOCKOUT_SECONDS;
use muxboard_core::policy::{Asker, Principal};
use std::sync::Arc;

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

/// The correlation id of a request.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

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

/// Lets nobody through whom the gate does not know.
pub(crate) async fn known_alone(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let Some(visit) = request.extensions().get::<Visit>().cloned() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    match &visit.found {
        Ok(asker) => {
            request.extensions_mut().insert(asker.clone());
            next.run(request).await
        }
        Err(refusal) => {
            visit.refused(&shared, "enter", refusal);
            let nonce = request.extensions().get::<Nonce>().cloned().unwrap_or(Nonce(String::new()));
            let original = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
            let form = Form::of(request.uri().path(), request.headers());
            answer(&shared, &nonce, form, &original.path_and_query().map(ToString::to_string).unwrap_or_default(), refusal).await
        }
    }
}

/// In which form a caller wants to hear a refusal.
enum Form {
    /// A page.
    Page,
    /// A page that was posted to: there is nothing to come back to.
    Posted,
    /// A server function's error.
    Function,
    /// problem+json.
    Problem,
}

impl Form {
    fn of(path: &str, headers: &HeaderMap) -> Self {
        if path.starts_with("/api/") || path.starts_with("/upload/") {
            Self::Problem
        } else if path.starts_with("/fn/") {
            if takes_html(headers) { Self::Posted } else { Self::Function }
        } else {
            Self::Page
        }
    }
}

pub(crate) fn takes_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|v| v.to_str().is_ok_and(|v| v.contains("text/html")))
}

async fn answer(shared: &Shared, nonce: &Nonce, form: Form, path: &str, refusal: &Refusal) -> Response {
    let error = public(shared, refusal);
    let mut answer = match form {
        Form::Page => pages::unknown(shared, nonce, path, refusal).await,
        Form::Posted => pages::unknown(shared, nonce, "", refusal).await,
        Form::Function => crate::forms::refuse(&error),
        Form::Problem => crate::api::problem(&error),
    };
    if matches!(refusal, Refusal::Locked) {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LOCKOUT_SECONDS));
    }
    answer
}

/// The refusal in public words.
pub(crate) fn public(shared: &Shared, refusal: &Refusal) -> PublicError {
    match refusal {
        Refusal::Unknown if shared.rules().gate.name() == "token" => {
            PublicError::new(Kind::Unauthenticated, "You are not logged in. A program sends its token: Authorization: Bearer TOKEN.")
        }
        Refusal::Unknown => PublicError::new(Kind::Unauthenticated, "You are not logged in."),
        Refusal::Locked => PublicError::new(Kind::Locked, format!("Too many failed logins. Wait {} minutes.", LOCKOUT_SECONDS / 60)),
        Refusal::NotMapped(identity) => PublicError::new(
            Kind::Forbidden,
            format!("You are logged in as {identity}, and no Unix account here is mapped to that. Whoever runs this board can add a line to its user map."),
        ),
    }
}
