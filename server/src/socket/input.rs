//! What was typed and waits for a program that does not read yet, and which parts of it belong to a paste whose sender waits for word.

use muxboard_core::limits::INPUT_BYTES_MAX;
use std::collections::VecDeque;

/// Typed bytes, in order.
#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// Where each part of a paste ends, counted from the first of the bytes, and how long it is.
    pastes: VecDeque<(usize, usize)>,
}

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
        assert_eq!(input.written(3), 0);
        assert_eq!(input.waiting(), b"def");
        assert_eq!(input.written(1), 3);
        assert_eq!(input.written(2), 1);
        assert!(input.waiting().is_empty() && input.has_room());
    }
}
