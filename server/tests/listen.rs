//! How the binary listens, tried from outside: TLS, Unix sockets, clients that say nothing or half, and how many there may be.

mod support;

use muxboard_core::limits::HEAD_SECONDS_MAX;
use rustls::version::{TLS12, TLS13};
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};
use support::served::{Place, Served, ask, get, plain, tls};
use support::{PATIENCE, TOKEN, as_account};

const HEAD: Duration = Duration::from_secs(HEAD_SECONDS_MAX);

/// A board with TLS, and the host by which it is reached.
fn with_tls(place: &Place) -> (Served, String) {
    let host = format!("localhost:{}", place.port);
    let top = format!("listen = \"127.0.0.1:{}\"\norigins = [\"https://{host}\"]\n{}", place.port, place.certificate());
    (place.serve(&top, ""), host)
}

fn bearer() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

#[test]
fn with_a_certificate_it_speaks_https_and_its_cookie_stays_there() {
    let Some(place) = Place::new() else { return };
    let (board, host) = with_tls(&place);
    assert_eq!(board.link, format!("https://{host}/"));
    let open = |versions: &[_]| tls(place.port, &place.path("cert.pem"), versions);
    for versions in [&[&TLS13][..], &[&TLS12]] {
        let mut stream = open(versions);
        let answer = ask(&mut stream, &get("/healthz", &host, ""));
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
        assert_eq!((stream.conn.alpn_protocol(), stream.conn.protocol_version()), (Some(&b"http/1.1"[..]), Some(versions[0].version)));
    }
    let body = format!("token={TOKEN}&next=/");
    let length = body.len();
    let login = format!(
        "POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let answer = ask(open(&[&TLS13]), &login);
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap_or_else(|| panic!("{answer}"));
    assert!(cookie.starts_with(&format!("__Secure-muxboard_{}=", place.port)) && cookie.ends_with("; Secure"), "{cookie}");
    // A name of a loopback address: another account may serve another port of it.
    let base = cookie.split("; ").find_map(|part| part.strip_prefix("Path=")).unwrap().trim_end_matches('/').to_owned();
    assert!(base.starts_with("/~/"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert!(ask(open(&[&TLS13]), &get(&format!("{base}/api/v1/whoami"), &host, &cookie)).starts_with("HTTP/1.1 200"));
    // Its own origin is the https one.
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let socket = |origin: &str| format!("GET {base}/ws/board HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{cookie}{upgrade}\r\n");
    assert!(ask(open(&[&TLS13]), &socket(&format!("https://{host}"))).starts_with("HTTP/1.1 101"));
    assert!(ask(open(&[&TLS13]), &socket(&format!("http://{host}"))).starts_with("HTTP/1.1 403"));
}

#[test]
fn http_where_https_is_gets_a_sentence_and_nothing_else() {
    let Some(place) = Place::new() else { return };
    let (board, host) = with_tls(&place);
    let answer = ask(plain(place.port), &get("/api/v1/whoami", &host, &bearer()));
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("This port speaks https. Nothing was done.\n"), "{answer}");
    let mut rubbish = plain(place.port);
    rubbish.write_all(&[0x16, 3, 1, 0xff, 0xff, 9, 9, 9, 9, 9]).unwrap();
    rubbish.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    let _ = rubbish.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    assert!(!board.said().contains("panicked"));
}

#[test]
fn a_renewed_certificate_is_taken_and_a_bad_one_is_not() {
    let Some(place) = Place::new() else { return };
    let (board, host) = with_tls(&place);
    let works = |cert: &Path| ask(tls(place.port, cert, &[&TLS13]), &get("/healthz", &host, "")).starts_with("HTTP/1.1 200");
    let (cert, old) = (place.path("cert.pem"), place.path("old.pem"));
    fs::copy(&cert, &old).unwrap();
    // A connection that is open stays as it is.
    let mut open = tls(place.port, &old, &[&TLS13]);
    open.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
    assert!(open.read(&mut [0; 4096]).unwrap() > 0);
    place.certificate();
    board.says("the certificate was read again");
    assert!(works(&cert));
    let refused = |since: usize| board.says_since(since, "the certificate cannot be taken, so the one before it stays in use");
    let since = board.said().len();
    fs::write(place.path("key.pem"), "no key").unwrap();
    refused(since);
    let since = board.said().len();
    board.signal("HUP");
    refused(since);
    assert!(works(&cert));
    assert!(ask(open, &get("/healthz", &host, "")).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_line_that_mends_it() {
    let Some(place) = Place::new() else { return };
    let top = format!("listen = \"127.0.0.1:{0}\"\norigins = [\"https://localhost:{0}\"]\n{1}", place.port, place.certificate());
    let key = place.path("key.pem");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.refuses(&top, ""), format!("muxboard: others may read {key}: chmod 600 {key}", key = key.display()));
}

/// Reads until the other side closes, and gives what came and how long that took.
fn until_closed(mut stream: TcpStream, began: Instant) -> (Vec<u8>, Duration) {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    (bytes, began.elapsed())
}

#[test]
fn who_says_nothing_or_half_is_dropped_and_holds_nobody_up() {
    let (Some(secure), Some(clear)) = (Place::new(), Place::new()) else { return };
    let (_board, host) = with_tls(&secure);
    let _clear = clear.serve(&format!("listen = \"127.0.0.1:{}\"", clear.port), "");
    let own = format!("127.0.0.1:{}", clear.port);
    let began = Instant::now();
    let say = |port: u16, words: &[u8]| {
        let mut stream = plain(port);
        stream.write_all(words).unwrap();
        stream
    };
    let half = format!("GET / HTTP/1.1\r\nHost: {own}\r\nX-Slow: ");
    // A head of TLS that announces 200 bytes and brings 5.
    let mute: Vec<TcpStream> =
        (0..20).flat_map(|_| [say(secure.port, b""), say(secure.port, &[22, 3, 1, 0, 200, 1, 0, 0, 196, 3]), say(clear.port, b"")]).collect();
    let halves: Vec<TcpStream> = (0..20).map(|_| say(clear.port, half.as_bytes())).collect();
    let body = format!(
        "POST /login HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken="
    );
    let body = say(clear.port, body.as_bytes());
    // A shaken hand is not a request.
    let mut shaken = tls(secure.port, &secure.path("cert.pem"), &[&TLS13]);
    shaken.conn.complete_io(&mut shaken.sock).unwrap();
    // One that asked once may be quiet for longer than that.
    let mut kept = say(clear.port, format!("GET /healthz HTTP/1.1\r\nHost: {own}\r\n\r\n").as_bytes());
    assert!(kept.read(&mut [0; 4096]).unwrap() > 0);
    // The others do not notice.
    for _ in 0..5 {
        let asked = Instant::now();
        assert!(ask(tls(secure.port, &secure.path("cert.pem"), &[&TLS13]), &get("/healthz", &host, "")).starts_with("HTTP/1.1 200"));
        assert!(ask(plain(clear.port), &get("/healthz", &own, "")).starts_with("HTTP/1.1 200"));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    for stream in mute.into_iter().chain(halves) {
        let (bytes, after) = until_closed(stream, began);
        assert!(bytes.is_empty() && after > HEAD - Duration::from_secs(1) && after < HEAD + Duration::from_secs(5), "{after:?} {bytes:?}");
    }
    let (answer, after) = until_closed(body, began);
    assert!(answer.starts_with(b"HTTP/1.1 4") && after < HEAD + Duration::from_secs(5), "{after:?} {}", String::from_utf8_lossy(&answer));
    let _ = shaken.sock.read_to_end(&mut Vec::new());
    assert!(began.elapsed() < HEAD * 2 + Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(ask(kept, &get("/healthz", &own, "")).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_unix_socket_is_served_and_goes_with_us() {
    let Some(place) = Place::new() else { return };
    let folder = place.own("sockets", 0o755);
    let path = folder.join("http.sock");
    let top = format!("listen = \"unix:{}\"\norigins = [\"https://ops.example.com\"]", path.display());
    let auth = "[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-Identity\"\n";
    let mut board = place.serve(&top, auth);
    assert_eq!(board.link, "https://ops.example.com/");
    let found = fs::symlink_metadata(&path).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o660);
    let open = || UnixStream::connect(&path).unwrap();
    let whoami = |more: &str| ask(open(), &get("/api/v1/whoami", "ops.example.com", more));
    let answer = whoami("X-Identity: jane\r\n");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("jane") && answer.contains("strict-transport-security: "), "{answer}");
    assert!(whoami("").starts_with("HTTP/1.1 401"));
    assert!(ask(open(), &get("/healthz", "127.0.0.1", "")).starts_with("HTTP/1.1 403"), "it answers to its origins alone");
    // Another account is not in the group.
    let other = as_account(&place.accounts.other, "sh").args(["-c", &format!("test -w {}", path.display())]).status().unwrap();
    assert!(!other.success());
    // A second board does not push the first one out.
    let says = place.refuses(&top, auth);
    assert!(says.ends_with("is in use: another program listens there"), "{says}");
    assert!(whoami("X-Identity: jane\r\n").starts_with("HTTP/1.1 200"));
    // What a killed one left is taken over, and one that stops leaves nothing.
    board.signal("KILL");
    board.ended();
    assert!(path.exists() && UnixStream::connect(&path).is_err());
    let mut board = place.serve(&top, auth);
    assert!(whoami("X-Identity: jane\r\n").starts_with("HTTP/1.1 200"));
    board.signal("TERM");
    assert_eq!((board.ended(), path.exists()), (Some(0), false));
}

#[test]
fn a_unix_socket_takes_no_place_that_is_not_its_own() {
    let Some(place) = Place::new() else { return };
    let at = |path: &Path, more: &str| place.refuses(&format!("listen = \"unix:{}\"\norigins = [\"https://a\"]\n{more}", path.display()), "");
    let folder = place.own("sockets", 0o755);
    for mode in ["0666", "0662"] {
        let says = at(&folder.join("s"), &format!("listen_mode = \"{mode}\""));
        assert!(says.contains(":3: whoever may open the socket is trusted as a proxy"), "{says}");
    }
    let says = at(&place.own("open", 0o777).join("s"), "");
    assert!(says.starts_with("muxboard: others may write in"), "{says}");
    let file = folder.join("file");
    fs::write(&file, "kept").unwrap();
    assert!(at(&file, "").contains("is no socket, so it is left alone"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    // root's, and dead.
    let foreign = folder.join("foreign");
    drop(UnixListener::bind(&foreign).unwrap());
    assert!(at(&foreign, "").contains("is a socket of another account"));
    assert!(foreign.exists());
    assert!(at(&place.path("root.sock"), "").contains("Permission denied"));
}

#[test]
fn what_would_be_open_to_the_network_is_refused_in_words() {
    let Some(place) = Place::new() else { return };
    let config = place.path("muxboard.toml");
    let open = "[auth]\ngate = \"open\"\n";
    let (listen, origins) = ("listen = \"0.0.0.0:0\"\n", "origins = [\"https://a\"]\n");
    for (top, auth, want) in [
        (listen.to_owned(), "", "1: this address is open to the network, and every key press would cross it in the clear."),
        (listen.to_owned(), open, "1: this address is open to the network, and every key press"),
        (format!("{listen}behind_proxy = true\n{origins}"), open, "1: this address is open to the network, and the gate \"open\" lets in whoever reaches it"),
        (format!("{listen}{origins}{}", place.certificate()), open, "1: this address is open to the network, and the gate \"open\" lets in whoever reaches it"),
        (format!("{listen}{}", place.certificate()), "", "2: with [tls] the board must know by which name it is reached"),
    ] {
        let says = place.refuses(&top, auth);
        assert!(says.starts_with(&format!("muxboard: {}:{want}", config.display())), "{says}");
    }
    drop(place.serve(&format!("{listen}behind_proxy = true\n{origins}"), ""));
    drop(place.serve(&format!("listen = \"127.0.0.1:{}\"", place.port), open));
}

#[test]
fn a_gate_cannot_be_opened_while_the_network_reaches_it() {
    let Some(place) = Place::new() else { return };
    let top = |listen: &str| format!("listen = \"{listen}:{}\"\nbehind_proxy = true\norigins = [\"https://a\"]", place.port);
    let board = place.serve(&top("0.0.0.0"), "");
    let whoami = || ask(plain(place.port), &get("/api/v1/whoami", "a", ""));
    assert!(whoami().starts_with("HTTP/1.1 401"));
    place.write(&top("127.0.0.1"), "[auth]\ngate = \"open\"\n");
    board.says("until the next start this listens on 0.0.0.0");
    assert!(whoami().starts_with("HTTP/1.1 401"));
}

#[test]
fn a_proxy_without_a_secret_was_believed_on_the_port_that_its_unix_socket_is_only_to_replace_at_the_next_start() {
    let Some(place) = Place::new() else { return };
    let secret = place.file("secret", &"s".repeat(32));
    let proxy = "[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-User\"\ntrusted = [\"127.0.0.1\"]\n";
    let top = |listen: &str| format!("listen = \"{listen}\"\norigins = [\"https://a\"]");
    let board = place.serve(&top(&format!("127.0.0.1:{}", place.port)), &format!("{proxy}secret_header = \"X-Secret\"\nsecret_file = \"{secret}\"\n"));
    let whoami = || ask(plain(place.port), &get("/api/v1/whoami", "a", "X-User: anybody\r\n"));
    assert!(whoami().starts_with("HTTP/1.1 401"));
    place.write(&top("unix:/tmp/not-yet/http.sock"), proxy);
    board.says("until the next start this listens on 127.0.0.1");
    assert!(whoami().starts_with("HTTP/1.1 401"));
}

#[test]
fn a_secret_that_is_changed_and_a_map_that_is_mended_are_read_again_without_a_signal() {
    let Some(place) = Place::new() else { return };
    let (old, new) = ("o".repeat(32), "n".repeat(32));
    let secret = place.file("secret", &old);
    let proxy = format!(
        "[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-User\"\ntrusted = [\"127.0.0.1\"]\nsecret_header = \"X-Secret\"\nsecret_file = \"{secret}\"\n"
    );
    let top = format!("listen = \"127.0.0.1:{}\"\norigins = [\"https://a\"]", place.port);
    let board = place.serve(&top, &proxy);
    let whoami = |secret: &str| ask(plain(place.port), &get("/api/v1/whoami", "a", &format!("X-User: ann\r\nX-Secret: {secret}\r\n")));
    assert!(whoami(&old).starts_with("HTTP/1.1 200"));
    let read_again = |since: usize| board.says_since(since, "the configuration was read again");
    let since = board.said().len();
    place.file("secret", &new);
    read_again(since);
    assert!(whoami(&new).starts_with("HTTP/1.1 200") && whoami(&old).starts_with("HTTP/1.1 401"));
    // A file that is named for the first time, and has a mistake: mending that is enough.
    let map = place.file("map", "no line of a map\n");
    let since = board.said().len();
    place.write(&top, &format!("{proxy}user_map = \"{map}\"\n"));
    board.says("the configuration has a mistake");
    place.file("map", &format!("bob = {}\n", place.accounts.front));
    read_again(since);
    assert!(whoami(&new).starts_with("HTTP/1.1 403"));
}

/// A connection from that address of ours.
fn from(address: &str, port: u16) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        socket.connect(([127, 0, 0, 1], port).into()).await.unwrap()
    });
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn one_address_has_half_of_the_connections_and_gives_them_back() {
    let Some(place) = Place::new() else { return };
    let board = place.serve(&format!("listen = \"127.0.0.1:{}\"\n[limits]\nconnections = 8", place.port), "");
    let host = format!("127.0.0.1:{}", place.port);
    let began = Instant::now();
    let mut held: Vec<TcpStream> = (0..4).map(|_| from("127.0.0.1", place.port)).collect();
    let (bytes, after) = until_closed(from("127.0.0.1", place.port), began);
    assert!(bytes.is_empty() && after < HEAD / 2, "{after:?}");
    board.says("one address has as many connections as it may have");
    // Whoever is on this machine has all of its loopback addresses.
    let (bytes, after) = until_closed(from("127.0.0.2", place.port), began);
    assert!(bytes.is_empty() && after < HEAD / 2, "{after:?}");
    held.pop();
    let again = || {
        let mut stream = from("127.0.0.1", place.port);
        let mut answer = [0; 12];
        // One that is closed at once may be closed before it has said anything.
        stream.write_all(get("/healthz", &host, "").as_bytes()).and_then(|()| stream.read_exact(&mut answer)).is_ok() && &answer == b"HTTP/1.1 200"
    };
    while !again() {
        assert!(began.elapsed() < HEAD / 2, "a connection that ended was not given back");
    }
}

#[test]
fn over_all_of_them_new_ones_wait_their_turn() {
    let Some(place) = Place::new() else { return };
    let top = format!("listen = \"127.0.0.1:{}\"\n[limits]\nconnections = 8", place.port);
    let board = place.serve(&top, "[auth.proxy]\ntrusted = [\"127.0.0.1\"]\n");
    let host = format!("127.0.0.1:{}", place.port);
    let began = Instant::now();
    // A trusted proxy brings many people by one address.
    let mut held: Vec<TcpStream> = (0..8).map(|_| plain(place.port)).collect();
    board.says("as many connections as are allowed are open");
    let mut waiting = plain(place.port);
    waiting.write_all(get("/healthz", &host, "").as_bytes()).unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(waiting.read(&mut [0; 1]).is_err(), "nobody answers yet");
    held.pop();
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let (answer, after) = until_closed(waiting, began);
    assert!(answer.starts_with(b"HTTP/1.1 200") && after < HEAD / 2, "{after:?}");
    // A WebSocket keeps its seat for as long as it lives.
    drop(held);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let mut socket = plain(place.port);
        let asked = format!("GET /ws/board HTTP/1.1\r\nHost: {host}\r\n{}{upgrade}\r\n", bearer());
        assert!(ask(&mut socket, &asked).starts_with("HTTP/1.1 101"));
        sockets.push(socket);
    }
    let mut waiting = plain(place.port);
    waiting.write_all(get("/healthz", &host, "").as_bytes()).unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(waiting.read(&mut [0; 1]).is_err());
    drop(sockets);
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(until_closed(waiting, began).0.starts_with(b"HTTP/1.1 200"));
}
