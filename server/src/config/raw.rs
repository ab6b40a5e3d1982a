//! The configuration as written: every key of the file's first level. What a section means is in the file that is named like it;
//! `tls`, `listen_mode` and `behind_proxy` are in `listen.rs`, all other keys without a section in `mod.rs`.

use super::audit::RawAudit;
use super::auth::RawAuth;
use super::grant::RawGrant;
use super::host::RawHost;
use super::limits::RawLimits;
use super::upload::RawUpload;
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) listen_mode: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) origins: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) hosts_allowed: Vec<String>,
    pub(super) base: Option<Spanned<String>>,
    pub(super) behind_proxy: Option<Spanned<bool>>,
    pub(super) sweep_seconds: Option<Spanned<i64>>,
    pub(super) ssh_config: Option<Spanned<String>>,
    pub(super) tls: Option<Spanned<RawTls>>,
    #[serde(default)]
    pub(super) limits: RawLimits,
    #[serde(default)]
    pub(super) upload: Option<RawUpload>,
    pub(super) audit: Option<Spanned<RawAudit>>,
    pub(super) auth: Option<RawAuth>,
    #[serde(default)]
    pub(super) grant: Vec<Spanned<RawGrant>>,
    #[serde(default)]
    pub(super) host: Vec<Spanned<RawHost>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) cert: Spanned<String>,
    pub(super) key: Spanned<String>,
}
