//! The pages of words: the login, and what is said instead of a page.

use crate::base::Base;
use leptos::prelude::*;

/// Posts a token that came in the link's fragment. A fragment never leaves the browser by itself: no log and no referrer has it.
pub const FROM_LINK: &str = r#"
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  document.querySelector("input[name=token]").value = token;
  document.querySelector("form").requestSubmit();
}
"#;

/// The login page.
#[component]
pub fn Login(
    /// Where the board is mounted.
    base: Base,
    /// The own path to go to afterwards.
    next: String,
    /// Why the last try failed.
    refused: Option<String>,
) -> impl IntoView {
    view! {
        <p class="logo">"mux"<b>"board"</b></p>
        <h1>"Log in"</h1>
        <p>"Paste the access token. On the machine itself, the link that muxboard printed when it started does it for you."</p>
        <form method="post" action=base.login()>
            <input type="hidden" name="next" value=next/>
            <label><span class="label">"Token"</span><input type="password" name="token" class="mono" required=true autofocus=true autocomplete="current-password" spellcheck="false"/></label>
            <p class="refusal" role="alert">{refused}</p>
            <button class="button primary">"Log in"</button>
        </form>
    }
}

/// A sentence instead of a page, with the way back.
#[component]
pub fn Sorry(
    /// In a few words.
    title: String,
    /// In a sentence.
    says: String,
    /// A way on: words and URL.
    way: Option<(String, String)>,
) -> impl IntoView {
    view! {
        <p class="logo">"mux"<b>"board"</b></p>
        <h1>{title}</h1>
        <p>{says}</p>
        {way.map(|(words, url)| view! { <p><a class="button primary" href=url>{words}</a></p> })}
    }
}
