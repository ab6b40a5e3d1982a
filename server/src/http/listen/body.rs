//! The body of a request, with a limit of time. Whoever sends one slowly holds a connection, before anybody knows who it is.

use crate::http::slow_body::BodyPace;
use axum::body::{Body, HttpBody};
use futures_util::stream;
use muxboard_core::limits::{BODY_BYTES_PER_SECOND_MIN, HEAD_SECONDS_MAX};
use std::io;
use std::time::Duration;

fn pace() -> BodyPace {
    BodyPace::new(Duration::from_secs(HEAD_SECONDS_MAX), BODY_BYTES_PER_SECOND_MIN)
}

/// A request body that fails when its client sends too slowly.
pub(super) fn timed(body: Body) -> Body {
    timed_by(pace(), body)
}

fn timed_by(pace: BodyPace, body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::from_stream(stream::try_unfold((body.into_data_stream(), pace), |(mut data, mut pace)| async move {
        let Ok(next) = pace.next(&mut data, Duration::MAX).await else {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the body of the request came too slowly"));
        };
        let Some(bytes) = next.transpose().map_err(io::Error::other)? else { return Ok(None) };
        Ok(Some((bytes, (data, pace))))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::slow_body::may_come;
    use axum::body::to_bytes;

    #[tokio::test]
    async fn a_body_that_does_not_come_ends_in_an_error_and_one_that_comes_is_whole() {
        let at_once = || BodyPace::new(Duration::ZERO, 1);
        let never = Body::from_stream(stream::pending::<io::Result<&str>>());
        let error = to_bytes(timed_by(at_once(), never), usize::MAX).await.unwrap_err();
        assert!(format!("{error:?}").contains("too slowly"), "{error:?}");
        let two = Body::from_stream(stream::iter([Ok::<_, io::Error>("a"), Ok("b")]));
        assert_eq!(to_bytes(timed(two), usize::MAX).await.unwrap(), "ab");
    }

    #[test]
    fn a_client_that_drips_is_too_slow_and_a_slow_line_is_not() {
        let comes = |parts, bytes, every| may_come(pace(), Duration::MAX, parts, bytes, Duration::from_secs(every));
        assert!(comes(3, 1, 1));
        assert!(!comes(3, 1, 60));
        assert!(!comes(1000, 1, 1), "a byte a second");
        assert!(comes(1000, 2048, 1), "2 kB/s for a quarter of an hour");
    }
}
