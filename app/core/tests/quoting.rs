//! Quoting round-trips through real shells: whatever a word holds, a shell reads back that very word.

use muxboard_core::shell::Script;
use proptest::prelude::*;
use std::io::Write;
use std::process::Stdio;

/// The shells that are installed here; sh is always there.
fn shells() -> Vec<&'static str> {
    ["sh", "bash", "dash", "zsh", "fish", "tcsh"]
        .into_iter()
        .filter(|shell| *shell == "sh" || std::path::Path::new("/usr/bin").join(shell).exists() || std::path::Path::new("/bin").join(shell).exists())
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a test runs real shells")]
fn echoed(shell: &str, words: &[String]) -> Vec<u8> {
    let mut line = vec!["printf".to_owned(), "%s\\0".to_owned()];
    line.extend_from_slice(words);
    let mut child = std::process::Command::new(shell).env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n", Script::command(&line)).as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// As sshd does it: the account's login shell gets the line, whatever shell that is.
#[expect(clippy::disallowed_methods, reason = "a test runs real shells")]
fn handed_on(login_shell: &str, words: &[String]) -> Vec<u8> {
    let mut line = vec!["printf".to_owned(), "%s\\0".to_owned()];
    line.extend_from_slice(words);
    let line = Script::command(&line).for_login_shell();
    std::process::Command::new(login_shell).args(["-c", line.as_str()]).env("LC_ALL", "C.UTF-8").output().unwrap().stdout
}

fn check(words: &[String]) {
    let want: Vec<u8> = words.iter().flat_map(|w| w.bytes().chain([0])).collect();
    for shell in shells() {
        assert_eq!(handed_on(shell, words), want, "as a login shell, {shell}: {words:?}");
        // fish and tcsh read single quotes differently: as login shells they get a line of their own kind, above.
        if !["fish", "tcsh"].contains(&shell) {
            assert_eq!(echoed(shell, words), want, "{shell}: {words:?}");
        }
    }
}

#[test]
fn the_nasty_ones() {
    let all: String = (1..=0x7f_u8).map(char::from).collect();
    check(
        &[
            "",
            "'",
            "''",
            "\\",
            "\\'",
            "$(touch canary)",
            "`id`",
            "a\nb",
            "\n",
            "!!",
            "~",
            "*",
            "-n",
            "--",
            "#x",
            "é\u{202e}💥",
            " ",
            "\t",
            "a=b",
            "{a,b}",
            &all,
        ]
        .map(String::from),
    );
    assert!(!std::path::Path::new("canary").exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_words(words in prop::collection::vec("[^\0]{0,40}", 1..20)) {
        check(&words);
    }

    #[test]
    fn shell_text(words in prop::collection::vec("[ '\"\\\\$`();&|<>*?~!#\n\t{}\\[\\]a-z-]{0,40}", 1..20)) {
        check(&words);
    }
}
