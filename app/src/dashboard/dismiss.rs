//! "Done": the server function and the button by which a person says that a session needs nobody any more.

use crate::base::expect_base;
use crate::error::PublicError;
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::snapshot::{Place, SessionId, UnixSeconds};

/// Takes it that nobody is needed for what a session has needed somebody for.
#[server(prefix = "/fn", endpoint = "dismiss")]
pub async fn dismiss(
    /// `HOST/USER`.
    place: String,
    /// The identity of the session.
    session: String,
    /// Since when the session needs somebody, as the page shows it: a need that came later stands.
    until: String,
) -> Result<(), PublicError> {
    let run = async {
        let board = crate::board::expect_board()?;
        board.dismiss(crate::board::field(&place, "place")?, crate::board::field(&session, "session")?, crate::board::field(&until, "until")?).await
    };
    crate::error::with_status(run.await)
}

/// The button that dismisses a session's need.
#[component]
pub fn DoneButton(
    /// The host and the user.
    place: Place,
    /// The identity of the session.
    session: SessionId,
    /// Since when the session needs somebody.
    #[prop(into)]
    until: Signal<UnixSeconds>,
) -> impl IntoView {
    let posting = RwSignal::new(Posting::Idle);
    let title = move || match posting.get() {
        Posting::Refused(says) => says,
        _ => "Nobody is needed for this any more".to_owned(),
    };
    view! {
        <PostForm action=expect_base().function("dismiss") posting done=Callback::new(|_| ()) class="done">
            <input type="hidden" name="place" value=place.to_string()/>
            <input type="hidden" name="session" value=session.to_string()/>
            <input type="hidden" name="until" value=move || until.get().to_string()/>
            <button class="button small" class:refused=move || matches!(posting.get(), Posting::Refused(_)) disabled=move || posting.get() == Posting::Sent title=title>"Done"</button>
        </PostForm>
    }
}
