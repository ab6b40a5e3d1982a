//! Bounds on new sessions: of one principal in a time, and of one user in all. A tmux server without a free open file answers nobody again.

use crate::error::ActionError;
use crate::hosts::HostEntry;
use muxboard_core::inventory::{Reach, User};
use muxboard_core::limits::{CREATIONS_PER_PRINCIPAL, CREATIONS_SECONDS, SERVER_FILES_SPARE, WINDOWS_PER_USER_MAX};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The times of each principal's newest creations.
#[derive(Debug, Default)]
pub(crate) struct Creations(Mutex<HashMap<String, VecDeque<Instant>>>);

impl Creations {
    /// Counts a creation of a principal. False when the principal has made as many as one may in the time.
    pub(crate) fn allow(&self, principal: &str) -> bool {
        self.allow_at(principal, Instant::now())
    }

    fn allow_at(&self, principal: &str, now: Instant) -> bool {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|_, times| {
            times.retain(|at| now.saturating_duration_since(*at) < Duration::from_secs(CREATIONS_SECONDS));
            !times.is_empty()
        });
        let times = made.entry(principal.to_owned()).or_default();
        let allowed = times.len() < CREATIONS_PER_PRINCIPAL;
        if allowed {
            times.push_back(now);
        }
        allowed
    }

    /// Checks that one more session may be made, as of the last look, and counts it; each creation is followed by a look.
    ///
    /// # Errors
    /// When the user's tmux server would run out of open files, or the principal has made too many sessions lately.
    pub(crate) fn check(&self, entry: &HostEntry, user: &User, principal: &str) -> Result<(), ActionError> {
        let (windows, server) = {
            let host = entry.row.borrow();
            let sessions = host.users.iter().filter(|row| row.name == user.name).flat_map(|row| row.sessions());
            sessions.fold((0, None), |(windows, _), session| (windows + session.windows.len(), Some(session.id.server_pid)))
        };
        let files = server.filter(|_| entry.host.reach == Reach::Local).and_then(|pid| files_of(&std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?));
        let most = files.map_or(WINDOWS_PER_USER_MAX, |files| WINDOWS_PER_USER_MAX.min(files.saturating_sub(SERVER_FILES_SPARE)));
        if windows >= most {
            return Err(ActionError::WindowsReached(windows));
        }
        if self.allow(principal) { Ok(()) } else { Err(ActionError::CreationsReached) }
    }
}

/// The number of open files that a process may have, from the text of its `/proc/PID/limits`.
fn files_of(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_makes_so_many_sessions_in_a_time_and_no_more() {
        let (creations, now) = (Creations::default(), Instant::now());
        let later = now + Duration::from_secs(CREATIONS_SECONDS);
        assert!((0..CREATIONS_PER_PRINCIPAL).all(|_| creations.allow_at("ann", now)));
        assert_eq!(["ann", "bob"].map(|who| creations.allow_at(who, now)), [false, true]);
        assert!(creations.allow_at("ann", later));
        assert_eq!(creations.0.lock().unwrap().len(), 1, "nothing is kept of who makes none");
    }

    #[test]
    fn the_open_files_of_a_server_are_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            64                   20000                files     \n";
        assert_eq!((files_of(limits), files_of("Max open files unlimited"), files_of("")), (Some(64), None, None));
        assert!(files_of(&std::fs::read_to_string("/proc/self/limits").unwrap()).is_some());
    }
}
