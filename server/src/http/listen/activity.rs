//! The activity of a connection: sending the head of a request, being answered, or idle. A head that has begun must come within seconds, and an idle
//! connection closes where there is no room for another one. (hyper's own timer counts the silence before a head together with the head: it cannot be
//! short, or half a head holds a connection as long as an idle browser may.)

use crate::access::peer::Source;
use muxboard_core::limits::HEAD_SECONDS_MAX;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The idle connections, in the order in which they began to wait for a next request. Those of a trusted proxy are not among them: it would send a
/// request by one that is being closed.
#[derive(Default)]
pub(super) struct IdleConnections {
    waiting: Mutex<Waiting>,
    one_more: Notify,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    connections: BTreeMap<u64, (Source, Arc<Notify>)>,
}

impl IdleConnections {
    /// Asks the connection to close that has been idle longest, of this source or of any; whether there is one.
    pub(super) fn evict(&self, of: Option<Source>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = waiting.connections.iter().find(|(_, (source, _))| of.is_none_or(|of| of == *source)).map(|(number, _)| *number);
        let evicted = oldest.and_then(|number| waiting.connections.remove(&number));
        evicted.inspect(|(_, evict)| evict.notify_one()).is_some()
    }

    /// Returns once a connection has become idle since the last call.
    pub(super) async fn one_more(&self) {
        self.one_more.notified().await;
    }
}

/// The activity of one connection.
pub(super) struct Activity {
    /// A request is being answered, or the connection is a WebSocket: what is read belongs to no head.
    answering: AtomicBool,
    /// When the first byte of a head came that is not complete yet.
    began: Mutex<Option<Instant>>,
    changed: Notify,
    /// Where it is listed while it is idle: its source, and its number there. `None` if it is never closed for another one.
    listed: Option<(Source, Arc<IdleConnections>, Mutex<Option<u64>>)>,
    evict: Arc<Notify>,
}

impl Activity {
    /// A connection that was just accepted: its first head has begun.
    pub(super) fn new(listed: Option<(Source, Arc<IdleConnections>)>) -> Self {
        Self {
            answering: AtomicBool::new(false),
            began: Mutex::new(Some(Instant::now())),
            changed: Notify::new(),
            listed: listed.map(|(source, idle)| (source, idle, Mutex::default())),
            evict: Arc::default(),
        }
    }

    fn set(&self, began: Option<Instant>) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = began;
        self.changed.notify_one();
    }

    fn began(&self) -> Option<Instant> {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a head has begun and is not complete.
    pub(super) fn in_head(&self) -> bool {
        self.began().is_some()
    }

    fn unlist(&self) {
        let Some((_, idle, number)) = &self.listed else { return };
        if let Some(number) = number.lock().unwrap_or_else(PoisonError::into_inner).take() {
            idle.waiting.lock().unwrap_or_else(PoisonError::into_inner).connections.remove(&number);
        }
    }

    /// Bytes were read.
    pub(super) fn read(&self) {
        if !self.answering.load(Ordering::Relaxed) && self.began().is_none() {
            self.unlist();
            self.set(Some(Instant::now()));
        }
    }

    /// A head is complete.
    pub(super) fn complete(&self) {
        self.answering.store(true, Ordering::Relaxed);
        self.set(None);
    }

    /// The request is answered: the connection is idle until the next head begins.
    pub(super) fn answered(&self) {
        self.answering.store(false, Ordering::Relaxed);
        let Some((source, idle, number)) = &self.listed else { return };
        let mut waiting = idle.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        let last = waiting.last;
        waiting.connections.insert(last, (*source, self.evict.clone()));
        *number.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        drop(waiting);
        idle.one_more.notify_one();
    }

    /// Returns once a head has not been completed within [`HEAD_SECONDS_MAX`].
    pub(super) async fn expired(&self) {
        loop {
            match self.began() {
                None => self.changed.notified().await,
                Some(began) => tokio::select! {
                    () = sleep_until(began + Duration::from_secs(HEAD_SECONDS_MAX)) => if self.began() == Some(began) { return },
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// Returns once the connection is to close for another one.
    pub(super) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.unlist();
    }
}
