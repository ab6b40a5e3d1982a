//! The login page, logging in and out, and what somebody sees who is not let in.

use super::render::{Fields, frame, message_page, render};
use crate::access::caller::Refusal;
use crate::access::gate::Gate;
use crate::access::login_path;
use crate::error::refusal_to_public;
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::{Form, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::base::Base;
use muxboard_app::document::{Frame, still};
use muxboard_app::login::{FROM_LINK, Login, LoginProps};
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::LOCKOUT_SECONDS;
use muxboard_core::policy::Actor;
use std::sync::Arc;

/// The page for a caller whom the gate refused: the login where there is one, else the reason in words.
pub(crate) async fn refusal_page(state: &AppState, context: &RequestContext, next: &str, refusal: &Refusal) -> Response {
    let rules = &context.rules;
    let error = refusal_to_public(rules.gate.name(), refusal);
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let (title, says) = match (refusal, &rules.gate) {
        (Refusal::Unknown, Gate::Token(_)) => return login_page(state, context, status, next, None).await,
        (Refusal::Locked, Gate::Token(_)) => return login_page(state, context, status, next, Some(&error.says)).await,
        (Refusal::Unknown, Gate::Deny) => (
            "Not set up yet",
            "This board is not set up: no gate is configured, so it lets nobody in. Whoever runs it can name one (auth.gate) in its configuration.".to_owned(),
        ),
        (Refusal::Unknown, Gate::Proxy(_)) => (
            "Not logged in",
            "This board is reached through a proxy that says who you are, and this request did not come with its word. Open the board at the proxy's address."
                .to_owned(),
        ),
        (Refusal::Unknown, Gate::Custom(_)) => {
            ("Not logged in", "This board is part of another application, and you are not logged in there. Log in there, then come back.".to_owned())
        }
        (Refusal::NotMapped(_) | Refusal::TooLong, _) => ("No account here", error.says),
        _ => ("Not logged in", error.says),
    };
    message_page(state, context, status, title, &says, state.home.clone()).await
}

async fn login_page(state: &AppState, context: &RequestContext, status: StatusCode, next: &str, why: Option<&str>) -> Response {
    // What is below the path of a login that has ended is asked for again below that of the next one.
    let (base, again) = (state.base.clone(), !next.is_empty() && why.is_none());
    let frame = Frame { base: base.clone(), ..frame(state, context) };
    let (next, refused) = (format!("{}{}", base.0, below(&base, next)), why.map(str::to_owned));
    let page = render(base.clone(), move || still(frame, "Log in · muxboard".into(), Some(FROM_LINK), Login(LoginProps { base, next, refused, again })));
    (status, page.await).into_response()
}

/// A path below the base, and below the path of any login: of this board, or its front page, and never a way out of it.
fn below<'a>(base: &Base, next: &'a str) -> &'a str {
    let below = login_path::without(next.strip_prefix(base.0.as_str()).unwrap_or(""));
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let path = below.split(['?', '#']).next().unwrap_or(below);
    // A browser takes these for a step up, in any spelling.
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if below.starts_with('/') && !below.starts_with("//") && plain && !path.split('/').any(dots) { below } else { "/" }
}

pub(crate) async fn login(State(state): State<Arc<AppState>>, context: RequestContext) -> Response {
    match &context.rules.gate {
        Gate::Token(_) => login_page(&state, &context, StatusCode::OK, "", None).await,
        Gate::Deny => refusal_page(&state, &context, "", &Refusal::Unknown).await,
        _ => no_login(&state, &context).await,
    }
}

/// Only tokens are given here; the other gates know who it is without asking.
async fn no_login(state: &AppState, context: &RequestContext) -> Response {
    let says = "Who you are is not asked here: this board's gate knows it from elsewhere.";
    message_page(state, context, StatusCode::NOT_FOUND, "No login here", says, Some(("All sessions".into(), context.base.board()))).await
}

pub(crate) async fn log_in(State(state): State<Arc<AppState>>, context: RequestContext, Form(fields): Form<Fields>) -> Response {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let gate = match &context.rules.gate {
        Gate::Token(gate) => gate,
        Gate::Deny => return refusal_page(&state, &context, "", &Refusal::Unknown).await,
        _ => return no_login(&state, &context).await,
    };
    match gate.log_in(field("token").trim(), context.source, &state.base.0) {
        Ok((principal, base, cookie)) => {
            (state.audit)(AuditEvent::about(&Actor { principal, ..context.anonymous.clone() }, "login", "done"));
            let next = format!("{base}{}", below(&state.base, field("next")));
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, next)]).into_response()
        }
        Err(refusal) => {
            context.refused(&state, "login", &refusal);
            let (status, says) = match refusal {
                Refusal::Locked => (StatusCode::TOO_MANY_REQUESTS, refusal_to_public(context.rules.gate.name(), &refusal).says),
                _ => (StatusCode::UNAUTHORIZED, "This token is not known.".to_owned()),
            };
            let mut answer = login_page(&state, &context, status, field("next"), Some(&says)).await;
            if refusal == Refusal::Locked {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LOCKOUT_SECONDS));
            }
            answer
        }
    }
}

pub(crate) async fn log_out(State(state): State<Arc<AppState>>, context: RequestContext) -> Response {
    let Gate::Token(gate) = &context.rules.gate else { return no_login(&state, &context).await };
    let (principal, cookie) = gate.log_out(&context.caller, &context.base.0);
    match principal {
        Some(principal) => (state.audit)(AuditEvent::about(&Actor { principal, ..context.anonymous.clone() }, "logout", "done")),
        None => context.refused(&state, "logout", &Refusal::Unknown),
    }
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, state.base.login())]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_never_leads_away() {
        let mux = Base("/mux".into());
        for (next, want) in [
            ("/mux/a?b", "/a?b"),
            ("/mux/~/k/a?b", "/a?b"),
            ("/mux/a?b=../c", "/a?b=../c"),
            ("/mux", "/"),
            ("", "/"),
            ("//evil", "/"),
            ("/mux//evil", "/"),
            ("/mux/~/k//evil", "/"),
            ("https://evil", "/"),
            ("/mux/\r\nX: y", "/"),
            ("/mux/\\evil", "/"),
            ("/mux/../other", "/"),
            ("/mux/./../other", "/"),
            ("/mux/a/../../other", "/"),
            ("/mux/%2e%2e/other", "/"),
            ("/mux/.%2E/other", "/"),
            ("/mux/%2e./other", "/"),
            ("/mux/..?a", "/"),
            ("/mux/~/k/../other", "/"),
        ] {
            assert_eq!(below(&mux, next), want, "{next:?}");
        }
        assert_eq!(below(&Base::default(), "//evil"), "/");
        assert_eq!(below(&Base::default(), "/a"), "/a");
    }
}
