//! What people see: the document, the pages (a feature is a file), the server functions. Compiled twice: for the server (`ssr`) and for the
//! browser (`hydrate`). It knows nothing of ssh, tmux or processes: it asks the [`board::Board`].
#![recursion_limit = "512"] // a view is one nested type

pub mod base;
#[cfg(feature = "ssr")]
pub mod board;
pub mod dashboard;
#[cfg(feature = "ssr")]
pub mod document;
pub mod error;
pub mod login;
#[cfg(feature = "hydrate")]
mod post;
#[cfg(feature = "hydrate")]
mod socket;
pub mod terminal;
pub mod ui;

use base::Base;
use dashboard::{BoardPage, Dashboard};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use terminal::{Terminal, TerminalPage};

/// A page that lives: all that its browser half must know to wake up as the server made it. It travels in the document's `data-page`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// The dashboard.
    Board(BoardPage),
    /// One terminal.
    Terminal(TerminalPage),
}

/// The living part of the document: its body.
#[component]
pub fn App(
    /// Which page.
    page: Page,
    /// Where the board is mounted.
    base: Base,
) -> impl IntoView {
    provide_context(base);
    match page {
        Page::Board(page) => view! { <Dashboard page/> }.into_any(),
        Page::Terminal(page) => view! { <Terminal page/> }.into_any(),
    }
}

/// Wakes the page that the server sent.
#[cfg(feature = "hydrate")]
pub fn wake() {
    let Some(root) = document().document_element() else { return };
    let read = |name: &str| root.get_attribute(name).unwrap_or_default();
    let bytes = muxboard_core::hex::decode(&read("data-page")).unwrap_or_default();
    let Ok(page) = muxboard_core::wire::from_bytes::<Page>(&bytes) else { return };
    let base = Base(read("data-base"));
    leptos::mount::hydrate_body(move || view! { <App page=page base=base/> });
    let _ = root.class_list().add_1("awake");
}
