//! A terminal that is attached: one task that selects over the pty, the socket, the clock and the server's own end. Each of them has a handler here;
//! what a handler waits for is its own client's socket, and never longer than the kernel takes a frame.

use super::control_queue::ControlQueue;
use super::input::{Input, is_key};
use super::leave::{self, Leave};
use super::nonblocking::{NonBlockingSocket, SocketEvent};
use super::outbox::Outbox;
use super::overtake::Overtake;
use super::told::Told;
use super::{Revalidation, close_for, next_check, stopped};
use crate::http::context::RequestContext;
use crate::state::AppState;
use axum::extract::ws::{Message, WebSocket};
use muxboard_core::fault::Fault;
use muxboard_core::flow::Taken;
use muxboard_core::limits::{ATTACH_SILENCE_SECONDS_MAX, BEHIND_MS, LEAVE_SECONDS_MAX, QUIET_SECONDS, SILENCE_SECONDS_MAX, STALLED_MS};
use muxboard_core::name::SessionName;
use muxboard_core::policy::{Operation, Permit};
use muxboard_core::wire::{Close, ToServer};
use muxboard_fleet::{ActionError, AttachEnd, Attachment, Connection};
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Whether a session goes on, or its end: the close code, or `None` where the client is gone and hears nothing.
type Flow = ControlFlow<Option<Close>>;

fn end(why: Close) -> Flow {
    Break(Some(why))
}

/// One attached terminal and its client.
pub(super) struct TerminalSession<'a, O> {
    state: &'a Arc<AppState>,
    context: &'a RequestContext,
    permit: &'a Permit<O>,
    attachment: Attachment,
    socket: NonBlockingSocket,
    input: Input,
    output: Outbox,
    control: ControlQueue,
    revalidation: Revalidation,
    overtake: Overtake<'a, O>,
    leave: Leave<'a, O>,
    /// The name of the session, as last known: it tells an ended session from a replaced one.
    name: Option<SessionName>,
    /// Whether tmux shows the session: nothing is sent before.
    attached: bool,
    told: Told,
    /// When a session that is gone is closed, if tmux does not end the terminal before.
    gone_by: Option<Instant>,
    opened_at: Instant,
    check_at: Instant,
    heard_at: Instant,
    typed_at: Option<Instant>,
    /// Whether a ping was sent since the client was last heard.
    pinged: bool,
    /// Why it is closed as unreachable, if that is known.
    cause: Option<Fault>,
}

impl<'a, O: Operation> TerminalSession<'a, O> {
    pub(super) fn new(
        state: &'a Arc<AppState>,
        context: &'a RequestContext,
        permit: &'a Permit<O>,
        name: Option<SessionName>,
        attachment: Attachment,
        socket: WebSocket,
    ) -> Self {
        let fleet = &state.fleet;
        Self {
            state,
            context,
            permit,
            attachment,
            socket: NonBlockingSocket::new(socket),
            input: Input::default(),
            output: Outbox::new(fleet.limits()),
            control: ControlQueue::default(),
            revalidation: Revalidation::default(),
            overtake: Overtake::new(fleet, permit),
            leave: Leave::new(fleet, permit),
            name,
            attached: false,
            told: Told::default(),
            gone_by: None,
            opened_at: Instant::now(),
            check_at: next_check(),
            heard_at: Instant::now(),
            typed_at: None,
            pinged: false,
            cause: None,
        }
    }

    /// Runs the session to its end, and tells the client why it ended.
    pub(super) async fn run(mut self) {
        let state = self.state;
        let (mut rules, mut stopping) = (state.rules.subscribe(), state.stop.subscribe());
        if !self.is_allowed() {
            return self.close(Close::Revoked).await; // withdrawn while the terminal was being opened
        }
        let Some(mut row) = state.fleet.row_of(&self.permit.place().host) else { return };
        self.name = self.known_name().or(self.name.take());
        // One timer for everything that has a time. It is only ever set earlier: when it rings for what was put off, it is set anew.
        let mut alarm = pin!(sleep_until(self.check_at));
        let end = loop {
            if let Break(end) = self.send_what_is_due().await {
                break end;
            }
            let due = self.next_deadline();
            if due < alarm.deadline() {
                alarm.as_mut().reset(due);
            }
            self.output.note_backpressure();
            // Not biased: a flood keeps the first arms ready, and an ended login or a stopping server must be heard through it.
            let flow = tokio::select! {
                event = self.socket.event(self.input.has_room()) => self.on_event(event),
                answer = self.leave.answered() => self.on_mode_left(answer),
                () = self.attachment.writable(), if self.may_write() => self.on_writable(),
                () = self.attachment.readable(), if self.may_read() => self.on_output().await,
                fresh = self.overtake.ready() => self.on_fresh_terminal(fresh),
                () = alarm.as_mut() => {
                    let flow = self.on_timer().await;
                    alarm.as_mut().reset(self.check_at);
                    flow
                }
                changed = rules.changed() => changed.map_or(end(Close::ShuttingDown), |()| self.on_rules_change()),
                holds = self.revalidation.outcome() => if !holds { end(Close::Revoked) } else { Continue(()) },
                changed = row.changed() => changed.map_or(end(Close::ShuttingDown), |()| self.on_row_change()),
                () = stopped(&mut stopping) => end(Close::ShuttingDown),
            };
            if let Break(end) = flow {
                break end;
            }
        };
        if let Some(end) = end {
            self.close(end).await;
        }
    }

    /// Sends messages while the socket takes them: output that is due first, then what goes beside it.
    async fn send_what_is_due(&mut self) -> Flow {
        while self.attached && self.socket.is_free() {
            let message = if self.output.is_due() { Some(self.output.take()) } else { self.control.next() };
            let Some(message) = message else { break };
            self.send(message).await?;
        }
        Continue(())
    }

    async fn send(&mut self, message: Message) -> Flow {
        if self.socket.send(message).await { Continue(()) } else { Break(None) }
    }

    /// The earliest moment at which something has to be done.
    fn next_deadline(&self) -> Instant {
        let frame = (self.attached && self.socket.is_free() && self.output.held() > 0).then_some(self.output.not_before);
        let shown = (!self.attached).then(|| self.shows_by());
        [Some(self.attachment.deadline()), self.gone_by, frame, shown].into_iter().flatten().fold(self.check_at, Instant::min)
    }

    /// When tmux must have shown something at the latest.
    fn shows_by(&self) -> Instant {
        self.opened_at + Duration::from_secs(ATTACH_SILENCE_SECONDS_MAX)
    }

    fn may_write(&self) -> bool {
        !self.input.waiting().is_empty() && !self.leave.is_coming()
    }

    /// Output that is about to be overtaken is old, and not read.
    fn may_read(&self) -> bool {
        self.output.is_open() && !self.overtake.is_coming()
    }

    fn on_event(&mut self, event: SocketEvent) -> Flow {
        match event {
            SocketEvent::Flushed => Continue(()),
            SocketEvent::Closed => Break(None),
            SocketEvent::Message(message) => self.on_message(message),
        }
    }

    fn on_message(&mut self, message: Message) -> Flow {
        (self.heard_at, self.pinged) = (Instant::now(), false);
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Text(_) => return end(Close::BadFrame),
            _ => return Continue(()),
        };
        // What is typed for a session that is gone is not for the one that tmux may show in its place.
        let is_here = self.gone_by.is_none();
        match ToServer::decode(&bytes) {
            Ok(ToServer::Input(bytes)) if is_here => self.on_input(&bytes),
            Ok(ToServer::Paste(bytes)) if is_here => {
                self.leave.begin_for_text(&self.attachment);
                self.input.pasted(&bytes);
            }
            Ok(ToServer::Leave) if is_here && self.told.mode().is_some() => self.leave.begin(&self.attachment),
            Ok(ToServer::Leave) if is_here => self.leave.begin_for_text(&self.attachment),
            Ok(ToServer::Input(_) | ToServer::Paste(_) | ToServer::Leave) => {}
            Ok(ToServer::Resize(grid)) => self.attachment.resize(grid),
            Ok(ToServer::Taken(taken)) => self.on_taken(taken),
            Ok(ToServer::Ping(number)) => self.control.pong = Some(number),
            Ok(ToServer::Hello { .. }) | Err(_) => return end(Close::BadFrame),
        }
        Continue(())
    }

    fn on_input(&mut self, bytes: &[u8]) {
        self.input.typed(bytes);
        self.typed_at = Some(self.heard_at);
        // What answers a key does not wait.
        self.output.not_before = self.heard_at;
        let behind = self.output.behind() > Duration::from_millis(BEHIND_MS);
        if self.attached && is_key(bytes) && behind && !self.input.is_pasting() {
            self.overtake.begin(&self.attachment);
        }
    }

    /// Records an acknowledgement; a client that had stalled gets a fresh terminal.
    fn on_taken(&mut self, taken: Taken) {
        let stalled = self.output.closed.is_some_and(|since| since.elapsed() > Duration::from_millis(STALLED_MS));
        self.output.taken(taken);
        if self.attached && stalled && self.gone_by.is_none() && !self.input.is_pasting() {
            self.overtake.begin(&self.attachment);
        }
    }

    /// tmux was asked to leave its mode, and answers.
    fn on_mode_left(&mut self, answer: Result<(), ActionError>) -> Flow {
        match answer {
            // What the last look saw is over.
            Ok(()) => self.told.mode_left(&mut self.control),
            // It reaches nobody, and the page waits for no answer to it.
            Err(ActionError::Gone) => self.control.written(self.input.written(self.input.waiting().len())),
            Err(failed) => return end(leave::end(&failed)),
        }
        Continue(())
    }

    fn on_writable(&mut self) -> Flow {
        match self.attachment.write(self.input.waiting()) {
            Ok(count) => self.control.written(self.input.written(count)),
            // The end of the output says why.
            Err(_) => self.input.clear(),
        }
        Continue(())
    }

    async fn on_output(&mut self) -> Flow {
        let limit = self.output.limit();
        let read = self.attachment.read(self.output.open(), limit);
        // What may be tmux's word that the session is gone is not shown.
        if !self.attached && self.output.held() > 0 && !self.attachment.undecided() {
            (self.attached, self.control.grid) = (true, Some(self.attachment.grid()));
            if let Some(message) = self.control.next() {
                self.send(message).await?;
            }
        }
        match read {
            Ok(more) => self.output.note_drained(!more),
            Err(why) => {
                if !self.attached {
                    self.output.frame.clear();
                }
                return end(self.on_output_end(why).await);
            }
        }
        self.state.fleet.notice_output(self.permit.place(), self.typed_at);
        Continue(())
    }

    /// The terminal's own end: the last output goes out, then it is asked whether the session lives on.
    async fn on_output_end(&mut self, why: AttachEnd) -> Close {
        if why == AttachEnd::Ended && self.output.held() > 0 {
            // A socket that is not free has the frame before still to send: the close comes after both.
            self.socket.send(self.output.take()).await;
        }
        if self.attachment.is_lost().await {
            return Close::Lost;
        }
        match (self.state.fleet.session_survived(self.permit).await, why) {
            (_, AttachEnd::Gone) | (Some(false), _) => Close::Gone,
            (Some(true), _) => Close::Detached,
            (None, _) => Close::Unreachable,
        }
    }

    fn on_fresh_terminal(&mut self, fresh: Option<Connection>) -> Flow {
        if let Some(fresh) = fresh
            && !self.input.is_pasting()
        {
            self.attachment.go_on_with(fresh);
            self.output.reset();
            self.told.unlist();
        }
        Continue(())
    }

    async fn on_timer(&mut self) -> Flow {
        let now = Instant::now();
        if now >= self.attachment.deadline() {
            return end(Close::LifetimeOver);
        }
        if self.gone_by.is_some_and(|by| now >= by) {
            return end(Close::Gone);
        }
        if !self.attached && now >= self.shows_by() {
            self.cause = self.state.fleet.shows_nothing(self.permit.place(), self.opened_at);
            return end(Close::Unreachable);
        }
        if now >= self.check_at { self.on_check(now).await } else { Continue(()) }
    }

    /// The periodic check ([`next_check`]): the policy, the gate, the client's credit, and whether the client is still there.
    async fn on_check(&mut self, now: Instant) -> Flow {
        if !self.is_allowed() {
            return end(Close::Revoked);
        }
        self.revalidation.start(self.state, self.context, self.permit.principal());
        if self.output.is_stalled(self.state.fleet.limits()) {
            return end(Close::Stalled);
        }
        let silence = now - self.heard_at;
        if self.pinged && silence > Duration::from_secs(SILENCE_SECONDS_MAX) {
            return Break(None);
        }
        if silence > Duration::from_secs(QUIET_SECONDS) {
            self.pinged = true;
            if self.socket.is_free() {
                self.send(Message::Ping(Default::default())).await?;
            }
        }
        self.check_at = next_check();
        Continue(())
    }

    fn on_rules_change(&mut self) -> Flow {
        if !self.is_allowed() {
            return end(Close::Revoked);
        }
        self.revalidation.start(self.state, self.context, self.permit.principal());
        Continue(())
    }

    /// Whether the policy would permit the same now.
    fn is_allowed(&self) -> bool {
        let rules = self.state.rules();
        rules.policy.still_allows(&rules.inventory, self.permit)
    }

    /// The host was looked at: the client is told what changed of its session.
    fn on_row_change(&mut self) -> Flow {
        let (fleet, place) = (&self.state.fleet, self.permit.place());
        if fleet.follow_size(self.permit, &mut self.attachment) {
            self.control.grid = Some(self.attachment.grid());
        }
        let known = self.known_name();
        self.name = known.clone().or(self.name.take());
        let mut status = fleet.session_status(self.permit, &self.attachment);
        if self.leave.is_newer_than_look(place) {
            status.mode = self.told.mode();
        }
        if fleet.is_looked_at(place, &self.attachment) {
            self.told.list();
        }
        if self.attached && status.gone {
            // With detach-on-destroy off tmux leads this client to another session: that must not be shown as this one. Otherwise
            // it ends by itself, after the last of the output.
            if status.moved_to.is_some() {
                return end(Close::Gone);
            }
            self.gone_by.get_or_insert(Instant::now() + Duration::from_secs(LEAVE_SECONDS_MAX));
            self.input.clear();
        }
        let own = self.permit.operation().session().zip(known);
        self.told.tell(status, own, &mut self.control);
        Continue(())
    }

    /// The session's name, as the last look has it.
    fn known_name(&self) -> Option<SessionName> {
        self.permit.operation().session().and_then(|id| self.state.fleet.name(self.permit.place(), id))
    }

    async fn close(self, end: Close) {
        let (fleet, place) = (&self.state.fleet, self.permit.place());
        // The slot and the tmux client go before the client hears the end: who reconnects at once finds room.
        drop(self.attachment);
        let taken = self.name.is_some_and(|name| fleet.is_named(place, &name));
        let end = if end == Close::Gone && taken { Close::Replaced } else { end };
        close_for(self.socket.into_socket(), end, self.cause.or_else(|| fleet.fault(place)).as_ref()).await;
    }
}
