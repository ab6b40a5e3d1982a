//! The configuration as written: every key of the file's first level. What a key means is in the file that is named like it.

use super::audit::WrittenAudit;
use super::auth::WrittenAuth;
use super::grant::WrittenGrant;
use super::host::WrittenHost;
use super::limits::WrittenLimits;
use super::upload::WrittenUpload;
use serde::Deserialize;
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
