//! The board's WebSocket.

/// The time between two frames of a board, in milliseconds: a fleet changes all the time, eyes do not need more.
pub const BOARD_FRAME_MS: u64 = 200;
/// The time without news after which a board's connection sends an empty frame, in seconds.
pub const BOARD_QUIET_SECONDS: u64 = 9;
/// The time without a frame after which a page takes its board's connection for dead, in seconds.
pub const BOARD_SILENCE_SECONDS_MAX: u64 = 30;
/// Board connections (pages that follow live) in total.
pub const BOARDS: usize = 64;
/// Board connections of one principal.
pub const BOARDS_PER_PRINCIPAL: usize = 32;
