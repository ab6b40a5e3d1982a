//! Two thousand acts on sessions that are there, gone and replaced: each says what it did, and the tmux server outlives them all. (tmux 3.2a crashed,
//! with every session of the account, when it was asked to compare a session that was gone.)

mod world;

use muxboard_core::policy::{ReadText, Rename, Type, Watch};
use muxboard_core::snapshot::SessionId;
use muxboard_core::wire::Grid;
use muxboard_fleet::{AttachEnd, Attachment, Failed};
use tokio::time::timeout;
use world::*;

/// Acts made in one round of the test.
const ACTS_A_ROUND: usize = 20;

/// How a terminal that shows no session ends.
async fn end_of(mut attachment: Attachment) -> AttachEnd {
    let mut out = Vec::new();
    let end = async {
        loop {
            attachment.readable().await;
            if let Err(end) = attachment.read(&mut out, 65_536) {
                return end;
            }
        }
    };
    timeout(PATIENCE, end).await.unwrap()
}

impl World {
    /// Five acts on a session that is there no more, whatever has its name or its number now.
    async fn miss(&self, id: SessionId) {
        assert_eq!(self.fleet.kill(self.confirmed(id)).await, Err(Failed::Gone));
        assert_eq!(self.fleet.rename(self.permit(Rename { session: id, name: "hit".parse().unwrap() })).await, Err(Failed::Gone));
        assert_eq!(self.fleet.text(&self.permit(ReadText { session: id }), 10).await, Err(Failed::Gone));
        let grid = Grid::clamped(80, 24);
        assert_eq!(end_of(self.fleet.attach(&self.permit(Type { session: id }), grid).await.unwrap()).await, AttachEnd::Gone);
        assert_eq!(end_of(self.fleet.watch(&self.permit(Watch { session: id }), grid).await.unwrap()).await, AttachEnd::Gone);
    }

    async fn living(&self, name: &str) -> SessionId {
        self.tmux(&["new-session", "-d", "-s", name, "printf shown; exec cat"]);
        self.sessions().await.iter().find(|s| s.name.as_str() == name).unwrap().id
    }
}

#[tokio::test]
async fn no_act_on_a_session_that_is_there_gone_or_replaced_ends_the_server() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "keep"]);
    let server = world.tmux(&["display-message", "-p", "#{pid}"]);
    for round in 0..2000 / ACTS_A_ROUND {
        let id = world.living("work").await;
        let mut terminal = world.fleet.attach(&world.permit(Type { session: id }), Grid::clamped(80, 24)).await.unwrap();
        until(&mut terminal, "shown").await;
        assert!(world.fleet.text(&world.permit(ReadText { session: id }), 10).await.unwrap().text.contains("shown"));
        world.fleet.rename(world.permit(Rename { session: id, name: "other".parse().unwrap() })).await.unwrap();
        world.fleet.kill(world.confirmed(id)).await.unwrap();
        drop(terminal);
        world.miss(id).await;
        let replaced = world.living("other").await;
        world.miss(id).await;
        // As a server that ran before this one would have known it.
        world.miss(SessionId { server_pid: replaced.server_pid + 1, ..replaced }).await;
        assert!(world.fleet.kill(world.confirmed(replaced)).await.is_ok(), "round {round}");
    }
    assert_eq!((world.tmux(&["display-message", "-p", "#{pid}"]), world.tmux(&["list-sessions", "-F", "#{session_name}"])), (server, "keep".to_owned()));
}
