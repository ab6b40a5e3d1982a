//! The port: what the pages need of the world. The server implements it over the fleet, tests over nothing.

use crate::error::{Kind, PublicError};
use leptos::prelude::*;
use muxboard_core::name::NewSessionName;
use muxboard_core::outcome::Created;
use muxboard_core::policy::{Asker, Create};
use muxboard_core::snapshot::{Kept, Place, SessionId};
use muxboard_core::view::View;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What will be, or why not.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = Result<T, PublicError>> + Send + 'a>>;

/// The board as the pages and server functions see it. Every method decides for itself whether the principal may.
pub trait Board: Send + Sync {
    /// What a principal may see, from memory.
    fn view(&self, who: &Asker) -> View;
    /// Makes a session, or finds the one that the user's own configuration makes under that name.
    fn create<'a>(&'a self, who: &'a Asker, place: Place, wanted: Create) -> Promise<'a, Created>;
    /// Ends a session, if `typed` confirms its name, and says which of its windows stay open in other sessions.
    fn kill<'a>(&'a self, who: &'a Asker, place: Place, session: SessionId, typed: String) -> Promise<'a, Kept>;
    /// Renames a session.
    fn rename<'a>(&'a self, who: &'a Asker, place: Place, session: SessionId, name: NewSessionName) -> Promise<'a, ()>;
    /// Looks again, at one host or at all the principal may see.
    fn refresh<'a>(&'a self, who: &'a Asker, host: Option<muxboard_core::name::HostKey>) -> Promise<'a, ()>;
}

/// The board and who asks, as the server put them into the context of this request.
pub fn asked() -> Result<(Arc<dyn Board>, Asker), PublicError> {
    let board = use_context::<Arc<dyn Board>>();
    let who = use_context::<Asker>();
    board.zip(who).ok_or_else(|| PublicError::new(Kind::Unauthenticated, "You are not logged in."))
}

/// A field of a form, parsed.
pub fn field<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, PublicError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e| PublicError::new(Kind::BadInput, format!("{what}: {e}.")))
}
