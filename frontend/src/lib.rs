//! Wakes the page.
#![recursion_limit = "512"] // a view is one nested type
use wasm_bindgen::prelude::wasm_bindgen;
/// Called once by the loader of the page.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    muxboard_app::wake();
}
