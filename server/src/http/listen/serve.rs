//! Serving: connections are taken and spoken HTTP/1.1 with, each in a task of its own, so that none waits for another.
//!
//! `axum::serve` is not used because it sets no timer: a client that sends half a head, or nothing, would have its connection for ever.

use super::connection_limiter::{ConnectionPermit, Limited};
use super::{Accepted, Certificate, Io, Listener, body};
use crate::access::peer::Peer;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use muxboard_core::limits::{ACCEPT_PAUSE_MS, HEAD_BYTES_MAX, HEAD_SECONDS_MAX, KEEP_ALIVE_SECONDS_MAX, SEND_BUFFER_BYTES, STALL_SECONDS};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_tcp_user_timeout};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

const HEAD: Duration = Duration::from_secs(HEAD_SECONDS_MAX);

/// The router and settings that every connection is served with.
#[derive(Clone)]
struct ConnectionService {
    router: Router,
    certificate: Option<Arc<Certificate>>,
    stop: watch::Receiver<bool>,
}

impl Listener {
    /// Serves until it is told to stop, and then until the requests under way are answered. `trusted` says which peers are proxies that speak for
    /// many.
    pub(crate) async fn serve(mut self, router: Router, trusted: impl Fn(Peer) -> bool, mut stop: watch::Receiver<bool>) {
        let (open, held) = watch::channel(());
        let serving = ConnectionService { router, certificate: self.certificate.take(), stop: stop.clone() };
        loop {
            let next = async {
                let permit = self.limiter.acquire().await;
                (permit, self.socket.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = stop_requested(&mut stop) => break,
            };
            let (accepted, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let Some(admitted) = self.limiter.admit(permit, peer, trusted(peer)) else { continue };
            let (serving, held) = (serving.clone(), held.clone());
            tokio::spawn(async move {
                serving.connection(accepted, peer, admitted).await;
                drop(held);
            });
        }
        // Nobody connects any more, and the file of a Unix socket is gone.
        drop(self);
        drop(held);
        open.closed().await;
    }
}

/// A client that left before it was accepted is no trouble of ours. All else is (no descriptor is free), and would be there again at once.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!("cannot accept a connection: {error}");
        sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
    }
}

async fn stop_requested(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone stops too.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl ConnectionService {
    async fn connection(self, accepted: Accepted, peer: Peer, admitted: ConnectionPermit) {
        let certificate = self.certificate.clone();
        // The permit is held during the handshake: a client that sends nothing costs this task and its permit, for that time.
        let io = match timeout(HEAD, prepare(accepted, certificate.as_deref())).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => return tracing::debug!(?peer, "no TLS connection came about: {error}"),
            Err(_) => return tracing::debug!(?peer, "no TLS connection came about in time"),
        };
        self.http(Limited { io, permit: admitted }, peer).await;
    }

    async fn http(mut self, io: Limited<Box<dyn Io>>, peer: Peer) {
        let router = self.router;
        let activity = io.permit.activity.clone();
        let service = service_fn(|request: hyper::Request<Incoming>| {
            activity.complete();
            let (router, activity) = (router.clone(), activity.clone());
            async move {
                let mut request = request.map(|incoming| body::timed(Body::new(incoming)));
                request.extensions_mut().insert(ConnectInfo(peer));
                if head_bytes(&request) > HEAD_BYTES_MAX {
                    activity.answered();
                    return Ok((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of this request is too long.\n").into_response());
                }
                let answer = router.oneshot(request).await;
                // What was upgraded is never idle.
                if answer.as_ref().is_ok_and(|answer| answer.status() != StatusCode::SWITCHING_PROTOCOLS) {
                    activity.answered();
                }
                answer
            }
        });
        let mut http = http1::Builder::new();
        // It is also the longest silence between two requests, which a head itself may not take.
        http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(KEEP_ALIVE_SECONDS_MAX)).max_buf_size(HEAD_BYTES_MAX);
        let mut served = pin!(http.serve_connection(TokioIo::new(io), service).with_upgrades());
        let (mut evicted, mut stopping) = (false, false);
        loop {
            tokio::select! {
                ended = &mut served => {
                    if let Err(error) = ended {
                        tracing::debug!(?peer, "a connection ended: {error}");
                    }
                    return;
                }
                () = activity.expired() => return tracing::debug!(?peer, "a connection was closed: the head of its request did not come in time"),
                () = activity.evicted(), if !evicted => {
                    evicted = true;
                    served.as_mut().graceful_shutdown();
                }
                () = stop_requested(&mut self.stop), if !stopping => {
                    stopping = true;
                    if activity.in_head() {
                        return tracing::debug!(?peer, "a connection was closed: it had asked for nothing");
                    }
                    served.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The bytes of a request's head: its target and its headers.
fn head_bytes<B>(request: &axum::http::Request<B>) -> usize {
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, str::len) + uri.authority().map_or(0, |authority| authority.as_str().len());
    target + request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

/// Makes an accepted connection ready for HTTP: socket options, and the TLS handshake where there is a certificate. The send buffer is small, because
/// what the kernel holds for a slow reader is memory too, and output that is old when it is read.
async fn prepare(accepted: Accepted, certificate: Option<&Certificate>) -> io::Result<Box<dyn Io>> {
    match accepted {
        Accepted::Unix(unix) => {
            let _ = set_socket_send_buffer_size(&unix, SEND_BUFFER_BYTES);
            Ok(Box::new(unix))
        }
        Accepted::Tcp(tcp) => {
            // A key press must not wait for the next one.
            let _ = tcp.set_nodelay(true);
            let _ = set_socket_send_buffer_size(&tcp, SEND_BUFFER_BYTES);
            // Who takes no byte of an answer for so long is gone, or means us to wait for ever.
            let _ = set_tcp_user_timeout(&tcp, u32::try_from(STALL_SECONDS * 1000).unwrap_or(u32::MAX));
            match certificate {
                Some(certificate) => Ok(Box::new(certificate.handshake(tcp).await?)),
                None => Ok(Box::new(tcp)),
            }
        }
    }
}
