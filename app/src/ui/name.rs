//! Names that users or programs chose, shown as text: invisible characters are marked, and the direction of the text is isolated from its surroundings.

use leptos::prelude::*;
use muxboard_core::name::{Piece, pieces};

/// A name in a `bdi` element, with its invisible characters marked.
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

/// A name as plain text, for sentences and titles. Invisible characters are written as their code points.
pub fn plain(name: &str) -> String {
    let text = |piece| match piece {
        Piece::Text(text) | Piece::Mark(text) => text,
    };
    pieces(name).into_iter().map(text).collect()
}
