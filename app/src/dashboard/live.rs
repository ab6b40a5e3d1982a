//! The live page: it follows the board's WebSocket, replaces the list that the server sent with a live one, and shows dialogs.

use super::create::{CreateForm, Typed};
use super::dialog::{CancelLink, LivePage, OpenDialog};
use super::filter::Query;
use super::keys;
use super::kill::{KillForm, Stayed};
use super::list::List;
use super::rename::RenameForm;
use super::status::{Counts, Live};
use super::store::Store;
use crate::base::Base;
use crate::socket::{Handlers, PageSocket, jitter_ms};
use crate::ui::post_form::Posting;
use crate::ui::time::Clock;
use leptos::prelude::*;
use muxboard_core::limits::{BOARD_SILENCE_SECONDS_MAX, CHECK_SECONDS, RECONNECT_MS_MAX};
use muxboard_core::policy::Ability;
use muxboard_core::snapshot::{Kept, Place};
use muxboard_core::view::View;
use muxboard_core::wire::{BoardFrame, Close};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

struct LiveState {
    base: Base,
    store: Store,
    query: RwSignal<String>,
    counts: RwSignal<Counts>,
    live: RwSignal<Live>,
    dialog: RwSignal<Option<OpenDialog>>,
    clock: RwSignal<u64>,
    view: RefCell<Option<View>>,
    socket: RefCell<Option<PageSocket>>,
    tries: Cell<u32>,
    /// When the last frame came, by the clock of the page in milliseconds. The server sends one every few seconds.
    heard_ms: Cell<f64>,
    mounted: Cell<bool>,
    /// The session that this page created last, as `HOST/USER/ID`: its card gets the focus when it appears.
    awaited: RefCell<Option<String>>,
}

/// Connects the page to the board, and connects it again whenever the connection is lost.
pub(crate) fn follow(base: Base, query: RwSignal<String>, counts: RwSignal<Counts>, live: RwSignal<Live>, dialog: RwSignal<Option<OpenDialog>>) {
    let page = Rc::new(LiveState {
        base,
        store: Store::default(),
        query,
        counts,
        live,
        dialog,
        clock: RwSignal::new(0),
        view: RefCell::default(),
        socket: RefCell::default(),
        tries: Cell::new(0),
        heard_ms: Cell::new(0.0),
        mounted: Cell::new(false),
        awaited: RefCell::default(),
    });
    // An effect runs after hydration.
    Effect::new(move || {
        connect(page.clone());
        keys::listen(dialog, query);
        let clock = page.clock;
        set_interval(move || clock.update(|now| *now += u64::from(*now > 0)), Duration::from_secs(1));
        let watched = page.clone();
        set_interval(move || watch(&watched), Duration::from_secs(CHECK_SECONDS));
        let back = page.clone();
        window_event_listener_untyped("visibilitychange", move |_| {
            if back.live.get_untracked() == Live::Lost && back.socket.borrow().is_none() {
                connect(back.clone());
            }
        });
    });
}

fn connect(page: Rc<LiveState>) {
    if page.socket.borrow().is_some() {
        return;
    }
    page.heard_ms.set(now_ms());
    let (on_frame, on_close) = (page.clone(), page.clone());
    let socket = PageSocket::open(
        &page.base.board_socket(),
        Handlers {
            open: Box::new(|| ()),
            frame: Box::new(move |bytes| take(&on_frame, &bytes.to_vec())),
            close: Box::new(move |code, _| closed(on_close.clone(), code)),
        },
    );
    *page.socket.borrow_mut() = socket;
}

fn now_ms() -> f64 {
    window().performance().map_or(0.0, |p| p.now())
}

/// Closes a connection that has been silent for too long. A half-open connection sends nothing, so that the browser does not report its end.
fn watch(page: &Rc<LiveState>) {
    if page.socket.borrow().is_some() && now_ms() - page.heard_ms.get() > BOARD_SILENCE_SECONDS_MAX as f64 * 1000.0 {
        closed(page.clone(), 0);
    }
}

fn closed(page: Rc<LiveState>, code: u16) {
    page.socket.borrow_mut().take();
    if matches!(Close::of(code), Some(Close::Unauthenticated | Close::Forbidden | Close::Revoked)) {
        // The response to the reload is the login, or the reason of the refusal.
        let _ = window().location().reload();
        return;
    }
    page.live.set(Live::Lost);
    let wait = jitter_ms(page.tries.get(), RECONNECT_MS_MAX);
    page.tries.set(page.tries.get().saturating_add(1));
    set_timeout(move || connect(page), Duration::from_millis(wait.into()));
}

fn take(page: &Rc<LiveState>, bytes: &[u8]) {
    page.heard_ms.set(now_ms());
    let Ok(frame) = BoardFrame::decode(bytes) else {
        // The server was replaced by another version; its page understands its frames.
        let _ = window().location().reload();
        return;
    };
    let mut held = page.view.borrow_mut();
    match (held.as_mut(), frame) {
        (_, BoardFrame::Whole { view }) => *held = Some(view),
        (Some(view), frame) => {
            if !frame.apply(view) {
                // A frame about a host that this page does not have: only the whole view, on a new connection, brings both together again.
                drop(held);
                return closed(page.clone(), 0);
            }
        }
        (None, _) => return,
    }
    let Some(view) = held.as_ref() else { return };
    page.tries.set(0);
    page.store.take(view);
    page.clock.set(view.now);
    let counts = Counts::of(view);
    if page.counts.get_untracked() != counts {
        page.counts.set(counts);
        document().set_title(&counts.title());
    }
    if page.live.get_untracked() != Live::Yes {
        page.live.set(Live::Yes);
    }
    drop(held);
    if !page.mounted.replace(true) {
        mount(page);
    }
    focus_awaited(page);
}

fn focus_awaited(page: &Rc<LiveState>) {
    let Some(about) = page.awaited.borrow().clone() else { return };
    let page = page.clone();
    // The card is drawn by effects that run after this frame.
    request_animation_frame(move || {
        let card = document().query_selector(&format!("article[data-session='{about}'] a.open")).ok().flatten().and_then(|e| e.dyn_into::<HtmlElement>().ok());
        if let Some(card) = card {
            page.awaited.borrow_mut().take();
            let _ = card.focus();
        }
    });
}

fn mount(page: &Rc<LiveState>) {
    let element = |id: &str| document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok());
    let (Some(board), Some(body)) = (element("board"), document().body()) else { return };
    let contexts = {
        let (base, query, dialog, clock) = (page.base.clone(), page.query, page.dialog, page.clock);
        move || {
            provide_context(base.clone());
            provide_context(Query(query));
            provide_context(LivePage { dialog });
            provide_context(Clock(clock));
        }
    };
    let store = page.store.clone();
    // The browser paints only after both: the list that the server sent is removed, and the live list is in its place with the same link focused.
    let focused = document().active_element().and_then(|e| e.get_attribute("href"));
    board.set_inner_html("");
    leptos::mount::mount_to(board, {
        let contexts = contexts.clone();
        move || {
            contexts();
            view! { <List store/> }
        }
    })
    .forget();
    if let Some(href) = focused
        && let Ok(Some(link)) = document().query_selector(&format!("#board a[href='{}']", href.replace(['\'', '\\'], "")))
        && let Ok(link) = link.dyn_into::<HtmlElement>()
    {
        let _ = link.focus();
    }
    let page = PageHandle(StoredValue::new_local(page.clone()));
    leptos::mount::mount_to(body, move || {
        contexts();
        view! { <DialogHost page/> }
    })
    .forget();
}

/// The state of the page, as a value that components can copy into their closures.
#[derive(Clone, Copy)]
struct PageHandle(StoredValue<Rc<LiveState>, LocalStorage>);

/// The modal dialog element. Its content is that of the open dialog.
#[component]
fn DialogHost(page: PageHandle) -> impl IntoView {
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    let open_dialog = page.0.with_value(|p| p.dialog);
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        let open = open_dialog.read().is_some();
        if open && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    view! {
        <dialog node_ref=dialog on:close=move |_| open_dialog.set(None) on:click=move |event| {
            // A click beside the dialog's content closes it; the dialog's own box has no padding.
            if event.target() == event.current_target() { open_dialog.set(None); }
        }>
            {move || open_dialog.get().map(|open| view! { <Dialog page open/> })}
        </dialog>
    }
}

#[component]
fn Dialog(page: PageHandle, open: OpenDialog) -> impl IntoView {
    let open_dialog = page.0.with_value(|p| p.dialog);
    let posting = RwSignal::new(Posting::Idle);
    let close = Callback::new(move |_| open_dialog.set(None));
    let session = |place: &Place, id| page.0.with_value(|p| p.store.session(place, id)).map(|row| row.get_untracked());
    match open {
        OpenDialog::Create(place) => {
            let places = page.0.with_value(|p| p.view.borrow().as_ref().map(creatable).unwrap_or_default());
            let first = place.or_else(|| places.first().map(|(place, _)| place.clone())).map(|p| p.to_string()).unwrap_or_default();
            let chosen = RwSignal::new(first.clone());
            let done = Callback::new(move |answer: String| {
                let id = js_sys::JSON::parse(&answer).ok().and_then(|json| js_sys::Reflect::get(&json, &"session".into()).ok()).and_then(|id| id.as_string());
                page.0.with_value(|p| {
                    *p.awaited.borrow_mut() = id.map(|id| format!("{}/{id}", chosen.get_untracked()));
                    open_dialog.set(None);
                    focus_awaited(p);
                });
            });
            view! { <CreateForm places typed=Typed { place: first, ..Typed::default() } posting done chosen/> }.into_any()
        }
        OpenDialog::Kill(place, id) => match session(&place, id) {
            Some(session) => {
                let name = session.name.to_string();
                let done = Callback::new(move |answer: String| open_dialog.set(stayed(&name, &answer)));
                view! { <KillForm label=page.0.with_value(|p| p.store.label(&place.host)) place session posting done/> }.into_any()
            }
            None => view! { <Gone/> }.into_any(),
        },
        OpenDialog::Killed(name, kept) => view! { <Stayed name kept/> }.into_any(),
        OpenDialog::Rename(place, id) => match session(&place, id) {
            Some(session) => view! { <RenameForm place session typed=String::new() posting done=close/> }.into_any(),
            None => view! { <Gone/> }.into_any(),
        },
        OpenDialog::Keys => view! { <keys::Keys/> }.into_any(),
    }
}

/// The dialog to show after a kill: `None`, unless windows of the session stay open in other sessions.
fn stayed(name: &str, answer: &str) -> Option<OpenDialog> {
    let json = js_sys::JSON::parse(answer).ok()?;
    let field = |name: &str| js_sys::Reflect::get(&json, &name.into()).ok();
    let names = js_sys::Array::from(&field("sessions")?);
    let sessions = names.iter().filter_map(|name| name.as_string()?.parse().ok()).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of windows")]
    let windows = field("windows")?.as_f64()? as usize;
    (windows > 0).then(|| OpenDialog::Killed(name.to_owned(), Kept { windows, sessions }))
}

#[component]
fn Gone() -> impl IntoView {
    view! {
        <div class="question">
            <h3>"This session is gone"</h3>
            <p>"It ended while you were looking. Nothing was touched."</p>
            <div class="row"><CancelLink/></div>
        </div>
    }
}

/// The places where the principal may create sessions, with a label for each.
fn creatable(view: &View) -> Vec<(Place, String)> {
    super::create::places(view, |u| u.can.has(Ability::Create))
}
