//! Every URL the pages build: the mount path, and one function a route.

use leptos::prelude::use_context;
use muxboard_core::snapshot::{Place, SessionId};

/// The path where the board is mounted: empty, or a path such as `/mux`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base(pub String);

impl Base {
    /// The URL of the dashboard.
    pub fn board(&self) -> String {
        format!("{}/", self.0)
    }
    /// The URL of the dashboard with a dialog open: `what` is `kill`, `rename` or `create`, and `about` is the place or the session.
    pub fn asking(&self, what: &str, about: &str) -> String {
        format!("{}/?{what}={}", self.0, encode(about))
    }
    /// The URL of a server function.
    pub fn function(&self, name: &str) -> String {
        format!("{}/fn/{name}", self.0)
    }
    /// The URL of the login page.
    pub fn login(&self) -> String {
        format!("{}/login", self.0)
    }
    /// The URL that a logout posts to.
    pub fn logout(&self) -> String {
        format!("{}/logout", self.0)
    }
    /// The URL of one session's terminal page. It contains the session's identity, so that it never opens a newer session of the same name.
    pub fn terminal(&self, place: &Place, name: &str, id: SessionId, watch: bool) -> String {
        format!("{}?id={id}{}", self.named(place, name), if watch { "&watch" } else { "" })
    }
    /// The URL of the terminal page of the session that has this name when the page is requested.
    pub fn named(&self, place: &Place, name: &str) -> String {
        // A path segment of dots alone means something else to every browser.
        let shown = if name.is_empty() || name.bytes().all(|b| b == b'.') { "-".to_owned() } else { encode(name) };
        format!("{}/{}/{shown}", self.0, path(place))
    }
    /// The URL of the page that shows what a session asks and takes an answer.
    pub fn answer(&self, place: &Place, id: SessionId) -> String {
        format!("{}/answer/{}/{id}", self.0, path(place))
    }
    /// The URL of a session's text, with its history.
    pub fn text(&self, place: &Place, id: SessionId) -> String {
        format!("{}/api/v1/sessions/{}/{id}/text", self.0, path(place))
    }
    /// The URL that files for a session are uploaded to.
    pub fn upload(&self, place: &Place, id: SessionId) -> String {
        format!("{}/upload/{}/{id}", self.0, path(place))
    }
    /// The path of the board's WebSocket.
    pub fn board_socket(&self) -> String {
        format!("{}/ws/board", self.0)
    }
    /// The path of a terminal's WebSocket.
    pub fn terminal_socket(&self, place: &Place, id: SessionId) -> String {
        format!("{}/ws/attach/{}/{id}", self.0, path(place))
    }
}

/// The base of this page, from the context that [`App`](crate::App) provides.
pub fn expect_base() -> Base {
    use_context().unwrap_or_default()
}

/// Two components of a path: a host's key and a user's name, each percent-encoded.
pub fn path(place: &Place) -> String {
    format!("{}/{}", encode(place.host.as_str()), encode(place.user.as_str()))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_a_directory_service_is_one_component_of_every_url() {
        let (base, id) = (Base("/mux".into()), "1-2-3-4".parse().unwrap());
        for (user, want) in [("jane.doe@corp.example.com", "jane.doe%40corp.example.com"), ("CORP\\jane doe", "CORP%5Cjane%20doe"), ("web1$", "web1%24")] {
            let place = Place { host: "h".parse().unwrap(), user: user.parse().unwrap() };
            assert_eq!(base.named(&place, "a"), format!("/mux/h/{want}/a"));
            assert_eq!(base.text(&place, id), format!("/mux/api/v1/sessions/h/{want}/1-2-3-4/text"));
            assert_eq!(base.upload(&place, id), format!("/mux/upload/h/{want}/1-2-3-4"));
            assert_eq!(base.terminal_socket(&place, id), format!("/mux/ws/attach/h/{want}/1-2-3-4"));
            assert_eq!(format!("h/{user}").parse::<Place>(), Ok(place));
        }
    }

    #[test]
    fn no_name_becomes_a_path() {
        let (base, id) = (Base("/mux".into()), "1-2-3-4".parse().unwrap());
        let place: Place = "local/ops".parse().unwrap();
        for (name, want) in [("a", "a"), ("..", "-"), ("", "-"), ("a/../b", "a%2F..%2Fb"), ("é?#", "%C3%A9%3F%23"), ("<img>", "%3Cimg%3E")] {
            assert_eq!(base.terminal(&place, name, id, false), format!("/mux/local/ops/{want}?id=1-2-3-4"));
        }
    }
}
