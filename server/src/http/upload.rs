//! Files from a page: one request a file, its bytes the body as they are. What it is, is told from its first bytes; what the browser says of it (a
//! type, a name) is not asked.

use crate::board_port::BoardPort;
use crate::error::to_public;
use crate::http::api::{NoTarget, Target};
use crate::http::context::RequestContext;
use crate::http::problem::{answered, no_query, problem};
use crate::http::slow_body::{BodyPace, TooSlow};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::{CHECK_SECONDS, SNIFFED_BYTES, UPLOAD_BYTES_PER_SECOND_MIN, UPLOAD_IDLE_SECONDS_MAX};
use muxboard_core::policy::Upload;
use muxboard_core::shell::Script;
use muxboard_fleet::{Audit, unix_now};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// A file for the account whose session it is.
pub(crate) async fn receive(
    context: RequestContext,
    board: BoardPort,
    target: Result<Target, NoTarget>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut body = body.into_data_stream();
    let most = context.rules.upload.map_or(0, |limits| limits.bytes_max);
    let mut left = most;
    let done = async {
        no_query(query.as_deref())?;
        let target = target.map_err(|NoTarget(error)| error)?;
        receive_file(
            &board,
            &context,
            target,
            &headers,
            (&mut body).inspect(|part| left = left.saturating_sub(part.as_ref().map_or(0, |bytes| bytes.len() as u64))),
        )
        .await
    };
    let answer = answered(done.await);
    if answer.status() != StatusCode::CREATED {
        // A browser that still sends hears of no answer: what is on its way is thrown away, as far as it would have been read.
        while let Some(Ok(part)) = body.next().await {
            left = left.saturating_sub(part.len() as u64);
            if left == 0 {
                break;
            }
        }
    }
    answer
}

async fn receive_file<S, E>(
    board: &BoardPort,
    context: &RequestContext,
    Target { place, session }: Target,
    headers: &HeaderMap,
    body: S,
) -> Result<Response, PublicError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let state = &board.state;
    let permit = board.permit(place, Upload { session })?;
    let mut report = UploadReport { audit: &state.audit, event: Some(AuditEvent::of(&permit, None, "cut off")) };
    let off = "Uploads are off here. Whoever runs this board can turn them on in its configuration: [upload] enabled = true.";
    let Some(limits) = context.rules.upload else { return Err(report.ended("denied: uploads are off", Kind::Forbidden, off)) };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let Some(bytes) = announced else {
        let says = "How large the file is has to be said first (Content-Length).";
        let mut answer = problem(&report.ended("denied: no length", Kind::BadInput, says));
        *answer.status_mut() = StatusCode::LENGTH_REQUIRED;
        return Ok(answer);
    };
    match bytes {
        0 => return Err(report.ended("denied: empty", Kind::BadInput, "The file is empty.")),
        _ if bytes > limits.bytes_max => {
            let says = format!("The file has {bytes} bytes; here it may have {} at most.", limits.bytes_max);
            return Err(report.ended("denied: too large", Kind::TooLarge, says));
        }
        _ => {}
    }
    let mut incoming = IncomingFile { body, pace: pace() };
    // Its first bytes, then all.
    let mut head: Vec<u8> = Vec::new();
    while head.len() < SNIFFED_BYTES && (head.len() as u64) < bytes {
        head.extend_from_slice(&incoming.next_part().await?);
    }
    let (kind, extension) = detect_type(&head);
    let opened = state.fleet.upload(permit, limits, extension, bytes).await;
    // From here on the fleet records the end of the upload.
    report.event = None;
    let mut upload = opened.map_err(to_public)?;
    let mut asked = Instant::now();
    let mut part = Bytes::from(head);
    loop {
        // What was withdrawn meanwhile leaves nothing behind. The gate is asked as often as for a socket, and before the end.
        let rules = state.rules();
        let mut allowed = rules.upload.is_some() && rules.policy.still_allows(&rules.inventory, upload.permit());
        if incoming.pace.received() >= bytes || asked.elapsed() > Duration::from_secs(CHECK_SECONDS) {
            asked = Instant::now();
            allowed = allowed && context.revalidate(state, &board.who.principal).await;
        }
        if !allowed {
            return Err(PublicError::new(Kind::Forbidden, "Your access was withdrawn. Nothing of the file was kept."));
        }
        upload.write(&part).await.map_err(to_public)?;
        if incoming.pace.received() >= bytes {
            break;
        }
        part = incoming.next_part().await?;
    }
    let path = upload.finish().await.map_err(to_public)?;
    let typed = Script::command(&[&path]);
    let expires = unix_now().saturating_add(limits.keep.as_secs());
    Ok((StatusCode::CREATED, Json(json!({ "path": path, "typed": typed.as_str(), "type": kind, "bytes": bytes, "expires": expires }))).into_response())
}

/// Records the end of an upload that ends before the fleet has it, also when its client is gone.
struct UploadReport<'a> {
    audit: &'a Audit,
    event: Option<AuditEvent>,
}

impl UploadReport<'_> {
    /// Records this result. Gives the error for the client.
    fn ended(mut self, result: &str, kind: Kind, says: impl Into<String>) -> PublicError {
        if let Some(event) = &mut self.event {
            event.result = result.to_owned();
        }
        PublicError::new(kind, says)
    }
}

impl Drop for UploadReport<'_> {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            (self.audit)(event);
        }
    }
}

/// A file that a client is sending. A client that stops would keep an upload slot from others.
struct IncomingFile<S> {
    body: S,
    pace: BodyPace,
}

const IDLE: Duration = Duration::from_secs(UPLOAD_IDLE_SECONDS_MAX);

fn pace() -> BodyPace {
    BodyPace::new(IDLE, UPLOAD_BYTES_PER_SECOND_MIN)
}

impl<S, E> IncomingFile<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    async fn next_part(&mut self) -> Result<Bytes, PublicError> {
        let cut = |says: &str| PublicError::new(Kind::BadInput, format!("{says} Nothing of it was kept."));
        let part = self.pace.next(&mut self.body, IDLE).await.map_err(|TooSlow| cut("The file came too slowly."))?;
        part.and_then(Result::ok).ok_or_else(|| cut("The file did not come whole."))
    }
}

/// The media type of a file and the extension of its name, by its first bytes. Text of no known format is `text/plain`, anything else
/// `application/octet-stream`.
fn detect_type(head: &[u8]) -> (&'static str, &'static str) {
    if let Some(known) = infer::get(head).filter(|known| known.extension().bytes().all(|b| b.is_ascii_alphanumeric())) {
        return (known.mime_type(), known.extension());
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => Some(text),
        // The last character may go on behind the beginning.
        Err(error) if error.error_len().is_none() => head.get(..error.valid_up_to()).and_then(|head| std::str::from_utf8(head).ok()),
        Err(_) => None,
    };
    match text {
        Some(text) if !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace() && c != '\x1b') => ("text/plain", "txt"),
        _ => ("application/octet-stream", "bin"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::slow_body::may_come;
    use futures_util::stream;

    #[tokio::test]
    async fn a_file_that_does_not_come_is_an_error_and_so_is_one_that_ends_early() {
        let at_once = BodyPace::new(Duration::ZERO, 1);
        let mut never = IncomingFile { body: stream::pending::<Result<Bytes, ()>>(), pace: at_once };
        assert!(never.next_part().await.unwrap_err().says.contains("too slowly"));
        let mut ended = IncomingFile { body: stream::iter([Ok::<_, ()>(Bytes::from("a"))]), pace: pace() };
        assert_eq!(ended.next_part().await.unwrap(), "a");
        assert!(ended.next_part().await.unwrap_err().says.contains("did not come whole"));
    }

    #[test]
    fn a_sender_that_stops_or_drips_is_too_slow_and_a_slow_line_is_not() {
        let comes = |parts, bytes, every| may_come(pace(), IDLE, parts, bytes, Duration::from_secs(every));
        assert!(comes(500, 16_384, 3), "5 kB/s");
        assert!(!comes(2, 1000, 25), "a part now and then");
        assert!(!comes(1, 1 << 20, 60), "nothing for a minute");
    }

    #[test]
    fn what_a_file_is_its_bytes_say() {
        for (head, want) in [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), ("image/png", "png")),
            (b"GIF89a\x01\0", ("image/gif", "gif")),
            (b"fn main() {}\n", ("text/plain", "txt")),
            ("caf\u{e9} \u{1b}[31mred".as_bytes(), ("text/plain", "txt")),
            (b"caf\xc3", ("text/plain", "txt")),
            (b"caf\xe9 latin", ("application/octet-stream", "bin")),
            (b"a\0b", ("application/octet-stream", "bin")),
        ] {
            assert_eq!(detect_type(head), want, "{head:?}");
        }
    }
}
