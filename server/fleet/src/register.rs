//! Whose each open terminal is, by the tty that tmux names in its list of clients.

use crate::lock::lock;
use muxboard_core::snapshot::Place;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::time::Instant;

/// The principals of all open terminals, by host, user and the tty that tmux names in its list of clients.
#[derive(Default)]
pub(crate) struct Register(Mutex<HashMap<(Place, String), String>>);

impl Register {
    /// The principal whose terminal is on this tty. The user's own tmux reports the tty, so it is looked up among that user's terminals only.
    pub(crate) fn principal(&self, place: &Place, tty: &str) -> Option<String> {
        lock(&self.0).get(&(place.clone(), tty.to_owned())).cloned()
    }
}

/// A terminal's entry in the register, removed when dropped.
pub(crate) struct Registered {
    register: Arc<Register>,
    place: Place,
    principal: String,
    /// The tty that we opened.
    outer: String,
    opened: Instant,
    /// The tty behind `outer` that tmux lists, where sudo has put one of its own between the two.
    inner: OnceLock<String>,
    /// When [`Registered::tty`] became known to be the one that tmux lists.
    settled: OnceLock<Instant>,
}

impl Registered {
    pub(crate) fn new(register: &Arc<Register>, place: Place, tty: &str, principal: String) -> Self {
        let (inner, settled) = (OnceLock::new(), OnceLock::new());
        let new = Self { register: register.clone(), place, principal, outer: tty.to_owned(), opened: Instant::now(), inner, settled };
        new.enter(tty);
        new
    }

    fn enter(&self, tty: &str) {
        lock(&self.register.0).insert((self.place.clone(), tty.to_owned()), self.principal.clone());
    }

    /// The tty in tmux's list of clients, as far as it is known.
    pub(crate) fn tty(&self) -> &str {
        self.inner.get().unwrap_or(&self.outer)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// When [`Registered::tty`] became known to be the one that tmux lists; `None` while it is not.
    pub(crate) fn settled(&self) -> Option<Instant> {
        self.settled.get().copied()
    }

    /// Records the tty that tmux lists instead of ours; with `None`, that tmux lists ours. Only the first call counts.
    pub(crate) fn settle(&self, inner: Option<String>) {
        if let Some(inner) = inner
            && self.settled.get().is_none()
        {
            self.enter(&inner);
            let _ = self.inner.set(inner);
        }
        let _ = self.settled.set(Instant::now());
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut all = lock(&self.register.0);
        for tty in self.inner.get().into_iter().chain([&self.outer]) {
            all.remove(&(self.place.clone(), tty.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tty_is_looked_up_among_its_own_users_terminals_alone() {
        let register = Arc::new(Register::default());
        let _hers = Registered::new(&register, "h/ann".parse().unwrap(), "/dev/pts/3", "ann@example.org".into());
        assert_eq!(register.principal(&"h/ann".parse().unwrap(), "/dev/pts/3").as_deref(), Some("ann@example.org"));
        assert_eq!(register.principal(&"h/bob".parse().unwrap(), "/dev/pts/3"), None);
    }

    #[test]
    fn both_ttys_of_a_terminal_behind_sudo_leave_the_register_with_it() {
        let register = Arc::new(Register::default());
        let place: Place = "h/ann".parse().unwrap();
        let hers = Registered::new(&register, place.clone(), "/dev/pts/3", "ann@example.org".into());
        hers.settle(Some("/dev/pts/4".into()));
        hers.settle(Some("/dev/pts/5".into()));
        assert_eq!(hers.tty(), "/dev/pts/4");
        assert_eq!(register.principal(&place, "/dev/pts/4").as_deref(), Some("ann@example.org"));
        drop(hers);
        assert!(register.0.lock().unwrap().is_empty());
    }
}
