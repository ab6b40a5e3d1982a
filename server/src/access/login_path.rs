//! The path of a login. A browser sends a cookie to every port of a host: whoever serves another port of it would get the whole login by one click on a
//! link. So where that can be, a login has a path of its own, `/~/KEY/..`, with a random part that no other page can know. The cookie is good below
//! that path alone: a browser sends it nowhere else, and the cookie opens nothing without the path.

use axum::http::uri::{PathAndQuery, Uri};

/// What every login's path begins with, below the board's base. No host's key holds a tilde.
pub(crate) const LOGINS: &str = "/~";

/// The random part of a login's path and what comes after it, if a path below the board's base is one.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    let below = path.strip_prefix(LOGINS)?.strip_prefix('/')?;
    let (key, _) = below.split_once('/')?;
    Some((key, below.get(key.len()..)?))
}

/// The path of the board's page that is meant, whichever login it was asked for with.
pub(crate) fn without(path: &str) -> &str {
    split(path).map_or(path, |(_, rest)| rest)
}

/// The same request without the path of its login.
pub(crate) fn strip(uri: &mut Uri) {
    let stripped = without(uri.path()).len() < uri.path().len();
    let rest = format!("{}{}", without(uri.path()), uri.query().map(|query| format!("?{query}")).unwrap_or_default());
    if let (true, Ok(rest)) = (stripped, rest.parse::<PathAndQuery>()) {
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(rest);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logins_path_is_told_from_every_other() {
        for (path, want) in
            [("/~/k/", Some(("k", "/"))), ("/~/k/a/b/c", Some(("k", "/a/b/c"))), ("/~/k", None), ("/~k/a", None), ("/a/~/k/", None), ("/", None)]
        {
            assert_eq!(split(path), want, "{path}");
            assert_eq!(without(path), want.map_or(path, |(_, rest)| rest), "{path}");
        }
    }

    #[test]
    fn a_query_stays_when_the_path_of_the_login_goes() {
        for (uri, want) in [("/~/k/fn/create?a=b", "/fn/create?a=b"), ("http://h/~/k/", "http://h/"), ("/fn/create", "/fn/create")] {
            let mut stripped: Uri = uri.parse().unwrap();
            strip(&mut stripped);
            assert_eq!(stripped.to_string(), want);
        }
    }
}
