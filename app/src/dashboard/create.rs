//! Create a session: the server function, and its form with a name, a directory and a startup command.

use super::dialog::{CancelLink, FormError};
use crate::base::expect_base;
use crate::error::PublicError;
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::limits::{COMMAND_BYTES_MAX, DIRECTORY_BYTES_MAX, NEW_NAME_CHARS_MAX};
use muxboard_core::snapshot::Place;
use serde::{Deserialize, Serialize};

/// The response of [`create`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAnswer {
    /// The identity of the new session.
    pub session: String,
}

/// Creates a session.
#[server(prefix = "/fn", endpoint = "create")]
pub async fn create(
    /// `HOST/USER`.
    place: String,
    /// The name of the session.
    name: String,
    /// The working directory; empty for the home directory.
    #[server(default)]
    directory: String,
    /// The startup command; empty for the user's shell.
    #[server(default)]
    command: String,
) -> Result<CreateAnswer, PublicError> {
    let run = async {
        let board = crate::board::expect_board()?;
        let wanted = muxboard_core::policy::Create {
            name: crate::board::field(&name, "name")?,
            directory: if directory.is_empty() { None } else { Some(crate::board::field(&directory, "directory")?) },
            command: if command.is_empty() { None } else { Some(crate::board::field(&command, "command")?) },
        };
        let made = board.create(crate::board::field(&place, "place")?, wanted).await?;
        Ok(CreateAnswer { session: made.session.to_string() })
    };
    crate::error::with_status(run.await)
}

/// The fields as they were typed before the server refused the form; empty in a new form.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// `HOST/USER`.
    pub place: String,
    /// The name of the session.
    pub name: String,
    /// The working directory.
    pub directory: String,
    /// The startup command.
    pub command: String,
}

/// The form that creates a session.
#[component]
pub fn CreateForm(
    /// The places where the principal may create sessions, with a label for each.
    places: Vec<(Place, String)>,
    /// The values of the fields.
    typed: Typed,
    /// The state of the post.
    posting: RwSignal<Posting>,
    /// Called with the response when the session is created.
    done: Callback<String>,
    /// Set to the name while it is typed.
    #[prop(optional)]
    name: Option<RwSignal<String>>,
    /// Set to the place when another one is chosen.
    #[prop(optional)]
    chosen: Option<RwSignal<String>>,
) -> impl IntoView {
    if places.is_empty() {
        return view! {
            <div class="question">
                <h3>"New session"</h3>
                <p>"You may not create sessions anywhere here. Whoever runs this board can grant it."</p>
                <div class="row"><CancelLink/></div>
            </div>
        }
        .into_any();
    }
    let options = places
        .into_iter()
        .map(|(place, label)| {
            let value = place.to_string();
            let selected = value == typed.place;
            view! { <option value=value selected=selected>{label}</option> }
        })
        .collect_view();
    view! {
        <PostForm action=expect_base().function("create") posting done class="question">
            <h3>"New session"</h3>
            <label>
                <span class="label">"Where"</span>
                <select name="place" on:change=move |event| if let Some(chosen) = chosen { chosen.set(event_target_value(&event)) }>{options}</select>
            </label>
            <label>
                <span class="label">"Name"</span>
                <input name="name" class="mono" value=typed.name required=true maxlength=NEW_NAME_CHARS_MAX pattern="[A-Za-z0-9_\\-]{1,64}" title="letters, digits, - and _" autocomplete="off" autocapitalize="off" spellcheck="false" autofocus=true placeholder="build"
                    on:input=move |event| if let Some(name) = name { name.set(event_target_value(&event)) }/>
            </label>
            <label>
                <span class="label">"Directory " <i>"the home directory if empty"</i></span>
                <input name="directory" class="mono" value=typed.directory maxlength=DIRECTORY_BYTES_MAX autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="~/project"/>
            </label>
            <label>
                <span class="label">"Command " <i>"a shell if empty"</i></span>
                <input name="command" class="mono" value=typed.command maxlength=COMMAND_BYTES_MAX autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="make test"/>
                <span class="hint">"Others on that host can see the command in the process list. When it ends, its last screen and exit status stay."</span>
            </label>
            <FormError posting/>
            <div class="row">
                <CancelLink/>
                <button class="button primary" disabled=move || posting.get() == Posting::Sent>{move || if posting.get() == Posting::Sent { "Creating…" } else { "Create" }}</button>
            </div>
        </PostForm>
    }
    .into_any()
}

/// The places of a view for which `may` is true, with a label for each.
pub fn places(view: &muxboard_core::view::View, may: fn(&muxboard_core::view::UserView) -> bool) -> Vec<(Place, String)> {
    let hosts = view.hosts.iter();
    hosts
        .flat_map(|h| {
            h.users
                .iter()
                .filter(|u| may(u))
                .map(|u| (Place { host: h.host.key.clone(), user: u.row.name.clone() }, format!("{} on {}", u.row.name, h.host.label)))
        })
        .collect()
}
