//! A form that posts to a server function. Without JavaScript the browser posts it, and the server answers with a page. Otherwise the program posts the
//! same fields; an error then appears in the form, and what was typed stays.

use leptos::prelude::*;

/// The state of a post that the program makes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Posting {
    /// Nothing is sent.
    #[default]
    Idle,
    /// The form is sent; there is no response yet.
    Sent,
    /// The server refused, with this sentence.
    Refused(String),
}

/// A form for a server function.
#[component]
pub fn PostForm(
    /// The URL of the server function.
    #[prop(into)]
    action: String,
    /// The state of the post, for the caller to show.
    posting: RwSignal<Posting>,
    /// Called with the JSON text of the response when the server function succeeded.
    done: Callback<String>,
    /// The fields and buttons.
    children: Children,
    /// The CSS class.
    #[prop(optional, into)]
    class: String,
) -> impl IntoView {
    let submit = {
        let action = action.clone();
        move |event: leptos::ev::SubmitEvent| post(event, action.clone(), posting, done)
    };
    view! { <form method="post" action=action class=class on:submit=submit>{children()}</form> }
}

#[cfg(not(feature = "hydrate"))]
fn post(_: leptos::ev::SubmitEvent, _: String, _: RwSignal<Posting>, _: Callback<String>) {}

#[cfg(feature = "hydrate")]
fn post(event: leptos::ev::SubmitEvent, action: String, posting: RwSignal<Posting>, done: Callback<String>) {
    use wasm_bindgen::JsCast;
    event.prevent_default();
    if posting.get_untracked() == Posting::Sent {
        return;
    }
    let Some(form) = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlFormElement>().ok()) else { return };
    posting.set(Posting::Sent);
    wasm_bindgen_futures::spawn_local(async move {
        match crate::post::send(&action, &form).await {
            // The board's news may have taken the form off the page before its answer is here.
            Ok(answer) => {
                let _ = posting.try_set(Posting::Idle);
                let _ = done.try_run(answer);
            }
            Err(says) => {
                let _ = posting.try_set(Posting::Refused(says));
            }
        }
    });
}
