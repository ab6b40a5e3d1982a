//! The audit's files at the start: opens them with the care that a folder of others needs, and finds where their chain ends.

use super::key::{Head, Key};
use super::record;
use super::settings::AuditSettings;
use muxboard_core::limits::{AUDIT_KEEP_FILES_MAX, AUDIT_LINE_BYTES_MAX, AUDIT_LOCK_MS, AUDIT_LOCK_MS_MAX};
use muxboard_core::shell::Script;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file that is written.
pub(crate) struct Open {
    pub(crate) file: File,
    /// Device and inode: whether the file of that name is still this one.
    pub(crate) identity: (u64, u64),
    pub(crate) bytes: u64,
}

/// The path of an older file: 1 is the newest of them.
pub(crate) fn older(path: &Path, number: usize) -> PathBuf {
    beside(path, &number.to_string())
}

/// The path `FILE.WORD`.
pub(super) fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{word}"));
    name.into()
}

/// The paths of the file and of all that may lie beside it, from the newest.
pub(crate) fn all(path: &Path) -> impl Iterator<Item = PathBuf> {
    std::iter::once(path.to_owned()).chain((1..=AUDIT_KEEP_FILES_MAX).map(|number| older(path, number)))
}

/// The folder of the files.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file to append to it, makes it if need be, and locks it.
///
/// # Errors
/// When it is no file of ours alone to write, or another process writes it.
pub(crate) fn to_write(path: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(careful());
    let file = options.open(path).map_err(in_words)?;
    let found = file.metadata()?;
    let word = Script::command(&[path.to_string_lossy()]);
    if !found.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    if found.uid() != geteuid().as_raw() {
        return Err(io::Error::other(format!("it belongs to somebody else: chown {} {}", geteuid().as_raw(), word.as_str())));
    }
    if found.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("others may write it: chmod 600 {}", word.as_str())));
    }
    // Two who write would each break the other's chain.
    lock(&file)?;
    Ok(Open { file, identity: (found.dev(), found.ino()), bytes: found.len() })
}

/// Locks a file, within [`AUDIT_LOCK_MS_MAX`]: what a muxboard that was just killed had begun to start keeps its files for a moment.
#[expect(clippy::disallowed_methods, reason = "the audit opens its files before the board serves, and later on a thread of its own")]
fn lock(file: &File) -> io::Result<()> {
    let began = Instant::now();
    while flock(file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if began.elapsed() > Duration::from_millis(AUDIT_LOCK_MS_MAX) {
            return Err(io::Error::other("another muxboard writes it: give each board a file of its own"));
        }
        std::thread::sleep(Duration::from_millis(AUDIT_LOCK_MS));
    }
    Ok(())
}

/// Opens a file to read it.
///
/// # Errors
/// When it is there and is no plain file, or cannot be read.
pub(crate) fn to_read(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().read(true).custom_flags(careful()).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(in_words)?,
    };
    if file.metadata()?.is_file() { Ok(Some(file)) } else { Err(io::Error::other("it is no plain file")) }
}

/// No link is followed, and no pipe waited for.
fn careful() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

fn in_words(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) { io::Error::other("it is a symbolic link: name the file itself") } else { error }
}

/// The file and the older ones beside it, from the newest, all open: what is renamed while they are read is neither missed nor read twice.
///
/// # Errors
/// When one of them cannot be read.
pub(crate) fn all_to_read(path: &Path) -> io::Result<Vec<(PathBuf, File)>> {
    let mut files: Vec<(PathBuf, File)> = Vec::new();
    let mut seen = Vec::new();
    for path in all(path) {
        let Some(file) = to_read(&path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))? else { continue };
        let found = file.metadata()?;
        let identity = (found.dev(), found.ino());
        if !seen.contains(&identity) {
            seen.push(identity);
            files.push((path, file));
        }
    }
    Ok(files)
}

/// The end of the chain: in the file, or, if that has no whole line yet, in the newest older one that has. With it what a crash left after it.
///
/// # Errors
/// When the last line is not one that this key made: it was edited, or the key is another. Going on would hide that.
pub(crate) fn end_of_chain(settings: &AuditSettings, key: &Key) -> io::Result<(Head, Vec<u8>)> {
    let mut torn = Vec::new();
    for path in all(&settings.file) {
        let Some(mut file) = to_read(&path)? else { continue };
        let end = ending(&mut file)?;
        let (lines, rest) = match end.iter().rposition(|b| *b == b'\n') {
            Some(last) => end.split_at_checked(last + 1).unwrap_or((&end, &[])),
            None => (&[][..], &end[..]),
        };
        torn.splice(..0, rest.iter().copied());
        if torn.len() > AUDIT_LINE_BYTES_MAX {
            return Err(io::Error::other("it is no audit file: its last line is too long"));
        }
        let mut lines = lines.rsplit(|b| *b == b'\n').skip(1);
        let Some(last) = lines.next() else { continue };
        let head = lines_head(key, last, lines.next());
        return head.map(|head| (head, torn)).ok_or_else(|| {
            let (shown, word) = (path.display(), Script::command(&[path.to_string_lossy()]));
            io::Error::other(format!(
                "the last line of {shown} was not written with this key: it was edited, or the key is another. Look at it with muxboard audit verify; \
                 to begin a new log, put it away: mv {0} {0}.away",
                word.as_str()
            ))
        });
    }
    Ok((Head { n: 0, mac: key.genesis() }, torn))
}

/// The number of the first record of a file. `None`: it has none.
pub(super) fn first_number(path: &Path) -> Option<u64> {
    let mut line = Vec::new();
    BufReader::new(to_read(path).ok()??).take(AUDIT_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).ok()?;
    Some(record::parts(line.strip_suffix(b"\n")?)?.record.n)
}

/// The last two lines of a file, and more.
fn ending(file: &mut File) -> io::Result<Vec<u8>> {
    let bytes = fs::File::metadata(file)?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(3 * AUDIT_LINE_BYTES_MAX as u64)))?;
    let mut end = Vec::new();
    file.take(3 * AUDIT_LINE_BYTES_MAX as u64).read_to_end(&mut end)?;
    Ok(end)
}

/// The head that a line is, if its code is right after the line before it.
fn lines_head(key: &Key, line: &[u8], before: Option<&[u8]>) -> Option<Head> {
    let parts = record::parts(line)?;
    let previous = parts.record.previous.or_else(|| before.and_then(record::parts).map(|before| before.mac))?;
    (key.seal(&previous, &parts.body) == parts.mac).then_some(Head { n: parts.record.n, mac: parts.mac })
}
