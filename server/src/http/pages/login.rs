//! The login page, logging in and out, and what somebody sees who is not let in.

use super::render::{Fields, frame, message_page, render};
use crate::access::caller::Refusal;
use crate::access::gate::Gate;
use crate::error::refusal_to_public;
use crate::http::context::RequestContext;
use crate::http::guard::Nonce;
use crate::state::AppState;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::base::Base;
use muxboard_app::document::still;
use muxboard_app::login::{FROM_LINK, Login, LoginProps};
use muxboard_core::audit::AuditEvent;
use muxboard_core::policy::Asker;
use std::sync::Arc;

/// What somebody sees who is not let in, in place of the page: the login where there is one, else why, in words.
pub(crate) async fn refusal_page(state: &AppState, nonce: &Nonce, next: &str, refusal: &Refusal) -> Response {
    let rules = state.rules();
    let error = refusal_to_public(rules.gate.name(), refusal);
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let (title, says) = match (refusal, &rules.gate) {
        (Refusal::Unknown, Gate::Token(_)) => return login_page(state, nonce, status, next, None).await,
        (Refusal::Locked, Gate::Token(_)) => return login_page(state, nonce, status, next, Some(&error.says)).await,
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
        (Refusal::NotMapped(_), _) => ("No account here", error.says),
        _ => ("Not logged in", error.says),
    };
    message_page(state, nonce, status, title, &says, state.home.clone()).await
}

async fn login_page(state: &AppState, nonce: &Nonce, status: StatusCode, next: &str, why: Option<&str>) -> Response {
    let frame = frame(state, nonce);
    let (base, next, refused) = (state.base.clone(), own_path(&state.base, next), why.map(str::to_owned));
    let page = render(state.base.clone(), move || still(frame, "Log in · muxboard".into(), Some(FROM_LINK), Login(LoginProps { base, next, refused })));
    (status, page.await).into_response()
}

/// A path of this board, or its front page: never a way to another site.
fn own_path(base: &Base, next: &str) -> String {
    let below = next.strip_prefix(base.0.as_str()).unwrap_or("");
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if below.starts_with('/') && !below.starts_with("//") && plain { next.to_owned() } else { base.board() }
}

pub(crate) async fn login(State(state): State<Arc<AppState>>, Extension(nonce): Extension<Nonce>) -> Response {
    match state.rules().gate {
        Gate::Token(_) => login_page(&state, &nonce, StatusCode::OK, "", None).await,
        Gate::Deny => refusal_page(&state, &nonce, "", &Refusal::Unknown).await,
        _ => no_login(&state, &nonce).await,
    }
}

/// Only tokens are given here; the other gates know who it is without asking.
async fn no_login(state: &AppState, nonce: &Nonce) -> Response {
    let says = "Who you are is not asked here: this board's gate knows it from elsewhere.";
    message_page(state, nonce, StatusCode::NOT_FOUND, "No login here", says, Some(("All sessions".into(), state.base.board()))).await
}

pub(crate) async fn log_in(
    State(state): State<Arc<AppState>>,
    Extension(nonce): Extension<Nonce>,
    Extension(context): Extension<RequestContext>,
    Form(fields): Form<Fields>,
) -> Response {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let gate = match &context.rules.gate {
        Gate::Token(gate) => gate,
        Gate::Deny => return refusal_page(&state, &nonce, "", &Refusal::Unknown).await,
        _ => return no_login(&state, &nonce).await,
    };
    match gate.log_in(field("token").trim(), context.source(), &state.base.0) {
        Ok((principal, cookie)) => {
            (state.audit)(AuditEvent::about(&Asker { principal, ..context.anonymous }, "login", "done"));
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, own_path(&state.base, field("next")))]).into_response()
        }
        Err(refusal) => {
            context.refused(&state, "login", &refusal);
            let (status, says) = match refusal {
                Refusal::Locked => (StatusCode::TOO_MANY_REQUESTS, refusal_to_public(state.rules().gate.name(), &refusal).says),
                _ => (StatusCode::UNAUTHORIZED, "This token is not known.".to_owned()),
            };
            login_page(&state, &nonce, status, field("next"), Some(&says)).await
        }
    }
}

pub(crate) async fn log_out(State(state): State<Arc<AppState>>, Extension(nonce): Extension<Nonce>, Extension(context): Extension<RequestContext>) -> Response {
    let Gate::Token(gate) = &context.rules.gate else { return no_login(&state, &nonce).await };
    let (principal, cookie) = gate.log_out(context.caller.headers(), &state.base.0);
    match principal {
        Some(principal) => (state.audit)(AuditEvent::about(&Asker { principal, ..context.anonymous }, "logout", "done")),
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
            ("/mux/a?b", "/mux/a?b"),
            ("/mux", "/mux/"),
            ("", "/mux/"),
            ("//evil", "/mux/"),
            ("/mux//evil", "/mux/"),
            ("https://evil", "/mux/"),
            ("/mux/\r\nX: y", "/mux/"),
            ("/mux/\\evil", "/mux/"),
        ] {
            assert_eq!(own_path(&mux, next), want, "{next:?}");
        }
        assert_eq!(own_path(&Base::default(), "//evil"), "/");
        assert_eq!(own_path(&Base::default(), "/a"), "/a");
    }
}
