//! Kill: the question with its typed name, and the server function that asks again.

use super::expect_base;
use crate::error::PublicError;
use crate::ui::name::Name;
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::confirm::confirms;
use muxboard_core::snapshot::{Place, Session};

/// Ends a session if `typed` is exactly its name.
#[server(prefix = "/fn", endpoint = "kill")]
pub async fn kill(
    /// `HOST/USER`.
    place: String,
    /// The session's identity.
    session: String,
    /// What was typed to confirm.
    typed: String,
) -> Result<(), PublicError> {
    let run = async {
        let (board, who) = crate::board::asked()?;
        board.kill(&who, crate::board::field(&place, "place")?, crate::board::field(&session, "session")?, typed).await
    };
    crate::error::with_status(run.await)
}

/// The question.
#[component]
pub fn KillForm(
    /// Where the session is.
    place: Place,
    /// The host's label.
    label: String,
    /// The session.
    session: Session,
    /// How the form stands.
    posting: RwSignal<Posting>,
    /// Called when it is done.
    done: Callback<String>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let name = session.name.clone();
    let ready = move || !cfg!(feature = "hydrate") || confirms(&typed.read(), &name);
    let attached = match session.attached {
        0 => String::new(),
        1 => "1 client is attached. ".to_owned(),
        n => format!("{n} clients are attached. "),
    };
    let runs = session.current().filter(|w| w.exited.is_none()).map(|w| format!("{} is running. ", w.command)).unwrap_or_default();
    let windows = match session.windows.len() {
        1 => "its 1 window".to_owned(),
        n => format!("its {n} windows"),
    };
    view! {
        <PostForm action=expect_base().function("kill") posting done class="question">
            <h3>"Kill " <Name text=session.name.to_string()/> " on " {label} "?"</h3>
            <p>{attached} {runs} "This ends every program in " {windows} ". Type the name to confirm."</p>
            <input type="hidden" name="place" value=place.to_string()/>
            <input type="hidden" name="session" value=session.id.to_string()/>
            <label>
                <span class="label">"Session name"</span>
                <input name="typed" class="mono" required=true autocomplete="off" autocapitalize="off" spellcheck="false" autofocus=true on:input=move |event| typed.set(event_target_value(&event))/>
            </label>
            <Refusal posting/>
            <div class="row">
                <Cancel/>
                <button class="button danger" disabled=move || !ready() || posting.get() == Posting::Sent>"Kill session"</button>
            </div>
        </PostForm>
    }
}

/// Why a form was refused, read aloud.
#[component]
pub fn Refusal(
    /// How the form stands.
    posting: RwSignal<Posting>,
) -> impl IntoView {
    let says = move || if let Posting::Refused(says) = posting.get() { says } else { String::new() };
    view! { <p class="refusal" role="alert">{says}</p> }
}

/// Closes the question.
#[component]
pub fn Cancel() -> impl IntoView {
    let living = use_context::<super::Living>();
    view! {
        <a class="button" rel="external" href=expect_base().board() on:click=move |event| {
            if let Some(living) = living && cfg!(feature = "hydrate") { event.prevent_default(); living.asking.set(None); }
        }>"Cancel"</a>
    }
}
