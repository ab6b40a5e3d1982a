//! Files from a page into an account: written as that user, by the one way that the documented sudoers line leaves, over a channel of their own.

use crate::error::ActionError;
use crate::exec::{self, Bounds, PipedProcess};
use crate::fleet::{Expiry, Fleet};
use crate::lock::lock;
use crate::random::sentinel;
use crate::slots::Slot;
use crate::transport::{ChannelPermit, Purpose, Transport};
use muxboard_core::argv;
use muxboard_core::audit::{AuditEvent, CommandTrace};
use muxboard_core::fault::Fault;
use muxboard_core::hex;
use muxboard_core::inventory::{Host, User};
use muxboard_core::limits::{
    ACTION_BYTES_MAX, ACTION_SECONDS_MAX, NOISE_BYTES_MAX, SSH_WORDS_BYTES_MAX, UPLOAD_ANSWER_SECONDS_MAX, UPLOAD_BYTES_MAX, UPLOAD_BYTES_PER_SECOND_MIN,
    UPLOAD_EXPIRE_LATE_SECONDS, UPLOAD_HOURS, UPLOAD_UNDER_WAY_BYTES_MAX,
};
use muxboard_core::outcome::{self, Acted};
use muxboard_core::policy::{Permit, Upload};
use muxboard_core::shell::Script;
use muxboard_core::snapshot::Place;
use muxboard_core::ssh_words::of_ssh;
use muxboard_core::upload::{self, Said, Wanted};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// The limits of uploads, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// The largest file, in bytes.
    pub bytes_max: u64,
    /// How long an uploaded file is kept.
    pub keep: Duration,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self { bytes_max: UPLOAD_BYTES_MAX, keep: Duration::from_secs(UPLOAD_HOURS * 3600) }
    }
}

/// An upload under way. Dropped before its end, it leaves no file behind.
pub struct Uploading {
    channel: Option<Channel>,
    file: File,
    given: u64,
    hash: Sha256,
    fleet: Arc<Fleet>,
    permit: Permit<Upload>,
    keep: Duration,
    reported: bool,
    _slot: Slot,
}

/// The file that is uploaded.
struct File {
    name: String,
    mark: String,
    extension: String,
    bytes: u64,
    keep: Duration,
}

impl File {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { name: &self.name, mark: &self.mark, extension: &self.extension, bytes: self.bytes, keep_minutes: self.keep.as_secs() / 60 }
    }
}

impl Fleet {
    /// Starts the upload of one file of exactly `bytes` bytes. `extension` tells its type, in letters and digits.
    ///
    /// # Errors
    /// Nothing was written then.
    pub async fn upload(self: &Arc<Self>, permit: Permit<Upload>, limits: UploadLimits, extension: &str, bytes: u64) -> Result<Uploading, ActionError> {
        let file = File { name: sentinel(), mark: sentinel(), extension: extension.to_owned(), bytes, keep: limits.keep };
        let opened = async {
            let (entry, user) = self.at(permit.place())?;
            if self.session_exists(permit.place(), permit.operation().session) == Some(false) {
                return Err(ActionError::Gone);
            }
            let slot = self.uploads.take(&permit.principal().name).ok_or(ActionError::UploadsReached)?;
            let channel = Channel::open(&entry.host, &entry.transport, &user, &file).await?;
            Ok((channel, slot))
        };
        let opened = opened.await;
        match opened {
            Ok((channel, slot)) => {
                // Whatever becomes of it: a file that arrives after we gave it up is there.
                self.expire_later(permit.place().clone(), limits.keep);
                Ok(Uploading {
                    channel: Some(channel),
                    file,
                    given: 0,
                    hash: Sha256::new(),
                    fleet: self.clone(),
                    permit,
                    keep: limits.keep,
                    reported: false,
                    _slot: slot,
                })
            }
            Err(failed) => {
                self.report(&permit, None, &Err::<(), _>(failed.clone()));
                Err(failed)
            }
        }
    }

    /// Takes over a changed limit on how long uploaded files are kept, for those that are there already.
    pub fn keep_uploads(&self, keep: Duration) {
        lock(&self.expiring).values().for_each(|scheduled| scheduled.send_modify(|expiry| *expiry = expiry.kept_for(keep)));
    }

    /// Schedules the removal of a user's old files for when this file is too old, with one task for each user: at the earliest moment that any upload
    /// asked for, and once more at the latest. (After a restart the next upload does it.)
    fn expire_later(self: &Arc<Self>, place: Place, keep: Duration) {
        let late = Duration::from_secs(UPLOAD_EXPIRE_LATE_SECONDS);
        let due = Instant::now() + self.settings.expire_after.unwrap_or(keep + late);
        let mut expiring = lock(&self.expiring);
        if let Some(scheduled) = expiring.get(&place) {
            scheduled.send_modify(|expiry| *expiry = expiry.with(due, keep));
            return;
        }
        let (scheduled, mut expiry) = watch::channel(Expiry { first: due, last: due, keep });
        expiring.insert(place.clone(), scheduled);
        drop(expiring);
        let fleet = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let Expiry { first, keep, .. } = *expiry.borrow_and_update();
                tokio::select! {
                    () = sleep_until(first) => {}
                    // A lowered limit may have moved the moment.
                    changed = expiry.changed() => if changed.is_ok() { continue } else { return },
                }
                let Some(fleet) = fleet.upgrade() else { return };
                if let Ok((entry, user)) = fleet.at(&place) {
                    let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX), bytes: ACTION_BYTES_MAX };
                    let script = upload::expire(&user, keep.as_secs() / 60, &sentinel());
                    // A host that is not there now: the next upload removes it.
                    let _ = entry.transport.run(&entry.host, &script, bounds, Purpose::Look).await;
                }
                let mut expiring = lock(&fleet.expiring);
                if expiry.borrow().last <= first {
                    expiring.remove(&place);
                    return;
                }
                // Another file came meanwhile.
                if let Some(scheduled) = expiring.get(&place) {
                    scheduled.send_modify(|expiry| expiry.first = expiry.last);
                }
            }
        });
    }
}

impl Uploading {
    /// The permit that the upload was started with.
    pub fn permit(&self) -> &Permit<Upload> {
        &self.permit
    }

    /// Sends the next bytes of the file.
    ///
    /// # Errors
    /// When the file is not taken; nothing of it is there.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ActionError> {
        let Some(channel) = &mut self.channel else { return Err(ActionError::Here("the upload is over".into())) };
        let within = Duration::from_secs(UPLOAD_ANSWER_SECONDS_MAX);
        self.given += bytes.len() as u64;
        self.hash.update(bytes);
        match timeout(within, channel.process.write(bytes)).await {
            Ok(Ok(())) => Ok(()),
            // It does not read any more: it has said why.
            Ok(Err(_)) => Err(self.over().await.err().unwrap_or(ActionError::EndedAtOnce)),
            Err(_) => {
                let fault = Fault::timed_out(&channel.host);
                self.channel = None;
                Err(self.failed(ActionError::Host(fault)))
            }
        }
    }

    /// Ends the upload and returns the file's path on its host.
    ///
    /// # Errors
    /// When the file is not taken; nothing of it is there.
    pub async fn finish(mut self) -> Result<String, ActionError> {
        self.over().await
    }

    async fn over(&mut self) -> Result<String, ActionError> {
        let Some(mut channel) = self.channel.take() else { return Err(ActionError::Here("the upload is over".into())) };
        channel.process.end();
        match channel.said(&self.file).await {
            Ok(Said::Done(path)) => {
                self.reported = true;
                self.event("done");
                self.fleet.expire_later(self.permit.place().clone(), self.keep);
                Ok(path)
            }
            Ok(Said::No(refused)) => Err(self.failed(ActionError::NotTaken(refused))),
            Ok(Said::Ready) => Err(self.failed(ActionError::Silent)),
            Err(failed) => Err(self.failed(failed)),
        }
    }

    fn failed(&mut self, failed: ActionError) -> ActionError {
        self.reported = true;
        self.event(failed.word());
        failed
    }

    fn event(&self, result: &str) {
        let sha256 = hex::encode(&self.hash.clone().finalize());
        let command = Some(CommandTrace { bytes: usize::try_from(self.given).unwrap_or(usize::MAX), sha256 });
        (self.fleet.settings.audit)(AuditEvent { command, ..AuditEvent::of(&self.permit, None, result) });
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        if !self.reported {
            // With all of its bytes the host may have ended it as well.
            self.event(if self.given == self.file.bytes { "not known" } else { "cut off" });
        }
    }
}

/// The process on the host that takes the file.
struct Channel {
    process: PipedProcess,
    host: Host,
    user: User,
    transport: Transport,
    _permit: Option<ChannelPermit>, // after the process: the channel goes before the room for it is another's
}

impl Channel {
    /// Starts the process and waits until the file can come.
    async fn open(host: &Host, transport: &Transport, user: &User, file: &File) -> Result<Self, ActionError> {
        let words = upload::words(user, &file.wanted());
        let here = |e: std::io::Error| ActionError::Here(e.to_string());
        loop {
            let (argv, permit) = match transport {
                Transport::Local => (argv::words_here(words.clone()), None),
                Transport::Ssh(link) => {
                    let permit = link.acquire_channel().await.map_err(ActionError::Host)?;
                    let control = permit.control().to_string_lossy().into_owned();
                    (argv::data(host, link.ssh(), link.config(), permit.overruled(), &control, &Script::command(&words)), Some(permit))
                }
            };
            let process = exec::spawn_piped(&argv, NOISE_BYTES_MAX).map_err(here)?;
            let mut channel = Self { process, host: host.clone(), user: user.clone(), transport: transport.clone(), _permit: permit };
            match channel.next(file, Duration::from_secs(UPLOAD_ANSWER_SECONDS_MAX)).await {
                Ok(Said::Ready) => return Ok(channel),
                Ok(Said::No(refused)) => return Err(ActionError::NotTaken(refused)),
                Ok(Said::Done(_)) => return Err(ActionError::Silent),
                Err(Silent::TimedOut) => return Err(ActionError::Host(Fault::timed_out(host))),
                Err(Silent::Ended) => {
                    let Self { process, _permit: permit, .. } = channel;
                    let said = process.complaints(SSH_WORDS_BYTES_MAX).await;
                    match permit {
                        Some(permit) if ChannelPermit::is_refusal(&said) => {
                            if !permit.lower_limit() {
                                return Err(ActionError::Host(Fault::too_few_sessions(host)));
                            }
                        }
                        _ => return Err(ended(host, user, transport, &said)),
                    }
                }
            }
        }
    }

    /// The next line of the process that is ours; a login shell may print others before it.
    async fn next(&mut self, file: &File, within: Duration) -> Result<Said, Silent> {
        let word = async {
            while let Some(line) = self.process.line().await {
                if let Some(said) = upload::said(&line, &file.wanted()) {
                    return Ok(said);
                }
            }
            Err(Silent::Ended)
        };
        timeout(within, word).await.unwrap_or(Err(Silent::TimedOut))
    }

    /// The last line of the process, or why there is none.
    async fn said(mut self, file: &File) -> Result<Said, ActionError> {
        // What was handed over may still be on its way.
        let under_way = file.bytes.min(UPLOAD_UNDER_WAY_BYTES_MAX) / UPLOAD_BYTES_PER_SECOND_MIN;
        match self.next(file, Duration::from_secs(UPLOAD_ANSWER_SECONDS_MAX + under_way)).await {
            Ok(said) => Ok(said),
            Err(Silent::TimedOut) => Err(ActionError::Host(Fault::timed_out(&self.host))),
            Err(Silent::Ended) => {
                let said = self.process.complaints(SSH_WORDS_BYTES_MAX).await;
                Err(ended(&self.host, &self.user, &self.transport, &said))
            }
        }
    }
}

/// Why the process printed no line.
enum Silent {
    TimedOut,
    Ended,
}

/// The failure of a process that ended without a line of its own, from what sudo, tmux or ssh printed instead.
fn ended(host: &Host, user: &User, transport: &Transport, said: &str) -> ActionError {
    match (outcome::acted(host, user, Some(1), said), transport) {
        (Acted::User(state), Transport::Local) => ActionError::User(state),
        (Acted::User(state), _) if said.contains("sudo") => ActionError::User(state),
        (_, Transport::Ssh(link)) if !said.trim().is_empty() => ActionError::Host(of_ssh(host, said, link.config(), None)),
        _ => ActionError::Silent,
    }
}
