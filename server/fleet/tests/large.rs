//! A user with more windows than an action's answer has room for.

mod world;

use muxboard_core::snapshot::UserState;
use world::*;

/// After each action one user was asked as for an action, 64 KiB at most: six hundred windows were "does not answer".
#[tokio::test]
async fn six_hundred_windows_are_listed_after_an_action() {
    let world = World::new();
    let mut words = vec!["new-session", "-d", "-s", "a", "exec cat"];
    for _ in 1..60 {
        words.extend([";", "new-window", "-d", "exec cat"]);
    }
    world.tmux(&words);
    for session in ["b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        world.tmux(&["new-session", "-d", "-t", "a", "-s", session]);
    }
    world.create("last", None).await.unwrap();
    let UserState::Sessions(sessions) = world.state() else { panic!("{:?}", world.state()) };
    assert_eq!((sessions.len(), sessions.iter().map(|s| s.windows.len()).sum::<usize>()), (11, 601));
}
