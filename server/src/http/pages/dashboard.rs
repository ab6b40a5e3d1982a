//! The dashboard: sent in pieces, rendered from memory, with at most one question over it.

use super::render::{Fields, fields, frame};
use crate::access::gate::Gate;
use crate::board_port::BoardPort;
use crate::http::context::RequestContext;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use leptos::prelude::*;
use muxboard_app::Page;
use muxboard_app::board::Board;
use muxboard_app::dashboard::create::{CreateForm, CreateFormProps, Typed};
use muxboard_app::dashboard::filter::Query;
use muxboard_app::dashboard::kill::{KillForm, KillFormProps};
use muxboard_app::dashboard::list::{List, ListProps};
use muxboard_app::dashboard::rename::{RenameForm, RenameFormProps};
use muxboard_app::dashboard::store::Store;
use muxboard_app::dashboard::{BoardPage, Counts, ServerHtml, create};
use muxboard_app::document::living;
use muxboard_app::ui::post_form::Posting;
use muxboard_core::limits::PREVIEWS_IN_PAGE_MAX;
use muxboard_core::policy::Ability;
use muxboard_core::snapshot::{Place, Session, SessionId, UserState};
use muxboard_core::view::View;
use std::convert::Infallible;
use tokio::sync::mpsc;

/// A question over the dashboard, and what was typed into it so far.
pub(crate) struct OpenForm {
    pub(crate) what: &'static str,
    pub(crate) fields: Fields,
    pub(crate) refused: Option<String>,
}

pub(crate) async fn dashboard(context: RequestContext, board: BoardPort, RawQuery(query): RawQuery) -> Response {
    let mut asked = fields(query.as_deref().unwrap_or("")).unwrap_or_default();
    let filter = asked.remove("q").unwrap_or_default();
    let question = ["kill", "rename", "create"].into_iter().find_map(|what| {
        let about = asked.get(what)?;
        let (place, session) = about.rsplit_once('/').filter(|_| what != "create").unwrap_or((about, ""));
        Some(OpenForm { what, fields: [("place", place), ("session", session)].map(|(k, v)| (k.to_owned(), v.to_owned())).into(), refused: None })
    });
    board_page(board, &context, StatusCode::OK, filter, question).await
}

pub(crate) async fn board_page(board: BoardPort, context: &RequestContext, status: StatusCode, query: String, question: Option<OpenForm>) -> Response {
    let (frame, base) = (frame(&board.state, context), context.base.clone());
    // Where the list goes: no content can hold it.
    let place = format!("<!--{}-->", context.nonce);
    let (sender, receiver) = mpsc::channel::<String>(4);
    tokio::task::spawn_blocking(move || {
        let owner = Owner::new();
        owner.with(|| {
            provide_context(base);
            let mut view = board.view();
            let page = BoardPage {
                principal: view.principal.clone(),
                acts_as: board.who.principal.account.as_ref().map(ToString::to_string).unwrap_or_default(),
                may_log_out: matches!(board.rules.gate, Gate::Token(_)),
                home: board.state.home.clone(),
                query: query.clone(),
                counts: Counts::of(&view),
            };
            let question = question.map(|q| open_form_html(&view, q)).unwrap_or_default();
            let document = living(frame, Page::Board(page), ServerHtml { list: place.clone(), question }).to_html();
            let (head, tail) = document.split_once(&place).unwrap_or((&document, ""));
            // The browser paints the bar and fetches the program while a long list is still being made. A failure to send: nobody reads on.
            let _ = sender.blocking_send(head.to_owned());
            let _ = sender.blocking_send(list_html(&mut view, query));
            let _ = sender.blocking_send(tail.to_owned());
        });
        owner.cleanup();
    });
    let chunks =
        futures_util::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|chunk| (Ok::<_, Infallible>(chunk), receiver)) }).fuse();
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], Body::from_stream(chunks)).into_response()
}

fn list_html(view: &mut View, query: String) -> String {
    let users = view.hosts.iter_mut().flat_map(|h| &mut h.users);
    let sessions = users.filter_map(|u| if let UserState::Sessions(sessions) = &mut u.row.state { Some(sessions) } else { None });
    sessions.flatten().skip(PREVIEWS_IN_PAGE_MAX).for_each(|s| s.preview.clear());
    provide_context(Query(RwSignal::new(query)));
    let store = Store::default();
    store.take(view);
    List(ListProps { store }).into_view().to_html()
}

fn open_form_html(view: &View, question: OpenForm) -> String {
    let field = |name: &str| question.fields.get(name).cloned().unwrap_or_default();
    let posting = RwSignal::new(question.refused.map_or(Posting::Idle, Posting::Refused));
    let done = Callback::new(|_: String| ());
    let found: Option<(Place, Session)> = field("place").parse::<Place>().ok().zip(field("session").parse::<SessionId>().ok()).and_then(|(place, id)| {
        let session = view.session(&place, id).cloned();
        session.map(|s| (place, s))
    });
    let inner = match (question.what, found) {
        ("create", _) => {
            let places = create::places(view, |u| u.can.has(Ability::Create));
            let typed = Typed { place: field("place"), name: field("name"), directory: field("directory"), command: field("command") };
            CreateForm(CreateFormProps { places, typed, posting, done, name: None, chosen: None }).into_any()
        }
        ("kill", Some((place, session))) => {
            let label = view.hosts.iter().find(|h| h.host.key == place.host).map(|h| h.host.label.clone()).unwrap_or_default();
            KillForm(KillFormProps { place, label, session, posting, done }).into_any()
        }
        ("rename", Some((place, session))) => RenameForm(RenameFormProps { place, session, typed: field("name"), posting, done }).into_any(),
        _ if field("place").parse().is_ok_and(|place| view.doubt(&place).is_some()) => {
            view! { <div class="question"><h3>"Whether this session is there is not known now"</h3><p>"Nothing was touched. What is wrong is said below."</p></div> }
                .into_any()
        }
        _ => view! { <div class="question"><h3>"This session is gone"</h3><p>"It has ended, or you may not see it. Nothing was touched."</p></div> }.into_any(),
    };
    view! { <section class="asked" aria-label="Question">{inner}</section> }.to_html()
}
