//! A thousand hosts that are not there. This program, started under the name of ssh, is the whole of one: it answers to the multiplexing protocol as an
//! ssh that has connected (PROTOCOL.mux), gives every session a shell, and to the sweep's script the listing of ten sessions. What it stands in for is
//! ssh, the network and the other machine; muxboard's own side, a process, a control socket and pipes a host, is the real one.

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::fs::File;
use std::io::{BufRead, BufReader, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;

/// Hosts of this kind have such an address.
pub const PREFIX: &str = "simulated-";

pub fn run(words: &[String]) {
    let after = |flag: &str| words.iter().position(|w| w == flag).and_then(|at| words.get(at + 1)).cloned().unwrap_or_default();
    if !after("--").starts_with(PREFIX) {
        panic!("{}", std::process::Command::new("/usr/bin/ssh").args(words).exec());
    }
    if words.iter().any(|w| w == "-G") {
        println!("hostname {}\nport 22", after("--"));
        return;
    }
    let listener = UnixListener::bind(after("-S")).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|client| drop(std::thread::spawn(move || serve(client)))));
    // The shell that the connection itself runs, until muxboard goes.
    let [input, output] = [std::io::stdin().as_fd(), std::io::stdout().as_fd()].map(|fd| File::from(fd.try_clone_to_owned().unwrap()));
    shell(input, output);
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

fn packet(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; number(&length) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn send(stream: &mut UnixStream, words: &[u32]) {
    let body: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    let _ = stream.write_all(&[&(body.len() as u32).to_be_bytes()[..], &body].concat());
}

fn descriptor(stream: &UnixStream) -> OwnedFd {
    let mut space = [0; 128];
    let mut ancillary = RecvAncillaryBuffer::new(as_uninit(&mut space));
    let mut byte = [0; 1];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::empty()).unwrap();
    ancillary
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
        .unwrap()
}

fn as_uninit(space: &mut [u8]) -> &mut [std::mem::MaybeUninit<u8>] {
    #[allow(unsafe_code, reason = "bytes that are there may be taken for bytes that need not be")]
    unsafe {
        std::slice::from_raw_parts_mut(space.as_mut_ptr().cast(), space.len())
    }
}

fn serve(mut stream: UnixStream) {
    while let Some(body) = packet(&mut stream) {
        match number(&body) {
            1 => send(&mut stream, &[1, 4]),
            // Is it alive?
            0x1000_0004 => send(&mut stream, &[0x8000_0005, number(&body[4..]), std::process::id()]),
            // A session: its descriptors follow.
            0x1000_0002 => {
                let [input, output, _] = [(); 3].map(|()| descriptor(&stream));
                send(&mut stream, &[0x8000_0006, number(&body[4..]), 0]);
                std::thread::spawn(move || shell(File::from(input), File::from(output)));
            }
            other => panic!("{other:#x} is not asked of a simulated host"),
        }
    }
}

/// Answers a line a job, as `Script::job` writes them.
fn shell(input: File, mut output: File) {
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let words = |digits: usize| line.split(|c: char| !c.is_ascii_hexdigit()).filter(move |w| w.len() == digits);
        let Some(mark) = words(32).next_back() else { continue };
        let user = line.split_once(" begin ").and_then(|(_, rest)| rest.split_once("\"$M\" ")?.1.split(';').next());
        let row_mark = words(16).next().unwrap_or(mark);
        let body = user.map(|user| section(&line, mark, row_mark, user)).unwrap_or_default();
        let _ = output.write_all(format!("{body}\n{mark} done 0\n").as_bytes());
    }
}

/// What a user's section says: ten sessions, one window each, and the panes that were asked for.
fn section(line: &str, mark: &str, row_mark: &str, user: &str) -> String {
    let mut out = format!("{mark} begin {user}\n");
    let now = 1_800_000_000 + std::process::id() % 1000;
    out += &format!("{row_mark} B 3.3a:xxxxxxxxxx:{now}\n");
    for i in 0..10 {
        out += &format!("{row_mark} S ${i}:{now}:0:1:4242:{now}:on:0:0:{now}:{now}{row_mark}build-{i}\n");
    }
    for i in 0..10 {
        out += &format!("{row_mark} W ${i}:0:1:{now}:0:0:::%{i}:120:40:@{i}:{row_mark}make{row_mark}cargo{row_mark}/srv/app-{i}{row_mark}a title\n");
    }
    out += &format!("{row_mark} E xxxxxxxxxx\n");
    for pane in line.split(&format!("{row_mark} pane ")).skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()) {
        out += &format!("{row_mark} pane {pane}\n\x1b[32m   Compiling\x1b[0m a-crate v0.1.{pane}\nwarning: nothing\n$ \n");
    }
    out + &format!("{mark} exit 0\n{mark} end\n")
}
