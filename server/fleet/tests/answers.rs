//! Answers without a terminal, against a real tmux: one reaches what it answers, or nothing at all.

mod world;

use muxboard_core::policy::{ReadText, SendReply};
use muxboard_core::snapshot::{Reason, SessionId};
use muxboard_core::tmux::{CHANGED, Closed, PaneId, Question, SENT};
use muxboard_fleet::{ActionError, OpenQuestion, Sent};
use std::path::PathBuf;
use tokio::time::timeout;
use world::*;

/// Screens that change between a look and an answer, in one run of the suite; `MUXBOARD_RACES` says another number.
const RACES: usize = 60;

/// What a program that waits has got, byte for byte.
struct Got(PathBuf);

impl Got {
    /// What came until `mark`, which is sent by tmux itself: what was sent before it has come too.
    async fn until(&self, world: &World, target: &str, mark: &str) -> String {
        world.tmux(&["send-keys", "-t", target, "-l", mark]);
        let text = || std::fs::read_to_string(&self.0).unwrap_or_default();
        until_seen("what was sent last", || text().ends_with(mark)).await;
        text().strip_suffix(mark).unwrap().to_owned()
    }
}

/// A session whose program shows a prompt and takes every byte as it comes.
async fn asks(world: &World, name: &str, prompt: &str) -> (SessionId, Got) {
    let got = world.folder.path().join(format!("got-{name}"));
    let text = world.folder.path().join(format!("prompt-{name}"));
    std::fs::write(&text, prompt).unwrap();
    let program = format!("stty -icanon; cat {}; exec cat >>{}", text.display(), got.display());
    world.tmux(&["new-session", "-d", "-s", name, "-x", "80", "-y", "24", &program]);
    let id = world.sessions().await.iter().find(|session| session.name.as_str() == name).unwrap().id;
    let end = prompt.lines().last().unwrap().trim_end_matches(['\x07', ' ']).to_owned();
    // `cat` has made the file: it reads now.
    timeout(PATIENCE, async { while !(got.exists() && shown(world, id).await.unwrap().rows.iter().any(|row| row.ends_with(&end))) {} }).await.unwrap();
    (id, Got(got))
}

fn pane(world: &World, session: SessionId) -> PaneId {
    PaneId(world.tmux(&["display-message", "-p", "-t", &format!("${}:", session.number), "#{pane_id}"]).trim_start_matches('%').parse().unwrap())
}

async fn open(world: &World, session: SessionId) -> Result<OpenQuestion, ActionError> {
    world.fleet.question(&world.permit(ReadText { session }), pane(world, session)).await
}

async fn shown(world: &World, session: SessionId) -> Result<Question, ActionError> {
    open(world, session).await.map(|open| open.question)
}

async fn answer(world: &World, session: SessionId, open: &OpenQuestion, reply: &str) -> Result<Sent, ActionError> {
    let reply = SendReply { session, pane: open.question.pane, fingerprint: open.fingerprint.clone(), answer: reply.parse().unwrap() };
    timeout(PATIENCE, world.fleet.answer(world.permit(reply))).await.unwrap()
}

#[tokio::test]
async fn a_line_has_a_return_behind_it_and_a_key_has_none() {
    let world = World::new();
    let (id, got) = asks(&world, "a", "Sure? [y/N] ").await;
    for (reply, bytes) in [
        ("key:1", "1"),
        ("key:y", "y"),
        ("key:Escape", "\x1b"),
        ("key:Enter", "\n"),
        ("key:Up", "\x1b[A"),
        ("line:", "\n"),
        ("line:-l it's \"so\" ; kill-server } #{pid} $HOME é", "-l it's \"so\" ; kill-server } #{pid} $HOME é\n"),
    ] {
        std::fs::write(&got.0, "").unwrap();
        let sent = answer(&world, id, &open(&world, id).await.unwrap(), reply).await.unwrap();
        assert!(!sent.left_mode && sent.after.is_some(), "{reply}");
        assert_eq!(got.until(&world, "a:", "|").await, bytes, "{reply}");
    }
    // The last thing that the terminal understands as one: the program ends, and the session with it.
    let sent = answer(&world, id, &open(&world, id).await.unwrap(), "key:C-c").await.unwrap();
    assert_eq!(sent.after, None);
    assert_eq!(world.events.lock().unwrap().iter().filter(|event| **event == ("answer", "done".to_owned())).count(), 8);
}

#[tokio::test]
async fn a_pane_that_somebody_scrolled_back_is_answered_at_its_end_and_it_is_said() {
    let world = World::new();
    let (id, got) = asks(&world, "a", "Sure? [y/N] ").await;
    let question = open(&world, id).await.unwrap();
    world.tmux(&["copy-mode", "-t", "a:"]);
    assert!(answer(&world, id, &question, "line:y").await.unwrap().left_mode);
    assert_eq!(got.until(&world, "a:", "|").await, "y\n");
}

/// A prompt is foreign text, and tmux's formats can run commands.
#[tokio::test]
async fn a_prompt_that_is_made_of_commands_is_answered_and_runs_none() {
    let world = World::new();
    let trap = world.folder.path().join("trap");
    let prompt = format!("#(touch {0}) #{{pid}} , }} {{ ' ; run-shell 'touch {0}' \" \\ $(touch {0}) %H\n^[.]*+?(|)$ \u{e9} \u{276f} [y/N] ", trap.display());
    let (id, got) = asks(&world, "a", &prompt).await;
    answer(&world, id, &open(&world, id).await.unwrap(), "key:y").await.unwrap();
    assert_eq!(got.until(&world, "a:", "|").await, "y");
    assert!(!trap.exists());
}

#[tokio::test]
async fn a_pane_that_takes_no_answer_gets_none() {
    let world = World::new();
    let (id, got) = asks(&world, "a", "Sure? [y/N] ").await;
    for (on, off, why) in [
        (vec!["select-pane", "-d", "-t", "a:"], vec!["select-pane", "-e", "-t", "a:"], Closed::InputOff),
        (
            vec!["set-option", "-w", "-t", "a:", "synchronize-panes", "on"],
            vec!["set-option", "-w", "-t", "a:", "synchronize-panes", "off"],
            Closed::Synchronized,
        ),
    ] {
        world.tmux(&on);
        let question = open(&world, id).await.unwrap();
        assert_eq!(question.question.closed, Some(why));
        assert_eq!(answer(&world, id, &question, "key:y").await, Err(ActionError::Closed(why)));
        world.tmux(&off);
    }
    // A pane of another session of the same server.
    let (other, others) = asks(&world, "b", "Sure? [y/N] ").await;
    let question = open(&world, other).await.unwrap();
    assert_eq!(answer(&world, id, &question, "key:y").await, Err(ActionError::Changed));
    assert_eq!((got.until(&world, "a:", "|").await, others.until(&world, "b:", "|").await), (String::new(), String::new()));
    world.tmux(&["set-option", "-t", "a:", "remain-on-exit", "on"]);
    world.tmux(&["respawn-pane", "-k", "-t", "a:", "true"]);
    timeout(PATIENCE, async { while shown(&world, id).await.unwrap().closed != Some(Closed::Dead) {} }).await.unwrap();
    let question = open(&world, id).await.unwrap();
    assert_eq!(answer(&world, id, &question, "key:y").await, Err(ActionError::Closed(Closed::Dead)));
}

/// How a screen changes between a look and an answer.
const CHANGES: [&str; 6] = ["another prompt", "the cursor alone", "answered by another", "another program", "gone", "replaced"];

/// Other tools have typed a "1" into the wrong prompt.
#[tokio::test]
async fn an_answer_to_a_screen_that_changed_sends_no_byte() {
    let world = World::new();
    world.tmux(&["new-session", "-d", "-s", "keep"]);
    let races = std::env::var("MUXBOARD_RACES").ok().and_then(|races| races.parse().ok()).unwrap_or(RACES);
    for race in 0..races {
        let change = CHANGES[race % CHANGES.len()];
        let name = format!("a{race}");
        let (id, got) = asks(&world, &name, "Delete the cache? [y/N] ").await;
        let target = format!("{name}:");
        let question = open(&world, id).await.unwrap();
        let tty = world.tmux(&["display-message", "-p", "-t", &target, "#{pane_tty}"]);
        let write = |text: &str| std::fs::write(&tty, text).unwrap();
        let mut others = "";
        match change {
            "another prompt" => write("\x1b[2J\x1b[HDelete the disks? [y/N] "),
            "the cursor alone" => write("\x1b[D"),
            "answered by another" => {
                others = "y";
                world.tmux(&["send-keys", "-t", &target, "y"]);
            }
            "another program" => {
                world.tmux(&["respawn-pane", "-k", "-t", &target]);
            }
            _ => {
                world.tmux(&["kill-session", "-t", &target]);
            }
        }
        if change == "replaced" {
            asks(&world, &name, "Delete the cache? [y/N] ").await;
        }
        // What was written to the terminal has to have reached tmux.
        if !["gone", "replaced"].contains(&change) {
            timeout(PATIENCE, async { while shown(&world, id).await.is_ok_and(|now| now == question.question) {} }).await.unwrap();
        }
        let refused = answer(&world, id, &question, "line:y").await;
        let want = if ["gone", "replaced"].contains(&change) { ActionError::Gone } else { ActionError::Changed };
        assert_eq!(refused, Err(want), "{change}");
        if change != "gone" && change != "another program" {
            assert_eq!(got.until(&world, &target, "|").await, others, "{change}");
        }
        world.tmux(&["kill-session", "-t", &target]);
    }
}

/// A second tap, a reload, or another person on the same page: a prompt for a password shows nothing of what was typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_sent_once_though_the_screen_does_not_change() {
    let world = World::new();
    let (id, got) = asks(&world, "a", "Password: ").await;
    let tty = world.tmux(&["display-message", "-p", "-t", "a:", "#{pane_tty}"]);
    world.tmux(&["run-shell", &format!("stty -F {tty} -echo")]);
    let question = open(&world, id).await.unwrap();
    let (one, other) = tokio::join!(answer(&world, id, &question, "line:hunter2"), answer(&world, id, &question, "line:hunter2"));
    let again = answer(&world, id, &question, "line:hunter2").await;
    let mut results = [one, other, again].map(|result| result.map(|sent| sent.after.unwrap().question == question.question));
    results.sort_by_key(|result| result.is_err());
    assert_eq!(results, [Ok(true), Err(ActionError::Changed), Err(ActionError::Changed)]);
    // Whoever looks again may answer again.
    answer(&world, id, &open(&world, id).await.unwrap(), "line:another").await.unwrap();
    assert_eq!(got.until(&world, "a:", "|").await, "hunter2\nanother\n");
}

/// It was in the process list, in sudo's log and in tmux's own messages.
#[tokio::test]
async fn the_text_of_an_answer_is_among_no_arguments_and_in_no_message_of_tmux() {
    let world = World::new();
    let seen = world.folder.path().join("seen");
    let (id, got) = asks(&world, "a", "Password: ").await;
    // The screen is compared, and tmux 3.8 keeps the comparison among its messages: what is typed is not on the screen.
    let tty = world.tmux(&["display-message", "-p", "-t", "a:", "#{pane_tty}"]);
    world.tmux(&["run-shell", &format!("stty -F {tty} -echo")]);
    let watching = std::thread::spawn({
        let seen = seen.clone();
        move || {
            let mut all = String::new();
            while !seen.exists() {
                for process in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
                    all += &std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
                }
            }
            all
        }
    });
    for _ in 0..8 {
        answer(&world, id, &open(&world, id).await.unwrap(), "line:hunter2").await.unwrap();
    }
    std::fs::write(&seen, "").unwrap();
    let all = watching.join().unwrap();
    let shown = all.find("hunter2").map(|at| &all[at.saturating_sub(500)..at + 7]);
    assert_eq!((all.contains("source-file\0-"), shown), (true, None));
    assert!(!world.tmux(&["show-messages"]).contains("hunter2"));
    assert_eq!(world.tmux(&["list-buffers"]), "");
    assert_eq!(got.until(&world, "a:", "|").await, "hunter2\n".repeat(8));
}

/// The screen may change after it was read for the last time.
#[tokio::test]
async fn tmux_itself_compares_the_screen_before_it_sends() {
    let world = World::new();
    let (id, got) = asks(&world, "a", "Delete the cache? [y/N] ").await;
    let question = shown(&world, id).await.unwrap();
    let [(_, commands)] = &question.answer(id, &"key:Enter".parse().unwrap(), &[], "b")[..] else { panic!("one call") };
    let file = world.folder.path().join("commands");
    std::fs::write(&file, commands).unwrap();
    let call = ["source-file", file.to_str().unwrap()];
    let tty = world.tmux(&["display-message", "-p", "-t", "a:", "#{pane_tty}"]);
    // The same length, the same place.
    std::fs::write(&tty, "\x1b[HDelete the disks? [y/N] ").unwrap();
    timeout(PATIENCE, async { while shown(&world, id).await.unwrap().rows == question.rows {} }).await.unwrap();
    assert_eq!(world.tmux(&call), CHANGED);
    assert_eq!(got.until(&world, "a:", "|").await, "");
    std::fs::write(&tty, "\x1b[H\x1b[KDelete the cache? [y/N] ").unwrap();
    timeout(PATIENCE, async { while shown(&world, id).await.unwrap() != question {} }).await.unwrap();
    assert!(world.tmux(&call).ends_with(SENT));
}

/// Whatever the moment, it is all or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_that_changes_while_an_answer_is_on_its_way_gets_all_of_it_or_nothing() {
    let world = World::new();
    // A server whose last session ends takes the next one, and is gone.
    world.tmux(&["new-session", "-d", "-s", "keep"]);
    for race in 0..RACES {
        let name = format!("a{race}");
        let (id, got) = asks(&world, &name, "Delete the cache? [y/N] ").await;
        let question = open(&world, id).await.unwrap();
        let tty = world.tmux(&["display-message", "-p", "-t", &format!("{name}:"), "#{pane_tty}"]);
        // After so many calls of tmux, which take about as long as the answer does.
        let change = async {
            for _ in 0..race % 10 {
                world.tmux(&["display-message", "-p", "x"]);
            }
            std::fs::write(&tty, "\x1b[2J\x1b[HDelete the disks? [y/N] ").unwrap();
        };
        let (result, ()) = tokio::join!(answer(&world, id, &question, "line:y"), change);
        let bytes = got.until(&world, &format!("{name}:"), "|").await;
        match result {
            Ok(_) => assert_eq!(bytes, "y\n"),
            Err(error) => assert_eq!((error, bytes.as_str()), (ActionError::Changed, "")),
        }
        world.tmux(&["kill-session", "-t", &format!("{name}:")]);
    }
}

#[tokio::test]
async fn an_answer_ends_the_question_and_the_next_bell_is_another() {
    let world = World::new();
    let (id, got) = asks(&world, "a", "Sure? [y/N] \x07").await;
    world.tmux(&["set-option", "-p", "-t", "a:", "@muxboard_state", "waiting Sure?"]);
    let reason = async || world.sessions().await[0].needs().map(|need| need.reason);
    timeout(PATIENCE, async { while reason().await != Some(Reason::Waits) {} }).await.unwrap();
    let session = world.sessions().await.remove(0);
    assert_eq!((session.windows[0].bell, session.asking().unwrap().pane), (true, pane(&world, id).0));
    answer(&world, id, &open(&world, id).await.unwrap(), "key:y").await.unwrap();
    assert_eq!(reason().await, None);
    assert!(!world.sessions().await[0].windows[0].bell, "a flag that is up tells of no other bell");
    let tty = world.tmux(&["display-message", "-p", "-t", "a:", "#{pane_tty}"]);
    std::fs::write(tty, "and now? \x07").unwrap();
    timeout(PATIENCE, async { while reason().await != Some(Reason::Bell) {} }).await.unwrap();
    assert_eq!(got.until(&world, "a:", "|").await, "y");
}
