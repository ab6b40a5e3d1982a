//! Files into an account: the script that takes one, and what it says. It runs as the user, by the only thing that the documented sudoers line
//! grants: tmux, which can run a command (`tmux -c`). The file's bytes come on the script's standard input and are never part of it.
//!
//! The folder is one component below the home directory. Once the script is in it, it makes sure where it is: directly below the home, not through
//! a link, the user's own, closed to everybody else. From there every name is relative, so nobody can lead it elsewhere afterwards.

use crate::argv;
use crate::inventory::User;
use crate::limits::{PATH_BYTES_MAX, UPLOAD_FILES_MAX, WORDS_CHARS_MAX};
use crate::shell::Script;

/// The folder, below the home directory.
pub const FOLDER: &str = ".muxboard-uploads";
/// A file's own name in it: 32 characters (128 random bits in hexadecimal) and what says its type. Nothing else there is ever removed.
const NAMED: &str = "????????????????????????????????.*";
/// The same while it is being written.
const PARTIAL: &str = ".????????????????????????????????";

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What nobody can guess: 32 hexadecimal digits.
    pub name: &'a str,
    /// What says its type: letters and digits.
    pub extension: &'a str,
    /// How many bytes will come; if another number does, nothing is left behind.
    pub bytes: u64,
    /// Files of uploads that are older than this, in minutes, are removed first.
    pub keep_minutes: u64,
    /// A fresh mark, before each word of the script.
    pub mark: &'a str,
}

/// Into the folder, and sure of it (below a home with the set-group-ID bit it has that bit too, which opens nothing); then what is too old goes. The parts: the mark, the folder (seven times; another file's script may make it at the same moment), two patterns, the age, what `find` replaces.
const ENTER: &str = "umask 077; say() { printf '\\n%s %s\\n' {} \"$*\"; }; t=; no() { rm -f $t; say no \"$*\"; exit 1; }; \
    cd 2>/dev/null && h=$(pwd -P) && [ -O . ] || no home; \
    [ -d {} ] || mkdir -p {} 2>/dev/null || [ -d {} ] || { { [ -e {} ] || [ -h {} ]; } && no file; no home; }; \
    cd {} 2>/dev/null && [ \"$(pwd -P)\" = \"${h%/}/\"{} ] && [ -O . ] && [ -n \"$(find . -prune '(' -perm 700 -o -perm 2700 ')')\" ] || no folder; \
    find . -maxdepth 1 -type f '(' -name {} -o -name {} ')' -mmin +{} -exec rm -f {} + 2>/dev/null";

fn enter(mark: &str, keep_minutes: u64) -> Script {
    let word = |word: &str| Script::command(&[word]);
    let folder = word(FOLDER);
    let parts = [
        &word(mark),
        &folder,
        &folder,
        &folder,
        &folder,
        &folder,
        &folder,
        &folder,
        &word(NAMED),
        &word(PARTIAL),
        &word(&keep_minutes.to_string()),
        &word("{}"),
    ];
    Script::frame(ENTER, &parts)
}

/// The script that takes one file: it says `ready`, reads its standard input to the end, and says `done` and the file's path, or `no` and why.
fn script(wanted: &Wanted<'_>) -> Script {
    let word = |word: &str| Script::command(&[word]);
    let (partial, name) = (word(&format!(".{}", wanted.name)), word(&format!("{}.{}", wanted.name, wanted.extension)));
    let (most, bytes, folder) = (word(&UPLOAD_FILES_MAX.to_string()), word(&wanted.bytes.to_string()), word(FOLDER));
    // `set -C` makes a file only where none is, and follows no link (O_EXCL). What was cut off is removed, whichever way it was, before anything is said.
    let take = Script::frame(
        "; set -- {}; [ $# -lt {} ] || no many; \
         t={}; trap 'rm -f $t' EXIT; trap 'exit 1' HUP INT TERM PIPE; set -C; \
         { say ready; w=$(cat 2>&1 >&3); s=$?; } 3>{} || no write; [ $s -eq 0 ] || no write \"$w\"; \
         n=$(wc -c <{}); [ $((n)) -eq {} ] || no cut; \
         mv {} {} 2>/dev/null || no write; trap - EXIT; say done \"${h%/}/\"{}/{}",
        &[&Script::pattern(NAMED), &most, &partial, &partial, &partial, &bytes, &partial, &name, &folder, &name],
    );
    Script::join(&[enter(wanted.mark, wanted.keep_minutes), take], "")
}

/// The words that take a file as a user.
pub fn words(user: &User, wanted: &Wanted<'_>) -> Vec<String> {
    argv::shell_words(user, &script(wanted), wanted.name)
}

/// A script that removes what is too old. `probe` is 32 hexadecimal digits of its own.
pub fn expire(user: &User, keep_minutes: u64, probe: &str) -> Script {
    Script::command(&argv::shell_words(user, &enter(probe, keep_minutes), probe))
}

/// What the script said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The file can come.
    Ready,
    /// It is there, at this path.
    Done(String),
    /// Nothing is there.
    No(Refused),
}

/// Why a file was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no home directory, or it cannot be written to.
    Home,
    /// What has the folder's name is not the user's own closed directory.
    Folder,
    /// What has the folder's name is no directory.
    File,
    /// Enough files are there.
    Many,
    /// The disk did not take it, in the words of the host.
    Write(String),
    /// Fewer bytes came than were announced.
    Cut,
}

/// Reads a line of the output. None: it is none of ours (a login shell says all kinds of things).
pub fn said(line: &str, wanted: &Wanted<'_>) -> Option<Said> {
    let words = line.trim_end().strip_prefix(wanted.mark)?.strip_prefix(' ')?;
    let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
    Some(match (word, rest.split_once(' ').unwrap_or((rest, ""))) {
        ("ready", _) => Said::Ready,
        ("done", _) => {
            // Typed into a session later: nothing in it may be more than a path.
            let ours = rest.strip_suffix(&format!("/{FOLDER}/{}.{}", wanted.name, wanted.extension));
            let plain = ours.is_some_and(|home| home.is_empty() || home.starts_with('/')) && rest.len() <= PATH_BYTES_MAX && !rest.contains(char::is_control);
            if plain { Said::Done(rest.to_owned()) } else { Said::No(Refused::Home) }
        }
        ("no", ("home", _)) => Said::No(Refused::Home),
        ("no", ("folder", _)) => Said::No(Refused::Folder),
        ("no", ("file", _)) => Said::No(Refused::File),
        ("no", ("many", _)) => Said::No(Refused::Many),
        ("no", ("cut", _)) => Said::No(Refused::Cut),
        (_, (_, words)) => Said::No(Refused::Write(words.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted { name: "0123456789abcdef0123456789abcdef", extension: "png", bytes: 3, keep_minutes: 60, mark: "M" };

    #[test]
    fn only_our_own_words_are_read_and_a_path_is_a_path() {
        let at = |home: &str| format!("M done {home}/.muxboard-uploads/0123456789abcdef0123456789abcdef.png");
        assert_eq!(said("Welcome to web1", &WANTED), None);
        assert_eq!(said("Mready", &WANTED), None);
        assert_eq!(said("M ready\r\n", &WANTED), Some(Said::Ready));
        assert_eq!(said(&at("/home/ann b"), &WANTED), Some(Said::Done("/home/ann b/.muxboard-uploads/0123456789abcdef0123456789abcdef.png".into())));
        for home in ["home", "/home/\u{1b}[31m", "/home/\ny", "x /y"] {
            assert_eq!(said(&at(home), &WANTED), Some(Said::No(Refused::Home)), "{home:?}");
        }
        assert_eq!(said("M done /etc/passwd", &WANTED), Some(Said::No(Refused::Home)));
        assert_eq!(said("M no many", &WANTED), Some(Said::No(Refused::Many)));
        assert_eq!(said("M no file", &WANTED), Some(Said::No(Refused::File)));
        assert_eq!(
            said("M no write cat: write error: No space left on device", &WANTED),
            Some(Said::No(Refused::Write("cat: write error: No space left on device".into())))
        );
    }
}
