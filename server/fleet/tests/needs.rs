//! What needs a person, against a real tmux: what is asked stands until it is answered, and programs say themselves how they are.

mod world;

use muxboard_core::policy::{Dismiss, Type, Watch};
use muxboard_core::signal::ProgramState;
use muxboard_core::snapshot::{Need, Reason, SessionId, UserState};
use muxboard_core::wire::Grid;
use muxboard_fleet::{ActionError, Attachment};
use tokio::time::timeout;
use world::*;

/// Types into a session as a person does, in a terminal of its own.
async fn types(world: &World, id: SessionId, keys: &[u8]) -> Attachment {
    let mut attachment = world.fleet.attach(&world.permit(Type { session: id }), Grid::clamped(80, 24)).await.unwrap();
    let mut out = Vec::new();
    // tmux has drawn.
    timeout(PATIENCE, async {
        while out.is_empty() {
            attachment.readable().await;
            attachment.read(&mut out, 65_536).unwrap();
        }
    })
    .await
    .unwrap();
    // tmux tells both the opening of a terminal and a key in whole seconds: the one of the opening has to be over.
    let over = || {
        let times = world.tmux(&["display-message", "-p", "-t", "a:", "#{session_last_attached} %s"]);
        times.split_once(' ').is_some_and(|(opened, now)| now.parse::<u64>().unwrap() > opened.parse().unwrap())
    };
    until_seen("the second of the opening is over", over).await;
    assert!(!keys.is_empty() && attachment.write(keys).unwrap() == keys.len());
    attachment
}

/// A bell left everybody's queue as soon as anybody showed its session.
#[tokio::test]
async fn a_bell_stays_while_it_is_looked_at_and_ends_when_it_is_answered() {
    let world = World::new();
    let go = world.folder.path().join("go");
    let asks = format!("until [ -e {} ]; do sleep 0.1; done; printf 'sure? \\a'; exec cat", go.display());
    world.tmux(&["new-session", "-d", "-s", "a", &asks]);
    let id = world.sessions().await[0].id;
    std::fs::write(&go, "").unwrap();
    let reason = async || world.sessions().await[0].needs().map(|need| need.reason);
    timeout(PATIENCE, async { while reason().await.is_none() {} }).await.unwrap();
    let watcher = world.fleet.watch(&world.permit(Watch { session: id }), Grid::clamped(80, 24)).await.unwrap();
    timeout(PATIENCE, async { while world.sessions().await[0].windows[0].bell {} }).await.unwrap();
    assert_eq!(reason().await, Some(Reason::Bell), "somebody looked, and nobody answered");
    drop(watcher);
    assert_eq!(reason().await, Some(Reason::Bell));
    let _answered = types(&world, id, b"y\r").await;
    timeout(PATIENCE, async { while reason().await.is_some() {} }).await.unwrap();
}

#[tokio::test]
async fn what_a_program_says_of_itself_is_read_from_each_pane_without_any_client() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a", "exec cat"]);
    world.tmux(&["split-window", "-d", "-t", "a:", "exec cat"]);
    let says = |pane: &str, value: &str| world.tmux(&["set-option", "-p", "-t", pane, "@muxboard_state", value]);
    let session = async || world.sessions().await.remove(0);
    assert_eq!(session().await.windows[0].signal, None);
    says("a:0.1", "working on it");
    let signal = session().await.windows[0].signal.clone().unwrap();
    assert_eq!((signal.told, signal.text.as_str(), session().await.needs()), (ProgramState::Working, "on it", None));
    // Nothing in a text is expanded, ends its field or its row.
    let evil = "waiting #{pid} #(touch x), } | \n %1 $2 \x1b[31m";
    says("a:0.0", evil);
    let found = session().await;
    assert_eq!(found.needs().map(|need| need.reason), Some(Reason::Waits));
    assert_eq!(found.says(), Some("#{pid} #(touch x), } | ? %1 $2 ?[31m"));
    // An age of its own, by the host's clock.
    says("a:0.0", "failed hard @1000000000");
    assert_eq!(session().await.needs(), Some(Need { reason: Reason::SaysFailed, since: 1_000_000_000 }));
    says("a:0.0", "done");
    let found = session().await;
    assert_eq!((found.needs(), found.windows[0].signal.as_ref().map(|signal| signal.told)), (None, Some(ProgramState::Working)), "the other pane still works");
}

/// "Done" without a look leaves tmux's flag up, and a flag that is up tells of no other bell.
#[tokio::test]
async fn the_bell_after_one_that_was_dismissed_is_seen_though_nobody_looked() {
    let world = World::new();
    let go = |n: u8| world.folder.path().join(format!("go{n}"));
    let ring = |n: u8| format!("until [ -e {} ]; do sleep 0.1; done; printf 'again \\a'; ", go(n).display());
    world.tmux(&["new-session", "-d", "-s", "a", &format!("{}{}exec cat", ring(1), ring(2))]);
    let need = async || world.sessions().await[0].needs();
    for n in [1, 2] {
        std::fs::write(go(n), "").unwrap();
        let asked = timeout(PATIENCE, async {
            loop {
                if let Some(need) = need().await {
                    break need;
                }
            }
        });
        let asked = asked.await.unwrap();
        assert_eq!(asked.reason, Reason::Bell);
        let session = world.sessions().await[0].id;
        world.fleet.dismiss(world.permit(Dismiss { session, until: asked.since })).await.unwrap();
        assert_eq!((need().await, world.sessions().await[0].windows[0].bell), (None, false), "{n}");
    }
}

/// Most programs that ask say nothing of it.
#[tokio::test]
async fn a_screen_that_looks_like_a_prompt_is_a_need_and_never_above_what_a_program_says() {
    let world = World::new();
    let asks = "printf 'Continue? [y/N] '; read -r answer; printf 'went on\\n1. one\\n2. two\\n'; read -r more; printf 'Overwrite? (y/n) '; exec cat";
    world.tmux(&["new-session", "-d", "-s", "a", asks]);
    let need = async || world.sessions().await[0].needs();
    let asked = async |reason: Option<Reason>| {
        let until = async { while need().await.map(|need| need.reason) != reason {} };
        timeout(PATIENCE, until).await.unwrap_or_else(|_| panic!("never {reason:?}"));
        need().await
    };
    let first = asked(Some(Reason::SeemsToWait)).await.unwrap();
    assert_eq!(first.since, world.sessions().await[0].windows[0].activity);
    // What the program says itself is above any guess.
    world.tmux(&["set-option", "-p", "-t", "a:", "@muxboard_state", "working"]);
    asked(None).await;
    world.tmux(&["set-option", "-pu", "-t", "a:", "@muxboard_state"]);
    asked(Some(Reason::SeemsToWait)).await;
    // A list in a text is no prompt.
    world.tmux(&["send-keys", "-t", "a:", "y", "Enter"]);
    timeout(PATIENCE, async { while !world.tmux(&["capture-pane", "-p", "-t", "a:"]).contains("2. two") {} }).await.unwrap();
    asked(None).await;
    world.tmux(&["send-keys", "-t", "a:", "Enter"]);
    let last = asked(Some(Reason::SeemsToWait)).await.unwrap();
    let session = world.sessions().await[0].id;
    world.fleet.dismiss(world.permit(Dismiss { session, until: last.since })).await.unwrap();
    assert_eq!(need().await, None);
}

/// `set-option -p` without a target is about the pane that its session shows, not the one that it runs in.
#[tokio::test]
async fn the_documented_line_speaks_of_the_pane_it_runs_in() {
    let world = World::new();
    let signals = include_str!("../../../docs/signals.md");
    let line = signals.lines().find(|line| line.contains("\"waiting ")).unwrap();
    world.tmux(&["new-session", "-d", "-s", "a", "exec cat"]);
    world.tmux(&["new-window", "-d", "-t", "a:", &format!("{line}; exec cat")]);
    timeout(PATIENCE, async { while world.sessions().await[0].needs().is_none() {} }).await.unwrap();
    let told: Vec<bool> = world.sessions().await[0].windows.iter().map(|w| w.signal.is_some()).collect();
    assert_eq!(told, [false, true]);
}

#[tokio::test]
async fn who_may_type_says_that_nobody_is_needed_and_what_comes_later_stands() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "a", "exec cat"]);
    let says = |value: &str| world.tmux(&["set-option", "-p", "-t", "a:", "@muxboard_state", value]);
    says("waiting for you @1000000000");
    let session = world.sessions().await.remove(0);
    let dismissed = async |until| world.fleet.dismiss(world.permit(Dismiss { session: session.id, until })).await;
    assert_eq!(dismissed(999_999_999).await, Ok(()));
    assert!(world.sessions().await[0].needs().is_some(), "it waits since later");
    assert_eq!(dismissed(1_000_000_000).await, Ok(()));
    let UserState::Sessions(now) = world.state() else { panic!() };
    assert_eq!((now[0].needs(), world.sessions().await[0].needs()), (None, None), "at once, and after the next look");
    says("waiting for something else");
    assert!(world.sessions().await[0].needs().is_some());
    let gone = SessionId { number: 99, ..session.id };
    assert_eq!(world.fleet.dismiss(world.permit(Dismiss { session: gone, until: 1 })).await, Err(ActionError::Gone));
    let events: Vec<String> = world.events.lock().unwrap().iter().filter(|(what, _)| *what == "dismiss").map(|(_, result)| result.clone()).collect();
    assert_eq!(events, ["done", "done", "gone"]);
}
