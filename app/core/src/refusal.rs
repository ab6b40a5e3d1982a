//! What sshd, sudo and PAM say of the account that asks them: that it is expired or locked, that its password must be changed, or that what it logged in
//! to ended.

use crate::fault::{Fault, clean};
use crate::inventory::Host;

/// What sshd's banner, sudo's complaint or PAM's message means if it is about the account that asks: its expiry or its password. The words are those of
/// pam_unix, Linux-PAM 1.3 to 1.5, sudo 1.9 and sudo-rs.
pub(crate) fn account_refused<L: AsRef<str>>(host: &Host, tool: &str, lines: &[L]) -> Option<Fault> {
    let find = |texts: &[&str]| {
        let line = lines.iter().map(AsRef::as_ref).find(|line| texts.iter().any(|text| line.contains(text)));
        line.map(|line| line.strip_prefix("sudo: ").unwrap_or(line).trim_end_matches('.'))
    };
    let expired = [
        "account validation failure",
        "Your account has expired",
        "User account has expired",
        "Account expired",
        "Password expired, contact your system administrator",
        "Authentication token expired",
    ];
    let must_change = [
        "Password change required but no TTY available",
        "You are required to change your password immediately",
        "Account or password is expired, reset your password",
        "Authentication token is no longer valid; new one required",
        "Your password has expired",
    ];
    if let Some(says) = find(&expired) {
        return Some(Fault::account_expired(host, tool, says));
    }
    find(&must_change).map(|says| Fault::password_expired(host, tool, says))
}

/// What the end of a login means that sshd let in: with the status that what it started ended with, what that said last, and ssh's own words.
pub fn of_ended_shell(host: &Host, status: i32, said: &str, ssh_says: &str) -> Fault {
    let lines: Vec<String> = ssh_says.lines().chain(said.lines()).map(clean).filter(|l| !l.is_empty()).collect();
    if let Some(fault) = account_refused(host, "sshd", &lines) {
        return fault;
    }
    // What it printed says more than its complaints.
    let says = said.lines().chain(ssh_says.lines()).map(clean).rfind(|l| !l.is_empty()).unwrap_or_default();
    Fault::no_shell(host, Some((status, says.trim_end_matches('.'))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Kind;
    use crate::fault::tests::host;

    #[test]
    fn an_ended_login_shell_is_named_by_its_cause_and_mended_only_where_the_cause_is_known() {
        let must_change = "WARNING: Your password has expired.\r\nPassword change required but no TTY available.\r\n";
        let no_login = "This account is currently not available.";
        for (status, said, ssh_says, kind, line) in [
            (1, "", must_change, Kind::PasswordExpired, Some("chage -d $(date +%F) ops")),
            (1, "You are required to change your password immediately (administrator enforced).", "", Kind::PasswordExpired, Some("chage -d $(date +%F) ops")),
            (1, no_login, "", Kind::NoShell, Some("usermod -s /bin/sh ops")),
            (1, "", no_login, Kind::NoShell, Some("usermod -s /bin/sh ops")),
            (1, "", "", Kind::NoShell, None),
            (0, "Only backups here", "", Kind::NoShell, None),
            (127, "", "bash: line 1: exec: sh: not found", Kind::NoShell, None),
            (254, "Disk quota exceeded.", "", Kind::NoShell, None),
        ] {
            let fault = of_ended_shell(&host(None), status, said, ssh_says);
            assert_eq!((fault.kind, fault.line.as_deref()), (kind, line), "{said} {ssh_says}");
            for word in [said, ssh_says].into_iter().flat_map(str::lines).map(|line| line.trim().trim_end_matches('.')).filter(|_| kind == Kind::NoShell) {
                assert!(fault.words.contains(word), "{} lacks {word}", fault.words);
            }
        }
    }

    #[test]
    fn a_mending_line_quotes_the_account() {
        let mut host = host(None);
        host.login = "CORP\\jane doe".parse().unwrap();
        let line = Fault::account_expired(&host, "sudo", "x").line.unwrap();
        assert_eq!(line, "chage -E -1 -I -1 'CORP\\jane doe'");
    }
}
