//! The list of sessions: those that need a person, then all of them by host and user.

use super::card::{Card, NeedCard};
use super::fault::{FaultBox, UserFault};
use super::filter::{Query, matches};
use super::refresh::RefreshHost;
use super::status::many;
use super::store::{HostSignals, SessionSignals, Store, UserSignals};
use crate::base::expect_base;
use crate::ui::time::Ago;
use leptos::prelude::*;
use muxboard_core::snapshot::{HostState, Need, UserState};

/// The list of sessions.
#[component]
pub fn List(
    /// The signals of all hosts.
    store: Store,
) -> impl IntoView {
    let hosts = store.hosts.clone();
    let none = {
        let hosts = hosts.clone();
        move || hosts.read().is_empty()
    };
    view! {
        <NeedsSection store=store.clone()/>
        <Show when=none>
            <div class="empty">
                <p>"There is nothing here that you may see."</p>
                <p>"Ask whoever runs this board for a grant, or look at its configuration."</p>
            </div>
        </Show>
        <For each=move || hosts.get() key=|host| host.key.clone() let:host>
            <HostSection host/>
        </For>
        <NoMatch store/>
    }
}

/// The sessions that need a person, at the top of the list.
#[component]
fn NeedsSection(store: Store) -> impl IntoView {
    // The oldest first: it has waited longest.
    let needy = move || {
        let mut out = Vec::new();
        for host in store.hosts.get() {
            for user in host.users.get() {
                for session in user.sessions.get() {
                    if let Some(Need { since, .. }) = session.row.read().counted_need() {
                        // A sort would be 2 kB of program.
                        let at = out.partition_point(|(before, _)| *before <= since);
                        out.insert(at, (since, (host.clone(), user.clone(), session.clone())));
                    }
                }
            }
        }
        out.into_iter().map(|(_, needy)| needy).collect()
    };
    let needy = Memo::new_with_compare(
        move |_| needy(),
        |old, new| {
            let ids = |list: &Vec<(HostSignals, UserSignals, SessionSignals)>| list.iter().map(|(_, u, s)| (u.key(), s.id)).collect::<Vec<_>>();
            old.map(&ids) != new.map(&ids)
        },
    );
    view! {
        <section class="needs" aria-label="Needs you" hidden=move || needy.with(Vec::is_empty)>
            <For each=move || needy.get() key=|(_, user, session)| (user.key(), session.id) let:item>
                <NeedCard host=item.0 user=item.1 session=item.2/>
            </For>
        </section>
    }
}

fn query() -> RwSignal<String> {
    use_context::<Query>().map_or_else(|| RwSignal::new(String::new()), |q| q.0)
}

fn shown(host: &HostSignals, user: &UserSignals, query: &str) -> usize {
    let place = host.row.with(|row| format!("{} {}", row.label, row.place));
    user.sessions.read().iter().filter(|s| matches(query, &place, user.place.user.as_str(), &s.row.read())).count()
}

#[component]
fn NoMatch(store: Store) -> impl IntoView {
    let query = query();
    let nothing = move || {
        let text = query.get();
        !text.trim().is_empty() && store.hosts.read().iter().all(|host| host.users.read().iter().all(|user| shown(host, user, &text) == 0))
    };
    view! {
        <div class="empty" hidden=move || !nothing()>
            <p>"No session matches " <b>{move || query.get()}</b> "."</p>
            <a class="button" rel="external" href=expect_base().board() on:click=move |event| {
                if cfg!(feature = "hydrate") { event.prevent_default(); query.set(String::new()); }
            }>"Show all"</a>
        </div>
    }
}

#[component]
fn HostSection(host: HostSignals) -> impl IntoView {
    let query = query();
    let row = host.row.clone();
    let users = host.users.clone();
    let filtered_out = {
        let host = host.clone();
        move || !query.read().trim().is_empty() && host.users.read().iter().all(|user| shown(&host, user, &query.read()) == 0)
    };
    let state = {
        let row = row.clone();
        Memo::new(move |_| row.read().state.clone())
    };
    let label = {
        let row = row.clone();
        Memo::new(move |_| row.read().label.clone())
    };
    let place = {
        let row = row.clone();
        Memo::new(move |_| row.read().place.clone())
    };
    let swept = {
        let row = row.clone();
        Memo::new(move |_| row.read().swept_at)
    };
    let fault = move || if let HostState::Fault(fault) = state.get() { Some(view! { <FaultBox fault since=row.read().since/> }) } else { None };
    let key = host.key.clone();
    view! {
        <section class="host" hidden=filtered_out aria-label=move || label.get()>
            <div class="host-head">
                <span class="dot" class:bad=move || matches!(state.get(), HostState::Fault(_)) class:pending=move || state.get() == HostState::Pending></span>
                <h2>{move || label.get()}</h2>
                <span class="place">{move || place.get()}</span>
                <span class="state">
                    {move || match state.get() {
                        HostState::Up { round_trip_ms } => format!("up, {round_trip_ms} ms"),
                        HostState::Pending => "looking for the first time".into(),
                        HostState::Fault(fault) => fault.kind.label().into(),
                    }}
                </span>
                <span class="swept">
                    {move || swept.get().map(|at| view! { <Ago at=at words=|age| if age < 3 { "asked just now".into() } else { format!("asked {} ago", crate::ui::time::span(age)) }/> })}
                    <RefreshHost key/>
                </span>
            </div>
            {fault}
            <For each=move || users.get() key=UserSignals::key let:user>
                <UserSection host=host.clone() user/>
            </For>
        </section>
    }
}

#[component]
fn UserSection(host: HostSignals, user: UserSignals) -> impl IntoView {
    let query = query();
    let row = user.row.clone();
    let sessions = user.sessions.clone();
    let count = {
        let sessions = sessions.clone();
        Memo::new(move |_| sessions.read().len())
    };
    let filtered_out = {
        let (host, user) = (host.clone(), user.clone());
        move || !query.read().trim().is_empty() && shown(&host, &user, &query.read()) == 0
    };
    let sudo = row.read_untracked().row.through_sudo;
    let name = user.place.user.to_string();
    let words = {
        let row = row.clone();
        move || {
            let note = if sudo { " · through sudo" } else { "" };
            let state = row.read().row.state.clone();
            match state {
                UserState::Pending if count.get() == 0 => "not seen yet".to_owned(),
                UserState::Pending | UserState::Sessions(_) => many(count.get(), "session") + note,
                UserState::NoServer => format!("no server{note}"),
                UserState::Fault(fault) => fault.kind.label().into(),
            }
        }
    };
    let fault = {
        let (row, place) = (row.clone(), user.place.clone());
        move || view! { <UserFault user=row.get() place=place.clone() empty=count.get() == 0/> }
    };
    let own = user.clone();
    view! {
        <div class="user" hidden=filtered_out>
            <p class="user-head"><b>{name}</b> " " <span>{words}</span></p>
            {fault}
            <div class="grid" hidden=move || count.get() == 0>
                <For each=move || sessions.get() key=|session| session.id let:session>
                    <Card host=host.clone() user=own.clone() session/>
                </For>
            </div>
        </div>
    }
}
