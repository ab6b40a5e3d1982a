//! What every page is made with: its frame, its fields, and the sentence that stands in the place of a page.

use crate::http::assets;
use crate::http::guard::Nonce;
use crate::state::AppState;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use leptos::prelude::*;
use muxboard_app::base::Base;
use muxboard_app::document::{Frame, still};
use muxboard_app::login::{Sorry, SorryProps};
use std::collections::HashMap;
use std::sync::Arc;

/// What was asked for in a URL or a form.
pub(crate) type Fields = HashMap<String, String>;

/// `name=value&..`, decoded.
pub(crate) fn fields(text: &str) -> Option<Fields> {
    let uri: axum::http::Uri = format!("/?{text}").parse().ok()?;
    axum::extract::Query::try_from_uri(&uri).ok().map(|axum::extract::Query(fields)| fields)
}

pub(crate) fn frame(state: &AppState, nonce: &Nonce) -> Frame {
    Frame {
        base: state.base.clone(),
        assets: format!("{}{}", state.base.0, assets::folder()),
        nonce: nonce.0.clone(),
        scripts: assets::scripts(),
        upload_bytes_max: state.rules().upload.map(|u| u.bytes_max),
    }
}

/// Renders on a thread that may take its time: a big page must not hold up a terminal.
pub(super) async fn render<V: IntoView + 'static>(base: Base, view: impl FnOnce() -> V + Send + 'static) -> Html<String> {
    let html = tokio::task::spawn_blocking(move || {
        let owner = Owner::new();
        let html = owner.with(|| {
            provide_context(base);
            view().into_view().to_html()
        });
        owner.cleanup();
        html
    });
    Html(html.await.unwrap_or_default())
}

/// A sentence instead of a page.
pub(crate) async fn message_page(state: &AppState, nonce: &Nonce, status: StatusCode, title: &str, says: &str, way: Option<(String, String)>) -> Response {
    let frame = frame(state, nonce);
    let (title, says) = (title.to_owned(), says.to_owned());
    let page = render(state.base.clone(), move || still(frame, format!("{title} · muxboard"), None, Sorry(SorryProps { title, says, way })));
    (status, page.await).into_response()
}

/// Any other URL.
pub(crate) async fn not_found(State(state): State<Arc<AppState>>, Extension(nonce): Extension<Nonce>) -> Response {
    let all = Some(("All sessions".into(), state.base.board()));
    message_page(&state, &nonce, StatusCode::NOT_FOUND, "Nothing here", "There is no such page.", all).await
}
