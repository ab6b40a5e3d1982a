//! Refresh: the server function that sweeps hosts now, and its buttons.

use crate::base::expect_base;
use crate::error::PublicError;
use crate::ui::post_form::{PostForm, Posting};
use leptos::prelude::*;
use muxboard_core::name::HostKey;

/// Sweeps one host now, or all hosts that the principal may see if `host` is empty.
#[server(prefix = "/fn", endpoint = "refresh")]
pub async fn refresh(
    /// The key of the host, or empty.
    #[server(default)]
    host: String,
) -> Result<(), PublicError> {
    let run = async {
        let board = crate::board::expect_board()?;
        let host = if host.is_empty() { None } else { Some(crate::board::field(&host, "host")?) };
        board.refresh(host).await
    };
    crate::error::with_status(run.await)
}

/// The button that sweeps all hosts.
#[component]
pub fn RefreshAll() -> impl IntoView {
    view! { <RefreshForm host=String::new() label="Refresh all hosts".to_owned()/> }
}

/// The button that sweeps one host.
#[component]
pub fn RefreshHost(
    /// The key of the host.
    key: HostKey,
) -> impl IntoView {
    view! { <RefreshForm label=format!("Refresh {key}") host=key.to_string()/> }
}

#[component]
fn RefreshForm(host: String, label: String) -> impl IntoView {
    let posting = RwSignal::new(Posting::Idle);
    let busy = move || posting.get() == Posting::Sent;
    let title = {
        let label = label.clone();
        move || match posting.get() {
            Posting::Refused(says) => says,
            _ => label.clone(),
        }
    };
    view! {
        <PostForm action=expect_base().function("refresh") posting done=Callback::new(|_| ()) class="refresh">
            <input type="hidden" name="host" value=host/>
            <button class="button small" class:busy=busy class:refused=move || matches!(posting.get(), Posting::Refused(_)) aria-label=label title=title><span aria-hidden="true">"↻"</span></button>
        </PostForm>
    }
}
