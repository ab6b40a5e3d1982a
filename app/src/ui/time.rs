//! Times: absolute (UTC) in the HTML that the server sends, relative on a live page.

use leptos::prelude::*;
use muxboard_core::snapshot::UnixSeconds;

/// The context with the server's clock, on a live page. Times are absolute where there is none.
#[derive(Clone, Copy)]
pub struct Clock(pub RwSignal<UnixSeconds>);

/// Formats a time as in `2026-11-21T19:24:52Z` (RFC 3339), by Howard Hinnant's algorithm `civil_from_days`.
pub fn rfc3339(at: UnixSeconds) -> String {
    let (days, second) = (at / 86_400 + 719_468, at % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Formats a duration in its largest fitting unit: `42 s`, `3 min`, `2 h`, `5 d`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A time: its age in words on a live page, its hour and minute elsewhere.
#[component]
pub fn Ago(
    /// The time.
    #[prop(into)]
    at: Signal<UnixSeconds>,
    /// Makes the words from the age in seconds.
    words: fn(u64) -> String,
) -> impl IntoView {
    let clock = use_context::<Clock>();
    let text = move || match clock {
        Some(Clock(now)) => words(now.get().saturating_sub(at.get())),
        None => {
            let full = rfc3339(at.get());
            format!("{} UTC", full.get(11..16).unwrap_or(""))
        }
    };
    view! { <time datetime=move || rfc3339(at.get()) title=clock.map(|_| move || rfc3339(at.get()))>{text}</time> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (at, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_289_907, "2026-11-21T19:38:27Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(at), want);
        }
    }
}
