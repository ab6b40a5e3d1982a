//! A form that the program posts to a server function, in the place of the browser.

use js_sys::{JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, Headers, HtmlFormElement, RequestInit, Response, UrlSearchParams};

/// Posts the fields of a form and returns the text of the response.
///
/// # Errors
/// The sentence to show: the server cannot be reached, or it refused.
pub(crate) async fn send(action: &str, form: &HtmlFormElement) -> Result<String, String> {
    let fields = FormData::new_with_form(form).map_err(|_| "The form cannot be read.")?;
    let body = UrlSearchParams::new_with_str_sequence_sequence(&fields).map_err(|_| "The form cannot be sent.")?;
    let response = request(action, &body).await.map_err(|_| "The server cannot be reached. Nothing was changed as far as we know; try again.")?;
    let text = match response.text() {
        Ok(promise) => JsFuture::from(promise).await.ok().and_then(|t| t.as_string()).unwrap_or_default(),
        Err(_) => String::new(),
    };
    if response.ok() { Ok(text) } else { Err(sentence(&text, response.status())) }
}

async fn request(action: &str, body: &JsValue) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("Accept", "application/json")?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(body);
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    JsFuture::from(window.fetch_with_str_and_init(action, &init)).await?.dyn_into()
}

/// The sentence in the body of a refusal, or a sentence for its status if the body has none.
fn sentence(body: &str, status: u16) -> String {
    let says = JSON::parse(body).ok().and_then(|json| Reflect::get(&json, &"says".into()).ok()).and_then(|says| says.as_string());
    says.unwrap_or_else(|| match status {
        401 => "You are not logged in any more. Reload the page.".into(),
        413 => "That is too long.".into(),
        status => format!("The server answered {status}. Its log says why."),
    })
}
