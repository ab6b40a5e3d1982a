//! The filter: a session matches if each word of the query is in one of its texts.

use leptos::prelude::*;
use muxboard_core::snapshot::Session;

/// The context with the text of the filter.
#[derive(Clone, Copy)]
pub struct Query(pub RwSignal<String>);

/// Whether a session matches a query. Each word must be in the name of the session, the host, the user, or the name, title, command or directory of one of
/// its windows, or in what its program says of itself. Upper and lower case are the same.
pub fn matches(query: &str, host: &str, user: &str, session: &Session) -> bool {
    query.split_whitespace().map(str::to_lowercase).all(|word| {
        let holds = |text: &str| text.to_lowercase().contains(&word);
        holds(session.name.as_str())
            || holds(host)
            || holds(user)
            || session.windows.iter().any(|w| {
                let says = w.signal.iter().map(|signal| &signal.text);
                [&w.name, &w.title, &w.command, &w.path].into_iter().chain(says).any(|t| holds(t))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muxboard_core::snapshot::Window;

    #[test]
    fn every_word_of_a_query_must_be_somewhere() {
        let window = Window {
            id: 0,
            pane: 0,
            also_in: vec![],
            counted_elsewhere: false,
            mode: None,
            index: 0,
            active: true,
            activity: 0,
            bell: false,
            asked: None,
            signal: None,
            seems_waiting: None,
            exited: None,
            ended_at: None,
            dismissed: false,
            columns: 80,
            rows: 24,
            name: "w".into(),
            command: "cargo".into(),
            path: "/srv/API".into(),
            title: String::new(),
        };
        let session = Session {
            id: "1-1-1-1".parse().unwrap(),
            name: "Build".parse().unwrap(),
            attached: 0,
            status_rows: 1,
            activity: 0,
            windows: vec![window],
            preview: vec![],
            clients: vec![],
            notes: vec![],
        };
        for (query, want) in [("", true), ("build", true), ("web cargo", true), ("api OPS", true), ("build nothing", false)] {
            assert_eq!(matches(query, "web1", "ops", &session), want, "{query}");
        }
    }
}
