//! The binary.

use clap::Parser;
use muxboard::command::CommandLine;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match CommandLine::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "muxboard: {error:#}");
            ExitCode::FAILURE
        }
    }
}
