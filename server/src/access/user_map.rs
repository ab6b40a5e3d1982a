//! The user map: which Unix account an identity of the proxy has. A line is `identity = account`; `#` begins a comment. Identities are
//! compared whole and letter for letter: `ann@a` and `ann@b` are two people.

use muxboard_core::limits::{UID_MIN, USER_MAP_BYTES_MAX};
use muxboard_core::name::UnixUser;
use muxboard_fleet::trust;
use nix::unistd::User;
use std::collections::HashMap;
use std::path::Path;

/// The Unix account of each identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserMap(HashMap<String, UnixUser>);

impl UserMap {
    /// The account of an identity.
    pub fn account(&self, identity: &str) -> Option<&UnixUser> {
        self.0.get(identity)
    }

    /// All accounts, each once, in order.
    pub fn accounts(&self) -> Vec<UnixUser> {
        let mut all: Vec<UnixUser> = self.0.values().cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    /// Reads a user map from a file.
    ///
    /// # Errors
    /// The first mistake in it, with the file's name and the line.
    pub fn read(path: &Path, system_users: &[String]) -> Result<Self, String> {
        let shown = path.display();
        trust::check_file(path)?;
        let size = std::fs::metadata(path).map_err(|e| format!("{shown}: cannot be read: {e}"))?.len();
        if size > USER_MAP_BYTES_MAX {
            return Err(format!("{shown}: is larger than {USER_MAP_BYTES_MAX} bytes"));
        }
        let text = std::fs::read_to_string(path).map_err(|e| format!("{shown}: cannot be read: {e}"))?;
        Self::parse(&text, system_users, uid).map_err(|(line, says)| format!("{shown}:{line}: {says}"))
    }

    fn parse(text: &str, system_users: &[String], uid: impl Fn(&UnixUser) -> Option<u32>) -> Result<Self, (usize, String)> {
        let mut map = HashMap::new();
        for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // An identity may hold `=`, an account may not.
            let Some((identity, account)) = line.rsplit_once('=').map(|(i, a)| (i.trim(), a.trim())) else {
                return Err((number, "a line is: identity = unix_account".into()));
            };
            if identity.is_empty() || identity.contains(char::is_control) {
                return Err((number, "a line is: identity = unix_account".into()));
            }
            let account: UnixUser = account.parse().map_err(|e| (number, format!("{e}")))?;
            let system = account.as_str() == "root" || uid(&account).is_some_and(|uid| uid < UID_MIN);
            if system && !system_users.iter().any(|allowed| allowed == account.as_str()) {
                return Err((
                    number,
                    format!("{account} is an account of the system (uid below {UID_MIN}). If that is meant, name it: system_users = [\"{account}\"]"),
                ));
            }
            if map.insert(identity.to_owned(), account).is_some() {
                return Err((number, format!("\"{}\" is mapped twice", identity.escape_debug())));
            }
        }
        Ok(Self(map))
    }
}

/// The account's uid on this machine; on others it may be another one, which we cannot know.
fn uid(account: &UnixUser) -> Option<u32> {
    User::from_name(account.as_str()).ok().flatten().map(|user| user.uid.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<UserMap, (usize, String)> {
        UserMap::parse(text, &["backup".to_owned()], |account| match account.as_str() {
            "daemon" => Some(1),
            "backup" => Some(34),
            _ => None,
        })
    }

    #[test]
    fn identities_are_whole() {
        let map = parse("# who = whom\n\nann@a.example = ann\nann@b.example=other\n cn=x,o=y = third \nBackup = backup\n").unwrap();
        for (identity, account) in [
            ("ann@a.example", Some("ann")),
            ("ann@b.example", Some("other")),
            ("cn=x,o=y", Some("third")),
            ("ann", None),
            ("ANN@a.example", None),
            ("backup", None),
        ] {
            assert_eq!(map.account(identity).map(UnixUser::as_str), account, "{identity}");
        }
        assert_eq!(map.accounts().iter().map(UnixUser::as_str).collect::<Vec<_>>(), ["ann", "backup", "other", "third"]);
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (text, line, says) in [
            ("ann", 1, "identity = unix_account"),
            ("\n= x", 2, "identity = unix_account"),
            ("a = -x", 1, "a Unix user must be"),
            ("a = root", 1, "root is an account of the system"),
            ("a = b\nc = daemon", 2, "system_users = [\"daemon\"]"),
            ("a = b\na = c", 2, "mapped twice"),
        ] {
            let (at, found) = parse(text).unwrap_err();
            assert!(at == line && found.contains(says), "{text:?}: {at} {found}");
        }
    }
}
