//! muxboard is killed, or its clients leave, while terminals through sudo are being opened: no process that it started is left, here or on another
//! machine. Every process below this one is counted, orphans too: this test is their subreaper, and sshd runs below it. So it is a file of its own.

mod support;

use rustix::process::{getpid, set_child_subreaper};
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::time::Instant;
use support::socket::{connect, hello, token};
use support::sshd::{Client, Sshd, host};
use support::{PATIENCE, TOKEN, accounts, rest};

/// The living processes below one, with their command lines. The processes `but` are left out, with all that are below them.
fn below(root: u32, but: &[u32]) -> BTreeMap<u32, String> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Behind the name of the program, which may hold anything: the state and the parent.
        let Ok(stat) = read_to_string(entry.path().join("stat")) else { continue };
        let mut facts = stat.rsplit(") ").next().unwrap().split(' ');
        if facts.next() != Some("Z") {
            children.entry(facts.next().unwrap().parse().unwrap()).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (BTreeMap::new(), vec![root]);
    while let Some(parent) = next.pop() {
        for pid in children.remove(&parent).unwrap_or_default().into_iter().filter(|pid| !but.contains(pid)) {
            found.insert(pid, read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " "));
            next.push(pid);
        }
    }
    found
}

/// A sudo that is hung up while it starts what it is to run never ends (sudo 1.9): three processes of root's for each terminal, one of which spins.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_terminals_through_sudo_that_were_being_opened() {
    set_child_subreaper(Some(getpid())).unwrap();
    let own = getpid().as_raw_nonzero().get().unsigned_abs();
    let Some(accounts) = accounts() else { return };
    let client = Client::new(&accounts);
    let sshd = Sshd::start(&client, "");
    client.know(&sshd);
    let far = host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far], "");
    let here = support::sshd::here(&accounts).replace("users = [", &format!("users = [\"{}\", ", accounts.other));
    let mut board = client.board("[limits]\nattaches = 40\nattaches_per_principal = 40", &(far + &here));
    for account in [&accounts.other, &accounts.far] {
        board.tmux(account, &["new-session", "-d", "-s", "a", "exec cat"]);
    }
    let places = [("here", &accounts.other), ("far", &accounts.far)].map(|(host, user)| format!("{host}/{user}/{}", board.session_on(host, user, "a")));
    // sshd, the two tmux servers and a program in each; not what sshd runs for us.
    let is_kept = |words: &str| words.contains("sshd -D") || words.contains("new-session") || words == "cat ";
    let stay: BTreeMap<u32, String> = below(own, &[board.pid()]).into_iter().filter(|(_, words)| is_kept(words)).collect();
    assert_eq!(stay.len(), 5, "{stay:#?}");
    let sudos = |old: &BTreeMap<u32, String>| {
        below(own, &[]).iter().filter(|(pid, words)| words.starts_with("sudo ") && words.contains(" attach") && !old.contains_key(pid)).count()
    };
    for round in 0..16 {
        let (place, wanted) = (&places[round % 2], round / 2 % 8 + 1);
        let old = below(own, &[]);
        let mut sockets = Vec::new();
        for _ in 0..4 {
            let mut socket = connect(&board, &format!("/ws/attach/{place}"), &token(TOKEN)).await;
            hello(&mut socket, false).await;
            sockets.push(socket);
        }
        // Each of the four is sudo, soon two, then three until the third is tmux: each round ends at another moment.
        let began = Instant::now();
        while sudos(&old) < wanted {
            assert!(began.elapsed() < PATIENCE, "round {round}: {wanted} times sudo never ran");
        }
        if round % 4 < 2 {
            board.kill_and_restart();
        }
        drop(sockets);
        for (host, user) in [("here", &accounts.other), ("far", &accounts.far)] {
            board.session_on(host, user, "a");
        }
    }
    board.stop("KILL");
    let began = Instant::now();
    loop {
        let left: BTreeMap<u32, String> = below(own, &[]).into_iter().filter(|(pid, _)| !stay.contains_key(pid)).collect();
        if left.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{} processes are left: {left:#?}", left.len());
        rest();
    }
}
