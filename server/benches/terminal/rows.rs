//! The rows of the bench, a function each.

use crate::client::{Pty, Terminal};
use crate::world::{Board, World, cpu, memory as resident};
use crate::{Bench, Target, ms, quantile, settle, until};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two keys: a person types no faster, and every process on the way has gone to sleep meanwhile.
const KEY_MS: u64 = 15;
/// How long a reader stands still.
const STALL: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(90);

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Prints lines that begin with the time, as fast as they are taken: their age is the age of the screen.
pub fn stamps() {
    let mut out = std::io::stdout().lock();
    for line in 0_u64.. {
        if writeln!(out, "@{}@ {line} ..................................................", now_ms()).is_err() {
            return;
        }
    }
}

/// The newest time in some output.
fn stamp(output: &[u8]) -> Option<u128> {
    output.split(|b| *b == b'@').filter(|w| w.len() == 13).filter_map(|w| std::str::from_utf8(w).ok()?.parse().ok()).max()
}

/// Keys one at a time, each awaited: times in ms.
pub fn keys(terminal: &mut dyn Terminal, count: usize) -> Vec<f64> {
    let mut sink = Vec::new();
    let mut times = Vec::new();
    for i in 0..count {
        thread::sleep(Duration::from_millis(KEY_MS));
        while terminal.read(&mut sink, Instant::now()) > 0 {}
        let began = Instant::now();
        // A line is never longer than the terminal: echo, then rub out.
        terminal.send(if i % 2 == 0 { b"x" } else { b"\x7f" });
        assert!(terminal.read(&mut sink, began + PATIENCE) > 0, "no echo");
        times.push(ms(began.elapsed()));
        sink.clear();
    }
    times
}

/// Keys for as long as a reader stands still, a hundred at a time.
fn keys_meanwhile(terminal: &mut dyn Terminal, mut between: impl FnMut()) -> Vec<f64> {
    let (end, mut times) = (Instant::now() + STALL, Vec::new());
    while Instant::now() < end {
        times.extend(keys(terminal, 100));
        between();
    }
    times
}

fn row(name: &str, values: &[f64], floor: &[f64]) {
    let (p50, p99) = (quantile(values, 0.5), quantile(values, 0.99));
    let (f50, f99) = (quantile(floor, 0.5), quantile(floor, 0.99));
    println!("  {name:<10} p50 {p50:.3} ms ({:.2} x floor)   p99 {p99:.3} ms ({:.2} x floor)   of {}", p50 / f50, p99 / f99, values.len());
}

/// The echo of a key, quiet and while another client of the same server floods.
pub fn echo(bench: &Bench) {
    for flooding in [false, true] {
        let targets = bench.targets();
        let mut terminals: Vec<_> = targets
            .iter()
            .map(|target| {
                let session = format!("echo-{}", target.name());
                bench.world.session(&session, "exec cat");
                let mut terminal = bench.open(target, &session);
                settle(terminal.as_mut());
                if matches!(target, Target::Other { .. }) {
                    terminal.send(b"exec cat\r");
                    settle(terminal.as_mut());
                }
                terminal
            })
            .collect();
        let (mut times, mut used) = (vec![Vec::new(); targets.len()], vec![Duration::ZERO; targets.len()]);
        for round in 0..9 {
            for (i, target) in targets.iter().enumerate() {
                let stop = Arc::new(AtomicBool::new(false));
                let flood = flooding.then(|| flood_beside(bench, target, stop.clone()));
                let pid = bench.pid(target);
                let before = pid.map(cpu);
                let more = keys(terminals[i].as_mut(), 100);
                if round > 0 {
                    times[i].extend(more);
                    used[i] += pid.map(cpu).zip(before).map_or(Duration::ZERO, |(now, then)| now - then);
                }
                stop.store(true, Ordering::SeqCst);
                if let Some(flood) = flood {
                    flood.join().unwrap();
                }
            }
        }
        println!("{}", if flooding { " while another client floods" } else { " quiet" });
        for (i, target) in targets.iter().enumerate() {
            row(target.name(), &times[i], &times[0]);
            if !flooding && bench.pid(target).is_some() {
                println!("  {:<10} CPU of the server: {:.3} ms a key", "", ms(used[i]) / times[i].len() as f64);
            }
        }
    }
}

/// Another client of the same target, which reads a flood until told to stop.
fn flood_beside(bench: &Bench, target: &Target, stop: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let session = format!("flood-{}", target.name());
    bench.world.session(&session, "exec yes flooding the terminal beside");
    let mut terminal = bench.open(target, &session);
    if matches!(target, Target::Other { .. }) {
        settle(terminal.as_mut());
        terminal.send(b"yes flooding the terminal beside\r");
    }
    thread::spawn(move || {
        let mut sink = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            terminal.read(&mut sink, Instant::now() + Duration::from_millis(50));
            sink.clear();
        }
        terminal.send(b"\x03");
    })
}

/// Floods through tmux.
pub fn flood(bench: &Bench) {
    let file = bench.world.file(1 << 20);
    let lines = bench.world.folder.path().join("lines");
    std::fs::write(&lines, "a line of some sixty bytes, as compilers and tests print them\n".repeat(980_000)).unwrap();
    let (file, lines) = (file.display(), lines.display());
    let dense = format!("for i in $(seq 60); do printf '\\033[H'; head -c 60000 {file}; done");
    for (name, runs) in [("seq", "seq 1 700000".to_owned()), ("cat 60 MB", format!("cat {lines}")), ("dense", dense)] {
        let targets = bench.targets();
        let mut all = vec![Vec::new(); targets.len()];
        for _ in 0..3 {
            for (i, target) in targets.iter().enumerate() {
                let session = format!("flood-{}", target.name());
                bench.world.session(&session, "exec sh");
                let mut terminal = bench.open(target, &session);
                settle(terminal.as_mut());
                let messages = terminal.messages();
                let before = bench.pid(target).map(cpu);
                let began = Instant::now();
                terminal.send(format!("{runs}; echo the-$((6*7))-end\r").as_bytes());
                let bytes = until(terminal.as_mut(), "the-42-end", PATIENCE);
                let took = began.elapsed();
                let used = bench.pid(target).map(cpu).zip(before).map_or(0.0, |(now, then)| ms(now - then));
                all[i].push((ms(took), used, (terminal.messages() - messages) as f64 / took.as_secs_f64(), bytes as f64 / 1e6));
                if matches!(target, Target::Other { .. }) {
                    terminal.send(b"\x04");
                }
            }
        }
        println!(" {name}");
        let median = |i: usize, of: fn(&(f64, f64, f64, f64)) -> f64| quantile(&all[i].iter().map(of).collect::<Vec<_>>(), 0.5);
        for (i, target) in targets.iter().enumerate() {
            println!(
                "  {:<10} {:.0} ms ({:.2} x floor)   CPU {:.0} ms   {:.0} messages a second   {:.1} MB read",
                target.name(),
                median(i, |r| r.0),
                median(i, |r| r.0) / median(0, |r| r.0),
                median(i, |r| r.1),
                median(i, |r| r.2),
                median(i, |r| r.3)
            );
        }
    }
}

/// Memory idle and an attach, idle CPU at 30.
pub fn memory(bench: &Bench) {
    let pid = bench.board.pid();
    for i in 0..30 {
        bench.world.session(&format!("many-{i}"), "exec cat");
    }
    let none = resident(pid);
    println!("  no attach: {:.1} MiB", none as f64 / 1024.0);
    let mut open: Vec<Box<dyn Terminal>> = Vec::new();
    for upto in [1, 10, 30] {
        while open.len() < upto {
            let mut terminal: Box<dyn Terminal> = Box::new(bench.board.attach(&bench.world, &format!("many-{}", open.len())));
            settle(terminal.as_mut());
            open.push(terminal);
        }
        let now = resident(pid);
        println!("  {upto} attached: {:.1} MiB, {:.0} KiB each", now as f64 / 1024.0, now.saturating_sub(none) as f64 / upto as f64);
    }
    // The looks that the attaches stirred are over.
    thread::sleep(Duration::from_secs(5));
    let (before, began) = (cpu(pid), Instant::now());
    let threads: Vec<_> =
        open.into_iter().map(|mut terminal| thread::spawn(move || while terminal.read(&mut Vec::new(), began + Duration::from_secs(20)) > 0 {})).collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    let idle = ms(cpu(pid) - before) / began.elapsed().as_secs_f64();
    // What a machine charges for waking up at all differs ten-fold: a process that only sleeps says how much.
    let (own, began) = (cpu(std::process::id()), Instant::now());
    while began.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(100));
    }
    let wake = ms(cpu(std::process::id()) - own) / 50.0;
    println!("  30 attached, idle: {idle:.3} ms of CPU a second; waking up alone costs {wake:.3} ms here");
}

/// 30 attaches at once, to the first screen of the last.
pub fn first(bench: &Bench) {
    for i in 0..30 {
        bench.world.session(&format!("many-{i}"), "printf the-first-screen; exec cat");
    }
    let places: Vec<_> = (0..30).map(|i| bench.board.place(&bench.world, &format!("many-{i}"))).collect();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..7 {
        for (i, floor) in [true, false].into_iter().enumerate() {
            let began = Instant::now();
            let threads: Vec<_> = (0..30)
                .map(|n| {
                    let (words, place) = (bench.world.attach(&format!("many-{n}")), places[n].clone());
                    thread::spawn(move || {
                        let mut terminal: Box<dyn Terminal> = if floor { Box::new(Pty::spawn(&words)) } else { Box::new(crate::Socket::open(&place)) };
                        until(terminal.as_mut(), "the-first-screen", PATIENCE);
                        terminal
                    })
                })
                .collect();
            let open: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
            times[i].push(ms(began.elapsed()));
            drop(open);
            thread::sleep(Duration::from_millis(700));
        }
    }
    for (name, values) in [("floor", &times[0]), ("muxboard", &times[1])] {
        println!("  {name:<10} p50 {:.0} ms ({:.2} x floor)   all: {values:.0?}", quantile(values, 0.5), quantile(values, 0.5) / quantile(&times[0], 0.5));
    }
}

fn stamped(world: &World, session: &str) {
    let program = std::env::current_exe().unwrap();
    world.session(session, &format!("exec {} stamps", program.display()));
}

/// A reader that stops for 8 s in a flood.
pub fn stall(bench: &Bench) {
    let pid = bench.board.pid();
    bench.world.session("beside", "exec cat");
    let mut neighbour = bench.board.attach(&bench.world, "beside");
    settle(&mut neighbour);
    {
        stamped(&bench.world, "stalled-floor");
        let (mut terminal, mut neighbour) = (bench.world.floor("stalled-floor"), bench.world.floor("beside"));
        settle(&mut neighbour);
        let (quiet, mut beside) = (keys(&mut neighbour, 500), Vec::new());
        let stale = stale_after(&mut terminal, || beside = keys_meanwhile(&mut neighbour, || ()));
        let p99 = quantile(&beside, 0.99);
        println!("  floor: {stale} bytes were stale; the neighbour's p99 {p99:.2} ms, {:.2} x quiet", p99 / quantile(&quiet, 0.99));
    }
    for run in 1..=3 {
        stamped(&bench.world, "stalled");
        let mut terminal = bench.board.attach(&bench.world, "stalled");
        let (before, mut beside, mut grown) = (resident(pid), Vec::new(), 0);
        let quiet = keys(&mut neighbour, 500);
        let stale = stale_after(&mut terminal, || {
            beside = keys_meanwhile(&mut neighbour, || grown = grown.max(resident(pid).saturating_sub(before)));
        });
        println!(
            "  muxboard, run {run}: {stale} bytes were stale; memory grew by {grown} KiB; the neighbour's p99 {:.2} ms, {:.2} x quiet",
            quantile(&beside, 0.99),
            quantile(&beside, 0.99) / quantile(&quiet, 0.99)
        );
    }
    exact(bench);
}

/// Reads a flood of stamps for two seconds, does something else, and reads on: how many bytes are older than the return.
fn stale_after(terminal: &mut dyn Terminal, meanwhile: impl FnOnce()) -> usize {
    let mut sink = Vec::new();
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        terminal.read(&mut sink, end);
        sink.clear();
    }
    meanwhile();
    let back = now_ms();
    loop {
        assert!(terminal.read(&mut sink, Instant::now() + PATIENCE) > 0);
        if stamp(&sink).is_some_and(|at| at >= back) {
            return sink.len();
        }
    }
}

/// The stream of a reader that stalls in its middle, byte for byte.
fn exact(bench: &Bench) {
    let (board, file) = raw_board(&bench.world, 20_000_000);
    let wanted = std::fs::read(&file).unwrap();
    let mut terminal = board.attach(&bench.world, "raw");
    let mut got = Vec::new();
    while got.len() < 5_000_000 {
        terminal.read(&mut got, Instant::now() + PATIENCE);
    }
    thread::sleep(Duration::from_secs(8));
    while got.len() < wanted.len() && terminal.read(&mut got, Instant::now() + PATIENCE) > 0 {}
    println!("  20 MB with a stall of 8 s in the middle: {}", if got == wanted { "every byte" } else { "NOT the same bytes" });
}

/// Ctrl-C to the prompt, and the age of the screen, with a reader of 200 kB/s.
pub fn interrupt(bench: &Bench) {
    let program = std::env::current_exe().unwrap();
    for (name, floor) in [("floor", true), ("muxboard", false)] {
        for run in 1..=5 {
            bench.world.session("interrupted", "PS1='the-prompt> ' exec sh");
            let mut terminal: Box<dyn Terminal> = if floor {
                Box::new(bench.world.floor("interrupted"))
            } else {
                let mut socket = bench.board.attach(&bench.world, "interrupted");
                socket.pace(200_000.0);
                Box::new(socket)
            };
            settle(terminal.as_mut());
            terminal.send(format!("{} stamps\r", program.display()).as_bytes());
            let (mut sink, mut ages) = (Vec::new(), Vec::new());
            let end = Instant::now() + Duration::from_secs(4);
            while Instant::now() < end {
                terminal.read(&mut sink, end);
                ages.extend(stamp(&sink).map(|at| now_ms().saturating_sub(at) as f64));
                sink.clear();
            }
            let began = Instant::now();
            terminal.send(b"\x03");
            until(terminal.as_mut(), "the-prompt> ", PATIENCE);
            let took = ms(began.elapsed());
            println!(
                "  {name:<10} run {run}: Ctrl-C to prompt {took:.0} ms; age of the screen p50 {:.0}, worst {:.0} ms",
                quantile(&ages, 0.5),
                quantile(&ages, 1.0)
            );
        }
    }
}

/// A board whose tmux, when it is to attach, prints a file instead: a pty without tmux.
fn raw_board(world: &World, bytes: usize) -> (Board, std::path::PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let file = world.file(bytes);
    let tools = world.folder.path().join("tools");
    std::fs::create_dir_all(&tools).unwrap();
    let fake = tools.join("tmux");
    std::fs::write(
        &fake,
        format!("#!/bin/sh\ncase \"$*\" in *attach-session*) cat {}; exec sleep 20;; esac\nPATH=${{PATH#*:}} exec tmux \"$@\"\n", file.display()),
    )
    .unwrap();
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.session("raw", "exec cat");
    (world.board(Some(&tools)), file)
}

/// A pty without tmux.
pub fn raw(bench: &Bench) {
    let bytes = 200_000_000;
    let (board, file) = raw_board(&bench.world, bytes);
    let words = ["cat".to_owned(), file.display().to_string()];
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (i, floor) in [true, false].into_iter().enumerate() {
            let began = Instant::now();
            let mut terminal: Box<dyn Terminal> = if floor { Box::new(Pty::spawn(&words)) } else { Box::new(board.attach(&bench.world, "raw")) };
            let (mut sink, mut all) = (Vec::new(), 0);
            while all < bytes {
                let read = terminal.read(&mut sink, Instant::now() + PATIENCE);
                assert!(read > 0, "it ended after {all} bytes");
                all += read;
                sink.clear();
            }
            rates[i].push(bytes as f64 / 1e6 / began.elapsed().as_secs_f64());
        }
    }
    for (name, values) in [("raw read", &rates[0]), ("muxboard", &rates[1])] {
        println!("  {name:<10} {:.0} MB/s ({:.2} x raw read)   all: {values:.0?}", quantile(values, 0.5), quantile(values, 0.5) / quantile(&rates[0], 0.5));
    }
}
