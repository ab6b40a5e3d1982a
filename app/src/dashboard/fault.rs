//! The box of a fault of a host or a user, and the box of a user without sessions, which is no fault.

use super::dialog::{LivePage, OpenDialog, open_dialog};
use crate::base::expect_base;
use crate::ui::time::{Ago, span};
use leptos::prelude::*;
use muxboard_core::fault::Fault;
use muxboard_core::policy::Ability;
use muxboard_core::snapshot::{Place, UserState};
use muxboard_core::view::UserView;

/// A fault: its title, its cause, its age, and the line that mends it if there is one.
#[component]
pub fn FaultBox(
    /// The fault.
    fault: Fault,
    /// When the fault began.
    since: u64,
) -> impl IntoView {
    let Fault { title, words, line, .. } = fault;
    let label = title.clone();
    view! {
        <div class="fault" role="group" aria-label=label>
            <b class="sign" aria-hidden="true">"▲"</b>
            <div>
                <p><b>{title}</b> " " {words} " " <span class="since">"(" <Ago at=since words=|age| format!("since {}", span(age))/> ")"</span></p>
                {line.map(|line| view! { <MendingLine line/> })}
            </div>
        </div>
    }
}

#[component]
fn MendingLine(line: String) -> impl IntoView {
    let text = line.clone();
    let copied = RwSignal::new(false);
    view! {
        <div class="mend">
            <code>{line}</code>
            <button type="button" class="button small needs-js" on:click=move |_| { copy(&text); copied.set(true); }>
                {move || if copied.get() { "Copied" } else { "Copy" }}
            </button>
        </div>
    }
}

#[cfg(feature = "hydrate")]
fn copy(text: &str) {
    use js_sys::{Function, Reflect};
    use wasm_bindgen::JsCast;
    // The clipboard is missing on plain http to another machine; then the line is still there to be selected.
    let clipboard = web_sys::window().and_then(|w| Reflect::get(&w.navigator(), &"clipboard".into()).ok()).filter(|c| c.is_object());
    if let Some(clipboard) = clipboard
        && let Some(write) = Reflect::get(&clipboard, &"writeText".into()).ok().and_then(|f| f.dyn_into::<Function>().ok())
    {
        let _ = write.call1(&clipboard, &text.into());
    }
}
#[cfg(not(feature = "hydrate"))]
fn copy(_: &str) {}

/// The fault of a user, or a sentence that the user has no sessions. Renders nothing if there are sessions.
#[component]
pub fn UserFault(
    /// The user as the principal may see it.
    user: UserView,
    /// The host and the user.
    place: Place,
    /// Whether the user has no session.
    empty: bool,
) -> impl IntoView {
    let last_seen: Vec<String> = user.row.last_seen.iter().map(|s| s.name.to_string()).collect();
    let may_create = user.can.has(Ability::Create);
    let shown = match user.row.state {
        UserState::Fault(fault) => view! { <FaultBox fault since=user.row.since/> }.into_any(),
        UserState::Sessions(_) if empty => view! { <Empty words="tmux is running, without a session, for " place may_create/> }.into_any(),
        UserState::NoServer if empty => view! { <Empty words="No tmux server is running for " place may_create/> }.into_any(),
        _ => ().into_any(),
    };
    let seen = (!last_seen.is_empty()).then(|| view! { <p class="last-seen">"Last seen: " <bdi>{last_seen.join(", ")}</bdi></p> });
    view! { {shown} {seen} }
}

#[component]
fn Empty(words: &'static str, place: Place, may_create: bool) -> impl IntoView {
    let live_page = use_context::<LivePage>();
    let name = place.user.to_string();
    let href = expect_base().asking("create", &place.to_string());
    view! {
        <div class="empty">
            <span>{words} <b>{name}</b> " here."</span>
            {may_create.then(|| view! {
                <a class="button primary" href=href rel="external" on:click=move |event| open_dialog(event, live_page, OpenDialog::Create(Some(place.clone())))>"Start a session"</a>
            })}
        </div>
    }
}
