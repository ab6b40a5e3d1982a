//! The body of the dashboard: the bar, the open dialog and the list of sessions.

use super::dialog::{LivePage, OpenDialog, open_dialog};
use super::filter::Query;
#[cfg(feature = "hydrate")]
use super::live;
use super::refresh::RefreshAll;
use super::status::{Counts, Live, many};
use crate::base::expect_base;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The data that the program needs to hydrate the dashboard as the server rendered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPage {
    /// The principal.
    pub principal: String,
    /// The Unix account that the user map gives to the principal; empty if it gives none.
    pub acts_as: String,
    /// The words and the URL of the link to the application that contains the board.
    pub home: Option<(String, String)>,
    /// Whether the principal has a login that can be ended.
    pub may_log_out: bool,
    /// The text of the filter.
    pub query: String,
    /// The counts in the bar.
    pub counts: Counts,
}

/// HTML made by the server that is not hydrated: the list of sessions, and an open dialog.
#[derive(Clone, Default)]
pub struct ServerHtml {
    /// The list of sessions.
    pub list: String,
    /// The open dialog, if the URL or a refused form opens one.
    pub question: String,
}

/// The body of the dashboard. In the browser it also starts to follow the board.
#[component]
pub fn Dashboard(
    /// The principal, the filter and the counts that the page begins with.
    page: BoardPage,
) -> impl IntoView {
    let base = expect_base();
    let query = RwSignal::new(page.query.clone());
    let counts = RwSignal::new(page.counts);
    let live = RwSignal::new(Live::AsSent);
    let dialog = RwSignal::new(None);
    provide_context(Query(query));
    provide_context(LivePage { dialog });
    #[cfg(feature = "hydrate")]
    live::follow(base.clone(), query, counts, live, dialog);
    let sent = use_context::<ServerHtml>().unwrap_or_default();
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
            <RefreshAll/>
            <a
                class="button primary"
                href=base.asking("create", "")
                rel="external"
                on:click=move |event| open_dialog(event, Some(LivePage { dialog }), OpenDialog::Create(None))
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
