//! The configuration as written: every key.

use super::Mistake;
use super::audit::WrittenAudit;
use super::host::WrittenHost;
use super::upload::WrittenUpload;
use muxboard_core::limits::{OUTPUT_FRAME_BYTES_MAX, QUEUE_BYTES_MAX};
use muxboard_core::policy::Ability;
use muxboard_fleet::AttachLimits;
use serde::Deserialize;
use std::fmt;
use std::time::Duration;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) listen_mode: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) origins: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) hosts_allowed: Vec<String>,
    pub(super) base: Option<Spanned<String>>,
    pub(super) behind_proxy: Option<Spanned<bool>>,
    pub(super) sweep_seconds: Option<Spanned<u64>>,
    pub(super) ssh_config: Option<Spanned<String>>,
    pub(super) tls: Option<Spanned<WrittenTls>>,
    #[serde(default)]
    pub(super) limits: WrittenLimits,
    #[serde(default)]
    pub(super) upload: Option<WrittenUpload>,
    pub(super) audit: Option<Spanned<WrittenAudit>>,
    pub(super) auth: Option<WrittenAuth>,
    #[serde(default)]
    pub(super) grant: Vec<Spanned<WrittenGrant>>,
    #[serde(default)]
    pub(super) host: Vec<Spanned<WrittenHost>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTls {
    pub(super) cert: Spanned<String>,
    pub(super) key: Spanned<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLimits {
    attaches_per_principal: Option<usize>,
    attaches: Option<usize>,
    attach_hours: Option<Spanned<f64>>,
    queue_bytes: Option<Spanned<usize>>,
    stall_seconds: Option<Spanned<u64>>,
    pub(super) overtake: Option<bool>,
    pub(super) requests_per_second: Option<u32>,
    pub(super) connections: Option<Spanned<usize>>,
}

impl WrittenLimits {
    pub(super) fn meant(&self, text: &Text<'_>) -> Result<AttachLimits, Mistake> {
        let defaults = AttachLimits::default();
        Ok(AttachLimits {
            per_principal: self.attaches_per_principal.unwrap_or(defaults.per_principal),
            total: self.attaches.unwrap_or(defaults.total),
            lifetime: match &self.attach_hours {
                None => defaults.lifetime,
                Some(hours) if *hours.get_ref() > 0.0 && *hours.get_ref() <= 8760.0 => Duration::from_secs_f64(hours.get_ref() * 3600.0),
                Some(hours) => return Err(text.at(hours, "attach_hours must be more than 0 and at most 8760 (a year)")),
            },
            queue_bytes: match &self.queue_bytes {
                None => defaults.queue_bytes,
                Some(bytes) if (OUTPUT_FRAME_BYTES_MAX..=QUEUE_BYTES_MAX * 16).contains(bytes.get_ref()) => *bytes.get_ref(),
                Some(bytes) => return Err(text.at(bytes, "queue_bytes must be between 65536 and 67108864")),
            },
            stall: match &self.stall_seconds {
                None => defaults.stall,
                Some(seconds) if (1..=86_400).contains(seconds.get_ref()) => Duration::from_secs(*seconds.get_ref()),
                Some(seconds) => return Err(text.at(seconds, "stall_seconds must be between 1 and 86400")),
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAuth {
    pub(super) gate: Spanned<String>,
    #[serde(default)]
    pub(super) token: Vec<WrittenToken>,
    pub(super) proxy: Option<Spanned<WrittenProxy>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenProxy {
    pub(super) header: Option<Spanned<String>>,
    pub(super) groups_header: Option<Spanned<String>>,
    pub(super) groups_separator: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) trusted: Vec<Spanned<String>>,
    pub(super) secret_header: Option<Spanned<String>>,
    pub(super) secret_file: Option<Spanned<String>>,
    pub(super) user_map: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) system_users: Vec<String>,
}

impl WrittenProxy {
    /// Whether it says more than which proxies are believed about a client's address.
    pub(super) fn is_gate(&self) -> bool {
        [&self.header, &self.groups_header, &self.groups_separator, &self.secret_header, &self.secret_file, &self.user_map].iter().any(|key| key.is_some())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenToken {
    pub(super) name: Spanned<String>,
    pub(super) sha256: Spanned<String>,
    pub(super) expires: Option<Spanned<toml::value::Datetime>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGrant {
    pub(super) who: Vec<String>,
    pub(super) hosts: Vec<Spanned<String>>,
    pub(super) users: Vec<Spanned<String>>,
    pub(super) can: Vec<Ability>,
}

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
