//! The doctor: walks the way to a host and to each of its users step by step, and says of every step what it found, and what mends it.

use crate::exec::Bounds;
use crate::finding::{Finding, Findings, Verdict};
use crate::random::row_mark;
use crate::transport::{Purpose, SshClient, SshSettings, Transport};
use crate::trial;
use muxboard_core::inventory::{Host, Inventory, Reach, Ssh, User};
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX, CONNECT_SECONDS_MAX, WORDS_CHARS_MAX};
use muxboard_core::name::UnixUser;
use muxboard_core::outcome;
use muxboard_core::section::Section;
use muxboard_core::shell::Script;
use muxboard_core::snapshot::UserState;
use muxboard_core::tmux::{self, VERSION_MIN, format};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

/// The doctor.
pub struct Doctor {
    client: Option<Arc<SshClient>>,
}

impl Doctor {
    /// # Errors
    /// When there are hosts over ssh and no safe folder for control sockets, in words for the operator.
    pub fn new(inventory: &Inventory, ssh: SshSettings) -> io::Result<Self> {
        let needs_ssh = inventory.hosts.iter().any(|host| host.reach != Reach::Local);
        Ok(Self { client: if needs_ssh { Some(SshClient::new(ssh)?) } else { None } })
    }

    /// Examines a host and its users, or one of them alone. A step that fails ends what stands on it.
    pub async fn examine(&self, host: &Host, only: Option<&UnixUser>) -> Vec<Finding> {
        let mut record = Findings { host, findings: Vec::new() };
        if let (Reach::Ssh(ssh), Some(client)) = (&host.reach, &self.client)
            && !network(&mut record, ssh, client).await
        {
            return record.findings;
        }
        let transport = Transport::new(host, 0, self.client.as_ref());
        if let Some(facts) = machine(&mut record, &transport).await {
            for user in host.users.iter().filter(|user| only.is_none_or(|name| *name == user.name)) {
                a_user(&mut record, &transport, user, &facts).await;
            }
        }
        record.findings
    }
}

/// The name and the way there. False if nobody is at its end.
async fn network(record: &mut Findings<'_>, ssh: &Ssh, client: &SshClient) -> bool {
    let resolved = match client.resolve(record.host, ssh).await {
        Ok(resolved) => resolved,
        Err(why) => {
            let config = client.config().map(|file| format!(" -F {}", Script::command(&[file]))).unwrap_or_default();
            record.add(None, "ssh_config", Verdict::Bad, why, Some(format!("ssh{config} -G {}", ssh.address)));
            return false;
        }
    };
    let (name, port) = &resolved.target;
    if resolved.is_behind {
        record.good(None, "ssh_config", format!("{name} port {port}, through {}", resolved.first_hop));
        return true;
    }
    record.good(None, "ssh_config", format!("{name} port {port}"));
    let patience = Duration::from_secs(CONNECT_SECONDS_MAX);
    let addresses: Vec<_> = match timeout(patience, lookup_host((name.as_str(), *port))).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            record.add(None, "name", Verdict::Bad, format!("{name} is no name that can be looked up here: {error}"), Some(format!("getent hosts {name}")));
            return false;
        }
        Err(_) => {
            record.add(None, "name", Verdict::Bad, format!("the name server does not answer for {name}"), None);
            return false;
        }
    };
    let shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
    record.good(None, "name", shown.join(", "));
    let began = Instant::now();
    match timeout(patience, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(_)) => record.good(None, "network", format!("port {port} is open, {:.1} ms", began.elapsed().as_secs_f64() * 1000.0)),
        Ok(Err(error)) => {
            record.add(
                None,
                "network",
                Verdict::Bad,
                format!("nobody listens there: {error}. Is sshd running, and is {port} its port?"),
                Some("systemctl start ssh".into()),
            );
            return false;
        }
        Err(_) => {
            record.add(
                None,
                "network",
                Verdict::Bad,
                format!("no answer within {CONNECT_SECONDS_MAX} s: the host is down, or a firewall drops what is sent to port {port}"),
                None,
            );
            return false;
        }
    }
    true
}

/// What the machine says of itself.
struct Facts(HashMap<String, String>);

impl Facts {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// The login, its shell, and what is installed. None if there is no way in.
async fn machine(record: &mut Findings<'_>, transport: &Transport) -> Option<Facts> {
    let host = record.host;
    let began = Instant::now();
    let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX), bytes: ACTION_BYTES_MAX };
    let answer = match transport.run(host, &Script::facts(), bounds, Purpose::Act).await {
        Ok(answer) => answer,
        Err(fault) => {
            record.fault(None, "login", fault);
            return None;
        }
    };
    let text = String::from_utf8_lossy(&answer.output).into_owned();
    let shown = |value: &str| value.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect::<String>();
    let facts = Facts(text.lines().filter_map(|l| l.split_once('=')).map(|(name, value)| (name.to_owned(), shown(value))).collect());
    let (account, system) = (facts.get("account"), facts.get("system"));
    if let Transport::Ssh(link) = transport {
        record.good(None, "login", format!("as {account} on {system}, {} ms from nothing", began.elapsed().as_millis()));
        match link.noise() {
            0 => record.good(None, "login shell", "says nothing before it does what it is told"),
            noise => record.add(None, "login shell", Verdict::Note, format!("says {noise} bytes before it does what it is told; they are dropped"), None),
        }
    } else {
        record.good(None, "account", format!("{account} on {system}"));
    }
    if facts.get("utf8") == "0" {
        let words = "there is no UTF-8 locale: programs in new sessions will show '?' for other letters";
        record.add(None, "locale", Verdict::Note, words, Some("apt-get install locales-all".into()));
    }
    if matches!(transport, Transport::Local) && !matches!(facts.get("private"), "" | "0") {
        let words = "this process has a /tmp of its own (systemd's PrivateTmp): the sockets of everybody's tmux are hidden from it. In the unit:";
        record.add(None, "PrivateTmp", Verdict::Bad, words, Some("PrivateTmp=no".into()));
    }
    Some(facts)
}

/// sudo, tmux, the server and its sessions.
async fn a_user(record: &mut Findings<'_>, transport: &Transport, user: &User, facts: &Facts) {
    let host = record.host;
    let (exit, words) = match transport.call(host, user, &tmux::version(), Purpose::Act).await {
        Ok(answer) => answer,
        Err(fault) => return record.fault(Some(user), "tmux", fault),
    };
    let step = if user.through_sudo { "sudo, tmux" } else { "tmux" };
    let mark = row_mark();
    let section = |words: &str, exit| Section { listing: format::parse(words, &mark), captures: Vec::new(), exit, cut: false };
    let version = words.trim().strip_prefix("tmux ").unwrap_or("").to_owned();
    if exit != Some(0) || version.is_empty() {
        return match outcome::user_state(host, user, section(&words, exit.map(|code| if code == 0 { 1 } else { code }))) {
            UserState::Fault(fault) => record.fault(Some(user), step, fault),
            _ => record.add(Some(user), step, Verdict::Bad, format!("tmux says: {}", words.trim()), None),
        };
    }
    if format::version(&version).is_some_and(|v| v < VERSION_MIN) {
        return record.add(Some(user), step, Verdict::Bad, format!("tmux {version} is too old; 3.2 or newer is needed"), Some("apt-get install tmux".into()));
    }
    record.good(Some(user), step, format!("tmux {version}, {}", facts.get("tmux")));
    let listed = match transport.list(host, user, Purpose::Act).await {
        Ok(listed) => listed,
        Err(fault) => return record.fault(Some(user), "server", fault),
    };
    match outcome::user_state(host, user, listed) {
        UserState::Sessions(sessions) => record.good(Some(user), "server", format!("runs, {} sessions", sessions.len())),
        UserState::NoServer => record.good(Some(user), "server", "none is running; the first session starts one"),
        UserState::Fault(fault) => record.fault(Some(user), "server", fault),
        UserState::Pending => {}
    }
    trial::of_verbs(record, transport, user, &version).await;
    let lingers = facts.get("linger").split_whitespace().any(|name| name == user.name.as_str());
    if !matches!(facts.get("kills"), "" | "0") && !lingers {
        let words = "systemd ends all that an account runs when it logs out (KillUserProcesses), tmux too, unless it lingers. As root there:";
        record.add(Some(user), "linger", Verdict::Bad, words, Some(format!("loginctl enable-linger {}", Script::command(&[user.name.as_str()]))));
    }
}
