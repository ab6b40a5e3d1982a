//! An error as a program hears it: problem+json (RFC 9457), or a server function's error.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::error::{Kind, PublicError};
use serde_json::json;

/// An error as problem+json.
pub(crate) fn problem(error: &PublicError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": error.code, "detail": error.says });
    let mut answer = (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    answer
}

/// The answer, or the problem.
pub(crate) fn answered(result: Result<Response, PublicError>) -> Response {
    result.unwrap_or_else(|error| problem(&error))
}

pub(crate) fn bad(says: impl Into<String>) -> PublicError {
    PublicError::new(Kind::BadInput, says)
}

pub(crate) fn no_query(query: Option<&str>) -> Result<(), PublicError> {
    if query.is_none_or(str::is_empty) { Ok(()) } else { Err(bad("This request takes no query.")) }
}

/// An error as the server functions answer it.
pub(crate) fn refuse(error: &PublicError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(error)).into_response()
}

/// Whether a caller takes a page for an answer.
pub(crate) fn takes_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|v| v.to_str().is_ok_and(|v| v.contains("text/html")))
}
