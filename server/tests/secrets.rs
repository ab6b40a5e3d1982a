//! Every way to log in over ssh, each against a real sshd that takes no other: a password and a passphrase from each place where they may be kept, a
//! certificate, an agent. And no secret is anywhere but where it belongs.

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use support::sshd::{Client, Sshd, here, host, run, until};
use support::uploads::Running;
use support::{Accounts, Board, TOKEN, accounts, as_account, as_account_with, unique};

/// A file, or a folder, of the account that runs muxboard.
fn own(client: &Client, name: &str, mode: &str) -> String {
    let path = client.path(name);
    run("chown", &[&client.accounts.front, &path]);
    run("chmod", &[mode, &path]);
    path
}

fn kept(client: &Client, name: &str, text: &str, mode: &str) -> String {
    fs::write(client.path(name), format!("{text}\n")).unwrap();
    own(client, name, mode)
}

fn password(account: &str, secret: &str) {
    run("sh", &["-c", "printf '%s:%s\\n' \"$0\" \"$1\" | chpasswd", account, secret]);
}

/// A key of the account that runs muxboard. Gives its path.
fn key(client: &Client, name: &str, passphrase: &str) -> String {
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", &client.path(name)]);
    own(client, name, "600")
}

/// An sshd that lets in whoever has one of these keys, and knows no other way.
fn keys_alone(client: &Client, keys: &[&str], more: &str) -> Sshd {
    let sshd = Sshd::start(client, &format!("PasswordAuthentication no\n{more}"));
    let public = keys.iter().map(|key| fs::read_to_string(format!("{key}.pub")).unwrap()).collect::<String>();
    fs::write(sshd.path("authorized_keys"), public).unwrap();
    client.know(&sshd);
    sshd
}

fn passwords_alone(client: &Client) -> Sshd {
    let sshd = Sshd::start(client, "PubkeyAuthentication no\nPasswordAuthentication yes");
    client.know(&sshd);
    sshd
}

/// A real agent of the account that runs muxboard, which alone has that key: its file is gone.
fn agent(client: &Client, key: &str) -> (Running, String) {
    let socket = client.path("agent");
    let agent = Running(as_account(&client.accounts.front, "ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap());
    until("the agent listens", || Path::new(&socket).exists());
    let added = as_account_with(&client.accounts.front, &[("SSH_AUTH_SOCK", &socket)], "ssh-add").args(["-q", key]).status().unwrap();
    assert!(added.success());
    fs::remove_file(key).unwrap();
    (agent, socket)
}

/// The processes of this machine that have this among their words, or in their environment.
fn holders(of: &str, secret: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    // One that ends meanwhile has nothing.
    let has = |pid: &u32| fs::read(format!("/proc/{pid}/{of}")).is_ok_and(|bytes| bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
    processes.filter(has).collect()
}

fn make(board: &Board, place: &str, name: &str, command: &str) {
    let answer = board.post("/fn/create", &[("place", place), ("name", name), ("command", command)]).token(TOKEN).send();
    assert!(answer.status < 400, "{place}: {}", answer.body);
}

/// One way to log in.
struct Way<'a> {
    key: &'static str,
    account: &'a str,
    sshd: &'a Sshd,
    more: String,
    /// What sshd says when it lets us in.
    accepted: &'static str,
}

fn world() -> Option<(Accounts, Client)> {
    let accounts = accounts()?;
    let client = Client::new(&accounts);
    Some((accounts, client))
}

#[test]
fn every_way_to_log_in_over_ssh_lists_sessions_opens_terminals_and_tells_nobody_a_secret() {
    let Some((accounts, client)) = world() else { return };
    // What a shell would read, a byte that is no ASCII; and nobody else on this machine has the same.
    let secrets = ["one", "two", "three", "four"].map(|which| format!("{which} $(touch canary) \"é\" \\ {}", unique()));
    let [in_variable, in_file, in_credential, passphrase] = &secrets;
    for (account, secret) in [(&accounts.csh, in_variable), (&accounts.fish, in_file), (&accounts.login, in_credential)] {
        password(account, secret);
    }
    let file = kept(&client, "password", in_file, "600");
    let locked = key(&client, "locked", passphrase);
    let phrase = kept(&client, "passphrase", passphrase, "600");
    // systemd gives credentials to the unit by means that do not show in their mode.
    fs::create_dir(client.path("credentials")).unwrap();
    let credentials = own(&client, "credentials", "700");
    kept(&client, "credentials/web1.pass", in_credential, "444");
    kept(&client, "credentials/web1.phrase", passphrase, "444");
    let certified = key(&client, "certified", "");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &client.path("ca")]);
    run("ssh-keygen", &["-q", "-s", &client.path("ca"), "-I", "muxboard", "-n", &accounts.refused, "-V", "+1h", &format!("{certified}.pub")]);
    let in_agent = key(&client, "in-agent", "");

    let passwords = passwords_alone(&client);
    let keys = keys_alone(&client, &[&locked], "");
    let certificates = keys_alone(&client, &[], &format!("TrustedUserCAKeys {}", client.path("ca.pub")));
    let agents = keys_alone(&client, &[&in_agent], "");
    let (_agent, agent) = agent(&client, &in_agent);
    let with_key = |more: &str| format!("identity_file = \"{locked}\"\n{more}");
    let (password, public) = ("Accepted password for", "Accepted publickey for");
    let all = [
        ("env", &accounts.csh, &passwords, "password_env = \"WEB1_SSH_PASS\"".into(), password),
        ("file", &accounts.fish, &passwords, format!("password_file = \"{file}\""), password),
        ("credential", &accounts.login, &passwords, "password_credential = \"web1.pass\"".into(), password),
        ("phrase-env", &accounts.far, &keys, with_key("passphrase_env = \"WEB1_KEY_PHRASE\""), public),
        ("phrase-file", &accounts.far, &keys, with_key(&format!("passphrase_file = \"{phrase}\"")), public),
        ("phrase-credential", &accounts.far, &keys, with_key("passphrase_credential = \"web1.phrase\""), public),
        ("certificate", &accounts.refused, &certificates, format!("identity_file = \"{certified}\""), "ED25519-CERT"),
        ("agent", &accounts.other, &agents, String::new(), public),
    ];
    let all = all.map(|(key, account, sshd, more, accepted)| Way { key, account, sshd, more, accepted });

    let hosts = all.iter().map(|way| host(way.key, way.sshd.port, way.account, &[way.account], &way.more)).collect::<String>();
    let variables =
        [("WEB1_SSH_PASS", in_variable.as_str()), ("WEB1_KEY_PHRASE", passphrase), ("CREDENTIALS_DIRECTORY", &credentials), ("SSH_AUTH_SOCK", &agent)];
    let board = client.board_with(&variables, "", &(hosts + &here(&accounts)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    make(&board, &format!("here/{}", accounts.front), "local", "exec cat");
    let mut open = Vec::new();
    for Way { key, account, sshd, accepted, .. } in &all {
        board.host_when(key, |h| h["state"] == "up");
        make(&board, &format!("{key}/{account}"), key, &format!("printf 'it-is-''{key}'; exec cat"));
        let id = board.session_on(key, account, key);
        assert!(board.tmux(account, &["list-sessions", "-F", "#{session_name}"]).lines().any(|name| name == *key), "{key} is not {account}'s");
        let path = format!("/ws/attach/{key}/{account}/{id}");
        open.push(runtime.block_on(async {
            let mut socket = support::socket::connect(&board, &path, &support::socket::token(TOKEN)).await;
            support::socket::hello(&mut socket, false).await;
            support::socket::until(&mut socket, &format!("it-is-{key}")).await;
            socket
        }));
        let log = fs::read_to_string(sshd.path("log")).unwrap();
        assert!(log.lines().any(|line| line.contains(accepted) && line.contains(&format!(" {account} "))), "{key}: {log}");
    }
    // One login for looks and actions, one for terminals, each by the secret, which is asked for once.
    assert_eq!([&passwords, &keys, &certificates, &agents].map(Sshd::logins), [6, 6, 2, 2]);

    let log = board.log();
    for (secret, variable) in secrets.iter().zip([true, false, false, true]) {
        assert_eq!(holders("cmdline", secret), [0_u32; 0], "it is among a process's words");
        let known = if variable { vec![board.pid()] } else { Vec::new() };
        assert_eq!(holders("environ", secret), known, "it is in the environment of another process than the one that it was given to");
        assert!(!log.contains(secret.as_str()) && !log.contains(&secret.escape_debug().to_string()), "it is in the log");
    }
    for account in all.iter().map(|way| way.account).chain([accounts.front.as_str()]) {
        let environment = board.tmux(account, &["show-environment", "-g"]);
        assert!(environment.contains("LANG="), "{account}: {environment}");
        for name in variables.map(|(name, _)| name) {
            assert!(!environment.contains(name), "{account}: {environment}");
        }
    }
}

#[test]
fn a_secret_that_is_not_there_or_not_the_right_one_is_named_and_mended_without_a_restart() {
    let Some((accounts, client)) = world() else { return };
    let secret = format!("five {}", unique());
    // Not one of those whose passwords the other test sets, at the same time.
    password(&accounts.other, &secret);
    let open = kept(&client, "open", &secret, "644");
    let wrong = kept(&client, "wrong", "this is not it", "600");
    let missing = client.path("missing");
    let locked = key(&client, "locked", &secret);
    let (passwords, keys) = (passwords_alone(&client), keys_alone(&client, &[&locked], ""));
    let by_password = |key: &str, more: &str| host(key, passwords.port, &accounts.other, &[&accounts.other], more);
    let by_key = |key: &str, more: &str| host(key, keys.port, &accounts.far, &[&accounts.far], &format!("identity_file = \"{locked}\"\n{more}"));
    let hosts = [
        by_password("unset", "password_env = \"MUXBOARD_NOT_SET\""),
        by_password("no-unit", "password_credential = \"web1.pass\""),
        by_password("missing", &format!("password_file = \"{missing}\"")),
        by_password("open", &format!("password_file = \"{open}\"")),
        by_password("wrong", &format!("password_file = \"{wrong}\"")),
        by_key("no-phrase", ""),
        by_key("wrong-phrase", &format!("passphrase_file = \"{wrong}\"")),
    ];
    let board = client.board("", &hosts.concat());
    for (key, state, words) in [
        ("unset", "unreachable", "the environment variable MUXBOARD_NOT_SET is not set".to_owned()),
        ("no-unit", "unreachable", "CREDENTIALS_DIRECTORY is not set".into()),
        ("missing", "unreachable", format!("{missing} cannot be read")),
        ("open", "unreachable", format!("others may read {open}: chmod 600 {open}")),
        ("wrong", "authentication_failed", "The password was refused".into()),
        ("no-phrase", "authentication_failed", "Permission denied".into()),
        ("wrong-phrase", "authentication_failed", "The key's passphrase may be wrong".into()),
    ] {
        let seen = board.host_when(key, |h| h["state"] != "pending");
        let error = seen["error"].as_str().unwrap();
        assert!(seen["state"] == state && error.contains(&words) && !error.contains(&secret), "{seen}");
    }
    assert_eq!([&passwords, &keys].map(Sshd::logins), [0, 0]);
    client.follow(&format!("chmod 600 {open}"));
    kept(&client, "missing", &secret, "600");
    kept(&client, "wrong", &secret, "600");
    for key in ["open", "missing", "wrong", "wrong-phrase"] {
        board.host_when(key, |h| h["state"] == "up");
    }
    assert!(!board.log().contains(&secret));
}
