//! JSON for programs. Errors are problem+json (RFC 9457).

use crate::board::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::board::Board;
use muxboard_core::policy::{Ability, Principal};
use muxboard_core::snapshot::{HostState, HostView, Session, UserState, UserView};
use serde_json::{Value, json};
use std::sync::Arc;

fn asks(shared: &Shared, headers: &HeaderMap) -> Result<Principal, Box<Response>> {
    shared.gate.principal(headers).ok_or_else(|| {
        let problem = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "Send a token: Authorization: Bearer TOKEN" });
        let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::WWW_AUTHENTICATE, "Bearer")];
        Box::new((StatusCode::UNAUTHORIZED, headers, problem.to_string()).into_response())
    })
}

/// Who am I, and where.
pub(crate) async fn whoami(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let who = match asks(&shared, &headers) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    let view = shared.view(&who);
    let places: Vec<Value> = view.hosts.iter().flat_map(|h| h.users.iter().map(|u| json!({ "host": h.host.key, "user": u.row.name, "can": can(u) }))).collect();
    Json(json!({ "identity": who.name, "gate": shared.gate.name(), "reach": places })).into_response()
}

fn can(user: &UserView) -> Vec<Ability> {
    [Ability::See, Ability::Watch, Ability::Type, Ability::Create, Ability::Kill].into_iter().filter(|a| user.can.has(*a)).collect()
}

/// What is there.
pub(crate) async fn sessions(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let who = match asks(&shared, &headers) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    let view = shared.view(&who);
    let hosts: Vec<Value> = view.hosts.iter().map(host).collect();
    Json(json!({ "now": view.now, "hosts": hosts })).into_response()
}

fn host(view: &HostView) -> Value {
    let (state, error, round_trip_ms) = match &view.host.state {
        HostState::Pending => ("pending", None, None),
        HostState::Up { round_trip_ms } => ("up", None, Some(*round_trip_ms)),
        HostState::Unreachable { words } => ("unreachable", Some(words.clone()), None),
        HostState::TimedOut => ("timed_out", Some("no answer in time".into()), None),
    };
    json!({
        "key": view.host.key, "label": view.host.label, "ok": state == "up", "state": state, "error": error,
        "round_trip_ms": round_trip_ms, "checked_at": view.host.swept_at, "users": view.users.iter().map(user).collect::<Vec<_>>(),
    })
}

fn user(view: &UserView) -> Value {
    let (state, error) = match &view.row.state {
        UserState::Pending => ("pending", None),
        UserState::Sessions(_) => ("sessions", None),
        UserState::NoServer => ("no_server", None),
        UserState::SudoRefused { line } => ("sudo_refused", Some(format!("sudoers lacks: {line}"))),
        UserState::NoAccount => ("no_account", Some("there is no such account".into())),
        UserState::TmuxMissing => ("tmux_missing", Some("tmux is not installed".into())),
        UserState::TmuxTooOld { version } => ("tmux_too_old", Some(version.clone())),
        UserState::SocketUnreadable { words } => ("socket_unreadable", Some(words.clone())),
        UserState::NotAnswering => ("not_answering", Some("the tmux server does not answer".into())),
        UserState::Other { words } => ("other", Some(words.clone())),
    };
    json!({ "user": view.row.name, "through_sudo": view.row.through_sudo, "state": state, "error": error, "since": view.row.since, "can": can(view), "sessions": view.row.sessions().iter().map(session).collect::<Vec<_>>() })
}

fn session(session: &Session) -> Value {
    let windows: Vec<Value> = session
        .windows
        .iter()
        .map(|w| json!({ "index": w.index, "name": w.name, "active": w.active, "activity": w.activity, "bell": w.bell, "exited": w.exited, "command": w.command, "path": w.path, "title": w.title }))
        .collect();
    json!({ "id": session.id, "name": session.name, "created": session.id.created, "activity": session.activity, "attached": session.attached, "windows": windows })
}
