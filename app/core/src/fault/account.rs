//! What can be wrong with an account that others come through: it is expired, its password is, its login shell never ends.

use super::{Fault, FaultKind, port, quoted};
use crate::inventory::{Host, Ssh};
use crate::limits::NOISE_BYTES_MAX;

impl Fault {
    /// The account that we log in as is expired, or locked by other means, and `tool` (sshd or sudo) refuses to work for it.
    pub fn account_expired(host: &Host, tool: &str, says: &str) -> Self {
        let (login, label) = (&host.login, &host.label);
        let words = format!(
            "{tool} says of {login}, the account that asks: {says}. `chage -l {0}` tells when it expired; if that is not it, `passwd -S {0}` tells whether it is \
             locked. To let it in again, as root on {label}:",
            quoted(login.as_str())
        );
        // -I: a password that has been expired for too long shuts an account in the same way, and in the same words.
        Self::new(FaultKind::AccountExpired, format!("The account {login} is expired or locked on {label}."), words)
            .mend(format!("chage -E -1 -I -1 {}", quoted(login.as_str())))
    }

    /// The account that we log in as must change its password before `tool` (sshd or sudo) works for it.
    pub fn password_expired(host: &Host, tool: &str, says: &str) -> Self {
        let (login, label) = (&host.login, &host.label);
        let words = format!(
            "{tool} says: {says}. Either log in as {login} on a terminal and give it a new password, or, as root on {label}, let the old one count as new today:"
        );
        Self::new(FaultKind::PasswordExpired, format!("The password of {login} is expired on {label} and must be changed first."), words)
            .mend(format!("chage -d $(date +%F) {}", quoted(login.as_str())))
    }

    /// The login shell says more than the limit before it runs what it is told. `says` is a line of that.
    pub fn endless_shell(host: &Host, ssh: &Ssh, config: Option<&str>, says: &str) -> Self {
        let login = &host.login;
        let config = config.map(|file| format!(" -F {}", quoted(file))).unwrap_or_default();
        let words = format!(
            "More than {} bytes came before sh was started, and no end: \"{says}\". One of its start files prints them (~/.bashrc, ~/.zshenv, \
             ~/.config/fish/config.fish, ~/.cshrc), or it is no shell. As the account that runs muxboard, see them with: ssh{config}{} -l {} {} true | head",
            NOISE_BYTES_MAX,
            port(ssh),
            quoted(login.as_str()),
            ssh.address
        );
        Self::new(FaultKind::NoShell, format!("The login shell of {login} on {} prints without end.", host.label), words)
    }
}
