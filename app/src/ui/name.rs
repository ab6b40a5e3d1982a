//! A foreign name, shown as text: isolated from its surroundings, with what cannot be seen marked.

use leptos::prelude::*;
use muxboard_core::name::{Piece, pieces};

/// The name of something foreign.
#[component]
pub fn Name(
    /// The name, verbatim.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let parts = move || {
        pieces(&text.read())
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.into_any(),
                Piece::Mark(mark) => view! { <span class="mark-char" title="an invisible character">{mark}</span> }.into_any(),
            })
            .collect_view()
    };
    view! { <bdi class="name">{parts}</bdi> }
}

/// A foreign name as plain text, for sentences and titles: what cannot be seen is written as its code point.
pub fn plain(name: &str) -> String {
    let text = |piece| match piece {
        Piece::Text(text) | Piece::Mark(text) => text,
    };
    pieces(name).into_iter().map(text).collect()
}
