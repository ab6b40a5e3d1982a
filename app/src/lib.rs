//! The pages, the document around them and the server functions; each feature of a page is a file. The crate is compiled twice: for the server
//! (`ssr`) and for the browser (`hydrate`). It does not use ssh, tmux or processes; the server gives it a [`board::Board`].
#![recursion_limit = "512"] // a view is one nested type

#[cfg(feature = "ssr")]
pub mod answer;
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

/// A page with a program, and the data that the program needs to hydrate it. The document carries it in the attribute `data-page`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// The list of all sessions.
    Board(BoardPage),
    /// One terminal.
    Terminal(TerminalPage),
}

/// The body of a document with a program.
#[component]
pub fn App(
    /// The page to show.
    page: Page,
    /// The path where the board is mounted.
    base: Base,
) -> impl IntoView {
    provide_context(base);
    match page {
        Page::Board(page) => view! { <Dashboard page/> }.into_any(),
        Page::Terminal(page) => view! { <Terminal page/> }.into_any(),
    }
}

/// Hydrates the page that the server sent. Does nothing if the document does not say which page it is.
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
