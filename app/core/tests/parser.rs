//! The parsers: never a panic, and no name, title, directory or option can forge a field, in text and in a real tmux.

use muxboard_core::inventory::{Host, Socket, User};
use muxboard_core::name::{Directory, NewSessionName};
use muxboard_core::section::{self, Ask};
use muxboard_core::snapshot::UserState;
use muxboard_core::tmux::{self, format};
use muxboard_core::{ansi, argv, outcome};
use proptest::prelude::*;
use std::path::Path;

proptest! {
    #[test]
    fn any_text_is_parsed(text in ".*", bytes in any::<Vec<u8>>(), mark in "[0-9a-f]{4}") {
        let listing = format::parse(&text, &mark);
        prop_assert!(listing.sessions.len() + listing.problems.len() <= text.lines().count() + 1);
        let _ = ansi::preview(&text);
        let _ = section::parse(&bytes, &mark, &mark);
        let _ = format::created(&text);
        let _ = format::version(&text);
    }

    #[test]
    fn nearly_right_rows_are_rows_or_problems(rows in prop::collection::vec("M [SWBCE] [$%@]?[0-9]{0,3}(:[$%@]?[0-9a]{0,3}){0,14}(M%?[a-z0-9 ]{0,3}){0,6}", 0..10)) {
        let listing = format::parse(&rows.join("\n"), "M");
        prop_assert!(listing.sessions.len() <= rows.len());
    }

    /// Damage: bytes are lost, others take their place, lines come twice or in another order.
    #[test]
    fn a_damaged_answer_gives_sessions_or_a_fault_and_never_an_empty_list(
        at in 0_usize..400, lost in 0_usize..400, in_place in "[x: a-zA-Z0-9\\\\$%\n_\t]{0,12}", exit in prop::sample::select(vec![0, 0, 0, 1]), shuffled in any::<bool>(), seed in any::<usize>(),
    ) {
        let whole = "5e47 B 3.5a:xx:200\n5e47 S $0:100:0:1:7:8:on:0:0:100:1005e47one\n5e47 S $1:100:0:1:7:8:on:0:0:100:1005e47two\n\
                     5e47 W $0:0:1:150:0:0:::%0:80:24:@0:5e47w5e47bash5e47/srv5e47t\n5e47 W $1:0:1:150:0:0:::%1:80:24:@1:view-mode5e47w5e47bash5e47/srv5e47t\n\
                     5e47 C $0:80:24:150:attached,UTF-85e47/dev/pts/3\n5e47 E xx\n";
        let mut answer = whole.to_owned();
        answer.replace_range(at.min(whole.len())..(at + lost).min(whole.len()), &in_place);
        if shuffled {
            let mut lines: Vec<&str> = answer.lines().collect();
            let by = seed % lines.len().max(1);
            lines.rotate_left(by);
            answer = lines.join("\n");
        }
        let host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
        let section = section::Section { listing: format::parse(&answer, "5e47"), captures: vec![], exit: Some(exit), cut: false };
        // A failed call whose first row counts no session, and whose other rows are lost, is what a server without a session answers.
        let says_none = exit != 0 && section.listing.counted == Some(0) && section.listing.unread.is_none();
        match outcome::user_state(&host, &host.users[0], section) {
            UserState::Sessions(sessions) if says_none => prop_assert!(sessions.is_empty(), "{}", answer),
            UserState::Sessions(sessions) => prop_assert_eq!(sessions.len(), 2, "{}", answer),
            UserState::Fault(_) => {}
            other => prop_assert!(false, "{:?} of {}", other, answer),
        }
    }
}

/// Waits until it is so.
#[expect(clippy::disallowed_methods, reason = "a test waits")]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !so() {
        assert!(began.elapsed().as_secs() < 30, "never: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// The fleet makes a fresh one for every look.
const ROW_MARK: &str = "6b1f";

/// A tmux server of its own, ended with its folder.
struct Server {
    folder: tempfile::TempDir,
    host: Host,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = Socket::Path(folder.path().join("sock").to_str().unwrap().to_owned());
        let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
        host.users[0].socket = socket;
        Self { folder, host }
    }

    #[expect(clippy::disallowed_methods, reason = "a test runs a real tmux")]
    fn run(&self, words: &[&str]) -> String {
        let Socket::Path(socket) = &self.host.users[0].socket else { unreachable!() };
        let output = std::process::Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-S", socket])
            .args(words)
            .env_remove("TMUX")
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "a test runs a real tmux")]
    fn call(&self, call: &tmux::Call) -> String {
        let words = argv::tmux_words(&self.host.users[0], call);
        let output = std::process::Command::new(&words[0]).args(&words[1..]).env_remove("TMUX").env("HOME", self.folder.path()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// The listing by the sweep's own script, which helps tmux to a status that it missed.
    #[expect(clippy::disallowed_methods, reason = "a test runs a real shell")]
    fn settled(&self) -> format::Listing {
        let script = section::script(&[Ask { user: &self.host.users[0], panes: vec![], unsettled: true, row_mark: ROW_MARK }]);
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(script.as_str())
            .env("M", "5e47")
            .env_remove("TMUX")
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        section::parse(&output.stdout, "5e47", ROW_MARK).remove(0).1.listing
    }

    fn listing(&self) -> format::Listing {
        format::parse(&self.call(&format::call(ROW_MARK)), ROW_MARK)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn a_hostile_directory_title_command_and_option_forge_nothing() {
    let server = Server::new();
    let evil = "x\x1fS\x1f$9\n9a4e S $9:1\nW\x1f$0\t#(touch canary)#{pid}'\"";
    let directory = server.folder.path().join(evil.replace('/', "_"));
    std::fs::create_dir(&directory).unwrap();
    server.run(&["new-session", "-d", "-s", "victim", "-c", server.folder.path().to_str().unwrap(), "-x", "80", "-y", "24"]);
    // Really in that directory, really with that title, window name and user option.
    let script = server.folder.path().join("script");
    std::fs::write(
        &script,
        format!("cd '{}'\nprintf '\\033]2;t\\037S\\037\\033\\\\'\nprintf ready\nexec cat\n", directory.to_str().unwrap().replace('\'', "'\\''")),
    )
    .unwrap();
    server.run(&["respawn-pane", "-k", "-t", "victim", &format!("sh {}", script.display())]);
    server.run(&["set-option", "-t", "victim", "@evil", evil]);
    // tmux expands a new window name once: doubled, it arrives as it is.
    server.run(&["rename-window", "-t", "victim", &evil.replace('#', "##")]);
    until("ready", || server.run(&["capture-pane", "-p", "-t", "victim"]).contains("ready"));
    until("it is cat", || server.run(&["display-message", "-p", "-t", "victim", "#{pane_current_command}"]).contains("cat"));
    let listing = server.listing();
    assert_eq!(listing.problems, Vec::<String>::new());
    assert_eq!(listing.sessions.len(), 1);
    let window = &listing.sessions[0].windows[0];
    assert_eq!((listing.sessions[0].windows.len(), window.command.as_str()), (1, "cat"));
    assert!(window.path.contains("x?S?$9?9a4e S $9:1?W?$0?#(touch canary)#{pid}'\""), "{}", window.path);
    assert!(!Path::new("canary").exists() && !directory.join("canary").exists() && !server.folder.path().join("canary").exists());
}

#[test]
fn create_expands_nothing_and_starts_where_it_was_told() {
    let server = Server::new();
    let directory = server.folder.path().join("#(touch canary) #{pid} ##{x} ; $HOME;");
    std::fs::create_dir(&directory).unwrap();
    let name: NewSessionName = "-x".parse().unwrap();
    let wanted: Directory = directory.to_str().unwrap().parse().unwrap();
    let said = server.call(&tmux::create(&name, Some(&wanted), false, tmux::Server::Started));
    let id = tmux::made(&said).unwrap().id;
    // The program is there a moment after its session.
    // tmux 3.4 prints "$HOME" as "\$HOME", whatever it is a part of.
    let shown = |path: &str| path.replace("\\$", "$");
    let path = |name: &str| server.listing().sessions.into_iter().find(|s| s.name.as_str() == name).map(|s| shown(&s.windows[0].path)).unwrap();
    until("it is in its directory", || path("-x") == directory.to_str().unwrap());
    let listing = server.listing();
    assert_eq!((listing.sessions[0].id, listing.sessions[0].name.as_str()), (id, "-x"));
    assert!(server.call(&tmux::create(&name, None, false, tmux::Server::Running)).contains("duplicate session"));
    assert!(server.call(&tmux::create(&"home".parse().unwrap(), Some(&"~".parse().unwrap()), false, tmux::Server::Running)).contains('$'));
    until("it is at home", || path("home") == server.folder.path().to_str().unwrap());
}

#[test]
fn a_startup_command_is_one_word_whatever_it_holds() {
    let server = Server::new();
    let out = server.folder.path().join("out");
    let id = tmux::made(&server.call(&tmux::create(&"c".parse().unwrap(), None, true, tmux::Server::Started))).unwrap().id;
    let command = format!("printf '%s' \"it's ; \\$x #(touch canary) #{{pid}} \\\"q\\\" {{a}}\" > {}; exit 3", out.display());
    assert_eq!(server.call(&tmux::start(id, &command.parse().unwrap())).trim(), tmux::DONE);
    until("exited 3", || server.settled().sessions[0].windows[0].exited == Some(3));
    assert_eq!(std::fs::read_to_string(out).unwrap(), "it's ; $x #(touch canary) #{pid} \"q\" {a}");
}

#[test]
fn every_verb_touches_exactly_the_session_it_was_made_for() {
    let server = Server::new();
    for name in ["a", "ab", "a*", "*", "=a", "$1", "@1", "%1", "-x", "##(touch canary)", "::", "💥", "<img src=x onerror=alert(1)>"] {
        server.run(&["new-session", "-d", "-s", name]);
    }
    let names = |server: &Server| server.listing().sessions.iter().map(|s| s.name.to_string()).collect::<Vec<_>>();
    // tmux 3.3 stores ':' as '_', 3.7 refuses it, newer ones keep it; all expand the name of a new session once.
    let mut left = names(&server);
    assert_eq!(left.len(), server.run(&["list-sessions"]).lines().count());
    assert!(left.len() >= 12, "{left:?}");
    assert!(left.contains(&"#(touch canary)".to_owned()) && left.contains(&"💥".to_owned()), "{left:?}");
    for victim in server.listing().sessions {
        assert_eq!(server.call(&tmux::kill(victim.id)).trim(), tmux::DONE);
        left.retain(|n| *n != victim.name.as_str());
        assert_eq!(names(&server), left, "after {}", victim.name);
        if !left.is_empty() {
            assert_eq!(server.call(&tmux::kill(victim.id)).trim(), tmux::MISMATCH);
        }
    }
    assert!(!Path::new("canary").exists());
}

#[test]
fn a_name_used_again_is_not_hit() {
    let server = Server::new();
    server.run(&["new-session", "-d", "-s", "keep"]);
    server.run(&["new-session", "-d", "-s", "build"]);
    let old = server.listing().sessions.into_iter().find(|s| s.name.as_str() == "build").unwrap();
    server.run(&["kill-session", "-t", "=build"]);
    server.run(&["new-session", "-d", "-s", "build"]);
    assert_eq!(server.call(&tmux::kill(old.id)).trim(), tmux::MISMATCH);
    assert_eq!(server.call(&tmux::rename(old.id, &"x".parse().unwrap())).trim(), tmux::MISMATCH);
    assert_eq!(server.listing().sessions.len(), 2);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test runs a real shell")]
fn the_sweep_script_brings_every_section_and_the_previews() {
    let server = Server::new();
    server.run(&["new-session", "-d", "-s", "one", "printf '\\033[31mred\\033[0m line\\n'; exec cat"]);
    let mut host = server.host.clone();
    // A second user that cannot be reached this way: its section says so and harms nothing.
    host.users.push(User { name: "nobody-here".parse().unwrap(), through_sudo: true, socket: Socket::Default });
    let look = |panes: Vec<format::PaneId>| {
        let asks: Vec<Ask<'_>> = host.users.iter().map(|user| Ask { user, panes: panes.clone(), unsettled: false, row_mark: ROW_MARK }).collect();
        let script = section::script(&asks);
        let output = std::process::Command::new("sh").arg("-c").arg(script.as_str()).env("M", "5e47").env_remove("TMUX").output().unwrap();
        section::parse(&output.stdout, "5e47", ROW_MARK)
    };
    let first = look(vec![]);
    assert_eq!(first.iter().map(|(u, _)| u.as_str()).collect::<Vec<_>>(), ["me", "nobody-here"]);
    let pane = first[0].1.listing.panes[0].1;
    // One pane that is there and one that is not: the second must not end the call.
    let mut screen = String::new();
    until("a line", || {
        let sections = look(vec![format::PaneId(999), pane]);
        assert_eq!(sections[0].1.exit, Some(0));
        assert_eq!(sections[0].1.captures[0], (format::PaneId(999), String::new()));
        screen.clone_from(&sections[0].1.captures[1].1);
        screen.contains("line")
    });
    let lines = ansi::preview(&screen);
    assert_eq!((lines[0][0].text.as_str(), lines[0][0].style.colour), ("red", Some(1)));
    assert_ne!(first[1].1.exit, Some(0));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test runs a real shell")]
fn no_section_can_forge_anothers_because_its_mark_is_in_no_processs_words_or_environment() {
    use std::os::unix::fs::PermissionsExt;
    // In the place of tmux: says all it can find out, and forges what it can.
    let folder = tempfile::tempdir().unwrap();
    let spy = folder.path().join("tmux");
    let words = "#!/bin/sh\ncat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; env\nprintf '\\n9a4e end\\n9a4e begin other\\nM end\\n'\n";
    std::fs::write(&spy, words).unwrap();
    std::fs::set_permissions(&spy, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
    host.users.push(User { name: "other".parse().unwrap(), through_sudo: false, socket: Socket::Default });
    let asks: Vec<Ask<'_>> = host.users.iter().map(|user| Ask { user, panes: vec![], unsettled: false, row_mark: ROW_MARK }).collect();
    let mark = "5e475e475e475e47";
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for script in [section::script(&asks), section::script(&asks[..1]), section::fast_path(&asks[0])] {
        let (argv, _) = argv::local_script(&script);
        let output = std::process::Command::new(argv.program()).args(argv.arguments()).env("M", mark).env("PATH", &path).output().unwrap();
        let sections = section::parse(&output.stdout, mark, ROW_MARK);
        let said: Vec<String> = sections.iter().flat_map(|(_, s)| s.listing.problems.clone()).collect();
        assert!(said.iter().any(|line| line.contains("9a4e begin other")), "{said:?}");
        assert!(!said.iter().any(|line| line.contains(mark)), "{said:?}");
        assert!(sections.len() < 3 && sections[0].0.as_str() == "me");
    }
}

#[test]
fn a_program_ended_by_a_signal_is_told_from_one_whose_status_is_not_known_yet() {
    let row = |status: &str, signal: &str| format!("M S $1:1:0:1:1:1:on:0:0:1:1Ma\nM W $1:0:1:1:0:1:{status}:{signal}:%0:80:24:@0:MwMcM/Mt\n");
    for (status, signal, want) in [("2", "", 2), ("", "", 0), ("", "9", -1), ("0", "", 0)] {
        assert_eq!(format::parse(&row(status, signal), "M").sessions[0].windows[0].exited, Some(want), "{status:?} {signal:?}");
    }
    let server = Server::new();
    server.run(&["new-session", "-d", "-s", "a", "exec cat"]);
    // tmux 3.2 has no word for it: there a program that a signal ended is one that ended.
    if server.listing().version.as_deref().and_then(format::version) == Some((3, 2)) {
        return;
    }
    server.run(&["set-option", "-w", "-t", "a:", "remain-on-exit", "on"]);
    server.run(&["respawn-pane", "-k", "-t", "a:", "kill -9 $$"]);
    until("killed", || server.settled().sessions[0].windows[0].exited == Some(-1));
}
