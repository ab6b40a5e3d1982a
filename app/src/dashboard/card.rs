//! The card of one session, and the larger card of a session that needs a person.

use super::dialog::{LivePage, OpenDialog, open_dialog};
use super::dismiss::DoneButton;
use super::filter::{Query, matches};
use super::status::many;
use super::store::{HostSignals, SessionSignals, UserSignals};
use crate::base::{Base, expect_base};
use crate::ui::name::{Name, plain};
use crate::ui::time::{Ago, span};
use leptos::prelude::*;
use muxboard_core::ansi::StyledLine;
use muxboard_core::name::UnixUser;
use muxboard_core::policy::{Abilities, Ability};
use muxboard_core::signal::ProgramState;
use muxboard_core::snapshot::{Place, Reason, Session, SessionId};

fn activity(age: u64) -> String {
    if age < 5 { "active now".into() } else { format!("idle {}", span(age)) }
}

/// Why a session needs a person, in words.
pub(crate) fn alarm(reason: Reason) -> String {
    match reason {
        Reason::SeemsToWait => "seems to wait".to_owned(),
        Reason::Bell => "rang its bell".to_owned(),
        Reason::Waits => "says it waits".to_owned(),
        Reason::SaysFailed => "says it failed".to_owned(),
        Reason::Exited(-1) => "ended by a signal".to_owned(),
        Reason::Exited(code) => format!("exited {code}"),
    }
}

/// What a session's program says of itself while it needs nobody: its state and since when.
fn told(session: &Session) -> Option<(&'static str, u64)> {
    session.told().map(|signal| {
        let words = match signal.told {
            ProgramState::Done => "done ",
            ProgramState::Working => "working ",
            ProgramState::Waiting => "waits ",
            ProgramState::Failed => "failed ",
        };
        (words, signal.since)
    })
}

/// The words of a session's program about its state.
fn says(session: &Session) -> Option<String> {
    session.told().map(|signal| plain(&signal.text)).filter(|text| !text.is_empty())
}

/// The number of windows of a session, and how many of them other sessions share.
fn windows(session: &Session) -> String {
    let all = many(session.windows.len(), "window");
    match session.kept().windows {
        0 => all,
        shared if shared == session.windows.len() => format!("{all}, shared"),
        shared => format!("{all}, {shared} shared"),
    }
}

fn running(session: &Session) -> String {
    let Some(window) = session.current() else { return String::new() };
    let what = if window.exited.is_some() { "ended" } else { &window.command };
    if window.path.is_empty() { what.to_owned() } else { format!("{what} · {}", window.path) }
}

fn lines(lines: &[StyledLine]) -> impl IntoView + use<> {
    let class = |style: muxboard_core::ansi::Style| match (style.colour, style.bold) {
        (None, false) => String::new(),
        (colour, bold) => format!("{}{}", colour.map(|c| format!("c{c} ")).unwrap_or_default(), if bold { "bold" } else { "" }),
    };
    lines
        .iter()
        .map(|line| {
            let runs = line
                .iter()
                .map(|run| {
                    let class = class(run.style);
                    if class.is_empty() { run.text.clone().into_any() } else { view! { <span class=class>{run.text.clone()}</span> }.into_any() }
                })
                .collect_view();
            view! { {runs} "\n" }
        })
        .collect_view()
}

/// A sentence that names the sessions which share windows with this one, if any do.
fn also_in(session: &Session) -> Option<String> {
    let names = session.kept().sessions.iter().map(|name| plain(name.as_str())).collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("Also in {names}"))
}

/// The label of the first note on a session; its title is all of them.
fn noted(session: &Session, user: &UnixUser) -> Option<impl IntoView + use<>> {
    let sentences: Vec<String> = session.notes.iter().map(|note| note.sentence(user)).collect();
    session.notes.first().map(|note| view! { <span class="attached" title=sentences.join(" ")>{note.label()}</span> })
}

/// A closure that computes `part` of a session and follows its signal. It is no memo: the signal changes only when the session does, and memos took most of
/// the time in which the server renders a big page.
fn follow<T, F: Fn(&Session) -> T + Clone + Send + 'static>(row: &ArcRwSignal<Session>, part: F) -> impl Fn() -> T + Clone + Send + 'static + use<T, F> {
    let row = row.clone();
    move || part(&row.read())
}

/// The menu of a card: rename and kill.
fn menu(base: &Base, place: &Place, id: SessionId, can: Abilities, name: Signal<String>) -> impl IntoView + use<> {
    let live_page = use_context::<LivePage>();
    let about = format!("{place}/{id}");
    let (kill, rename) = (OpenDialog::Kill(place.clone(), id), OpenDialog::Rename(place.clone(), id));
    view! {
        <details class="menu" hidden=!(can.has(Ability::Kill) || can.has(Ability::Create))>
            <summary class="button small" aria-label=move || format!("More about {}", name.get())>"⋯"</summary>
            <div class="menu-items">
                {can.has(Ability::Create).then(|| view! {
                    <a href=base.asking("rename", &about) rel="external" on:click=move |event| open_dialog(event, live_page, rename.clone())>"Rename"</a>
                })}
                {can.has(Ability::Kill).then(|| view! {
                    <a class="danger" href=base.asking("kill", &about) rel="external" on:click=move |event| open_dialog(event, live_page, kill.clone())>"Kill"</a>
                })}
            </div>
        </details>
    }
}

/// The card of a session: its name, its facts, its last lines and what can be done with it.
#[component]
pub fn Card(
    /// The host of the session.
    host: HostSignals,
    /// The user of the session.
    user: UserSignals,
    /// The session.
    session: SessionSignals,
) -> impl IntoView {
    let base = expect_base();
    let query = use_context::<Query>();
    let can = user.can;
    let (place, id, row) = (user.place.clone(), session.id, session.row.clone());
    let name = Signal::derive(follow(&row, |s| s.name.to_string()));
    let (windows, shared, runs) = (follow(&row, windows), follow(&row, also_in), follow(&row, running));
    let (attached, unattached) = (follow(&row, |s| s.attached), follow(&row, |s| s.attached == 0));
    let active = Signal::derive(follow(&row, |s| s.activity));
    let alarmed = follow(&row, |s| s.needs().map(|need| alarm(need.reason)));
    let alarmed_too = alarmed.clone();
    let (told, says) = (follow(&row, told), follow(&row, says));
    let preview = follow(&row, |s| lines(&s.preview));
    let noted = {
        let user = place.user.clone();
        follow(&row, move |s| noted(s, &user))
    };
    let hidden = {
        let (row, host, user) = (row.clone(), host.row.clone(), place.user.clone());
        move || query.is_some_and(|Query(q)| !q.read().trim().is_empty() && !matches(&q.read(), &host.read().label, user.as_str(), &row.read()))
    };
    let about = format!("{place}/{id}");
    let open = {
        let (base, place) = (base.clone(), place.clone());
        move |watch: bool| base.terminal(&place, &name.read(), id, watch)
    };
    let href = {
        let open = open.clone();
        move || open(!can.has(Ability::Type))
    };
    let menu = menu(&base, &place, id, can, name);
    view! {
        <article class="card" hidden=hidden data-session=about.clone()>
            <div class="card-head">
                <a class="open" href=href rel="external"><Name text=name/></a>
                <span class="windows" title=shared>{windows}</span>
                <span class="age" class:alarm=move || alarmed_too().is_some() title=says>
                    {move || match alarmed() {
                        Some(words) => words.into_any(),
                        None => match told() {
                            Some((words, since)) => (words, view! { <Ago at=since words=span/> }).into_any(),
                            None => view! { <Ago at=active words=activity/> }.into_any(),
                        },
                    }}
                </span>
            </div>
            <pre aria-hidden="true"><code>{preview}</code></pre>
            <div class="card-foot">
                <bdi class="runs">{runs}</bdi>
                {noted}
                <span class="attached" hidden=unattached>{move || format!("● {} attached", attached())}</span>
                <span class="buttons">
                    {can.has(Ability::Watch).then(|| { let open = open.clone(); view! { <a class="button small" rel="external" href=move || open(true)>"Watch"</a> } })}
                    {menu}
                </span>
            </div>
        </article>
    }
}

/// A session that needs a person, at the top of the page.
#[component]
pub fn NeedCard(
    /// The host of the session.
    host: HostSignals,
    /// The user of the session.
    user: UserSignals,
    /// The session.
    session: SessionSignals,
) -> impl IntoView {
    let base = expect_base();
    let (place, id, row) = (user.place.clone(), session.id, session.row.clone());
    let can = user.can;
    let name = {
        let row = row.clone();
        Memo::new(move |_| row.read().name.to_string())
    };
    let need = {
        let row = row.clone();
        Memo::new(move |_| row.read().counted_need())
    };
    let why = move || need.get().map(|need| alarm(need.reason)).unwrap_or_default();
    let failed = move || need.get().is_some_and(|need| need.reason.is_failure());
    let since = Signal::derive(move || need.get().map(|need| need.since).unwrap_or_default());
    let quote = {
        let row = row.clone();
        Memo::new(move |_| {
            if let Some(says) = row.read().says() {
                return plain(says);
            }
            let text = |line: &StyledLine| line.iter().map(|r| r.text.as_str()).collect::<String>();
            row.read().preview.iter().rev().map(text).find(|t| !t.trim().is_empty() && !t.starts_with("Pane is dead")).unwrap_or_default()
        })
    };
    let label = host.row.read_untracked().label.clone();
    let user_name = place.user.to_string();
    let done = can.has(Ability::Type).then(|| view! { <DoneButton place=place.clone() session=id until=since/> });
    let answer = can.has(Ability::Type).then(|| view! { <a class="button small" href=base.answer(&place, id) rel="external">"Answer"</a> });
    let href = move || base.terminal(&place, &name.read(), id, !can.has(Ability::Type));
    view! {
        <article class="need" class:failed=failed>
            <span class="sign" aria-hidden="true">{move || if failed() { "✕" } else { "◆" }}</span>
            <a class="open" href=href.clone() rel="external"><Name text=name/></a>
            <span class="facts">{label} " · " {user_name} " · " {why} ", " <Ago at=since words=|age| format!("{} ago", span(age))/></span>
            <q>{move || quote.get()}</q>
            <span class="buttons">{answer}<a class="button small" href=href rel="external">"Open"</a>{done}</span>
        </article>
    }
}
