//! The files of the page, inside the binary: precompressed, under a folder named by what they hold, so that a browser may keep them for ever.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "../target/site/"]
#[exclude = "*.d.ts*"]
#[exclude = "*.gz"]
#[allow_missing = true]
struct Files;

/// Names this build's files: a hash over all of them.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    for name in names {
        hash.update(name.as_bytes());
        hash.update(Files::get(&name).map(|f| f.metadata.sha256_hash()).unwrap_or_default());
    }
    muxboard_core::hex::encode(hash.finalize().get(..8).unwrap_or(&[]))
});

/// The folder of this build's files, below the base.
pub(crate) fn folder() -> String {
    format!("/assets/{}", *BUILD)
}

/// Whether the page's program is in this binary at all.
pub(crate) fn complete() -> bool {
    Files::get("pkg/muxboard.wasm").is_some() && Files::get("terminal.js").is_some()
}

/// The parameters of the route.
#[derive(Deserialize)]
pub(crate) struct AssetPath {
    build: String,
    path: String,
}

pub(crate) async fn serve(Path(AssetPath { build, path }): Path<AssetPath>, headers: HeaderMap) -> Response {
    // A path is a key into the binary: there is no file system behind it.
    let plain = if build == *BUILD { Files::get(&path) } else { None };
    let Some(plain) = plain else { return (StatusCode::NOT_FOUND, "There is no such file in this build.").into_response() };
    let takes_brotli = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).any(|v| v.split(',').any(|e| e.trim() == "br"));
    let packed = if takes_brotli { Files::get(&format!("{path}.br")) } else { None };
    let kind = mime_guess::from_path(&path).first_or_octet_stream();
    let mut answer = packed.as_ref().unwrap_or(&plain).data.clone().into_owned().into_response();
    let out = answer.headers_mut();
    if let Ok(kind) = kind.as_ref().parse() {
        out.insert(header::CONTENT_TYPE, kind);
    }
    out.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=31536000, immutable"));
    out.insert(header::VARY, header::HeaderValue::from_static("Accept-Encoding"));
    if packed.is_some() {
        out.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("br"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound is 2 % above what the tools of frontend/package-lock.json make.
    #[test]
    fn the_program_of_the_page_stays_small_over_the_wire() {
        let bytes: usize = ["pkg/muxboard.wasm.br", "pkg/muxboard.js.br"].iter().map(|name| Files::get(name).unwrap().data.len()).sum();
        assert!(bytes <= 179_700, "{bytes} bytes of program over the wire, more than 179,700");
    }
}
