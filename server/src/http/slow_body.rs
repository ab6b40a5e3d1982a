//! The pace at which a client must send a request's body or a file. Only the time that muxboard waits for the client counts.

use futures_util::{Stream, StreamExt};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The time that one client has taken, and what it has sent in that time.
pub(super) struct BodyPace {
    /// The time that the client has before its first byte, in addition to what its bytes earn.
    grace: Duration,
    bytes_per_second_min: u64,
    waited: Duration,
    received: u64,
}

/// The client sends more slowly than it may.
pub(super) struct TooSlow;

impl BodyPace {
    pub(super) fn new(grace: Duration, bytes_per_second_min: u64) -> Self {
        Self { grace, bytes_per_second_min, waited: Duration::ZERO, received: 0 }
    }

    /// The number of received bytes.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The time that the client has left.
    pub(super) fn left(&self) -> Duration {
        let allowed = self.grace + Duration::from_millis(self.received.saturating_mul(1000) / self.bytes_per_second_min);
        allowed.saturating_sub(self.waited)
    }

    fn note(&mut self, waited: Duration, bytes: usize) {
        self.waited += waited;
        self.received = self.received.saturating_add(bytes as u64);
    }

    /// Waits for the next part, for the time that is left but at most for `at_once`.
    pub(super) async fn next<B: AsRef<[u8]>, E>(
        &mut self,
        parts: &mut (impl Stream<Item = Result<B, E>> + Unpin),
        at_once: Duration,
    ) -> Result<Option<Result<B, E>>, TooSlow> {
        let began = Instant::now();
        let part = timeout(self.left().min(at_once), parts.next()).await.map_err(|_| TooSlow)?;
        self.note(began.elapsed(), part.as_ref().and_then(|part| part.as_ref().ok()).map_or(0, |part| part.as_ref().len()));
        Ok(part)
    }
}

/// Whether so many parts of that size may come, each after that time.
#[cfg(test)]
pub(super) fn may_come(mut pace: BodyPace, at_once: Duration, parts: usize, bytes: usize, every: Duration) -> bool {
    (0..parts).all(|_| {
        let may = every < pace.left().min(at_once);
        pace.note(every, bytes);
        may
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    #[tokio::test]
    async fn a_part_that_does_not_come_is_given_up_and_those_that_come_are_counted() {
        let mut pace = BodyPace::new(Duration::from_secs(3600), 1);
        let mut two = stream::iter([Ok::<_, ()>("ab"), Ok("c")]);
        while let Ok(Some(Ok(_))) = pace.next(&mut two, Duration::MAX).await {}
        assert_eq!(pace.received(), 3);
        let mut never = stream::pending::<Result<&str, ()>>();
        assert!(pace.next(&mut never, Duration::ZERO).await.is_err(), "no longer than at once");
        assert!(BodyPace::new(Duration::ZERO, 1).next(&mut never, Duration::MAX).await.is_err(), "no longer than is left");
    }
}
