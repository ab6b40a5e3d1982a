//! The audit's files as they are written: lines go to the end of one, which is put aside when it is full. It knows no threads and no clock.
//!
//! What is in a file is never altered, not what a crash left at its end either: that file is put aside, and the next one's first line says so.

use super::key::{Head, Key};
use super::mark::{self, ChainMark};
use super::opening::{self, Open, older};
use super::record::{self, Entry, Torn};
use super::settings::{AuditSettings, Fsync};
use muxboard_core::limits::AUDIT_KEEP_FILES_MAX;
use muxboard_fleet::trust;
use std::fs::{self, File};
use std::io;
use std::mem;
use std::path::Path;

/// How bytes are put into a file: as `write(2)`. Tests have disks that fail.
pub(super) type Put = fn(&File, &[u8]) -> io::Result<usize>;

/// The files of one audit.
pub(super) struct Disk {
    settings: AuditSettings,
    key: Key,
    /// The file that is written. None after it could not be begun.
    open: Option<Open>,
    /// The end of the chain.
    last: Head,
    /// How far the chain reaches, as it was written last.
    mark: ChainMark,
    /// The rest of a line of which the disk took only a part.
    rest: Rest,
    /// The file is put aside before it would be longer.
    full_bytes: u64,
    put: Put,
}

#[derive(Default)]
struct Rest {
    text: Vec<u8>,
    /// So many events are lost if it is never written.
    events: u64,
}

/// How a write ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// So many events are not in the file.
    pub(super) lost: u64,
    /// Why.
    pub(super) error: Option<io::Error>,
}

/// Lines on their way into the file that is open.
#[derive(Default)]
struct Batch {
    text: Vec<u8>,
    lines: Vec<BatchLine>,
}

struct BatchLine {
    /// Where it ends in the batch.
    end: usize,
    /// The chain's end after it.
    head: Head,
    events: u64,
}

impl Disk {
    /// Opens the files and finds the end of their chain.
    ///
    /// # Errors
    /// When others may write the file, when another process does, when its last line is not of this key, or when it cannot be written; in words
    /// for the operator.
    pub(super) fn open(settings: AuditSettings, key: Key, put: Put) -> io::Result<Self> {
        let shown = settings.file.display().to_string();
        Self::opened(settings, key, put).map_err(|error| io::Error::new(error.kind(), format!("the audit file {shown}: {error}")))
    }

    fn opened(settings: AuditSettings, key: Key, put: Put) -> io::Result<Self> {
        trust::check_folder(opening::folder(&settings.file)).map_err(io::Error::other)?;
        let open = opening::to_write(&settings.file)?;
        let (end, torn) = opening::end_of_chain(&settings, &key)?;
        let mark = marked(&settings.file, &key, end);
        // What was cut off is missed by the next line: it goes on from where the chain was.
        let last = if end.n < mark.head().n { mark.head() } else { end };
        let mut disk = Self { full_bytes: settings.rotate_bytes, settings, key, open: Some(open), last, mark, rest: Rest::default(), put };
        disk.mark()?;
        if torn.is_empty() {
            disk.sync_folder();
        } else {
            disk.begin_after(&torn)?;
        }
        Ok(disk)
    }

    /// Begins the next file with what a crash left at the end of this one. It is written before anything is renamed: a disk that is still full
    /// must not have one old file after another put aside, and in the end removed, at each try to start.
    fn begin_after(&mut self, torn: &[u8]) -> io::Result<()> {
        let path = self.settings.file.clone();
        let mut new = path.clone().into_os_string();
        new.push(".new");
        absent_is_fine(fs::remove_file(&new))?;
        let begun = self.bytes() > 0;
        // Open, and so locked, until the new one has its name.
        let _old = self.open.replace(opening::to_write(Path::new(&new))?);
        let entry = Entry::Torn(jiff::Timestamp::now(), Torn::of(torn));
        let (text, head) = record::line(&self.key, &self.last, true, &entry)?;
        let batch = Batch { lines: vec![BatchLine { end: text.len(), head, events: entry.events() }], text };
        if let Err(error) = self.flush(&batch, &mut 0).and_then(|()| self.sync()) {
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        if begun {
            self.make_room()?;
        }
        fs::rename(&new, &path)?;
        self.sync_folder();
        Ok(())
    }

    /// The end of the chain.
    pub(super) fn last(&self) -> Head {
        self.last
    }

    /// Writes how far the chain reaches.
    pub(super) fn mark(&mut self) -> io::Result<()> {
        self.mark = self.mark.moved(self.last);
        self.mark.write(&self.settings.file, &self.key)
    }

    /// Whether a line waits to be finished.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.rest.text.is_empty()
    }

    /// Appends these. A line that the disk took a part of counts as written: the next call finishes it, whatever else that is to write.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Outcome {
        let (mut begun, mut given_up) = (0, 0);
        let error = self.append(entries, &mut begun, &mut given_up).err();
        Outcome { lost: given_up + entries.iter().skip(begun).map(Entry::events).sum::<u64>(), error }
    }

    /// Counts the entries that are in the chain, and the events of a half line that never will be whole.
    fn append(&mut self, entries: &[Entry], begun: &mut usize, given_up: &mut u64) -> io::Result<()> {
        self.find_again(given_up)?;
        self.finish()?;
        let (mut batch, mut last) = (Batch::default(), self.last);
        for entry in entries {
            let bytes = self.bytes() + batch.text.len() as u64;
            let (mut line, mut head) = record::line(&self.key, &last, bytes == 0, entry)?;
            if bytes > 0 && bytes + line.len() as u64 > self.full_bytes {
                self.flush(&mem::take(&mut batch), begun)?;
                self.rotate()?;
                (line, head) = record::line(&self.key, &last, self.bytes() == 0, entry)?;
            }
            batch.text.extend_from_slice(&line);
            batch.lines.push(BatchLine { end: batch.text.len(), head, events: entry.events() });
            last = head;
        }
        self.flush(&batch, begun)
    }

    fn bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.bytes)
    }

    /// Writes the lines, and counts those that are in the chain.
    fn flush(&mut self, batch: &Batch, begun: &mut usize) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Err(io::Error::other("there is no file")) };
        let mut done = 0;
        let ended = loop {
            let left = batch.text.get(done..).unwrap_or_default();
            if left.is_empty() {
                break Ok(());
            }
            match (self.put)(&open.file, left) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        open.bytes += done as u64;
        let mut start = 0;
        for line in &batch.lines {
            if start < done {
                self.last = line.head;
                self.rest = Rest { text: batch.text.get(done..line.end).unwrap_or_default().to_vec(), events: line.events };
                *begun += 1;
            }
            start = line.end;
        }
        ended
    }

    /// Writes what is left of the line that was begun.
    fn finish(&mut self) -> io::Result<()> {
        let rest = mem::take(&mut self.rest);
        if rest.text.is_empty() {
            return Ok(());
        }
        let batch = Batch { lines: vec![BatchLine { end: rest.text.len(), head: self.last, events: rest.events }], text: rest.text };
        let mut begun = 0;
        let ended = self.flush(&batch, &mut begun);
        if begun == 0 {
            self.rest = Rest { text: batch.text, events: rest.events };
        }
        ended
    }

    /// Looks whether the file of that name is still the one we write, and begins another if not: lines in a file that is gone are no record.
    fn find_again(&mut self, given_up: &mut u64) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        let path = &self.settings.file;
        let there = fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
        if let Some(open) = &self.open {
            if there == Some(open.identity) {
                return Ok(());
            }
            tracing::error!("the audit file {} was moved or removed while it was written; another is begun", path.display());
            if self.is_unfinished() {
                *given_up = mem::take(&mut self.rest).events;
            }
            self.open = None;
        }
        self.begin()
    }

    fn begin(&mut self) -> io::Result<()> {
        let open = opening::to_write(&self.settings.file)?;
        if open.bytes > 0 {
            return Err(io::Error::other("another file has its name, and it is not empty"));
        }
        self.open = Some(open);
        self.sync_folder();
        Ok(())
    }

    /// Puts the full file aside and begins another. If it cannot be put aside it grows on: a long file is better than none.
    fn rotate(&mut self) -> io::Result<()> {
        match self.put_aside() {
            Err(error) if self.open.is_some() => {
                tracing::error!("the audit file {} is full and cannot be put aside: {error}; it grows on", self.settings.file.display());
                self.full_bytes = self.bytes() + self.settings.rotate_bytes / 8;
                Ok(())
            }
            ended => {
                self.full_bytes = self.settings.rotate_bytes;
                ended
            }
        }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        if let Err(error) = self.sync() {
            tracing::error!("the audit file {} is put aside, but not on the disk for certain: {error}", self.settings.file.display());
        }
        self.make_room()?;
        self.open = None;
        self.begin()
    }

    /// Renames the file and the older ones, each to the next number, and removes those that are too many.
    fn make_room(&mut self) -> io::Result<()> {
        let keep = self.settings.keep.max(1);
        // Before anything goes: what goes without it was taken.
        let stays = opening::all(&self.settings.file).take(keep).collect::<Vec<_>>();
        if let Some(oldest) = stays.iter().rev().find_map(|file| opening::first_number(file)) {
            self.mark.oldest = oldest;
        }
        // Its head stays as it is: what was written last may be in a file that has no name yet.
        self.mark.write(&self.settings.file, &self.key)?;
        let path = &self.settings.file;
        // More were kept once: left where they are they would be a gap.
        for number in keep + 1..=AUDIT_KEEP_FILES_MAX {
            absent_is_fine(fs::remove_file(older(path, number)))?;
        }
        for number in (1..keep).rev() {
            absent_is_fine(fs::rename(older(path, number), older(path, number + 1)))?;
        }
        fs::rename(path, older(path, 1))
    }

    /// Waits until what was written is on the disk, unless that is not wanted.
    pub(super) fn sync(&self) -> io::Result<()> {
        match &self.open {
            Some(open) if self.settings.fsync != Fsync::Never => open.file.sync_data(),
            _ => Ok(()),
        }
    }

    /// Forces the names of the files to the disk. Some file systems cannot: the lines are safe all the same.
    fn sync_folder(&self) {
        if self.settings.fsync != Fsync::Never {
            let _ = File::open(opening::folder(&self.settings.file)).and_then(|folder| folder.sync_all());
        }
    }
}

/// How far the chain reaches by its mark, and what does not agree with it said to the log.
fn marked(file: &Path, key: &Key, end: Head) -> ChainMark {
    let first = opening::all(file).collect::<Vec<_>>().iter().rev().find_map(|file| opening::first_number(file));
    let (shown, path) = (file.display(), mark::path(file));
    match ChainMark::read(file, key) {
        Ok(Some(mark)) => {
            if end.n < mark.head().n {
                tracing::error!("the audit file {shown} ends at record {}, and {} were written: the rest was removed", end.n, mark.head().n);
            } else if end.n == mark.head().n && end != mark.head() {
                tracing::error!("the audit file {shown} was written anew: its record {} is another one", end.n);
            }
            if let Some(first) = first.filter(|first| *first > mark.oldest) {
                tracing::error!("the audit file {shown} begins at record {first}, and {} is the oldest that is kept: a file was removed", mark.oldest);
            }
            mark
        }
        Ok(None) if end.n == 0 => ChainMark::new(1, end, 0),
        found => {
            let why = found.err().map_or_else(|| "it is not there".to_owned(), |error| error.to_string());
            tracing::error!("how far the audit file {shown} reaches is not known: {}: {why}. It is made anew", path.display());
            ChainMark::new(first.unwrap_or(end.n + 1), end, end.n)
        }
    }
}

fn absent_is_fine(ended: io::Result<()>) -> io::Result<()> {
    match ended {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify::{ChainReport, Verifier};
    use jiff::Timestamp;
    use muxboard_core::audit::AuditEvent;
    use std::cell::Cell;
    use std::io::{BufReader, Write};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    thread_local! {
        /// What this test's disk still has room for.
        static ROOM: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    fn put(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        let room = ROOM.get();
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = file.write(&bytes[..bytes.len().min(room)])?;
        ROOM.set(if room == usize::MAX { room } else { room - written });
        Ok(written)
    }

    fn key() -> Key {
        Key::of("k".repeat(32).as_bytes()).unwrap()
    }

    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
        fn settings(&self) -> AuditSettings {
            AuditSettings { fsync: Fsync::Never, ..AuditSettings::new(self.0.path().join("audit"), self.0.path().join("key")) }
        }
        fn open(&self) -> Disk {
            self.try_open().unwrap_or_else(|says| panic!("{says}"))
        }
        fn try_open(&self) -> Result<Disk, String> {
            Disk::open(self.settings(), key(), put).map_err(|error| error.to_string())
        }
        fn refused(&self) -> String {
            self.try_open().map(|_| ()).unwrap_err()
        }
        fn text(&self, number: usize) -> String {
            fs::read_to_string(self.path(number)).unwrap_or_default()
        }
        fn path(&self, number: usize) -> std::path::PathBuf {
            if number == 0 { self.settings().file } else { older(&self.settings().file, number) }
        }
        fn verdict(&self) -> ChainReport {
            let key = key();
            let mut verifier = Verifier::new(&key, &[]);
            for (path, file) in opening::all_to_read(&self.settings().file).unwrap().into_iter().rev() {
                verifier.file(path.file_name().unwrap().to_str().unwrap(), BufReader::new(file)).unwrap();
            }
            verifier.end()
        }
        fn good(&self, records: u64) -> ChainReport {
            let verdict = self.verdict();
            assert_eq!((verdict.findings.as_slice(), verdict.records), (&[][..], records));
            verdict
        }
    }

    fn events(number: usize) -> Vec<Entry> {
        let event = AuditEvent { who: "ops".into(), operation: "kill", result: "done".into(), ..AuditEvent::default() };
        (0..number).map(|_| Entry::Event(Timestamp::UNIX_EPOCH, Box::new(event.clone()))).collect()
    }

    fn wrote(disk: &mut Disk, number: usize) {
        let outcome = disk.write(&events(number));
        assert!(outcome.error.is_none() && outcome.lost == 0, "{outcome:?}");
    }

    #[test]
    fn the_chain_goes_on_from_start_to_start() {
        let world = World::new();
        for _ in 0..3 {
            wrote(&mut world.open(), 2);
        }
        world.open(); // and one that had nothing to say
        let verdict = world.good(6);
        assert_eq!(verdict.last, Some(world.open().last()));
        assert_eq!(fs::metadata(world.path(0)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(world.text(0).matches("\"previous\"").count(), 1);
    }

    #[test]
    fn a_file_that_is_not_ours_alone_to_write_is_refused() {
        let world = World::new();
        let file = world.path(0);
        symlink(world.0.path().join("elsewhere"), &file).unwrap();
        assert!(world.refused().contains("symbolic link"));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        world.refused();
        fs::remove_dir(&file).unwrap();
        wrote(&mut world.open(), 1);
        for mode in [0o620, 0o602] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert!(world.refused().contains("others may write it: chmod 600 "));
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let writing = world.open();
        assert!(world.refused().contains("another muxboard writes it"));
        drop(writing);
        if rustix::process::geteuid().is_root() {
            chown(&file, Some(65534), None).unwrap();
            assert!(world.refused().contains("it belongs to somebody else: chown 0 "));
        }
        let nowhere = AuditSettings::new(world.0.path().join("no/audit"), world.path(1));
        assert!(Disk::open(nowhere, key(), put).map(|_| ()).unwrap_err().to_string().contains("no/audit"));
    }

    #[test]
    fn a_last_line_of_another_key_or_hand_is_not_gone_on_from() {
        let world = World::new();
        wrote(&mut world.open(), 3);
        let says = Disk::open(world.settings(), Key::of("x".repeat(32).as_bytes()).unwrap(), put).map(|_| ()).unwrap_err().to_string();
        assert!(says.contains("was not written with this key") && says.contains("mv "), "{says}");
        let text = world.text(0);
        for edited in [text.clone() + "hello\n", text.replace("ops", "spo"), text.clone() + "\n"] {
            fs::write(world.path(0), edited).unwrap();
            assert!(world.refused().contains("the last line of"));
        }
        fs::write(world.path(0), text.clone() + &"x".repeat(500_000)).unwrap();
        assert!(world.refused().contains("too long"));
        fs::write(world.path(0), text).unwrap();
        wrote(&mut world.open(), 1);
        world.good(4);
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_chain_goes_on() {
        let world = World::new();
        let settings = AuditSettings { rotate_bytes: 800, keep: 3, ..world.settings() };
        let open = |settings: &AuditSettings| Disk::open(settings.clone(), key(), put).unwrap();
        let mut disk = open(&settings);
        wrote(&mut disk, 10); // several files in one write
        wrote(&mut disk, 1);
        let verdict = world.good(11);
        assert!(verdict.files >= 3 && verdict.first == Some(1), "{verdict:?}");
        for _ in 0..30 {
            wrote(&mut disk, 1);
        }
        drop(disk);
        let verdict = world.verdict();
        assert_eq!((verdict.files, verdict.findings.as_slice(), verdict.last.unwrap().n), (4, &[][..], 41));
        assert!(verdict.first > Some(20) && !world.path(4).exists());
        assert!((0..4).all(|n| world.text(n).len() <= 800 && world.text(n).lines().next().unwrap().contains("\"previous\"")));
        // Fewer are kept from now on: what is too many goes, so that no gap stays.
        let mut disk = open(&AuditSettings { keep: 1, ..settings });
        wrote(&mut disk, 6);
        assert!(world.path(1).exists() && !world.path(2).exists() && !world.path(3).exists());
        assert_eq!(world.verdict().findings, []);
    }

    #[test]
    fn a_file_that_is_renamed_while_the_files_are_opened_is_read_once() {
        let world = World::new();
        wrote(&mut world.open(), 2);
        fs::hard_link(world.path(0), world.path(1)).unwrap();
        assert_eq!(world.good(2).files, 1);
    }

    #[test]
    fn what_a_crash_left_is_put_aside_as_it_is() {
        let world = World::new();
        wrote(&mut world.open(), 2);
        let torn = world.text(0) + "{\"n\":3,\"at\":\"20";
        fs::write(world.path(0), &torn).unwrap();
        let mut disk = world.open();
        wrote(&mut disk, 1);
        drop(disk);
        assert_eq!(world.text(1), torn);
        assert!(world.text(0).lines().next().unwrap().contains("\"torn\":{\"bytes\":15,"), "{}", world.text(0));
        assert_eq!(world.good(4).torn, 1);
        // And once more while that first line was written: two halves, one after the other.
        fs::rename(world.path(1), world.path(2)).unwrap();
        fs::write(world.path(1), "{\"n\":3").unwrap();
        fs::remove_file(world.path(0)).unwrap();
        wrote(&mut world.open(), 1);
        assert!(world.text(0).contains("\"torn\":{\"bytes\":21,"), "{}", world.text(0));
        assert_eq!(world.good(4).torn, 1);
    }

    #[test]
    fn a_crash_between_two_files_loses_no_chain() {
        let world = World::new();
        wrote(&mut world.open(), 2);
        fs::rename(world.path(0), world.path(1)).unwrap();
        wrote(&mut world.open(), 1);
        world.good(3);
        fs::write(world.path(0), "").unwrap();
        assert_eq!(world.open().last().n, 2);
    }

    #[test]
    fn a_full_disk_loses_events_and_no_line() {
        let world = World::new();
        for room in 0..900 {
            let _ = fs::remove_file(world.path(0));
            let mut disk = world.open();
            wrote(&mut disk, 1);
            ROOM.set(room);
            let outcome = disk.write(&events(3));
            ROOM.set(0);
            assert_eq!(disk.write(&events(2)).lost, 2, "{room}");
            ROOM.set(usize::MAX);
            let lost = outcome.lost + 2;
            assert!(disk.write(&[Entry::Lost(Timestamp::UNIX_EPOCH, lost)]).error.is_none());
            wrote(&mut disk, 1);
            let verdict = world.good(1 + 3 - outcome.lost + 2);
            assert_eq!(verdict.lost, lost, "{room}");
        }
    }

    #[test]
    fn a_start_on_a_full_disk_changes_nothing_however_often_it_is_tried() {
        let world = World::new();
        wrote(&mut world.open(), 2);
        let (whole, torn) = (world.text(0), world.text(0) + "{\"n\":3");
        fs::write(world.path(1), &whole).unwrap();
        for left in ["{\"n\":3", &torn] {
            fs::write(world.path(0), left).unwrap();
            for room in [0, 1, 100] {
                ROOM.set(room);
                assert!(world.refused().contains("no storage space"), "{}", world.refused());
                assert_eq!((world.text(0).as_str(), world.text(1)), (left, whole.clone()));
                assert_eq!(fs::read_dir(world.0.path()).unwrap().count(), 3, "with the mark");
            }
            ROOM.set(usize::MAX);
            wrote(&mut world.open(), 1);
            assert_eq!((world.text(1).as_str(), world.text(0).lines().count()), (left, 2));
            fs::remove_file(world.path(2)).unwrap();
            fs::write(world.path(1), &whole).unwrap();
        }
    }

    #[test]
    fn a_full_disk_and_then_a_crash_is_a_torn_line() {
        let world = World::new();
        let mut disk = world.open();
        wrote(&mut disk, 1);
        ROOM.set(30);
        assert_eq!(disk.write(&events(2)).lost, 1);
        assert!(disk.is_unfinished());
        drop(disk);
        ROOM.set(usize::MAX);
        wrote(&mut world.open(), 1);
        assert_eq!(world.good(3).torn, 1);
    }

    #[test]
    fn a_file_that_is_taken_away_is_begun_anew_and_the_chain_tells() {
        let world = World::new();
        let mut disk = world.open();
        wrote(&mut disk, 2);
        fs::rename(world.path(0), world.path(1)).unwrap(); // as a person would rotate it
        wrote(&mut disk, 1);
        world.good(3);
        fs::remove_file(world.path(0)).unwrap();
        wrote(&mut disk, 1);
        assert!(world.verdict().findings[0].says.contains("record 3 is missing"));
        // Another file in its place is not written to.
        fs::remove_file(world.path(0)).unwrap();
        fs::write(world.path(0), "hello\n").unwrap();
        assert_eq!(disk.write(&events(2)).lost, 2);
        assert_eq!(world.text(0), "hello\n");
        fs::remove_file(world.path(0)).unwrap();
        wrote(&mut disk, 1);
    }
}
