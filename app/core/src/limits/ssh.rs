//! Our ssh connections, and the shells and terminals on them.

/// The length from which a script reaches a shell of this machine by standard input and not as an argument, in bytes: Linux allows 128 KiB for one
/// argument (`MAX_ARG_STRLEN`).
pub const SCRIPT_WORD_BYTES_MAX: usize = 100_000;
/// Ssh connections being made at one moment. Each costs about 0.1 s of a core here, and as much there.
pub const DIALS: usize = 12;
/// Of [`DIALS`], those reserved for persons who act or open a terminal: hosts that are dead and dialled again and again have the rest.
pub const DIALS_KEPT: usize = 3;
/// Ssh connections being made through one bastion, or to one sshd: it begins to drop them at 10 (`MaxStartups 10:30:100`).
pub const DIALS_PER_BASTION: usize = 6;
/// Of [`DIALS_PER_BASTION`], those reserved for persons who act or open a terminal.
pub const DIALS_KEPT_PER_BASTION: usize = 2;
/// Tries in a row to make a connection that the other side drops before it began.
pub const DIAL_TRIES: u32 = 4;
/// The wait between the first two of [`DIAL_TRIES`], in milliseconds; it doubles.
pub const DIAL_WAIT_MS: u64 = 400;
/// The time for a connection to be made, from the start of ssh to the first word of the other side, in seconds.
pub const DIAL_SECONDS_MAX: u64 = 20;
/// The part of [`DIAL_SECONDS_MAX`] that ssh itself gives the network (`ConnectTimeout`), in seconds.
pub const CONNECT_SECONDS_MAX: u64 = 8;
/// The silence after which ssh asks whether the other side is there (`ServerAliveInterval`), in seconds.
pub const ALIVE_SECONDS: u64 = 10;
/// The unanswered questions after which ssh ends a connection (`ServerAliveCountMax`).
pub const ALIVE_COUNT: u64 = 2;
/// The longest wait before a host that did not answer is dialled again, in seconds.
pub const REDIAL_SECONDS_MAX: u64 = 300;
/// The wait before a host that refused the login is dialled again, in seconds: failed logins are counted there.
pub const REDIAL_REFUSED_SECONDS: u64 = 300;
/// The longest wait before a host that refused the login is dialled again for a person who asks, in seconds; the wait doubles up to it.
pub const REDIAL_ASKED_SECONDS_MAX: u64 = 60;
/// The time for a shell on a host to answer for the first time, in seconds.
pub const SHELL_SECONDS_MAX: u64 = 8;
/// Shells on one host: one for its sweep, the rest for actions at the same moment.
pub const SHELLS_MAX: usize = 4;
/// Idle shells that are kept on one host.
pub const SHELLS_KEPT: usize = 2;
/// Terminals on one connection: sshd allows 10 sessions on one (`MaxSessions`), of which muxboard holds one.
pub const TERMINALS_PER_MASTER: usize = 8;
/// The time that a connection without terminals is kept for the next one, in seconds.
pub const TERMINALS_IDLE_SECONDS: u64 = 60;
/// The time for a terminal on a host to appear, in seconds.
pub const TERMINAL_SECONDS_MAX: u64 = 10;
/// The longest part of one ssh's standard error that is kept, in bytes.
pub const SSH_WORDS_BYTES_MAX: usize = 16 * 1024;
/// What a login shell may print before it runs its command, in bytes.
pub const NOISE_BYTES_MAX: usize = 1 << 20; // 1 MiB
/// The longest path of a control socket, in bytes: sun_path is 108, and ssh makes it under a name that is 17 longer.
pub const CONTROL_PATH_BYTES_MAX: usize = 90;
/// The longest password or passphrase, in bytes (ssh reads 1023).
pub const SECRET_BYTES_MAX: usize = 1023;
/// The time for ssh to print what its configuration makes of a host (`ssh -G`), in seconds.
pub const RESOLVE_SECONDS_MAX: u64 = 10;
/// The length of a control socket's name below its folder, in bytes: `/123456.7890t`.
pub const SOCKET_NAME_BYTES: usize = 14;
/// The longest prompt for a secret that is read of ssh, in bytes: a prompt is a line.
pub const PROMPT_BYTES_MAX: u64 = 4096;
/// The jobs of a shared shell that must end without another process's output before its jobs are no longer guarded against such output.
pub const QUIET_JOBS_MIN: u32 = 10;
/// Room for the mark at the end of a job's output, its newlines and an exit code, in bytes.
pub const MARK_BYTES: usize = 64;

const _: () = assert!(TERMINALS_PER_MASTER < 10 && SHELLS_MAX < 10 && SHELLS_KEPT <= SHELLS_MAX && CONNECT_SECONDS_MAX < DIAL_SECONDS_MAX);
