//! The dashboard. The server puts the list of sessions into the HTML. That list is the first paint, and it is what a page without JavaScript or
//! without a connection shows. On a live page the first frame from the board replaces it with a list that the same components draw, and that follows
//! the board. The list is therefore not hydrated, and its facts are not sent a second time for hydration.

pub mod card;
pub mod create;
pub mod dialog;
pub mod dismiss;
pub mod fault;
pub mod filter;
#[cfg(feature = "hydrate")]
pub mod keys;
pub mod kill;
pub mod list;
#[cfg(feature = "hydrate")]
pub(crate) mod live;
pub mod page;
pub mod refresh;
pub mod rename;
mod status;
pub mod store;

pub use page::{BoardPage, Dashboard, DashboardProps, ServerHtml};
pub use status::{Counts, Live, many};
