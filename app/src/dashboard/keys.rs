//! Keyboard shortcuts of the dashboard: everything on it can be done without a mouse.

use super::dialog::{CancelLink, OpenDialog};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, KeyboardEvent};

/// The keys and what each does, as the help shows them. [`listen`] implements them.
const KEYS: [(&str, &str); 9] = [
    ("/", "filter"),
    ("Esc", "clear the filter, clear the filter, close a dialog"),
    ("↓ → · ↑ ←", "next, previous session"),
    ("Enter", "open the session"),
    ("w", "watch the session: look without typing"),
    ("n", "new session"),
    ("x", "kill the session"),
    ("r", "refresh all hosts"),
    ("?", "these keys"),
];

/// Handles the shortcuts until the page is closed. Does nothing while a dialog is open.
pub(super) fn listen(dialog: RwSignal<Option<OpenDialog>>, query: RwSignal<String>) {
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || dialog.get_untracked().is_some() {
            return;
        }
        let filter = filter_box();
        let typing =
            event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok()).is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA"));
        let done = if typing { in_filter(&event, filter, query) } else { on_page(&event, filter, dialog, query) };
        if done {
            event.prevent_default();
        }
    });
    std::mem::forget(handle);
}

fn filter_box() -> Option<HtmlInputElement> {
    document().get_element_by_id("filter").and_then(|e| e.dyn_into().ok())
}

fn in_filter(event: &KeyboardEvent, filter: Option<HtmlInputElement>, query: RwSignal<String>) -> bool {
    let Some(filter) = filter.filter(|f| event.target().as_deref() == Some(f.as_ref())) else { return false };
    match event.key().as_str() {
        "Escape" => clear(&filter, query),
        // The filter is live; Enter goes on to what it found.
        "Enter" | "ArrowDown" => step(1),
        _ => return false,
    }
    true
}

fn clear(filter: &HtmlInputElement, query: RwSignal<String>) {
    filter.set_value("");
    query.set(String::new());
    let _ = filter.blur();
}

fn on_page(event: &KeyboardEvent, filter: Option<HtmlInputElement>, dialog: RwSignal<Option<OpenDialog>>, query: RwSignal<String>) -> bool {
    match (event.key().as_str(), filter) {
        ("/", Some(filter)) => {
            let _ = filter.focus();
            filter.select();
        }
        ("Escape", Some(filter)) if !query.read_untracked().is_empty() => clear(&filter, query),
        ("n", _) => dialog.set(Some(OpenDialog::Create(None))),
        ("?", _) => dialog.set(Some(OpenDialog::Keys)),
        ("r", _) => click(".bar form.refresh button"),
        ("ArrowDown" | "ArrowRight" | "j", _) => step(1),
        ("ArrowUp" | "ArrowLeft" | "k", _) => step(-1),
        ("x", _) => return in_card("a.danger"),
        ("w", _) => return in_card(".buttons > a"),
        _ => return false,
    }
    true
}

fn click(selector: &str) {
    if let Some(element) = document().query_selector(selector).ok().flatten().and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Clicks an element in the card that has the focus. False if there is none.
fn in_card(selector: &str) -> bool {
    let card = document().active_element().and_then(|e| e.closest("article").ok().flatten());
    let target = card.and_then(|c| c.query_selector(selector).ok().flatten()).and_then(|e| e.dyn_into::<HtmlElement>().ok());
    target.inspect(|t| t.click()).is_some()
}

/// Moves the focus `by` visible sessions on, or back if it is negative.
fn step(by: i32) {
    let Ok(all) = document().query_selector_all("#board .card:not([hidden]) a.open") else { return };
    let links: Vec<HtmlElement> =
        (0..all.length()).filter_map(|i| all.get(i)).filter_map(|n| n.dyn_into().ok()).filter(|e: &HtmlElement| e.offset_parent().is_some()).collect();
    let active = document().active_element();
    let at = links.iter().position(|l| active.as_deref() == Some(l.as_ref()));
    let count = i32::try_from(links.len()).unwrap_or(0);
    let next = match at.and_then(|at| i32::try_from(at).ok()) {
        Some(at) => (at + by).clamp(0, count - 1),
        None if by > 0 => 0,
        None => count - 1,
    };
    if let Some(link) = usize::try_from(next).ok().and_then(|n| links.get(n)) {
        let _ = link.focus();
    }
}

/// The list of keyboard shortcuts.
#[component]
pub fn Keys() -> impl IntoView {
    let rows = KEYS.into_iter().map(|(key, does)| view! { <dt><kbd>{key}</kbd></dt> <dd>{does}</dd> }).collect_view();
    view! {
        <div class="question">
            <h3>"Keys"</h3>
            <dl class="keys">{rows}</dl>
            <div class="row"><CancelLink/></div>
        </div>
    }
}
