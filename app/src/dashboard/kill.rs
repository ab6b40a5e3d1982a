//! Kill a session: the server function, the form that asks for the name, and what is shown afterwards.

use super::dialog::{CancelLink, CloseLink, FormError};
use crate::base::expect_base;
use crate::error::PublicError;
use crate::ui::name::{Name, plain};
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::confirm::confirms;
use muxboard_core::limits::WINDOW_LINKS_MAX;
use muxboard_core::snapshot::{Kept, Place, Session};

/// Kills a session if `typed` is exactly its name. The response names the windows that stay open in other sessions.
#[server(prefix = "/fn", endpoint = "kill")]
pub async fn kill(
    /// `HOST/USER`.
    place: String,
    /// The identity of the session.
    session: String,
    /// The name that was typed to confirm.
    typed: String,
) -> Result<Kept, PublicError> {
    let run = async {
        let board = crate::board::expect_board()?;
        board.kill(crate::board::field(&place, "place")?, crate::board::field(&session, "session")?, typed).await
    };
    crate::error::with_status(run.await)
}

/// The form that kills a session. In the browser its button works once the name is typed.
#[component]
pub fn KillForm(
    /// The host and the user.
    place: Place,
    /// The label of the host.
    label: String,
    /// The session.
    session: Session,
    /// The state of the post.
    posting: RwSignal<Posting>,
    /// Called with the response when the session is killed.
    done: Callback<String>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let name = session.name.clone();
    let ready = move || !cfg!(feature = "hydrate") || confirms(&typed.read(), &name);
    let attached = match session.attached {
        0 => String::new(),
        1 => "1 client is attached. ".to_owned(),
        n => format!("{n} clients are attached. "),
    };
    let runs = session.current().filter(|w| w.exited.is_none()).map(|w| format!("{} is running. ", w.command)).unwrap_or_default();
    let ends = ends(session.windows.len(), &session.kept());
    view! {
        <PostForm action=expect_base().function("kill") posting done class="question">
            <h3>"Kill " <Name text=session.name.to_string()/> " on " {label} "?"</h3>
            <p>{attached} {runs} <bdi>{ends}</bdi> " Type the name to confirm."</p>
            <input type="hidden" name="place" value=place.to_string()/>
            <input type="hidden" name="session" value=session.id.to_string()/>
            <label>
                <span class="label">"Session name"</span>
                <input name="typed" class="mono" required=true autocomplete="off" autocapitalize="off" spellcheck="false" autofocus=true on:input=move |event| typed.set(event_target_value(&event))/>
            </label>
            <FormError posting/>
            <div class="row">
                <CancelLink/>
                <button class="button danger" disabled=move || !ready() || posting.get() == Posting::Sent>"Kill session"</button>
            </div>
        </PostForm>
    }
}

/// The sentences that say what the kill of a session with this many windows ends, and what stays.
fn ends(windows: usize, kept: &Kept) -> String {
    let all = if windows == 1 { "its 1 window".to_owned() } else { format!("its {windows} windows") };
    match windows.saturating_sub(kept.windows) {
        _ if kept.windows == 0 => format!("This ends every program in {all}."),
        0 => format!("This ends no program: {}", stay(kept)),
        ended => format!("This ends every program in {ended} of {all}. {}", stay(kept)),
    }
}

/// The sentence that says how many windows stay open and where: `2 windows stay open in g2 and g3.`
pub(super) fn stay(kept: &Kept) -> String {
    let mut names: Vec<String> = kept.sessions.iter().map(|name| plain(name.as_str())).collect();
    let last = if names.len() < WINDOW_LINKS_MAX { names.pop().unwrap_or_default() } else { "other sessions".to_owned() };
    let places = if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) };
    let (what, verb) = if kept.windows == 1 { ("1 window".to_owned(), "stays") } else { (format!("{} windows", kept.windows), "stay") };
    format!("{what} {verb} open in {places}.")
}

/// The windows that stayed open after a kill.
#[component]
pub fn Stayed(
    /// The name of the session that was killed.
    name: String,
    /// The windows that stay open in other sessions.
    kept: Kept,
) -> impl IntoView {
    view! {
        <div class="question" role="status">
            <h3>"Killed " <Name text=name/></h3>
            <p><bdi>{stay(&kept)}</bdi></p>
            <div class="row"><CloseLink/></div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_ends_and_what_stays() {
        let kept = |windows, names: &[&str]| Kept { windows, sessions: names.iter().map(|n| n.parse().unwrap()).collect() };
        for (windows, kept, want) in [
            (1, kept(0, &[]), "This ends every program in its 1 window."),
            (2, kept(0, &[]), "This ends every program in its 2 windows."),
            (1, kept(1, &["g2"]), "This ends no program: 1 window stays open in g2."),
            (2, kept(2, &["g2", "g3"]), "This ends no program: 2 windows stay open in g2 and g3."),
            (3, kept(1, &["z"]), "This ends every program in 2 of its 3 windows. 1 window stays open in z."),
            (1, kept(1, &["a", "b", "c", "d", "e", "f", "g", "h"]), "This ends no program: 1 window stays open in a, b, c, d, e, f, g, h and other sessions."),
        ] {
            assert_eq!(ends(windows, &kept), want);
        }
    }
}
