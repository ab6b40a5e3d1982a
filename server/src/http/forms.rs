//! The server functions' one door. Programs and living pages get JSON; a form posted by a browser without JavaScript gets a page: the
//! dashboard again, with the question still open and nothing lost if it was refused.

use crate::access::login_path;
use crate::board_port::BoardPort;
use crate::http::context::RequestContext;
use crate::http::pages::dashboard::{OpenForm, board_page};
use crate::http::pages::render::{self, Fields};
use crate::http::problem::{refuse, takes_html};
use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use leptos::prelude::provide_context;
use muxboard_app::base::Base;
use muxboard_app::board::Board;
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::limits::FORM_BYTES_MAX;
use muxboard_core::name::NewSessionName;
use muxboard_core::snapshot::Place;
use serde::Deserialize;
use std::sync::Arc;

const FORM: &str = "application/x-www-form-urlencoded";

/// Each function and the fields it knows. A field that is not here is refused: nothing unknown travels on.
const FUNCTIONS: [(&str, &[&str]); 5] = [
    ("create", &["place", "name", "directory", "command", "open"]),
    ("kill", &["place", "session", "typed"]),
    ("rename", &["place", "session", "name"]),
    ("dismiss", &["place", "session", "until"]),
    ("refresh", &["host"]),
];

/// The names of all server functions.
pub fn functions() -> [&'static str; FUNCTIONS.len()] {
    FUNCTIONS.map(|(name, _)| name)
}

/// The parameter of the route.
#[derive(Deserialize)]
pub(crate) struct Function {
    function: String,
}

pub(crate) async fn function(context: RequestContext, port: BoardPort, Path(Function { function: name }): Path<Function>, mut request: Request) -> Response {
    let browser = takes_html(request.headers());
    let Some((what, known)) = FUNCTIONS.into_iter().find(|(f, _)| *f == name) else {
        return refuse(&PublicError::new(Kind::NotFound, "There is no such function."));
    };
    let kind = request.headers().get_all(header::CONTENT_TYPE).iter().map(|v| v.to_str().unwrap_or("")).collect::<Vec<_>>();
    if !matches!(kind.as_slice(), [] | [_]) || kind.first().is_some_and(|kind| kind.split(';').next().map(str::trim) != Some(FORM)) {
        return refuse(&PublicError::new(Kind::BadInput, "A form is posted as application/x-www-form-urlencoded."));
    }
    let Ok(body) = to_bytes(std::mem::take(request.body_mut()), FORM_BYTES_MAX).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(PublicError::new(Kind::BadInput, "That is too long."))).into_response();
    };
    let fields = std::str::from_utf8(&body).ok().and_then(render::fields);
    let Some(fields) = fields.filter(|f| f.keys().all(|k| known.contains(&k.as_str()))) else {
        return refuse(&PublicError::new(Kind::BadInput, "The form has a field that is not known here."));
    };

    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    *request.body_mut() = Body::from(body);
    // The framework finds the function by its path.
    login_path::strip(request.uri_mut());
    let board: Arc<dyn Board> = Arc::new(port.clone());
    let answer = leptos_axum::handle_server_fns_with_context(move || provide_context(board.clone()), request).await.into_response();
    let status = answer.status();
    if status.is_success() && !browser {
        return answer;
    }
    if status.is_success() {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, afterwards(&context.base, what, &fields))]).into_response();
    }
    let body: Bytes = to_bytes(answer.into_body(), FORM_BYTES_MAX).await.unwrap_or_default();
    let error =
        serde_json::from_slice::<PublicError>(&body).unwrap_or_else(|_| PublicError::new(Kind::Internal, "The server could not do that. Its log says why."));
    if !browser {
        return refuse(&error);
    }
    // The framework answers 500 where it could not read the form, whatever the error says.
    let status = StatusCode::from_u16(error.status()).unwrap_or(status);
    board_page(port, &context, status, String::new(), Some(OpenForm { what, fields, refused: Some(error.says) })).await
}

/// Where a browser goes when it is done: back to the board; or to the session that it asked to have made and opened.
fn afterwards(base: &Base, what: &str, fields: &Fields) -> String {
    let place = fields.get("place").and_then(|place| place.parse::<Place>().ok());
    match (what, place, fields.get("name").and_then(|name| name.parse::<NewSessionName>().ok())) {
        ("create", Some(place), Some(name)) if fields.contains_key("open") => base.named(&place, name.as_str()),
        _ => base.board(),
    }
}
