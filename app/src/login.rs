//! The bodies of pages without a program: the login, a session that does not exist, and refusals.

use crate::base::Base;
use crate::ui::name::Name;
use leptos::prelude::*;
use muxboard_core::snapshot::Place;

/// The script of the login page. It posts the token from the fragment of a login link. Browsers do not send the fragment, so that no log and no referrer
/// contains the token.
///
/// Without a token it requests the wanted page once more, below the path of the last login that the browser's storage remembers for this origin. That
/// request may carry the login's cookie where the first did not: the cookie is limited to that path, and a link on another site sends no cookie.
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
    /// The path where the board is mounted.
    base: Base,
    /// The path on this server that the browser goes to after the login.
    next: String,
    /// Why the last login failed, if it did.
    refused: Option<String>,
    /// Whether the script may request the wanted page again: there is one, and no login failed.
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

/// The page of a session that does not exist, with a button that creates the session and opens it.
#[component]
pub fn Missing(
    /// The host and the user.
    place: Place,
    /// The label of the host.
    label: String,
    /// The name of the session, from the URL.
    name: String,
    /// Whether the principal may create the session, or the sentence that says why not.
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

/// A page of one sentence, with a link that leads on.
#[component]
pub fn Sorry(
    /// The heading.
    title: String,
    /// The sentence.
    says: String,
    /// The words and the URL of the link.
    way: Option<(String, String)>,
) -> impl IntoView {
    view! {
        <p class="logo">"mux"<b>"board"</b></p>
        <h1>{title}</h1>
        <p>{says}</p>
        {way.map(|(words, url)| view! { <p><a class="button primary" href=url>{words}</a></p> })}
    }
}
