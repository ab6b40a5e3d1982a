//! The dashboard. The list of sessions is in the HTML, made by the same components as the living one: the first paint, the page without
//! JavaScript and the page without a connection are that list. In a living page the board's first frame puts the living list in its
//! place, so the facts are never sent twice and nothing has to match byte for byte.

pub mod card;
pub mod create;
pub mod dialog;
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

pub use crate::base::expect_base;
pub use page::{BoardPage, Dashboard, DashboardProps, ServerHtml, ServerHtml as AsSent};
pub use status::{Counts, Live, many};
