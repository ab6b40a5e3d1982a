//! A terminal's WebSocket: one task that selects over the pty, the socket, the clock and the server's own end.

use super::input::Input;
use super::leave::{self, Leave};
use super::line::{Event, Line};
use super::outbox::{Aside, Outbox};
use super::{Recheck, close, close_with, refused, stopped};
use crate::error::public;
use crate::http::context::Visit;
use crate::state::Shared;
use axum::Extension;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::fault::Fault;
use muxboard_core::limits::{
    ATTACH_SILENCE_SECONDS_MAX, CHECK_SECONDS, CLIENT_FRAME_BYTES_MAX, CLOSE_REASON_BYTES_MAX, HELLO_SECONDS_MAX, LEAVE_SECONDS_MAX, OVERTAKE_SECONDS_MIN,
    QUIET_SECONDS, SILENCE_SECONDS_MAX, WRITE_BUFFER_BYTES,
};
use muxboard_core::name::SessionName;
use muxboard_core::policy::{Asker, Operation, Permit, Type, Watch};
use muxboard_core::snapshot::{Place, SessionId, UserState};
use muxboard_core::wire::{Close, ToServer};
use muxboard_fleet::{AttachEnd, Attachment, Connection, Failed, Fleet, Showing};
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

pub(crate) async fn attach(
    State(shared): State<Arc<Shared>>,
    Extension(visit): Extension<Visit>,
    Path((host, user, session)): Path<(String, String, String)>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade
        .max_message_size(CLIENT_FRAME_BYTES_MAX)
        .max_frame_size(CLIENT_FRAME_BYTES_MAX)
        .read_buffer_size(WRITE_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        // The frame's own head comes on top.
        .max_write_buffer_size(shared.fleet.limits().queue_bytes + WRITE_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        let who = match (refused(&shared, &visit), &visit.found) {
            (Ok(_), Ok(asker)) => asker.clone(),
            (Err(why), _) => return close(socket, why).await,
            _ => return close(socket, Close::Unauthenticated).await,
        };
        match (format!("{host}/{user}").parse(), session.parse()) {
            (Ok(place), Ok(session)) => start(shared, who, visit, place, session, socket).await,
            _ => close(socket, Close::Unknown).await,
        }
    })
}

fn reason(error: &PublicError) -> Close {
    match error.code {
        Kind::NotFound => Close::Unknown,
        Kind::CapReached => Close::CapReached,
        Kind::Forbidden => Close::Forbidden,
        Kind::Gone => Close::Gone,
        _ => Close::Unreachable,
    }
}

async fn start(shared: Arc<Shared>, who: Asker, visit: Visit, place: Place, session: SessionId, mut socket: WebSocket) {
    let hello = timeout(Duration::from_secs(HELLO_SECONDS_MAX), socket.recv()).await;
    let (grid, watch, name) = match hello {
        Ok(Some(Ok(Message::Binary(bytes)))) => match ToServer::decode(&bytes) {
            Ok(ToServer::Hello { grid, watch, name }) => (grid, watch, name.parse().ok()),
            _ => return close(socket, Close::BadFrame).await,
        },
        Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return,
        _ => return close(socket, Close::BadFrame).await,
    };
    let login = Login { shared: &shared, visit: &visit };
    // Two operations, two permits: what may only watch has no way to the pty.
    if watch {
        match shared.permit(&who, place, Watch { session }) {
            Ok(permit) => run(login, &permit, name, shared.fleet.watch(&permit, grid).await, socket).await,
            Err(error) => close(socket, reason(&error)).await,
        }
    } else {
        match shared.permit(&who, place, Type { session }) {
            Ok(permit) => run(login, &permit, name, shared.fleet.attach(&permit, grid).await, socket).await,
            Err(error) => close(socket, reason(&error)).await,
        }
    }
}

async fn run<O: Operation>(login: Login<'_>, permit: &Permit<O>, name: Option<SessionName>, opened: Result<Attachment, Failed>, socket: WebSocket) {
    match opened {
        Ok(attachment) => pump(login, permit, name, attachment, socket).await,
        Err(failed) => {
            let cause = match &failed {
                Failed::Host(fault) | Failed::User(UserState::Fault(fault)) => Some(fault.clone()),
                _ => None,
            };
            close_for(socket, reason(&public(failed)), cause.as_ref()).await;
        }
    }
}

/// Closes with the cause in the place of the code's own sentence, if there is one.
async fn close_for(socket: WebSocket, why: Close, cause: Option<&Fault>) {
    match cause.filter(|_| why == Close::Unreachable) {
        Some(fault) => close_with(socket, why, fault.brief(CLOSE_REASON_BYTES_MAX)).await,
        None => close(socket, why).await,
    }
}

/// What a connection came in with.
struct Login<'a> {
    shared: &'a Arc<Shared>,
    visit: &'a Visit,
}

impl Login<'_> {
    /// Whether the policy would permit the same now.
    fn allows<O: Operation>(&self, permit: &Permit<O>) -> bool {
        let rules = self.shared.rules();
        rules.policy.still_allows(&rules.inventory, permit)
    }
}

/// A terminal that is being opened.
type Opening = Pin<Box<dyn Future<Output = Result<Connection, Failed>> + Send>>;

/// A fresh terminal on its way to take the old one's place, at most one in [`OVERTAKE_SECONDS_MIN`].
struct Overtake<'a, O> {
    fleet: &'a Arc<Fleet>,
    permit: &'a Permit<O>,
    coming: Option<Opening>,
    not_before: Instant,
}

impl<'a, O: Operation> Overtake<'a, O> {
    fn new(fleet: &'a Arc<Fleet>, permit: &'a Permit<O>) -> Self {
        Self { fleet, permit, coming: None, not_before: Instant::now() }
    }

    fn begin(&mut self, attachment: &Attachment) {
        if self.coming.is_none() && Instant::now() >= self.not_before && self.fleet.may_overtake(&self.permit.place().host) {
            tracing::debug!(place = %self.permit.place(), "a fresh terminal is to overtake a backlog");
            self.not_before = Instant::now() + Duration::from_secs(OVERTAKE_SECONDS_MIN);
            let fresh = self.fleet.again(self.permit, attachment);
            // The old one is not read meanwhile.
            let in_time = async { timeout(OVERTAKE_WITHIN, fresh).await.unwrap_or_else(|_| Err(Failed::Here("it took too long".into()))) };
            self.coming = Some(Box::pin(in_time));
        }
    }

    fn is_coming(&self) -> bool {
        self.coming.is_some()
    }

    /// Waits for it, for ever if none is coming; nothing if there is none after all.
    async fn ready(&mut self) -> Option<Connection> {
        let Some(coming) = &mut self.coming else { return std::future::pending().await };
        let fresh = coming.await;
        self.coming = None;
        match &fresh {
            Ok(_) => tracing::debug!(place = %self.permit.place(), "it is there"),
            Err(failed) => tracing::info!(place = %self.permit.place(), "a backlog is not overtaken: {failed:?}"),
        }
        fresh.ok()
    }
}

/// Output that had to wait for so long stands between a key and what answers it, in milliseconds.
const BEHIND_MS: u64 = 300;
/// A fresh terminal that is not there after this comes too late.
const OVERTAKE_WITHIN: Duration = Duration::from_secs(10);
/// A client that took nothing for so long has stalled, in milliseconds.
const STALLED_MS: u64 = 1000;

/// A key that wants an answer: Ctrl-C and all other control characters, Enter, Escape, arrows, tmux's prefix. Not text that flows.
fn is_key(typed: &[u8]) -> bool {
    typed.len() <= 8 && typed.iter().any(|byte| *byte < 0x20)
}

/// The next of the moments at which every terminal is checked: the same for all, so that what thirty that idle have to send leaves together.
fn next_check() -> Instant {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *BEGAN + Duration::from_secs((BEGAN.elapsed().as_secs() / CHECK_SECONDS + 1) * CHECK_SECONDS)
}

async fn pump<O: Operation>(login: Login<'_>, permit: &Permit<O>, mut name: Option<SessionName>, mut attachment: Attachment, socket: WebSocket) {
    let Login { shared, .. } = login;
    let fleet = &shared.fleet;
    let limits = fleet.limits();
    let mut stopping = shared.stop.subscribe();
    let (mut rules, mut recheck) = (shared.rules.subscribe(), Recheck::default());
    let Some(mut row) = fleet.row_of(&permit.place().host) else { return };
    let mut line = Line::new(socket);
    name = permit.operation().session().and_then(|id| fleet.name(permit.place(), id)).or(name);
    let (mut heard, mut pinged) = (Instant::now(), false);
    let (mut out, mut aside) = (Outbox::new(limits), Aside::default());
    let mut input = Input::default();
    // What the page was told: that tmux shows the session, who else does, which one it is and how it is called.
    let (mut attached, mut shown, mut told) = (false, Showing::default(), None);
    // What tmux's own list says of this terminal's tty is of this terminal.
    let mut listed = false;
    let mut leave: Option<Instant> = None;
    let opened = Instant::now();
    let shows_by = opened + Duration::from_secs(ATTACH_SILENCE_SECONDS_MAX);
    // Why it is closed as unreachable, if that is known.
    let mut cause: Option<Fault> = None;
    let mut overtake = Overtake::new(fleet, permit);
    let mut to_program = Leave::new(fleet, permit);
    let mut check = next_check();
    // One timer for everything that has a time. It is only ever set earlier: when it rings for what was put off, it is set anew.
    let mut alarm = pin!(sleep_until(check));
    let end = loop {
        while attached && line.is_free() {
            let message = if out.is_due() { Some(out.take()) } else { aside.next() };
            let Some(message) = message else { break };
            if !line.send(message).await {
                return;
            }
        }
        let frame = (attached && line.is_free() && out.held() > 0).then_some(out.not_before);
        let due = [Some(check), Some(attachment.deadline()), leave, frame, (!attached).then_some(shows_by)].into_iter().flatten().min().unwrap_or(check);
        if due < alarm.deadline() {
            alarm.as_mut().reset(due);
        }
        out.watch();
        // Not biased: a flood keeps the first arms ready, and an ended login or a stopping server must be heard through it.
        tokio::select! {
            event = line.event(input.has_room()) => {
                let message = match event {
                    Event::Flushed => continue,
                    Event::Over => return,
                    Event::Heard(message) => message,
                };
                (heard, pinged) = (Instant::now(), false);
                let Message::Binary(bytes) = message else {
                    if matches!(message, Message::Text(_)) { break Close::BadFrame; }
                    continue;
                };
                match ToServer::decode(&bytes) {
                    // What is typed for a session that is gone is not for the one that tmux may show in its place.
                    Ok(ToServer::Input(bytes)) => if leave.is_none() {
                        input.typed(&bytes);
                        // What answers a key does not wait.
                        out.not_before = heard;
                        let behind = out.behind() > Duration::from_millis(BEHIND_MS);
                        if attached && is_key(&bytes) && behind && !input.is_pasting() { overtake.begin(&attachment); }
                    },
                    Ok(ToServer::Paste(bytes)) => if leave.is_none() {
                        to_program.begin_for_text(&attachment);
                        input.pasted(&bytes);
                    },
                    Ok(ToServer::Leave) if leave.is_some() => {}
                    Ok(ToServer::Leave) if shown.mode.is_some() => to_program.begin(&attachment),
                    Ok(ToServer::Leave) => to_program.begin_for_text(&attachment),
                    Ok(ToServer::Resize(grid)) => attachment.resize(grid),
                    Ok(ToServer::Taken(bytes)) => {
                        let stalled = out.closed.is_some_and(|since| since.elapsed() > Duration::from_millis(STALLED_MS));
                        out.taken(bytes);
                        if attached && stalled && leave.is_none() && !input.is_pasting() { overtake.begin(&attachment); }
                    }
                    Ok(ToServer::Ping(number)) => aside.pong = Some(number),
                    Ok(ToServer::Hello { .. }) | Err(_) => break Close::BadFrame,
                }
            }
            answer = to_program.answered() => match answer {
                // What the last look saw is over.
                Ok(()) => if shown.mode.take().is_some() { aside.mode = Some(None); },
                // It reaches nobody, and the page waits for no answer to it.
                Err(Failed::Gone) => aside.written(input.written(input.waiting().len())),
                Err(failed) => break leave::end(&failed),
            },
            () = attachment.writable(), if !input.waiting().is_empty() && !to_program.is_coming() => match attachment.write(input.waiting()) {
                Ok(count) => aside.written(input.written(count)),
                // The end of the output says why.
                Err(_) => input.clear(),
            },
            // What is about to be overtaken is old.
            () = attachment.readable(), if out.is_open() && !overtake.is_coming() => {
                let limit = out.limit();
                let ended = attachment.read(out.open(), limit);
                // What may be tmux's word that the session is gone is not shown.
                if !attached && out.held() > 0 && !attachment.undecided() {
                    (attached, aside.grid) = (true, Some(attachment.grid()));
                    if let Some(message) = aside.next() && !line.send(message).await { return; }
                }
                match ended {
                    Ok(more) => out.is_dry(!more),
                    Err(end) => {
                        if !attached { out.frame.clear(); }
                        break over(shared, permit, &mut attachment, end, &mut out, &mut line).await;
                    }
                }
                fleet.stir(permit.place());
            }
            fresh = overtake.ready() => if let Some(fresh) = fresh && !input.is_pasting() {
                attachment.go_on_with(fresh);
                out.begin_anew();
                listed = false;
            },
            () = alarm.as_mut() => {
                let now = Instant::now();
                if now >= attachment.deadline() { break Close::LifetimeOver; }
                if leave.is_some_and(|leave| now >= leave) { break Close::Gone; }
                if !attached && now >= shows_by {
                    cause = fleet.shows_nothing(permit.place(), opened);
                    break Close::Unreachable;
                }
                if now >= check {
                    if !login.allows(permit) { break Close::Revoked; }
                    recheck.begin(shared, login.visit, permit.principal());
                    if out.is_stalled(limits) { break Close::Stalled; }
                    let silence = now - heard;
                    if pinged && silence > Duration::from_secs(SILENCE_SECONDS_MAX) { return; }
                    if silence > Duration::from_secs(QUIET_SECONDS) {
                        pinged = true;
                        if line.is_free() && !line.send(Message::Ping(Default::default())).await { return; }
                    }
                    check = next_check();
                }
                alarm.as_mut().reset(check);
            }
            changed = rules.changed() => {
                if changed.is_err() { break Close::ShuttingDown; }
                rules.borrow_and_update();
                if !login.allows(permit) { break Close::Revoked; }
                recheck.anew(shared, login.visit, permit.principal());
            }
            holds = recheck.verdict() => if !holds { break Close::Revoked; },
            changed = row.changed() => {
                if changed.is_err() { break Close::ShuttingDown; }
                row.borrow_and_update();
                if fleet.follow_size(permit, &mut attachment) { aside.grid = Some(attachment.grid()); }
                name = permit.operation().session().and_then(|id| fleet.name(permit.place(), id)).or(name);
                let mut now = fleet.showing(permit, &attachment);
                if to_program.is_newer_than_look(permit.place()) { now.mode = shown.mode; }
                listed |= fleet.is_looked_at(permit.place(), &attachment);
                if attached && now.gone {
                    // With detach-on-destroy off tmux leads this client to another session: that must not be shown as this one. Otherwise
                    // it ends by itself, after the last of the output.
                    if now.moved_to.is_some() { break Close::Gone; }
                    leave.get_or_insert(Instant::now() + Duration::from_secs(LEAVE_SECONDS_MAX));
                    input.clear();
                }
                if listed {
                    let here = || permit.operation().session().and_then(|id| Some((id, fleet.name(permit.place(), id)?)));
                    let shows = now.moved_to.clone().or_else(here);
                    if shows.is_some() && shows != told {
                        aside.shows.clone_from(&shows);
                        told = shows;
                    }
                    if now != shown {
                        if now.mode != shown.mode { aside.mode = Some(now.mode); }
                        aside.clients = Some(now.clients.clone());
                        shown = now;
                    }
                }
            }
            () = stopped(&mut stopping) => break Close::ShuttingDown,
        }
    };
    // The slot and the tmux client go before the client hears the end: who reconnects at once finds room.
    drop(attachment);
    let taken = name.is_some_and(|name| fleet.is_named(permit.place(), &name));
    let end = if end == Close::Gone && taken { Close::Replaced } else { end };
    close_for(line.into_socket(), end, cause.or_else(|| fleet.fault(permit.place())).as_ref()).await;
}

/// The terminal's own end: the last output goes out, then it is asked whether the session lives on.
async fn over<O: Operation>(shared: &Shared, permit: &Permit<O>, attachment: &mut Attachment, end: AttachEnd, out: &mut Outbox, line: &mut Line) -> Close {
    if end == AttachEnd::Ended && out.held() > 0 {
        // A line that is not free has the frame before still to send: the close comes after both.
        line.send(out.take()).await;
    }
    if attachment.is_lost().await {
        return Close::Lost;
    }
    match (shared.fleet.outlived(permit).await, end) {
        (_, AttachEnd::Gone) | (Some(false), _) => Close::Gone,
        (Some(true), _) => Close::Detached,
        (None, _) => Close::Unreachable,
    }
}
