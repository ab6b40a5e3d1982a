//! The binary.

use muxboard::cli::CommandLine;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(line) = CommandLine::from_environment() else { return ExitCode::SUCCESS };
    match line.run() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "muxboard: {error:#}");
            ExitCode::FAILURE
        }
    }
}
