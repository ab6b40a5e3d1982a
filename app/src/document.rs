//! The document around a page: its head, scripts and style sheets. Every script carries the nonce of the request or is a file of this build.

use crate::base::Base;
use crate::dashboard::ServerHtml;
use crate::terminal::TerminalPage;
use crate::{App, Page};
use leptos::prelude::*;

/// What a document needs besides its page: the path of its files and the nonce of its scripts.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The path where the board is mounted.
    pub base: Base,
    /// The path of the folder with the files of this build.
    pub assets: String,
    /// The nonce of this request.
    pub nonce: String,
    /// The largest file that may be uploaded, in bytes; `None` if uploads are off.
    pub upload_bytes_max: Option<u64>,
}

/// The script that starts the program of the page. If the program cannot start, a sentence on the page says so.
const WAKE: &str = r#"
const show = (error) => {
  console.error(error);
  const p = document.createElement("p");
  p.className = "asleep";
  p.setAttribute("role", "alert");
  p.textContent = document.documentElement.dataset.terminal
    ? "The terminal could not start. Reload the page; if that does not help, this browser may be too old."
    : "This page is not live: its program could not start. Links and forms still work; reload to see changes.";
  document.body.prepend(p);
};
try {
  const base = document.documentElement.dataset.base, mount = base.replace(/\/~\/[^/]*$/, "");
  try {
    sessionStorage.removeItem("muxboard " + mount);
    if (base !== mount) localStorage.setItem("muxboard " + mount, base); // for a link without the path of this login
  } catch { /* this browser keeps nothing */ }
  const [program] = await Promise.all([import("{assets}/pkg/muxboard.js"), {terminal}]);
  await program.default({ module_or_path: "{assets}/pkg/muxboard.wasm" });
  program.hydrate();
} catch (error) { show(error); }
"#;

/// The document of a page with a program.
pub fn living(frame: Frame, page: Page, sent: ServerHtml) -> impl IntoView {
    let (title, facts) = match &page {
        Page::Board(board) => (board.counts.title(), None),
        Page::Terminal(t) => (format!("{} · {} · muxboard", t.name, t.label), Some(facts(&frame, t))),
    };
    let terminal = facts.is_some();
    let (text, upload) = facts.unwrap_or_default();
    let bytes = muxboard_core::wire::to_bytes(&page);
    let data = muxboard_core::hex::encode(&bytes);
    let import = if terminal { format!("import(\"{}/terminal.js\")", frame.assets) } else { "null".into() };
    let wake = WAKE.replace("{assets}", &frame.assets).replace("{terminal}", &import);
    provide_context(sent);
    let Frame { base, assets, nonce, upload_bytes_max } = frame;
    let (mark, mount) = (terminal.then_some("1"), base.0.clone());
    let script = terminal.then(|| view! { <link rel="modulepreload" href=format!("{assets}/terminal.js")/> });
    let upload_max = upload.is_some().then_some(upload_bytes_max);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-base=mount data-page=data data-terminal=mark data-text=text data-upload=upload data-upload-max=upload_max>
            <DocumentHead title assets=assets.clone() xterm=terminal>
                <link rel="modulepreload" href=format!("{assets}/pkg/muxboard.js")/>
                {script}
                <link rel="preload" href=format!("{assets}/pkg/muxboard.wasm") r#as="fetch" r#type="application/wasm" crossorigin=""/>
                <script type="module" nonce=nonce inner_html=wake></script>
            </DocumentHead>
            <body class:terminal=terminal><App page base/></body>
        </html>
    }
}

/// The URLs that the terminal's script uses: the text of the session, and the upload of files if the page may upload.
fn facts(frame: &Frame, page: &TerminalPage) -> (Option<String>, Option<String>) {
    let upload = (frame.upload_bytes_max.is_some() && !page.watch).then(|| frame.base.upload(&page.place, page.session));
    (Some(frame.base.text(&page.place, page.session)), upload)
}

/// The document of a page without a program, such as the login or a refusal. `body` is markup of this crate.
pub fn still<V: IntoView + 'static>(frame: Frame, title: String, script: Option<&'static str>, body: V) -> impl IntoView {
    let Frame { base, assets, nonce, .. } = frame;
    let script = script.map(|script| view! { <script nonce=nonce inner_html=script></script> });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-base=base.0>
            <DocumentHead title assets xterm=false><meta name="robots" content="noindex"/></DocumentHead>
            <body class="still"><main>{body} {script}</main></body>
        </html>
    }
}

/// A title as HTML. As a child it would be followed by a comment of the framework's, which is text in a title.
fn as_text(title: &str) -> String {
    title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[component]
fn DocumentHead(title: String, assets: String, xterm: bool, children: Children) -> impl IntoView {
    view! {
        <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"/>
            <meta name="color-scheme" content="light dark"/>
            <title inner_html=as_text(&title)></title>
            <link rel="icon" href=format!("{assets}/icon.svg") r#type="image/svg+xml"/>
            {xterm.then(|| view! { <link rel="stylesheet" href=format!("{assets}/xterm/xterm.css")/> })}
            <link rel="stylesheet" href=format!("{assets}/pkg/muxboard.css")/>
            {children()}
        </head>
    }
}
