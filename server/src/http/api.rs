//! JSON for programs. Errors are problem+json (RFC 9457). What is not known here is refused: an unknown field, an unknown query.

use crate::board_port::BoardPort;
use crate::error::{closed_to_public, reading_to_public};
use crate::http::problem::{answered, bad, no_query, problem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, RawQuery};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::board::{Board, field};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::choices;
use muxboard_core::fault::{self, Fault};
use muxboard_core::limits::TEXT_LINES_MAX;
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::note::Note;
use muxboard_core::policy::{Ability, Create, ReadText, SendReply};
use muxboard_core::snapshot::{HostState, Place, Session, SessionId, UnixSeconds, UserState, Window};
use muxboard_core::tmux::PaneId;
use muxboard_core::view::{HostView, UserView, View};
use muxboard_fleet::OpenQuestion;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Any other URL below `/api`.
pub(crate) async fn nothing() -> Response {
    problem(&PublicError::new(Kind::NotFound, "There is no such thing in this API."))
}

/// The body, as JSON and nothing else.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, PublicError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(bad("The body must be JSON: Content-Type: application/json."));
    }
    serde_json::from_slice(body).map_err(|error| bad(format!("The body is not what is asked for: {error}.")))
}

/// Returns the identity of the caller and what it may do where.
pub(crate) async fn whoami(board: BoardPort) -> Response {
    let (view, who) = (board.view(), &board.who);
    let account = who.principal.account.as_ref();
    if let Some(account) = account
        && has_no_account(&view, account.as_str())
    {
        let says =
            format!("{} is mapped to the Unix account {account}, and there is no such account. As root: useradd --create-home {account}", who.principal.name);
        return problem(&PublicError::new(Kind::Internal, says));
    }
    let places: Vec<Value> = view.hosts.iter().flat_map(|h| h.users.iter().map(|u| json!({ "host": h.host.key, "user": u.row.name, "can": can(u) }))).collect();
    Json(json!({ "identity": who.principal.name, "account": account, "groups": who.principal.groups, "gate": who.gate, "reach": places })).into_response()
}

/// Whether an account is missing wherever it could be.
fn has_no_account(view: &View, account: &str) -> bool {
    let mut rows = view.hosts.iter().flat_map(|h| &h.users).filter(|u| u.row.name.as_str() == account).peekable();
    rows.peek().is_some() && rows.all(|u| matches!(&u.row.state, UserState::Fault(fault) if fault.kind == fault::FaultKind::NoAccount))
}

fn can(user: &UserView) -> Vec<Ability> {
    Ability::ALL.into_iter().filter(|a| user.can.has(*a)).collect()
}

/// The hosts, and how each is.
pub(crate) async fn hosts(board: BoardPort, RawQuery(query): RawQuery) -> Response {
    answered(no_query(query.as_deref()).map(|()| {
        let view = board.view();
        let hosts: Vec<Value> = view.hosts.iter().map(host_alone).collect();
        Json(json!({ "now": view.now, "hosts": hosts })).into_response()
    }))
}

/// Lists the sessions of all hosts.
pub(crate) async fn sessions(board: BoardPort, RawQuery(query): RawQuery) -> Response {
    answered(no_query(query.as_deref()).map(|()| list(&board.view())))
}

fn list(view: &View) -> Response {
    let hosts: Vec<Value> = view.hosts.iter().map(host).collect();
    Json(json!({ "now": view.now, "hosts": hosts })).into_response()
}

/// A session to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    host: String,
    user: String,
    name: String,
    #[serde(default)]
    directory: String,
    #[serde(default)]
    command: String,
}

pub(crate) async fn create(board: BoardPort, headers: HeaderMap, body: Bytes) -> Response {
    let made = async {
        let asked: CreateRequest = read(&headers, &body)?;
        let place = place(&asked.host, &asked.user)?;
        let wanted = Create {
            name: field(&asked.name, "name")?,
            directory: if asked.directory.is_empty() { None } else { Some(field(&asked.directory, "directory")?) },
            command: if asked.command.is_empty() { None } else { Some(field(&asked.command, "command")?) },
        };
        let user = place.user.clone();
        let made = board.create(place, wanted).await?;
        Ok((StatusCode::CREATED, Json(json!({ "id": made.session, "notes": sentences(&made.notes, &user) }))).into_response())
    };
    answered(made.await)
}

fn place(host: &str, user: &str) -> Result<Place, PublicError> {
    Ok(Place { host: field(host, "host")?, user: field(user, "user")? })
}

/// The session that a route names: its place and its identity.
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) session: SessionId,
}

/// The parameters of a session's route, as they were written. By name: below the path of a login there is one more.
#[derive(Deserialize)]
struct SessionPath {
    host: String,
    user: String,
    session: String,
}

/// The error for a route that names no session.
pub(crate) struct NoTarget(pub(crate) PublicError);

impl IntoResponse for NoTarget {
    fn into_response(self) -> Response {
        problem(&self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = NoTarget;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoTarget> {
        let path = Path::<SessionPath>::from_request_parts(parts, state).await;
        let target = || {
            let Path(path) = path.map_err(|error| bad(error.body_text()))?;
            Ok(Self { place: place(&path.host, &path.user)?, session: field(&path.session, "session")? })
        };
        target().map_err(NoTarget)
    }
}

/// Returns the text of a session's active pane with its history, or with at most so many lines of it (`?history=0`).
pub(crate) async fn text(board: BoardPort, Target { place, session }: Target, RawQuery(query): RawQuery) -> Response {
    let read = async {
        let history = match query.as_deref().filter(|query| !query.is_empty()).map(|query| query.split_once('=')) {
            None => TEXT_LINES_MAX,
            Some(Some(("history", lines))) => lines.parse().map_err(|_| bad("history: a number of lines."))?,
            Some(_) => return Err(bad("The only parameter here is history=LINES.")),
        };
        let permit = board.permit(place, ReadText { session })?;
        let read = board.state.fleet.text(&permit, history).await.map_err(reading_to_public)?;
        Ok(Json(json!({ "text": read.text, "history": read.history, "prefix": read.prefix, "bracketed_paste": read.bracketed_paste })).into_response())
    };
    answered(read.await)
}

/// Returns what a pane of a session shows (`?pane=N`; without it, the one in which a person is asked), and the fingerprint that an answer to it must name.
pub(crate) async fn question(board: BoardPort, Target { place, session }: Target, RawQuery(query): RawQuery) -> Response {
    let read = async {
        let pane = match query.as_deref().filter(|query| !query.is_empty()).map(|query| query.split_once('=')) {
            None => None,
            Some(Some(("pane", pane))) => Some(PaneId(pane.parse().map_err(|_| bad("pane: tmux's number of a pane, without its %."))?)),
            Some(_) => return Err(bad("The only parameter here is pane=NUMBER.")),
        };
        Ok(Json(question_json(&board.question(place, session, pane).await?)).into_response())
    };
    answered(read.await)
}

fn question_json(OpenQuestion { question, fingerprint }: &OpenQuestion) -> Value {
    let (first_row, rows) = question.end();
    let prompt = choices::read(&question.rows, question.cursor);
    let choices: Vec<Value> = prompt.choices.iter().map(|c| json!({ "label": c.label, "answer": c.answer.to_string() })).collect();
    json!({
        "pane": question.pane.0, "fingerprint": fingerprint, "first_row": first_row, "rows": rows, "cursor": question.cursor, "choices": choices,
        "secret": prompt.secret, "closed": question.closed.map(closed_to_public),
    })
}

/// An answer to what a pane shows: `line:TEXT` with a Return behind it, or `key:NAME` without one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerRequest {
    pane: u32,
    fingerprint: String,
    answer: String,
}

pub(crate) async fn answer(board: BoardPort, Target { place, session }: Target, headers: HeaderMap, body: Bytes) -> Response {
    let sent = async {
        let asked: AnswerRequest = read(&headers, &body)?;
        let reply =
            SendReply { session, pane: PaneId(asked.pane), fingerprint: field(&asked.fingerprint, "fingerprint")?, answer: field(&asked.answer, "answer")? };
        let sent = board.answer(place, reply).await?;
        Ok(Json(json!({ "left_mode": sent.left_mode, "question": sent.after.as_ref().map(question_json) })).into_response())
    };
    answered(sent.await)
}

/// The new name of a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenameRequest {
    name: String,
}

pub(crate) async fn rename(board: BoardPort, Target { place, session }: Target, headers: HeaderMap, body: Bytes) -> Response {
    let renamed = async {
        let asked: RenameRequest = read(&headers, &body)?;
        board.rename(place, session, field(&asked.name, "name")?).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    answered(renamed.await)
}

/// The name of a session that is to be killed, letter for letter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KillRequest {
    confirm: String,
}

pub(crate) async fn kill(board: BoardPort, Target { place, session }: Target, headers: HeaderMap, body: Bytes) -> Response {
    let killed = async {
        let asked: KillRequest = read(&headers, &body)?;
        let kept = board.kill(place, session, asked.confirm).await?;
        if kept.windows == 0 { Ok(StatusCode::NO_CONTENT.into_response()) } else { Ok(Json(json!({ "kept": kept })).into_response()) }
    };
    answered(killed.await)
}

/// Up to when a session needed somebody, who is needed no more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DismissRequest {
    until: UnixSeconds,
}

pub(crate) async fn dismiss(board: BoardPort, Target { place, session }: Target, headers: HeaderMap, body: Bytes) -> Response {
    let dismissed = async {
        let asked: DismissRequest = read(&headers, &body)?;
        board.dismiss(place, session, asked.until).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    answered(dismissed.await)
}

/// The host to look at again; all if none.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    host: Option<String>,
}

pub(crate) async fn refresh(board: BoardPort, headers: HeaderMap, body: Bytes) -> Response {
    let refreshed = async {
        let asked: RefreshRequest = if body.is_empty() { RefreshRequest::default() } else { read(&headers, &body)? };
        let host: Option<HostKey> = asked.host.map(|host| field(&host, "host")).transpose()?;
        board.refresh(host).await?;
        Ok(list(&board.view()))
    };
    answered(refreshed.await)
}

fn host(view: &HostView) -> Value {
    let mut all = host_alone(view);
    if let Some(fields) = all.as_object_mut() {
        fields.insert("users".into(), view.users.iter().map(user).collect());
    }
    all
}

fn host_alone(view: &HostView) -> Value {
    let (state, fault, round_trip_ms) = match &view.host.state {
        HostState::Pending => (json!("pending"), None, None),
        HostState::Up { round_trip_ms } => (json!("up"), None, Some(*round_trip_ms)),
        HostState::Fault(fault) => (json!(fault.kind), Some(fault), None),
    };
    json!({
        "key": view.host.key, "label": view.host.label, "place": view.host.place, "ok": state == "up", "state": state, "error": fault.map(error),
        "mend": fault.and_then(|f| f.line.as_ref()), "since": view.host.since, "round_trip_ms": round_trip_ms, "checked_at": view.host.swept_at,
    })
}

fn error(fault: &Fault) -> String {
    format!("{} {}", fault.title, fault.words)
}

fn user(view: &UserView) -> Value {
    let (state, fault) = match &view.row.state {
        UserState::Pending => (json!("pending"), None),
        UserState::Sessions(_) => (json!("sessions"), None),
        UserState::NoServer => (json!("no_server"), None),
        UserState::Fault(fault) => (json!(fault.kind), Some(fault)),
    };
    json!({
        "user": view.row.name, "through_sudo": view.row.through_sudo, "state": state, "error": fault.map(error), "mend": fault.and_then(|f| f.line.as_ref()),
        "since": view.row.since, "can": can(view), "sessions": view.row.sessions().iter().map(|s| session(s, &view.row.name)).collect::<Vec<_>>(),
    })
}

fn sentences(notes: &[Note], user: &UnixUser) -> Vec<String> {
    notes.iter().map(|note| note.sentence(user)).collect()
}

fn session(session: &Session, user: &UnixUser) -> Value {
    let needs = session.counted_need().map(|need| json!({ "reason": need.reason.word(), "since": need.since, "says": session.says() }));
    json!({
        "id": session.id, "name": session.name, "created": session.id.created, "activity": session.activity, "attached": session.attached, "needs": needs,
        "windows": session.windows.iter().map(window).collect::<Vec<_>>(), "notes": sentences(&session.notes, user),
    })
}

fn window(window: &Window) -> Value {
    let w = window;
    json!({
        "id": w.id, "pane": w.pane, "also_in": w.also_in, "mode": w.mode, "index": w.index, "name": w.name, "active": w.active, "activity": w.activity, "bell": w.bell,
        "asked": w.asked, "signal": w.signal, "seems_waiting": w.seems_waiting, "exited": w.exited, "ended_at": w.ended_at, "dismissed": w.dismissed, "command": w.command, "path": w.path, "title": w.title,
    })
}
