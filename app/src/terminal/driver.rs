//! Drives one terminal: the WebSocket on one side, xterm.js on the other, the link's state in between. What is typed while there is no
//! connection is refused, visibly; it is never kept and sent later.

use super::shim::MuxTerminal;
use super::{Link, TerminalPage};
use crate::base::Base;
use crate::socket::{Handlers, Socket, jitter_ms};
use js_sys::Uint8Array;
use leptos::prelude::*;
use muxboard_core::limits::{CLIENT_FRAME_BYTES_MAX, PING_SECONDS, RECONNECT_MS_MAX, SILENCE_SECONDS_MAX};
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
    link: RwSignal<Link>,
    refused: RwSignal<bool>,
    terminal: MuxTerminal,
    socket: RefCell<Option<Socket>>,
    tries: Cell<u32>,
    /// When the ping was sent that is not answered yet. (The page's clock may stand still in a hidden tab: silence alone proves nothing.)
    asked_at: Cell<Option<f64>>,
    /// tmux has shown the session on this page before.
    was_attached: Cell<bool>,
    /// Grows with every connection: a callback of an older one has nothing to say.
    connection: Cell<u32>,
}

/// Starts it, once the page is hydrated.
pub(super) fn run(base: Base, page: TerminalPage, link: RwSignal<Link>, refused: RwSignal<bool>, again: RwSignal<u32>) {
    let held: Rc<RefCell<Option<Rc<Driver>>>> = Rc::default();
    Effect::new(move || {
        if again.get() > 0 {
            if let Some(driver) = held.borrow().as_ref() {
                connect(driver);
            }
            return;
        }
        let Some(element) = document().get_element_by_id("screen").and_then(|e| e.dyn_into::<HtmlElement>().ok()) else { return };
        *held.borrow_mut() = Some(start(base.clone(), page.clone(), link, refused, &element));
    });
}

fn start(base: Base, page: TerminalPage, link: RwSignal<Link>, refused: RwSignal<bool>, element: &HtmlElement) -> Rc<Driver> {
    let driver = Rc::new_cyclic(|weak: &std::rc::Weak<Driver>| {
        let typed = {
            let weak = weak.clone();
            Closure::<dyn FnMut(Uint8Array)>::new(move |bytes: Uint8Array| {
                if let Some(driver) = weak.upgrade() {
                    driver.typed(&bytes.to_vec());
                }
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
        let terminal = MuxTerminal::new(element, typed.as_ref().unchecked_ref(), resized.as_ref().unchecked_ref());
        // Both live as long as the page.
        typed.forget();
        resized.forget();
        Driver {
            base,
            page,
            link,
            refused,
            terminal,
            socket: RefCell::default(),
            tries: Cell::new(0),
            asked_at: Cell::new(None),
            was_attached: Cell::new(false),
            connection: Cell::new(0),
        }
    });
    connect(&driver);
    let beat = driver.clone();
    set_interval(move || beat.beat(&beat), Duration::from_secs(PING_SECONDS / 2));
    for event in ["online", "visibilitychange"] {
        let back = driver.clone();
        let handle = window_event_listener_untyped(event, move |_| {
            if back.link.get_untracked() == Link::Lost && back.socket.borrow().is_none() {
                connect(&back);
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

fn connect(driver: &Rc<Driver>) {
    let connection = driver.connection.get() + 1;
    driver.connection.set(connection);
    driver.socket.borrow_mut().take();
    driver.asked_at.set(None);
    if driver.link.get_untracked() != Link::Lost {
        driver.link.set(Link::Connecting);
    }
    let (opened, framed, closed) = (driver.clone(), driver.clone(), driver.clone());
    let handlers = Handlers {
        open: Box::new(move || {
            let grid = Grid::clamped(opened.terminal.columns(), opened.terminal.rows());
            opened.send(&ToServer::Hello { grid, watch: opened.page.watch });
        }),
        frame: Box::new(move |bytes| framed.frame(&framed, &bytes)),
        close: Box::new(move |code| closed.closed(&closed, code)),
    };
    *driver.socket.borrow_mut() = Socket::open(&driver.base.terminal_socket(&driver.page.place, driver.page.session), handlers);
}

impl Driver {
    fn send(&self, frame: &ToServer) -> bool {
        self.socket.borrow().as_ref().is_some_and(|s| s.send(&frame.encode()))
    }

    fn typed(&self, bytes: &[u8]) {
        let live = matches!(self.link.get_untracked(), Link::Live(_));
        let sent = live && bytes.chunks(CLIENT_FRAME_BYTES_MAX / 2).all(|part| self.send(&ToServer::Input(part.to_vec())));
        if sent == self.refused.get_untracked() {
            self.refused.set(!sent);
        }
    }

    fn beat(&self, this: &Rc<Self>) {
        if matches!(self.link.get_untracked(), Link::Ended(..)) {
            return;
        }
        let now = now_ms();
        if self.socket.borrow().is_some() && self.asked_at.get().is_some_and(|asked| now - asked > SILENCE_SECONDS_MAX as f64 * 1000.0) {
            // Half open: nothing comes, and no close either. Dropping it silences it, so say what its close would have said.
            self.socket.borrow_mut().take();
            self.link.set(Link::Lost);
        }
        if self.link.get_untracked() == Link::Lost && self.socket.borrow().is_none() {
            connect(this);
            return;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since the page was opened")]
        if self.send(&ToServer::Ping(now as u32)) && self.asked_at.get().is_none() {
            self.asked_at.set(Some(now));
        }
    }

    fn frame(&self, this: &Rc<Self>, bytes: &Uint8Array) {
        self.asked_at.set(None);
        if bytes.length() > 0 && bytes.get_index(0) == ToClient::OUTPUT_TAG {
            let (this, connection, count) = (this.clone(), self.connection.get(), bytes.length() - 1);
            let taken = Closure::once_into_js(move || {
                if this.connection.get() == connection {
                    this.send(&ToServer::Taken(count));
                }
            });
            self.terminal.write(&bytes.subarray(1, bytes.length()), taken.unchecked_ref());
            return;
        }
        match ToClient::decode(&bytes.to_vec()) {
            Ok(ToClient::Attached(grid)) => {
                if self.page.watch {
                    self.terminal.hold(grid.columns(), grid.rows());
                }
                self.tries.set(0);
                self.was_attached.set(true);
                self.terminal.reset();
                self.link.set(Link::Live(None));
                self.refused.set(false);
                self.beat(this);
            }
            // Before tmux shows the session the line is open and nothing is live.
            Ok(ToClient::Pong(sent)) if matches!(self.link.get_untracked(), Link::Live(_)) => {
                let round_trip = (now_ms() - f64::from(sent)).max(0.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a round trip in milliseconds")]
                self.link.set(Link::Live(Some(round_trip.round() as u32)));
            }
            Ok(ToClient::Output(_) | ToClient::Pong(_)) | Err(_) => {}
        }
    }

    fn closed(&self, this: &Rc<Self>, code: u16) {
        self.socket.borrow_mut().take();
        if Close::of(code) == Some(Close::Unauthenticated) {
            // The server asks for a login, and leads back here.
            let _ = window().location().reload();
            return;
        }
        let ended = |again| Close::of(code).map(|close| Link::Ended(close.sentence().to_owned(), again));
        let over = match Close::of(code) {
            // The server comes back, or the frame was a glitch of the line.
            Some(Close::ShuttingDown) | None => None,
            // Our own former connection may still hold its place.
            Some(Close::CapReached) if self.was_attached.get() => None,
            Some(Close::LifetimeOver | Close::Detached | Close::CapReached | Close::Stalled | Close::Unreachable) => ended(true),
            Some(_) => ended(false),
        };
        match over {
            Some(link) => self.link.set(link),
            None => {
                self.link.set(Link::Lost);
                let (this, connection) = (this.clone(), self.connection.get());
                let wait = jitter_ms(self.tries.get(), RECONNECT_MS_MAX);
                self.tries.set(self.tries.get().saturating_add(1));
                set_timeout(
                    move || {
                        if this.connection.get() == connection && this.link.get_untracked() == Link::Lost {
                            connect(&this);
                        }
                    },
                    Duration::from_millis(wait.into()),
                );
            }
        }
    }
}
