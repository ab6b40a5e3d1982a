//! The board: the builder, every URL of the product on one screen, every guard applied there once; and the pages' port, implemented over the
//! fleet, where every operation asks the policy for a permit first.

use crate::auth::Gate;
use crate::guard::{self, Doors};
use crate::{api, assets, forms, pages, socket};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use muxboard_app::base::Base;
use muxboard_app::board::{Board, Promise};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::audit::AuditEvent;
use muxboard_core::confirm::confirms;
use muxboard_core::fault;
use muxboard_core::inventory::Inventory;
use muxboard_core::limits;
use muxboard_core::name::{HostKey, NewSessionName};
use muxboard_core::policy::{self, Ability, Create, Denied, Kill, Operation, Permit, Policy, Principal, Refresh, Rename, permit};
use muxboard_core::snapshot::{Place, SessionId, UserState, View};
use muxboard_fleet::{AttachLimits, Failed, Fleet, Settings, SshSettings};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, watch};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// A board, ready to be mounted.
pub struct Muxboard {
    shared: Arc<Shared>,
    doors: Doors,
}

/// What every request needs.
pub(crate) struct Shared {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) inventory: Inventory,
    pub(crate) policy: Policy,
    pub(crate) gate: Gate,
    pub(crate) base: Base,
    pub(crate) boards: Arc<Semaphore>,
    /// True once the server stops. Every live connection holds a receiver to its very end.
    pub(crate) stop: watch::Sender<bool>,
}

/// Builds a board.
pub struct Builder {
    inventory: Inventory,
    policy: Policy,
    gate: Gate,
    doors: Doors,
    base: Base,
    settings: Settings,
}

impl Muxboard {
    /// A board of these hosts. Until a gate, a policy and its doors are named, it lets nobody in.
    pub fn builder(inventory: Inventory) -> Builder {
        Builder { inventory, policy: Policy::default(), gate: Gate::Deny, doors: Doors::default(), base: Base::default(), settings: Settings::default() }
    }

    /// The routes, and the sweeping started: to be called within a tokio runtime. The router is mounted at the base it was built with.
    pub fn into_router(self) -> Router {
        tokio::spawn(self.shared.fleet.clone().run());
        let shared = self.shared;
        let board = Router::new()
            .route("/", get(pages::dashboard))
            .route("/login", get(pages::login).post(pages::log_in))
            .route("/logout", post(pages::log_out))
            .route("/{host}/{user}/{name}", get(pages::terminal))
            .route("/fn/{function}", post(forms::function))
            .route("/ws/board", get(socket::board::follow))
            .route("/ws/attach/{host}/{user}/{session}", get(socket::terminal::attach))
            .route("/api/v1/whoami", get(api::whoami))
            .route("/api/v1/sessions", get(api::sessions))
            .route("/healthz", get(|| async { "ok\n" }))
            .fallback(pages::nothing)
            .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
            .route("/assets/{build}/{*path}", get(assets::serve))
            .with_state(shared.clone());
        let mounted = if shared.base.0.is_empty() { board } else { Router::new().nest_service(&shared.base.0, board) };
        mounted
            .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "That cannot be done here.\n") })
            .layer(middleware::from_fn_with_state(Arc::new(self.doors), guard::doors))
            .layer(middleware::from_fn(guard::headers))
    }

    /// Ends every live connection, with the word that the server will be back: a future that is over when they all are.
    pub fn stopper(&self) -> impl Future<Output = ()> + Send + 'static {
        let shared = self.shared.clone();
        async move {
            shared.stop.send_replace(true);
            shared.stop.closed().await;
        }
    }
}

impl Builder {
    /// Who passes.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }
    /// Who may do what.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }
    /// The hosts and origins it answers to.
    #[must_use]
    pub fn doors(mut self, doors: Doors) -> Self {
        self.doors = doors;
        self
    }
    /// Where it is mounted: empty or `/path`.
    #[must_use]
    pub fn base(mut self, base: &str) -> Self {
        self.base = Base(base.trim_end_matches('/').to_owned());
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
    /// How ssh is used.
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
    /// The board.
    ///
    /// # Errors
    /// When there are hosts over ssh and no safe folder for its control sockets; in words for the operator.
    pub fn build(mut self) -> std::io::Result<Muxboard> {
        let sink = std::mem::replace(&mut self.settings.audit, Arc::new(|_| {}));
        self.settings.audit = Arc::new(move |event| {
            crate::audit::log(&event);
            sink(event);
        });
        if matches!(self.gate, Gate::Deny) {
            tracing::warn!("no gate is configured: the board lets nobody in");
        }
        let stop = watch::Sender::new(false);
        let fleet = Fleet::new(&self.inventory, self.settings)?;
        let boards = Arc::new(Semaphore::new(limits::BOARDS));
        let shared = Shared { fleet, inventory: self.inventory, policy: self.policy, gate: self.gate, base: self.base, boards, stop };
        Ok(Muxboard { shared: Arc::new(shared), doors: self.doors })
    }
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

impl Shared {
    /// A permit, or the public word why not.
    pub(crate) fn permit<O: Operation>(&self, who: &Principal, place: Place, operation: O) -> Result<Permit<O>, PublicError> {
        let (host, user) = (place.host.clone(), place.user.clone());
        permit(&self.policy, &self.inventory, who, place, operation).map_err(|denied| {
            tracing::info!(principal = who.name, %host, %user, operation = O::NAME, "denied: {denied:?}");
            match denied {
                Denied::Unknown => PublicError::new(Kind::NotFound, "There is no such host or user here."),
                Denied::Forbidden(ability) => {
                    PublicError::new(Kind::Forbidden, format!("You may not {} there: it needs the ability \"{}\".", O::NAME, word(ability)))
                }
            }
        })
    }
}

fn word(ability: Ability) -> &'static str {
    match ability {
        Ability::See => "see",
        Ability::Watch => "watch",
        Ability::Type => "type",
        Ability::Create => "create",
        Ability::Kill => "kill",
    }
}

/// The public sentence for what went wrong in the fleet.
pub(crate) fn public(failed: Failed) -> PublicError {
    let unreachable = |says: &str| PublicError::new(Kind::Unreachable, says);
    match failed {
        Failed::Gone => PublicError::new(Kind::Gone, "This session is gone, or another one has its place now. Nothing was touched."),
        Failed::NameTaken => PublicError::new(Kind::NameTaken, "A session of that name exists already. Choose another name."),
        Failed::NoDirectory => PublicError::new(Kind::BadInput, "That directory does not exist there."),
        Failed::EndedAtOnce => PublicError::new(Kind::Unreachable, "The session ended at once. Does that user have a login shell that may run (not nologin)?"),
        Failed::CapReached => PublicError::new(Kind::CapReached, "Too many terminals are open. Close one and try again."),
        Failed::Here(words) => unreachable(&format!("It cannot be done here: {words}.")),
        Failed::User(UserState::Fault(fault)) if fault.kind == fault::Kind::NotAnswering => {
            unreachable(&format!("{} Whether it was done is not known; refresh to see.", fault.title))
        }
        Failed::Host(fault) | Failed::User(UserState::Fault(fault)) => unreachable(&fault.sentence()),
        Failed::User(UserState::NoServer | UserState::Pending | UserState::Sessions(_)) => unreachable("No tmux server is running for that user."),
    }
}

impl Board for Shared {
    fn view(&self, who: &Principal) -> View {
        policy::visible(&self.policy, who, &self.fleet.snapshot().borrow(), unix_now())
    }

    fn create<'a>(&'a self, who: &'a Principal, place: Place, wanted: Create) -> Promise<'a, SessionId> {
        Box::pin(async move { self.fleet.create(self.permit(who, place, wanted)?).await.map_err(public) })
    }

    fn kill<'a>(&'a self, who: &'a Principal, place: Place, session: SessionId, typed: String) -> Promise<'a, ()> {
        Box::pin(async move {
            let permit = self.permit(who, place.clone(), Kill { session })?;
            let view = self.view(who);
            let known = view.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.id == session);
            let Some((_, _, known)) = known else { return Err(public(Failed::Gone)) };
            if !confirms(&typed, &known.name) {
                return Err(PublicError::new(Kind::NotConfirmed, "That is not the session's name, letter for letter. Nothing was killed."));
            }
            self.fleet.kill(permit).await.map_err(public)
        })
    }

    fn rename<'a>(&'a self, who: &'a Principal, place: Place, session: SessionId, name: NewSessionName) -> Promise<'a, ()> {
        Box::pin(async move { self.fleet.rename(self.permit(who, place, Rename { session, name })?).await.map_err(public) })
    }

    fn refresh<'a>(&'a self, who: &'a Principal, host: Option<HostKey>) -> Promise<'a, ()> {
        Box::pin(async move {
            let hosts = self.inventory.hosts.iter().filter(|h| host.as_ref().is_none_or(|key| *key == h.key));
            let places: Vec<Place> = hosts.flat_map(|h| h.users.iter().map(|u| Place { host: h.key.clone(), user: u.name.clone() })).collect();
            if places.is_empty() {
                return Err(PublicError::new(Kind::NotFound, "There is no such host here."));
            }
            // What the caller may not see is left out without a word, unless that is everything.
            let (mut permits, mut refused) = (Vec::new(), None);
            for place in places {
                match permit(&self.policy, &self.inventory, who, place.clone(), Refresh) {
                    Ok(permit) => permits.push(permit),
                    Err(_) => refused = Some(place),
                }
            }
            if let (true, Some(place)) = (permits.is_empty(), refused) {
                self.permit(who, place, Refresh)?;
            }
            self.fleet.refresh(&permits).await;
            Ok(())
        })
    }
}
