//! The parts that all pages share: the frame, the fields of a query, and the message that takes the place of a page.

use crate::http::assets;
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use leptos::prelude::*;
use muxboard_app::base::Base;
use muxboard_app::document::{Frame, still};
use muxboard_app::login::{Sorry, SorryProps};
use std::collections::HashMap;
use std::sync::Arc;

/// The decoded fields of a query or a form.
pub(crate) type Fields = HashMap<String, String>;

/// `name=value&..`, decoded.
pub(crate) fn fields(text: &str) -> Option<Fields> {
    serde_urlencoded::from_str(text).ok()
}

pub(crate) fn frame(state: &AppState, context: &RequestContext) -> Frame {
    Frame {
        base: context.base.clone(),
        assets: format!("{}{}", state.base.0, assets::folder()),
        nonce: context.nonce.clone(),
        upload_bytes_max: context.rules.upload.map(|u| u.bytes_max),
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
pub(crate) async fn message_page(
    state: &AppState,
    context: &RequestContext,
    status: StatusCode,
    title: &str,
    says: &str,
    way: Option<(String, String)>,
) -> Response {
    let frame = frame(state, context);
    let (title, says) = (title.to_owned(), says.to_owned());
    let page = render(context.base.clone(), move || still(frame, format!("{title} · muxboard"), None, Sorry(SorryProps { title, says, way })));
    (status, page.await).into_response()
}

/// Answers 404 to every URL that is in no route.
pub(crate) async fn not_found(State(state): State<Arc<AppState>>, context: RequestContext) -> Response {
    let all = Some(("All sessions".into(), context.base.board()));
    message_page(&state, &context, StatusCode::NOT_FOUND, "Nothing here", "There is no such page.", all).await
}
