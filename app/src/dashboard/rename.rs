//! Rename a session: the server function and its form.

use super::dialog::{CancelLink, FormError};
use crate::base::expect_base;
use crate::error::PublicError;
use crate::ui::name::Name;
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::limits::NEW_NAME_CHARS_MAX;
use muxboard_core::snapshot::{Place, Session};

/// Renames a session.
#[server(prefix = "/fn", endpoint = "rename")]
pub async fn rename(
    /// `HOST/USER`.
    place: String,
    /// The identity of the session.
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

/// The form that renames a session.
#[component]
pub fn RenameForm(
    /// The host and the user.
    place: Place,
    /// The session.
    session: Session,
    /// The value of the field: what was typed before the server refused the form, or empty.
    typed: String,
    /// The state of the post.
    posting: RwSignal<Posting>,
    /// Called when the session is renamed.
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
