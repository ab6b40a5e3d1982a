//! The embedder's own gate. It may be slow, fail or panic: then nobody passes.

use super::caller::Caller;
use futures_util::FutureExt;
use muxboard_core::limits::AUTHORIZE_SECONDS_MAX;
use muxboard_core::policy::Principal;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The answer of an embedder's gate: a principal, `None`, or an error, which is logged and lets nobody in.
pub type Authorized<'a> = Pin<Box<dyn Future<Output = Result<Option<Principal>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// A gate of one's own, for a board inside a bigger application. It is asked for every request, and every 5 s again for every open WebSocket.
/// An answer that takes longer than [`AUTHORIZE_SECONDS_MAX`], an error and a panic are all a refusal.
pub trait Authorize: Send + Sync + 'static {
    /// Identifies the sender of a request; `None` refuses it.
    fn authorize<'a>(&'a self, caller: &'a Caller) -> Authorized<'a>;
}

pub(super) async fn ask(gate: &Arc<dyn Authorize>, caller: &Caller) -> Option<Principal> {
    // The call itself may panic, not only its future.
    let answer = AssertUnwindSafe(async { gate.authorize(caller).await }).catch_unwind();
    match timeout(Duration::from_secs(AUTHORIZE_SECONDS_MAX), answer).await {
        Ok(Ok(Ok(principal))) => principal,
        Ok(Ok(Err(error))) => {
            tracing::error!("the gate failed, so nobody passes: {error}");
            None
        }
        Ok(Err(_)) => {
            tracing::error!("the gate panicked, so nobody passes");
            None
        }
        Err(_) => {
            tracing::error!("the gate took more than {AUTHORIZE_SECONDS_MAX} s, so nobody passes");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::gate::Gate;
    use crate::access::peer::{Peer, Source};
    use muxboard_core::limits::PRINCIPAL_BYTES_MAX;

    struct Moody(&'static str);

    impl Authorize for Moody {
        fn authorize<'a>(&'a self, _: &'a Caller) -> Authorized<'a> {
            assert_ne!(self.0, "panics at once");
            Box::pin(async move {
                match self.0 {
                    "knows" => Ok(Some(Principal::named("ann"))),
                    "knows somebody long" => Ok(Some(Principal::named("x".repeat(PRINCIPAL_BYTES_MAX + 1)))),
                    "fails" => Err("database is gone".into()),
                    "hangs" => std::future::pending().await,
                    "panics" => panic!("no"),
                    _ => Ok(None),
                }
            })
        }
    }

    /// The gate that hangs is given up after [`AUTHORIZE_SECONDS_MAX`], in real time.
    #[tokio::test]
    async fn whatever_goes_wrong_in_it_is_a_refusal() {
        let caller = Caller { headers: Default::default(), login: String::new(), peer: Peer::Unknown };
        for mood in ["fails", "hangs", "panics", "panics at once", "does not know", "knows somebody long"] {
            assert!(Gate::custom(Moody(mood)).principal(&caller, Source::Unknown).await.is_err(), "{mood}");
        }
        assert_eq!(Gate::custom(Moody("knows")).principal(&caller, Source::Unknown).await, Ok(Principal::named("ann")));
    }
}
