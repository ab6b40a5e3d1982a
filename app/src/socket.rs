//! A WebSocket of the browser that sends and receives binary frames, and the wait before it is opened again.

use js_sys::{ArrayBuffer, Math, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// The callbacks of a socket.
pub(crate) struct Handlers {
    /// Called when the socket is open.
    pub(crate) open: Box<dyn FnMut()>,
    /// Called with each frame. The bytes are in the memory of the browser, not of the program.
    pub(crate) frame: Box<dyn FnMut(Uint8Array)>,
    /// Called with the code and the reason when the socket is closed. No callback is called after this one.
    pub(crate) close: Box<dyn FnMut(u16, String)>,
}

/// A WebSocket that is open or being opened. Dropping it closes the socket; no callback is called after that.
pub(crate) struct PageSocket {
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _frame: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl PageSocket {
    /// Opens a socket to a path of the server that sent this page. `None` if the browser refuses.
    pub(crate) fn open(path: &str, handlers: Handlers) -> Option<Self> {
        let location = web_sys::window()?.location();
        let scheme = if location.protocol().ok()? == "https:" { "wss:" } else { "ws:" };
        let socket = WebSocket::new(&format!("{scheme}//{}{path}", location.host().ok()?)).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let Handlers { open, mut frame, mut close } = handlers;
        let open = Closure::wrap(open);
        let frame = Closure::wrap(Box::new(move |event: MessageEvent| {
            if let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() {
                frame(Uint8Array::new(&buffer));
            }
        }) as Box<dyn FnMut(_)>);
        let close = Closure::wrap(Box::new(move |event: CloseEvent| close(event.code(), event.reason())) as Box<dyn FnMut(_)>);
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(frame.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Some(Self { socket, _open: open, _frame: frame, _close: close })
    }

    /// Sends a frame. False if the socket is not open.
    pub(crate) fn send(&self, frame: &[u8]) -> bool {
        self.socket.ready_state() == WebSocket::OPEN && self.socket.send_with_u8_array(frame).is_ok()
    }
}

impl Drop for PageSocket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

/// The wait before the next attempt to connect, in milliseconds. It doubles from half a second up to `max_ms`; a random half of it keeps the pages from
/// connecting to a restarted server at the same moment.
pub(crate) fn jitter_ms(tries: u32, max_ms: u32) -> u32 {
    let full = (500_u32 << tries.min(10)).min(max_ms);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a random fraction of a small number")]
    let random = (Math::random() * f64::from(full / 2)) as u32;
    full / 2 + random
}
