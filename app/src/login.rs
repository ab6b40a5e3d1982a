//! The pages of words: the login, and what is said instead of a page.

use crate::base::Base;
use crate::ui::name::Name;
use leptos::prelude::*;
use muxboard_core::snapshot::Place;

/// Posts a token that came in the link's fragment. A fragment never leaves the browser by itself: no log and no referrer has it.
///
/// Without one, asks once more for the page that was asked for, if that can bring the cookie of a login: below the path of the login that this origin
/// remembers, and from this page, for a link on another site brings no cookie.
pub const FROM_LINK: &str = r#"
const form = document.querySelector("form"), key = "muxboard " + document.documentElement.dataset.base;
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.token.value = token;
  form.requestSubmit();
} else if (form.dataset.again) try {
  const base = document.documentElement.dataset.base;
  const to = (localStorage.getItem(key) ?? base) + form.elements.next.value.slice(base.length);
  if (sessionStorage.getItem(key) === to) {
    sessionStorage.removeItem(key);
    localStorage.removeItem(key);
  } else {
    sessionStorage.setItem(key, to);
    location.replace(to);
  }
} catch { /* this browser keeps nothing */ }
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
    /// Whether the page that was asked for may be asked for again: it was asked for by a link.
    again: bool,
) -> impl IntoView {
    view! {
        <p class="logo">"mux"<b>"board"</b></p>
        <h1>"Log in"</h1>
        <p>"Paste the access token. On the machine itself, the link that muxboard printed when it started does it for you."</p>
        <form method="post" action=base.login() data-again=again.then_some("1")>
            <input type="hidden" name="next" value=next/>
            <label><span class="label">"Token"</span><input type="password" name="token" class="mono" required=true autofocus=true autocomplete="current-password" spellcheck="false"/></label>
            <p class="refusal" role="alert">{refused}</p>
            <button class="button primary">"Log in"</button>
        </form>
    }
}

/// There is no session of that name: a button makes one and opens it.
#[component]
pub fn Missing(
    /// Where.
    place: Place,
    /// The host's label.
    label: String,
    /// The name in the URL.
    name: String,
    /// Whether whoever asks may make it; or why it cannot be made.
    may_create: Result<(), String>,
) -> impl IntoView {
    let base = use_context::<Base>().unwrap_or_default();
    let place_text = place.to_string();
    let (make, why) = match may_create {
        Ok(()) => (true, None),
        Err(why) => (false, Some(why)),
    };
    view! {
        <p class="logo">"mux"<b>"board"</b></p>
        <h1>"No such session"</h1>
        <p>"There is no session " <Name text=name.clone()/> " of " <b>{place.user.to_string()}</b> " on " <b>{label}</b> ", as of the last look."</p>
        {why.map(|why| view! { <p class="hint">{why}</p> })}
        <div class="ways">
            {make
                .then(|| {
                    view! {
                        <form method="post" action=base.function("create")>
                            <input type="hidden" name="place" value=place_text/>
                            <input type="hidden" name="name" value=name.clone()/>
                            <input type="hidden" name="open" value="1"/>
                            <button class="button primary" autofocus=true>"Create it and open it"</button>
                        </form>
                    }
                })}
            <a class="button" href=base.board()>"All sessions"</a>
        </div>
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
