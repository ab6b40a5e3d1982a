//! The board: the builder, every URL of the product on one screen, every guard applied there once; and the pages' port, implemented over the
//! fleet, where every operation asks the policy for a permit first.

use crate::auth::Gate;
use crate::failed::{public, unknown};
use crate::guard::{self, Doors, Throttle};
use crate::peer::Peer;
use crate::rules::Rules;
use crate::visit::{self, Needs};
use crate::{api, assets, forms, pages, socket, upload};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, any, delete, get, patch, post};
use muxboard_app::base::Base;
use muxboard_app::board::{Board, Promise};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::audit::AuditEvent;
use muxboard_core::confirm::confirms;
use muxboard_core::inventory::Inventory;
use muxboard_core::limits;
use muxboard_core::name::{HostKey, NewSessionName};
use muxboard_core::note::Created;
use muxboard_core::policy::{self, Asker, Create, Denied, Kill, Operation, Permit, Policy, Refresh, Rename, permit};
use muxboard_core::snapshot::{Kept, Place, SessionId, View};
use muxboard_fleet::{AttachLimits, Audit, Failed, Fleet, Settings, Slots, SshSettings, UploadLimits};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// A board, ready to be mounted.
pub struct Muxboard {
    shared: Arc<Shared>,
}

/// What every request needs.
pub(crate) struct Shared {
    pub(crate) fleet: Arc<Fleet>,
    /// Live connections hear when they change.
    pub(crate) rules: watch::Sender<Arc<Rules>>,
    pub(crate) base: Base,
    /// The way back to the application that the board is part of: words and URL.
    pub(crate) home: Option<(String, String)>,
    pub(crate) boards: Arc<Slots>,
    pub(crate) throttle: Throttle,
    pub(crate) audit: Audit,
    /// True once the server stops. Every live connection holds a receiver to its very end.
    pub(crate) stop: watch::Sender<bool>,
}

/// Builds a board.
pub struct Builder {
    rules: Rules,
    base: Base,
    home: Option<(String, String)>,
    requests_per_second: u32,
    settings: Settings,
}

type Handler = MethodRouter<Arc<Shared>>;

/// Every URL of the board, below its base: its method, what it needs, who answers. There is no other.
fn table() -> Vec<(&'static str, &'static str, Needs, Handler)> {
    use Needs::{Identity, Nothing, Socket};
    vec![
        ("GET", "/", Identity, get(pages::dashboard)),
        ("GET", "/login", Nothing, get(pages::login)),
        ("POST", "/login", Nothing, post(pages::log_in)),
        ("POST", "/logout", Nothing, post(pages::log_out)),
        ("GET", "/{host}/{user}/{name}", Identity, get(pages::terminal)),
        ("POST", "/upload/{host}/{user}/{session}", Identity, post(upload::receive)),
        ("POST", "/fn/{function}", Identity, post(forms::function)),
        ("GET", "/ws/board", Socket, get(socket::board::follow)),
        ("GET", "/ws/attach/{host}/{user}/{session}", Socket, get(socket::terminal::attach)),
        ("GET", "/api/v1/whoami", Identity, get(api::whoami)),
        ("GET", "/api/v1/hosts", Identity, get(api::hosts)),
        ("GET", "/api/v1/sessions", Identity, get(api::sessions)),
        ("POST", "/api/v1/sessions", Identity, post(api::create)),
        ("GET", "/api/v1/sessions/{host}/{user}/{session}/text", Identity, get(api::text)),
        ("PATCH", "/api/v1/sessions/{host}/{user}/{session}", Identity, patch(api::rename)),
        ("DELETE", "/api/v1/sessions/{host}/{user}/{session}", Identity, delete(api::kill)),
        ("POST", "/api/v1/refresh", Identity, post(api::refresh)),
        ("GET", "/api/{*path}", Identity, any(api::nothing)),
        ("GET", "/healthz", Nothing, get(|| async { "ok\n" })),
        ("GET", "/assets/{build}/{*path}", Nothing, get(assets::serve)),
    ]
}

/// Every URL of the board, below its base: method, path, and what it needs. Any other URL needs an identity too, to hear that it is none.
pub fn routes() -> Vec<(&'static str, &'static str, Needs)> {
    table().into_iter().map(|(method, path, needs, _)| (method, path, needs)).collect()
}

impl Muxboard {
    /// A board of these hosts. Until a gate, a policy and its doors are named, it lets nobody in.
    pub fn builder(inventory: Inventory) -> Builder {
        let rules = Rules { inventory, ..Rules::default() };
        Builder { rules, base: Base::default(), home: None, requests_per_second: limits::REQUESTS_PER_SECOND, settings: Settings::default() }
    }

    /// The routes, and the sweeping started: to be called within a tokio runtime. The router holds the base it was built with and nothing beside
    /// it, so that an application can merge it: its own routes, fallback and layers stay its own. A board without a base takes every URL.
    pub fn into_router(self) -> Router {
        tokio::spawn(self.shared.fleet.clone().run());
        let shared = self.shared;
        let identified = || middleware::from_fn(visit::identify);
        let known_alone = || middleware::from_fn_with_state(shared.clone(), visit::known_alone);
        let mut board = Router::new();
        for (_, path, needs, handler) in table() {
            board = board.route(
                path,
                match needs {
                    Needs::Nothing => handler,
                    Needs::Identity => handler.layer(known_alone()).layer(identified()),
                    Needs::Socket => handler.layer(identified()),
                },
            );
        }
        let nothing: Handler = any(pages::nothing);
        let board = board
            .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "That cannot be done here.\n") })
            .fallback_service(nothing.layer(known_alone()).layer(identified()).with_state(shared.clone()))
            .layer(DefaultBodyLimit::max(limits::FORM_BYTES_MAX))
            .layer(middleware::from_fn_with_state(shared.clone(), visit::meet))
            // What is packed already is left as it is.
            .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
            .layer(middleware::from_fn_with_state(shared.clone(), guard::doors))
            .layer(middleware::from_fn(guard::headers))
            .with_state(shared.clone());
        if shared.base.0.is_empty() { board } else { Router::new().nest_service(&shared.base.0, board) }
    }

    /// The same for a server that has nothing else: what is beside the base is guarded too.
    pub(crate) fn alone(self) -> Router {
        let shared = self.shared.clone();
        let mut board = self.into_router();
        if !shared.base.0.is_empty() {
            let beside: MethodRouter = any(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") });
            let doors = middleware::from_fn_with_state(shared.clone(), guard::doors);
            board = board.fallback_service(beside.layer(doors).layer(middleware::from_fn(guard::headers)));
        }
        // It holds for a whole host name, all its ports: not ours to say where we are a part of another application.
        board.layer(middleware::from_fn_with_state(shared, guard::https_alone))
    }

    /// A way to change the rules of the board while it runs.
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
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

/// Changes the rules of a board that runs.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Whether that peer is a proxy that the rules name.
    pub(crate) fn trusts(&self, peer: Peer) -> bool {
        peer.is_trusted(&self.0.rules().doors.proxies)
    }

    /// Puts these rules in the place of the old ones, all at one moment. Who is logged in stays so if his token is still good; live connections that
    /// the new rules do not allow end within seconds.
    ///
    /// # Errors
    /// When there are hosts over ssh and no safe folder for its control sockets; then the old rules hold.
    pub fn replace(&self, mut rules: Rules) -> std::io::Result<()> {
        rules.gate.take_over(&self.0.rules().gate);
        self.0.fleet.reconfigure(&rules.inventory)?;
        self.0.rules.send_replace(Arc::new(rules));
        Ok(())
    }
}

impl Builder {
    /// All rules at once.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
    /// Who passes.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.rules.gate = gate;
        self
    }
    /// Who may do what.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.rules.policy = policy;
        self
    }
    /// The hosts and origins it answers to.
    #[must_use]
    pub fn doors(mut self, doors: Doors) -> Self {
        self.rules.doors = doors;
        self
    }
    /// Which files may be uploaded; none unless this is called.
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
        let shared = Shared {
            fleet,
            rules: watch::Sender::new(Arc::new(self.rules)),
            base: self.base,
            home: self.home,
            boards: Slots::new(limits::BOARDS, limits::BOARDS_PER_PRINCIPAL),
            throttle: Throttle::new(self.requests_per_second),
            audit,
            stop: watch::Sender::new(false),
        };
        Ok(Muxboard { shared: Arc::new(shared) })
    }
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

impl Shared {
    /// The rules as they are now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.borrow().clone()
    }

    /// A permit, or the public word why not.
    pub(crate) fn permit<O: Operation>(&self, who: &Asker, place: Place, operation: O) -> Result<Permit<O>, PublicError> {
        let rules = self.rules();
        let denied = AuditEvent::asked(who, &place, &operation, "");
        permit(&rules.policy, &rules.inventory, who, place, operation).map_err(|why| {
            let (result, error) = match why {
                Denied::Unknown => ("denied: no such host or user".to_owned(), PublicError::new(Kind::NotFound, "There is no such host or user here.")),
                Denied::Forbidden(ability) => {
                    let needs = format!("it needs the ability \"{}\"", ability.word());
                    (format!("denied: {needs}"), PublicError::new(Kind::Forbidden, format!("You may not {} there: {needs}.", O::NAME)))
                }
            };
            (self.audit)(AuditEvent { result, ..denied });
            error
        })
    }
}

impl Board for Shared {
    fn view(&self, who: &Asker) -> View {
        policy::visible(&self.rules().policy, &who.principal, &self.fleet.snapshot().borrow(), unix_now())
    }

    fn create<'a>(&'a self, who: &'a Asker, place: Place, wanted: Create) -> Promise<'a, Created> {
        Box::pin(async move { self.fleet.create(self.permit(who, place, wanted)?).await.map_err(public) })
    }

    fn kill<'a>(&'a self, who: &'a Asker, place: Place, session: SessionId, typed: String) -> Promise<'a, Kept> {
        Box::pin(async move {
            let permit = self.permit(who, place.clone(), Kill { session })?;
            let view = self.view(who);
            let known = view.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.id == session);
            let report = |result: &str| (self.audit)(AuditEvent::of(&permit, None, result));
            let Some((_, _, known)) = known else {
                let doubt = view.doubt(&place);
                report(if doubt.is_some() { "user not reached" } else { "gone" });
                return Err(doubt.map_or_else(|| public(Failed::Gone), unknown));
            };
            if !confirms(&typed, &known.name) {
                report("denied: the name was not confirmed");
                return Err(PublicError::new(Kind::NotConfirmed, "That is not the session's name, letter for letter. Nothing was killed."));
            }
            self.fleet.kill(permit).await.map_err(public)
        })
    }

    fn rename<'a>(&'a self, who: &'a Asker, place: Place, session: SessionId, name: NewSessionName) -> Promise<'a, ()> {
        Box::pin(async move { self.fleet.rename(self.permit(who, place, Rename { session, name })?).await.map_err(public) })
    }

    fn refresh<'a>(&'a self, who: &'a Asker, host: Option<HostKey>) -> Promise<'a, ()> {
        Box::pin(async move {
            let rules = self.rules();
            let hosts = rules.inventory.hosts.iter().filter(|h| host.as_ref().is_none_or(|key| *key == h.key));
            let places: Vec<Place> = hosts.flat_map(|h| h.users.iter().map(|u| Place { host: h.key.clone(), user: u.name.clone() })).collect();
            if places.is_empty() {
                return Err(PublicError::new(Kind::NotFound, "There is no such host here."));
            }
            // What the caller may not see is left out without a word, unless that is everything.
            let (mut permits, mut refused) = (Vec::new(), None);
            for place in places {
                match permit(&rules.policy, &rules.inventory, who, place.clone(), Refresh) {
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
