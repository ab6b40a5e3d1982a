//! Rename.

use super::dialog::{CancelLink, FormError};
use crate::base::expect_base;
use crate::error::PublicError;
use crate::ui::name::Name;
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::limits::NEW_NAME_CHARS_MAX;
use muxboard_core::snapshot::{Place, Session};

/// Gives a session another name.
#[server(prefix = "/fn", endpoint = "rename")]
pub async fn rename(
    /// `HOST/USER`.
    place: String,
    /// The session's identity.
    session: String,
    /// The new name.
    name: String,
) -> Result<(), PublicError> {
    let run = async {
        let board = crate::board::expect_board()?;
        board.rename(crate::board::field(&place, "place")?, crate::board::field(&session, "session")?, crate::board::field(&name, "name")?).await
    };
    crate::error::with_status(run.await)
}

/// The question.
#[component]
pub fn RenameForm(
    /// Where the session is.
    place: Place,
    /// The session.
    session: Session,
    /// What was typed before, after a refusal.
    typed: String,
    /// How the form stands.
    posting: RwSignal<Posting>,
    /// Called when it is done.
    done: Callback<String>,
) -> impl IntoView {
    view! {
        <PostForm action=expect_base().function("rename") posting done class="question">
            <h3>"Rename " <Name text=session.name.to_string()/></h3>
            <p>"Programs in it go on. Links to the old name stop working."</p>
            <input type="hidden" name="place" value=place.to_string()/>
            <input type="hidden" name="session" value=session.id.to_string()/>
            <label>
                <span class="label">"New name"</span>
                <input name="name" class="mono" value=typed required=true maxlength=NEW_NAME_CHARS_MAX pattern="[A-Za-z0-9_\\-]{1,64}" title="letters, digits, - and _" autocomplete="off" autocapitalize="off" spellcheck="false" autofocus=true/>
            </label>
            <FormError posting/>
            <div class="row">
                <CancelLink/>
                <button class="button primary" disabled=move || posting.get() == Posting::Sent>"Rename"</button>
            </div>
        </PostForm>
    }
}
