//! The audit file of the configuration: as written, then validated. Whether it can be opened is another question, asked at the start.

use super::text::{ConfigError, ConfigText, within};
use crate::audit::{AuditSettings, Fsync};
use muxboard_core::limits::{AUDIT_KEEP_FILES, AUDIT_KEEP_FILES_MAX, AUDIT_ROTATE_BYTES, AUDIT_ROTATE_BYTES_MAX, AUDIT_ROTATE_BYTES_MIN};
use serde::Deserialize;
use std::path::PathBuf;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    file: Option<Spanned<String>>,
    key_file: Option<Spanned<String>>,
    fsync: Option<Spanned<String>>,
    rotate_bytes: Option<Spanned<i64>>,
    keep: Option<Spanned<i64>>,
}

impl RawAudit {
    /// # Errors
    /// The first mistake in it. `whole` is where the table is.
    pub(super) fn validate(&self, text: &ConfigText<'_>, whole: &Spanned<Self>) -> Result<AuditSettings, ConfigError> {
        let Some(file) = &self.file else {
            return Err(text.at(whole, "[audit] needs file = \"/..\": where events are written"));
        };
        let Some(key_file) = &self.key_file else {
            return Err(
                text.at(whole, "[audit] needs key_file = \"/..\": the key that seals them; make one: (umask 077; head -c 32 /dev/urandom | base64 > KEY)")
            );
        };
        let settings = AuditSettings {
            file: absolute(text, file, "file")?,
            key_file: absolute(text, key_file, "key_file")?,
            fsync: match self.fsync.as_ref().map(|fsync| (fsync, fsync.get_ref().as_str())) {
                None | Some((_, "second")) => Fsync::Second,
                Some((_, "always")) => Fsync::Always,
                Some((_, "never")) => Fsync::Never,
                Some((fsync, _)) => return Err(text.at(fsync, "fsync must be \"always\", \"second\" or \"never\"")),
            },
            rotate_bytes: within(text, self.rotate_bytes.as_ref(), "rotate_bytes", AUDIT_ROTATE_BYTES, AUDIT_ROTATE_BYTES_MIN..=AUDIT_ROTATE_BYTES_MAX)?,
            keep: within(text, self.keep.as_ref(), "keep", AUDIT_KEEP_FILES, 1..=AUDIT_KEEP_FILES_MAX)?,
        };
        // FILE.1 and so on are the audit's own: a key of such a name would be renamed, and one day removed.
        let key = key_file.get_ref().strip_prefix(file.get_ref().as_str());
        if key.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))) {
            return Err(text.at(key_file, "key_file must be another file than the audit's own (file, file.1, file.2 and so on)"));
        }
        Ok(settings)
    }
}

fn absolute(text: &ConfigText<'_>, path: &Spanned<String>, what: &str) -> Result<PathBuf, ConfigError> {
    let plain = path.get_ref().starts_with('/') && !path.get_ref().ends_with('/') && !path.get_ref().contains(char::is_control);
    if plain { Ok(path.get_ref().into()) } else { Err(text.at(path, format!("{what} must be the absolute path of a file"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(audit: &str) -> Result<Option<AuditSettings>, String> {
        let source = format!("{audit}[[host]]\nkey = \"local\"\nlocal = true\nusers = [\"ops\"]\n");
        crate::config::read(&source, &"ops".parse().unwrap()).map(|config| config.audit).map_err(|mistake| mistake.to_string())
    }

    const FILES: &str = "[audit]\nfile = \"/var/log/m/audit.jsonl\"\nkey_file = \"/etc/m/audit.key\"\n";

    #[test]
    fn an_audit_file_is_read() {
        assert_eq!(read(""), Ok(None));
        let usual = AuditSettings::new("/var/log/m/audit.jsonl", "/etc/m/audit.key");
        assert_eq!(read(FILES), Ok(Some(usual.clone())));
        let own = AuditSettings { fsync: Fsync::Always, rotate_bytes: 1_048_576, keep: 1, ..usual };
        assert_eq!(read(&format!("{FILES}fsync = \"always\"\nrotate_bytes = 1048576\nkeep = 1\n")), Ok(Some(own)));
    }

    #[test]
    fn every_mistake_names_its_line() {
        for (source, want) in [
            ("\n[audit]\n", "2: [audit] needs file"),
            ("[audit]\nfile = \"/a\"\n", "1: [audit] needs key_file"),
            ("[audit]\nfile = \"a\"\nkey_file = \"/k\"\n", "2: file must be the absolute"),
            ("[audit]\nfile = \"/a\\n\"\nkey_file = \"/k\"\n", "2: file must be"),
            ("[audit]\nfile = \"/a\"\nkey_file = \"/k/\"\n", "3: key_file must be the absolute"),
            ("[audit]\nfile = \"/a\"\nkey_file = \"/a\"\n", "3: key_file must be another"),
            ("[audit]\nfile = \"/a\"\nkey_file = \"/a.12\"\n", "3: key_file must be another"),
            ("[audit]\nfiel = \"/a\"\n", "2: unknown field `fiel`"),
        ] {
            let says = read(source).unwrap_err();
            assert!(says.starts_with(want) && !says.contains('\n'), "{source:?} gave {says:?}");
        }
        for (more, want) in [
            ("fsync = \"now\"\n", "4: fsync must be"),
            ("rotate_bytes = 1000\n", "4: rotate_bytes must be between 1048576 and 1099511627776"),
            ("\nkeep = 0\n", "5: keep must be between 1 and 1000"),
            ("keep = -1\n", "4: keep must be"),
            ("keep = 1001\n", "4: keep must be"),
            ("rotate_bytes = \"64M\"\n", "4: "),
        ] {
            let says = read(&format!("{FILES}{more}")).unwrap_err();
            assert!(says.starts_with(want), "{more:?} gave {says:?}");
        }
        assert!(read("[audit]\nfile = \"/a\"\nkey_file = \"/a.key\"\n").is_ok());
    }
}
