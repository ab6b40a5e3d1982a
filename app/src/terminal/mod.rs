//! The terminal page: a slim bar above one terminal, which fills the rest of the window.

#[cfg(feature = "hydrate")]
mod driver;
#[cfg(feature = "hydrate")]
mod shim;
mod state;

pub use state::{End, Link, TerminalPage};

use crate::base::expect_base;
use crate::ui::name::Name;
use leptos::prelude::*;
use muxboard_core::snapshot::Mode;
use muxboard_core::wire::Seen;
use state::Controls;

/// The terminal page. In the browser it also starts the driver, which connects the terminal to its session.
#[component]
pub fn Terminal(
    /// The session and what the principal may do with it.
    page: TerminalPage,
) -> impl IntoView {
    let base = expect_base();
    let controls = Controls {
        link: RwSignal::new(Link::Connecting),
        name: RwSignal::new(page.name.clone()),
        refused: RwSignal::new(false),
        clients: RwSignal::default(),
        again: RwSignal::new(0),
        mode: RwSignal::new(None),
        leave: RwSignal::new(0),
    };
    let Controls { link, name, refused, again, .. } = controls;
    #[cfg(feature = "hydrate")]
    driver::run(base.clone(), page.clone(), controls);
    let toggle = base.terminal(&page.place, &page.name, page.session, !page.watch);
    let state = move || match link.get() {
        Link::Connecting => "connecting…".to_owned(),
        Link::Live(None) => "live".into(),
        Link::Live(Some(ms)) => format!("live · {ms} ms"),
        Link::Slow(ms) => format!("slow · {}.{} s", ms / 1000, ms / 100 % 10),
        Link::Lost => "connection lost · trying again".into(),
        Link::Ended(..) => "ended".into(),
    };
    let ended = move |wanted: End| !matches!(link.get(), Link::Ended(_, end) if end == wanted);
    let over = move || if let Link::Ended(says, _) = link.get() { says } else { String::new() };
    let note = if page.watch { "You are watching: what you type is not sent." } else { "Not connected: what you type is not sent." };
    let (create, named) = (base.asking("create", &page.place.to_string()), base.named(&page.place, &page.name));
    let may_create = page.may_create;
    view! {
        <header class="term-bar">
            <a class="back" href=base.board() rel="external" aria-label="All sessions">"←"</a>
            <h1><Name text=name/></h1>
            <span class="where">{page.place.user.to_string()} " on " {page.label}</span>
            {page.watch.then(|| view! { <span class="watching">"watching"</span> })}
            {page.may_type.then(|| view! { <a class="button small" rel="external" href=toggle>{if page.watch { "Type" } else { "Watch" }}</a> })}
            <Others clients=controls.clients/>
            {(!page.notes.is_empty()).then(|| view! { <Notes notes=page.notes/> })}
            <span class="link-state" role="status" class:live=move || matches!(link.get(), Link::Live(_)) class:slow=move || matches!(link.get(), Link::Slow(_)) class:lost=move || matches!(link.get(), Link::Lost | Link::Ended(..))>{state}</span>
        </header>
        <p class="refused" role="alert" hidden=move || !refused.get()>{note}</p>
        <div id="screen" class:dim=move || !link.get().is_connected()></div>
        <ShownMode controls may_leave=!page.watch/>
        <div class="over" hidden=move || !matches!(link.get(), Link::Ended(..))>
            <p role="alert">{over}</p>
            <button type="button" class="button primary" hidden=move || ended(End::Again) on:click=move |_| again.update(|n| *n += 1)>"Connect again"</button>
            <a class="button primary" rel="external" href=named hidden=move || ended(End::Replaced)>"Open the new one"</a>
            <a class="button primary" rel="external" href=create hidden=move || !may_create || ended(End::Gone)>"Create a session"</a>
            <a class="button" href=base.board() rel="external">"All sessions"</a>
        </div>
        <p class="empty no-script">"A terminal needs JavaScript. The " <a href=base.board() rel="external">"list of sessions"</a> " works without it: see, create, rename and kill."</p>
    }
}

/// The notes on the session, as a list that opens from the bar.
#[component]
fn Notes(notes: Vec<String>) -> impl IntoView {
    let list = notes.into_iter().map(|note| view! { <li>{note}</li> }).collect_view();
    view! {
        <details class="others notes">
            <summary>"note"</summary>
            <ul>{list}</ul>
        </details>
    }
}

/// A line over the last row of the terminal that says what tmux shows in the place of the program, with a button that brings the program back. It lies
/// over the terminal, because a line beside it would change the session's size.
#[component]
fn ShownMode(controls: Controls, may_leave: bool) -> impl IntoView {
    let Controls { mode, leave, .. } = controls;
    let words = move || match mode.get() {
        Some(Mode::History) => "Scrolled back",
        Some(Mode::Words) => "A message of tmux",
        Some(Mode::Other) => "A list of tmux",
        None => "",
    };
    let back = move || if mode.get() == Some(Mode::History) { "To the end" } else { "Close it" };
    view! {
        <div class="mode-line" role="status">
            <span class="mode" hidden=move || mode.get().is_none()>
                {words}
                {may_leave.then(|| view! { <button type="button" class="button small" on:mousedown=|event| event.prevent_default() on:click=move |_| leave.update(|n| *n += 1)>{back}</button> })}
            </span>
        </div>
    }
}

/// The other clients that show the session, and which of them sets its size.
#[component]
fn Others(clients: RwSignal<Vec<Seen>>) -> impl IntoView {
    let who = |seen: &Seen| match (seen.own, seen.principal.as_str()) {
        (true, _) => "this page".to_owned(),
        (_, "") => "a terminal".into(),
        (_, name) => name.to_owned(),
    };
    let summary = move || {
        let clients = clients.read();
        let others = clients.iter().filter(|seen| !seen.own);
        let driver = others.clone().find(|seen| seen.drives).map(|seen| " · size: ".to_owned() + &who(seen));
        format!("+{}{}", others.count(), driver.unwrap_or_default())
    };
    let list = move || {
        let row = |seen: &Seen| {
            let what = match (seen.watches, seen.drives) {
                (true, _) => ", watches",
                (_, true) => ", sets the size",
                _ => "",
            };
            let text = format!("{}: {} × {}{what}", who(seen), seen.grid.columns(), seen.grid.rows());
            view! { <li>{text}</li> }
        };
        clients.read().iter().map(row).collect_view()
    };
    view! {
        <details class="others" hidden=move || clients.read().iter().all(|seen| seen.own)>
            <summary aria-label="Who else shows this session">{summary}</summary>
            <ul>{list}</ul>
        </details>
    }
}
