//! The body of a request, with a limit of time. Whoever sends one slowly holds a connection, before anybody knows who it is.

use axum::body::{Body, HttpBody};
use futures_util::{StreamExt, stream};
use muxboard_core::limits::{BODY_BYTES_PER_SECOND_MIN, HEAD_SECONDS_MAX};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a client may let us wait, in all, once it has sent so many bytes.
fn patience(bytes: u64) -> Duration {
    Duration::from_secs(HEAD_SECONDS_MAX) + Duration::from_millis(bytes.saturating_mul(1000) / BODY_BYTES_PER_SECOND_MIN)
}

/// The same body, which fails when its client is too slow. Only the time that we wait for the client counts: what the reader of the body needs for
/// it (an upload goes to another machine) does not.
pub(super) fn timed(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let from_the_start = (body.into_data_stream(), Duration::ZERO, 0_u64);
    Body::from_stream(stream::try_unfold(from_the_start, |(mut data, mut waited, mut taken)| async move {
        let began = Instant::now();
        let Ok(next) = timeout(patience(taken).saturating_sub(waited), data.next()).await else {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the body of the request came too slowly"));
        };
        waited += began.elapsed();
        let Some(bytes) = next.transpose().map_err(io::Error::other)? else { return Ok(None) };
        taken = taken.saturating_add(bytes.len() as u64);
        Ok(Some((bytes, (data, waited, taken))))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use tokio::time::sleep;

    /// So many pieces of that size, each after that time.
    async fn comes(pieces: u32, bytes: usize, every: Duration) -> bool {
        let pieces = stream::unfold(0, move |sent| async move {
            sleep(every).await;
            (sent < pieces).then(|| (Ok::<_, io::Error>(vec![b'x'; bytes]), sent + 1))
        });
        to_bytes(timed(Body::from_stream(pieces)), usize::MAX).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_and_a_slow_line_is_not() {
        assert!(comes(3, 1, Duration::from_secs(1)).await);
        assert!(!comes(3, 1, Duration::from_secs(60)).await);
        assert!(!comes(1000, 1, Duration::from_secs(1)).await, "a byte a second");
        assert!(comes(1000, 2048, Duration::from_secs(1)).await, "2 kB/s for a quarter of an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_who_reads_does_not_count() {
        let two = stream::iter([b"a", b"b"].map(|piece| Ok::<_, io::Error>(&piece[..])));
        let mut data = timed(Body::from_stream(two)).into_data_stream();
        assert_eq!(data.next().await.unwrap().unwrap(), "a");
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(data.next().await.unwrap().unwrap(), "b");
        assert!(data.next().await.is_none());
    }
}
