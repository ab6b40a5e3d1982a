//! Connects one terminal of xterm.js to its session by a WebSocket, and shows the state of the connection. Keys that are typed without a connection are
//! refused and the page says so; they are never stored and sent later.

use super::shim::MuxTerminal;
use super::state::{Controls, End, Link, TerminalPage};
use crate::base::Base;
use crate::socket::{Handlers, PageSocket, jitter_ms};
use crate::ui::name::plain;
use js_sys::Uint8Array;
use leptos::prelude::*;
use muxboard_core::flow::Unacknowledged;
use muxboard_core::limits::{CLIENT_FRAME_BYTES_MAX, PAGE_PING_MS, PAGE_SILENCE_MS_MAX, PAGE_WAKE_MS_MAX, RECONNECT_MS_MAX, SLOW_MS, UNACKNOWLEDGED_MS_MAX};
use muxboard_core::wire::{Close, Grid, ToClient, ToServer};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlElement;

struct Driver {
    base: Base,
    page: TerminalPage,
    controls: Controls,
    terminal: MuxTerminal,
    socket: RefCell<Option<PageSocket>>,
    tries: Cell<u32>,
    /// When a frame last came, when a ping was last sent, and when the one was that is not answered yet: by the page's clock, in milliseconds.
    heard_at: Cell<f64>,
    pinged_at: Cell<f64>,
    asked_at: Cell<Option<f64>>,
    /// How long the response to a ping may take.
    patience_ms: Cell<u32>,
    /// Writes that xterm.js has not parsed yet.
    parsing: Cell<u32>,
    /// Output that xterm.js has parsed and that is not acknowledged.
    unacknowledged: Cell<Unacknowledged>,
    /// The socket is open, and the first frame is not sent yet: it waits until xterm.js has parsed all older output.
    greets: Cell<bool>,
    /// Whether tmux has shown the session: ever on this page, and on this connection.
    was_attached: Cell<bool>,
    attached: Cell<bool>,
    /// The number of this connection. Callbacks of an older connection do nothing.
    connection: Cell<u32>,
}

/// Starts the driver after the page is hydrated.
pub(super) fn run(base: Base, page: TerminalPage, controls: Controls) {
    let held: Rc<RefCell<Option<Rc<Driver>>>> = Rc::default();
    let driver = held.clone();
    Effect::new(move || {
        if controls.leave.get() > 0
            && let Some(driver) = driver.borrow().as_ref()
        {
            driver.send(&ToServer::Leave);
            // The button goes away: the keyboard that pressed it goes back to the terminal. A finger leaves the focus where it is.
            if document().active_element().is_some_and(|element| element.closest(".mode").ok().flatten().is_some()) {
                driver.terminal.focus();
            }
        }
    });
    Effect::new(move || {
        if controls.again.get() > 0 {
            if let Some(driver) = held.borrow().as_ref() {
                connect(driver);
            }
            return;
        }
        let Some(element) = document().get_element_by_id("screen").and_then(|e| e.dyn_into::<HtmlElement>().ok()) else { return };
        *held.borrow_mut() = Some(start(base.clone(), page.clone(), controls, &element));
    });
}

fn start(base: Base, page: TerminalPage, controls: Controls, element: &HtmlElement) -> Rc<Driver> {
    let driver = Rc::new_cyclic(|weak: &std::rc::Weak<Driver>| {
        let typed = {
            let weak = weak.clone();
            Closure::<dyn FnMut(Uint8Array, bool) -> bool>::new(move |bytes: Uint8Array, paste| {
                weak.upgrade().is_some_and(|driver: Rc<Driver>| driver.typed(&bytes.to_vec(), paste))
            })
        };
        let resized = {
            let weak = weak.clone();
            Closure::<dyn FnMut(u16, u16)>::new(move |columns, rows| {
                if let Some(driver) = weak.upgrade() {
                    driver.send(&ToServer::Resize(Grid::clamped(columns, rows)));
                }
            })
        };
        let leave = {
            let weak = weak.clone();
            Closure::<dyn FnMut()>::new(move || {
                if let Some(driver) = weak.upgrade() {
                    driver.send(&ToServer::Leave);
                }
            })
        };
        let terminal = MuxTerminal::new(element, page.watch, typed.as_ref().unchecked_ref(), resized.as_ref().unchecked_ref(), leave.as_ref().unchecked_ref());
        terminal.shows(&page.session.to_string(), &plain(&page.name));
        // They live as long as the page.
        typed.forget();
        resized.forget();
        leave.forget();
        Driver {
            base,
            page,
            controls,
            terminal,
            socket: RefCell::default(),
            tries: Cell::new(0),
            heard_at: Cell::new(0.0),
            pinged_at: Cell::new(0.0),
            asked_at: Cell::new(None),
            patience_ms: Cell::new(PAGE_SILENCE_MS_MAX),
            parsing: Cell::new(0),
            unacknowledged: Cell::default(),
            greets: Cell::new(false),
            was_attached: Cell::new(false),
            attached: Cell::new(false),
            connection: Cell::new(0),
        }
    });
    connect(&driver);
    let beat = driver.clone();
    set_interval(move || beat.beat(&beat), Duration::from_secs(1));
    // The network or the tab is back (or the network went): what is lost is dialled at once, what seems alive has to prove it soon.
    for event in ["online", "offline", "visibilitychange", "focus"] {
        let back = driver.clone();
        let handle = window_event_listener_untyped(event, move |_| {
            if back.socket.borrow().is_none() {
                if back.link() == Link::Lost {
                    connect(&back);
                }
            } else if back.attached.get() {
                back.ping(PAGE_WAKE_MS_MAX);
            }
        });
        std::mem::forget(handle);
    }
    driver.terminal.focus();
    driver
}

fn now_ms() -> f64 {
    window().performance().map_or(0.0, |p| p.now())
}

fn now() -> Duration {
    Duration::from_secs_f64(now_ms() / 1000.0)
}

fn connect(driver: &Rc<Driver>) {
    driver.connection.set(driver.connection.get() + 1);
    driver.socket.borrow_mut().take();
    driver.attached.set(false);
    driver.greets.set(false);
    driver.unacknowledged.take();
    // The server's first frame is awaited like the response to a ping: a connection that stays silent is lost.
    driver.asked_at.set(Some(now_ms()));
    driver.patience_ms.set(PAGE_SILENCE_MS_MAX);
    if driver.link() != Link::Lost {
        driver.set_link(Link::Connecting);
    }
    let (opened, framed, closed) = (driver.clone(), driver.clone(), driver.clone());
    let handlers = Handlers {
        open: Box::new(move || {
            opened.greets.set(true);
            opened.greet();
        }),
        frame: Box::new(move |bytes| framed.frame(&framed, &bytes)),
        close: Box::new(move |code, reason| closed.closed(&closed, code, reason)),
    };
    *driver.socket.borrow_mut() = PageSocket::open(&driver.base.terminal_socket(&driver.page.place, driver.page.session), handlers);
}

impl Driver {
    fn link(&self) -> Link {
        self.controls.link.get_untracked()
    }

    /// Shows how the connection stands, and tells the page's scripts.
    fn set_link(&self, link: Link) {
        self.terminal.set_connected(link.is_connected());
        self.controls.link.set(link);
    }

    fn send(&self, frame: &ToServer) -> bool {
        self.socket.borrow().as_ref().is_some_and(|s| s.send(&frame.encode()))
    }

    /// Sends the first frame once xterm.js has parsed all output of older connections. Otherwise an answer that xterm.js gives to old output would be typed
    /// into the session.
    fn greet(&self) {
        if self.greets.get() && self.parsing.get() == 0 {
            self.greets.set(false);
            let grid = Grid::clamped(self.terminal.columns(), self.terminal.rows());
            self.send(&ToServer::Hello { grid, watch: self.page.watch, name: self.controls.name.get_untracked() });
        }
    }

    /// Sends typed bytes, or shows that they were refused. True if they were sent.
    fn typed(&self, bytes: &[u8], paste: bool) -> bool {
        let quiet = self.asked_at.get().map_or(0.0, |asked| now_ms() - asked.max(self.heard_at.get()));
        let sure = self.attached.get() && quiet < f64::from(PAGE_WAKE_MS_MAX);
        let sent = sure && !self.page.watch && {
            let frame = if paste { ToServer::Paste } else { ToServer::Input };
            bytes.chunks(CLIENT_FRAME_BYTES_MAX / 2).all(|part| self.send(&frame(part.to_vec())))
        };
        if sent {
            // This message woke the server already.
            self.acknowledge();
        }
        // While xterm.js parses, this may be its own answer to what it parses; a mouse that moves types nothing either.
        let person = self.parsing.get() == 0 && !bytes.starts_with(b"\x1b[<") && !bytes.starts_with(b"\x1b[M");
        if (sent || person) && sent == self.controls.refused.get_untracked() {
            self.controls.refused.set(!sent);
        }
        sent
    }

    /// Acknowledges parsed output at once, or keeps the acknowledgement for the next key.
    fn parsed(&self, this: &Rc<Self>, bytes: u32) {
        let mut unacknowledged = self.unacknowledged.get();
        let is_first = unacknowledged.is_empty();
        let due = unacknowledged.add(bytes, now());
        self.unacknowledged.set(unacknowledged);
        if let Some(taken) = due {
            self.send(&ToServer::Taken(taken));
        } else if is_first {
            let this = this.clone();
            set_timeout(move || this.acknowledge(), Duration::from_millis(UNACKNOWLEDGED_MS_MAX.into()));
        }
    }

    /// Sends the acknowledgement that was kept back, if there is one.
    fn acknowledge(&self) {
        let mut unacknowledged = self.unacknowledged.get();
        if let Some(taken) = unacknowledged.take(now()) {
            self.send(&ToServer::Taken(taken));
        }
        self.unacknowledged.set(unacknowledged);
    }

    fn ping(&self, patience_ms: u32) {
        let now = now_ms();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since the page was opened")]
        if self.send(&ToServer::Ping(now as u32)) {
            self.pinged_at.set(now);
            if self.asked_at.get().is_none() {
                self.asked_at.set(Some(now));
            }
            self.patience_ms.set(self.patience_ms.get().min(patience_ms));
        }
    }

    fn beat(&self, this: &Rc<Self>) {
        let now = now_ms();
        if self.socket.borrow().is_none() {
            return;
        }
        if let Some(asked) = self.asked_at.get() {
            if now - asked.max(self.heard_at.get()) > f64::from(self.patience_ms.get()) {
                // Half open: nothing comes, and no close either. Dropping it silences it, so do what its close would have done.
                self.closed(this, 0, String::new());
                return;
            }
            self.show(now - asked, false);
        }
        if self.attached.get() && now - self.pinged_at.get() >= f64::from(PAGE_PING_MS) {
            self.ping(PAGE_SILENCE_MS_MAX);
        }
    }

    /// Shows the duration of a round trip, or of the one under way if it is slow.
    fn show(&self, took_ms: f64, answered: bool) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a round trip in milliseconds")]
        let ms = took_ms.max(0.0).round() as u32;
        if self.attached.get() && (answered || ms >= SLOW_MS) {
            self.set_link(if ms < SLOW_MS { Link::Live(Some(ms)) } else { Link::Slow(ms) });
        }
    }

    fn frame(&self, this: &Rc<Self>, bytes: &Uint8Array) {
        self.heard_at.set(now_ms());
        if bytes.length() > 0 && bytes.get_index(0) == ToClient::OUTPUT_TAG {
            let (this, connection, count) = (this.clone(), self.connection.get(), bytes.length() - 1);
            self.parsing.set(self.parsing.get() + 1);
            let taken = Closure::once_into_js(move || {
                this.parsing.set(this.parsing.get().saturating_sub(1));
                if this.connection.get() == connection {
                    this.parsed(&this, count);
                }
                this.greet();
            });
            self.terminal.write(&bytes.subarray(1, bytes.length()), taken.unchecked_ref());
            return;
        }
        match ToClient::decode(&bytes.to_vec()) {
            Ok(ToClient::Attached(grid)) => {
                if self.page.watch {
                    self.terminal.hold(grid.columns(), grid.rows());
                }
                if !self.attached.replace(true) {
                    self.tries.set(0);
                    self.was_attached.set(true);
                    self.asked_at.set(None);
                    self.terminal.reset();
                    self.set_link(Link::Live(None));
                    self.controls.refused.set(false);
                    self.ping(PAGE_SILENCE_MS_MAX);
                }
            }
            Ok(ToClient::Pong(sent)) => {
                self.asked_at.set(None);
                self.patience_ms.set(PAGE_SILENCE_MS_MAX);
                // A watcher was told; a typist is told until a key is sent again.
                if self.page.watch {
                    self.controls.refused.set(false);
                }
                self.show(now_ms() - f64::from(sent), true);
            }
            Ok(ToClient::Clients(clients)) => self.controls.clients.set(clients),
            Ok(ToClient::Shows { session, name }) => {
                self.terminal.shows(&session, &plain(&name));
                self.controls.name.set(name);
            }
            Ok(ToClient::Written(bytes)) => self.terminal.written(bytes),
            Ok(ToClient::Mode(mode)) => self.controls.mode.set(mode),
            Ok(ToClient::Output(_)) | Err(_) => {}
        }
    }

    fn closed(&self, this: &Rc<Self>, code: u16, reason: String) {
        self.socket.borrow_mut().take();
        self.attached.set(false);
        let close = Close::of(code);
        if close == Some(Close::Unauthenticated) {
            // The server asks for a login, and leads back here.
            let _ = window().location().reload();
            return;
        }
        let over = match close {
            // The server comes back, or the frame was a glitch of the line.
            Some(Close::ShuttingDown | Close::Lost) | None => None,
            // Our own former connection may still hold its place.
            Some(Close::CapReached) if self.was_attached.get() => None,
            Some(Close::LifetimeOver | Close::Detached | Close::CapReached | Close::Stalled | Close::Unreachable) => Some(End::Again),
            Some(Close::Replaced) => Some(End::Replaced),
            Some(Close::Gone) => Some(End::Gone),
            Some(_) => Some(End::Final),
        };
        self.controls.clients.set(Vec::new());
        self.controls.mode.set(None);
        if let (Some(close), Some(end)) = (close, over) {
            // The server knows the cause.
            let says = if close == Close::Unreachable && !reason.is_empty() { reason } else { close.sentence().to_owned() };
            self.set_link(Link::Ended(says, end));
            return;
        }
        self.set_link(Link::Lost);
        let (this, connection) = (this.clone(), self.connection.get());
        let wait = jitter_ms(self.tries.get(), RECONNECT_MS_MAX);
        self.tries.set(self.tries.get().saturating_add(1));
        set_timeout(
            move || {
                if this.connection.get() == connection && this.link() == Link::Lost {
                    connect(&this);
                }
            },
            Duration::from_millis(wait.into()),
        );
    }
}
