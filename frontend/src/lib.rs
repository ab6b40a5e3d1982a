//! The entry point of the program that runs in the browser.
#![recursion_limit = "512"] // a view is one nested type
use wasm_bindgen::prelude::wasm_bindgen;
/// Starts the page. The script in the document calls it once.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    muxboard_app::wake();
}
