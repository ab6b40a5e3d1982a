//! HTTP for browsers and programs: every URL, the guards before it, the pages, the API, the WebSockets, and how connections come in.

mod api;
pub(crate) mod assets;
mod context;
pub(crate) mod forms;
mod guard;
pub(crate) mod listen;
mod pages;
mod problem;
mod refusal;
pub(crate) mod routes;
mod slow_body;
mod socket;
mod upload;
