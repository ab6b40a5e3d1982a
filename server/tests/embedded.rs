//! The board as part of another application: merged, it takes nothing from that one; and whatever goes wrong in that one's login, nobody gets in.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use futures_util::StreamExt;
use muxboard::inventory::{Host, Inventory};
use muxboard::policy::{Abilities, Among, Grant, Policy, Principal};
use muxboard::{Access, AllowedHosts, Authorize, Authorized, Caller, Gate, Muxboard, routes};
use muxboard_core::wire::Close;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower::ServiceExt;

/// A login in all its moods.
#[derive(Clone, Copy)]
enum Login {
    Knows,
    KnowsNobody,
    Fails,
    Panics,
    PanicsLater,
}

impl Authorize for Login {
    fn authorize<'a>(&'a self, _: &'a Caller) -> Authorized<'a> {
        let mood = *self;
        assert!(!matches!(mood, Self::Panics), "the login panics");
        Box::pin(async move {
            match mood {
                Self::Knows => Ok(Some(Principal::named("ann"))),
                Self::Fails => Err("the database is gone".into()),
                Self::PanicsLater => panic!("the login panics while it waits"),
                Self::KnowsNobody | Self::Panics => Ok(None),
            }
        })
    }
}

/// A login that knows everybody, until it hangs.
struct Hangs(Arc<AtomicBool>);

impl Authorize for Hangs {
    fn authorize<'a>(&'a self, _: &'a Caller) -> Authorized<'a> {
        Box::pin(async move { if self.0.load(Ordering::SeqCst) { std::future::pending().await } else { Ok(Some(Principal::named("ann"))) } })
    }
}

fn board(login: impl Authorize, base: &str, allowed: AllowedHosts) -> Router {
    let hosts = vec![Host::local("here".parse().unwrap(), &"nobody".parse().unwrap())];
    let everything = Grant { who: vec!["*".into()], hosts: Among::Any, users: Among::Any, mapped: false, can: Abilities::ALL, line: 0 };
    let built =
        Muxboard::builder(Inventory { hosts }).policy(Policy { grants: vec![everything] }).gate(Gate::custom(login)).allowed_hosts(allowed).base(base).build();
    built.unwrap().into_router()
}

fn allowed_hosts() -> AllowedHosts {
    AllowedHosts { hosts: vec!["app.example".into()], origins: vec!["https://app.example".into()], proxies: vec![] }
}

fn application() -> Router {
    Router::new().route("/", get(|| async { "the application" })).route("/api/hours", get(|| async { "9 to 5" }))
}

async fn ask(app: &Router, method: &str, path: &str, host: &str) -> (StatusCode, bool, String) {
    let request = Request::builder().method(method).uri(path).header("host", host).header("origin", "https://app.example");
    let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, guarded) = (answer.status(), answer.headers().contains_key("content-security-policy"));
    (status, guarded, String::from_utf8_lossy(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).into_owned())
}

#[tokio::test]
async fn merged_it_takes_nothing_from_the_application() {
    let own = || application().fallback(|| async { (StatusCode::NOT_FOUND, "the application has no such page") });
    for app in [own().merge(board(Login::Knows, "/mux", allowed_hosts())), board(Login::Knows, "/mux", allowed_hosts()).merge(own())] {
        for path in ["/", "/api/hours"] {
            let (status, guarded, _) = ask(&app, "GET", path, "elsewhere.example").await;
            assert!(status == 200 && !guarded, "{path}");
        }
        for path in ["/healthz", "/muxx", "/api/v1/whoami", "/ws/board"] {
            assert_eq!(ask(&app, "GET", path, "elsewhere.example").await, (StatusCode::NOT_FOUND, false, "the application has no such page".into()), "{path}");
        }
        for path in ["/mux", "/mux/", "/mux/api/v1/whoami", "/mux/healthz"] {
            assert_eq!(ask(&app, "GET", path, "elsewhere.example").await.0, 403, "{path}");
            let (status, guarded, text) = ask(&app, "GET", path, "app.example").await;
            assert!(status == 200 && guarded, "{path}: {status} {text}");
        }
        assert_eq!(ask(&app, "GET", "/mux/no/such", "app.example").await.0, 404);
        assert_eq!(ask(&app, "PUT", "/mux/login", "app.example").await, (StatusCode::METHOD_NOT_ALLOWED, true, "That cannot be done here.\n".into()));
    }
    // Without a fallback of its own the application has axum's.
    for app in [application().merge(board(Login::Knows, "/mux", allowed_hosts())), board(Login::Knows, "/mux", allowed_hosts()).merge(application())] {
        assert_eq!(ask(&app, "GET", "/no-such", "elsewhere.example").await, (StatusCode::NOT_FOUND, false, String::new()));
        assert_eq!(ask(&app, "POST", "/", "elsewhere.example").await.0, 405);
    }
}

#[tokio::test]
async fn no_page_has_a_second_url_where_logins_have_no_paths() {
    let app = application().merge(board(Login::Knows, "/mux", allowed_hosts()));
    for path in ["/", "/healthz", "/api/v1/whoami", "/here/nobody/a", "/no/such"] {
        let (status, guarded, text) = ask(&app, "GET", &format!("/mux/~/0123456789abcdef01234567{path}"), "app.example").await;
        assert_eq!((status, guarded, text.as_str()), (StatusCode::NOT_FOUND, true, "There is nothing here.\n"), "{path}");
    }
}

#[tokio::test]
async fn whatever_goes_wrong_in_the_login_nobody_gets_in() {
    for login in [Login::KnowsNobody, Login::Fails, Login::Panics, Login::PanicsLater] {
        let app = application().merge(board(login, "/mux", allowed_hosts()));
        for (method, path, needs) in routes() {
            let path = format!("/mux{}", path.replace(['{', '}', '*'], ""));
            let (status, ..) = ask(&app, method, &path, "app.example").await;
            match needs {
                Access::Identity => assert_eq!(status, 401, "{method} {path}"),
                Access::Public => assert_ne!(status, 401, "{method} {path}"),
                Access::Socket => assert!(!status.is_success(), "{method} {path}"),
            }
        }
        assert_eq!(ask(&app, "GET", "/", "app.example").await.0, 200, "the application goes on");
    }
}

/// The board on a port of its own.
async fn serve(login: impl Authorize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = application().merge(board(login, "/mux", AllowedHosts::loopback(port)));
    tokio::spawn(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).into_future());
    port
}

async fn connect(port: u16, path: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request = format!("ws://127.0.0.1:{port}{path}").into_client_request().unwrap();
    request.headers_mut().insert("origin", format!("http://127.0.0.1:{port}").parse().unwrap());
    connect_async(request).await.unwrap().0
}

#[tokio::test]
async fn nor_by_a_socket() {
    for (login, want) in [(Login::KnowsNobody, 4001), (Login::Fails, 4001), (Login::Panics, 4001), (Login::PanicsLater, 4001)] {
        let port = serve(login).await;
        for path in ["/mux/ws/board", "/mux/ws/attach/here/nobody/1-1-1-1"] {
            let first = connect(port, path).await.next().await.unwrap().unwrap();
            let Message::Close(Some(frame)) = first else { panic!("{path}: {first:?}") };
            assert_eq!(u16::from(frame.code), want, "{path}");
        }
    }
}

#[tokio::test]
async fn a_login_that_hangs_ends_what_is_open() {
    let hangs = Arc::new(AtomicBool::new(false));
    let mut socket = connect(serve(Hangs(hangs.clone())).await, "/mux/ws/board").await;
    assert!(socket.next().await.unwrap().unwrap().is_binary(), "the whole view");
    hangs.store(true, Ordering::SeqCst);
    // It is asked every 5 s and has 4 s to answer.
    let closed = async {
        loop {
            if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
                break frame.and_then(|frame| Close::of(frame.code.into()));
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(30), closed).await.expect("it stays open"), Some(Close::Revoked));
}
