//! The page that shows what a session asks and takes an answer.

use super::render::{Fields, fields, frame, message_page, render};
use crate::board_port::BoardPort;
use crate::error::{closed_to_public, unknown_to_public};
use crate::http::api::{NoTarget, Target};
use crate::http::context::RequestContext;
use axum::extract::{Form, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use muxboard_app::answer::{AnswerPage, AnswerPageProps, LOOK_AGAIN, Next, Remark, Shown};
use muxboard_app::base::Base;
use muxboard_app::board::{Board, field};
use muxboard_app::document::still;
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::choices;
use muxboard_core::policy::{Ability, SendReply};
use muxboard_core::reply::Reply;
use muxboard_core::snapshot::{Place, Session, SessionId};
use muxboard_core::tmux::PaneId;
use muxboard_core::view::View;
use muxboard_fleet::{OpenQuestion, Sent};

pub(crate) async fn show(context: RequestContext, board: BoardPort, target: Result<Target, NoTarget>, RawQuery(query): RawQuery) -> Response {
    let Target { place, session } = match target {
        Ok(target) => target,
        Err(NoTarget(error)) => return refused(&board, &context, &error).await,
    };
    let pane = fields(query.as_deref().unwrap_or("")).unwrap_or_default().remove("pane").and_then(|pane| pane.parse().ok()).map(PaneId);
    match board.question(place.clone(), session, pane).await {
        Ok(question) => page(&board, &context, StatusCode::OK, place, session, Content { shown: Some(question), ..Content::default() }).await,
        Err(PublicError { code: Kind::Changed, .. }) => page(&board, &context, StatusCode::OK, place, session, Content::default()).await,
        Err(error) => refused(&board, &context, &error).await,
    }
}

pub(crate) async fn send(context: RequestContext, board: BoardPort, target: Result<Target, NoTarget>, Form(fields): Form<Fields>) -> Response {
    let Target { place, session } = match target {
        Ok(target) => target,
        Err(NoTarget(error)) => return refused(&board, &context, &error).await,
    };
    if !fields.keys().all(|name| ["pane", "fingerprint", "answer", "text"].contains(&name.as_str())) {
        return refused(&board, &context, &PublicError::new(Kind::BadInput, "The form has a field that is not known here.")).await;
    }
    let reply = match reply(session, &fields) {
        Ok(reply) => reply,
        Err(error) => return again(&board, &context, place, session, fields, error).await,
    };
    let what = said(&reply.answer);
    match board.answer(place.clone(), reply).await {
        Ok(Sent { left_mode, after }) => {
            let left = if left_mode { " It was scrolled back; it is at its end again." } else { "" };
            let told = Remark { done: true, says: format!("{what} was sent.{left}") };
            page(&board, &context, StatusCode::OK, place, session, Content { shown: after, told: Some(told), typed: String::new() }).await
        }
        Err(error) => again(&board, &context, place, session, fields, error).await,
    }
}

/// The answer of a form.
fn reply(session: SessionId, fields: &Fields) -> Result<SendReply, PublicError> {
    let value = |name: &str| fields.get(name).map_or("", String::as_str);
    let answer = match value("answer") {
        "text" => Reply::Line(field(value("text"), "answer")?),
        other => field(other, "answer")?,
    };
    Ok(SendReply { session, pane: PaneId(field(value("pane"), "pane")?), fingerprint: field(value("fingerprint"), "fingerprint")?, answer })
}

/// What was sent, without its text: it may be a password.
fn said(answer: &Reply) -> &'static str {
    match answer {
        Reply::Line(_) => "Your line",
        Reply::Key(_) => "The key",
    }
}

/// The page with what the session shows now, why nothing was sent, and what was typed.
async fn again(board: &BoardPort, context: &RequestContext, place: Place, session: SessionId, mut fields: Fields, error: PublicError) -> Response {
    if !matches!(error.code, Kind::Changed | Kind::BadInput | Kind::CapReached) {
        return refused(board, context, &error).await;
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::CONFLICT);
    let pane = fields.get("pane").and_then(|pane| pane.parse().ok()).map(PaneId);
    let shown = match board.question(place.clone(), session, pane).await {
        Ok(question) => Some(question),
        Err(PublicError { code: Kind::Changed, .. }) => None,
        Err(error) => return refused(board, context, &error).await,
    };
    // What was meant for another prompt is not shown where this one is: it may be a password.
    let same = |open: &OpenQuestion| {
        let (question, wanted) = (&open.question, fields.get("fingerprint").map(String::as_str));
        Some(open.fingerprint.to_string().as_str()) == wanted && !choices::read(&question.rows, question.cursor).secret
    };
    let is_same = shown.as_ref().is_some_and(same);
    let typed = fields.remove("text").filter(|_| is_same).unwrap_or_default();
    page(board, context, status, place, session, Content { shown, told: Some(Remark { done: false, says: error.says }), typed }).await
}

/// What differs from one page of a session to the next.
#[derive(Default)]
struct Content {
    shown: Option<OpenQuestion>,
    told: Option<Remark>,
    typed: String,
}

async fn page(board: &BoardPort, context: &RequestContext, status: StatusCode, place: Place, session: SessionId, content: Content) -> Response {
    let view = board.view();
    let known = view.session(&place, session);
    // What tmux has just shown is there, though the board may not know it yet.
    if known.is_none() && content.shown.is_none() {
        let doubt = view.doubt(&place).map(|fault| unknown_to_public(fault).says);
        let ended = doubt.unwrap_or_else(|| "The session has ended.".to_owned());
        let (code, says) = content.told.map_or((Kind::Gone, ended.clone()), |told| (Kind::Gone, format!("{} {ended}", told.says)));
        return refused(board, context, &PublicError::new(code, says)).await;
    }
    let frame = frame(&board.state, context);
    let label = board.rules.inventory.host(&place.host).map(|h| h.label.clone()).unwrap_or_default();
    let can = board.rules.policy.abilities(&board.who.principal, &place.host, &place.user);
    let name = known.map_or_else(|| "A new session".to_owned(), |known| known.name.to_string());
    let title = format!("{name} asks · muxboard");
    let props = AnswerPageProps {
        base: context.base.clone(),
        now: view.now,
        label,
        session,
        name,
        need: known.and_then(Session::needs),
        says: known.and_then(Session::says).map(str::to_owned),
        shown: content.shown.as_ref().map(shown),
        told: content.told,
        typed: content.typed,
        may_type: can.has(Ability::Type),
        next: next(&view, &context.base, session),
        place,
    };
    (status, render(context.base.clone(), move || still(frame, title, Some(LOOK_AGAIN), AnswerPage(props))).await).into_response()
}

fn shown(OpenQuestion { question, fingerprint }: &OpenQuestion) -> Shown {
    Shown {
        pane: question.pane.0,
        fingerprint: fingerprint.clone(),
        rows: question.end().1.to_vec(),
        prompt: choices::read(&question.rows, question.cursor),
        closed: question.closed.map(closed_to_public),
    }
}

/// The session that has waited longest for a person, this one left out.
fn next(view: &View, base: &Base, session: SessionId) -> Option<Next> {
    let waiting = || view.sessions().filter(|(_, _, s)| s.id != session).filter_map(|found| Some((found.2.counted_need()?.since, found)));
    let (_, (host, user, first)) = waiting().min_by_key(|(since, _)| *since)?;
    let place = Place { host: host.host.key.clone(), user: user.row.name.clone() };
    Some(Next { name: first.name.to_string(), url: base.answer(&place, first.id), count: waiting().count() })
}

/// A sentence instead of the page.
async fn refused(board: &BoardPort, context: &RequestContext, error: &PublicError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = match error.code {
        Kind::Forbidden => "Not allowed",
        Kind::NotFound => "No such session",
        Kind::Gone => "This session is gone",
        Kind::Unreachable => "Not reached",
        _ => "That could not be done",
    };
    message_page(&board.state, context, status, title, &error.says, Some(("All sessions".to_owned(), context.base.board()))).await
}
