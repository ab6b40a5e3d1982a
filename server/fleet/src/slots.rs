//! How many of something there are at one moment: in all, and of one principal, so that nobody takes it all.

use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Who holds how many slots.
#[derive(Debug)]
pub struct Slots {
    total: usize,
    per_principal: usize,
    taken: Mutex<HashMap<String, usize>>,
}

impl Slots {
    /// As many in total, and as many of one principal.
    pub fn new(total: usize, per_principal: usize) -> Arc<Self> {
        Arc::new(Self { total, per_principal, taken: Mutex::default() })
    }

    /// A slot, if both the principal and the board have one left.
    pub fn take(self: &Arc<Self>, principal: &str) -> Option<Slot> {
        let mut taken = lock(&self.taken);
        let own = taken.get(principal).copied().unwrap_or(0);
        if own >= self.per_principal || taken.values().sum::<usize>() >= self.total {
            return None;
        }
        taken.insert(principal.to_owned(), own + 1);
        Some(Slot { slots: self.clone(), principal: principal.to_owned() })
    }
}

/// The right to one; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    principal: String,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.slots.taken);
        if let Some(own) = taken.get_mut(&self.principal) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_per_principal_and_in_total_and_given_back() {
        let slots = Slots::new(3, 2);
        let first = slots.take("ann").unwrap();
        let _second = slots.take("ann").unwrap();
        assert!(slots.take("ann").is_none());
        let _third = slots.take("bob").unwrap();
        assert!(slots.take("cy").is_none());
        drop(first);
        assert!(slots.take("cy").is_some());
    }
}
