//! Sessions made on a real tmux whose user has a configuration of its own: one with a mistake, a slow one, one that makes sessions itself, one that
//! ends what no terminal shows; and a tmux server that lost its socket.

mod world;

use muxboard_core::fault::{Fault, FaultKind};
use muxboard_core::limits::ACTION_SECONDS_MAX;
use muxboard_core::note::Note;
use muxboard_core::outcome::Created;
use muxboard_core::policy::{Create, Type};
use muxboard_core::snapshot::UserState;
use muxboard_core::wire::Grid;
use muxboard_fleet::Failed;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;
use world::*;

fn home() -> PathBuf {
    std::env::var_os("HOME").unwrap().into()
}

async fn make(world: &World, name: &str, command: Option<&str>) -> Result<Created, Failed> {
    let wanted = Create { name: name.parse().unwrap(), directory: None, command: command.map(|c| c.parse().unwrap()) };
    timeout(PATIENCE * 2, world.fleet.create(world.permit(wanted))).await.unwrap()
}

/// tmux shows the errors of its configuration in the first pane, in a mode in which no key reaches the program.
#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_and_what_is_typed_reaches_the_program() {
    let test = "a_mistake_in_the_configuration_is_told_and_what_is_typed_reaches_the_program";
    let Some(world) = at_home(test, &[(".tmux.conf", "set -g status-left-length wide\nsource-file /nonexistent/file\n")]) else { return };
    let created = make(&world, "work", None).await.unwrap();
    let [Note::ConfigurationErrors(says)] = created.notes.as_slice() else { panic!("{:?}", created.notes) };
    assert!(says.contains(".tmux.conf:1: value is invalid: wide") && says.contains("/nonexistent/file"), "{says}");
    assert_eq!(world.tmux(&["display-message", "-p", "-t", "work:", "#{pane_in_mode}"]), "0");
    let mut attachment = world.fleet.attach(&world.permit(Type { session: created.session }), Grid::clamped(80, 24)).await.unwrap();
    until(&mut attachment, "\x1b").await;
    write_all(&mut attachment, "echo ty''ped\r").await;
    until(&mut attachment, "typed").await;
    assert_eq!(make(&world, "next", None).await.unwrap().notes, [], "an error is told once, of the session that started tmux");
}

#[tokio::test]
async fn an_unknown_command_in_the_configuration_is_told() {
    let test = "an_unknown_command_in_the_configuration_is_told";
    let Some(world) = at_home(test, &[(".tmux.conf", "bogus on\n")]) else { return };
    let created = make(&world, "work", Some("exec cat")).await.unwrap();
    let [Note::ConfigurationErrors(says)] = created.notes.as_slice() else { panic!("{:?}", created.notes) };
    assert!(says.contains(".tmux.conf:1: unknown command: bogus"), "{says}");
}

#[tokio::test]
async fn a_new_session_survives_destroy_unattached() {
    let test = "a_new_session_survives_destroy_unattached";
    let Some(world) = at_home(test, &[(".tmux.conf", "set -g destroy-unattached on\n")]) else { return };
    assert_eq!(make(&world, "work", None).await.unwrap().notes, [Note::KeptUnattached]);
    // On a server that runs, and with a command.
    assert_eq!(make(&world, "more", Some("exec cat")).await.unwrap().notes, [Note::KeptUnattached]);
    world.look().await;
    assert_eq!(world.state_names(), ["more", "work"]);
}

#[tokio::test]
async fn a_new_session_survives_exit_unattached() {
    let test = "a_new_session_survives_exit_unattached";
    let Some(world) = at_home(test, &[(".tmux.conf", "set -s exit-unattached on\n")]) else { return };
    assert_eq!(make(&world, "work", None).await.unwrap().notes, [Note::ServerKeptUnattached]);
    world.look().await;
    assert_eq!(world.state_names(), ["work"]);
}

#[tokio::test]
async fn a_configuration_that_takes_long_is_waited_for_and_said_to_be_loading() {
    let test = "a_configuration_that_takes_long_is_waited_for_and_said_to_be_loading";
    let Some(world) = at_home(test, &[(".tmux.conf", "run-shell 'until [ -e ~/go ]; do sleep 0.1; done'\n")]) else { return };
    let mut create = std::pin::pin!(make(&world, "work", None));
    let loading = async { while fault(&world.look().await) != Some(FaultKind::LoadingConfiguration) {} };
    tokio::select! {
        early = &mut create => panic!("{early:?}"),
        seen = timeout(PATIENCE, loading) => seen.unwrap(),
    }
    // An action of any other kind would have been given up by now.
    let longer = Duration::from_secs(ACTION_SECONDS_MAX + 1);
    assert!(timeout(longer, &mut create).await.is_err());
    std::fs::write(home().join("go"), "").unwrap();
    create.await.unwrap();
    assert_eq!(world.state_names(), ["work"]);
}

#[tokio::test]
async fn a_session_that_the_configuration_makes_is_opened_where_it_was_asked_for() {
    let test = "a_session_that_the_configuration_makes_is_opened_where_it_was_asked_for";
    let Some(world) = at_home(test, &[(".tmux.conf", "new-session -d -s work\n")]) else { return };
    let created = make(&world, "work", None).await.unwrap();
    assert_eq!(created.notes, [Note::MadeByConfiguration]);
    let sessions = world.sessions().await;
    assert_eq!((sessions.len(), sessions[0].id), (1, created.session));
    // From then on it is a session like any other.
    assert_eq!(make(&world, "work", None).await, Err(Failed::NameTaken));
}

#[tokio::test]
async fn a_command_is_not_run_in_a_session_that_the_configuration_makes() {
    let test = "a_command_is_not_run_in_a_session_that_the_configuration_makes";
    let Some(world) = at_home(test, &[(".tmux.conf", "new-session -d -s work 'exec cat'\n")]) else { return };
    assert_eq!(make(&world, "work", Some("touch ~/ran")).await, Err(Failed::MadeByConfiguration));
    world.look().await;
    assert_eq!(world.state_names(), ["work"]);
    assert!(!home().join("ran").exists());
}

#[tokio::test]
async fn what_the_configuration_starts_begins_in_the_home_directory() {
    let test = "what_the_configuration_starts_begins_in_the_home_directory";
    let Some(world) = at_home(test, &[(".tmux.conf", "new-session -d -s mine 'exec cat'\n")]) else { return };
    make(&world, "work", None).await.unwrap();
    let home = home().canonicalize().unwrap();
    let started = async {
        while world.tmux(&["display-message", "-p", "-t", "mine:", "#{pane_current_path}"]) != home.to_str().unwrap() {
            tokio::task::yield_now().await
        }
    };
    timeout(PATIENCE, started).await.unwrap();
}

fn servers(world: &World) -> usize {
    let socket = world.socket();
    let cmdline = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
    let comm = |entry: &std::fs::DirEntry| std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
    std::fs::read_dir("/proc").unwrap().flatten().filter(|e| comm(e) == "tmux: server\n").map(cmdline).filter(|words| words.contains(&socket)).count()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a person follows the line")]
async fn a_server_that_lost_its_socket_is_named_and_gets_no_second_one_beside_it() {
    let world = World::new();
    let id = world.create("work", None).await.unwrap();
    world.sessions().await;
    let pid = world.tmux(&["display-message", "-p", "#{pid}"]);
    // A tmux of another system is started by that system's loader, and its server's command line is the loader's: it is found, but not which one it is.
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    let is_told_apart = command.split('\0').next().is_some_and(|program| program.ends_with("tmux"));
    std::fs::remove_file(world.socket()).unwrap();
    // A server that has just started may not have its socket yet.
    timeout(PATIENCE, async { while world.look().await == UserState::NoServer {} }).await.unwrap();
    let UserState::Fault(Fault { kind, title, line, .. }) = world.state() else { panic!("{:?}", world.state()) };
    assert!(kind == FaultKind::SocketMissing && title.contains(&world.socket()), "{title}");
    let mend = format!("kill -USR1 {pid}");
    if is_told_apart {
        assert_eq!(line, Some(mend.clone()));
        assert!(title.contains(&format!("pid {pid}, since ")), "{title}");
    }
    let second = world.create("more", None).await;
    assert!(matches!(&second, Err(Failed::User(state)) if fault(state) == Some(FaultKind::SocketMissing)), "{second:?}");
    assert_eq!(servers(&world), 1);
    std::process::Command::new("sh").args(["-c", &mend]).status().unwrap();
    timeout(PATIENCE, async { while world.look().await != UserState::NoServer && world.state_names() != ["work"] {} }).await.unwrap();
    assert_eq!(world.sessions().await[0].id, id);
    world.create("more", None).await.unwrap();
}

/// Bash and its like read `~/.profile`, others their own files; the command is in a directory that those alone name.
#[tokio::test]
async fn a_startup_command_is_run_as_a_login_of_the_account_whatever_its_shell() {
    let test = "a_startup_command_is_run_as_a_login_of_the_account_whatever_its_shell";
    let files = [
        (".local/bin/agentx", "#!/bin/sh\nprintf '<%s>' \"$@\" \"it works\"\nexec cat\n"),
        (".profile", "PATH=$HOME/.local/bin:$PATH\n"),
        (".zprofile", "PATH=$HOME/.local/bin:$PATH\n"),
        (".config/fish/config.fish", "if status is-login; set -gx PATH $HOME/.local/bin $PATH; end\n"),
        (".login", "setenv PATH ${HOME}/.local/bin:${PATH}\n"),
    ];
    let Some(world) = at_home(test, &files) else { return };
    world.tmux(&["start-server", ";", "set-option", "-s", "exit-empty", "off"]);
    let mut tried = 0;
    for shell in ["bash", "dash", "fish", "tcsh", "zsh", "ksh", "mksh"].map(|name| Path::new("/usr/bin").join(name)).into_iter().filter(|path| path.exists()) {
        world.tmux(&["set-option", "-g", "default-shell", shell.to_str().unwrap()]);
        let name = shell.file_name().unwrap().to_str().unwrap();
        // One word for all of these shells.
        let id = world.create(name, Some("agentx 'two words' '#{pid} ; #(x)' \"$HOME\"")).await.unwrap();
        let want = format!("<two words><#{{pid}} ; #(x)><{}><it works>", home().display());
        let screen = || world.tmux(&["capture-pane", "-p", "-J", "-t", &format!("${}:", id.number)]);
        let ran = async {
            while !screen().contains(&want) {
                tokio::task::yield_now().await
            }
        };
        timeout(PATIENCE, ran).await.unwrap_or_else(|_| panic!("{name}: {}", screen()));
        // The card names the command, not a shell around it, where the shell lets its last command take its place.
        let session = world.sessions().await.into_iter().find(|s| s.id == id).unwrap();
        if name == "bash" {
            assert_eq!(session.windows[0].command, "cat", "{name}");
        }
        tried += 1;
    }
    assert!(tried >= 2, "there is no shell to be tried");
}
