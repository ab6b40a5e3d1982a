//! A form that posts to a server function. Without JavaScript the browser posts it and the server answers with a page; with it, the same
//! post is made in place: an error appears in the form and nothing typed is lost.

use leptos::prelude::*;

/// How a post in place stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Posting {
    /// Not sent yet.
    #[default]
    Idle,
    /// On its way.
    Sent,
    /// Refused, in words.
    Refused(String),
}

/// The form. In a living page `done` is called with the answer's JSON text once it worked.
#[component]
pub fn PostForm(
    /// The endpoint, with the base.
    #[prop(into)]
    action: String,
    /// How it stands; the caller shows it.
    posting: RwSignal<Posting>,
    /// Called when it worked.
    done: Callback<String>,
    /// The fields.
    children: Children,
    /// Its class.
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
            Ok(answer) => {
                posting.set(Posting::Idle);
                done.run(answer);
            }
            Err(says) => posting.set(Posting::Refused(says)),
        }
    });
}
