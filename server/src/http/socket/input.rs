//! What was typed and waits for a program that does not read yet, and which parts of it belong to a paste whose sender waits for word.

use muxboard_core::limits::INPUT_BYTES_MAX;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Typed bytes, in order.
#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// Where each part of a paste ends, counted from the first of the bytes, and how long it is.
    pastes: VecDeque<(usize, usize)>,
    /// Until when what was pasted may be on its way to its program.
    pasting_until: Option<Instant>,
}

/// What the slowest line that we think of takes of a paste in a second, in bytes, and the most that can be on its way: ssh's window.
const PASTE_BYTES_PER_SECOND: u64 = 16 * 1024;
const PASTE_BYTES_UNDER_WAY: u64 = 2 << 20;

impl Input {
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < INPUT_BYTES_MAX
    }

    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn typed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn pasted(&mut self, bytes: &[u8]) {
        self.typed(bytes);
        self.pastes.push_back((self.bytes.len(), bytes.len()));
        let (now, part) = (Instant::now(), Duration::from_millis(bytes.len() as u64 * 1000 / PASTE_BYTES_PER_SECOND));
        let soon = now + Duration::from_secs(1);
        let last = now + Duration::from_secs(PASTE_BYTES_UNDER_WAY / PASTE_BYTES_PER_SECOND);
        self.pasting_until = Some((self.pasting_until.unwrap_or(soon).max(soon) + part).min(last));
    }

    /// Whether a paste may be on its way to its program: a terminal that took this one's place would lose what is left of it, and knows of no bracket.
    pub(super) fn is_pasting(&self) -> bool {
        self.pasting_until.is_some_and(|until| Instant::now() < until)
    }

    /// So many bytes were written: says how many bytes of pastes came to their end with them.
    pub(super) fn written(&mut self, count: usize) -> usize {
        self.bytes.drain(..count.min(self.bytes.len()));
        let mut done = 0;
        self.pastes.retain_mut(|(end, length)| {
            let over = *end <= count;
            *end = end.saturating_sub(count);
            done += if over { *length } else { 0 };
            !over
        });
        done
    }

    /// Nothing of it is for anybody any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Whether typed bytes are a key that wants an answer: Ctrl-C and all other control characters, Enter, Escape, arrows, tmux's prefix. Text that flows is none.
pub(super) fn is_key(typed: &[u8]) -> bool {
    typed.len() <= 8 && typed.iter().any(|byte| *byte < 0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_is_said_to_be_written_when_its_last_byte_is() {
        let mut input = Input::default();
        input.typed(b"a");
        input.pasted(b"bcd");
        input.typed(b"e");
        input.pasted(b"f");
        assert!(input.is_pasting(), "a terminal that took its place now would lose what is on its way");
        assert_eq!(input.written(3), 0);
        assert_eq!(input.waiting(), b"def");
        assert_eq!(input.written(1), 3);
        assert_eq!(input.written(2), 1);
        assert!(input.waiting().is_empty() && input.has_room());
    }
}
