//! From the words of ssh, sshd, sudo and PAM to a fault: why ssh could not connect, that the account that asks is expired or locked, that its password
//! must be changed, or that what it logged in to ended.

use crate::fault::{Fault, clean};
use crate::inventory::{Host, Reach, Ssh};

/// The fault that ssh's words mean when it could not connect: `says` is the end of its standard error, in the words of OpenSSH 8.4 to 10. `behind` is the
/// account on the host as ssh names it (`ops@web1.internal`), if other machines are between.
pub fn of_ssh(host: &Host, says: &str, ssh_config: Option<&str>, behind: Option<&str>) -> Fault {
    let Reach::Ssh(ssh) = &host.reach else { return Fault::unreachable(host, says) };
    let lines: Vec<String> = says.lines().map(clean).filter(|l| !l.is_empty()).collect();
    let find = |text: &str| lines.iter().find(|l| l.contains(text));
    let between = |before: &str, after: &str| lines.iter().find_map(|l| Some(l.split_once(before)?.1.split_once(after)?.0.to_owned()));
    if find("REVOKED HOST KEY").is_some() {
        return Fault::host_key_revoked(host);
    }
    if find("IDENTIFICATION HAS CHANGED").is_some() {
        let known = between("Host key for ", " has changed").unwrap_or_else(|| known_as(ssh));
        let file = lines.iter().find_map(|l| l.strip_prefix("Offending ")?.split_once(" key in ")?.1.rsplit_once(':').map(|(file, _)| file.to_owned()));
        let plain = |text: &String| !text.contains(|c: char| c.is_whitespace() || "'\"`$\\;&|<>".contains(c));
        return Fault::host_key_changed(host, Some(known).filter(plain).as_deref().unwrap_or(ssh.address.as_str()), file.filter(plain).as_deref());
    }
    if find("Host key verification failed").is_some() || find("host key is known for").is_some() {
        return Fault::host_key_unknown(host, ssh, ssh_config);
    }
    if find("stdio forwarding failed").is_some() {
        let why = find("open failed: ").and_then(|line| line.split_once("open failed: ")).map_or("it does not say why", |(_, why)| why);
        return Fault::unreachable(host, &format!("The jump host lets us in and cannot connect to it: {why}"));
    }
    if let Some(line) = find("Permission denied (").or_else(|| find("Too many authentication failures")).or_else(|| find("Permission denied, please")) {
        let line = line.trim_end_matches('.');
        // Through another machine ssh does not know the address of the one that it talks to.
        let of_host = |account: &str| line.split_once(": ").is_some_and(|(who, _)| who.eq_ignore_ascii_case(account)) || line.contains("UNKNOWN port");
        return if behind.is_none_or(of_host) { Fault::authentication_failed(host, ssh, line) } else { Fault::jump_host_refused(host, line) };
    }
    if let Some(fault) = account_refused(host, "sshd", &lines) {
        return fault;
    }
    if find("timed out").is_some() || find("Timeout, server").is_some() {
        return Fault::timed_out(host);
    }
    // The last of several is the cause: before it ssh tells what it tried.
    let last = lines.iter().rev().find(|l| !l.starts_with("Connection closed by UNKNOWN")).or(lines.last());
    Fault::unreachable(host, last.map_or("ssh ended and said nothing", |l| l.strip_prefix("ssh: ").unwrap_or(l)))
}

fn known_as(ssh: &Ssh) -> String {
    match ssh.port {
        None | Some(22) => ssh.address.to_string(),
        Some(port) => format!("[{}]:{port}", ssh.address),
    }
}

/// The fault that sshd's banner, sudo's complaint or PAM's message means, if it is about the expiry or the password of the account that asks. The words
/// are those of pam_unix, Linux-PAM 1.3 to 1.5, sudo 1.9 and sudo-rs.
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

/// The fault of a login that sshd accepted and that ended: `status` and `said` are the exit status and the last words of what sshd started, `ssh_says` are
/// ssh's own words.
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
    use crate::fault::FaultKind;
    use crate::fault::tests::host;

    #[test]
    fn an_ended_login_shell_is_named_by_its_cause_and_mended_only_where_the_cause_is_known() {
        let must_change = "WARNING: Your password has expired.\r\nPassword change required but no TTY available.\r\n";
        let no_login = "This account is currently not available.";
        for (status, said, ssh_says, kind, line) in [
            (1, "", must_change, FaultKind::PasswordExpired, Some("chage -d $(date +%F) ops")),
            (
                1,
                "You are required to change your password immediately (administrator enforced).",
                "",
                FaultKind::PasswordExpired,
                Some("chage -d $(date +%F) ops"),
            ),
            (1, no_login, "", FaultKind::NoShell, Some("usermod -s /bin/sh ops")),
            (1, "", no_login, FaultKind::NoShell, Some("usermod -s /bin/sh ops")),
            (1, "", "", FaultKind::NoShell, None),
            (0, "Only backups here", "", FaultKind::NoShell, None),
            (127, "", "bash: line 1: exec: sh: not found", FaultKind::NoShell, None),
            (254, "Disk quota exceeded.", "", FaultKind::NoShell, None),
        ] {
            let fault = of_ended_shell(&host(None), status, said, ssh_says);
            assert_eq!((fault.kind, fault.line.as_deref()), (kind, line), "{said} {ssh_says}");
            for word in [said, ssh_says].into_iter().flat_map(str::lines).map(|line| line.trim().trim_end_matches('.')).filter(|_| kind == FaultKind::NoShell) {
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

    #[test]
    fn the_words_of_ssh_are_told_apart() {
        let changed = "@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nOffending ED25519 key in /home/ops/.ssh/known_hosts:3\r\n\
                       Host key for [web1]:2222 has changed and you have requested strict checking.\r\nHost key verification failed.\r\n";
        for (says, kind, line) in [
            (changed, FaultKind::HostKeyChanged, Some("ssh-keygen -R '[web1]:2222' -f /home/ops/.ssh/known_hosts")),
            (
                "No ED25519 host key is known for [web1]:2222 and you have requested strict checking.\nHost key verification failed.\n",
                FaultKind::HostKeyUnknown,
                Some("ssh -o StrictHostKeyChecking=ask -p 2222 -l ops web1 true"),
            ),
            (
                "Your account has expired; please contact your system administrator.\n\nConnection closed by 192.0.2.7 port 2222\n",
                FaultKind::AccountExpired,
                Some("chage -E -1 -I -1 ops"),
            ),
            ("ops@web1: Permission denied (publickey,password).\n", FaultKind::AuthenticationFailed, Some("ssh-copy-id -p 2222 ops@web1")),
            ("ssh: connect to host web1 port 22: Connection timed out\n", FaultKind::TimedOut, None),
            ("Connection timed out during banner exchange\nConnection to 127.0.0.1 port 2 timed out\n", FaultKind::TimedOut, None),
            ("ssh: connect to host web1 port 22: Connection refused\n", FaultKind::Unreachable, None),
            ("ssh: Could not resolve hostname web1: Name or service not known\n", FaultKind::Unreachable, None),
            ("kex_exchange_identification: Connection closed by remote host\nConnection closed by 127.0.0.1 port 22\n", FaultKind::Unreachable, None),
            ("", FaultKind::Unreachable, None),
        ] {
            let fault = of_ssh(&host(Some(2222)), says, None, None);
            assert_eq!((fault.kind, fault.line.as_deref()), (kind, line), "{says}");
        }
        assert!(
            of_ssh(&host(None), "ssh: Could not resolve hostname web1: Name or service not known\n", None, None)
                .words
                .starts_with("Could not resolve hostname")
        );
    }

    #[test]
    fn a_fault_of_the_jump_host_is_not_told_as_one_of_the_host_behind_it() {
        let behind = |says: &str| of_ssh(&host(None), says, None, Some("ops@web1.internal"));
        let closed = "\r\nConnection closed by UNKNOWN port 65535\r\n";
        for why in ["connect failed: Connection refused", "administratively prohibited: open failed", "connect failed: Connection timed out"] {
            let fault = behind(&format!("channel 0: open failed: {why}\r\nstdio forwarding failed{closed}"));
            assert_eq!((fault.kind, fault.line.as_deref()), (FaultKind::Unreachable, None), "{why}");
            assert!(fault.words.contains("jump host") && fault.words.contains(why), "{}", fault.words);
        }
        for refused in ["ann@bastion: Permission denied (publickey).", "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures"] {
            let fault = behind(&format!("{refused}{closed}"));
            assert_eq!((fault.kind, fault.line.as_deref()), (FaultKind::AuthenticationFailed, None), "{refused}");
            assert!(fault.title.contains("jump host") && fault.words.contains(refused.trim_end_matches('.')), "{} {}", fault.title, fault.words);
        }
        for own in ["OPS@web1.internal: Permission denied (publickey).", "Received disconnect from UNKNOWN port 65535:2: Too many authentication failures"] {
            assert_eq!(behind(own).line.as_deref(), Some("ssh-copy-id ops@web1"), "{own}");
        }
    }

    #[test]
    fn a_revoked_host_key_is_not_called_a_changed_one_and_has_no_mending_line() {
        let revoked = "@@@@\r\n@       WARNING: REVOKED HOST KEY DETECTED!               @\r\nThe ED25519 host key for web1 is marked as revoked.\r\n\
                       ED25519 host key for web1 was revoked and you have requested strict checking.\r\nHost key verification failed.\r\n";
        let fault = of_ssh(&host(None), revoked, None, None);
        assert_eq!(fault.line, None);
        assert!(fault.title.contains("REVOKED") && !fault.title.contains("CHANGED"), "{}", fault.title);
    }

    #[test]
    fn a_mending_line_is_never_made_of_what_another_machine_said() {
        let forged = "IDENTIFICATION HAS CHANGED\nOffending ED25519 key in /tmp/x; touch canary:3\nHost key for $(touch canary) has changed\n";
        let line = of_ssh(&host(None), forged, None, None).line.unwrap();
        assert_eq!(line, "ssh-keygen -R 'web1'");
        let socket = |words: &str| Fault::socket_unreadable(&host(None), &"ops".parse().unwrap(), words).line;
        assert_eq!(socket("directory /tmp/tmux-7 has unsafe permissions").as_deref(), Some("chmod 700 /tmp/tmux-7"));
        assert_eq!(socket("directory /x;touch${IFS}canary has unsafe permissions"), None);
    }
}
