//! What somebody who looks at a board notices: how late the page is, what a terminal costs beside a thousand hosts, a key against a flood.

use crate::client::{Socket, Terminal};
use crate::simulated::PREFIX;
use crate::sshd::Sshds;
use crate::world::{Board, TOKEN, World, command, cpu, memory};
use crate::{ms, quantile, settle};
use futures_util::StreamExt;
use muxboard_core::wire::BoardFrame;
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

fn far(world: &World, sshds: &Sshds) -> String {
    format!(
        "[[host]]\nkey = \"far\"\naddress = \"127.0.0.1\"\nport = {}\nlogin = \"{user}\"\nusers = [\"{user}\"]\nsocket = \"{}\"\n",
        sshds.ports[0],
        world.socket(),
        user = world.user
    )
}

fn here(world: &World) -> String {
    format!("[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\nsocket = \"{}\"\n", world.user, world.socket())
}

fn ask(board: &Board, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(&board.address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
        board.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn up(board: &Board) -> usize {
    let sessions = ask(board, "GET", "/api/v1/sessions");
    assert!(!sessions.contains("tmux_not_understood"), "what a simulated host answers is not what tmux answers any more");
    sessions.matches("\"state\":\"up\"").count()
}

fn all_up(board: &Board, hosts: usize) -> Duration {
    let began = Instant::now();
    while up(board) < hosts {
        assert!(began.elapsed() < Duration::from_secs(180), "{} of {hosts} are up", up(board));
        std::thread::sleep(Duration::from_millis(100));
    }
    began.elapsed()
}

/// A page that watches: the names of sessions on the host `far`, each with when it was first heard of. Ends with its receiver.
fn page(board: &Board) -> Receiver<(String, Instant)> {
    let (tell, heard) = sync_channel(100_000);
    let url = format!("ws://{}/ws/board", board.address);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut request = url.into_client_request().unwrap();
            request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            let mut known = HashSet::new();
            while let Some(Ok(message)) = socket.next().await {
                let Message::Binary(bytes) = message else { continue };
                let hosts = match BoardFrame::decode(&bytes).unwrap() {
                    BoardFrame::Whole { view, .. } => view.hosts,
                    BoardFrame::Changed { hosts, .. } => hosts,
                };
                let names =
                    hosts.iter().filter(|h| h.host.key.as_str() == "far").flat_map(|h| &h.users).flat_map(|u| u.row.sessions()).map(|s| s.name.to_string());
                for name in names.collect::<Vec<_>>() {
                    if known.insert(name.clone()) && tell.send((name, Instant::now())).is_err() {
                        return;
                    }
                }
            }
        });
    });
    heard
}

/// Times from a session made on the host to the page that hears of it.
fn changes(world: &World, page: &Receiver<(String, Instant)>, count: usize) -> Vec<f64> {
    let mut times = Vec::new();
    for i in 0..count {
        // Not in step with the sweeps.
        std::thread::sleep(Duration::from_millis(300 + (i as u64 * 137) % 1200));
        let name = format!("new-{i}");
        world.session(&name, "exec cat");
        let began = Instant::now();
        loop {
            let (heard, at) = page.recv_timeout(Duration::from_secs(30)).expect("the page never heard of it");
            if heard == name {
                times.push(ms(at.saturating_duration_since(began)));
                break;
            }
        }
        world.tmux(&["kill-session", "-t", &format!("={name}")]);
    }
    times
}

/// Keys one at a time, as the terminal's bench types them.
fn echo(terminal: &mut dyn Terminal, keys: usize) -> Vec<f64> {
    let mut sink = Vec::new();
    let mut times = Vec::new();
    for i in 0..keys {
        std::thread::sleep(Duration::from_millis(15));
        while terminal.read(&mut sink, Instant::now()) > 0 {}
        let began = Instant::now();
        terminal.send(if i % 2 == 0 { b"x" } else { b"\x7f" });
        assert!(terminal.read(&mut sink, began + Duration::from_secs(30)) > 0, "no echo");
        times.push(ms(began.elapsed()));
        sink.clear();
    }
    times
}

fn children(board: &Board) -> Vec<String> {
    let output = command("pgrep").args(["-P", &board.pid().to_string()]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

pub fn thousand(count: usize) {
    let (world, sshds) = (World::new(), Sshds::start(1));
    world.session("echo", "exec cat");
    let tools = world.folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), tools.join("ssh")).unwrap();
    let many: String = (0..count).map(|i| format!("[[host]]\nkey = \"s{i}\"\naddress = \"{PREFIX}{i}\"\nlogin = \"ops\"\nusers = [\"ops\"]\n")).collect();
    let top = format!("ssh_config = \"{}\"\nsweep_seconds = 86400\n", sshds.config());
    let board = world.board_of(&top, &(here(&world) + &far(&world, &sshds) + &many), Some(&tools));
    let pid = board.pid();
    println!("  all up after {:.1} s (a process a simulated host)", all_up(&board, count + 2).as_secs_f64());
    std::thread::sleep(Duration::from_secs(3));
    let mut terminal = board.attach(&world, "echo");
    settle(&mut terminal);
    // What was looked at because of these terminals is over.
    std::thread::sleep(Duration::from_secs(3));
    echo(&mut terminal, 100);
    let quiet = echo(&mut terminal, 1000);
    for _ in 0..3 {
        let (used, began) = (cpu(pid), Instant::now());
        ask(&board, "POST", "/fn/refresh");
        println!("  a sweep of all: {:.2} s, own CPU {:.3} ms a host", began.elapsed().as_secs_f64(), ms(cpu(pid) - used) / count as f64);
        std::thread::sleep(Duration::from_secs(3));
    }
    let page = page(&board);
    std::thread::sleep(Duration::from_secs(5));
    // Nobody answered pings meanwhile.
    let mut terminal = board.attach(&world, "echo");
    settle(&mut terminal);
    echo(&mut terminal, 100);
    let (used, began) = (cpu(pid), Instant::now());
    let swept = echo(&mut terminal, 1000);
    let watching = ms(cpu(pid) - used) / began.elapsed().as_secs_f64();
    let worst = swept.iter().copied().fold(0.0, f64::max);
    let (q, s) = (quantile(&quiet, 0.99), quantile(&swept, 0.99));
    println!(
        "  echo p50 {:.2} -> {:.2} ms, p99 {q:.2} -> {s:.2} ms ({:.2} x) while all are swept again and again; the worst key {worst:.1} ms",
        quantile(&quiet, 0.5),
        quantile(&swept, 0.5),
        s / q
    );
    println!("  watched by one page: {watching:.0} ms of muxboard's CPU a second (echo included)");
    let times = changes(&world, &page, 60);
    println!("  a session made on the real host is on the page after p50 {:.0} ms, p99 {:.0} ms", quantile(&times, 0.5), quantile(&times, 0.99));
    let kin: u64 = children(&board).iter().map(|pid| memory(pid.parse().unwrap())).sum();
    println!("  memory: muxboard {:.1} MiB; its children {:.1} MiB (RSS, the simulated hosts themselves)", memory(pid) as f64 / 1024.0, kin as f64 / 1024.0);
}

pub fn interrupt() {
    let (world, sshds) = (World::new(), Sshds::start(1));
    world.session("keep", "exec cat");
    for (what, limits) in [("with a fresh terminal", ""), ("overtake = false", "overtake = false\n")] {
        let board = world.board_with(&format!("ssh_config = \"{}\"\n", sshds.config()), limits, &far(&world, &sshds), None);
        all_up(&board, 1);
        for run in 1..=if limits.is_empty() { 5 } else { 2 } {
            world.session("interrupted", "PS1='the-prompt> ' exec sh");
            let mut terminal = Socket::open(&board.place_on("far", &world, "interrupted"));
            terminal.pace(200_000.0);
            settle(&mut terminal);
            terminal.send(b"yes a line of some sixty bytes, as compilers and tests print them\r");
            let (mut sink, end) = (Vec::new(), Instant::now() + Duration::from_secs(4));
            while Instant::now() < end {
                terminal.read(&mut sink, end);
                sink.clear();
            }
            let began = Instant::now();
            terminal.send(b"\x03");
            let (mut tail, mut bytes) = (Vec::new(), 0);
            while !tail.windows(12).any(|w| w == b"the-prompt> ") {
                let keep = tail.len().saturating_sub(12);
                tail.drain(..keep);
                let read = terminal.read(&mut tail, began + Duration::from_secs(30));
                bytes += read;
                if read == 0 || began.elapsed() > Duration::from_secs(30) {
                    break;
                }
            }
            println!("  {what:<24} run {run}: Ctrl-C to prompt {:.0} ms, {:.0} kB before it", ms(began.elapsed()), bytes as f64 / 1000.0);
        }
    }
}
