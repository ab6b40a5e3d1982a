//! The extern types of frontend/scripts/terminal.ts, which wraps xterm.js. The page's loader has put the class where this finds it.

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    /// A terminal in an element.
    pub(super) type MuxTerminal;

    /// Makes a terminal in an element; one that is `watching` types and pastes nothing. `typed` gets a `Uint8Array` and whether it is a part of a paste, and says
    /// whether it is on its way; `resized` gets columns and rows; `leave` has tmux show the program again before what is typed next is written.
    #[wasm_bindgen(constructor)]
    pub(super) fn new(element: &HtmlElement, watching: bool, typed: &Function, resized: &Function, leave: &Function) -> MuxTerminal;

    /// Shows output; `taken` is called once it is really parsed.
    #[wasm_bindgen(method)]
    pub(super) fn write(this: &MuxTerminal, bytes: &Uint8Array, taken: &Function);

    /// Forgets everything shown.
    #[wasm_bindgen(method)]
    pub(super) fn reset(this: &MuxTerminal);

    /// Keeps this size from now on, however large its element is.
    #[wasm_bindgen(method)]
    pub(super) fn hold(this: &MuxTerminal, columns: u16, rows: u16);

    /// Tells it whether the session is connected: a paste that runs ends with its connection.
    #[wasm_bindgen(method, js_name = setConnected)]
    pub(super) fn set_connected(this: &MuxTerminal, connected: bool);

    /// Tells it the session that it shows, and the session's name as plain text.
    #[wasm_bindgen(method)]
    pub(super) fn shows(this: &MuxTerminal, session: &str, name: &str);

    /// So many bytes of a paste were written to the session's terminal.
    #[wasm_bindgen(method)]
    pub(super) fn written(this: &MuxTerminal, bytes: u32);

    /// Takes the keyboard.
    #[wasm_bindgen(method)]
    pub(super) fn focus(this: &MuxTerminal);

    #[wasm_bindgen(method, getter)]
    pub(super) fn columns(this: &MuxTerminal) -> u16;

    #[wasm_bindgen(method, getter)]
    pub(super) fn rows(this: &MuxTerminal) -> u16;
}
