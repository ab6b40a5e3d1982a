//! Who is not let in is told so here, in the form that the route's callers understand.

use crate::access::caller::Refusal;
use crate::error::refused;
use crate::http::context::Visit;
use crate::http::guard::Nonce;
use crate::http::pages::login;
use crate::http::problem::{self, takes_html};
use crate::state::Shared;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use muxboard_core::limits::LOCKOUT_SECONDS;
use std::sync::Arc;

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

async fn answer(shared: &Shared, nonce: &Nonce, form: Form, path: &str, refusal: &Refusal) -> Response {
    let error = refused(shared.rules().gate.name(), refusal);
    let mut answer = match form {
        Form::Page => login::unknown(shared, nonce, path, refusal).await,
        Form::Posted => login::unknown(shared, nonce, "", refusal).await,
        Form::Function => problem::refuse(&error),
        Form::Problem => problem::problem(&error),
    };
    if matches!(refusal, Refusal::Locked) {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LOCKOUT_SECONDS));
    }
    answer
}
