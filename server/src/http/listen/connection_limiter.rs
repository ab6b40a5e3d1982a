//! How many connections there may be at one moment, in all and of one address. Where there is no room, idle ones close.

use super::activity::{Activity, IdleConnections};
use crate::access::peer::{Peer, Source};
use crate::log_limiter::LogLimiter;
use axum::http::HeaderMap;
use muxboard_core::limits::CONNECTIONS_OF_ONE_PART;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Held = Arc<Mutex<HashMap<Source, usize>>>;

/// The limit of open connections, in all and for each address.
pub(super) struct ConnectionLimiter {
    free: Arc<Semaphore>,
    of_one_max: usize,
    held: Held,
    idle: Arc<IdleConnections>,
    log: LogLimiter,
}

impl ConnectionLimiter {
    /// A limit of this many connections; one address may hold a part of them ([`CONNECTIONS_OF_ONE_PART`]).
    pub(super) fn new(connections: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(connections)),
            of_one_max: connections / CONNECTIONS_OF_ONE_PART,
            held: Held::default(),
            idle: Arc::default(),
            log: LogLimiter::default(),
        }
    }

    /// Waits until one more connection may be open, and has an idle one closed for it. Nothing is accepted meanwhile: new connections wait in the
    /// kernel, where they cost nothing, and are served when another one ends, instead of being refused by a board that is busy for a moment.
    pub(super) async fn acquire(&mut self) -> OwnedSemaphorePermit {
        if let Ok(permit) = self.free.clone().try_acquire_owned() {
            return permit;
        }
        if let Some(times) = self.log.allow() {
            tracing::warn!(times, "as many connections as are allowed are open ([limits] connections): idle ones close, new ones wait");
        }
        let mut evicted = self.idle.evict(None);
        loop {
            tokio::select! {
                biased;
                // The semaphore lives as long as we do and is never closed.
                Ok(permit) = self.free.clone().acquire_owned() => return permit,
                () = self.idle.one_more(), if !evicted => evicted = self.idle.evict(None),
            }
        }
    }

    /// A permit for one connection, or `None` when its address already holds the per-address limit. A trusted proxy brings many people by one
    /// address, and is not counted.
    pub(super) fn admit(&mut self, permit: OwnedSemaphorePermit, peer: Peer, trusted: bool) -> Option<ConnectionPermit> {
        let source = Source::of(peer, &HeaderMap::new(), &[]).counted();
        if trusted {
            return Some(ConnectionPermit { _permit: permit, counted: None, activity: Arc::new(Activity::new(None)) });
        }
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(source).or_default();
            // One that closes for this one is counted until it is closed.
            if *count < self.of_one_max || self.idle.evict(Some(source)) {
                *count += 1;
                let activity = Arc::new(Activity::new(Some((source, self.idle.clone()))));
                return Some(ConnectionPermit { _permit: permit, counted: Some((source, self.held.clone())), activity });
            }
        }
        if let Some(times) = self.log.allow() {
            tracing::warn!(times, from = %source, "one address has as many connections as it may have: more of them are closed");
        }
        None
    }
}

/// The right to hold one connection open, given back on drop.
pub(super) struct ConnectionPermit {
    _permit: OwnedSemaphorePermit,
    counted: Option<(Source, Held)>,
    pub(super) activity: Arc<Activity>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Some((source, held)) = self.counted.take() else { return };
        if let Entry::Occupied(mut count) = held.lock().unwrap_or_else(PoisonError::into_inner).entry(source) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// A connection together with its permit: a WebSocket keeps both when HTTP lets go of it.
pub(super) struct Limited<T> {
    pub(super) io: T,
    pub(super) permit: ConnectionPermit,
}

impl<T: AsyncRead + Unpin> AsyncRead for Limited<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, into);
        if into.filled().len() > before {
            self.permit.activity.read();
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Limited<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[std::io::IoSlice<'_>]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    async fn admit(limiter: &mut ConnectionLimiter, address: &str, trusted: bool) -> Option<ConnectionPermit> {
        let permit = limiter.acquire().await;
        limiter.admit(permit, Peer::Tcp(address.parse().unwrap()), trusted)
    }

    #[tokio::test]
    async fn one_address_has_half_and_a_trusted_proxy_all() {
        let mut limiter = ConnectionLimiter::new(4);
        let first = admit(&mut limiter, "192.0.2.1:1", false).await.unwrap();
        let _second = admit(&mut limiter, "192.0.2.1:2", false).await.unwrap();
        assert!(admit(&mut limiter, "192.0.2.1:3", false).await.is_none());
        assert!(admit(&mut limiter, "[::ffff:192.0.2.1]:3", false).await.is_none(), "the same address written as one of IPv6");
        drop(first);
        let _third = admit(&mut limiter, "192.0.2.1:4", false).await.unwrap();
        let _other = admit(&mut limiter, "192.0.2.2:1", false).await.unwrap();
        let _proxy = admit(&mut limiter, "192.0.2.1:5", true).await.unwrap();
        assert!(timeout(Duration::from_millis(20), limiter.acquire()).await.is_err(), "a fifth waits");
    }

    #[tokio::test]
    async fn a_network_of_ipv6_is_one_address_and_nothing_is_remembered_of_who_left() {
        let mut limiter = ConnectionLimiter::new(4);
        let one = admit(&mut limiter, "[2001:db8::1]:1", false).await;
        let two = admit(&mut limiter, "[2001:db8::2]:1", false).await;
        assert!(one.is_some() && two.is_some() && admit(&mut limiter, "[2001:db8::3]:1", false).await.is_none());
        drop((one, two));
        assert!(limiter.held.lock().unwrap().is_empty());
        assert_eq!(limiter.free.available_permits(), 4);
    }

    /// The limit for waits that end at once.
    const SOON: Duration = Duration::from_secs(20);

    /// As a connection does it.
    fn close_when_evicted(permit: ConnectionPermit) {
        tokio::spawn(async move {
            permit.activity.evicted().await;
        });
    }

    #[tokio::test]
    async fn an_idle_connection_closes_where_no_other_is_free() {
        let mut limiter = ConnectionLimiter::new(4);
        let mut held = Vec::new();
        for n in 1..=4 {
            held.push(admit(&mut limiter, &format!("192.0.2.{n}:1"), false).await.unwrap());
        }
        for permit in &held[..3] {
            permit.activity.complete();
            permit.activity.answered();
        }
        // The first has begun another request; the second has been idle longest, then the third; the fourth is being answered.
        held[0].activity.read();
        let (_first, fourth) = (held.remove(0), held.remove(2));
        fourth.activity.complete();
        held.into_iter().for_each(close_when_evicted);
        let _fifth = timeout(SOON, admit(&mut limiter, "192.0.2.5:1", false)).await.unwrap();
        let _sixth = timeout(SOON, admit(&mut limiter, "192.0.2.6:1", false)).await.unwrap();
        // None is idle now, until one is answered while somebody waits.
        let answered = fourth.activity.clone();
        close_when_evicted(fourth);
        assert!(timeout(Duration::from_millis(20), limiter.acquire()).await.is_err());
        let seventh = tokio::spawn(async move { admit(&mut limiter, "192.0.2.7:1", false).await.is_some() });
        tokio::task::yield_now().await;
        answered.answered();
        assert!(timeout(SOON, seventh).await.unwrap().unwrap());
    }
}
