//! Byte credit for one client, a state machine without a clock: how much output may be under way that the client has not yet taken.

/// What may still be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    window_bytes: u32,
    under_way_bytes: u32,
}

impl Credit {
    /// With a window of that many bytes and nothing under way.
    pub fn new(window_bytes: u32) -> Self {
        Self { window_bytes, under_way_bytes: 0 }
    }

    /// How many bytes may be sent now; at zero, the source is not read.
    pub fn room(&self) -> usize {
        self.window_bytes.saturating_sub(self.under_way_bytes) as usize
    }

    /// That many bytes were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.under_way_bytes = self.under_way_bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// The client says it took that many. A client that claims more than it got gains nothing.
    pub fn taken(&mut self, bytes: u32) {
        self.under_way_bytes = self.under_way_bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_spent_and_earned_and_never_invented() {
        let mut credit = Credit::new(100);
        credit.sent(70);
        assert_eq!(credit.room(), 30);
        credit.sent(50);
        assert_eq!(credit.room(), 0);
        credit.taken(40);
        assert_eq!(credit.room(), 20);
        credit.taken(u32::MAX);
        assert_eq!(credit.room(), 100);
    }
}
