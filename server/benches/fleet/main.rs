//! `make bench`: what a fleet costs. Real sshds on this machine, and a thousand simulated hosts (see simulated.rs). Only ratios within one run travel.
//! Nothing here decides a test. As an account whose login shell is quick (one that runs pyenv or nvm first is measured instead), with
//! `MUXBOARD_BENCH_USERS="bob cid"`: whom its sudoers line names.
//!
//!     cargo bench -p muxboard --bench fleet -- [one] [cold [HOSTS]] [interrupt] [thousand [HOSTS]]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a program for the people who build this"
)]

#[path = "../terminal/client.rs"]
mod client;
mod looks;
mod simulated;
mod sshd;
mod watched;
#[path = "../terminal/world.rs"]
mod world;

use client::Terminal;
use std::time::{Duration, Instant};

pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[((sorted.len() as f64 * q) as usize).min(sorted.len() - 1)]
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Reads until it is quiet for a moment.
pub fn settle(terminal: &mut dyn Terminal) {
    let mut sink = Vec::new();
    while terminal.read(&mut sink, Instant::now() + Duration::from_millis(300)) > 0 {
        sink.clear();
    }
}

fn main() {
    let program = std::env::args().next().unwrap_or_default();
    if program.rsplit('/').next() == Some("ssh") {
        return simulated::run(&std::env::args().skip(1).collect::<Vec<_>>());
    }
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let count = |row: &str| arguments.iter().position(|a| a == row).map(|at| arguments.get(at + 1).and_then(|n| n.parse::<usize>().ok()));
    let wanted = |row: &str, usual: usize| if arguments.is_empty() { Some(usual) } else { count(row).map(|n| n.unwrap_or(usual)) };
    if wanted("one", 0).is_some() {
        println!("\n== one host over a real sshd");
        looks::one();
    }
    if let Some(hosts) = wanted("cold", 200) {
        println!("\n== {hosts} hosts, each over a real sshd");
        looks::cold(hosts);
    }
    if wanted("interrupt", 0).is_some() {
        println!("\n== a flood over ssh, its reader at 200 kB/s");
        watched::interrupt();
    }
    if let Some(hosts) = wanted("thousand", 1000) {
        println!("\n== {hosts} simulated hosts of 10 sessions, one real one over sshd, watched");
        watched::thousand(hosts);
    }
}
