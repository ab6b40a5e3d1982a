//! The doctor on this machine, with the real tmux.
#![allow(clippy::allow_attributes, dead_code, reason = "it uses a part of what the tests stand on")]

mod world;

use muxboard_core::inventory::{Host, Socket};
use muxboard_fleet::{Doctor, Finding, SshSettings, Verdict};
use world::World;

async fn trial(world: &World, host: &Host) -> Finding {
    let doctor = Doctor::new(&world.inventory, SshSettings::default()).unwrap();
    doctor.examine(host, None).await.into_iter().find(|finding| finding.step == "trial").unwrap()
}

/// A check that never made a session could not know whether one can be made.
#[tokio::test]
async fn every_verb_is_tried_in_a_throwaway_server_that_leaves_nothing_behind_and_touches_no_other() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "mine"]);
    let mut host = world.inventory.hosts[0].clone();
    for socket in [host.users[0].socket.clone(), Socket::Default] {
        host.users[0].socket = socket;
        let found = trial(&world, &host).await;
        assert_eq!(found.verdict, Verdict::Good, "{found:?}");
    }
    assert_eq!(world.tmux(&["list-sessions", "-F", "#{session_name}"]), "mine");
    let folder = std::env::var("TMUX_TMPDIR").unwrap_or_else(|_| "/tmp".into());
    let sockets = std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("tmux-"));
    let left: Vec<_> = sockets.flat_map(|d| std::fs::read_dir(d.path()).into_iter().flatten().flatten()).map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("muxboard-check")), "{left:?}");
}
