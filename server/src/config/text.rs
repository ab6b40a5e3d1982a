//! The text of a configuration, and a mistake in it with its line.

use std::fmt;
use toml::Spanned;

/// A mistake in the configuration, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Its line, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub says: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{line}: {}", self.says),
            None => f.write_str(&self.says),
        }
    }
}
impl std::error::Error for ConfigError {}

/// The text of a configuration, which turns an offset into a line.
pub(super) struct ConfigText<'a>(pub(super) &'a str);

impl ConfigText<'_> {
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.0.bytes().take(offset).filter(|b| *b == b'\n').count()
    }

    pub(super) fn at<T>(&self, place: &Spanned<T>, says: impl Into<String>) -> ConfigError {
        ConfigError { line: Some(self.line(place.span().start)), says: says.into() }
    }

    pub(super) fn parsed<T: std::str::FromStr>(&self, text: &Spanned<String>) -> Result<T, ConfigError>
    where
        T::Err: fmt::Display,
    {
        text.get_ref().parse().map_err(|e| self.at(text, format!("\"{}\": {e}", text.get_ref().escape_debug())))
    }
}

/// A number of the configuration, within its bounds.
pub(super) fn within<T>(
    text: &ConfigText<'_>,
    number: Option<&Spanned<i64>>,
    what: &str,
    default: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, ConfigError>
where
    T: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    let Some(written) = number else { return Ok(default) };
    let number = T::try_from(*written.get_ref()).ok().filter(|number| range.contains(number));
    number.ok_or_else(|| text.at(written, format!("{what} must be between {} and {}", range.start(), range.end())))
}
