//! Every route, from the board's own list: the longest body that it takes, and the audit record of each act and each refusal. A route that this file does
//! not know how to ask for fails the test. The two sockets are asked without an upgrade, which leaves no record.

mod support;

use muxboard_core::limits::FORM_BYTES_MAX;
use serde_json::json;
use std::collections::BTreeMap;
use support::files::Files;
use support::{Board, Request, TOKEN, WATCH_TOKEN};

const UPLOAD_BYTES_MAX: usize = 30_000;

/// Nothing, a form, JSON, or bytes.
enum Body {
    None,
    Form,
    Json,
    File,
}

/// How a route is asked for, the kind of its body, and the operation and the results in its records: for whoever may do everything, and for whoever may
/// do nothing. A route without an operation leaves no record, an empty result stands for none.
struct Row<'a> {
    request: Request<'a>,
    body: Body,
    record: Option<(&'static str, &'static str, &'static str)>,
}

/// The sentence of a refusal begins with this.
const DENIED: &str = "denied: ";

fn ask<'a>(board: &'a Board, method: &'static str, path: &str) -> Row<'a> {
    let place = format!("here/{}", board.accounts.front);
    let (gone, id) = ("1-1-1-1", format!("/api/v1/sessions/{place}/1-1-1-1"));
    let row = |request, body, record| Row { request, body, record };
    let form = |fields: &[(&str, &str)], record| row(board.post(path, fields), Body::Form, record);
    let json = |path: &str, body, record| row(board.json(method, path, &body), Body::Json, record);
    let shown = |path: &str| row(board.get(path), Body::None, None);
    match (method, path) {
        ("POST", "/login") => form(&[("token", "one-that-nobody-ever-gave")], Some(("login", DENIED, DENIED))),
        ("POST", "/logout") => Row { body: Body::None, ..form(&[], Some(("logout", DENIED, DENIED))) },
        ("POST", "/fn/create") => form(&[("place", &place), ("name", "taken")], Some(("create", "name taken", DENIED))),
        ("POST", "/fn/kill") => form(&[("place", &place), ("session", gone), ("typed", "x")], Some(("kill", "gone", DENIED))),
        ("POST", "/fn/rename") => form(&[("place", &place), ("session", gone), ("name", "x")], Some(("rename", "gone", DENIED))),
        ("POST", "/fn/dismiss") => form(&[("place", &place), ("session", gone), ("until", "1")], Some(("dismiss", "gone", DENIED))),
        ("POST", "/fn/refresh") => form(&[("host", "here")], Some(("refresh", "", DENIED))),
        ("POST", "/api/v1/sessions") => {
            json(path, json!({ "host": "here", "user": board.accounts.front, "name": "taken" }), Some(("create", "name taken", DENIED)))
        }
        ("POST", "/api/v1/sessions/{host}/{user}/{session}/dismiss") => {
            json(&format!("{id}/dismiss"), json!({ "until": 1 }), Some(("dismiss", "gone", DENIED)))
        }
        ("POST", "/api/v1/sessions/{host}/{user}/{session}/answer") => {
            json(&format!("{id}/answer"), json!({ "pane": 1, "fingerprint": "a".repeat(64), "answer": "key:y" }), Some(("answer", "gone", DENIED)))
        }
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/question") => Row { record: Some(("text", "gone", DENIED)), ..shown(&format!("{id}/question")) },
        ("GET", "/answer/{host}/{user}/{session}") => Row { record: Some(("text", "gone", DENIED)), ..shown(&format!("/answer/{place}/{gone}")) },
        ("POST", "/answer/{host}/{user}/{session}") => row(
            board.post(&format!("/answer/{place}/{gone}"), &[("pane", "1"), ("fingerprint", &"a".repeat(64)), ("answer", "key:y")]),
            Body::Form,
            Some(("answer", "gone", DENIED)),
        ),
        ("PATCH", _) => json(&id, json!({ "name": "x" }), Some(("rename", "gone", DENIED))),
        ("DELETE", _) => json(&id, json!({ "confirm": "x" }), Some(("kill", "gone", DENIED))),
        ("POST", "/api/v1/refresh") => json(path, json!({}), Some(("refresh", "", DENIED))),
        ("POST", "/upload/{host}/{user}/{session}") => row(board.upload(&place, gone, b"x"), Body::File, Some(("upload", "gone", DENIED))),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/text") => Row { record: Some(("text", "gone", DENIED)), ..shown(&format!("{id}/text")) },
        ("GET", "/{host}/{user}/{name}") => Row { record: Some(("watch", "", DENIED)), ..shown(&format!("/{place}/nothing")) },
        ("GET", "/ws/attach/{host}/{user}/{session}") => shown(&format!("/ws/attach/{place}/{gone}")),
        ("GET", "/api/{*path}") => shown("/api/v1/nothing"),
        ("GET", "/assets/{build}/{*path}") => shown("/assets/x/pkg/muxboard.css"),
        ("GET", "/" | "/login" | "/ws/board" | "/api/v1/whoami" | "/api/v1/hosts" | "/api/v1/sessions" | "/healthz") => shown(path),
        _ => panic!("the route {method} {path} is not in this table: say here how it is asked for, how long its body may be and what it leaves in the record"),
    }
}

fn routes() -> Vec<(&'static str, String)> {
    let mut routes: Vec<(&str, String)> = muxboard::routes().into_iter().map(|(method, path, _)| (method, path.to_owned())).collect();
    let family = routes.iter().position(|(_, path)| path == "/fn/{function}").unwrap();
    routes.remove(family);
    routes.extend(muxboard::functions().map(|name| ("POST", format!("/fn/{name}"))));
    routes
}

/// A board whose second token may do nothing.
fn board(files: &Files) -> Board {
    let board = Board::start(&format!(
        "{}fsync = \"always\"\n[limits]\nrequests_per_second = 0\n[upload]\nenabled = true\nmax_bytes = {UPLOAD_BYTES_MAX}\n",
        files.config()
    ))
    .unwrap();
    board.configure(&board.config().replace("who = [\"eye\"]", "who = [\"nobody\"]"));
    support::sshd::until("it may do nothing", || board.log().contains("was read again"));
    board.tmux(&board.accounts.front, &["new-session", "-d", "-s", "taken"]);
    board.session(&board.accounts.front, "taken");
    board
}

#[test]
fn every_act_and_every_refusal_of_one_is_one_record_and_nothing_else_is() {
    let Some(files) = Files::new() else { return };
    let mut board = board(&files);
    let before = files.text().lines().count();
    let mut want: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for (method, path) in routes() {
        for (who, token) in [("ops", TOKEN), ("eye", WATCH_TOKEN)] {
            let Row { request, record, .. } = ask(&board, method, &path);
            request.token(token).send();
            let Some((operation, done, denied)) = record else { continue };
            let result = if who == "ops" { done } else { denied };
            // Who logs in or out is what the form or the cookie says, not the header: here nobody.
            let who = if ["login", "logout"].contains(&operation) { "" } else { who };
            if result.is_empty() {
                continue;
            }
            *want.entry((operation.into(), who.into(), result.into())).or_default() += 1;
        }
    }
    assert_eq!(board.stop("TERM"), Some(0));
    let mut got: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for line in files.text().lines().skip(before) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let result = if field("result").starts_with(DENIED) { DENIED.to_owned() } else { field("result") };
        let times = usize::try_from(record["times"].as_u64().unwrap_or(1)).unwrap();
        *got.entry((field("operation"), field("who"), result)).or_default() += times;
    }
    assert_eq!(got, want, "{}", files.text());
}

#[test]
fn no_route_reads_a_body_that_is_too_long() {
    let Some(files) = Files::new() else { return };
    let board = board(&files);
    let mut tried = 0;
    for (method, path) in routes() {
        let Row { body, .. } = ask(&board, method, &path);
        let long = |bytes: usize| match body {
            Body::Form => Some(format!("x={}", "x".repeat(bytes))),
            Body::Json => Some(format!("{{\"x\":\"{}\"}}", "x".repeat(bytes))),
            Body::File => Some("x".repeat(bytes)),
            Body::None => None,
        };
        let max = if matches!(body, Body::File) { UPLOAD_BYTES_MAX } else { FORM_BYTES_MAX };
        // An unknown field, or no such session: it was read.
        for (bytes, too_long) in [(max - 100, false), (max + 1, true)] {
            let Some(body) = long(bytes) else { continue };
            let mut request = ask(&board, method, &path).request;
            request.body = body.into_bytes();
            let status = request.token(TOKEN).send().status;
            assert_eq!(status == 413, too_long, "{method} {path}: {status} for {bytes} bytes");
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
}
