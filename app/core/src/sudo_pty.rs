//! The pty that sudo puts between a terminal and what it runs there (`use_pty`, the default since sudo 1.9.14): the script that finds it, and the
//! reader of what that prints.
//!
//! sudo stays on the terminal it was started on and forks a monitor, which leads a session of its own on the new pty; tmux, below the monitor, names
//! that pty in its list of clients. sudo's only child therefore has the terminal that tmux knows.

use crate::shell::Script;

/// Prints the controlling terminal of each child of a process, one on a line: Linux's device number, on other systems the name that `ps` gives.
///
/// On Linux the script starts no program, so that none needs to be installed. Nothing is printed where `/proc` hides other accounts' processes
/// (`hidepid`): sudo's monitor is root's.
pub fn script(pid: u32) -> Script {
    // The second field of `stat`, a program's name, may hold blanks and brackets: what counts begins after its last bracket.
    const FRAME: &str = "p={}; f=/proc/$p/task/$p/children; c=; if [ -r $f ]; then read -r c <$f; for q in $c; do read -r s </proc/$q/stat && set -- ${s##*) } \
                         && echo \"$5\"; done; else ps -A -o ppid= -o tty= | while read -r q t; do [ \"$q\" != $p ] || echo \"$t\"; done; fi";
    Script::frame(FRAME, &[&Script::command(&[pid.to_string()])])
}

/// Reads what [`script`] printed: the first terminal that is not `outer`, the one sudo was started on.
pub fn read(answer: &str, outer: &str) -> Option<String> {
    answer.lines().filter_map(terminal).find(|tty| tty != outer)
}

/// A terminal's path, from Linux's device number or from a name as `ps` prints it.
fn terminal(word: &str) -> Option<String> {
    let word = word.trim();
    match word.parse::<u32>() {
        Ok(device) => pts(device).map(|number| format!("/dev/pts/{number}")),
        Err(_) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => Some(format!("/dev/{word}")),
        Err(_) => None,
    }
}

/// A pty's number from its device number, as `/proc/PID/stat` has it: the minor in bits 0 to 7 and 20 to 31, the major, 136 to 143 for ptys, in bits
/// 8 to 19 (proc(5), the kernel's `new_encode_dev`).
fn pts(device: u32) -> Option<u32> {
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    (136..=143).contains(&major).then(|| minor + (major - 136) * 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_read_from_a_device_number_and_from_a_name() {
        for (answer, found) in [
            ("34821\n", Some("/dev/pts/5")),
            ("34816\n", Some("/dev/pts/0")),
            ("1083479\n", Some("/dev/pts/343")),
            ("ttys005\n", Some("/dev/ttys005")),
            ("pts/7 \n", Some("/dev/pts/7")),
            // sudo's child before it has a terminal of its own, one with none, and no answer at all.
            ("34819\n", None),
            ("34819\n34820\n", Some("/dev/pts/4")),
            ("0\n", None),
            ("?\n??\n-\n", None),
            ("1025\n", None),
            ("", None),
        ] {
            assert_eq!(read(answer, "/dev/pts/3").as_deref(), found, "{answer:?}");
        }
    }

    #[test]
    fn the_script_holds_no_word_but_a_number() {
        assert!(script(4711).as_str().starts_with("p=4711; "));
    }
}
