//! The dashboard. The list of sessions is in the HTML, made by the same components as the living one: the first paint, the page without
//! JavaScript and the page without a connection are that list. In a living page the board's first frame puts the living list in its
//! place, so the facts are never sent twice and nothing has to match byte for byte.

pub mod card;
pub mod create;
pub mod fault;
pub mod filter;
#[cfg(feature = "hydrate")]
pub mod keys;
pub mod kill;
pub mod list;
#[cfg(feature = "hydrate")]
pub(crate) mod living;
pub mod refresh;
pub mod rename;
pub mod store;

use crate::base::Base;
use filter::Query;
use leptos::prelude::*;
use muxboard_core::snapshot::{HostState, Kept, Place, SessionId};
use muxboard_core::view::View;
use serde::{Deserialize, Serialize};

/// The counts in the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Hosts shown.
    pub hosts: usize,
    /// Living sessions.
    pub sessions: usize,
    /// Sessions that need a person.
    pub needs: usize,
    /// Hosts that were not asked yet.
    pub pending: usize,
}

impl Counts {
    /// Of a view.
    pub fn of(view: &View) -> Self {
        let pending = view.hosts.iter().filter(|h| h.host.state == HostState::Pending).count();
        Self {
            pending,
            hosts: view.hosts.len(),
            sessions: view.sessions().count(),
            needs: view.sessions().filter(|(_, _, s)| s.counted_need().is_some()).count(),
        }
    }
}

/// What a living page must know to wake up as the server made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPage {
    /// Who looks.
    pub principal: String,
    /// The Unix account that the user map gives to whoever looks; empty if it gives none.
    pub acts_as: String,
    /// The way back to the application that the board is part of: words and URL.
    pub home: Option<(String, String)>,
    /// Whether there is a login to end.
    pub may_log_out: bool,
    /// The filter.
    pub query: String,
    /// The bar's counts.
    pub counts: Counts,
}

/// A question that is open over the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asking {
    /// Make a session, perhaps somewhere certain.
    Create(Option<Place>),
    /// End this one?
    Kill(Place, SessionId),
    /// Give this one another name?
    Rename(Place, SessionId),
    /// This session was killed, and windows of it stay open in others.
    Killed(String, Kept),
    /// Which keys are there?
    Keys,
}

/// What a living page offers to its parts; a part that finds none is in the HTML as sent.
#[derive(Clone, Copy)]
pub struct Living {
    /// The open question.
    pub asking: RwSignal<Option<Asking>>,
}

/// HTML made by the server that is not hydrated: the list, and an open question.
#[derive(Clone, Default)]
pub struct AsSent {
    /// The list of sessions.
    pub list: String,
    /// The open question, if the URL or a refused form asks one.
    pub question: String,
}

/// How the page's connection to the board stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// The HTML as it was sent.
    AsSent,
    /// Following.
    Yes,
    /// It was, and is trying again.
    Lost,
}

/// The page.
#[component]
pub fn Dashboard(
    /// Its facts.
    page: BoardPage,
) -> impl IntoView {
    let base = expect_base();
    let query = RwSignal::new(page.query.clone());
    let counts = RwSignal::new(page.counts);
    let live = RwSignal::new(Live::AsSent);
    let asking = RwSignal::new(None);
    provide_context(Query(query));
    provide_context(Living { asking });
    #[cfg(feature = "hydrate")]
    living::follow(base.clone(), query, counts, live, asking);
    let sent = use_context::<AsSent>().unwrap_or_default();
    let who = match page.acts_as.as_str() {
        "" => format!("Here you are {}", page.principal),
        account => format!("Here you are {}, and act as the Unix account {account}", page.principal),
    };
    view! {
        <header class="bar">
            {page.home.map(|(words, url)| view! { <a class="home" href=url rel="external">"‹ " {words}</a> })}
            <a class="logo" href=base.board() rel="external">"mux"<b>"board"</b></a>
            <span class="counts" role="status">
                <span>{move || many(counts.get().hosts, "host")}</span>
                <span>{move || many(counts.get().sessions, "session")}</span>
                <b class="need-count" hidden=move || counts.get().needs == 0>
                    {move || if counts.get().needs == 1 { "1 needs you".to_owned() } else { format!("{} need you", counts.get().needs) }}
                </b>
                <span hidden=move || counts.get().pending == 0>{move || counts.get().pending} " not asked yet"</span>
                <span class="lost" hidden=move || live.get() != Live::Lost>"not live: connecting again"</span>
            </span>
            <form class="search" role="search" method="get" action=base.board()>
                <input
                    type="search"
                    name="q"
                    id="filter"
                    value=page.query
                    placeholder="Filter sessions, hosts, commands, directories"
                    aria-label="Filter"
                    autocomplete="off"
                    spellcheck="false"
                    on:input=move |event| query.set(event_target_value(&event))
                />
                <kbd aria-hidden="true">"/"</kbd>
            </form>
            <refresh::Refresh/>
            <a
                class="button primary"
                href=base.asking("create", "")
                rel="external"
                on:click=move |event| ask(event, Some(Living { asking }), Asking::Create(None))
            >
                "New session"
                <kbd aria-hidden="true">"n"</kbd>
            </a>
            <span class="who" title=who>
                <span class="identity">{page.principal}</span>
                {(!page.acts_as.is_empty()).then(|| view! { <span class="as">" as " <b>{page.acts_as}</b></span> })}
            </span>
            {page
                .may_log_out
                .then(|| {
                    view! {
                        <form method="post" action=base.logout() class="logout">
                            <button class="quiet">"Log out"</button>
                        </form>
                    }
                })}
        </header>
        <div id="question" inner_html=sent.question></div>
        <main id="board" inner_html=sent.list></main>
    }
}

/// The base of this page.
pub fn expect_base() -> Base {
    use_context().unwrap_or_default()
}

/// Opens a question in place, if the page lives; else the link is followed.
pub fn ask(event: leptos::ev::MouseEvent, living: Option<Living>, question: Asking) {
    if let Some(living) = living
        && cfg!(feature = "hydrate")
        && !(event.ctrl_key() || event.meta_key() || event.shift_key())
    {
        event.prevent_default();
        living.asking.set(Some(question));
    }
}

/// `1 host`, `2 hosts`.
pub fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
