//! Who is let in, as whom, and for how long: the proxy gate with its user map, the isolation of identities, withdrawal while connections are open,
//! lock-out. Against the real binary, with real accounts.

mod support;

use futures_util::StreamExt;
use muxboard_core::wire::Close;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use support::socket::{Socket, closed_reading, connect, hello, until as said};
use support::sshd::{run, until};
use support::{Accounts, Answer, Board, Login, PATIENCE, Request, TOKEN, WATCH_TOKEN, accounts, as_account, binary, unique};

const SECRET: &str = "the-proxy-and-we-know-it";

/// A board behind an authenticating proxy, and the proxy's files: ann has the account `other`, bob has `front`, ghost one that does not exist.
struct World {
    board: Board,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Option<Self> {
        let accounts = accounts()?;
        let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("secret"), format!("{SECRET}\n")).unwrap();
        fs::set_permissions(path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(path("map"), map(&accounts)).unwrap();
        run("chown", &[&accounts.front, &path("secret"), &path("map")]);
        let socket = unique();
        let config = config(&socket, "127.0.0.1", &path("secret"), &path("map"));
        Some(Self { board: Board::with(accounts, socket, &config), folder })
    }

    fn map_is(&self, text: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, self.folder.path().join("map")).unwrap();
    }

    fn get(&self, who: &str, path: &str) -> Answer {
        by(self.board.get(path), who).send()
    }

    fn post(&self, who: &str, function: &str, fields: &[(&str, &str)]) -> Answer {
        by(self.board.post(&format!("/fn/{function}"), fields), who).own_origin().send()
    }

    fn headers(&self, who: &str) -> Vec<(&'static str, String)> {
        vec![("x-proxy-secret", SECRET.into()), ("x-authentik-username", who.into()), ("origin", format!("http://127.0.0.1:{}", self.board.port))]
    }

    fn sessions(&self, who: &str) -> Value {
        serde_json::from_str(&self.get(who, "/api/v1/sessions").body).unwrap()
    }

    /// The identity of a session, once the board shows it to whom it belongs.
    fn session(&self, who: &str, name: &str) -> String {
        let find = || {
            self.post(who, "refresh", &[]);
            let all = self.sessions(who);
            let users = all["hosts"][0]["users"].as_array()?.clone();
            let mut sessions = users.iter().flat_map(|u| u["sessions"].as_array().unwrap().clone());
            sessions.find(|s| s["name"] == name).map(|s| s["id"].as_str().unwrap().to_owned())
        };
        until("the session is listed", || find().is_some());
        find().unwrap()
    }
}

fn map(accounts: &Accounts) -> String {
    format!("# who = whom\nann@a.example = {}\nbob@b.example = {}\nghost = mb-no-such-account\n", accounts.other, accounts.front)
}

fn config(socket: &str, trusted: &str, secret: &str, map: &str) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[limits]\nrequests_per_second = 0\n[upload]\nenabled = true\n[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-authentik-username\"\ntrusted = [\"{trusted}\"]\n\
         secret_header = \"X-Proxy-Secret\"\nsecret_file = \"{secret}\"\nuser_map = \"{map}\"\n\
         [[grant]]\nwho = [\"*\"]\nhosts = [\"*\"]\nusers = [\"@mapped\"]\ncan = [\"type\", \"create\", \"kill\"]\n\
         [[host]]\nkey = \"here\"\nlocal = true\nusers = [\"@mapped\"]\nsocket_name = \"{socket}\"\n"
    )
}

fn by<'a>(request: Request<'a>, who: &str) -> Request<'a> {
    request.header("X-Proxy-Secret", SECRET).header("X-Authentik-Username", who)
}

const ANN: &str = "ann@a.example";
const BOB: &str = "bob@b.example";

#[test]
fn a_forged_or_doubtful_identity_header_is_nobody() {
    let Some(world) = World::new() else { return };
    let board = &world.board;
    assert_eq!(world.get(ANN, "/api/v1/whoami").status, 200);
    let whoami = || board.get("/api/v1/whoami");
    let secret = |request: Request<'_>| request.header("X-Proxy-Secret", SECRET).send().status;
    assert_eq!(whoami().send().status, 401, "nothing");
    assert_eq!(whoami().header("X-Authentik-Username", ANN).send().status, 401, "no secret");
    assert_eq!(whoami().header("X-Authentik-Username", ANN).header("X-Proxy-Secret", "wrong").send().status, 401, "a wrong secret");
    assert_eq!(secret(whoami().header("X-Proxy-Secret", SECRET).header("X-Authentik-Username", ANN)), 401, "two secrets");
    assert_eq!(secret(whoami()), 401, "no identity");
    assert_eq!(secret(whoami().header("X-Authentik-Username", "")), 401, "an empty identity");
    assert_eq!(secret(whoami().header("X-Authentik-Username", ANN).header("X-Authentik-Username", BOB)), 401, "two identities");
    assert_eq!(secret(whoami().header("X_Authentik_Username", ANN)), 401, "a smuggled identity");
    assert_eq!(secret(whoami().header("X-Authentik-Username", ANN).header("X_Authentik-Username", BOB)), 401, "a smuggled second one");
    assert_eq!(secret(whoami().header("X-Authentik-Username", "ann@a.example ").header("X-Forwarded-For", "127.0.0.1")), 200, "edge spaces are HTTP's");
    for other in ["ann", "ANN@A.EXAMPLE", "ann@a.example,bob@b.example", "ann@b.example", &board.accounts.other] {
        assert_eq!(world.get(other, "/api/v1/whoami").status, 403, "{other}");
    }
    // From another peer nothing of it counts, whatever it says of where it comes from.
    let elsewhere = board.config().replace("trusted = [\"127.0.0.1\"]", "trusted = [\"192.0.2.1/32\"]");
    board.configure(&elsewhere);
    until("the peer is no proxy any more", || world.get(ANN, "/api/v1/whoami").status == 401);
    assert_eq!(by(board.get("/api/v1/whoami"), ANN).header("X-Forwarded-For", "192.0.2.1").send().status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_identities_cannot_see_name_open_touch_or_infer_each_others_sessions() {
    let Some(world) = World::new() else { return };
    let board = &world.board;
    let (other, front) = (board.accounts.other.clone(), board.accounts.front.clone());
    board.tmux(&other, &["new-session", "-d", "-s", "anns-own", "printf anns-''secret; exec cat"]);
    board.tmux(&front, &["new-session", "-d", "-s", "bobs-own", "printf bobs-''secret; exec cat"]);
    let (anns, bobs) = (world.session(ANN, "anns-own"), world.session(BOB, "bobs-own"));
    let seen = |who: &str| ["/", "/api/v1/sessions", "/api/v1/hosts", "/api/v1/whoami"].map(|path| world.get(who, path).body).concat();
    until("the previews are there", || seen(ANN).contains("anns-secret") && seen(BOB).contains("bobs-secret"));
    for (who, foreign) in [(ANN, ["bobs-own", "bobs-secret", front.as_str(), bobs.as_str()]), (BOB, ["anns-own", "anns-secret", other.as_str(), anns.as_str()])]
    {
        let seen = seen(who);
        for word in foreign {
            assert!(!seen.contains(word), "{who} sees {word}");
        }
    }
    let theirs = format!("here/{front}");
    for name in ["bobs-own", "no-such-session"] {
        let page = world.get(ANN, &format!("/{theirs}/{name}"));
        assert_eq!(page.status, 403, "{name}");
        assert!(!page.body.contains("bobs-secret"));
    }
    // What exists and what does not get the same answer.
    for id in [bobs.as_str(), "1-1-1-1"] {
        assert_eq!(world.post(ANN, "kill", &[("place", &theirs), ("session", id), ("typed", "bobs-own")]).status, 403);
        assert_eq!(world.post(ANN, "rename", &[("place", &theirs), ("session", id), ("name", "mine")]).status, 403);
        for watch in [false, true] {
            let mut socket = connect(board, &format!("/ws/attach/{theirs}/{id}"), &world.headers(ANN)).await;
            hello(&mut socket, watch).await;
            assert_eq!(closed_reading(socket).await, Some(Close::Forbidden), "{id}");
        }
        let text = world.get(ANN, &format!("/api/v1/sessions/{theirs}/{id}/text"));
        assert!(text.status == 403 && !text.body.contains("bobs-secret"), "{id}: {text:?}");
        assert_eq!(by(board.upload(&theirs, id, b"hers").own_origin(), ANN).send().status, 403, "{id}");
    }
    assert!(!std::path::Path::new(&format!("/home/{front}/.muxboard-uploads")).exists());
    assert_eq!(world.post(ANN, "create", &[("place", &theirs), ("name", "x")]).status, 403);
    assert_eq!(board.tmux(&front, &["list-sessions", "-F", "#{session_name}"]), "bobs-own");
    // Her own opens, as her own account.
    let mut socket = connect(board, &format!("/ws/attach/here/{other}/{anns}"), &world.headers(ANN)).await;
    hello(&mut socket, false).await;
    said(&mut socket, "anns-secret").await;
    assert!(world.get(ANN, &format!("/api/v1/sessions/here/{other}/{anns}/text")).body.contains("anns-secret"));
    let kept = by(board.upload(&format!("here/{other}"), &anns, b"hers").own_origin(), ANN).send();
    assert!(kept.status == 201 && kept.body.contains(&format!("/home/{other}/.muxboard-uploads/")), "{kept:?}");
    std::fs::remove_dir_all(format!("/home/{other}/.muxboard-uploads")).unwrap();
    assert!(world.get(ANN, "/").body.contains(&format!("act as the Unix account {other}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boards_socket_tells_nobody_of_anothers_sessions() {
    let Some(world) = World::new() else { return };
    let board = &world.board;
    let (other, front) = (board.accounts.other.clone(), board.accounts.front.clone());
    board.tmux(&other, &["new-session", "-d", "-s", "anns-own"]);
    board.tmux(&front, &["new-session", "-d", "-s", "bobs-own"]);
    world.session(ANN, "anns-own");
    world.session(BOB, "bobs-own");
    let mut socket = connect(board, "/ws/board", &world.headers(ANN)).await;
    // First the whole, then what changes: his new session is known before hers is made.
    let mut heard = told(&mut socket, "anns-own").await;
    board.tmux(&front, &["new-session", "-d", "-s", "bobs-new"]);
    world.session(BOB, "bobs-new");
    board.tmux(&other, &["new-session", "-d", "-s", "anns-new"]);
    heard += &told(&mut socket, "anns-new").await;
    for word in ["bobs-own", "bobs-new", front.as_str()] {
        assert!(!heard.contains(word), "ann hears of {word}");
    }
}

/// All that a board's socket says until it has said this. The frames hold names as they are.
async fn told(socket: &mut Socket, word: &str) -> String {
    let mut heard = String::new();
    while !heard.contains(word) {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        assert!(!message.is_close(), "{message:?}");
        heard += &String::from_utf8_lossy(&message.into_data());
    }
    heard
}

#[test]
fn an_unmapped_identity_hears_so_and_a_missing_account_is_named() {
    let Some(world) = World::new() else { return };
    let page = by(world.board.get("/"), "eve").header("Accept", "text/html").send();
    assert_eq!(page.status, 403);
    assert!(page.body.contains("logged in as eve") && page.body.contains("user map"), "{}", page.body);
    let api = world.get("eve", "/api/v1/whoami");
    assert_eq!((api.status, api.header("content-type")), (403, Some("application/problem+json")));
    until("the missing account is known", || world.get("ghost", "/api/v1/whoami").status == 500);
    let whoami = world.get("ghost", "/api/v1/whoami");
    assert_eq!(whoami.header("content-type"), Some("application/problem+json"));
    assert!(whoami.body.contains("mb-no-such-account") && whoami.body.contains("useradd"), "{}", whoami.body);
    assert!(world.get("ghost", "/api/v1/sessions").body.contains("no_account"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_user_map_lets_in_and_throws_out_without_a_restart() {
    let Some(world) = World::new() else { return };
    let board = &world.board;
    let (other, all) = (board.accounts.other.clone(), map(&board.accounts));
    assert_eq!(world.get("eve", "/api/v1/whoami").status, 403);
    board.tmux(&other, &["new-session", "-d", "-s", "a", "printf ready; exec cat"]);
    let id = world.session(ANN, "a");
    let mut anns = connect(board, &format!("/ws/attach/here/{other}/{id}"), &world.headers(ANN)).await;
    hello(&mut anns, false).await;
    said(&mut anns, "ready").await;
    world.map_is(&format!("{all}eve = {other}\n"));
    until("eve is let in", || world.get("eve", "/api/v1/whoami").status == 200);
    let mut eves = connect(board, &format!("/ws/attach/here/{other}/{id}"), &world.headers("eve")).await;
    hello(&mut eves, false).await;
    said(&mut eves, "ready").await;
    // A bad file changes nothing, and is said.
    world.map_is("eve = root\n");
    until("the mistake is said", || board.log().contains("root is an account of the system"));
    assert_eq!(world.get("eve", "/api/v1/whoami").status, 200);
    world.map_is(&all);
    assert_eq!(closed_reading(eves).await, Some(Close::Revoked));
    assert_eq!(world.get("eve", "/api/v1/whoami").status, 403);
    // Another one's line has changed nothing for ann.
    support::socket::say(&mut anns, muxboard_core::wire::ToServer::Input(b"still-here".to_vec())).await;
    said(&mut anns, "still-here").await;
}

#[test]
fn accounts_of_the_system_are_refused_unless_they_are_named() {
    let Some(accounts) = accounts() else { return };
    let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    for (account, more, refused) in
        [("root", "", true), ("daemon", "", true), ("daemon", "system_users = [\"daemon\"]\n", false), (accounts.other.as_str(), "", false)]
    {
        fs::write(path("map"), format!("ann = {account}\n")).unwrap();
        let config = format!(
            "[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-User\"\ntrusted = [\"192.0.2.1\"]\nuser_map = \"{}\"\n{more}[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"@mapped\"]\n",
            path("map").display()
        );
        fs::write(path("config"), config).unwrap();
        let output = as_account(&accounts.front, binary()).args(["explain", "-c", path("config").to_str().unwrap(), "ann", "here", account]).output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(says.contains("is an account of the system"), refused, "{account} {more}: {says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_ends_what_is_open_and_a_bad_configuration_changes_nothing() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "a", "printf ready; exec cat"]);
    let id = board.session(&front, "a");
    let path = format!("/ws/attach/here/{front}/{id}");
    let mut sockets = Vec::new();
    for (token, watch) in [(TOKEN, false), (WATCH_TOKEN, true)] {
        let mut socket = connect(&board, &path, &support::socket::token(token)).await;
        hello(&mut socket, watch).await;
        said(&mut socket, "ready").await;
        sockets.push(socket);
    }
    let (watcher, mut typist) = (sockets.pop().unwrap(), sockets.pop().unwrap());
    let followed = connect(&board, "/ws/board", &support::socket::token(WATCH_TOKEN)).await;
    let good = board.config();
    board.configure(&good.replace("can = [\"watch\"]", "can = [\"wacth\"]"));
    until("the mistake is said, with its line", || board.log().contains("muxboard.toml:") && board.log().contains("wacth"));
    assert_eq!(board.get("/api/v1/whoami").token(WATCH_TOKEN).send().status, 200);
    // It asks for a terminal before its right goes, and says so after: once, the rules of before held.
    let mut late = connect(&board, &path, &support::socket::token(WATCH_TOKEN)).await;
    // A grant that goes: the terminal ends, the login stays.
    board.configure(&good.replace("can = [\"watch\"]", "can = [\"see\"]"));
    assert_eq!(closed_reading(watcher).await, Some(Close::Revoked));
    hello(&mut late, true).await;
    assert_eq!(closed_reading(late).await, Some(Close::Forbidden));
    assert_eq!(board.get("/api/v1/whoami").token(WATCH_TOKEN).send().status, 200);
    // A token that goes: everything ends.
    let start = good.find("[[auth.token]]\nname = \"eye\"").unwrap();
    let end = good[start..].find("[[grant]]").unwrap() + start;
    board.configure(&format!("{}{}", &good[..start], &good[end..]));
    assert_eq!(closed_reading(followed).await, Some(Close::Revoked));
    assert_eq!(board.get("/api/v1/whoami").token(WATCH_TOKEN).send().status, 401);
    // Nothing of it is another's affair.
    support::socket::say(&mut typist, muxboard_core::wire::ToServer::Input(b"still-here".to_vec())).await;
    said(&mut typist, "still-here").await;
    // On a signal too.
    let before = board.log().matches("read again").count();
    run("kill", &["-HUP", &board.pid().to_string()]);
    until("it reads again", || board.log().matches("read again").count() > before);
}

#[test]
fn wrong_tokens_lock_out_nobody_who_has_a_right_one() {
    let Some(board) = Board::start("") else { return };
    let trusting = board.config().replace("[auth]\ngate = \"token\"\n", "[auth]\ngate = \"token\"\n[auth.proxy]\ntrusted = [\"127.0.0.1\"]\n");
    board.configure(&trusting);
    let attempt = |token: &str, from: &str| board.post("/login", &[("token", token)]).own_origin().header("X-Forwarded-For", from).send();
    until("the proxy is believed", || board.log().contains("read again"));
    let login = Login::of(&attempt(TOKEN, "198.51.100.1"));
    for _ in 0..muxboard_core::limits::FAILURES_MAX {
        assert_eq!(attempt("wrong-but-long-enough", "198.51.100.1").status, 401);
    }
    let locked = attempt("wrong-but-long-enough", "198.51.100.1");
    assert_eq!((locked.status, locked.header("retry-after")), (429, Some("300")));
    assert!(locked.body.contains("too many wrong ones came from there"), "{}", locked.body);
    let program = |token: &str, from: &str| board.get("/api/v1/whoami").token(token).header("X-Forwarded-For", from).send().status;
    assert_eq!(program("wrong-but-long-enough", "198.51.100.1"), 429);
    assert_eq!(program(TOKEN, "198.51.100.1"), 200, "a right token passes from there too");
    // Many sources together: 200 failures in all once locked everybody out who had not passed before.
    for n in 0..240 {
        assert_eq!(attempt("wrong-but-long-enough", &format!("203.0.113.{}", n % 24)).status, 401, "{n}");
    }
    assert_eq!((attempt(TOKEN, "198.51.100.1").status, attempt(TOKEN, "198.51.100.9").status), (303, 303));
    assert_eq!(board.get("/api/v1/whoami").logged_in(&login).header("X-Forwarded-For", "198.51.100.1").send().status, 200, "who is in stays in");
}

#[test]
fn next_leads_to_own_paths_only_and_no_secret_is_logged() {
    let Some(board) = Board::start("") else { return };
    for (next, want) in
        [("/", "/"), ("//evil.example", "/"), ("https://evil.example/", "/"), ("/\\evil.example", "/"), ("/a\r\nX-Evil: 1", "/"), ("/?q=x", "/?q=x")]
    {
        let answer = board.post("/login", &[("token", TOKEN), ("next", next)]).own_origin().send();
        let base = Login::of(&answer).base;
        assert_eq!((answer.status, answer.header("location")), (303, Some(format!("{base}{want}").as_str())), "{next:?}");
        assert!(answer.header("x-evil").is_none());
    }
    let login = Login::of(&board.post("/login", &[("token", TOKEN)]).own_origin().send());
    board.post("/login", &[("token", "a-wrong-secret-token")]).own_origin().send();
    board.get("/").logged_in(&login).send();
    assert_eq!(board.post("/fn/refresh", &[]).logged_in(&login).header("Origin", "http://evil.example").send().status, 403);
    board.post("/fn/create", &[("place", &format!("here/{}", board.accounts.front)), ("name", "x"), ("command", "echo hidden-words")]).token(TOKEN).send();
    let log = board.log();
    assert!(log.contains("audit") && log.contains("create") && log.contains("/fn/refresh"), "{log}");
    for secret in [TOKEN, login.cookie.split('=').nth(1).unwrap(), login.base.trim_start_matches("/~/"), "a-wrong-secret-token", "hidden-words"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
