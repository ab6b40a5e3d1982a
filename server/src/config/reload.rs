//! A board that runs follows its configuration: on SIGHUP, and when a file of it changed. It takes all of a good one at one moment, and nothing of
//! a bad one.

use super::listen::exposure_error;
use super::trusted::check_named_files;
use super::{Config, files as files_of, read as parse};
use crate::board::Handle;
use crate::http::listen::{Certificate, Listen};
use anyhow::anyhow;
use muxboard_core::limits::RELOAD_MS;
use muxboard_core::name::UnixUser;
use muxboard_fleet::trust;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

fn text_of(path: &Path) -> anyhow::Result<String> {
    trust::check_file(path).map_err(anyhow::Error::msg)?;
    std::fs::read_to_string(path).map_err(|e| anyhow!("{}: cannot be read: {e}", path.display()))
}

fn validate(path: &Path, text: &str, own: &UnixUser) -> anyhow::Result<Config> {
    let shown = path.display();
    parse(text, own).map_err(|mistake| match mistake.line {
        Some(_) => anyhow!("{shown}:{mistake}"),
        None => anyhow!("{shown}: {mistake}"),
    })
}

/// Reads a configuration file.
///
/// # Errors
/// One line: file, line, sentence; or what others can change, with the line that mends it.
pub(crate) fn read(path: &Path, own: &UnixUser) -> anyhow::Result<Config> {
    validate(path, &text_of(path)?, own)
}

/// Reads a configuration file that is to be run, and checks that nobody else can change the files it names.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_trusted(path: &Path, own: &UnixUser) -> anyhow::Result<Config> {
    let config = read(path, own)?;
    check_named_files(&config).map_err(anyhow::Error::msg)?;
    Ok(config)
}

/// The file behind a running board, and what the start took from it.
pub(crate) struct ConfigSource {
    pub(crate) path: PathBuf,
    pub(crate) own: UnixUser,
    /// The file as it was right before the start read it: what changed since is not taken yet.
    pub(crate) read_as: Mark,
    pub(crate) port: u16,
    /// Where it listens, whatever the file says by now.
    pub(crate) listen: Listen,
    pub(crate) certificate: Option<Arc<Certificate>>,
}

/// A file as it was at a look: a change of any of these is another file, a link that leads elsewhere too.
pub(crate) type Mark = Option<(u64, u64, u64, i64, i64)>;

/// Device, inode, size and the time of the last change of a file or of its mode, following links; `None` if it cannot be looked at.
pub(crate) fn mark(path: &Path) -> Mark {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
}

/// Follows it for ever.
pub(crate) async fn follow(source: ConfigSource, mut current: Config, board: Handle) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut look = interval(Duration::from_millis(RELOAD_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut files = text_of(&source.path).ok().and_then(|text| files_of(&text)).unwrap_or_default();
    let marks = |files: &[PathBuf]| [&source.path].into_iter().chain(files).map(|file| mark(file)).collect::<Vec<_>>();
    let mut taken = marks(&files);
    let mut seen = taken.clone();
    if let Some(first) = taken.first_mut() {
        *first = source.read_as;
    }
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            _ = look.tick() => {
                let now = marks(&files);
                // A file that is being written in place is not whole yet: what two looks find the same is.
                let before = std::mem::replace(&mut seen, now.clone());
                if now == taken || now != before { continue }
            }
        }
        // Before it is read: what changes meanwhile is another change.
        let own = mark(&source.path);
        let text = text_of(&source.path);
        if let Some(named) = text.as_deref().ok().and_then(files_of) {
            files = named;
        }
        taken = marks(&files);
        if let Some(first) = taken.first_mut() {
            *first = own;
        }
        let next = text.and_then(|text| validate(&source.path, &text, &source.own));
        let next = next.and_then(|next| check_named_files(&next).map(|()| next).map_err(anyhow::Error::msg));
        // A certificate is renewed whatever is wrong with the rest.
        let files = next.as_ref().map_or(&current.tls, |next| &next.tls).as_ref();
        if let (Some(certificate), Some(files)) = (&source.certificate, files) {
            match certificate.reload(files) {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!("the certificate cannot be taken, so the one before it stays in use: {error}"),
            }
        }
        let next = match next {
            Ok(next) => next,
            Err(mistake) => {
                tracing::error!("the configuration has a mistake, so the one before it holds: {mistake:#}");
                continue;
            }
        };
        // The address is another one only after the next start.
        if let Some(why) = exposure_error(&source.listen, &next.gate) {
            tracing::error!("until the next start this listens on {}, so the configuration before this one holds: {why}", source.listen);
            continue;
        }
        if let Err(error) = board.replace(next.rules(source.port)) {
            tracing::error!("the configuration cannot be taken, so the one before it holds: {error}");
            continue;
        }
        for key in current.needs_restart(&next) {
            tracing::warn!("{key} has changed: that takes effect with the next start of muxboard");
        }
        tracing::info!("the configuration was read again, and holds from now on");
        current = next;
    }
}
