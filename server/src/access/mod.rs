//! Access control: the gates, the hosts and origins that a board answers to, the counts of requests and failures by source. It knows no page and no
//! URL.

pub(crate) mod allowed_hosts;
pub(crate) mod caller;
pub(crate) mod custom;
pub(crate) mod gate;
mod lockout;
pub(crate) mod login_path;
pub(crate) mod peer;
pub(crate) mod proxy;
pub(crate) mod refusals;
pub(crate) mod rules;
pub(crate) mod throttle;
pub(crate) mod token;
pub(crate) mod user_map;
