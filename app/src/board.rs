//! The interface between the pages and the server: the pages call it, and the server implements it over the fleet.

use crate::error::{Kind, PublicError};
use leptos::prelude::*;
use muxboard_core::name::{HostKey, NewSessionName};
use muxboard_core::outcome::Created;
use muxboard_core::policy::Create;
use muxboard_core::snapshot::{Kept, Place, SessionId, UnixSeconds};
use muxboard_core::view::View;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The future result of a method of [`Board`], or the error to show.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = Result<T, PublicError>> + Send + 'a>>;

/// What the pages and the server functions ask the server for, as one principal may. Every method checks that the principal may do what it does.
pub trait Board: Send + Sync {
    /// The part of the last snapshot that the principal may see. No host is asked.
    fn view(&self) -> View;
    /// Creates a session, or finds the one that the user's own tmux configuration creates under that name.
    fn create(&self, place: Place, wanted: Create) -> Promise<'_, Created>;
    /// Kills a session if `typed` is its name. Returns the windows that stay open in other sessions.
    fn kill(&self, place: Place, session: SessionId, typed: String) -> Promise<'_, Kept>;
    /// Renames a session.
    fn rename(&self, place: Place, session: SessionId, name: NewSessionName) -> Promise<'_, ()>;
    /// Takes it that nobody is needed for what a session has needed somebody for, up to a time.
    fn dismiss(&self, place: Place, session: SessionId, until: UnixSeconds) -> Promise<'_, ()>;
    /// Sweeps one host now, or all hosts that the principal may see.
    fn refresh(&self, host: Option<HostKey>) -> Promise<'_, ()>;
}

/// The board for the principal of this request, from the context that the server provides.
///
/// # Errors
/// The request has no principal.
pub fn expect_board() -> Result<Arc<dyn Board>, PublicError> {
    use_context::<Arc<dyn Board>>().ok_or_else(|| PublicError::new(Kind::Unauthenticated, "You are not logged in."))
}

/// Parses a field of a form.
///
/// # Errors
/// The text is not valid; the sentence calls the field `what`.
pub fn field<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, PublicError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e| PublicError::new(Kind::BadInput, format!("{what}: {e}.")))
}
