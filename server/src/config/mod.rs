//! The configuration: TOML as written, then what it means. A mistake is one line: file, line number, sentence. A key that is part of the
//! design and whose feature this version does not have is refused by name, never ignored.

mod audit;
mod auth;
mod grant;
mod host;
mod limits;
mod listen;
mod raw;
pub(crate) mod reload;
mod text;
pub(crate) mod trusted;
mod upload;

pub use auth::GateChoice;
pub(crate) use auth::token_name;
pub use listen::LISTEN_DEFAULT;
pub use text::ConfigError;

use crate::access::allowed_hosts::AllowedHosts;
use crate::access::proxy::ProxyGate;
use crate::access::rules::Rules;
use crate::access::token::NamedToken;
use crate::audit::AuditSettings;
use crate::http::listen::{Listen, TlsFiles};
use ipnet::IpNet;
use muxboard_core::inventory::{Host, Inventory};
use muxboard_core::limits::{CONNECTIONS, REQUESTS_PER_SECOND, SWEEP_EVERY_SECONDS_MAX, SWEEP_EVERY_SECONDS_MIN, SWEEP_SECONDS};
use muxboard_core::name::{HostKey, UnixUser};
use muxboard_core::policy::{Abilities, Among, Grant, Policy};
use muxboard_fleet::{AttachLimits, SshSettings, UploadLimits};
use raw::RawConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use text::{ConfigText, absolute, within};
use toml::Spanned;

/// A validated configuration.
#[derive(Debug)]
pub struct Config {
    /// The address or Unix socket to listen on.
    pub listen: Listen,
    /// The certificate's files, if we speak TLS ourselves.
    pub tls: Option<TlsFiles>,
    /// Connections at one moment.
    pub connections: usize,
    /// Where the board is mounted.
    pub base: String,
    /// Origins as configured; if none, those of the loopback address.
    pub origins: Vec<String>,
    /// Hosts as configured; if none, those of the origins.
    pub hosts_allowed: Vec<String>,
    /// Between two sweeps.
    pub sweep: Duration,
    /// The limits of live terminals.
    pub attach: AttachLimits,
    /// Whether a fresh terminal may overtake a backlog.
    pub overtake: bool,
    /// The settings of ssh.
    pub ssh: SshSettings,
    /// Requests of one source in a second; 0 for any number.
    pub requests_per_second: u32,
    /// The gate that identifies callers.
    pub gate: GateChoice,
    /// Proxies whose word about a client's address is believed.
    pub proxies: Vec<IpNet>,
    /// The audit file, if there is one.
    pub audit: Option<AuditSettings>,
    /// Whether files may be uploaded, and which.
    pub upload: Option<UploadLimits>,
    /// The grants: who may do what on which host as which user.
    pub policy: Policy,
    /// The configured hosts and their users.
    pub inventory: Inventory,
}

/// The files that a configuration names and that are read with it: a change of one is a change of it, also while it has a mistake. None if it is no
/// TOML at all.
pub(crate) fn files(source: &str) -> Option<Vec<PathBuf>> {
    let table = source.parse::<toml::Table>().ok()?;
    let file = |way: &[&str]| {
        let (name, tables) = way.split_last()?;
        let table = tables.iter().try_fold(&table, |table, name| table.get(*name)?.as_table())?;
        table.get(*name)?.as_str().map(PathBuf::from)
    };
    Some([&["auth", "proxy", "user_map"][..], &["auth", "proxy", "secret_file"], &["tls", "cert"], &["tls", "key"]].into_iter().filter_map(file).collect())
}

/// Reads a configuration for the account we run as.
///
/// # Errors
/// The first mistake in it.
pub fn read(source: &str, own: &UnixUser) -> Result<Config, ConfigError> {
    let text = ConfigText(source);
    let written: RawConfig =
        toml::from_str(source).map_err(|e| ConfigError { line: e.span().map(|s| text.line(s.start)), says: e.message().replace('\n', " ") })?;
    let base = match &written.base {
        None => String::new(),
        Some(base) => {
            let path = base.get_ref().trim_end_matches('/');
            let plain = path.split('/').skip(1).all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            if !(path.is_empty() || path.starts_with('/') && plain) {
                return Err(text.at(base, "base must be a path such as \"/mux\""));
            }
            path.to_owned()
        }
    };
    let sweep = within(&text, written.sweep_seconds.as_ref(), "sweep_seconds", SWEEP_SECONDS, SWEEP_EVERY_SECONDS_MIN..=SWEEP_EVERY_SECONDS_MAX)?;
    let attach = written.limits.validate(&text)?;
    let ssh_config = written.ssh_config.as_ref().map(|path| absolute(&text, path, "ssh_config").map(str::to_owned)).transpose()?;
    let (gate, proxies) = auth::validate(&text, written.auth.as_ref())?;
    let (listen, tls) = listen::validate(&text, &written, &gate)?;
    let mapped = if let GateChoice::Proxy(ProxyGate { map: Some(map), .. }) = &gate { Some(map.accounts()) } else { None };
    let hosts = written.host.iter().map(|host| host.get_ref().validate(&text, own, mapped.as_deref())).collect::<Result<Vec<_>, _>>()?;
    let inventory = Inventory { hosts };
    for (i, host) in written.host.iter().enumerate() {
        let key = host.get_ref().key.get_ref();
        if written.host.iter().take(i).any(|h| h.get_ref().key.get_ref() == key) {
            return Err(text.at(&host.get_ref().key, format!("a host \"{key}\" is there already")));
        }
    }
    if inventory.hosts.is_empty() {
        return Err(ConfigError { line: None, says: "no [[host]] is configured: there is nothing to show".into() });
    }
    Ok(Config {
        listen,
        tls,
        connections: listen::connections(&text, written.limits.connections.as_ref())?,
        base,
        origins: written.origins.iter().map(|o| origin(&text, o)).collect::<Result<_, _>>()?,
        hosts_allowed: written.hosts_allowed,
        sweep: Duration::from_secs(sweep),
        attach,
        overtake: written.limits.overtake.unwrap_or(true),
        ssh: SshSettings { config: ssh_config, ..SshSettings::default() },
        requests_per_second: written.limits.requests_per_second.unwrap_or(REQUESTS_PER_SECOND),
        gate,
        proxies,
        audit: written.audit.as_ref().map(|audit| audit.get_ref().validate(&text, audit)).transpose()?,
        upload: written.upload.map_or(Ok(None), |upload| upload.validate(&text))?,
        policy: Policy { grants: written.grant.iter().map(|g| grant::validate(&text, g, &inventory)).collect::<Result<_, _>>()? },
        inventory,
    })
}

fn origin(text: &ConfigText<'_>, origin: &Spanned<String>) -> Result<String, ConfigError> {
    let plain = origin.get_ref().split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
    });
    if plain {
        let origin = origin.get_ref().to_ascii_lowercase();
        // Browsers leave the scheme's own port out, of Origin and of Host.
        let default = if origin.starts_with("https") { ":443" } else { ":80" };
        Ok(origin.strip_suffix(default).map_or_else(|| origin.clone(), str::to_owned))
    } else {
        Err(text.at(origin, "an origin is scheme, host and port alone, for example \"https://ops.example.com\""))
    }
}

impl Config {
    /// Without a configuration: this machine, our own sessions, loopback, and a token that was made just now.
    pub fn default_for(own: &UnixUser, hostname: &str, token: &str, listen: SocketAddr) -> Self {
        #[expect(clippy::expect_used, reason = "a constant")]
        let key: HostKey = "local".parse().expect("a host key");
        let host = Host { label: hostname.to_owned(), ..Host::local(key, own) };
        Self {
            listen: Listen::Tcp(listen),
            tls: None,
            connections: CONNECTIONS,
            base: String::new(),
            origins: Vec::new(),
            hosts_allowed: Vec::new(),
            sweep: Duration::from_secs(SWEEP_SECONDS),
            attach: AttachLimits::default(),
            overtake: true,
            ssh: SshSettings::default(),
            requests_per_second: REQUESTS_PER_SECOND,
            gate: GateChoice::Token(vec![NamedToken::new(own.to_string(), token)]),
            proxies: Vec::new(),
            audit: None,
            upload: None,
            policy: Policy {
                grants: vec![Grant { who: vec![own.to_string()], hosts: Among::Any, users: Among::Any, mapped: false, can: Abilities::ALL, line: 0 }],
            },
            inventory: Inventory { hosts: vec![host] },
        }
    }

    /// The hosts and origins this board answers to, once its port is known.
    pub fn allowed_hosts(&self, port: u16) -> AllowedHosts {
        let mut allowed = match &self.listen {
            Listen::Tcp(_) if self.listen.is_local() => AllowedHosts::loopback(port),
            Listen::Tcp(_) | Listen::Unix { .. } => AllowedHosts::default(),
        };
        if !self.origins.is_empty() {
            allowed.origins.clone_from(&self.origins);
            allowed.hosts.extend(self.origins.iter().filter_map(|o| o.split_once("://").map(|(_, host)| host.to_owned())));
        }
        if !self.hosts_allowed.is_empty() {
            allowed.hosts.clone_from(&self.hosts_allowed);
        }
        allowed.proxies.clone_from(&self.proxies);
        allowed
    }

    /// The port that browsers know: that of the first origin. A Unix socket has none of its own, and a cookie is named by it.
    pub(crate) fn public_port(&self) -> u16 {
        let Some((scheme, host)) = self.origins.first().and_then(|origin| origin.split_once("://")) else { return 0 };
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        port.unwrap_or(if scheme == "https" { 443 } else { 80 })
    }

    /// The keys that have another value in the next configuration and are read at the start alone.
    pub(crate) fn needs_restart(&self, next: &Self) -> Vec<&'static str> {
        let pairs = [
            ("listen", self.listen != next.listen),
            ("tls", self.tls.is_some() != next.tls.is_some()),
            ("base", self.base != next.base),
            ("sweep_seconds", self.sweep != next.sweep),
            (
                "limits",
                self.attach != next.attach
                    || self.overtake != next.overtake
                    || self.requests_per_second != next.requests_per_second
                    || self.connections != next.connections,
            ),
            ("ssh_config", self.ssh.config != next.ssh.config),
            ("audit", self.audit != next.audit),
        ];
        pairs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// The part of the configuration that can change while a board runs, for the port it listens on.
    pub fn rules(&self, port: u16) -> Rules {
        let allowed_hosts = self.allowed_hosts(port);
        let gate = self.gate.gate(port, &allowed_hosts, &self.base);
        Rules { inventory: self.inventory.clone(), policy: self.policy.clone(), gate, allowed_hosts, upload: self.upload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muxboard_core::inventory::{HostKeys, Reach, Secret, Socket};

    fn read(source: &str) -> Result<Config, String> {
        super::read(source, &"ops".parse().unwrap()).map_err(|m| m.to_string())
    }

    const HOST: &str = "[[host]]\nkey = \"local\"\nlocal = true\nusers = [\"ops\", \"deploy\"]\n";

    #[test]
    fn logins_have_paths_wherever_another_account_can_serve_another_port_of_the_same_host_name() {
        let auth = format!("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"a\"\nsha256 = \"{}\"\n{HOST}", "ab".repeat(32));
        for (top, want) in [
            ("", true),
            ("origins = [\"https://board.example\"]\n", false),
            ("origins = [\"https://localhost:8443\"]\n", true),
            ("origins = [\"https://board.example\", \"https://127.0.0.1:8443\"]\n", true),
            ("origins = [\"https://board.example\", \"http://board.example\"]\n", true),
        ] {
            assert_eq!(read(&format!("{top}{auth}")).unwrap().rules(8088).gate.has_login_paths(), want, "{top}");
        }
    }

    #[test]
    fn a_configuration_is_read() {
        let config = read(&format!("base = \"/mux/\"\n[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"a\"\nsha256 = \"{}\"\n[[grant]]\nwho = [\"a\"]\nhosts = [\"*\"]\nusers = [\"ops\"]\ncan = [\"type\"]\n{HOST}socket = \"/run/x y\"\n", "ab".repeat(32))).unwrap();
        let limits = read(&format!("[limits]\nattach_hours = 6\nstall_seconds = 7\nqueue_bytes = 65536\n{HOST}")).unwrap().attach;
        assert_eq!((limits.lifetime.as_secs(), limits.stall.as_secs(), limits.queue_bytes), (6 * 3600, 7, 65536));
        let upload = |keys: &str| read(&format!("[upload]\n{keys}{HOST}")).unwrap().upload;
        assert_eq!((config.upload, upload("max_bytes = 5\n"), upload("enabled = true\n")), (None, None, Some(UploadLimits::default())));
        assert_eq!(upload("enabled = true\nmax_bytes = 5\nexpire_hours = 1\n"), Some(UploadLimits { bytes_max: 5, keep: Duration::from_secs(3600) }));
        let host = &config.inventory.hosts[0];
        assert_eq!((config.base.as_str(), host.users[0].through_sudo, host.users[1].through_sudo), ("/mux", false, true));
        assert_eq!(host.users[1].socket, Socket::Path("/run/x y".into()));
    }

    #[test]
    fn every_mistake_names_its_line() {
        for (source, want) in [
            ("lisen = 1\n", "1: unknown field `lisen`"),
            ("\n\nlisten = \"x\"\n", "3: listen must be"),
            ("listen = \"0.0.0.0:80\"\n", "1: this address is open"),
            ("[upload]\nenabled = true\nmax_bytes = 0\n", "3: max_bytes must be between"),
            ("[upload]\nexpire_hours = 9000\n", "2: expire_hours must be between"),
            ("[upload]\nfolder = \"/tmp\"\n", "2: unknown field"),
            ("[auth]\ngate = \"proxy\"\n", "2: the proxy gate needs"),
            ("[auth]\ngate = \"guess\"\n", "2: gate must be"),
            ("[[auth.token]]\nname = \"a\"\nsha256 = \"x\"\n", "1:"),
            ("[auth]\ngate = \"token\"\n", "2: the token gate needs"),
            ("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"\"\nsha256 = \"x\"\n", "4: a token's name is"),
            ("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"a\\nb\"\nsha256 = \"x\"\n", "4: a token's name is"),
            ("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"a\\u202eb\"\nsha256 = \"x\"\n", "4: a token's name is"),
            ("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \" a\"\nsha256 = \"x\"\n", "4: a token's name is"),
            ("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"*\"\nsha256 = \"x\"\n", "4: a token's name is"),
            ("[auth]\ngate = \"token\"\n[[auth.token]]\nname = \"group:ops\"\nsha256 = \"x\"\n", "4: a token's name is"),
            (
                "[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-User\"\ngroups_header = \"X-Groups\"\ngroups_separator = \"||\"\n",
                "6: groups_separator is",
            ),
            ("[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-User\"\ngroups_separator = \"s\"\n", "5: groups_separator is"),
            ("origins = [\"https://x/y\"]\n", "1: an origin is"),
            ("base = \"mux\"\n", "1: base must be"),
            ("sweep_seconds = 1\n", "1: sweep_seconds must"),
            ("[limits]\nattach_hours = 0\n", "2: attach_hours must be"),
            ("[limits]\nattach_hours = nan\n", "2: attach_hours must be"),
            ("[limits]\n\nstall_seconds = 0\n", "3: stall_seconds must be"),
            ("[limits]\nqueue_bytes = 1\n", "2: queue_bytes must be"),
            ("x = [1, 2\n[auth\n", "2:"),
        ] {
            let says = read(&format!("{source}{HOST}")).unwrap_err();
            assert!(says.starts_with(want) && !says.contains('\n'), "{source:?} gave {says:?}");
        }
        for (more, want) in [
            ("address = \"web1\"\n", "5: local = true and address"),
            ("port = 22\n", "2: this host is local"),
            ("login = \"x\"\n", "5: login is for hosts over ssh"),
            ("socket = \"x\"\n", "5: socket must be"),
            ("socket_name = \"a\"\nsocket_file = \"/x\"\n", "6: socket, socket_name and socket_file"),
            ("[host.user.nope]\nsocket_name = \"a\"\n", "5: \"nope\" is not among"),
            ("[[grant]]\nwho = [\"a\"]\nhosts = [\"nope\"]\nusers = [\"*\"]\ncan = [\"see\"]\n", "7: there is no [[host]]"),
            ("[[grant]]\nwho = [\"a\"]\nhosts = [\"*\"]\nusers = [\"nobody-here\"]\ncan = [\"see\"]\n", "8: no [[host]] has the user"),
            ("[[grant]]\nwho = [\"a\"]\nhosts = [\"*\"]\nusers = [\"-x\"]\ncan = [\"see\"]\n", "8: \"-x\""),
            (HOST, "6: a host \"local\""),
            ("[[host]]\nkey = \"api\"\nlocal = true\nusers = [\"ops\"]\n", "6: \"api\" begins other addresses"),
        ] {
            let says = read(&format!("{HOST}{more}")).unwrap_err();
            assert!(says.starts_with(want), "{more:?} gave {says:?}");
        }
        assert!(read("").unwrap_err().contains("no [[host]]"));
    }

    #[test]
    fn the_names_it_answers_to_are_those_of_the_origins_where_nobody_is_on_loopback() {
        let allowed = |source: &str| {
            let config = read(&format!("{source}{HOST}")).unwrap();
            (config.public_port(), config.allowed_hosts(1))
        };
        let (port, unix) = allowed("listen = \"unix:/x\"\norigins = [\"https://ops.example.com\", \"https://[2001:db8::1]:8443\"]\n");
        assert_eq!((port, unix.hosts), (443, vec!["ops.example.com".to_owned(), "[2001:db8::1]:8443".to_owned()]));
        assert_eq!(allowed("listen = \"unix:/x\"\norigins = [\"https://[2001:db8::1]:8443\"]\n").0, 8443);
        assert_eq!(allowed("listen = \"unix:/x\"\norigins = [\"https://[2001:db8::1]\"]\n").0, 443);
        let (_, tls) = allowed("listen = \"0.0.0.0:443\"\norigins = [\"https://a\"]\n[tls]\ncert = \"/c\"\nkey = \"/k\"\n");
        assert!(tls.https_only() && tls.hosts == ["a"]);
        assert!(!allowed("").1.https_only());
    }

    #[test]
    fn an_origin_with_the_default_port_let_no_browser_in() {
        // Browsers leave it out, of Origin and of Host.
        let allowed = |origin: &str| {
            let config = read(&format!("origins = [\"{origin}\"]\nlisten = \"unix:/x\"\n{HOST}")).unwrap();
            (config.public_port(), config.allowed_hosts(1).origins.concat(), config.allowed_hosts(1).hosts.concat())
        };
        let all = |port: u16, origin: &str, host: &str| (port, origin.to_owned(), host.to_owned());
        assert_eq!(allowed("https://Ops.example.com:443"), all(443, "https://ops.example.com", "ops.example.com"));
        assert_eq!(allowed("http://[2001:db8::443]:80"), all(80, "http://[2001:db8::443]", "[2001:db8::443]"));
        assert_eq!(allowed("http://a:443"), all(443, "http://a:443", "a:443"));
        assert_eq!(allowed("https://a:80"), all(80, "https://a:80", "a:80"));
    }

    const REMOTE: &str = "[[host]]\nkey = \"web1\"\naddress = \"web1.internal\"\nlogin = \"ops\"\nusers = [\"ops\", \"deploy\"]\n";

    #[test]
    fn a_host_over_ssh_is_read() {
        let config = read(&format!(
            "ssh_config = \"/etc/x\"\n{REMOTE}port = 2222\nhost_key_policy = \"accept-new\"\npassword_env = \"WEB1_PASS\"\ntags = [\"prod\"]\nsocket_name = \"a\"\n\
             [host.user.deploy]\nsocket_file = \"/run/deploy/socket\"\n"
        ))
        .unwrap();
        let host = &config.inventory.hosts[0];
        let Reach::Ssh(ssh) = &host.reach else { panic!("{host:?}") };
        assert_eq!((ssh.port, ssh.host_keys, &ssh.password), (Some(2222), HostKeys::AcceptNew, &Some(Secret::Variable("WEB1_PASS".into()))));
        assert_eq!((host.users[0].through_sudo, host.users[1].through_sudo, host.place().as_str()), (false, true, "ops@web1.internal:2222 · prod"));
        assert_eq!((&host.users[0].socket, &host.users[1].socket), (&Socket::Name("a".into()), &Socket::File("/run/deploy/socket".into())));
        assert_eq!(config.ssh.config.as_deref(), Some("/etc/x"));
    }

    #[test]
    fn nothing_of_a_host_over_ssh_can_be_an_option_or_shell_text() {
        for hostile in ["-oProxyCommand=touch canary", "web1 -v", "web1;id", "ops@web1", "web1\\n", "web1\\r", "$(id)", "a\\u0000b", ""] {
            let host = REMOTE.replace("web1.internal", hostile);
            assert!(read(&host).unwrap_err().starts_with("3: "), "address {hostile:?}");
            // An account of a directory service may be named so: it begins no option, and is quoted wherever a shell reads it.
            if matches!(hostile, "web1 -v" | "ops@web1") {
                continue;
            }
            for (field, line) in [("login = \"ops\"", "4: "), ("\"deploy\"", "5: ")] {
                let host = REMOTE.replace(field, &field.replace("ops", hostile).replace("deploy", hostile));
                assert!(read(&host).unwrap_err().starts_with(line), "{field} {hostile:?}");
            }
        }
        for (more, want) in [
            ("identity_file = \"-x\"\n", "6: identity_file must be"),
            ("identity_file = \"/a\\nb\"\n", "6: identity_file must be"),
            ("port = 0\n", "6: port must be"),
            ("host_key_policy = \"no\"\n", "6: host_key_policy must be"),
            ("password_env = \"hunter 2\"\n", "6: this is the NAME"),
            ("password_env = \"A\"\npassword_file = \"/x\"\n", "7: the password is kept in two places"),
            ("tags = [\"a\\nb\"]\n", "6: a tag must be"),
        ] {
            let says = read(&format!("{REMOTE}{more}")).unwrap_err();
            assert!(says.starts_with(want) && !says.contains("hunter"), "{more:?} gave {says:?}");
        }
        assert!(read(&REMOTE.replace("login = \"ops\"\n", "")).unwrap_err().contains("as whom does ssh log in"));
        for login in ["o'brien", "ops -oProxyCommand=x"] {
            assert!(read(&REMOTE.replace("login = \"ops\"", &format!("login = \"{login}\""))).unwrap_err().contains("ssh takes no login"), "{login}");
        }
        assert!(read(&REMOTE.replace("address = \"web1.internal\"\n", "")).unwrap_err().contains("where is it?"));
    }
}
