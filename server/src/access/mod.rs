//! Who may come in: the gates and what they are asked with, the hosts and origins a board answers to, what is counted against a source. It knows no
//! page and no URL.

pub(crate) mod allowed_hosts;
pub(crate) mod caller;
pub(crate) mod custom;
pub(crate) mod gate;
mod lockout;
pub(crate) mod peer;
pub(crate) mod proxy;
pub(crate) mod refusals;
pub(crate) mod rules;
pub(crate) mod throttle;
pub(crate) mod token;
pub(crate) mod user_map;
