//! Live terminals: slots (how many), lifetime (how long), and the [`Attachment`], one tmux client on one pty.

use crate::pty::Pty;
use muxboard_core::argv;
use muxboard_core::audit::AuditEvent;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits;
use muxboard_core::snapshot::SessionId;
use muxboard_core::tmux;
use muxboard_core::wire::Grid;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The limits of live terminals, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachLimits {
    /// Terminals of one principal.
    pub per_principal: usize,
    /// Terminals in total.
    pub total: usize,
    /// Life of one connection.
    pub lifetime: Duration,
    /// What may be queued for one client, in bytes.
    pub queue_bytes: usize,
    /// How long a client may take none of it.
    pub stall: Duration,
}

impl Default for AttachLimits {
    fn default() -> Self {
        Self {
            per_principal: limits::ATTACHES_PER_PRINCIPAL,
            total: limits::ATTACHES,
            lifetime: Duration::from_secs(limits::ATTACH_HOURS * 3600),
            queue_bytes: limits::QUEUE_BYTES_MAX,
            stall: Duration::from_secs(limits::STALL_SECONDS_MAX),
        }
    }
}

/// Whose terminals are open on this machine, by the tty that tmux names in its list of clients.
#[derive(Default)]
pub(crate) struct Register(Mutex<HashMap<String, String>>);

impl Register {
    pub(crate) fn principal(&self, tty: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tty).cloned()
    }
}

/// An entry of the register; taken out when dropped.
struct Registered {
    register: Arc<Register>,
    tty: String,
}

impl Registered {
    fn new(register: &Arc<Register>, tty: String, principal: String) -> Self {
        register.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tty.clone(), principal);
        Self { register: register.clone(), tty }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.register.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tty);
    }
}

/// Who holds how many slots.
pub(crate) struct Slots {
    limits: AttachLimits,
    taken: Mutex<HashMap<String, usize>>,
}

impl Slots {
    pub(crate) fn new(limits: AttachLimits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::new(HashMap::new()) })
    }

    /// A slot, if both the principal and the board have one left.
    pub(crate) fn take(self: &Arc<Self>, principal: &str) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(principal).copied().unwrap_or(0);
        if own >= self.limits.per_principal || taken.values().sum::<usize>() >= self.limits.total {
            return None;
        }
        taken.insert(principal.to_owned(), own + 1);
        Some(Slot { slots: self.clone(), principal: principal.to_owned(), deadline: Instant::now() + self.limits.lifetime })
    }
}

/// The right to one live terminal; given back when dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    principal: String,
    deadline: Instant,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.principal) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.principal);
            }
        }
    }
}

/// Reports the end of an attachment, whichever way it ends.
pub(crate) struct EndReport {
    pub(crate) audit: crate::Audit,
    pub(crate) event: AuditEvent,
}

impl Drop for EndReport {
    fn drop(&mut self) {
        (self.audit)(self.event.clone());
    }
}

/// What is opened.
pub(crate) struct Opening {
    pub(crate) session: SessionId,
    pub(crate) may_type: bool,
    pub(crate) grid: Grid,
}

/// How a terminal's output ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachEnd {
    /// tmux let the client go: detached, or the session ended.
    Ended,
    /// The session was not there any more: nothing was shown.
    Gone,
}

/// One live terminal: one tmux client on one pty. Dropping it detaches; the session lives on.
pub struct Attachment {
    registered: Registered, // before the pty: a tty that is free again may be another's
    pty: Pty,
    may_type: bool,
    grid: Grid,
    mark: Vec<u8>,
    /// The first output, as long as it can be tmux's word that the session is gone.
    early: Option<Vec<u8>>,
    slot: Slot,
    _report: EndReport,
}

impl Attachment {
    pub(crate) fn open(host: &Host, user: &User, what: Opening, slot: Slot, register: &Arc<Register>, report: EndReport) -> io::Result<Self> {
        let Opening { session, may_type, grid } = what;
        let mark = crate::sentinel();
        let argv = argv::local(host, user, &tmux::attach(session, !may_type, &mark));
        let pty = Pty::spawn(&argv, grid)?;
        let registered = Registered::new(register, pty.tty().to_owned(), slot.principal.clone());
        Ok(Self { registered, pty, may_type, grid, mark: mark.into_bytes(), early: Some(Vec::new()), slot, _report: report })
    }

    /// The tty that tmux's list of clients names. (A client behind a tty of sudo's own, `use_pty`, has another there.)
    pub(crate) fn tty(&self) -> &str {
        &self.registered.tty
    }

    /// When the connection's lifetime is over.
    pub fn deadline(&self) -> Instant {
        self.slot.deadline
    }

    /// Waits until there may be output, or the end.
    pub async fn readable(&self) {
        self.pty.readable().await;
    }

    /// Appends the output that is there now, up to about `max` bytes in all (the kernel gives at most 4 KiB at a time).
    ///
    /// # Errors
    /// How it ended, when there is no more.
    pub fn read(&mut self, into: &mut Vec<u8>, max: usize) -> Result<(), AttachEnd> {
        while into.len() < max {
            let before = into.len();
            match self.pty.read(into) {
                None => break,
                Some(0) => return Err(self.end()),
                Some(_) => self.keep(into.get(before..).unwrap_or(&[])),
            }
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(early) = &mut self.early {
            early.extend_from_slice(bytes);
            if early.len() > limits::EARLY_BYTES_MAX {
                self.early = None;
            }
        }
    }

    fn end(&self) -> AttachEnd {
        let early = self.early.as_deref().unwrap_or(&[]);
        let holds = |needle: &[u8]| early.windows(needle.len()).any(|w| w == needle);
        if holds(&self.mark) || holds(b"no server running") || holds(b"error connecting to") { AttachEnd::Gone } else { AttachEnd::Ended }
    }

    /// Whether the output so far can still turn out to be tmux's word that the session is gone.
    pub fn undecided(&self) -> bool {
        self.early.as_deref().is_some_and(|early| !early.contains(&0x1b))
    }

    /// Waits until typed bytes may be written.
    pub async fn writable(&self) {
        if self.may_type {
            self.pty.writable().await;
        }
    }

    /// Writes some of the typed bytes and says how many. A watcher's bytes end here, before the pty.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.may_type { self.pty.write(bytes) } else { Ok(bytes.len()) }
    }

    /// Its size.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Gives the terminal the size that its client asks for; a watcher's stays as it is.
    pub fn resize(&mut self, grid: Grid) {
        if self.may_type {
            self.fit(grid);
        }
    }

    /// Gives a watcher's terminal the size that the session has now; true if that is another than before.
    pub(crate) fn follow(&mut self, session: Grid) -> bool {
        let changed = !self.may_type && session != self.grid;
        if changed {
            self.fit(session);
        }
        changed
    }

    fn fit(&mut self, grid: Grid) {
        self.grid = grid;
        self.pty.resize(grid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_per_principal_and_in_total_and_given_back() {
        let slots = Slots::new(AttachLimits { per_principal: 2, total: 3, ..AttachLimits::default() });
        let first = slots.take("ann").unwrap();
        let _second = slots.take("ann").unwrap();
        assert!(slots.take("ann").is_none());
        let _third = slots.take("bob").unwrap();
        assert!(slots.take("cy").is_none());
        drop(first);
        assert!(slots.take("cy").is_some());
    }
}
