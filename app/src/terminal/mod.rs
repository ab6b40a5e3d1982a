//! The terminal page: one slim bar, then nothing but the terminal.

#[cfg(feature = "hydrate")]
mod driver;
#[cfg(feature = "hydrate")]
mod shim;

use crate::dashboard::expect_base;
use crate::ui::name::Name;
use leptos::prelude::*;
use muxboard_core::snapshot::{Place, SessionId};
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
}

/// How the connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// On its way.
    Connecting,
    /// Open; the last round trip in milliseconds, once known.
    Live(Option<u32>),
    /// Broken; trying again.
    Lost,
    /// Over, with the sentence that says why, and whether trying again makes sense.
    Ended(String, bool),
}

/// The page.
#[component]
pub fn Terminal(
    /// Its facts.
    page: TerminalPage,
) -> impl IntoView {
    let base = expect_base();
    let link = RwSignal::new(Link::Connecting);
    let refused = RwSignal::new(false);
    let again = RwSignal::new(0_u32);
    #[cfg(feature = "hydrate")]
    driver::run(base.clone(), page.clone(), link, refused, again);
    let other = base.terminal(&page.place, &page.name, page.session, !page.watch);
    let state = move || match link.get() {
        Link::Connecting => "connecting…".to_owned(),
        Link::Live(None) => "live".into(),
        Link::Live(Some(ms)) => format!("live · {ms} ms"),
        Link::Lost => "connection lost · trying again".into(),
        Link::Ended(..) => "ended".into(),
    };
    let over = move || if let Link::Ended(says, _) = link.get() { says } else { String::new() };
    view! {
            <header class="term-bar">
                <a class="back" href=base.board() rel="external" aria-label="All sessions">"←"</a>
                <h1><Name text=page.name.clone()/></h1>
                <span class="where">{page.place.user.to_string()} " on " {page.label}</span>
                {page.watch.then(|| view! { <span class="watching">"watching"</span> })}
                {page.may_type.then(|| view! { <a class="button small" rel="external" href=other>{if page.watch { "Type" } else { "Watch" }}</a> })}
                <span class="link-state" role="status" class:live=move || matches!(link.get(), Link::Live(_)) class:lost=move || matches!(link.get(), Link::Lost | Link::Ended(..))>{state}</span>
            </header>
            <p class="refused" role="alert" hidden=move || !refused.get()>"Not connected: what you type is not sent."</p>
            <div id="screen" class:dim=move || !matches!(link.get(), Link::Live(_))></div>
            <div class="over" hidden=move || !matches!(link.get(), Link::Ended(..))>
                <p role="alert">{over}</p>
                <button type="button" class="button primary" hidden=move || !matches!(link.get(), Link::Ended(_, true)) on:click=move |_| again.update(|n| *n += 1)>"Connect again"</button>
                <a class="button" href=base.board() rel="external">"All sessions"</a>
            </div>
    <p class="empty no-script">"A terminal needs JavaScript. The " <a href=base.board() rel="external">"list of sessions"</a> " works without it: see, create, rename and kill."</p>
        }
}
