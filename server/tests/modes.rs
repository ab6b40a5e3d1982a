//! What reaches a pane that shows tmux's own in the place of its program: copy mode, a message, a list.

mod support;

use muxboard_core::snapshot::Mode;
use muxboard_core::wire::{ToClient, ToServer};
use support::socket::*;
use support::{Board, PATIENCE};
use tokio::time::timeout;

/// A paste into a pane in copy mode was taken for tmux's keys, reached nobody, and was acknowledged as written.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_reaches_the_program_of_a_pane_that_shows_tmux_and_keys_are_tmuxs() {
    let Some(board) = Board::start("") else { return };
    let front = board.accounts.front.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "a", "exec cat"]);
    let id = board.session(&front, "a");
    let (mut socket, mut watcher) = (attached(&board, &id, false).await, attached(&board, &id, true).await);
    let mode = |frame| if let ToClient::Mode(mode) = frame { Some(mode) } else { None };
    for (verb, want) in [("copy-mode", Mode::History), ("choose-tree", Mode::Other), ("clock-mode", Mode::Other)] {
        board.tmux(&front, &[verb, "-t", "a:"]);
        assert_eq!(frame(&mut socket, mode).await, Some(want), "{verb}");
        assert_eq!(frame(&mut watcher, mode).await, Some(want), "{verb}");
        // A watcher leads nothing back.
        say(&mut watcher, ToServer::Leave).await;
        say(&mut watcher, ToServer::Ping(7)).await;
        frame(&mut watcher, |frame| (frame == ToClient::Pong(7)).then_some(())).await;
        // Longer than tmux would take: a whole look of another's.
        board.sessions_when(|_| true);
        assert_eq!(board.tmux(&front, &["display-message", "-p", "-t", "a:", "#{pane_in_mode}"]), "1", "{verb}");
        // Both are written in order after it.
        say(&mut socket, ToServer::Paste(format!("pasted-{verb}").into_bytes())).await;
        say(&mut socket, ToServer::Input(b"-typed ".to_vec())).await;
        assert_eq!(frame(&mut socket, mode).await, None, "{verb}");
        assert_eq!(frame(&mut watcher, mode).await, None, "{verb}");
    }
    board.tmux(&front, &["copy-mode", "-t", "a:"]);
    assert_eq!(frame(&mut socket, mode).await, Some(Mode::History));
    // A key is tmux's: this one leaves the history, and types nothing.
    say(&mut socket, ToServer::Input(b"q".to_vec())).await;
    assert_eq!(frame(&mut socket, mode).await, None);
    board.tmux(&front, &["copy-mode", "-t", "a:"]);
    assert_eq!(frame(&mut socket, mode).await, Some(Mode::History));
    say(&mut socket, ToServer::Leave).await;
    assert_eq!(frame(&mut socket, mode).await, None);
    say(&mut socket, ToServer::Input(b"the end".to_vec())).await;
    let screen = || board.tmux(&front, &["capture-pane", "-p", "-t", "a:"]);
    let all = async {
        while !screen().contains("the end") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all).await.unwrap();
    assert_eq!(screen().trim_end(), "pasted-copy-mode-typed pasted-choose-tree-typed pasted-clock-mode-typed the end");
}
