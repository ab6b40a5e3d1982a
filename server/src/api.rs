//! JSON for programs. Errors are problem+json (RFC 9457).

use crate::board::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muxboard_app::board::Board;
use muxboard_core::fault::Fault;
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
    let (state, fault, round_trip_ms) = match &view.host.state {
        HostState::Pending => (json!("pending"), None, None),
        HostState::Up { round_trip_ms } => (json!("up"), None, Some(*round_trip_ms)),
        HostState::Fault(fault) => (json!(fault.kind), Some(fault), None),
    };
    json!({
        "key": view.host.key, "label": view.host.label, "place": view.host.place, "ok": state == "up", "state": state, "error": fault.map(error),
        "mend": fault.and_then(|f| f.line.as_ref()), "since": view.host.since, "round_trip_ms": round_trip_ms, "checked_at": view.host.swept_at,
        "users": view.users.iter().map(user).collect::<Vec<_>>(),
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
        "since": view.row.since, "can": can(view), "sessions": view.row.sessions().iter().map(session).collect::<Vec<_>>(),
    })
}

fn session(session: &Session) -> Value {
    let windows: Vec<Value> = session
        .windows
        .iter()
        .map(|w| json!({ "index": w.index, "name": w.name, "active": w.active, "activity": w.activity, "bell": w.bell, "exited": w.exited, "command": w.command, "path": w.path, "title": w.title }))
        .collect();
    json!({ "id": session.id, "name": session.name, "created": session.id.created, "activity": session.activity, "attached": session.attached, "windows": windows })
}
