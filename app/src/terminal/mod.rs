//! The terminal page: one slim bar, then nothing but the terminal.

#[cfg(feature = "hydrate")]
mod driver;
#[cfg(feature = "hydrate")]
mod shim;

use crate::dashboard::expect_base;
use crate::ui::name::Name;
use leptos::prelude::*;
use muxboard_core::snapshot::{Mode, Place, SessionId};
use muxboard_core::wire::Seen;
use serde::{Deserialize, Serialize};

/// What the page is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalPage {
    /// Where the session is.
    pub place: Place,
    /// The host's label.
    pub label: String,
    /// The session.
    pub session: SessionId,
    /// Its name, verbatim.
    pub name: String,
    /// Only look.
    pub watch: bool,
    /// Whether the principal may type at all.
    pub may_type: bool,
    /// Whether the principal may create sessions there.
    pub may_create: bool,
    /// What else is to be known of the session, as sentences.
    pub notes: Vec<String>,
}

/// How the connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// On its way.
    Connecting,
    /// Open; the last round trip in milliseconds, once known.
    Live(Option<u32>),
    /// Open, and its last round trip, or the one that is not over yet, takes this many milliseconds.
    Slow(u32),
    /// Broken; trying again.
    Lost,
    /// Over, with the sentence that says why, and what makes sense now.
    Ended(String, End),
}

impl Link {
    /// Whether what is typed goes to the session.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Live(_) | Self::Slow(_))
    }
}

/// What makes sense after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// To connect again.
    Again,
    /// The session is gone: to make one.
    Gone,
    /// Another session has the name now: to open that.
    Replaced,
    /// Nothing here.
    Final,
}

/// What the page shows and its driver sets, and the other way round.
#[derive(Clone, Copy)]
struct Controls {
    link: RwSignal<Link>,
    /// The name of the session that tmux shows here.
    name: RwSignal<String>,
    /// Keys were typed that go nowhere.
    refused: RwSignal<bool>,
    /// Who shows the session.
    clients: RwSignal<Vec<Seen>>,
    /// Grows with every wish to connect again.
    again: RwSignal<u32>,
    /// What tmux shows in the place of the program.
    mode: RwSignal<Option<Mode>>,
    /// Grows with every wish to see the program again.
    leave: RwSignal<u32>,
}

/// The page.
#[component]
pub fn Terminal(
    /// Its facts.
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

/// What else is to be known of the session.
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

/// What tmux shows in the place of the program, over the last line of the terminal, and the way back. It takes no room of its own: the session's size
/// must not change with it.
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

/// Who else shows the session, and whose size it has.
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
