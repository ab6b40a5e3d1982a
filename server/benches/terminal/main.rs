//! `make bench`: what a terminal costs, against the floor (the same `tmux attach` on a pty without any server) and against any other server.
//! Everything is interleaved in one run: only the ratios travel between machines. Nothing here decides a test.
//!
//!     cargo bench -p muxboard --bench terminal -- [ROW..] [KIND=ws://ADDRESS/PATH,PID]
//!
//! ROW is one of echo, flood, memory, first, stall, interrupt, raw; KIND is ttyd, terminado or wetty. Another server has to show a shell
//! (for echo and flood) in a terminal of tmux; PID is whose CPU time counts.
#![allow(
    clippy::disallowed_methods,
    clippy::type_complexity,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    reason = "a program for the people who build this"
)]

mod client;
mod rows;
mod world;

use client::{Place, Socket, Terminal, Wire};
use std::time::{Duration, Instant};
use world::{Board, World};

/// Something that is measured.
pub enum Target {
    Floor,
    Relay,
    Board,
    Other { name: String, place: Place, pid: Option<u32> },
}

/// What all rows share.
pub struct Bench {
    pub world: World,
    pub board: Board,
    pub others: Vec<(String, Place, Option<u32>)>,
}

impl Bench {
    pub fn targets(&self) -> Vec<Target> {
        let others = self.others.iter().map(|(name, place, pid)| Target::Other { name: name.clone(), place: place.clone(), pid: *pid });
        [Target::Floor, Target::Relay, Target::Board].into_iter().chain(others).collect()
    }
    /// A terminal of a target that shows a session; another server's shows its own.
    pub fn open(&self, target: &Target, session: &str) -> Box<dyn Terminal> {
        match target {
            Target::Floor => Box::new(self.world.floor(session)),
            Target::Relay => Box::new(self.world.relay(session)),
            Target::Board => Box::new(self.board.attach(&self.world, session)),
            Target::Other { place, .. } => Box::new(Socket::open(place)),
        }
    }
    pub fn pid(&self, target: &Target) -> Option<u32> {
        match target {
            Target::Floor | Target::Relay => None,
            Target::Board => Some(self.board.pid()),
            Target::Other { pid, .. } => *pid,
        }
    }
}

impl Target {
    pub fn name(&self) -> &str {
        match self {
            Self::Floor => "floor",
            Self::Relay => "relay",
            Self::Board => "muxboard",
            Self::Other { name, .. } => name,
        }
    }
}

/// Reads until the output holds this; how many bytes that were.
pub fn until(terminal: &mut dyn Terminal, wanted: &str, patience: Duration) -> usize {
    let (deadline, mut tail, mut all) = (Instant::now() + patience, Vec::new(), 0);
    loop {
        let keep = tail.len().saturating_sub(wanted.len());
        tail.drain(..keep);
        all += terminal.read(&mut tail, deadline);
        if tail.windows(wanted.len()).any(|w| w == wanted.as_bytes()) {
            return all;
        }
        assert!(Instant::now() < deadline, "{wanted:?} never came; the last was {:?}", String::from_utf8_lossy(&tail));
    }
}

/// Reads until it is quiet for a moment.
pub fn settle(terminal: &mut dyn Terminal) {
    let mut sink = Vec::new();
    while terminal.read(&mut sink, Instant::now() + Duration::from_millis(150)) > 0 {
        sink.clear();
    }
}

pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[((sorted.len() as f64 * q) as usize).min(sorted.len() - 1)]
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn other(argument: &str) -> Option<(String, Place, Option<u32>)> {
    let (kind, rest) = argument.split_once("=ws://")?;
    let wire = match kind {
        "ttyd" => Wire::Ttyd,
        "terminado" => Wire::Terminado,
        "wetty" => Wire::Wetty,
        _ => panic!("{kind}: not one of ttyd, terminado, wetty"),
    };
    let (url, pid) = rest.split_once(',').map_or((rest, None), |(url, pid)| (url, pid.parse().ok()));
    let (address, path) = url.split_once('/').unwrap_or((url, ""));
    Some((kind.to_owned(), Place { wire, address: address.to_owned(), path: format!("/{path}"), headers: String::new() }, pid))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if arguments.first().is_some_and(|a| a == "stamps") {
        return rows::stamps();
    }
    if arguments.first().is_some_and(|a| a == "relay") {
        return client::Relay::serve(&std::env::args().skip(2).collect::<Vec<_>>());
    }
    let wanted = |row: &str| {
        let rows: Vec<&String> = arguments.iter().filter(|a| !a.contains('=')).collect();
        rows.is_empty() || rows.iter().any(|a| *a == row)
    };
    let world = World::new();
    world.session("keep", "exec cat");
    let board = world.board(None);
    let bench = Bench { world, board, others: arguments.iter().filter_map(|a| other(a)).collect() };
    let rows: [(&str, fn(&Bench)); 7] = [
        ("memory", rows::memory),
        ("echo", rows::echo),
        ("flood", rows::flood),
        ("first", rows::first),
        ("stall", rows::stall),
        ("interrupt", rows::interrupt),
        ("raw", rows::raw),
    ];
    for (name, row) in rows {
        if wanted(name) {
            println!("\n== {name}");
            row(&bench);
        }
    }
}
