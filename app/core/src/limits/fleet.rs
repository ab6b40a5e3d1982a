//! Sweeps, actions and refreshes: how long and how much one host or user may take.

/// The time for one user's section of a sweep, in seconds; a user who takes longer is "not answering".
pub const SECTION_SECONDS_MAX: u64 = 3;
/// The longest output of one user's section of a sweep, in bytes. 1,000 sessions with previews of 64 are about 700 kB.
pub const SECTION_BYTES_MAX: usize = 2 << 20; // 2 MiB
/// The time for a whole sweep of one host, in seconds.
pub const SWEEP_SECONDS_MAX: u64 = 10;
/// The time for an action (create, kill, rename), in seconds.
pub const ACTION_SECONDS_MAX: u64 = 6;
/// The time for a call that starts a tmux server, in seconds: the call waits until the server has loaded its configuration.
pub const START_SECONDS_MAX: u64 = 30;
/// The time that is added here to a limit of the other machine, in seconds, so that the limit there is reached first.
pub const GRACE_SECONDS: u64 = 3;
/// The time between two looks of a check at a shell that was just started, in milliseconds.
pub const CHECK_SHELL_MS: u64 = 200;
/// Looks of a check at a shell that was just started: one that runs after the last of them is taken for good.
pub const CHECK_SHELL_LOOKS: u32 = 5;
/// Windows of one user's sessions from which on no session is made. A tmux server with 1,024 open files has about 990, and then answers nobody again.
pub const WINDOWS_PER_USER_MAX: usize = 500;
/// Open files of a tmux server that are left for its clients and for itself when sessions are made.
pub const SERVER_FILES_SPARE: usize = 24;
/// Sessions that one principal makes in [`CREATIONS_SECONDS`].
pub const CREATIONS_PER_PRINCIPAL: usize = 120;
/// The time in which the creations of a principal are counted, in seconds.
pub const CREATIONS_SECONDS: u64 = 600;
/// The longest output of an action, in bytes.
pub const ACTION_BYTES_MAX: usize = 64 * 1024;
/// The time between two sweeps of a host without viewers, in seconds.
pub const SWEEP_SECONDS: u64 = 60;
/// The shortest time between two sweeps that a configuration may ask for, in seconds.
pub const SWEEP_EVERY_SECONDS_MIN: u64 = 2;
/// The longest time between two sweeps that a configuration may ask for, in seconds: a day.
pub const SWEEP_EVERY_SECONDS_MAX: u64 = 24 * 3600;
/// The time between two sweeps of a host with viewers, in milliseconds: what happens is on the page within 1.5 s.
pub const WATCHED_SWEEP_MS: u64 = 1200;
/// The longest time for which a look at a user's sessions waits for a pause of somebody who types there, in seconds.
pub const TYPING_SECONDS_MAX: u64 = 3;
/// The time between two looks at a user reached through sudo, in seconds: sudo logs each look. Actions do not wait for it.
pub const SUDO_LOOK_SECONDS_MIN: u64 = 5;
/// Looks through sudo that may follow each other sooner while their findings keep changing; each is made up for by one of
/// [`SUDO_LOOK_SECONDS_MIN`] without a look. A minute therefore has at most 60 / 5 + 4 = 16.
pub const SUDO_LOOKS_SOONER_MAX: u32 = 4;
/// Looks in one minute at a user reached through sudo, not counting those of a person's refresh or action.
pub const SUDO_LOOKS_PER_MINUTE_MAX: u64 = 60 / SUDO_LOOK_SECONDS_MIN + SUDO_LOOKS_SOONER_MAX as u64;
/// The first wait before a user who did not answer is asked again is twice this time, in seconds; it doubles each time.
pub const BACK_OFF_SECONDS: u64 = 2;
/// Sweeps of connected hosts under way at one moment.
pub const SWEEPS: usize = 128;
/// The longest wait of a sweep until fewer than [`SWEEPS`] are under way, in milliseconds; then it starts all the same: silent hosts must not hold up the rest.
pub const SWEEPS_WAIT_MS: u64 = 1000;
/// The longest wait of a person's refresh, in seconds; hosts that answer later update the page when they do.
pub const REFRESH_SECONDS_MAX: u64 = 20;
/// The time between two refreshes that ask again, through sudo, for a user who did not answer, in seconds: each unanswered question leaves a
/// process of root's behind.
pub const REFRESH_SUDO_SECONDS_MIN: u64 = 30;
/// Calls of tmux for one user at one moment, beside the sweep's: a server that does not answer holds up its own user's calls, and takes no more of a
/// host's shells.
pub const CALLS_PER_USER: usize = 2;
/// Calls of tmux for one user at one moment, including those that wait for a slot; more are refused.
pub const CALLS_WAITING_MAX: usize = 16;
/// The shortest time between two sweeps of one host that persons ask for, in seconds.
pub const REFRESH_SECONDS_MIN: u64 = 2;
/// The longest wait before a user who did not answer is asked again, in seconds.
pub const BACK_OFF_SECONDS_MAX: u64 = 300;
/// The longest wait before a user reached through sudo who did not answer is asked again, in seconds: each unanswered question leaves a process of
/// root's behind until the server answers.
pub const BACK_OFF_SUDO_SECONDS_MAX: u64 = 3600;
/// The wait for a process's output after the process has ended, in milliseconds: a grandchild may hold the pipe open for ever.
pub const AFTERWARDS_MS: u64 = 200;
/// The number of hosts from which sweeps are spread over the interval; fewer hosts are swept when they are due, all at once if need be.
pub const SPREAD_HOSTS_MIN: usize = 32;
/// The age of a session's last output from which a preview of it is final, in seconds: tmux tells the time of output in seconds, so a preview captured
/// within the same second may miss the rest.
pub const SETTLED_SECONDS: u64 = 1;

const _: () = assert!(SECTION_SECONDS_MAX < SWEEP_SECONDS_MAX);
