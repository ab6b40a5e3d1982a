//! The dialogs over the dashboard: which one is open, the link that opens one, and the parts that all of them share.

use crate::base::expect_base;
use crate::ui::post_form::Posting;
use leptos::prelude::*;
use muxboard_core::snapshot::{Kept, Place, SessionId};

/// A dialog over the dashboard, with the host, user or session that it acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenDialog {
    /// The form that makes a session, with this place chosen if there is one.
    Create(Option<Place>),
    /// The typed confirmation that ends this session.
    Kill(Place, SessionId),
    /// The form that renames this session.
    Rename(Place, SessionId),
    /// The name of a session that was killed, and its windows that stay open in other sessions.
    Killed(String, Kept),
    /// The list of keyboard shortcuts.
    Keys,
}

/// The context of a page that follows the board live. A component that finds none is part of the HTML that the server sent.
#[derive(Clone, Copy)]
pub struct LivePage {
    /// The open dialog; `None` if none is.
    pub dialog: RwSignal<Option<OpenDialog>>,
}

/// Opens a dialog in place on a live page. On any other page, or with a modifier key, the browser follows the link instead.
pub fn open_dialog(event: leptos::ev::MouseEvent, live_page: Option<LivePage>, dialog: OpenDialog) {
    if let Some(live_page) = live_page
        && cfg!(feature = "hydrate")
        && !(event.ctrl_key() || event.meta_key() || event.shift_key())
    {
        event.prevent_default();
        live_page.dialog.set(Some(dialog));
    }
}

/// Why a form was refused, as an alert that screen readers announce; empty while it is not.
#[component]
pub fn FormError(
    /// The state of the form.
    posting: RwSignal<Posting>,
) -> impl IntoView {
    let says = move || if let Posting::Refused(says) = posting.get() { says } else { String::new() };
    view! { <p class="refusal" role="alert">{says}</p> }
}

/// The link that closes a dialog without doing anything.
#[component]
pub fn CancelLink() -> impl IntoView {
    view! { <BoardLink words="Cancel"/> }
}

/// The link that closes a dialog after something was done.
#[component]
pub(super) fn CloseLink() -> impl IntoView {
    view! { <BoardLink words="Close"/> }
}

/// A link back to the board, which closes the dialog of a living page.
#[component]
fn BoardLink(words: &'static str) -> impl IntoView {
    let live_page = use_context::<LivePage>();
    view! {
        <a class="button" rel="external" href=expect_base().board() on:click=move |event| {
            if let Some(live_page) = live_page && cfg!(feature = "hydrate") { event.prevent_default(); live_page.dialog.set(None); }
        }>{words}</a>
    }
}
