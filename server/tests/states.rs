//! Every named state of a host and of a user over ssh, really caused, with the line that mends it, followed to the letter.

mod support;

use serde_json::Value;
use std::io::Write;
use std::net::TcpListener;
use support::sshd::{Client, Sshd, host, run};
use support::{Accounts, Board, accounts, as_account_with, binary, unique};

fn user<'a>(host: &'a Value, name: &str) -> &'a Value {
    host["users"].as_array().unwrap().iter().find(|u| u["user"] == name).unwrap()
}

fn mend(what: &Value) -> String {
    what["mend"].as_str().unwrap_or_else(|| panic!("no line in {what}")).to_owned()
}

fn world() -> Option<(Accounts, Client)> {
    let accounts = accounts()?;
    let client = Client::new(&accounts);
    Some((accounts, client))
}

fn state_is(board: &Board, key: &str, state: &str) -> Value {
    board.host_when(key, |h| h["state"] == state)
}

fn user_is(board: &Board, name: &str, state: &str) -> Value {
    user(&board.host_when("far", |h| user(h, name)["state"] == state), name).clone()
}

#[test]
fn an_unknown_key_is_not_accepted_and_a_changed_one_is_loud_until_a_person_has_acted() {
    let Some((accounts, client)) = world() else { return };
    let mut sshd = Sshd::start(&client, "");
    let board = client.board("", &host("far", sshd.port, &accounts.login, &[&accounts.login], ""));
    let unknown = state_is(&board, "far", "host_key_unknown");
    assert_eq!(sshd.logins(), 0);
    client.follow(&mend(&unknown));
    state_is(&board, "far", "up");
    sshd.change_key();
    let changed = state_is(&board, "far", "host_key_changed");
    assert!(changed["error"].as_str().unwrap().contains("HAS CHANGED"), "{changed}");
    client.follow(&mend(&changed));
    let unknown = state_is(&board, "far", "host_key_unknown");
    client.follow(&mend(&unknown));
    state_is(&board, "far", "up");
    // accept-new learns a key that is new, and refuses one that has changed.
    let trusting = client.board("", &host("far", sshd.port, &accounts.login, &[&accounts.login], "host_key_policy = \"accept-new\""));
    state_is(&trusting, "far", "up");
    sshd.change_key();
    state_is(&trusting, "far", "host_key_changed");
}

#[test]
fn a_login_that_is_refused_says_which_key_to_give_the_host() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "PasswordAuthentication yes");
    client.know(&sshd);
    let authorized = sshd.path("authorized_keys");
    let keys = std::fs::read_to_string(&authorized).unwrap();
    std::fs::write(&authorized, "").unwrap();
    let more = format!("identity_file = \"{}\"", client.path("key"));
    let board = client.board("", &host("far", sshd.port, &accounts.fish, &[&accounts.fish], &more));
    let refused = state_is(&board, "far", "authentication_failed");
    let line = mend(&refused);
    assert_eq!(line, format!("ssh-copy-id -i {} -p {} {}@127.0.0.1", client.path("key"), sshd.port, accounts.fish));
    // ssh-copy-id asks for that account's password, which is a person's to give; what it does with it is this.
    std::fs::write(&authorized, keys).unwrap();
    state_is(&board, "far", "up");
}

#[test]
fn a_host_that_was_not_looked_at_yet_was_said_to_have_no_such_session() {
    let Some((accounts, client)) = world() else { return };
    // It takes the connection and says nothing: the first look is not over before ssh gives up.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let board = client.board("", &host("far", silent.local_addr().unwrap().port(), &accounts.login, &[&accounts.login], ""));
    let page = |query: &str| board.get(&format!("/far/{}/a{query}", accounts.login)).token(support::TOKEN).send();
    for query in ["?id=1-1-1-1", ""] {
        let seen = page(query);
        assert_eq!((seen.status, seen.header("refresh")), (503, Some("2")), "{query}: {}", seen.body);
        assert!(seen.body.contains("not looked at yet") && !seen.body.contains("ended") && !seen.body.contains("Create it"), "{}", seen.body);
    }
    let fields = [("place", format!("far/{}", accounts.login)), ("session", "1-1-1-1".into()), ("typed", "a".into())];
    let killed = board.post("/fn/kill", &fields.each_ref().map(|(k, v)| (*k, v.as_str()))).token(support::TOKEN).send();
    assert!(killed.status == 502 && killed.body.contains("not looked at yet"), "{killed:?}");
    // Then it is known what is wrong, and a page that somebody reads does not go away under his eyes.
    state_is(&board, "far", "timed_out");
    let seen = page("?id=1-1-1-1");
    assert_eq!((seen.status, seen.header("refresh")), (503, None));
    assert!(seen.body.contains("did not answer in time"), "{}", seen.body);
}

#[test]
fn what_went_wrong_at_or_beyond_a_jump_host_was_said_of_the_host_itself() {
    let Some((accounts, client)) = world() else { return };
    let (bastion, mut inner) = (Sshd::start(&client, ""), Sshd::start(&client, ""));
    client.know(&bastion);
    client.know(&inner);
    client.config(&format!(
        "Host bastion\n  HostName 127.0.0.1\n  Port {}\n  User {}\nHost inner\n  HostName 127.0.0.1\n  Port {}\n  ProxyJump bastion\n",
        bastion.port, accounts.fish, inner.port
    ));
    let keys = std::fs::read_to_string(bastion.path("authorized_keys")).unwrap();
    std::fs::write(bastion.path("authorized_keys"), "").unwrap();
    let behind = host("far", 1, &accounts.login, &[&accounts.login], "").replace("address = \"127.0.0.1\"\nport = 1", "address = \"inner\"");
    let board = client.board("", &behind);
    let refused = state_is(&board, "far", "authentication_failed");
    assert!(refused["error"].as_str().unwrap().contains("jump host") && refused["error"].as_str().unwrap().contains(&accounts.fish), "{refused}");
    assert!(refused["mend"].is_null(), "{refused}");
    inner.stop();
    std::fs::write(bastion.path("authorized_keys"), keys).unwrap();
    let beyond = state_is(&board, "far", "unreachable");
    assert!(beyond["error"].as_str().unwrap().contains("jump host") && beyond["error"].as_str().unwrap().contains("Connection refused"), "{beyond}");
    inner.again();
    state_is(&board, "far", "up");
    // And what the host itself refuses is its own.
    std::fs::write(inner.path("authorized_keys"), "").unwrap();
    inner.stop();
    inner.again();
    let own = state_is(&board, "far", "authentication_failed");
    assert!(mend(&own).ends_with(&format!("{}@inner", accounts.login)), "{own}");
}

#[test]
fn a_revoked_host_key_was_said_to_have_changed() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let known = client.path("known_hosts");
    std::fs::write(&known, format!("@revoked {}", std::fs::read_to_string(&known).unwrap())).unwrap();
    let board = client.board("", &host("far", sshd.port, &accounts.login, &[&accounts.login], ""));
    let revoked = state_is(&board, "far", "host_key_revoked");
    assert!(revoked["error"].as_str().unwrap().contains("REVOKED") && revoked["mend"].is_null(), "{revoked}");
    assert_eq!(sshd.logins(), 0);
}

#[test]
fn nobody_there_and_a_host_that_says_nothing_or_hangs_up_are_told_apart() {
    let Some((accounts, client)) = world() else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (silent_port, rude_port) = (silent.local_addr().unwrap().port(), rude.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let held: Vec<_> = silent.incoming().collect();
        drop(held);
    });
    std::thread::spawn(move || rude.incoming().flatten().for_each(|mut stream| drop(stream.write_all(b"SSH-2.0-rude\r\n"))));
    let mut sshd = Sshd::start(&client, "");
    client.know(&sshd);
    sshd.stop();
    let hosts: String = [("silent", silent_port), ("rude", rude_port), ("closed", closed), ("down", sshd.port)]
        .iter()
        .map(|(key, port)| host(key, *port, &accounts.login, &[&accounts.login], ""))
        .collect();
    let nowhere = host("nowhere", 22, &accounts.login, &[&accounts.login], "").replace("127.0.0.1", "no-such-host.invalid");
    let board = client.board("", &(hosts + &nowhere));
    state_is(&board, "silent", "timed_out");
    for (key, words) in [("rude", ""), ("closed", "Connection refused"), ("down", "Connection refused"), ("nowhere", "Could not resolve hostname")] {
        let seen = state_is(&board, key, "unreachable");
        assert!(seen["error"].as_str().unwrap().contains(words), "{seen}");
        assert_eq!(user(&seen, &accounts.login)["state"], "pending", "what was never seen is not shown as empty");
    }
    sshd.again();
    state_is(&board, "down", "up");
}

#[test]
fn a_login_that_runs_nothing_is_named() {
    let Some((accounts, client)) = world() else { return };
    let (nologin, forced) = (Sshd::start(&client, ""), Sshd::start(&client, "ForceCommand cat >/dev/null"));
    [&nologin, &forced].into_iter().for_each(|sshd| client.know(sshd));
    run("usermod", &["-s", "/usr/sbin/nologin", &accounts.refused]);
    let board = client.board("", &host("nologin", nologin.port, &accounts.refused, &[&accounts.refused], ""));
    let seen = state_is(&board, "nologin", "no_shell");
    assert!(seen["error"].as_str().unwrap().contains("not available"), "{seen}");
    run("sh", &["-c", &mend(&seen)]);
    state_is(&board, "nologin", "up");
    run("usermod", &["-s", "/bin/bash", &accounts.refused]);
    let doctor = check(&client, &[], &host("forced", forced.port, &accounts.login, &[&accounts.login], ""));
    // Another login shell would mend nothing there.
    assert!(doctor.contains("lets") && doctor.contains("runs nothing") && !doctor.contains("usermod"), "{doctor}");
}

#[test]
fn sudo_refused_no_account_and_a_server_that_is_stopped_are_mended_by_their_lines() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let nobody = format!("mbno{}", std::process::id());
    let users = [accounts.fish.as_str(), accounts.far.as_str(), nobody.as_str()];
    let board = client.board("", &host("far", sshd.port, &accounts.login, &users, ""));
    let fragment = format!("/etc/sudoers.d/muxboard-test-{nobody}");
    let add = |line: &str| run("sh", &["-c", &format!("umask 0227; echo '{line}' >> {fragment} && visudo -cqf {fragment}")]);
    let refused = user_is(&board, &accounts.fish, "sudo_refused");
    add(&mend(&refused));
    user_is(&board, &accounts.fish, "no_server");
    let missing = user_is(&board, &nobody, "no_account");
    run("sh", &["-c", &mend(&missing)]);
    // Now that there is an account, sudo must still allow it.
    let refused = user_is(&board, &nobody, "sudo_refused");
    add(&mend(&refused));
    user_is(&board, &nobody, "no_server");
    std::fs::remove_file(&fragment).unwrap();
    run("userdel", &["--remove", &nobody]);
}

#[test]
fn a_socket_directory_that_others_may_enter_is_mended_by_its_line() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let board = client.board("", &host("far", sshd.port, &accounts.csh, &[&accounts.csh], ""));
    user_is(&board, &accounts.csh, "no_server");
    let directory = format!("/tmp/tmux-{}", run("id", &["-u", &accounts.csh]));
    run("chmod", &["777", &directory]);
    let seen = user_is(&board, &accounts.csh, "socket_unreadable");
    assert_eq!(mend(&seen), format!("chmod 700 {directory}"));
    run("sh", &["-c", &mend(&seen)]);
    user_is(&board, &accounts.csh, "no_server");
}

#[test]
fn a_published_socket_is_used_and_never_another_one_in_its_place() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let (login, far) = (accounts.login.as_str(), accounts.far.as_str());
    let folder = client.path("published");
    std::fs::create_dir(&folder).unwrap();
    run("chmod", &["777", &folder]);
    let published: Vec<String> = [login, far].iter().map(|user| format!("{folder}/{user}")).collect();
    let more: String = [login, far].iter().zip(&published).map(|(user, file)| format!("[host.user.{user}]\nsocket_file = \"{file}\"\n")).collect();
    let board = client.board("", &host("far", sshd.port, login, &[login, far], &more));
    let canary = client.path("published/canary");
    for user in [login, far] {
        let file = format!("{folder}/{user}");
        let seen = user_is(&board, user, "socket_file");
        assert!(seen["error"].as_str().unwrap().contains(&file), "{seen}");
        // What is no absolute path is not believed, and nothing in it runs.
        for hostile in [format!("$(touch {canary})"), format!("`touch {canary}`"), "relative".to_owned(), format!("; touch {canary}"), String::new()] {
            std::fs::write(&file, &hostile).unwrap();
            run("chmod", &["644", &file]);
            board.post("/fn/refresh", &[]).token(support::TOKEN).send();
            user_is(&board, user, "socket_file");
        }
        std::fs::write(&file, format!("/tmp/x$(touch {canary})\nmore\n")).unwrap();
        user_is(&board, user, "no_server");
        let socket = format!("{folder}/{user}-{}.sock", unique());
        support::as_account(user, "tmux").args(["-f", "/dev/null", "-S", &socket, "new-session", "-d", "-s", "published"]).status().unwrap();
        std::fs::write(&file, format!("{socket}\n")).unwrap();
        let seen = user_is(&board, user, "sessions");
        assert_eq!(seen["sessions"][0]["name"], "published");
        let id = board.session_on("far", user, "published");
        let killed = board.post("/fn/kill", &[("place", &format!("far/{user}")), ("session", &id), ("typed", "published")]).token(support::TOKEN).send();
        assert!(killed.status < 400, "{}", killed.body);
    }
    assert!(!std::path::Path::new(&canary).exists());
}

fn check(client: &Client, words: &[&str], hosts: &str) -> String {
    let config = client.path("check.toml");
    std::fs::write(&config, format!("ssh_config = \"{}\"\n{hosts}", client.path("config"))).unwrap();
    let output = as_account_with(&client.accounts.front, &[("XDG_RUNTIME_DIR", &client.path(""))], binary())
        .args([&["check", "-c", config.as_str()], words].concat())
        .output()
        .unwrap();
    format!("{}{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr), output.status.code().unwrap())
}

#[test]
fn the_doctor_walks_the_whole_way_and_names_the_step_that_fails() {
    let Some((accounts, client)) = world() else { return };
    let sshd = Sshd::start(&client, "");
    let hosts = host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far, &accounts.refused], "");
    let before = check(&client, &[], &hosts);
    assert!(
        before.contains("ok   network") && before.contains("BAD  login") && before.contains("StrictHostKeyChecking=ask") && before.ends_with('1'),
        "{before}"
    );
    client.know(&sshd);
    let seen = check(&client, &[], &hosts);
    for line in
        ["ok   ssh_config", "ok   name", "ok   network", "ok   login", &format!("ok   {}: tmux", accounts.login), &format!("ok   {}: sudo, tmux", accounts.far)]
    {
        assert!(seen.contains(line), "{line:?} is not in\n{seen}");
    }
    let line = format!("{} ALL=({}) NOPASSWD: /usr/bin/tmux", accounts.login, accounts.refused);
    assert!(seen.contains(&format!("BAD  {}: sudo, tmux", accounts.refused)) && seen.contains(&line) && seen.ends_with('1'), "{seen}");
    let well = check(&client, &["far", &accounts.far], &hosts);
    assert!(well.contains("All is well.") && well.ends_with('0') && !well.contains(&accounts.refused), "{well}");
    let json = check(&client, &["--json", "far", &accounts.refused], &hosts);
    let rows: Value = serde_json::from_str(json.trim_end_matches('1')).unwrap();
    assert!(rows.as_array().unwrap().iter().any(|r| r["verdict"] == "BAD" && r["mend"] == line.as_str()), "{json}");
    assert!(check(&client, &["nope"], &hosts).contains("there is no host \"nope\""));
    // What it prints for sudo is accepted by sudo's own checker.
    let fragment = as_account_with(&accounts.front, &[], binary()).args(["sudoers", "-c", &client.path("check.toml"), "far"]).output().unwrap().stdout;
    let file = client.path("fragment");
    std::fs::write(&file, fragment).unwrap();
    run("visudo", &["-cqf", &file]);
    assert!(std::fs::read_to_string(&file).unwrap().contains(&line));
}
