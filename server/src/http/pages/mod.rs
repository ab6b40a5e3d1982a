//! The pages: rendered from memory, never waiting for a host.

pub(super) mod answer;
pub(super) mod dashboard;
pub(super) mod login;
pub(super) mod render;
pub(super) mod terminal;
