//! The class `MuxTerminal` of frontend/scripts/terminal.ts, which wraps xterm.js. The script in the document loads it before the program.

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    /// A terminal of xterm.js in an element of the page.
    pub(super) type MuxTerminal;

    /// Makes a terminal in an element. If it is `watching`, it types and pastes nothing. `typed` gets a `Uint8Array` and whether it is part of a paste, and
    /// returns whether it was sent. `resized` gets columns and rows. `leave` makes tmux show the program again before the next typed bytes are written.
    #[wasm_bindgen(constructor)]
    pub(super) fn new(element: &HtmlElement, watching: bool, typed: &Function, resized: &Function, leave: &Function) -> MuxTerminal;

    /// Writes output to the terminal. `taken` is called when xterm.js has parsed it.
    #[wasm_bindgen(method)]
    pub(super) fn write(this: &MuxTerminal, bytes: &Uint8Array, taken: &Function);

    /// Clears the screen, the history and all modes.
    #[wasm_bindgen(method)]
    pub(super) fn reset(this: &MuxTerminal);

    /// Fixes the size of the terminal, whatever the size of its element.
    #[wasm_bindgen(method)]
    pub(super) fn hold(this: &MuxTerminal, columns: u16, rows: u16);

    /// Sets whether the session is connected. A paste under way ends with its connection.
    #[wasm_bindgen(method, js_name = setConnected)]
    pub(super) fn set_connected(this: &MuxTerminal, connected: bool);

    /// Sets the identity of the shown session, and its name as plain text.
    #[wasm_bindgen(method)]
    pub(super) fn shows(this: &MuxTerminal, session: &str, name: &str);

    /// Reports how many bytes of a paste were written to the session's terminal.
    #[wasm_bindgen(method)]
    pub(super) fn written(this: &MuxTerminal, bytes: u32);

    /// Gives the terminal the keyboard focus.
    #[wasm_bindgen(method)]
    pub(super) fn focus(this: &MuxTerminal);

    #[wasm_bindgen(method, getter)]
    pub(super) fn columns(this: &MuxTerminal) -> u16;

    #[wasm_bindgen(method, getter)]
    pub(super) fn rows(this: &MuxTerminal) -> u16;
}
