//! What nobody asks for in good faith: requests and frames made of noise, and names that would be markup. No answer is a server's fault, nothing
//! panics, nothing is left open, nothing changes.

mod support;

use futures_util::{SinkExt, StreamExt};
use muxboard_core::flow::Taken;
use muxboard_core::wire::{Grid, ToServer};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::socket::{connect, token};
use support::sshd::until;
use support::{Board, PATIENCE, TOKEN};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// The same noise in every run (xorshift64*): what fails once fails again.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }

    /// Bytes that can stand in a request's line or in a header.
    fn word(&mut self, most: usize) -> Vec<u8> {
        self.bytes(most).into_iter().filter(|b| *b > 0x20 && *b != 0x7f).collect()
    }
}

fn descriptors(board: &Board) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", board.pid())).unwrap().count()
}

/// What takes every byte as it is, and does nothing with it: to a shell noise might be a command, to a terminal a signal.
const DEAF: &str = "stty raw -echo; exec cat >/dev/null";

fn board() -> Option<Board> {
    let board = Board::start("[limits]\nrequests_per_second = 0\nattaches_per_principal = 30")?;
    board.tmux(&board.accounts.front, &["new-session", "-d", "-s", "taken", DEAF]);
    Some(board)
}

/// How many bytes a process has read.
fn read_by(pid: &str) -> usize {
    let counts = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

fn unharmed(board: &Board, open_before: usize) {
    assert_eq!(board.get("/healthz").send().status, 200);
    assert_eq!(board.tmux(&board.accounts.front, &["list-sessions", "-F", "#{session_name}"]), "taken");
    until("every connection is closed", || descriptors(board) <= open_before);
    let log = board.log();
    assert!(!log.contains("panicked"), "{log}");
    assert!(!log.contains(TOKEN));
}

const REQUESTS: u32 = 2000;

#[test]
fn requests_made_of_noise_get_no_server_error_and_leave_nothing_open() {
    let Some(board) = board() else { return };
    board.session(&board.accounts.front, "taken");
    let open_before = descriptors(&board);
    let routes = muxboard::routes();
    let mut noise = Noise(0x6d75_7862_6f61_7264);
    let (mut seen, mut unanswered) = (std::collections::BTreeMap::new(), 0);
    for _ in 0..REQUESTS {
        let (method, path, _) = noise.of(&routes);
        let method = if noise.below(4) == 0 { *noise.of(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "X"]) } else { method };
        let mut line = Vec::new();
        for part in path.split('/').skip(1) {
            line.push(b'/');
            match noise.below(6) {
                0 => line.extend(noise.word(40)),
                1 => line.extend(noise.of(&["here", "..", "%2e%2e", "%00", "-x", "%ff", "1-1-1-1", "v1", "{host}"]).bytes()),
                _ if part.starts_with('{') => line.extend(noise.of(&["here", board.accounts.front.as_str(), "taken", "create", "kill", "1-1-1-1"]).bytes()),
                _ => line.extend(part.bytes()),
            }
        }
        if noise.below(3) == 0 {
            line.push(b'?');
            line.extend(noise.word(60));
        }
        let mut request = [method.as_bytes(), b" ", &line, b" HTTP/1.1\r\n"].concat();
        let mut header = |name: &str, value: &[u8]| request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        let own = format!("127.0.0.1:{}", board.port);
        header("Host", own.as_bytes());
        header("Connection", b"close");
        if noise.below(4) > 0 {
            header("Authorization", format!("Bearer {TOKEN}").as_bytes());
        }
        if noise.below(2) == 0 {
            header("Origin", format!("http://{own}").as_bytes());
        }
        let name = *noise.of(&["Cookie", "Accept", "X-Forwarded-For", "Content-Type", "X-Noise", "Accept-Encoding", "Upgrade", "Sec-WebSocket-Key"]);
        header(name, &noise.word(80));
        let kind = *noise.of(&["application/json", "application/x-www-form-urlencoded", "text/plain"]);
        header("Content-Type", kind.as_bytes());
        let body = match noise.below(4) {
            0 => noise.bytes(400),
            1 => format!("place=here%2F{}&name=a%20b&session=1-1-1-1&typed=%00", board.accounts.front).into_bytes(),
            2 => br#"{"host":"here","user":{"a":[1,2,3]},"name":null,"confirm":1e999}"#.to_vec(),
            _ => Vec::new(),
        };
        header("Content-Length", body.len().to_string().as_bytes());
        request.extend(b"\r\n");
        request.extend(&body);
        let mut stream = TcpStream::connect(("127.0.0.1", board.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A server that has seen enough closes, also while we still write.
        let _ = stream.write_all(&request);
        let mut answer = [0; 12];
        if stream.read_exact(&mut answer).is_err() {
            unanswered += 1;
            continue;
        }
        let status: u16 = String::from_utf8_lossy(&answer[9..]).parse().unwrap();
        *seen.entry(status).or_insert(0) += 1;
        assert!(status < 500, "{status} for {:?}", String::from_utf8_lossy(&request));
    }
    eprintln!("{seen:?}");
    // A server that closes before it has read all resets the connection, and its answer may be lost on the way.
    assert!(unanswered * 20 < REQUESTS, "{unanswered} of {REQUESTS} requests had no answer");
    assert!(seen.len() > 5, "the noise is not varied: {seen:?}");
    unharmed(&board, open_before);
}

/// A frame that is none, or one with noise in it.
fn frame(noise: &mut Noise) -> Message {
    let good = |frame: ToServer| Message::Binary(frame.encode().into());
    match noise.below(14) {
        0 => Message::Text(String::from_utf8_lossy(&noise.bytes(50)).into_owned().into()),
        1 => Message::Ping(noise.bytes(100).into()),
        2 => good(ToServer::Taken(Taken { bytes: u32::MAX, held_ms: noise.next() as u16 })),
        3 => Message::Binary([&[0x02][..], &noise.bytes(5)].concat().into()),
        4 => Message::Binary(vec![0x01; 70_000].into()),
        5 => Message::Binary(noise.bytes(200).into()),
        6..=8 => good(ToServer::Input(noise.bytes(200))),
        9..=11 => good(ToServer::Paste([&noise.bytes(2000)[..], b"x"].concat())),
        12 => good(ToServer::Resize(Grid::clamped(noise.next() as u16, noise.next() as u16))),
        _ => good(ToServer::Ping(noise.next() as u32)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_made_of_noise_are_refused_and_leave_nothing_open() {
    let Some(board) = board() else { return };
    let front = board.accounts.front.clone();
    let id = board.session(&front, "taken");
    // No key of tmux's own is among the noise.
    board.tmux(&front, &["set-option", "-g", "prefix", "None"]);
    let cat = board.tmux(&front, &["display-message", "-p", "-t", "taken:", "#{pane_pid}"]);
    until("the session's program runs", || std::fs::read_to_string(format!("/proc/{cat}/comm")).unwrap().trim() == "cat");
    let open_before = descriptors(&board);
    let mut noise = Noise(0x7465_726d_696e_616c);
    let attach = format!("/ws/attach/here/{front}/{id}");
    let paths = ["/ws/board".to_owned(), attach.clone(), format!("/ws/attach/here/{front}/1-1-1-1")];
    for round in 0..200 {
        // A terminal that is there, that of one who watches or types; or anything else, which may say hello.
        let shown = round % 4 == 0;
        let watch = noise.below(2) == 0;
        let mut socket = connect(&board, if shown { &attach } else { noise.of(&paths) }, &token(TOKEN)).await;
        if shown || round % 4 > 1 {
            let hello = ToServer::Hello { grid: Grid::clamped(80, 24), watch, name: String::from_utf8_lossy(&noise.bytes(30)).into_owned() };
            let _ = socket.send(Message::Binary(hello.encode().into())).await;
        }
        if shown {
            support::socket::until(&mut socket, "\x1b").await;
        }
        for _ in 0..noise.below(12) {
            if socket.send(frame(&mut noise)).await.is_err() {
                break;
            }
        }
        // It answers, closes, or goes on; it does not hang on to us.
        let _ = timeout(Duration::from_millis(20), socket.next()).await;
    }
    unharmed(&board, open_before);
    assert_eq!(board.tmux(&front, &["list-panes", "-s", "-t", "taken:", "-F", "#{pane_pid} #{pane_dead}"]), format!("{cat} 0"));
    // The session still takes typed bytes. None of the noise has to arrive: a client that leaves at once may be gone before its bytes are written.
    let mut socket = support::socket::attached(&board, &id, false).await;
    let read_before = read_by(&cat);
    support::socket::say(&mut socket, ToServer::Input([&noise.bytes(200)[..], b"x"].concat())).await;
    until("what was typed has arrived", || read_by(&cat) > read_before);
}

#[test]
fn markup_in_windows_titles_commands_and_directories_is_text() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    let markup = "<img src=x onerror=alert(1)>";
    let folder = board.file("run").join(markup);
    std::fs::create_dir(&folder).unwrap();
    support::sshd::run("chown", &[&front, folder.to_str().unwrap()]);
    let shown = format!("printf '\\033]2;{markup}\\033\\\\{markup}'; exec cat");
    board.tmux(&front, &["new-session", "-d", "-s", markup, "-n", markup, "-c", folder.to_str().unwrap(), &shown]);
    let seen = |json: &serde_json::Value| json.to_string().matches("onerror").count();
    // Its name, its window's, its title, its directory.
    let json = board.sessions_when(|json| seen(json) >= 4);
    assert!(seen(&json) >= 4, "{json}");
    let answer = board.get("/api/v1/sessions").token(TOKEN).send();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    until("the preview is on the page", || board.get("/").token(TOKEN).send().body.matches("onerror").count() >= 5);
    let page = board.get("/").token(TOKEN).send().body;
    assert!(!page.contains("<img"), "{page}");
    let question = board.get("/?create=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&q=%22%3E%3Cimg%20src%3Dx%3E").token(TOKEN).send().body;
    assert!(!question.contains("<img"), "{question}");
    let missing = board.get(&format!("/here/{front}/%3Cimg%20src%3Dx%3E")).token(TOKEN).send().body;
    assert!(missing.contains("&lt;img") && !missing.contains("<img"), "{missing}");
}
