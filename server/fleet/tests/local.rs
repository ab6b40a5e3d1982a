//! The fleet on this machine: real tmux servers on private sockets, in every state one can meet.

mod world;

use muxboard_core::fault::FaultKind;
use muxboard_core::limits::CALLS_WAITING_MAX;
use muxboard_core::policy::{Create, Rename, Type, Watch};
use muxboard_core::snapshot::{Kept, Mode, Session, UserState};
use muxboard_core::wire::Grid;
use muxboard_fleet::{ActionError, AttachEnd, AttachLimits};
use rustix::fs::OFlags;
use std::os::unix::fs::OpenOptionsExt;
use tokio::time::timeout;
use world::*;

#[tokio::test]
async fn no_server_is_no_fault_and_creating_starts_one() {
    let world = World::new();
    assert_eq!(world.look().await, UserState::NoServer);
    let id = world.create("first", None).await.unwrap();
    assert_eq!(world.create("first", None).await, Err(ActionError::NameTaken));
    let sessions = world.sessions().await;
    assert_eq!((sessions.len(), sessions[0].id, sessions[0].name.as_str()), (1, id, "first"));
    world.fleet.rename(world.permit(Rename { session: id, name: "second".parse().unwrap() })).await.unwrap();
    assert_eq!(world.state_names(), ["second"]);
    world.fleet.kill(world.confirmed(id)).await.unwrap();
    // With its last session the server goes, a moment later.
    timeout(PATIENCE, async { while world.look().await != UserState::NoServer {} }).await.unwrap();
    assert_eq!(world.fleet.kill(world.confirmed(id)).await, Err(ActionError::Gone));
    let words: Vec<String> = world.events.lock().unwrap().iter().map(|(o, r)| format!("{o} {r}")).collect();
    assert_eq!(words, ["create done", "create name taken", "rename done", "kill done", "kill gone"]);
}

#[tokio::test]
async fn hostile_names_are_listed_as_tmux_stores_them_and_attached_and_killed_exactly() {
    let world = World::new();
    // `#` is doubled: tmux expands what new-session is given.
    let names = ["a", "ab", "a*", "*", "=a", "$1", "@1", "%1", "-x", "##(touch canary)", "::", "💥", "x\u{202e}y", "<img src=x onerror=alert(1)>"];
    for name in names {
        world.tmux(&["new-session", "-d", "-s", name, &format!("printf %s 'this-is:{}'; exec cat", name.replace('\'', ""))]);
    }
    let stored: Vec<String> = world.tmux(&["list-sessions", "-F", "#{session_name}"]).lines().map(str::to_owned).collect();
    let sessions = world.sessions().await;
    let mut listed: Vec<String> = sessions.iter().map(|s| s.name.to_string()).collect();
    let mut want = stored.clone();
    listed.sort();
    want.sort();
    assert_eq!(listed, want);
    // tmux 3.7 refuses "::".
    assert!(listed.len() + 1 >= names.len(), "{listed:?}");
    for session in &sessions {
        let mut attachment = world.fleet.attach(&world.permit(Type { session: session.id }), Grid::clamped(100, 30)).await.unwrap();
        until(&mut attachment, "this-is:").await;
        assert_eq!(world.tmux(&["list-clients", "-F", "#{session_id}"]), format!("${}", session.id.number), "{}", session.name);
        drop(attachment);
        let gone = async {
            while !world.tmux(&["list-clients"]).is_empty() {
                tokio::task::yield_now().await
            }
        };
        timeout(PATIENCE, gone).await.unwrap();
    }
    for session in &sessions {
        world.fleet.kill(world.confirmed(session.id)).await.unwrap();
        want.retain(|name| name != session.name.as_str());
        let mut left: Vec<String> = world.tmux(&["list-sessions", "-F", "#{session_name}"]).lines().map(str::to_owned).collect();
        left.sort();
        assert_eq!(left, want, "after {}", session.name);
    }
    assert!(!std::path::Path::new("canary").exists());
}

#[tokio::test]
async fn a_stopped_server_is_not_answering_and_costs_seconds() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a"]);
    let sessions = world.sessions().await;
    let pid: u32 = world.tmux(&["display-message", "-p", "#{pid}"]).parse().unwrap();
    let stopped = Stopped::new(pid);
    let seen = world.look().await;
    assert!(fault(&seen) == Some(FaultKind::NotAnswering), "{seen:?} {:?}", world.fleet.snapshot().borrow().hosts[0].state);
    assert_eq!(world.fleet.snapshot().borrow().hosts[0].users[0].last_seen.len(), 1);
    let killed = timeout(PATIENCE, world.fleet.kill(world.confirmed(sessions[0].id))).await.unwrap();
    assert!(matches!(&killed, Err(ActionError::User(state)) if fault(state) == Some(FaultKind::NotAnswering)), "{killed:?}");
    drop(stopped);
    // The kill that nobody answered for may still arrive, while we look: both ends are the truth, and it is shown.
    let settled = async {
        loop {
            match world.look().await {
                UserState::Sessions(_) | UserState::NoServer => break,
                other => eprintln!("for a moment: {other:?}"),
            }
        }
    };
    timeout(PATIENCE, settled).await.unwrap();
}

#[tokio::test]
async fn one_users_actions_wait_for_each_other_and_are_not_without_number() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a"]);
    let session = world.sessions().await[0].id;
    let pid: u32 = world.tmux(&["display-message", "-p", "#{pid}"]).parse().unwrap();
    let stopped = Stopped::new(pid);
    let mut kills = tokio::task::JoinSet::new();
    for _ in 0..CALLS_WAITING_MAX + 3 {
        let (fleet, confirmed) = (world.fleet.clone(), world.confirmed(session));
        kills.spawn(async move { fleet.kill(confirmed).await });
    }
    for _ in 0..3 {
        assert_eq!(timeout(PATIENCE, kills.join_next()).await.unwrap().unwrap().unwrap(), Err(ActionError::Busy));
    }
    drop(stopped);
    let mut ends = Vec::new();
    while let Some(end) = timeout(PATIENCE, kills.join_next()).await.unwrap() {
        ends.push(end.unwrap());
    }
    assert!(ends.len() == CALLS_WAITING_MAX && !ends.contains(&Err(ActionError::Busy)), "{ends:?}");
    assert_eq!(world.events.lock().unwrap().iter().filter(|(_, result)| result == "busy").count(), 3);
}

#[tokio::test]
async fn a_server_that_dies_takes_its_sessions_with_it_and_nothing_else_is_hit() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a"]);
    let old = world.sessions().await[0].id;
    let pid: u32 = world.tmux(&["display-message", "-p", "#{pid}"]).parse().unwrap();
    signal(pid, "KILL");
    // A new server gives the very same id to another session.
    let again = async { while world.tmux(&["new-session", "-d", "-P", "-F", "#{session_id}", "-s", "other"]).is_empty() {} };
    timeout(PATIENCE, again).await.unwrap();
    assert_eq!(world.tmux(&["display-message", "-p", "#{session_id}"]), format!("${}", old.number));
    assert_eq!(world.fleet.kill(world.confirmed(old)).await, Err(ActionError::Gone));
    assert_eq!(world.state_names(), ["other"]);
    let mut attachment = world.fleet.attach(&world.permit(Type { session: old }), Grid::clamped(80, 24)).await.unwrap();
    let mut out = Vec::new();
    let end = timeout(PATIENCE, async {
        loop {
            attachment.readable().await;
            if let Err(end) = attachment.read(&mut out, 65_536) {
                break end;
            }
            assert!(attachment.undecided());
        }
    });
    assert_eq!(end.await.unwrap(), AttachEnd::Gone);
}

#[tokio::test]
async fn a_startup_command_keeps_its_last_screen_and_status() {
    // What a login of the person who runs the tests does first is none of theirs.
    let Some(world) = at_home("a_startup_command_keeps_its_last_screen_and_status", &[]) else { return };
    let end = world.folder.path().join("end");
    // It waits for us: of what a command prints right before its end, tmux 3.3a loses some now and then.
    let command = format!("echo did it; until [ -e {} ]; do sleep 0.1; done; exit 3", end.display());
    let id = world.create("job", Some(&command)).await.unwrap();
    let session = async || world.sessions().await.into_iter().find(|s| s.id == id).unwrap();
    let printed = |session: &Session| session.preview.iter().flatten().any(|r| r.text.contains("did it"));
    timeout(PATIENCE, async { while !printed(&session().await) {} }).await.unwrap();
    std::fs::write(&end, "").unwrap();
    timeout(PATIENCE, async { while session().await.windows[0].exited != Some(3) {} }).await.unwrap();
    let last = session().await;
    assert!(printed(&last) && last.needs().is_some(), "{last:?}");
}

/// A bell in a window of a session group counted once for each session that shows it, and a kill was said to end what it does not.
#[tokio::test]
async fn a_window_that_several_sessions_show_rings_once_and_stays_open_when_one_is_killed() {
    let world = World::new();
    let go = world.folder.path().join("go");
    let rings = format!("until [ -e {} ]; do sleep 0.1; done; printf '\\a'; exec cat", go.display());
    world.tmux(&["new-session", "-d", "-s", "a", &rings]);
    world.tmux(&["new-session", "-d", "-s", "g2", "-t", "a"]);
    world.tmux(&["new-session", "-d", "-s", "z", "exec cat"]);
    world.tmux(&["link-window", "-s", "a:", "-t", "z:"]);
    std::fs::write(&go, "").unwrap();
    let named = async |name: &str| world.sessions().await.into_iter().find(|s| s.name.as_str() == name).unwrap();
    timeout(PATIENCE, async { while named("z").await.needs().is_none() {} }).await.unwrap();
    let sessions = world.sessions().await;
    assert_eq!(sessions.iter().filter(|s| s.needs().is_some()).count(), 3, "{sessions:?}");
    let counted: Vec<&str> = sessions.iter().filter(|s| s.counted_need().is_some()).map(|s| s.name.as_str()).collect();
    assert_eq!(counted, ["a"], "the oldest that shows it");
    let kept = |windows, names: &[&str]| Kept { windows, sessions: names.iter().map(|n| n.parse().unwrap()).collect() };
    let a = named("a").await;
    assert_eq!(a.kept(), kept(1, &["g2", "z"]));
    let killed = world.fleet.kill(world.confirmed(a.id)).await.unwrap();
    assert_eq!(killed, kept(1, &["g2", "z"]));
    let z = named("z").await;
    assert_eq!((z.windows.len(), z.kept()), (2, kept(1, &["g2"])));
    assert_eq!(world.fleet.kill(world.confirmed(named("g2").await.id)).await.unwrap(), kept(1, &["z"]));
    assert_eq!(world.fleet.kill(world.confirmed(z.id)).await.unwrap(), Kept::default());
}

/// What was typed into a pane in copy mode reached nobody, and nothing showed the mode.
#[tokio::test]
async fn a_pane_that_shows_tmux_is_led_back_to_its_program_and_not_by_a_watcher() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a", "printf ready; exec cat"]);
    let id = world.sessions().await[0].id;
    let (typing, watching) = (world.permit(Type { session: id }), world.permit(Watch { session: id }));
    let mut attachment = world.fleet.attach(&typing, Grid::clamped(80, 24)).await.unwrap();
    until(&mut attachment, "ready").await;
    let watcher = world.fleet.watch(&watching, Grid::clamped(80, 24)).await.unwrap();
    assert!(world.fleet.leave(&watching, &watcher).is_none());
    let mode = async || world.sessions().await[0].windows[0].mode;
    assert_eq!(mode().await, None);
    // Each lies upon the one before it.
    for (verb, want) in [("copy-mode", Mode::History), ("choose-tree", Mode::Other), ("clock-mode", Mode::Other)] {
        world.tmux(&[verb, "-t", "a:"]);
        assert_eq!(mode().await, Some(want), "{verb}");
    }
    assert_eq!(world.fleet.session_status(&typing, &attachment).mode, Some(Mode::Other));
    world.fleet.leave(&typing, &attachment).unwrap().await.unwrap();
    assert_eq!(mode().await, None);
    write_all(&mut attachment, "to the program").await;
    until(&mut attachment, "to the program").await;
    // No mode to leave is as good.
    world.fleet.leave(&typing, &attachment).unwrap().await.unwrap();
    world.fleet.kill(world.confirmed(id)).await.unwrap();
    assert_eq!(world.fleet.leave(&typing, &attachment).unwrap().await, Err(ActionError::Gone));
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_refused_before_anything_is_made() {
    let world = World::new();
    let wanted = Create { name: "x".parse().unwrap(), directory: Some("/not/there".parse().unwrap()), command: None };
    assert_eq!(world.fleet.create(world.permit(wanted)).await, Err(ActionError::NoDirectory));
    assert_eq!(world.look().await, UserState::NoServer);
}

#[tokio::test]
async fn closing_the_terminal_leaves_a_half_typed_command_untouched_and_unexecuted() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "PS1=ready: exec sh"]);
    let id = world.sessions().await[0].id;
    let mut attachment = world.fleet.attach(&world.permit(Type { session: id }), Grid::clamped(80, 24)).await.unwrap();
    until(&mut attachment, "ready:").await;
    let canary = world.folder.path().join("ran");
    let typed = format!("touch {}", canary.display());
    write_all(&mut attachment, &typed).await;
    until(&mut attachment, "ran").await;
    drop(attachment);
    let gone = async {
        while !world.tmux(&["list-clients"]).is_empty() {
            tokio::task::yield_now().await
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    assert!(world.tmux(&["capture-pane", "-p", "-J", "-t", "a"]).contains(&typed));
    assert!(!canary.exists());
    // It is still there to be finished.
    world.tmux(&["send-keys", "-t", "a", "Enter"]);
    timeout(PATIENCE, async {
        while !canary.exists() {
            tokio::task::yield_now().await
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_watcher_cannot_type() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "printf ready; exec cat"]);
    let id = world.sessions().await[0].id;
    world.tmux(&["set-environment", "-t", "a", "SSH_AUTH_SOCK", "/agent"]);
    let seen =
        |world: &World| world.tmux(&["display-message", "-p", "-t", "a", "#{window_width}x#{window_height}"]) + &world.tmux(&["show-environment", "-t", "a"]);
    let before = seen(&world);
    let mut watcher = world.fleet.watch(&world.permit(Watch { session: id }), Grid::clamped(40, 10)).await.unwrap();
    until(&mut watcher, "ready").await;
    watcher.resize(Grid::clamped(20, 5));
    let every_byte: Vec<u8> = (0..=255).collect();
    assert_eq!(watcher.write(&every_byte).unwrap(), 256);
    assert_eq!(watcher.write(b"\x02c\x02d").unwrap(), 4);
    assert_eq!(seen(&world), before, "a watcher alone on a session changed its size or its environment");
    let mut typist = world.fleet.attach(&world.permit(Type { session: id }), Grid::clamped(80, 24)).await.unwrap();
    // Before tmux has the terminal, the kernel itself would echo what is typed.
    until(&mut typist, "ready").await;
    write_all(&mut typist, "typed").await;
    until(&mut typist, "typed").await;
    assert_eq!(world.tmux(&["capture-pane", "-p", "-t", "a"]), "readytyped");
    assert_eq!(world.tmux(&["list-windows", "-t", "a"]).lines().count(), 1);
}

#[tokio::test]
async fn terminals_are_capped_and_every_one_leaves_nothing_behind() {
    let world = World::with(AttachLimits { per_principal: 2, total: 2, ..AttachLimits::default() });
    world.tmux(&["new-session", "-d", "-s", "a"]);
    let id = world.sessions().await[0].id;
    let permit = world.permit(Type { session: id });
    let open = || world.fleet.attach(&permit, Grid::clamped(80, 24));
    for _ in 0..5 {
        let (mut first, second) = (open().await.unwrap(), open().await.unwrap());
        assert!(matches!(open().await, Err(ActionError::CapReached)));
        until(&mut first, "\x1b").await;
        let processes = world.tmux(&["list-clients", "-F", "#{client_pid}"]);
        assert!(!processes.is_empty());
        drop((first, second));
        // Gone, and collected: a zombie would still have its folder.
        let gone = async {
            while !world.tmux(&["list-clients"]).is_empty() || processes.lines().any(|pid| std::path::Path::new("/proc").join(pid).exists()) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.unwrap();
    }
}

/// tmux stops at the first feature it does not know: `hyperlinks`, which 3.3a does not, had taken all after it along.
#[tokio::test]
async fn a_feature_that_tmux_does_not_know_takes_no_other_along() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a"]);
    let id = world.sessions().await[0].id;
    let mut attachment = world.fleet.attach(&world.permit(Type { session: id }), Grid::clamped(80, 24)).await.unwrap();
    until(&mut attachment, "\x1b").await;
    let features = world.tmux(&["list-clients", "-F", "#{client_termfeatures}"]);
    for feature in ["RGB", "overline", "strikethrough", "sync", "title", "usstyle"] {
        assert!(features.split(',').any(|f| f == feature), "{feature} is missing in {features}");
    }
}

#[tokio::test]
async fn tmux_missing_is_its_own_fact() {
    use muxboard_core::section::{self, Ask};
    let world = World::new();
    let host = &world.inventory.hosts[0];
    let script = section::script(&[Ask { user: &host.users[0], panes: vec![], unsettled: false, row_mark: "9a4e" }]);
    let tools = world.folder.path().join("bin");
    std::fs::create_dir(&tools).unwrap();
    for tool in ["sh", "timeout", "head", "cat", "sed"] {
        let real = ["/usr/bin", "/bin"].iter().map(|d| std::path::Path::new(d).join(tool)).find(|p| p.exists()).unwrap();
        std::os::unix::fs::symlink(real, tools.join(tool)).unwrap();
    }
    #[expect(clippy::disallowed_methods, reason = "a test runs a real shell")]
    let output = std::process::Command::new("/bin/sh").arg("-c").arg(script.as_str()).env("M", "5e47").env("PATH", &tools).output().unwrap();
    let (_, section) = section::parse(&output.stdout, "5e47", "9a4e").remove(0);
    assert_eq!(fault(&muxboard_core::outcome::user_state(host, &host.users[0], section)), Some(FaultKind::TmuxMissing));
}

/// tmux 3.3a misses the end of a child now and then, and shows no status until another one ends: one try in ten, so thirty of them.
#[tokio::test]
async fn an_exit_status_that_tmux_missed_is_shown_all_the_same() {
    // What a login of the person who runs the tests does first is none of theirs.
    let Some(world) = at_home("an_exit_status_that_tmux_missed_is_shown_all_the_same", &[]) else { return };
    for i in 0..30 {
        world.create(&format!("job{i}"), Some("exit 3")).await.unwrap();
    }
    let all = async { while !world.sessions().await.iter().all(|s| s.windows[0].exited == Some(3)) {} };
    timeout(PATIENCE, all).await.unwrap();
}

#[tokio::test]
async fn a_server_without_a_session_is_no_fault() {
    let world = World::new();
    world.tmux(&["start-server", ";", "set-option", "-s", "exit-empty", "off"]);
    assert_eq!(world.look().await, UserState::Sessions(vec![]));
    world.create("first", None).await.unwrap();
    assert_eq!(world.state_names(), ["first"]);
}

/// A server whose last session ended takes connections until its process is gone: a session made in between was said to have ended at once.
/// It is held there by what it does last, opening its history file, which is a FIFO.
#[tokio::test]
async fn a_session_can_be_made_while_the_server_before_it_ends() {
    let world = World::new();
    world.create("last", None).await.unwrap();
    let fifo = world.folder.path().join("history");
    #[expect(clippy::disallowed_methods, reason = "a test makes a real FIFO")]
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    world.tmux(&["set-option", "-s", "history-file", fifo.to_str().unwrap()]);
    world.tmux(&["kill-session", "-t", "=last"]);
    let create = world.create("next", None);
    // A connection that nobody has accepted has no inode yet (proc_pid_net(5), `unix`).
    let socket = world.socket();
    let waits = |line: &str| line.ends_with(&socket) && line.split_whitespace().nth(6) == Some("0");
    let let_go = async {
        let met = async {
            while !std::fs::read_to_string("/proc/net/unix").unwrap().lines().any(waits) {
                tokio::task::yield_now().await
            }
        };
        timeout(PATIENCE, met).await.unwrap();
        // Without waiting for a writer: a server that took the new client before it ended writes no history and goes on.
        std::fs::File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&fifo).unwrap()
    };
    let (created, _reader) = tokio::join!(create, let_go);
    created.unwrap();
    assert_eq!(world.state_names(), ["next"]);
}
