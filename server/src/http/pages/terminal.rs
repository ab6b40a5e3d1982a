//! The page of one session: the terminal, or why it is not shown.

use super::render::{fields, frame, message_page, render};
use crate::board_port::BoardPort;
use crate::error::NOT_LOOKED_AT;
use crate::http::context::RequestContext;
use crate::http::guard::XtermPage;
use crate::state::AppState;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::Page;
use muxboard_app::board::Board;
use muxboard_app::dashboard::ServerHtml;
use muxboard_app::document::{living, still};
use muxboard_app::error::Kind;
use muxboard_app::login::{Missing, MissingProps};
use muxboard_app::terminal::TerminalPage;
use muxboard_core::fault::Fault;
use muxboard_core::limits::ASK_AGAIN_SECONDS;
use muxboard_core::name::{NewSessionName, SessionName};
use muxboard_core::policy::{Ability, Watch};
use muxboard_core::snapshot::{Place, SessionId};
use serde::Deserialize;

/// The parameters of the route. By name: below the path of a login there is one more.
#[derive(Deserialize)]
pub(crate) struct PagePath {
    host: String,
    user: String,
    name: String,
}

pub(crate) async fn terminal(
    context: RequestContext,
    board: BoardPort,
    Path(PagePath { host, user, name }): Path<PagePath>,
    RawQuery(query): RawQuery,
) -> Response {
    let (state, rules) = (&board.state, &board.rules);
    let all = || Some(("All sessions".to_owned(), context.base.board()));
    let no_place = || message_page(state, &context, StatusCode::NOT_FOUND, "No such host or user", "There is no such host or user here.", all());
    let (Ok(place), Ok(name)) = (format!("{host}/{user}").parse::<Place>(), name.parse::<SessionName>()) else { return no_place().await };
    let asked = fields(query.as_deref().unwrap_or("")).unwrap_or_default();
    let id = asked.get("id").map(|id| id.parse::<SessionId>());
    // The right to look at whichever session it turns out to be.
    let any = SessionId { number: 0, created: 0, server_pid: 0, server_start: 0 };
    let permit = board.permit(place.clone(), Watch { session: id.and_then(Result::ok).unwrap_or(any) });
    match permit.as_ref().map_err(|error| error.code) {
        Ok(_) => {}
        Err(Kind::NotFound) => return no_place().await,
        Err(_) => return message_page(state, &context, StatusCode::FORBIDDEN, "Not allowed", "You may not open sessions of that user.", all()).await,
    }
    let can = rules.policy.abilities(&board.who.principal, &place.host, &place.user);
    let view = board.view();
    let by_name = muxboard_core::view::resolve(&view, &place, &name).cloned();
    let session = match id {
        None => by_name.clone(),
        Some(Ok(id)) => view.session(&place, id).cloned(),
        Some(Err(_)) => None,
    };
    let Some(session) = session else {
        if let Some(fault) = view.doubt(&place) {
            return in_doubt(state, &context, fault).await;
        }
        return match by_name {
            Some(other) => {
                let says = "The session you clicked has ended. Another one has its name now; it was not opened.";
                message_page(
                    state,
                    &context,
                    StatusCode::GONE,
                    "This session was replaced",
                    says,
                    Some(("Open the new one".to_owned(), context.base.terminal(&place, name.as_str(), other.id, false))),
                )
                .await
            }
            None if asked.contains_key("id") => {
                message_page(state, &context, StatusCode::GONE, "This session is gone", "It has ended. Nothing was opened in its place.", all()).await
            }
            None => missing(state, &context, &place, &name, can.has(Ability::Create)).await,
        };
    };
    let watch = asked.contains_key("watch") || !can.has(Ability::Type);
    let label = rules.inventory.host(&place.host).map(|h| h.label.clone()).unwrap_or_default();
    let page = TerminalPage {
        notes: session.notes.iter().map(|note| note.sentence(&place.user)).collect(),
        place,
        label,
        session: session.id,
        name: session.name.to_string(),
        watch,
        may_type: can.has(Ability::Type),
        may_create: can.has(Ability::Create),
    };
    let frame = frame(state, &context);
    let mut answer = render(context.base.clone(), move || living(frame, Page::Terminal(page), ServerHtml::default())).await.into_response();
    answer.extensions_mut().insert(XtermPage);
    answer
}

/// Whether the session is there is not known now. Where nobody has looked yet, the page asks again by itself; what is wrong stays to be read.
async fn in_doubt(state: &AppState, context: &RequestContext, fault: Option<&Fault>) -> Response {
    let all = Some(("All sessions".to_owned(), context.base.board()));
    let (title, says) = match fault {
        None => ("One moment", NOT_LOOKED_AT.to_owned()),
        Some(fault) => (fault.title.as_str(), [Some(fault.words.as_str()), fault.line.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    };
    let mut answer = message_page(state, context, StatusCode::SERVICE_UNAVAILABLE, title, &says, all).await;
    if fault.is_none() {
        answer.headers_mut().insert(header::REFRESH, HeaderValue::from(ASK_AGAIN_SECONDS));
    }
    answer
}

/// A name that no session has: it can be made, by a button. (No GET makes anything.)
async fn missing(state: &AppState, context: &RequestContext, place: &Place, name: &SessionName, may_create: bool) -> Response {
    let frame = frame(state, context);
    let label = context.rules.inventory.host(&place.host).map(|h| h.label.clone()).unwrap_or_default();
    let may_create = match name.as_str().parse::<NewSessionName>() {
        _ if !may_create => Err("You may not create sessions there.".to_owned()),
        Err(why) => Err(format!("It cannot be created under that name: {why}.")),
        Ok(_) => Ok(()),
    };
    let (place, name) = (place.clone(), name.to_string());
    let page = render(context.base.clone(), move || still(frame, format!("{name} · muxboard"), None, Missing(MissingProps { place, label, name, may_create })));
    (StatusCode::NOT_FOUND, page.await).into_response()
}
