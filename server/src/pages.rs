//! The pages: rendered from memory, never waiting for a host.

use crate::assets;
use crate::auth::{Gate, Refusal};
use crate::board::Shared;
use crate::failed::NOT_LOOKED_AT;
use crate::guard::{Nonce, XtermPage};
use crate::rules::Rules;
use crate::visit::{self, Visit};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Form, Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::StreamExt;
use leptos::prelude::*;
use muxboard_app::Page;
use muxboard_app::base::Base;
use muxboard_app::board::Board;
use muxboard_app::dashboard::create::{CreateForm, CreateFormProps, Typed};
use muxboard_app::dashboard::filter::Query;
use muxboard_app::dashboard::kill::{KillForm, KillFormProps};
use muxboard_app::dashboard::list::{List, ListProps};
use muxboard_app::dashboard::rename::{RenameForm, RenameFormProps};
use muxboard_app::dashboard::store::Store;
use muxboard_app::dashboard::{AsSent, BoardPage, Counts, create};
use muxboard_app::document::{Frame, living, still};
use muxboard_app::error::Kind;
use muxboard_app::login::{FROM_LINK, Login, LoginProps, Missing, MissingProps, Sorry, SorryProps};
use muxboard_app::terminal::TerminalPage;
use muxboard_app::ui::post_form::Posting;
use muxboard_core::audit::AuditEvent;
use muxboard_core::fault::Fault;
use muxboard_core::limits::{ASK_AGAIN_SECONDS, PREVIEWS_IN_PAGE_MAX};
use muxboard_core::name::{NewSessionName, SessionName};
use muxboard_core::policy::{Ability, Asker, Watch};
use muxboard_core::snapshot::{Place, Session, SessionId, UserState, View};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What was asked for in a URL or a form.
pub(crate) type Fields = HashMap<String, String>;

/// `name=value&..`, decoded.
pub(crate) fn fields(text: &str) -> Option<Fields> {
    let uri: axum::http::Uri = format!("/?{text}").parse().ok()?;
    axum::extract::Query::try_from_uri(&uri).ok().map(|axum::extract::Query(fields)| fields)
}

pub(crate) fn frame(shared: &Shared, nonce: &Nonce) -> Frame {
    Frame {
        base: shared.base.clone(),
        assets: format!("{}{}", shared.base.0, assets::folder()),
        nonce: nonce.0.clone(),
        scripts: assets::scripts(),
        upload_bytes_max: shared.rules().upload.map(|u| u.bytes_max),
    }
}

/// Renders on a thread that may take its time: a big page must not hold up a terminal.
async fn render<V: IntoView + 'static>(base: Base, view: impl FnOnce() -> V + Send + 'static) -> Html<String> {
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
pub(crate) async fn sorry(shared: &Shared, nonce: &Nonce, status: StatusCode, title: &str, says: &str, way: Option<(String, String)>) -> Response {
    let frame = frame(shared, nonce);
    let (title, says) = (title.to_owned(), says.to_owned());
    let page = render(shared.base.clone(), move || still(frame, format!("{title} · muxboard"), None, Sorry(SorryProps { title, says, way })));
    (status, page.await).into_response()
}

/// What somebody sees who is not let in, in place of the page: the login where there is one, else why, in words.
pub(crate) async fn unknown(shared: &Shared, nonce: &Nonce, next: &str, refusal: &Refusal) -> Response {
    let rules = shared.rules();
    let error = visit::public(shared, refusal);
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let (title, says) = match (refusal, &rules.gate) {
        (Refusal::Unknown, Gate::Token(_)) => return login_page(shared, nonce, status, next, None).await,
        (Refusal::Locked, Gate::Token(_)) => return login_page(shared, nonce, status, next, Some(&error.says)).await,
        (Refusal::Unknown, Gate::Deny) => (
            "Not set up yet",
            "This board is not set up: no gate is configured, so it lets nobody in. Whoever runs it can name one (auth.gate) in its configuration.".to_owned(),
        ),
        (Refusal::Unknown, Gate::Proxy(_)) => (
            "Not logged in",
            "This board is reached through a proxy that says who you are, and this request did not come with its word. Open the board at the proxy's address."
                .to_owned(),
        ),
        (Refusal::Unknown, Gate::Own(_)) => {
            ("Not logged in", "This board is part of another application, and you are not logged in there. Log in there, then come back.".to_owned())
        }
        (Refusal::NotMapped(_), _) => ("No account here", error.says),
        _ => ("Not logged in", error.says),
    };
    sorry(shared, nonce, status, title, &says, shared.home.clone()).await
}

async fn login_page(shared: &Shared, nonce: &Nonce, status: StatusCode, next: &str, refused: Option<&str>) -> Response {
    let frame = frame(shared, nonce);
    let (base, next, refused) = (shared.base.clone(), own_path(&shared.base, next), refused.map(str::to_owned));
    let page = render(shared.base.clone(), move || still(frame, "Log in · muxboard".into(), Some(FROM_LINK), Login(LoginProps { base, next, refused })));
    (status, page.await).into_response()
}

/// A path of this board, or its front page: never a way to another site.
fn own_path(base: &Base, next: &str) -> String {
    let below = next.strip_prefix(base.0.as_str()).unwrap_or("");
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if below.starts_with('/') && !below.starts_with("//") && plain { next.to_owned() } else { base.board() }
}

pub(crate) async fn login(State(shared): State<Arc<Shared>>, Extension(nonce): Extension<Nonce>) -> Response {
    match shared.rules().gate {
        Gate::Token(_) => login_page(&shared, &nonce, StatusCode::OK, "", None).await,
        Gate::Deny => unknown(&shared, &nonce, "", &Refusal::Unknown).await,
        _ => no_login(&shared, &nonce).await,
    }
}

/// Only tokens are given here; the other gates know who it is without asking.
async fn no_login(shared: &Shared, nonce: &Nonce) -> Response {
    let says = "Who you are is not asked here: this board's gate knows it from elsewhere.";
    sorry(shared, nonce, StatusCode::NOT_FOUND, "No login here", says, Some(("All sessions".into(), shared.base.board()))).await
}

pub(crate) async fn log_in(
    State(shared): State<Arc<Shared>>,
    Extension(nonce): Extension<Nonce>,
    Extension(visit): Extension<Visit>,
    Form(fields): Form<Fields>,
) -> Response {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let gate = match &visit.rules.gate {
        Gate::Token(gate) => gate,
        Gate::Deny => return unknown(&shared, &nonce, "", &Refusal::Unknown).await,
        _ => return no_login(&shared, &nonce).await,
    };
    match gate.log_in(field("token").trim(), visit.source(), &shared.base.0) {
        Ok((principal, cookie)) => {
            (shared.audit)(AuditEvent::about(&Asker { principal, ..visit.nobody }, "login", "done"));
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, own_path(&shared.base, field("next")))]).into_response()
        }
        Err(refusal) => {
            visit.refused(&shared, "login", &refusal);
            let (status, says) = match refusal {
                Refusal::Locked => (StatusCode::TOO_MANY_REQUESTS, visit::public(&shared, &refusal).says),
                _ => (StatusCode::UNAUTHORIZED, "This token is not known.".to_owned()),
            };
            login_page(&shared, &nonce, status, field("next"), Some(&says)).await
        }
    }
}

pub(crate) async fn log_out(State(shared): State<Arc<Shared>>, Extension(nonce): Extension<Nonce>, Extension(visit): Extension<Visit>) -> Response {
    let Gate::Token(gate) = &visit.rules.gate else { return no_login(&shared, &nonce).await };
    let cookie = gate.log_out(visit.caller.headers(), &shared.base.0);
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, shared.base.login())]).into_response()
}

/// Any other URL.
pub(crate) async fn nothing(State(shared): State<Arc<Shared>>, Extension(nonce): Extension<Nonce>) -> Response {
    let all = Some(("All sessions".into(), shared.base.board()));
    sorry(&shared, &nonce, StatusCode::NOT_FOUND, "Nothing here", "There is no such page.", all).await
}

/// A question over the dashboard, and what was typed into it so far.
pub(crate) struct Question {
    pub(crate) what: &'static str,
    pub(crate) fields: Fields,
    pub(crate) refused: Option<String>,
}

pub(crate) async fn dashboard(
    State(shared): State<Arc<Shared>>,
    Extension(nonce): Extension<Nonce>,
    Extension(who): Extension<Asker>,
    RawQuery(query): RawQuery,
) -> Response {
    let mut asked = fields(query.as_deref().unwrap_or("")).unwrap_or_default();
    let filter = asked.remove("q").unwrap_or_default();
    let question = ["kill", "rename", "create"].into_iter().find_map(|what| {
        let about = asked.get(what)?;
        let (place, session) = about.rsplit_once('/').filter(|_| what != "create").unwrap_or((about, ""));
        Some(Question { what, fields: [("place", place), ("session", session)].map(|(k, v)| (k.to_owned(), v.to_owned())).into(), refused: None })
    });
    board_page(&shared, &nonce, StatusCode::OK, who, filter, question).await
}

pub(crate) async fn board_page(shared: &Arc<Shared>, nonce: &Nonce, status: StatusCode, who: Asker, query: String, question: Option<Question>) -> Response {
    let frame = frame(shared, nonce);
    // Where the list goes: no content can hold it.
    let place = format!("<!--{}-->", nonce.0);
    let board = shared.clone();
    let (sender, receiver) = mpsc::channel::<String>(4);
    tokio::task::spawn_blocking(move || {
        let owner = Owner::new();
        owner.with(|| {
            provide_context(board.base.clone());
            let mut view = board.view(&who);
            let page = BoardPage {
                principal: view.principal.clone(),
                acts_as: who.principal.account.as_ref().map(ToString::to_string).unwrap_or_default(),
                may_log_out: matches!(board.rules().gate, Gate::Token(_)),
                home: board.home.clone(),
                query: query.clone(),
                counts: Counts::of(&view),
            };
            let question = question.map(|q| question_html(&view, q)).unwrap_or_default();
            let document = living(frame, Page::Board(page), AsSent { list: place.clone(), question }).to_html();
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

fn question_html(view: &View, question: Question) -> String {
    let field = |name: &str| question.fields.get(name).cloned().unwrap_or_default();
    let posting = RwSignal::new(question.refused.map_or(Posting::Idle, Posting::Refused));
    let done = Callback::new(|_: String| ());
    let found: Option<(Place, Session)> = field("place").parse::<Place>().ok().zip(field("session").parse::<SessionId>().ok()).and_then(|(place, id)| {
        let session = view.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.id == id).map(|(_, _, s)| s.clone());
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

pub(crate) async fn terminal(
    State(shared): State<Arc<Shared>>,
    Extension(nonce): Extension<Nonce>,
    Extension(who): Extension<Asker>,
    Path((host, user, name)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let rules = shared.rules();
    let all = || Some(("All sessions".to_owned(), shared.base.board()));
    let no_place = || sorry(&shared, &nonce, StatusCode::NOT_FOUND, "No such host or user", "There is no such host or user here.", all());
    let (Ok(place), Ok(name)) = (format!("{host}/{user}").parse::<Place>(), name.parse::<SessionName>()) else { return no_place().await };
    let asked = fields(query.as_deref().unwrap_or("")).unwrap_or_default();
    let id = asked.get("id").map(|id| id.parse::<SessionId>());
    // The right to look at whichever session it turns out to be.
    let any = SessionId { number: 0, created: 0, server_pid: 0, server_start: 0 };
    let permit = shared.permit(&who, place.clone(), Watch { session: id.and_then(Result::ok).unwrap_or(any) });
    match permit.as_ref().map_err(|error| error.code) {
        Ok(_) => {}
        Err(Kind::NotFound) => return no_place().await,
        Err(_) => return sorry(&shared, &nonce, StatusCode::FORBIDDEN, "Not allowed", "You may not open sessions of that user.", all()).await,
    }
    let can = rules.policy.abilities(&who.principal, &place.host, &place.user);
    let view = shared.view(&who);
    let by_name = muxboard_core::policy::resolve(&view, &place, &name).cloned();
    let session = match id {
        None => by_name.clone(),
        Some(Ok(id)) => view.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.id == id).map(|(_, _, s)| s.clone()),
        Some(Err(_)) => None,
    };
    let Some(session) = session else {
        if let Some(fault) = view.doubt(&place) {
            return in_doubt(&shared, &nonce, fault).await;
        }
        return match by_name {
            Some(other) => {
                let says = "The session you clicked has ended. Another one has its name now; it was not opened.";
                sorry(
                    &shared,
                    &nonce,
                    StatusCode::GONE,
                    "This session was replaced",
                    says,
                    Some(("Open the new one".to_owned(), shared.base.terminal(&place, name.as_str(), other.id, false))),
                )
                .await
            }
            None if asked.contains_key("id") => {
                sorry(&shared, &nonce, StatusCode::GONE, "This session is gone", "It has ended. Nothing was opened in its place.", all()).await
            }
            None => missing(&shared, &nonce, &rules, &place, &name, can.has(Ability::Create)).await,
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
    let frame = frame(&shared, &nonce);
    let mut answer = render(shared.base.clone(), move || living(frame, Page::Terminal(page), AsSent::default())).await.into_response();
    answer.extensions_mut().insert(XtermPage);
    answer
}

/// Whether the session is there is not known now. Where nobody has looked yet, the page asks again by itself; what is wrong stays to be read.
async fn in_doubt(shared: &Shared, nonce: &Nonce, fault: Option<&Fault>) -> Response {
    let all = Some(("All sessions".to_owned(), shared.base.board()));
    let (title, says) = match fault {
        None => ("One moment", NOT_LOOKED_AT.to_owned()),
        Some(fault) => (fault.title.as_str(), [Some(fault.words.as_str()), fault.line.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    };
    let mut answer = sorry(shared, nonce, StatusCode::SERVICE_UNAVAILABLE, title, &says, all).await;
    if fault.is_none() {
        answer.headers_mut().insert(header::REFRESH, HeaderValue::from(ASK_AGAIN_SECONDS));
    }
    answer
}

/// A name that no session has: it can be made, by a button. (No GET makes anything.)
async fn missing(shared: &Shared, nonce: &Nonce, rules: &Rules, place: &Place, name: &SessionName, may_create: bool) -> Response {
    let frame = frame(shared, nonce);
    let label = rules.inventory.host(&place.host).map(|h| h.label.clone()).unwrap_or_default();
    let may_create = match name.as_str().parse::<NewSessionName>() {
        _ if !may_create => Err("You may not create sessions there.".to_owned()),
        Err(why) => Err(format!("It cannot be created under that name: {why}.")),
        Ok(_) => Ok(()),
    };
    let (place, name) = (place.clone(), name.to_string());
    let page = render(shared.base.clone(), move || still(frame, format!("{name} · muxboard"), None, Missing(MissingProps { place, label, name, may_create })));
    (StatusCode::NOT_FOUND, page.await).into_response()
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
