//! Components that more than one page uses.

pub mod name;
pub mod post_form;
pub mod time;
