//! The answer to a caller whom the gate does not know: a page, a server function's error or problem+json, by the route.

use crate::access::caller::Refusal;
use crate::access::login_path;
use crate::error::refusal_to_public;
use crate::http::context::RequestContext;
use crate::http::pages::login;
use crate::http::problem::{self, takes_html};
use crate::state::AppState;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use muxboard_core::limits::LOCKOUT_SECONDS;
use std::sync::Arc;

/// Lets only identified callers through; everybody else gets the refusal.
pub(crate) async fn require_identity(State(state): State<Arc<AppState>>, context: RequestContext, mut request: Request, next: Next) -> Response {
    match &context.actor {
        Ok(actor) => {
            request.extensions_mut().insert(actor.clone());
            next.run(request).await
        }
        Err(refusal) => {
            context.refused(&state, "enter", refusal);
            let original = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
            let format = RefusalFormat::of(login_path::without(request.uri().path()), request.headers());
            answer(&state, &context, format, &original.path_and_query().map(ToString::to_string).unwrap_or_default(), refusal).await
        }
    }
}

/// The format of a refusal.
enum RefusalFormat {
    /// An HTML page.
    Page,
    /// An HTML page in answer to a form: a login leads to the board, not back to the form.
    Posted,
    /// A server function's error.
    Function,
    /// problem+json (RFC 9457).
    Problem,
}

impl RefusalFormat {
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

async fn answer(state: &AppState, context: &RequestContext, format: RefusalFormat, path: &str, refusal: &Refusal) -> Response {
    let error = refusal_to_public(context.rules.gate.name(), refusal);
    let mut answer = match format {
        RefusalFormat::Page => login::refusal_page(state, context, path, refusal).await,
        RefusalFormat::Posted => login::refusal_page(state, context, "", refusal).await,
        RefusalFormat::Function => problem::refuse(&error),
        RefusalFormat::Problem => problem::problem(&error),
    };
    if matches!(refusal, Refusal::Locked) {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LOCKOUT_SECONDS));
    }
    answer
}
