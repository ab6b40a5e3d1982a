//! Checks that only this account and root can change a trusted file: the file itself, every folder above it, every symbolic link on the way to it. The rule is
//! that of sshd's `StrictModes`.

use muxboard_core::limits::LINKS_MAX;
use muxboard_core::shell::Script;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Write permission of the group and of everybody else.
const GROUP_AND_OTHERS: u32 = 0o022;
/// Write permission of everybody else.
const OTHERS: u32 = 0o002;
/// In a folder with this bit only an entry's owner can rename or remove it.
const STICKY: u32 = 0o1000;

/// Checks that nobody else can change a file. A file that does not exist passes: opening it fails.
///
/// # Errors
/// One sentence for the operator, with the line that mends it.
pub fn check_file(path: &Path) -> Result<(), String> {
    walk(path, GROUP_AND_OTHERS, true)
}

/// Checks that nobody else can add, rename or remove the entries of a folder. A folder that does not exist passes.
///
/// # Errors
/// As [`check_file`].
pub fn check_folder(path: &Path) -> Result<(), String> {
    walk(path, GROUP_AND_OTHERS, false)
}

/// As [`check_folder`], for a folder that its group shares on purpose.
///
/// # Errors
/// As [`check_file`].
pub fn check_shared_folder(path: &Path) -> Result<(), String> {
    walk(path, OTHERS, false)
}

/// Walks from `/` to the end of a path as the kernel would. `writers` are the bits of the mode that nothing on the way may have; a sticky folder may, except
/// as the end of the path where `sticky_end` does not allow it.
fn walk(path: &Path, writers: u32, sticky_end: bool) -> Result<(), String> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut at = PathBuf::from("/");
    let mut left: Vec<OsString> = Vec::new();
    let mut links = 0;
    push(&mut left, &whole);
    if let Ok(found) = fs::metadata(&at) {
        safe(&at, &found, writers, sticky_end || !left.is_empty())?;
    }
    while let Some(part) = left.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        // What cannot be looked at cannot be opened either.
        let Ok(found) = fs::symlink_metadata(&next) else { return Ok(()) };
        owned(&next, &found)?;
        if !found.is_symlink() {
            safe(&next, &found, writers, sticky_end || !left.is_empty())?;
            at = next;
            continue;
        }
        links += 1;
        let Ok(target) = fs::read_link(&next) else { return Ok(()) };
        if links > LINKS_MAX {
            return Err(format!("{} leads through more than {LINKS_MAX} links", whole.display()));
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        push(&mut left, &target);
    }
    Ok(())
}

/// Puts the parts of a path in front of those that are left.
fn push(left: &mut Vec<OsString>, path: &Path) {
    left.extend(path.components().rev().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir)).map(|part| part.as_os_str().to_owned()));
}

fn owned(path: &Path, found: &Metadata) -> Result<(), String> {
    let own = geteuid().as_raw();
    if found.uid() == 0 || found.uid() == own {
        return Ok(());
    }
    let (shown, word) = (path.display(), word(path));
    Err(format!("{shown} belongs to another account (uid {}), which can change it: chown {own} {word}, or choose another place", found.uid()))
}

fn safe(path: &Path, found: &Metadata, writers: u32, sticky: bool) -> Result<(), String> {
    owned(path, found)?;
    let (mode, shown, word) = (found.mode(), path.display(), word(path));
    let is_sticky = found.is_dir() && mode & STICKY != 0;
    if mode & writers == 0 || sticky && is_sticky {
        return Ok(());
    }
    let bits = if writers == OTHERS { "o-w" } else { "go-w" };
    Err(match (found.is_dir(), is_sticky) {
        (false, _) => format!("others may write {shown}: chmod {bits} {word}"),
        (true, true) => format!("others may write in {shown}: choose a folder of your own"),
        (true, false) => format!("others may write in {shown}: chmod {bits} {word}, or choose another place"),
    })
}

/// The path as one word of a shell.
fn word(path: &Path) -> String {
    Script::command(&[path.to_string_lossy()]).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// `TEMPORARY/above/file`, of this account alone.
    fn world() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let world = tempfile::tempdir().unwrap();
        let above = world.path().join("above");
        fs::create_dir(&above).unwrap();
        let path = above.join("file");
        fs::write(&path, "").unwrap();
        mode(&above, 0o755);
        mode(&path, 0o644);
        (world, above, path)
    }

    #[test]
    fn a_file_that_others_can_change_is_refused_with_the_line_that_mends_it() {
        let (_world, above, path) = world();
        assert_eq!((check_file(&path), check_folder(&above)), (Ok(()), Ok(())));
        for bits in [0o664, 0o646, 0o666] {
            mode(&path, bits);
            assert_eq!(check_file(&path), Err(format!("others may write {0}: chmod go-w {0}", path.display())), "{bits:o}");
        }
        mode(&path, 0o600);
        for bits in [0o775, 0o757, 0o777] {
            mode(&above, bits);
            let says = format!("others may write in {0}: chmod go-w {0}, or choose another place", above.display());
            assert_eq!((check_file(&path), check_folder(&above)), (Err(says.clone()), Err(says)), "{bits:o}");
        }
        assert!(check_file(&above.join("not there")).is_err(), "somebody else could make it");
        mode(&above, 0o770);
        assert_eq!(check_shared_folder(&above), Ok(()));
        mode(&above, 0o757);
        assert!(check_shared_folder(&above).is_err());
        // In a sticky folder nobody can touch what is another's; what is made there can be taken by whoever comes first.
        mode(&above, 0o1777);
        assert_eq!((check_file(&path), check_folder(&above).is_err(), check_shared_folder(&above).is_err()), (Ok(()), true, true));
        mode(&above, 0o755);
        assert_eq!(check_file(&above.join("not there/at all")), Ok(()));
    }

    #[test]
    fn a_link_is_as_safe_as_every_folder_on_its_way() {
        let (world, above, path) = world();
        let (open, link) = (world.path().join("open"), world.path().join("link"));
        fs::create_dir(&open).unwrap();
        symlink("open/../above/file", &link).unwrap();
        assert_eq!(check_file(&link), Ok(()));
        mode(&path, 0o666);
        assert!(check_file(&link).is_err());
        mode(&path, 0o644);
        let there = open.join("link");
        symlink(&path, &there).unwrap();
        assert_eq!(check_file(&there), Ok(()));
        mode(&open, 0o777);
        assert!(check_file(&there).is_err(), "the link can be put elsewhere");
        symlink(&there, above.join("second")).unwrap();
        assert!(check_file(&above.join("second")).is_err(), "a link on the way of a link");
        symlink("loop", world.path().join("loop")).unwrap();
        assert!(check_file(&world.path().join("loop")).unwrap_err().contains("links"));
    }

    #[test]
    fn another_accounts_file_folder_or_link_is_refused() {
        if !geteuid().is_root() {
            return;
        }
        let (world, above, path) = world();
        let link = world.path().join("link");
        symlink(&path, &link).unwrap();
        let to = |path: &Path, uid| std::os::unix::fs::lchown(path, Some(uid), None).unwrap();
        for changed in [&path, &above, &link] {
            to(changed, 65534);
            let says = check_file(&link).unwrap_err();
            assert!(says.starts_with(&format!("{} belongs to another account (uid 65534)", changed.display())), "{says}");
            to(changed, 0);
        }
        chown(&above, Some(65534), None).unwrap();
        mode(&above, 0o1777);
        assert!(check_file(&path).is_err(), "the owner of a sticky folder can rename what is in it");
    }
}
