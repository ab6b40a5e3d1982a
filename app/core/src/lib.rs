//! The words and the rules of muxboard. Pure: no I/O, no clock, no environment, no randomness, no async; time and ids are arguments.
//! Compiles for the server and for the browser.
#![forbid(unsafe_code)]

pub mod ansi;
pub mod argv;
pub mod asked;
pub mod audit;
pub mod choices;
pub mod confirm;
pub mod fault;
pub mod flow;
pub mod hex;
pub mod inventory;
pub mod limits;
pub mod name;
pub mod note;
pub mod order;
pub mod outcome;
pub mod policy;
pub mod reply;
pub mod section;
pub mod shell;
pub mod signal;
pub mod snapshot;
pub mod ssh_words;
pub mod sudo_pty;
pub mod tmux;
pub mod upload;
pub mod view;
pub mod wire;
