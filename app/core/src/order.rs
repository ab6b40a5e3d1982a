//! The order of sessions: configured prefixes first, then natural order (2 before 10).

use std::cmp::Ordering;

/// Compares two names: by the first configured prefix they begin with, then naturally, then by bytes, so that the order is total.
pub fn compare(a: &str, b: &str, prefixes: &[String]) -> Ordering {
    let rank = |name: &str| prefixes.iter().position(|p| name.starts_with(p.as_str())).unwrap_or(prefixes.len());
    rank(a).cmp(&rank(b)).then_with(|| natural(a, b)).then_with(|| a.cmp(b))
}

fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (n, rest_a) = digits(a);
            let (m, rest_b) = digits(b);
            match n.len().cmp(&m.len()).then_with(|| n.cmp(m)) {
                Ordering::Equal => (a, b) = (rest_a, rest_b),
                other => return other,
            }
        } else {
            match x.to_lowercase().cmp(y.to_lowercase()) {
                Ordering::Equal => (a, b) = (tail(a, x), tail(b, y)),
                other => return other,
            }
        }
    }
}

fn tail(text: &str, first: char) -> &str {
    text.get(first.len_utf8()..).unwrap_or("")
}

/// The leading number without its leading zeros, and what follows it.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (number.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_prefixes_come_first_and_numbers_sort_as_numbers() {
        let mut names = ["x10", "x2", "build-10", "build-9", "agent", "X1", "x02"];
        names.sort_by(|a, b| compare(a, b, &["agent".into(), "build".into()]));
        assert_eq!(names, ["agent", "build-9", "build-10", "X1", "x02", "x2", "x10"]);
    }
}
