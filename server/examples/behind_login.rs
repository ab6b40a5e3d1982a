//! A board inside a bigger application: the application has its own pages, login and server functions, the board is mounted at /mux and asks the
//! application who somebody is.
//!
//! ```sh
//! PASSWORD=... cargo run --release --example behind_login      # then log in as ops, or as guest, who may only watch
//! ```
//!
//! LISTEN (127.0.0.1:8090), ORIGIN (what the browser's address bar begins with), HOST_USERS (Unix accounts, by default your own; others are
//! reached through sudo) and SOCKET_NAME (tmux -L) change where it listens and what it shows.

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{Form, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use leptos::prelude::{ServerFnError, provide_context, server, use_context};
use muxboard::inventory::{Host, Inventory, Reach, Socket, UnixUser, User};
use muxboard::policy::{Abilities, Ability, Among, Grant, Policy, Principal};
use muxboard::{AllowedHosts, Authorize, Authorized, Caller, Gate, Muxboard, random_hex, sha256};
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::RwLock;

/// The application: who works here with which password, and who is logged in. A real one has a database in its place.
struct App {
    password: String,
    /// By the value of the session cookie.
    logins: RwLock<HashMap<String, String>>,
}

/// Name and group.
const PEOPLE: [(&str, &str); 2] = [("ops", "operators"), ("guest", "guests")];
const COOKIE: &str = "app_session";

impl App {
    fn cookie(headers: &HeaderMap) -> Option<&str> {
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
    }

    async fn who(&self, headers: &HeaderMap) -> Option<String> {
        self.logins.read().await.get(Self::cookie(headers)?).cloned()
    }
}

/// What the board asks the application: for every request, and every few seconds again for what is open.
struct AppLogin(Arc<App>);

impl Authorize for AppLogin {
    fn authorize<'a>(&'a self, caller: &'a Caller) -> Authorized<'a> {
        Box::pin(async move {
            let Some(name) = self.0.who(caller.headers()).await else { return Ok(None) };
            let groups = PEOPLE.iter().filter(|(person, _)| *person == name).map(|(_, group)| (*group).to_owned()).collect();
            Ok(Some(Principal { name, groups, account: None }))
        })
    }
}

/// A server function of the application's own: how many people are logged in. Only they may ask.
#[server(prefix = "/api", endpoint = "people")]
async fn people() -> Result<usize, ServerFnError> {
    let app = use_context::<Arc<App>>().ok_or_else(|| ServerFnError::new("this function belongs to another application"))?;
    let headers: HeaderMap = leptos_axum::extract().await?;
    app.who(&headers).await.ok_or_else(|| ServerFnError::new("not logged in"))?;
    Ok(app.logins.read().await.len())
}

async fn functions(State(app): State<Arc<App>>, request: Request<Body>) -> impl IntoResponse {
    leptos_axum::handle_server_fns_with_context(move || provide_context(app.clone()), request).await
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><link rel=icon href='data:,'>\
                    <title>Back office</title><h1>Back office</h1>";

async fn front_page(State(app): State<Arc<App>>, headers: HeaderMap) -> Html<String> {
    Html(match app.who(&headers).await {
        // Only names of ours get here: nothing to escape.
        Some(name) => format!("{HEAD}<p>You are {name}.<p><a href=/mux/>Terminals</a><form method=post action=/logout><button>Leave</button></form>"),
        None => format!(
            "{HEAD}<form method=post action=/login><label>Name <input name=name></label> <label>Password <input name=password type=password></label> \
             <button>Enter</button></form>"
        ),
    })
}

async fn log_in(State(app): State<Arc<App>>, Form(fields): Form<HashMap<String, String>>) -> Response {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let person = PEOPLE.iter().find(|(name, _)| *name == field("name"));
    let Some((name, _)) = person.filter(|_| sha256(field("password")) == sha256(&app.password)) else {
        return (StatusCode::UNAUTHORIZED, Html(format!("{HEAD}<p>That is not right. <a href=/>Again</a>"))).into_response();
    };
    let id = random_hex();
    app.logins.write().await.insert(id.clone(), (*name).to_owned());
    ([(header::SET_COOKIE, format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict"))], Redirect::to("/")).into_response()
}

async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Redirect {
    if let Some(id) = App::cookie(&headers) {
        app.logins.write().await.remove(id);
    }
    Redirect::to("/")
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// This machine, and the accounts on it.
fn inventory() -> anyhow::Result<Inventory> {
    let own: UnixUser = std::env::var("USER").context("USER: as whom does this run?")?.parse()?;
    let socket = std::env::var("SOCKET_NAME").map_or(Socket::Default, Socket::Name);
    let names: Vec<UnixUser> = setting("HOST_USERS", own.as_str()).split(',').map(str::parse).collect::<Result<_, _>>()?;
    let users = names.into_iter().map(|name| User { through_sudo: name != own, name, socket: socket.clone() }).collect();
    let label = "This machine".to_owned();
    Ok(Inventory { hosts: vec![Host { key: "here".parse()?, label, reach: Reach::Local, login: own, users, order: Vec::new(), tags: Vec::new() }] })
}

fn policy() -> Policy {
    let grant = |group: &str, can: &[Ability]| Grant {
        who: vec![format!("group:{group}")],
        hosts: Among::Any,
        users: Among::Any,
        mapped: false,
        can: Abilities::of(can),
        line: 0,
    };
    Policy { grants: vec![grant("operators", &[Ability::Type, Ability::Create, Ability::Kill]), grant("guests", &[Ability::Watch])] }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:8090")).await?;
    let origin = setting("ORIGIN", &format!("http://{}", listener.local_addr()?));
    let host = origin.split_once("://").context("ORIGIN: such as https://ops.example.com")?.1.to_owned();
    let app = Arc::new(App { password: std::env::var("PASSWORD").unwrap_or_else(|_| random_hex()), logins: RwLock::default() });

    let board = Muxboard::builder(inventory()?)
        .base("/mux")
        .home("Back to the app", "/")
        .policy(policy())
        .gate(Gate::custom(AppLogin(app.clone())))
        .allowed_hosts(AllowedHosts { hosts: vec![host], origins: vec![origin.clone()], proxies: Vec::new() })
        .audit(|event| {
            // Wherever the application keeps such things; it must not block.
            let _ = writeln!(std::io::stderr(), "audit: {} {}: {}", event.who, event.operation, event.result);
        })
        .build()?;

    let mut out = std::io::stdout();
    writeln!(out, "behind_login: {origin}/")?;
    if std::env::var_os("PASSWORD").is_none() {
        writeln!(out, "log in as ops or guest, with the password {}", app.password)?;
    }
    out.flush()?;
    let application = Router::new()
        .route("/", get(front_page))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/api/{*function}", post(functions))
        .fallback(|| async { (StatusCode::NOT_FOUND, "The back office has no such page.\n") })
        .with_state(app)
        // The board is below /mux and nowhere else.
        .merge(board.into_router());
    // A key press must not wait for the next one.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    axum::serve(listener, application.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
