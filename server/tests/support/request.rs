//! A plain HTTP client that can say things no browser would, and what a browser keeps of a login.

use super::{Board, PATIENCE};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a browser keeps of a login to a board at the root of its host: the cookie, and the path that it is sent below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    pub cookie: String,
    pub base: String,
}

impl Login {
    pub fn of(answer: &Answer) -> Self {
        let set = answer.header("set-cookie").unwrap();
        let path = set.split("; ").find_map(|part| part.strip_prefix("Path=")).unwrap();
        Self { cookie: set.split(';').next().unwrap().to_owned(), base: path.trim_end_matches('/').to_owned() }
    }
}

/// A request, header by header.
pub struct Request<'a> {
    pub(super) board: &'a Board,
    pub(super) method: &'static str,
    pub path: String,
    pub(super) headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|l| l.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Compares its whole Content-Security-Policy, with these directives for style attributes, and returns its nonce: nothing else of it may differ.
    pub fn nonce_of_policy(&self, attributes: &str) -> String {
        let policy = self.header("content-security-policy").unwrap_or_else(|| panic!("{self:?}"));
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_default();
        assert!(nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()), "{policy}");
        let whole = format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; {attributes}img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(policy, whole);
        nonce.to_owned()
    }
}

/// A new client address, as a trusted proxy reports it.
pub fn address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, a, b, c] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    format!("10.{a}.{b}.{c}")
}

impl Request<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if name.eq_ignore_ascii_case("host") {
            self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case("host"));
        }
        self.headers.push((name.into(), value.into()));
        self
    }
    /// A header once more, or without what a client says by itself.
    pub fn again(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }
    /// As a browser that logged in sends it: with the cookie, below the path of its login.
    pub fn logged_in(self, login: &Login) -> Self {
        self.below(&login.base).header("Cookie", &login.cookie)
    }
    /// With that before its path.
    pub fn below(mut self, base: &str) -> Self {
        self.path = format!("{base}{}", self.path);
        self
    }
    /// As this board's own page would send it.
    pub fn own_origin(self) -> Self {
        let origin = format!("http://127.0.0.1:{}", self.board.port);
        self.header("Origin", &origin)
    }
    pub fn websocket(self) -> Self {
        self.header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }
    pub fn send(self) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.board.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let upgrade = self.headers.iter().any(|(n, _)| n == "Upgrade");
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !upgrade {
            text += "Connection: close\r\n";
        }
        text += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        stream.write_all(&[text.as_bytes(), &self.body].concat()).unwrap();
        let mut bytes = Vec::new();
        if upgrade {
            // An accepted upgrade does not end: its head is enough.
            let mut one = [0];
            while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut one).unwrap() == 1 {
                bytes.push(one[0]);
            }
        } else {
            stream.read_to_end(&mut bytes).unwrap();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no answer: {text:?}"));
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}
