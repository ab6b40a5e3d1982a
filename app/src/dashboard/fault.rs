//! What is wrong with a host or a user, in plain words, with the line that mends it; and the empty state, which is not a fault.

use super::{Asking, Living, ask, expect_base};
use crate::ui::time::{Ago, span};
use leptos::prelude::*;
use muxboard_core::policy::Ability;
use muxboard_core::snapshot::{HostRow, HostState, Place, UserState, UserView};

#[component]
fn Fault(title: String, words: String, #[prop(optional_no_strip)] line: Option<String>, #[prop(optional_no_strip)] since: Option<u64>) -> impl IntoView {
    let label = title.clone();
    view! {
        <div class="fault" role="group" aria-label=label>
            <b class="sign" aria-hidden="true">"▲"</b>
            <div>
                <p><b>{title}</b> " " {words} {since.map(|at| view! { " " <span class="since">"(" <Ago at=at words=|age| format!("since {}", span(age))/> ")"</span> })}</p>
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

/// A host's fault.
#[component]
pub fn HostFault(
    /// The host.
    host: HostRow,
) -> impl IntoView {
    let (title, words) = match host.state {
        HostState::TimedOut => ("No answer in time.".to_owned(), "The host took too long. Sessions are shown as last seen.".to_owned()),
        HostState::Unreachable { words } => ("The host cannot be reached.".to_owned(), format!("{words}. Sessions are shown as last seen.")),
        HostState::Up { .. } | HostState::Pending => (String::new(), String::new()),
    };
    view! { <Fault title words/> }
}

/// A user's fault, or its empty state; nothing if there are sessions.
#[component]
pub fn UserFault(
    /// The host's label.
    host: String,
    /// The user.
    user: UserView,
    /// Where.
    place: Place,
    /// There is no session.
    empty: bool,
) -> impl IntoView {
    let name = user.row.name.to_string();
    let since = Some(user.row.since);
    let fault = |title: String, words: &str, line: Option<String>| view! { <Fault title words=words.to_owned() line since/> }.into_any();
    let last_seen: Vec<String> = user.row.last_seen.iter().map(|s| s.name.to_string()).collect();
    let shown = match user.row.state {
        UserState::Pending => ().into_any(),
        UserState::Sessions(_) | UserState::NoServer if !empty => ().into_any(),
        UserState::Sessions(_) => view! { <Empty words="tmux is running, without a session, for " place may_create=user.can.has(Ability::Create)/> }.into_any(),
        UserState::NoServer => view! { <Empty words="No tmux server is running for " place may_create=user.can.has(Ability::Create)/> }.into_any(),
        UserState::SudoRefused { line } => {
            fault(format!("sudo does not let us run tmux as {name}."), &format!("Add this line with visudo on {host}, then refresh:"), Some(line))
        }
        UserState::NoAccount => fault(
            format!("There is no account {name} on {host}."),
            "Make it, or take it out of the configuration:",
            Some(format!("useradd -m -s /bin/bash {name}")),
        ),
        UserState::TmuxMissing => {
            fault(format!("tmux is not installed on {host}."), "With Debian's or Ubuntu's packages:", Some("apt-get install tmux".into()))
        }
        UserState::TmuxTooOld { version } => fault(format!("tmux is too old on {host} (version {version})."), "muxboard needs tmux 3.2 or newer.", None),
        UserState::SocketUnreadable { words } => fault(format!("The tmux socket of {name} may not be used."), &format!("tmux says: {words}"), None),
        UserState::NotAnswering => {
            fault(format!("The tmux server of {name} does not answer."), "It may be stopped; this lets it go on:", Some(format!("pkill -CONT -u {name} tmux")))
        }
        UserState::Other { words } => fault(format!("tmux does not work for {name}."), &format!("It says: {words}"), None),
    };
    let seen = (!last_seen.is_empty()).then(|| view! { <p class="last-seen">"Last seen: " <bdi>{last_seen.join(", ")}</bdi></p> });
    view! { {shown} {seen} }
}

#[component]
fn Empty(words: &'static str, place: Place, may_create: bool) -> impl IntoView {
    let living = use_context::<Living>();
    let name = place.user.to_string();
    let href = expect_base().asking("create", &place.to_string());
    view! {
        <div class="empty">
            <span>{words} <b>{name}</b> " here."</span>
            {may_create.then(|| view! {
                <a class="button primary" href=href rel="external" on:click=move |event| ask(event, living, Asking::Create(Some(place.clone())))>"Start a session"</a>
            })}
        </div>
    }
}
