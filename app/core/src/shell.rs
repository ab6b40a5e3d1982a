//! Quoting for a POSIX shell. A [`Script`] is built from words only, each quoted here, and from the fixed frames in this file:
//! no text from outside reaches a shell in any other way.

use std::fmt;

/// A line for `sh`, made of quoted words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script(String);

impl Script {
    /// A simple command with every word quoted.
    pub fn command<W: AsRef<str>>(words: &[W]) -> Self {
        Self(words.iter().map(|w| quote(w.as_ref())).collect::<Vec<_>>().join(" "))
    }

    /// The command with its standard error in its output.
    pub fn with_complaints(command: &Script) -> Self {
        Self::frame("{} 2>&1", &[command])
    }

    /// Prints `yes` if a directory exists and may be entered, as seen from the home directory, else `no`.
    pub(crate) fn enters(path: &str, yes: &str, no: &str) -> Self {
        let word = |word: &str| Self::command(&["echo", word]);
        let frame = "CDPATH=; if cd && cd -- {} >/dev/null; then {}; else {}; fi 2>/dev/null";
        Self::frame(frame, &[&Self::command(&[path]), &word(yes), &word(no)])
    }

    /// The command, after removing the socket of the probe (a plain word).
    pub(crate) fn and_no_probe(command: &Script, probe: &str) -> Self {
        Self::frame("rm -f \"${TMUX_TMPDIR:-/tmp}/tmux-$(id -u)/\"{}; {}", &[&Self::command(&[probe]), command])
    }

    /// Runs `before SOCKET after`, with the socket's path as `read` prints it: its first line, absolute. Otherwise prints the complaint and ends with
    /// status 1.
    pub(crate) fn with_published(read: &Script, before: &Script, after: &Script, complaint: &Script) -> Self {
        Self::frame("s=$({} </dev/null | head -n 1); case $s in /*) exec {} \"$s\" {};; *) {}; exit 1;; esac", &[read, before, after, complaint])
    }

    /// Prints the mark, the process id and the terminal on one line, waits for a newline in answer, then becomes the command. tmux begins by throwing away
    /// input that nobody has read yet (`TCOFLUSH`).
    pub fn announced(mark: &str, command: &Script) -> Self {
        Self::frame("stty -echo; printf '%s %s %s\\n' {} \"$$\" \"$(tty)\"; read -r go; exec {}", &[&Self::command(&[mark]), command])
    }

    /// Prints facts about a machine for a check, as lines `name=value`.
    pub fn facts() -> Self {
        const FACTS: [(&str, &str); 9] = [
            ("system", "uname -sr"),
            ("account", "id -un"),
            ("tmux", "command -v tmux"),
            ("version", "tmux -V"),
            ("sudo", "command -v sudo"),
            ("utf8", "locale -a | grep -ci 'utf-*8'"),
            ("linger", "ls /var/lib/systemd/linger | tr '\\n' ' '"),
            ("kills", "cat /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf | grep -ci '^ *KillUserProcesses *= *\\(yes\\|true\\|on\\|1\\)'"),
            ("private", "grep -c '/systemd-private-.* /tmp ' /proc/self/mountinfo"),
        ];
        Self(FACTS.iter().map(|(name, command)| format!("printf '%s=%s\\n' {name} \"$({{ {command}; }} 2>/dev/null)\"")).collect::<Vec<_>>().join("; "))
    }

    /// One job for a shell that others use too: a subshell with an empty input, between a line that tells which job begins and one that tells which job
    /// ended and how. `eval` confines even a script that is no shell at all, and costs no process. The script finds the mark as `$M`: never among a
    /// process's arguments, which every account of a machine can read.
    pub fn job(&self, mark: &str) -> Self {
        let (script, mark) = (Self::command(&[self.as_str()]), Self::command(&[mark]));
        Self::frame("printf '\\n%s begins\\n' {}; (M={}; eval {}) </dev/null 2>/dev/null; printf '\\n%s done %s\\n' {} \"$?\"", &[&mark, &mark, &script, &mark])
    }

    /// What a [`job`](Self::job) prints before all else.
    pub fn job_begins(mark: &str) -> String {
        format!("\n{mark} begins\n")
    }

    /// What a [`job`](Self::job) prints after all else, before its exit code and a newline.
    pub fn job_done(mark: &str) -> String {
        format!("\n{mark} done ")
    }

    /// A [`job`](Self::job) with the mark and a colon before each of its lines, for a shell that another process writes into: the shell writes a line of less
    /// than 4 KiB at once (`PIPE_BUF`), and nothing comes between. It costs two processes and reads each byte by itself.
    pub fn guarded_job(&self, mark: &str) -> Self {
        let word = Self::command(&[mark]);
        // Not to the end of the output: what the job left behind may hold it open.
        let lines = "{ {}; } | while IFS= LC_ALL=C read -r l; do printf '%s:%s\\n' {} \"$l\"; case $l in {}' done '*) break; esac; done";
        Self::frame(lines, &[&self.job(mark), &word, &word])
    }

    /// The script, with a mark from the environment kept to itself: a tmux server that it starts would keep it for ever.
    pub(crate) fn with_mark(&self) -> Self {
        Self::frame("m=$M; unset M; M=$m; {}", &[self])
    }

    /// The script as a line that every login shell hands on unchanged: sh, bash, dash, zsh, fish, csh, tcsh. Bytes that they read differently are written
    /// as octal numbers for `printf %b` (POSIX), so that only quotes remain on which they all agree.
    pub fn for_login_shell(&self) -> Self {
        let mut out = String::from("exec sh -c 'eval \"$(printf %b \"");
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b" _./:=,+@-".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("\\0{byte:03o}"));
            }
        }
        out.push_str("\")\"'");
        Self(out)
    }

    /// A fixed frame with places `{}` for scripts. For this crate's own frames only: the frame is `'static`.
    pub(crate) fn frame(frame: &'static str, parts: &[&Script]) -> Self {
        let mut out = String::new();
        let mut parts = parts.iter();
        for (i, piece) in frame.split("{}").enumerate() {
            if i > 0 {
                out.push_str(parts.next().map_or("", |p| p.0.as_str()));
            }
            out.push_str(piece);
        }
        debug_assert!(parts.next().is_none(), "a script without a place in its frame");
        Self(out)
    }

    /// A fixed pattern for the names in a directory.
    pub(crate) fn pattern(pattern: &'static str) -> Self {
        Self(pattern.to_owned())
    }

    /// Scripts joined by a fixed separator.
    pub(crate) fn join(parts: &[Script], separator: &'static str) -> Self {
        Self(parts.iter().map(|p| p.0.as_str()).collect::<Vec<_>>().join(separator))
    }

    /// The script's text, for `sh -c`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One word as a shell reads it back unchanged. Single quotes keep everything but the single quote itself (POSIX 2.2.2). NUL cannot be in an argument at
/// all; it is left out.
fn quote(word: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"_@%+:,./-".contains(&b);
    if !word.is_empty() && word.bytes().all(safe) {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len() + 2);
    out.push('\'');
    for c in word.chars() {
        match c {
            '\'' => out.push_str("'\\''"),
            '\0' => {}
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted() {
        for (word, want) in [("", "''"), ("a", "a"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$x", "'$x'"), ("=ls", "'=ls'"), ("~", "'~'"), ("-n", "-n")] {
            assert_eq!(Script::command(&[word]).as_str(), want);
        }
    }

    #[test]
    fn frames_fill_their_places_in_order() {
        let (a, b) = (Script::command(&["a"]), Script::command(&["b c"]));
        assert_eq!(Script::frame("{ {}; {}; }", &[&a, &b]).as_str(), "{ a; 'b c'; }");
    }
}
