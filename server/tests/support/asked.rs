//! How each route of the board is asked for, and what an identified caller gets, whatever it may do.

use super::{Board, Request};

/// The token of an identity that may do everything.
pub const FULL: &str = "a-token-that-may-do-all";
/// The fingerprint of a screen that nobody saw.
const FINGERPRINT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What an identified caller gets: without a grant, with `watch` alone, with everything. Nobody's answer comes first and is the same for all.
pub struct Expected {
    pub nothing: &'static str,
    pub watch: &'static str,
    pub full: &'static str,
}

pub fn all(answer: &'static str) -> Expected {
    Expected { nothing: answer, watch: answer, full: answer }
}

/// How a route is asked for, and what who gets. The fields and paths are right, so that only what is under test can refuse.
pub fn ask<'a>(board: &'a Board, method: &'static str, path: &str) -> (Request<'a>, Expected) {
    let front = &board.accounts.front;
    let place = format!("here/{front}");
    let (gone, session) = ("1-1-1-1", format!("/api/v1/sessions/{place}/1-1-1-1"));
    let post = |function: &str, fields: &[(&str, &str)]| board.post(function, fields);
    let act = |full: &'static str| Expected { nothing: "403", watch: "403", full };
    match (method, path) {
        ("GET", "/") => (board.get("/"), all("200")),
        ("GET", "/login") => (board.get("/login"), all("200")),
        ("POST", "/login") => (post("/login", &[("token", FULL), ("next", "/")]), all("303")),
        ("POST", "/logout") => (post("/logout", &[]), all("303")),
        ("GET", "/{host}/{user}/{name}") => (board.get(&format!("/{place}/nothing")), Expected { nothing: "403", watch: "404", full: "404" }),
        ("POST", "/fn/create") => (post(path, &[("place", &place), ("name", "taken")]), act("409")),
        ("POST", "/fn/kill") => (post(path, &[("place", &place), ("session", gone), ("typed", "taken")]), act("410")),
        ("POST", "/fn/rename") => (post(path, &[("place", &place), ("session", gone), ("name", "x")]), act("410")),
        ("POST", "/fn/dismiss") => (post(path, &[("place", &place), ("session", gone), ("until", "1")]), act("410")),
        ("POST", "/fn/refresh") => (post(path, &[("host", "here")]), Expected { nothing: "403", watch: "200", full: "200" }),
        ("POST", "/fn/any other") => (post("/fn/nothing", &[]), all("404")),
        ("GET", "/ws/board") => (board.get("/ws/board"), all("live")),
        ("GET", "/ws/attach/{host}/{user}/{session}") => {
            (board.get(&format!("/ws/attach/{place}/{gone}")), Expected { nothing: "4003", watch: "4003", full: "4010" })
        }
        ("GET", "/api/v1/whoami" | "/api/v1/hosts" | "/api/v1/sessions") => (board.get(path), all("200")),
        ("POST", "/api/v1/sessions") => (board.json("POST", path, &serde_json::json!({ "host": "here", "user": front, "name": "taken" })), act("409")),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/text") => {
            (board.get(&format!("{session}/text")), Expected { nothing: "403", watch: "410", full: "410" })
        }
        ("POST", "/upload/{host}/{user}/{session}") => (board.upload(&place, gone, b"a file"), act("410")),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/question") => {
            (board.get(&format!("{session}/question")), Expected { nothing: "403", watch: "410", full: "410" })
        }
        ("GET", "/answer/{host}/{user}/{session}") => (board.get(&format!("/answer/{place}/{gone}")), Expected { nothing: "403", watch: "410", full: "410" }),
        ("POST", path) if path.ends_with("/answer") => {
            let body = serde_json::json!({ "pane": 1, "fingerprint": FINGERPRINT, "answer": "key:y" });
            (board.json("POST", &format!("{session}/answer"), &body), act("410"))
        }
        ("POST", "/answer/{host}/{user}/{session}") => {
            (post(&format!("/answer/{place}/{gone}"), &[("pane", "1"), ("fingerprint", FINGERPRINT), ("answer", "key:y")]), act("410"))
        }
        ("POST", path) if path.ends_with("/dismiss") => (board.json("POST", &format!("{session}/dismiss"), &serde_json::json!({ "until": 1 })), act("410")),
        ("PATCH", _) => (board.json("PATCH", &session, &serde_json::json!({ "name": "x" })), act("410")),
        ("DELETE", _) => (board.json("DELETE", &session, &serde_json::json!({ "confirm": "x" })), act("410")),
        ("POST", "/api/v1/refresh") => (board.json("POST", path, &serde_json::json!({})), Expected { nothing: "403", watch: "200", full: "200" }),
        ("GET", "/api/{*path}") => (board.get("/api/v1/nothing"), all("404")),
        ("GET", "/healthz") => (board.get("/healthz"), all("200")),
        ("GET", "/assets/{build}/{*path}") => (board.get("/assets/x/pkg/muxboard.css"), all("404")),
        ("GET", "any other") => (board.get("/no/such"), all("404")),
        _ => panic!("the route {method} {path} is not in the door's table: say here how it is asked for and what who gets"),
    }
}
