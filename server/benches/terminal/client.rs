//! The two ends that are compared: the floor, a `tmux attach` on a raw pty with nothing in between, and a WebSocket of a server. Both are read
//! by one blocking thread, and neither draws anything.

use muxboard_core::flow::Unacknowledged;
use muxboard_core::limits::UNACKNOWLEDGED_MS_MAX;
use muxboard_core::wire::ToServer;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

pub const COLUMNS: u16 = 120;
pub const ROWS: u16 = 40;

/// A terminal that is read and typed into.
pub trait Terminal: Send {
    fn send(&mut self, keys: &[u8]);
    /// Appends output, waiting for some until then. Zero: there was none, or it is over.
    fn read(&mut self, into: &mut Vec<u8>, until: Instant) -> usize;
    /// Messages read so far.
    fn messages(&self) -> u64;
}

/// Waits for a descriptor.
fn ready(fd: BorrowedFd<'_>, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&time)).is_ok_and(|n| n > 0)
}

/// The floor.
pub struct Pty {
    fd: OwnedFd,
    child: Box<dyn Child + Send + Sync>,
    reads: u64,
    _master: Box<dyn MasterPty + Send>,
}

impl Pty {
    pub fn spawn(words: &[String]) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 }).unwrap();
        #[allow(clippy::disallowed_methods, reason = "the floor is a process without any server")]
        let mut command = CommandBuilder::new(&words[0]);
        command.args(&words[1..]);
        command.env("TERM", "xterm-256color");
        command.env_remove("TMUX");
        let child = pair.slave.spawn_command(command).unwrap();
        #[allow(unsafe_code, reason = "the master keeps it open")]
        let fd = unsafe { BorrowedFd::borrow_raw(pair.master.as_raw_fd().unwrap()) }.try_clone_to_owned().unwrap();
        Self { fd, child, reads: 0, _master: pair.master }
    }
}

impl Terminal for Pty {
    fn send(&mut self, keys: &[u8]) {
        let mut left = keys;
        while !left.is_empty() {
            let written = rustix::io::write(&self.fd, left).unwrap();
            left = &left[written..];
        }
    }
    fn read(&mut self, into: &mut Vec<u8>, until: Instant) -> usize {
        if !ready(self.fd.as_fd(), until) {
            return 0;
        }
        let mut chunk = [0; 4096];
        let read = rustix::io::read(&self.fd, &mut chunk).unwrap_or(0);
        into.extend_from_slice(&chunk[..read]);
        self.reads += 1;
        read
    }
    fn messages(&self) -> u64 {
        self.reads
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The least that any server between costs: a process hop over TCP, by two threads that copy and do nothing else.
pub struct Relay {
    stream: TcpStream,
    reads: u64,
}

impl Relay {
    /// The words of the relay's own process, which prints its port.
    pub fn serve(words: &[String]) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut pty = Pty::spawn(words);
        let (fd, mut out) = (pty.fd.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = rustix::io::read(&fd, &mut chunk) {
                let _ = out.write_all(&chunk[..read]);
            }
        });
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut chunk) {
            pty.send(&chunk[..read]);
        }
    }
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, reads: 0 }
    }
}

impl Terminal for Relay {
    fn send(&mut self, keys: &[u8]) {
        self.stream.write_all(keys).unwrap();
    }
    fn read(&mut self, into: &mut Vec<u8>, until: Instant) -> usize {
        if !ready(self.stream.as_fd(), until) {
            return 0;
        }
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).unwrap_or(0);
        into.extend_from_slice(&chunk[..read]);
        self.reads += 1;
        read
    }
    fn messages(&self) -> u64 {
        self.reads
    }
}

/// How a server wraps keys and output in messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Muxboard,
    Ttyd,
    Terminado,
    Wetty,
}

/// Where a server's terminal is.
#[derive(Clone)]
pub struct Place {
    pub wire: Wire,
    pub address: String,
    pub path: String,
    pub headers: String,
}

/// A WebSocket of a server.
pub struct Socket {
    stream: TcpStream,
    wire: Wire,
    /// Bytes read that are not a whole message yet, from `at` on.
    buffer: Vec<u8>,
    at: usize,
    messages: u64,
    /// How many bytes a second are read; none: as they come.
    pace: Option<f64>,
    paced: (Instant, f64),
    opened: Instant,
    unacknowledged: Unacknowledged,
    acknowledge_by: Option<Instant>,
}

impl Socket {
    pub fn open(place: &Place) -> Self {
        let mut stream = TcpStream::connect(&place.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let protocol = if place.wire == Wire::Ttyd { "Sec-WebSocket-Protocol: tty\r\n" } else { "" };
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}{}\r\n",
            place.path, place.address, place.headers
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut one = [0];
            stream.read_exact(&mut one).unwrap_or_else(|e| panic!("{}{}: {e}: {}", place.address, place.path, String::from_utf8_lossy(&answer)));
            answer.push(one[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        let mut socket = Self {
            stream,
            wire: place.wire,
            buffer: Vec::new(),
            at: 0,
            messages: 0,
            pace: None,
            paced: (Instant::now(), 0.0),
            opened: Instant::now(),
            unacknowledged: Unacknowledged::default(),
            acknowledge_by: None,
        };
        match place.wire {
            Wire::Muxboard => socket.message(2, &[&[0, 0][..], &COLUMNS.to_be_bytes(), &ROWS.to_be_bytes()].concat()),
            Wire::Ttyd => socket.message(2, format!("{{\"AuthToken\":\"\",\"columns\":{COLUMNS},\"rows\":{ROWS}}}").as_bytes()),
            Wire::Terminado => socket.message(1, format!("[\"set_size\",{ROWS},{COLUMNS}]").as_bytes()),
            Wire::Wetty => socket.message(1, b"40"),
        }
        socket
    }

    /// Reads no more than that many bytes a second from now on.
    pub fn pace(&mut self, bytes_per_second: f64) {
        (self.pace, self.paced) = (Some(bytes_per_second), (Instant::now(), 0.0));
    }

    /// Acknowledges what was kept back, as the page does: with a key, or when its time has come.
    fn acknowledge(&mut self) {
        self.acknowledge_by = None;
        if let Some(taken) = self.unacknowledged.take(self.opened.elapsed()) {
            self.message(2, &ToServer::Taken(taken).encode());
        }
    }

    fn message(&mut self, opcode: u8, payload: &[u8]) {
        // A mask of zeros: the payload stays as it is.
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        let _ = self.stream.write_all(&frame);
    }

    /// The next whole message in the buffer.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let bytes = self.buffer.get(self.at..)?;
        let (head, length) = match bytes.get(1)? & 0x7f {
            126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?) as usize),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
            short => (2, short as usize),
        };
        let message = (bytes[0] & 0x0f, bytes.get(head..head + length)?.to_vec());
        self.at += head + length;
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        Some(message)
    }

    /// Reads what is there, at the pace.
    fn fill(&mut self, until: Instant) -> bool {
        let mut room = 64 * 1024;
        if let Some(rate) = self.pace {
            loop {
                let now = Instant::now();
                let (since, saved) = self.paced;
                // A line of that speed gives no more than a packet at once.
                let tokens = (saved + (now - since).as_secs_f64() * rate).min(1460.0);
                self.paced = (now, tokens);
                room = tokens as usize;
                if room >= 200 {
                    break;
                }
                if now >= until {
                    return false;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        if !ready(self.stream.as_fd(), until) {
            return false;
        }
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let before = self.buffer.len();
        self.buffer.resize(before + room, 0);
        let read = self.stream.read(&mut self.buffer[before..]).unwrap_or(0);
        self.buffer.truncate(before + read);
        self.paced.1 -= read as f64;
        read > 0
    }

    fn take(&mut self, opcode: u8, payload: &[u8], into: &mut Vec<u8>) {
        match (opcode, self.wire, payload) {
            (9, ..) => self.message(10, payload),
            (8, ..) => panic!("closed: {}", String::from_utf8_lossy(payload)),
            (_, Wire::Muxboard, [0x10, output @ ..]) => {
                into.extend_from_slice(output);
                if let Some(taken) = self.unacknowledged.add(output.len() as u32, self.opened.elapsed()) {
                    self.message(2, &ToServer::Taken(taken).encode());
                }
                self.acknowledge_by = Some(Instant::now() + Duration::from_millis(UNACKNOWLEDGED_MS_MAX.into()));
            }
            (_, Wire::Ttyd, [b'0', output @ ..]) => into.extend_from_slice(output),
            (_, Wire::Wetty, b"2") => self.message(1, b"3"),
            (_, Wire::Terminado | Wire::Wetty, _) => {
                let json = payload.strip_prefix(b"42").unwrap_or(payload);
                let Ok(serde_json::Value::Array(words)) = serde_json::from_slice(json) else { return };
                if let [serde_json::Value::String(word), serde_json::Value::String(output), ..] = words.as_slice()
                    && (word == "stdout" || word == "data")
                {
                    into.extend_from_slice(output.as_bytes());
                    if self.wire == Wire::Wetty {
                        self.message(1, format!("42[\"commit\",{}]", output.len()).as_bytes());
                    }
                }
            }
            _ => {}
        }
    }
}

impl Terminal for Socket {
    fn send(&mut self, keys: &[u8]) {
        let text = || serde_json::Value::String(String::from_utf8_lossy(keys).into_owned());
        match self.wire {
            Wire::Muxboard => {
                self.message(2, &[&[1], keys].concat());
                self.acknowledge();
            }
            Wire::Ttyd => self.message(2, &[b"0", keys].concat()),
            Wire::Terminado => self.message(1, format!("[\"stdin\",{}]", text()).as_bytes()),
            Wire::Wetty => self.message(1, format!("42[\"input\",{}]", text()).as_bytes()),
        }
    }
    fn read(&mut self, into: &mut Vec<u8>, until: Instant) -> usize {
        let before = into.len();
        loop {
            while let Some((opcode, payload)) = self.next() {
                let had = into.len();
                self.take(opcode, &payload, into);
                if into.len() > had {
                    self.messages += 1;
                    return into.len() - before;
                }
            }
            let due = self.acknowledge_by.filter(|due| *due < until);
            if !self.fill(due.unwrap_or(until)) {
                if due.is_none() {
                    return 0;
                }
                self.acknowledge();
            }
        }
    }
    fn messages(&self) -> u64 {
        self.messages
    }
}
