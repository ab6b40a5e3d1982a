//! `muxboard hooks`: the printed lines, run by the shells they are for and as the agents run them, say on the board how a program is.

mod support;

use std::path::PathBuf;
use support::sshd::until;
use support::{Accounts, Board, as_account, binary};

/// What `muxboard hooks show` prints.
fn shown(account: &str, agent: &str) -> String {
    let output = as_account(account, binary()).args(["hooks", "show", agent]).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).starts_with("For "), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a pane says of itself, without its time.
fn said(board: &Board, session: &str) -> String {
    let value = board.tmux(&board.accounts.front, &["display-message", "-p", "-t", &format!("{session}:"), "#{@muxboard_state}"]);
    let (words, time) = value.rsplit_once('@').unwrap_or((&value, "0"));
    assert!(time.parse::<u64>().is_ok(), "{value}");
    words.trim_end().to_owned()
}

fn write(board: &Board, name: &str, text: &str) -> PathBuf {
    let path = board.file(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_command_in_a_shell_that_took_long_says_how_it_ended() {
    let Some(board) = Board::start("") else { return };
    let Accounts { front, .. } = board.accounts.clone();
    let bash = write(&board, "bash.rc", &shown(&front, "bash"));
    write(&board, "fish/conf.d/muxboard.fish", &shown(&front, "fish"));
    write(&board, "zsh/.zshrc", &shown(&front, "zsh"));
    let here = |folder: &str| board.file(folder).display().to_string();
    for (shell, start) in [
        ("bash", format!("bash --noprofile --rcfile {} -i", bash.display())),
        ("fish", format!("env XDG_CONFIG_HOME={} fish", here(""))),
        ("zsh", format!("env ZDOTDIR={} zsh -i", here("zsh"))),
    ] {
        for (after, commands) in [
            // However quick it was: it counts as long.
            ("0", &[("true", "done"), ("sh -c 'exit 3'", "failed Status 3"), ("exec cat", "")][..]),
            ("1000", &[("true", ""), ("sh -c 'exit 3'", "")]),
        ] {
            let name = format!("{shell}{after}");
            let tmux = |words: &[&str]| board.tmux(&front, words);
            tmux(&["new-session", "-d", "-s", &name, "-x", "80", "-y", "24", "-e", &format!("MUXBOARD_AFTER={after}"), &start]);
            for (command, want) in commands {
                // What was said before is not what is waited for; a shell that is not ready yet takes the line when it is.
                tmux(&["set-option", "-p", "-t", &format!("{name}:"), "@muxboard_state", "waiting for it"]);
                tmux(&["send-keys", "-t", &format!("{name}:"), command, "Enter"]);
                until(&format!("{shell}: {command}: {want}"), || said(&board, &name) == *want);
            }
        }
    }
}

#[test]
fn what_an_agent_runs_at_each_event_says_its_state_and_vetoes_nothing() {
    let Some(board) = Board::start("") else { return };
    let Accounts { front, .. } = board.accounts.clone();
    board.tmux(&front, &["new-session", "-d", "-s", "a", "exec cat"]);
    let pane = board.tmux(&front, &["display-message", "-p", "-t", "a:", "#{pane_id}"]);
    let socket = board.tmux(&front, &["display-message", "-p", "-t", "a:", "#{socket_path},#{pid},0"]);
    for (agent, asks) in [("claude-code", "Notification"), ("codex", "PermissionRequest"), ("gemini-cli", "Notification")] {
        let hooks: serde_json::Value = serde_json::from_str(&shown(&front, agent)).unwrap();
        let mut asked = 0;
        for (event, groups) in hooks["hooks"].as_object().unwrap() {
            let command = groups[0]["hooks"][0]["command"].as_str().unwrap();
            let run = |variables: &[String]| {
                let output = as_account(&front, "env").args(variables).args(["sh", "-c", command]).output().unwrap();
                // What is printed may be taken for the hook's answer.
                assert!(output.status.success() && output.stdout.is_empty(), "{agent} {event}: {output:?}");
            };
            run(&[]);
            run(&["TMUX_PANE=%999".into(), format!("TMUX={socket}")]);
            run(&[format!("TMUX_PANE={pane}"), format!("TMUX={socket}")]);
            let state = said(&board, "a");
            if event == asks {
                asked += 1;
                assert!(state.starts_with("waiting "), "{agent} {event}: {state}");
            } else {
                assert!(["", "working", "done Its turn is over"].contains(&state.as_str()), "{agent} {event}: {state}");
            }
        }
        assert_eq!(asked, 1, "{agent}");
    }
}

#[test]
fn the_plugin_for_opencode_says_its_state() {
    let Some(board) = Board::start("") else { return };
    let Accounts { front, .. } = board.accounts.clone();
    let plugin = write(&board, "muxboard.mjs", &shown(&front, "opencode"));
    // The shell that opencode gives to plugins, as far as this one uses it: what it would run is printed.
    let script = format!(
        "const {{ Muxboard }} = await import('{}');
         const $ = (parts, ...values) => {{ console.log(values[1]); return {{ quiet: () => ({{ nothrow: () => null }}) }}; }};
         const plugin = await Muxboard({{ $ }});
         for (const type of ['permission.asked', 'file.edited', 'session.idle']) await plugin.event({{ event: {{ type }} }});
         await plugin['chat.message']();",
        plugin.display()
    );
    let output = as_account(&front, "env").args(["TMUX_PANE=%1", "node", "--input-type=module", "-e", &script]).output().unwrap();
    let said: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(|line| line.split(" @").next().unwrap().to_owned()).collect();
    assert_eq!(said, ["waiting opencode asks", "done Its turn is over", "working"], "{output:?}");
}
