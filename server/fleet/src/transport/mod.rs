//! How a script gets to a host and its answer back: on this machine by a process, elsewhere over a shell that is kept on an ssh connection of
//! ours. What is asked and how an answer is read is the same for both.

mod client;
mod exchange;
mod link;
mod master;
mod runtime;
mod secret;
mod shell;

pub use client::SshSettings;
pub use secret::{ASKPASS_SOCKET, askpass, private_file};

pub(crate) use client::SshClient;
pub(crate) use exchange::{Answer, Purpose};
pub(crate) use link::{ChannelPermit, SshLink};

use crate::exec::{self, Bounds};
use crate::random::row_mark;
use crate::random::sentinel;
use muxboard_core::argv::{self, Argv};
use muxboard_core::fault::Fault;
use muxboard_core::inventory::{Host, Reach, User};
use muxboard_core::limits::{ACTION_BYTES_MAX, ACTION_SECONDS_MAX, GRACE_SECONDS, SECTION_BYTES_MAX, START_SECONDS_MAX};
use muxboard_core::name::Directory;
use muxboard_core::section::{self, Section};
use muxboard_core::shell::Script;
use muxboard_core::tmux::{Call, format};
use std::sync::Arc;
use std::time::Duration;

/// How scripts reach one host.
#[derive(Clone)]
pub(crate) enum Transport {
    /// The host is this machine.
    Local,
    /// The host is reached over ssh.
    Ssh(Arc<SshLink>),
}

impl Transport {
    pub(crate) fn new(host: &Host, number: usize, client: Option<&Arc<SshClient>>) -> Self {
        match (&host.reach, client) {
            (Reach::Ssh(ssh), Some(client)) => Self::Ssh(SshLink::new(host.clone(), ssh.clone(), number, client.clone())),
            // The client is there whenever a host needs it.
            _ => Self::Local,
        }
    }

    /// True if other hosts wait for their first sweep, so that mere details should be asked for later.
    pub(crate) fn is_crowded(&self) -> bool {
        matches!(self, Self::Ssh(link) if link.is_crowded())
    }

    /// Runs a script on the host.
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn run(&self, host: &Host, script: &Script, bounds: Bounds, purpose: Purpose) -> Result<Answer, Fault> {
        self.run_as(host, script, bounds, purpose, argv::local_script).await
    }

    async fn run_as(&self, host: &Host, script: &Script, bounds: Bounds, purpose: Purpose, here: fn(&Script) -> (Argv, String)) -> Result<Answer, Fault> {
        match self {
            Self::Local => {
                let mark = sentinel();
                let (argv, input) = here(script);
                let ended = exec::run(&argv, &[("M", &mark)], input.as_bytes(), bounds).await.map_err(|e| Fault::unreachable(host, &e.to_string()))?;
                if ended.timed_out { Err(Fault::timed_out(host)) } else { Ok(Answer { exit: ended.exit.unwrap_or(-1), output: ended.output, mark }) }
            }
            Self::Ssh(link) => link.run(script, bounds, purpose).await,
        }
    }

    /// Makes one call of tmux as a user. Returns its exit code, `None` if tmux did not answer in time, and its output, complaints included.
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn call(&self, host: &Host, user: &User, call: &Call, purpose: Purpose) -> Result<(Option<i32>, String), Fault> {
        self.asked(host, &section::single(user, call, ACTION_SECONDS_MAX, ACTION_BYTES_MAX), ACTION_SECONDS_MAX, purpose).await
    }

    /// Makes calls of tmux one after the other, each with a text as its input that no process has among its arguments. Returns what [`Self::call`] does, of the
    /// last one.
    ///
    /// # Errors
    /// The fault of a host that could not be asked, or gave no answer in time.
    pub(crate) async fn feed(&self, host: &Host, user: &User, calls: &[(Call, String)]) -> Result<(Option<i32>, String), Fault> {
        let script = section::feeding(user, calls, ACTION_SECONDS_MAX, ACTION_BYTES_MAX);
        let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX + GRACE_SECONDS), bytes: ACTION_BYTES_MAX };
        let answer = self.run_as(host, &script, bounds, Purpose::Act, argv::hidden_script).await?;
        Ok(section::ended(&answer.output, &answer.mark))
    }

    /// Lists a user's sessions, without previews.
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn list(&self, host: &Host, user: &User, purpose: Purpose) -> Result<Section, Fault> {
        let mark = row_mark();
        let script = section::single(user, &format::call(&mark), ACTION_SECONDS_MAX, SECTION_BYTES_MAX);
        let bounds = Bounds { time: Duration::from_secs(ACTION_SECONDS_MAX + GRACE_SECONDS), bytes: SECTION_BYTES_MAX };
        let answer = self.run(host, &script, bounds, purpose).await?;
        let (exit, mut words) = section::ended(&answer.output, &answer.mark);
        let cut = exit.is_none() && answer.output.len() >= SECTION_BYTES_MAX;
        if cut {
            // The last line may be half a row.
            words.truncate(words.rfind('\n').unwrap_or(0));
        }
        Ok(Section { listing: format::parse(&words, &mark), captures: Vec::new(), exit, cut })
    }

    /// Makes one call of tmux that may start the user's server, as [`Self::call`], and waits until the server has loaded its configuration.
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn start(&self, host: &Host, user: &User, call: &Call) -> Result<(Option<i32>, String), Fault> {
        self.asked(host, &section::starting(user, call, &sentinel(), START_SECONDS_MAX, ACTION_BYTES_MAX), START_SECONDS_MAX, Purpose::Act).await
    }

    /// Asks whether a user may enter a directory, as [`Self::call`].
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn enters(&self, host: &Host, user: &User, directory: &Directory) -> Result<(Option<i32>, String), Fault> {
        self.asked(host, &section::entering(user, directory, &sentinel(), ACTION_SECONDS_MAX, ACTION_BYTES_MAX), ACTION_SECONDS_MAX, Purpose::Act).await
    }

    /// Asks for the login `PATH` of a user, as [`Self::call`].
    ///
    /// # Errors
    /// What is wrong with the host.
    pub(crate) async fn login_path(&self, host: &Host, user: &User) -> Result<(Option<i32>, String), Fault> {
        self.asked(host, &section::login_path(user, &sentinel(), ACTION_SECONDS_MAX, ACTION_BYTES_MAX), ACTION_SECONDS_MAX, Purpose::Look).await
    }

    async fn asked(&self, host: &Host, script: &Script, seconds: u64, purpose: Purpose) -> Result<(Option<i32>, String), Fault> {
        // The limit there comes first; ours is for a host that says nothing at all.
        let bounds = Bounds { time: Duration::from_secs(seconds + GRACE_SECONDS), bytes: ACTION_BYTES_MAX };
        let answer = self.run(host, script, bounds, purpose).await?;
        Ok(section::ended(&answer.output, &answer.mark))
    }
}
