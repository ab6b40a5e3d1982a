//! Every bound of the product, a file for each subject, its unit last in its name. A bound that is not here does not exist.

mod access;
mod audit;
mod board;
mod fleet;
mod http;
mod name;
mod socket;
mod ssh;
mod terminal;
mod text;
mod tmux;
mod upload;

pub use access::*;
pub use audit::*;
pub use board::*;
pub use fleet::*;
pub use http::*;
pub use name::*;
pub use socket::*;
pub use ssh::*;
pub use terminal::*;
pub use text::*;
pub use tmux::*;
pub use upload::*;

const _: () = assert!(WATCHED_SWEEP_MS < SWEEP_SECONDS * 1000 && BOARD_FRAME_MS < WATCHED_SWEEP_MS);
const _: () = assert!(BOARD_QUIET_SECONDS + 2 * CHECK_SECONDS < BOARD_SILENCE_SECONDS_MAX);
const _: () = assert!(HEAD_SECONDS_MAX < KEEP_ALIVE_SECONDS_MAX && IDENTITY_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(AUTHORIZE_SECONDS_MAX < CHECK_SECONDS); // a gate that hangs is not asked anew before it has refused
const _: () = assert!(2 * RELOAD_MS < 5000 && CHECK_SECONDS <= 5); // what is withdrawn is closed within 5 s
