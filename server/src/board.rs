//! The builder of a board, and the handle that changes its rules while it runs.

use crate::access::allowed_hosts::AllowedHosts;
use crate::access::gate::Gate;
use crate::access::peer::Peer;
use crate::access::refusals::RefusalCounter;
use crate::access::rules::Rules;
use crate::access::throttle::Throttle;
use crate::audit::AuditFile;
use crate::http::{assets, routes};
use crate::state::AppState;
use axum::Router;
use muxboard_app::base::Base;
use muxboard_core::audit::AuditEvent;
use muxboard_core::inventory::Inventory;
use muxboard_core::limits;
use muxboard_core::policy::Policy;
use muxboard_fleet::{AttachLimits, Fleet, Settings, Slots, SshSettings, UploadLimits};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A board, ready to be mounted.
pub struct Muxboard {
    state: Arc<AppState>,
}

/// The builder of a board.
pub struct Builder {
    rules: Rules,
    base: Base,
    home: Option<(String, String)>,
    requests_per_second: u32,
    audit_file: Option<Arc<AuditFile>>,
    settings: Settings,
}

impl Muxboard {
    /// A board of these hosts. Until a gate, a policy and its hosts are named, it lets nobody in.
    pub fn builder(inventory: Inventory) -> Builder {
        let rules = Rules { inventory, ..Rules::default() };
        let (base, settings) = (Base::default(), Settings::default());
        Builder { rules, base, home: None, requests_per_second: limits::REQUESTS_PER_SECOND, audit_file: None, settings }
    }

    /// The routes, and the sweeping started: to be called within a tokio runtime. The router holds the base it was built with and nothing beside
    /// it, so that an application can merge it: its own routes, fallback and layers stay its own. A board without a base takes every URL.
    pub fn into_router(self) -> Router {
        self.spawn();
        routes::router(self.state)
    }

    /// The routes for a server without other routes, and the sweeping started: URLs outside the base are guarded too.
    pub(crate) fn into_standalone_router(self) -> Router {
        self.spawn();
        routes::standalone_router(self.state)
    }

    /// Starts what goes on for as long as the board lives.
    fn spawn(&self) {
        tokio::spawn(self.state.fleet.clone().run());
        tokio::spawn(RefusalCounter::record_in_time(Arc::downgrade(&self.state.refusals)));
    }

    /// A way to change the rules of the board while it runs.
    pub fn handle(&self) -> Handle {
        Handle(self.state.clone())
    }

    /// Ends every live connection with the close code of a server that shuts down. The future completes when all of them have ended.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + 'static {
        let state = self.state.clone();
        async move {
            state.stop.send_replace(true);
            state.stop.closed().await;
        }
    }
}

/// Changes the rules of a board that runs.
#[derive(Clone)]
pub struct Handle(Arc<AppState>);

impl Handle {
    /// Whether that peer is a proxy that the rules name.
    pub(crate) fn trusts(&self, peer: Peer) -> bool {
        peer.is_trusted(&self.0.rules().allowed_hosts.proxies)
    }

    /// Puts these rules in the place of the old ones, all at one moment. Who is logged in stays so if his token is still good; live connections that
    /// the new rules do not allow end within seconds.
    ///
    /// # Errors
    /// When there are hosts over ssh and no safe folder for its control sockets; then the old rules hold.
    pub fn replace(&self, mut rules: Rules) -> std::io::Result<()> {
        rules.gate.inherit_sessions(&self.0.rules().gate);
        self.0.fleet.reconfigure(&rules.inventory)?;
        if let Some(upload) = rules.upload {
            self.0.fleet.keep_uploads(upload.keep);
        }
        self.0.rules.send_replace(Arc::new(rules));
        Ok(())
    }
}

impl Builder {
    /// Sets all rules at once.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
    /// Sets the gate that identifies callers.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.rules.gate = gate;
        self
    }
    /// Sets the grants: who may do what on which host as which user.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.rules.policy = policy;
        self
    }
    /// Sets the hosts and origins that the board answers to.
    #[must_use]
    pub fn allowed_hosts(mut self, allowed: AllowedHosts) -> Self {
        self.rules.allowed_hosts = allowed;
        self
    }
    /// Turns uploads on, within these limits.
    #[must_use]
    pub fn upload(mut self, limits: UploadLimits) -> Self {
        self.rules.upload = Some(limits);
        self
    }
    /// Where it is mounted: empty or `/path`.
    #[must_use]
    pub fn base(mut self, base: &str) -> Self {
        self.base = Base(base.trim_end_matches('/').to_owned());
        self
    }
    /// The way back to the application that the board is part of: a link in the bar with these words.
    #[must_use]
    pub fn home(mut self, words: &str, url: &str) -> Self {
        self.home = Some((words.to_owned(), url.to_owned()));
        self
    }
    /// How many requests one source may send in a second, on average; 0 for any number.
    #[must_use]
    pub fn requests_per_second(mut self, requests: u32) -> Self {
        self.requests_per_second = requests;
        self
    }
    /// Between two sweeps of a host nobody looks at.
    #[must_use]
    pub fn sweep(mut self, every: Duration) -> Self {
        self.settings.sweep = every;
        self
    }
    /// The limits of live terminals.
    #[must_use]
    pub fn attach(mut self, limits: AttachLimits) -> Self {
        self.settings.attach = limits;
        self
    }
    /// Sets how ssh is used.
    #[must_use]
    pub fn ssh(mut self, ssh: SshSettings) -> Self {
        self.settings.ssh = ssh;
        self
    }
    /// Whether a key typed against a backlog from another machine has a fresh terminal take the old one's place. It closes an open popup.
    #[must_use]
    pub fn overtake(mut self, overtake: bool) -> Self {
        self.settings.overtake = overtake;
        self
    }
    /// Where audit events go besides the log.
    #[must_use]
    pub fn audit(mut self, sink: impl Fn(AuditEvent) + Send + Sync + 'static) -> Self {
        self.settings.audit = Arc::new(sink);
        self
    }
    /// An audit file where events go as well. With [`crate::Fsync::Always`] the answer to an act waits for its record.
    #[must_use]
    pub fn audit_file(mut self, file: Arc<AuditFile>) -> Self {
        self.audit_file = Some(file);
        self
    }
    /// Makes the board.
    ///
    /// # Errors
    /// When there are hosts over ssh and no safe folder for its control sockets; in words for the operator.
    pub fn build(mut self) -> std::io::Result<Muxboard> {
        let sink = std::mem::replace(&mut self.settings.audit, Arc::new(|_| {}));
        let file = self.audit_file.clone();
        self.settings.audit = Arc::new(move |event| {
            crate::audit::log(&event);
            file.as_deref().inspect(|file| file.write(&event));
            sink(event);
        });
        if matches!(self.rules.gate, Gate::Deny) {
            tracing::warn!("no gate is configured: the board lets nobody in");
        }
        if !assets::complete() {
            tracing::warn!("the page's files are not in this build, so its pages are bare: run `make build` in muxboard's checkout first");
        }
        if matches!(self.rules.gate, Gate::Open) {
            tracing::warn!("the gate is open: whoever reaches this board is let in");
        }
        let audit = self.settings.audit.clone();
        let fleet = Fleet::new(&self.rules.inventory, self.settings)?;
        let state = AppState {
            fleet,
            rules: watch::Sender::new(Arc::new(self.rules)),
            base: self.base,
            home: self.home,
            boards: Slots::new(limits::BOARDS, limits::BOARDS_PER_PRINCIPAL),
            throttle: Throttle::new(self.requests_per_second),
            refusals: RefusalCounter::new(audit.clone()),
            audit,
            audit_file: self.audit_file,
            stop: watch::Sender::new(false),
        };
        Ok(Muxboard { state: Arc::new(state) })
    }
}
