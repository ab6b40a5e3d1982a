//! The audit file as the rest of the server sees it: a place to put events that never waits for a disk. A thread of its own writes them; what it
//! cannot write is counted, said in the log, and recorded as soon as writing works again.

use super::disk::{Disk, Put};
use super::key::{Key, KeyUse};
use super::record::Entry;
use super::settings::{AuditSettings, Fsync};
use jiff::Timestamp;
use muxboard_core::audit::AuditEvent;
use muxboard_core::limits::{
    AUDIT_BATCH_EVENTS, AUDIT_CLOSE_SECONDS_MAX, AUDIT_FLUSH_RETRY_MS, AUDIT_FLUSH_SECONDS_MAX, AUDIT_HEAD_EVENTS, AUDIT_QUEUE_EVENTS, AUDIT_RETRY_MS,
    AUDIT_SYNC_MS,
};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A message to the thread that writes.
enum AuditMessage {
    Entry(Entry),
    /// Answers when all messages before it are on the disk.
    Flush(oneshot::Sender<()>),
}

/// An audit file that is written.
pub struct AuditFile {
    queue: RwLock<Option<SyncSender<AuditMessage>>>,
    fsync: Fsync,
    /// Events that found no place in the queue and are in no record yet.
    lost: Arc<AtomicU64>,
    /// The thread, and what tells that it ended.
    writer: Mutex<Option<(JoinHandle<()>, Receiver<()>)>>,
}

impl AuditFile {
    /// Opens the file and goes on with its chain.
    ///
    /// # Errors
    /// When the key or the file is not ours alone, when the file's last line is not of this key, or when it cannot be written: a sentence for the
    /// operator, with the line that mends it where there is one.
    pub fn open(settings: AuditSettings) -> io::Result<Self> {
        Self::open_with(settings, |mut file, bytes| file.write(bytes))
    }

    fn open_with(settings: AuditSettings, put: Put) -> io::Result<Self> {
        let key = Key::read(&settings.key_file, KeyUse::Write)?;
        let fsync = settings.fsync;
        let disk = Disk::open(settings, key, put)?;
        let (queue, waiting) = sync_channel(AUDIT_QUEUE_EVENTS);
        let (alive, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer =
            Writer { said: disk.last().n, disk, fsync, lost: lost.clone(), owed: 0, failing: false, unmarked: false, unsynced: false, synced: None };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || {
            writer.run(&waiting);
            drop(alive);
        })?;
        Ok(Self { queue: RwLock::new(Some(queue)), fsync, lost, writer: Mutex::new(Some((thread, ended))) })
    }

    /// Hands an event over, to be written soon. Never waits.
    pub fn write(&self, event: &AuditEvent) {
        let entry = AuditMessage::Entry(Entry::Event(Timestamp::now(), Box::new(event.clone())));
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        if queue.as_ref().is_none_or(|queue| queue.try_send(entry).is_err()) && self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            // The first alone: a log that is flooded helps nobody. The rest is in the count.
            tracing::error!("the audit file cannot take an event now: it is lost there, and counted");
        }
    }

    /// With [`Fsync::Always`]: waits until the events handed over so far are on the disk, or counted as lost; at most [`AUDIT_FLUSH_SECONDS_MAX`].
    pub(crate) async fn flush(&self) {
        if self.fsync != Fsync::Always {
            return;
        }
        let within = Duration::from_secs(AUDIT_FLUSH_SECONDS_MAX);
        if tokio::time::timeout(within, self.flushed()).await.is_err() {
            tracing::error!("the audit file is slow: what was done is answered before its record is on the disk");
        }
    }

    async fn flushed(&self) {
        let (told, heard) = oneshot::channel();
        let mut asked = AuditMessage::Flush(told);
        loop {
            let sent = self.queue.read().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(Ok(()), |queue| queue.try_send(asked));
            match sent {
                Err(TrySendError::Full(again)) => asked = again,
                Ok(()) | Err(TrySendError::Disconnected(_)) => break,
            }
            tokio::time::sleep(Duration::from_millis(AUDIT_FLUSH_RETRY_MS)).await;
        }
        let _ = heard.await;
    }

    /// Writes what is waiting and ends. Events that come later are lost.
    pub fn close(&self) {
        drop(self.queue.write().unwrap_or_else(PoisonError::into_inner).take());
        let Some((thread, ended)) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        // A disk that hangs must not keep the board from ending.
        if ended.recv_timeout(Duration::from_secs(AUDIT_CLOSE_SECONDS_MAX)) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the audit file does not take what is left: the disk hangs. Its last events are lost");
        } else if thread.join().is_err() {
            tracing::error!("the audit file's writer failed: its last events may be lost");
        }
    }
}

impl Drop for AuditFile {
    fn drop(&mut self) {
        self.close();
    }
}

/// The thread that writes.
struct Writer {
    disk: Disk,
    fsync: Fsync,
    lost: Arc<AtomicU64>,
    /// Events that the disk did not take and that are in no record yet.
    owed: u64,
    failing: bool,
    /// Whether how far the chain reaches could not be written.
    unmarked: bool,
    /// Whether lines wait to be forced to the disk, and when some last were.
    unsynced: bool,
    synced: Option<Instant>,
    /// The number of the last head that was said.
    said: u64,
}

impl Writer {
    fn run(&mut self, queue: &Receiver<AuditMessage>) {
        self.say_head();
        loop {
            let first = match self.patience() {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(patience) => queue.recv_timeout(patience),
            };
            let batch: Vec<AuditMessage> = match first {
                Ok(first) => std::iter::once(first).chain(queue.try_iter().take(AUDIT_BATCH_EVENTS - 1)).collect(),
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let (mut entries, mut waiting) = (Vec::new(), Vec::new());
            for queued in batch {
                match queued {
                    AuditMessage::Entry(entry) => entries.push(entry),
                    AuditMessage::Flush(told) => waiting.push(told),
                }
            }
            self.write(entries);
            if self.due().is_some_and(|due| due.is_zero()) {
                self.sync();
            }
            // Who gave up waiting hears nothing.
            for told in waiting {
                let _ = told.send(());
            }
        }
        self.write(Vec::new());
        self.sync();
        self.say_head();
    }

    /// How long the next event may be waited for.
    fn patience(&self) -> Option<Duration> {
        let retry = (self.owed > 0 || self.disk.is_unfinished()).then_some(Duration::from_millis(AUDIT_RETRY_MS));
        retry.into_iter().chain(self.due()).min()
    }

    /// In what time lines are to be forced to the disk.
    fn due(&self) -> Option<Duration> {
        match (self.unsynced, self.fsync, self.synced) {
            (false, ..) | (_, Fsync::Never, _) => None,
            (_, Fsync::Always, _) | (_, _, None) => Some(Duration::ZERO),
            // At once after a quiet second, and then once in each.
            (_, Fsync::Second, Some(last)) => Some(Duration::from_millis(AUDIT_SYNC_MS).saturating_sub(last.elapsed())),
        }
    }

    fn write(&mut self, events: Vec<Entry>) {
        let now = Timestamp::now();
        let (owed, unqueued) = (std::mem::take(&mut self.owed), self.lost.swap(0, Ordering::Relaxed));
        let lost = |events: u64| (events > 0).then_some(Entry::Lost(now, events));
        // What the disk did not take was before these, what found no place in the queue came after them.
        let entries: Vec<Entry> = lost(owed).into_iter().chain(events).chain(lost(unqueued)).collect();
        if entries.is_empty() && !self.disk.is_unfinished() {
            return;
        }
        let outcome = self.disk.write(&entries);
        self.owed = outcome.lost;
        match outcome.error {
            Some(error) if !self.failing => {
                tracing::error!("the audit file cannot be written: {error}. Events are lost there until it can, and counted");
                self.failing = true;
            }
            Some(_) => {}
            None => {
                if owed + unqueued > 0 || self.failing {
                    tracing::error!(lost = owed + unqueued, "the audit file is written again; it says how many events are missing");
                }
                self.failing = false;
                self.unsynced = true;
            }
        }
        // A head is said of lines that are on the disk: else a crash of the machine would look as if somebody had cut them.
        if self.fsync == Fsync::Never {
            self.say_head_if_due();
        }
    }

    fn sync(&mut self) {
        match self.disk.sync() {
            Ok(()) => {
                self.mark();
                self.say_head_if_due();
            }
            Err(error) => tracing::error!("the audit file is not on the disk for certain: {error}"),
        }
        self.unsynced = false;
        self.synced = Some(Instant::now());
    }

    /// Writes how far the chain reaches; that this fails is said once until it succeeds.
    fn mark(&mut self) {
        let ended = self.disk.mark();
        if let (Err(error), false) = (&ended, self.unmarked) {
            tracing::error!("how far the audit file reaches cannot be written: {error}");
        }
        self.unmarked = ended.is_err();
    }

    fn say_head_if_due(&mut self) {
        if self.disk.last().n / AUDIT_HEAD_EVENTS > self.said / AUDIT_HEAD_EVENTS {
            if self.fsync == Fsync::Never {
                self.mark();
            }
            self.say_head();
        }
    }

    /// Where the chain stands, for the system's log: an anchor that whoever rewrites the file does not reach.
    fn say_head(&mut self) {
        let head = self.disk.last();
        self.said = head.n;
        tracing::info!(target: "muxboard::audit", head = head.to_string(), "audit head");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::opening::all_to_read;
    use crate::audit::verify::{ChainReport, Verifier};
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn settings(folder: &Path) -> AuditSettings {
        let settings = AuditSettings::new(folder.join("audit"), folder.join("key"));
        fs::write(&settings.key_file, "k".repeat(44)).unwrap();
        fs::set_permissions(&settings.key_file, Permissions::from_mode(0o600)).unwrap();
        settings
    }

    fn event() -> AuditEvent {
        AuditEvent { who: "ops".into(), operation: "kill", result: "done".into(), ..AuditEvent::default() }
    }

    fn verdict(settings: &AuditSettings) -> ChainReport {
        let key = Key::read(&settings.key_file, KeyUse::Verify).unwrap();
        let mut verifier = Verifier::new(&key, &[]);
        for (_, file) in all_to_read(&settings.file).unwrap().into_iter().rev() {
            verifier.file("audit", io::BufReader::new(file)).unwrap();
        }
        verifier.end()
    }

    /// Until it holds; nothing here takes long unless it hangs.
    fn until(holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(20), "it never came to that");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    #[test]
    fn events_of_many_threads_are_all_there_after_closing() {
        for fsync in [Fsync::Always, Fsync::Second, Fsync::Never] {
            let folder = tempfile::tempdir().unwrap();
            let settings = AuditSettings { fsync, rotate_bytes: 20_000, keep: 100, ..settings(folder.path()) };
            let file = AuditFile::open(settings.clone()).unwrap();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..250).for_each(|_| file.write(&event())));
                }
            });
            file.close();
            file.write(&event()); // too late: lost, and no panic
            let seen = verdict(&settings);
            assert_eq!((seen.records, seen.lost, seen.findings.as_slice()), (1000, 0, &[][..]), "{fsync:?}");
            assert!(seen.files > 5);
        }
    }

    #[test]
    fn an_event_is_in_the_file_soon_and_nobody_has_to_close_it() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let file = AuditFile::open(settings.clone()).unwrap();
        file.write(&event());
        until(|| verdict(&settings).records == 1);
        file.write(&event());
        drop(file);
        assert_eq!(verdict(&settings).records, 2);
        assert!(AuditFile::open(settings).is_ok());
    }

    #[test]
    fn a_slow_disk_makes_nobody_wait_and_what_it_misses_is_said() {
        static OPEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        fn slow(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
            until(|| OPEN.load(Ordering::SeqCst));
            file.write(bytes)
        }
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let file = AuditFile::open_with(settings.clone(), slow).unwrap();
        let number = AUDIT_QUEUE_EVENTS + AUDIT_BATCH_EVENTS * 3;
        let began = Instant::now();
        (0..number).for_each(|_| file.write(&event()));
        assert!(began.elapsed() < Duration::from_secs(5));
        OPEN.store(true, Ordering::SeqCst);
        // It is said although nothing more happens.
        until(|| verdict(&settings).lost > 0);
        drop(file);
        let seen = verdict(&settings);
        // A disk that is slow from the start may miss some more while it says what it missed.
        let said = std::fs::read_to_string(&settings.file).unwrap().matches("\"lost\":").count() as u64;
        assert_eq!((seen.records - said + seen.lost, seen.findings.as_slice()), (number as u64, &[][..]));
    }

    #[test]
    fn a_disk_that_fails_is_tried_again_without_another_event() {
        static FULL: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);
        static FAILED: AtomicU64 = AtomicU64::new(0);
        fn failing(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
            if !FULL.load(Ordering::SeqCst) {
                return file.write(bytes);
            }
            FAILED.fetch_add(1, Ordering::SeqCst);
            Err(io::ErrorKind::StorageFull.into())
        }
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let file = AuditFile::open_with(settings.clone(), failing).unwrap();
        (0..3).for_each(|_| file.write(&event()));
        until(|| FAILED.load(Ordering::SeqCst) > 1);
        FULL.store(false, Ordering::SeqCst);
        until(|| verdict(&settings).lost > 0);
        drop(file);
        let seen = verdict(&settings);
        assert_eq!((seen.records - 1 + seen.lost, seen.findings.as_slice()), (3, &[][..]));
    }

    #[test]
    fn without_a_good_key_nothing_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        fs::set_permissions(&settings.key_file, Permissions::from_mode(0o644)).unwrap();
        let says = AuditFile::open(settings.clone()).map(|_| ()).unwrap_err().to_string();
        assert!(says.contains("others may read the audit key") && says.contains("chmod 600"), "{says}");
        assert!(!settings.file.exists());
    }
}
