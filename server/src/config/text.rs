//! The text of a configuration, and a mistake in it with its line.

use std::fmt;
use toml::Spanned;

/// A mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Its line, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub says: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{line}: {}", self.says),
            None => f.write_str(&self.says),
        }
    }
}
impl std::error::Error for Mistake {}

/// The text, for turning an offset into a line.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Text<'_> {
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.0.bytes().take(offset).filter(|b| *b == b'\n').count()
    }

    pub(super) fn at<T>(&self, place: &Spanned<T>, says: impl Into<String>) -> Mistake {
        Mistake { line: Some(self.line(place.span().start)), says: says.into() }
    }

    pub(super) fn parsed<T: std::str::FromStr>(&self, text: &Spanned<String>) -> Result<T, Mistake>
    where
        T::Err: fmt::Display,
    {
        text.get_ref().parse().map_err(|e| self.at(text, format!("\"{}\": {e}", text.get_ref().escape_debug())))
    }
}

/// A number of the configuration, within its bounds.
pub(super) fn within<T>(text: &Text<'_>, number: Option<&Spanned<i64>>, what: &str, default: T, range: std::ops::RangeInclusive<T>) -> Result<T, Mistake>
where
    T: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    let Some(written) = number else { return Ok(default) };
    let meant = T::try_from(*written.get_ref()).ok().filter(|number| range.contains(number));
    meant.ok_or_else(|| text.at(written, format!("{what} must be between {} and {}", range.start(), range.end())))
}
