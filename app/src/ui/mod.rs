//! Wordless parts.

pub mod name;
pub mod post_form;
pub mod time;
