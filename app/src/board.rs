//! The port: what the pages need of the world. The server implements it over the fleet, tests over nothing.

use crate::error::{Kind, PublicError};
use leptos::prelude::*;
use muxboard_core::name::{HostKey, NewSessionName};
use muxboard_core::outcome::Created;
use muxboard_core::policy::Create;
use muxboard_core::snapshot::{Kept, Place, SessionId};
use muxboard_core::view::View;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What will be, or why not.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = Result<T, PublicError>> + Send + 'a>>;

/// The board as one principal sees it, for the pages and server functions. Every method decides for itself whether the principal may.
pub trait Board: Send + Sync {
    /// What the principal may see, from memory.
    fn view(&self) -> View;
    /// Makes a session, or finds the one that the user's own configuration makes under that name.
    fn create(&self, place: Place, wanted: Create) -> Promise<'_, Created>;
    /// Ends a session, if `typed` confirms its name, and says which of its windows stay open in other sessions.
    fn kill(&self, place: Place, session: SessionId, typed: String) -> Promise<'_, Kept>;
    /// Renames a session.
    fn rename(&self, place: Place, session: SessionId, name: NewSessionName) -> Promise<'_, ()>;
    /// Looks again, at one host or at all the principal may see.
    fn refresh(&self, host: Option<HostKey>) -> Promise<'_, ()>;
}

/// The board as the server put it into the context of this request.
pub fn expect_board() -> Result<Arc<dyn Board>, PublicError> {
    use_context::<Arc<dyn Board>>().ok_or_else(|| PublicError::new(Kind::Unauthenticated, "You are not logged in."))
}

/// A field of a form, parsed.
pub fn field<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, PublicError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e| PublicError::new(Kind::BadInput, format!("{what}: {e}.")))
}
