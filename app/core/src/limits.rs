//! Every bound of the product, its unit last in its name. A bound that is not here does not exist.

/// Longest name for a new session, in characters (they are all ASCII).
pub const NEW_NAME_CHARS_MAX: usize = 64;
/// Longest startup command, in bytes. Linux's own limit for one argument is 128 KiB (`MAX_ARG_STRLEN`).
pub const COMMAND_BYTES_MAX: usize = 4096;
/// Longest start directory, in bytes (`PATH_MAX`).
pub const DIRECTORY_BYTES_MAX: usize = 4096;
/// Longest name of a Unix account, in bytes (Linux's `LOGIN_NAME_MAX` without its end).
pub const USER_BYTES_MAX: usize = 255;
/// Largest body of a form, in bytes.
pub const FORM_BYTES_MAX: usize = 16 * 1024;

/// How long one user's section of a sweep may take, in seconds, before that user is "not answering".
pub const SECTION_SECONDS_MAX: u64 = 3;
/// How much one user's section may say, in bytes. 1,000 sessions with previews of 64 are about 700 kB.
pub const SECTION_BYTES_MAX: usize = 2 << 20; // 2 MiB
/// How long a whole sweep of one host may take, in seconds.
pub const SWEEP_SECONDS_MAX: u64 = 10;
/// How long an action (create, kill, rename) may take, in seconds.
pub const ACTION_SECONDS_MAX: u64 = 6;
/// How long a call that starts a tmux server may take, in seconds: it waits until the server has loaded its configuration.
pub const START_SECONDS_MAX: u64 = 30;
/// Lines of a complaint of tmux that are shown.
pub const NOTE_LINES_MAX: usize = 5;
/// The longest of them, in characters.
pub const NOTE_LINE_CHARS_MAX: usize = 300;
/// A tmux server is said to have lost its socket when it is this old, in seconds: one that has just started has not made it yet.
pub const ORPHAN_SECONDS_MIN: u64 = 2;
/// What a limit on the other machine is given to be heard of here, in seconds.
pub const GRACE_SECONDS: u64 = 3;
/// Other sessions that are named for a window that several show. A group of a thousand sessions would otherwise name each a thousand times.
pub const WINDOW_LINKS_MAX: usize = 8;
/// Between two questions whether a pane shows tmux's own screen while a paste goes there, in milliseconds.
pub const LEAVE_MS_MIN: u64 = 250;
/// How much an action may say, in bytes.
pub const ACTION_BYTES_MAX: usize = 64 * 1024;
/// Between two sweeps of a host that nobody looks at, in seconds.
pub const SWEEP_SECONDS: u64 = 60;
/// Between two sweeps of a host that somebody looks at, in milliseconds: what happens is on the page within 1.5 s.
pub const WATCHED_SWEEP_MS: u64 = 1200;
/// Between two looks at a user reached through sudo at whom somebody looks, in seconds: sudo logs each. What acts is asked at once.
pub const SUDO_LOOK_SECONDS_MIN: u64 = 5;
/// Looks through sudo that may come sooner, one after the other, while what they find keeps changing; each is made up for by one of
/// [`SUDO_LOOK_SECONDS_MIN`] without a look. So a minute has at most 60 / 5 + 4 = 16.
pub const SUDO_LOOKS_SOONER_MAX: u32 = 4;
/// Looks in a minute at a user reached through sudo, without those that a person's refresh or an action asks for.
pub const SUDO_LOOKS_PER_MINUTE_MAX: u64 = 60 / SUDO_LOOK_SECONDS_MIN + SUDO_LOOKS_SOONER_MAX as u64;
/// An unanswered user is asked again after twice this time, in seconds, then four times, and so on.
pub const BACK_OFF_SECONDS: u64 = 2;
/// Sweeps of connected hosts under way at one moment.
pub const SWEEPS: usize = 128;
/// A look waits so long for the others to become fewer, in milliseconds, and then is one more: hosts that say nothing must not hold up the rest.
pub const SWEEPS_WAIT_MS: u64 = 1000;
/// Whoever refreshes waits so long at most, in seconds; what has not answered by then comes when it comes.
pub const REFRESH_SECONDS_MAX: u64 = 20;
/// A person's refresh asks again through sudo for a user who did not answer, once in this time, in seconds: each unanswered question leaves a
/// process of root's behind.
pub const REFRESH_SUDO_SECONDS_MIN: u64 = 30;
/// Open files that we ask the kernel for: a host over ssh holds about five, a terminal six, and the usual limit is 1024.
pub const DESCRIPTORS: u64 = 16_384;
/// A script of this many bytes and more goes to a shell of this machine by its input: Linux takes 128 KiB for one word (`MAX_ARG_STRLEN`).
pub const SCRIPT_WORD_BYTES_MAX: usize = 100_000;
/// Connections being made at one moment. Each costs about 0.1 s of a core here, and as much there.
pub const DIALS: usize = 12;
/// Of these, those that only people can take who do something or open a terminal: hosts that are dead and dialled again and again have the rest.
pub const DIALS_KEPT: usize = 3;
/// Connections being made through one bastion, or to one sshd: it begins to drop them at 10 (`MaxStartups 10:30:100`).
pub const DIALS_PER_BASTION: usize = 6;
/// Of these, the same for people as [`DIALS_KEPT`].
pub const DIALS_KEPT_PER_BASTION: usize = 2;
/// How often a connection that was dropped before it began is tried at once.
pub const DIAL_TRIES: u32 = 4;
/// The first wait between two of those tries, in milliseconds; it doubles.
pub const DIAL_WAIT_MS: u64 = 400;
/// Time for a connection to be made, from the start of ssh to the first word of the other side, in seconds.
pub const DIAL_SECONDS_MAX: u64 = 20;
/// The part of it that ssh itself gives the network (`ConnectTimeout`), in seconds.
pub const CONNECT_SECONDS_MAX: u64 = 8;
/// After this silence ssh asks whether the other side is there (`ServerAliveInterval`), in seconds.
pub const ALIVE_SECONDS: u64 = 10;
/// So many unanswered questions end the connection (`ServerAliveCountMax`).
pub const ALIVE_COUNT: u64 = 2;
/// A host that did not answer is tried again at the latest after this time, in seconds.
pub const REDIAL_SECONDS_MAX: u64 = 300;
/// A host that let nobody in is tried again after this time, in seconds: failed logins are counted there.
pub const REDIAL_REFUSED_SECONDS: u64 = 300;
/// The same at the latest when somebody asks for it, after twice the time each time, in seconds.
pub const REDIAL_ASKED_SECONDS_MAX: u64 = 60;
/// Time for a shell on a host to answer for the first time, in seconds.
pub const SHELL_SECONDS_MAX: u64 = 8;
/// Calls of tmux for one user at one moment, beside the sweep's: a server that does not answer holds up its own user's, and has no more of a host's
/// shells.
pub const CALLS_PER_USER: usize = 2;
/// The same with those that wait for their turn; what is more is refused.
pub const CALLS_WAITING_MAX: usize = 16;
/// Shells on one host: one for its sweep, the rest for actions at the same moment.
pub const SHELLS_MAX: usize = 4;
/// Shells that are kept on one host.
pub const SHELLS_KEPT: usize = 2;
/// Terminals on one connection: sshd allows 10 sessions on one (`MaxSessions`), of which we hold one.
pub const TERMINALS_PER_MASTER: usize = 8;
/// A connection without terminals is kept for the next one, in seconds.
pub const TERMINALS_IDLE_SECONDS: u64 = 60;
/// Time for a terminal on a host to appear, in seconds.
pub const TERMINAL_SECONDS_MAX: u64 = 10;
/// How often the pty that sudo puts between a terminal of ours and tmux is looked for: 3 s in all. (Seen after 5 to 60 ms, on two busy cores.)
pub const SUDO_PTY_LOOKS: u32 = 7;
/// Before the first of these looks, in milliseconds; twice as long before each of the next.
pub const SUDO_PTY_MS: u64 = 25;
/// What such a look may say, in bytes. sudo has one child.
pub const SUDO_PTY_BYTES_MAX: usize = 4096;
/// Time for tmux to show something on a terminal that was opened for it, in seconds: a server that is stopped takes the client and says nothing. tmux
/// draws within some 20 ms.
pub const ATTACH_SILENCE_SECONDS_MAX: u64 = 5;
/// What ssh may say about a connection, in bytes.
pub const SSH_WORDS_BYTES_MAX: usize = 16 * 1024;
/// What a login shell may say before it does what it is told, in bytes.
pub const NOISE_BYTES_MAX: usize = 1 << 20; // 1 MiB
/// The longest path of a control socket, in bytes: sun_path is 108, and ssh makes it under a name that is 17 longer.
pub const CONTROL_PATH_BYTES_MAX: usize = 90;
/// The longest password or passphrase, in bytes (ssh reads 1023).
pub const SECRET_BYTES_MAX: usize = 1023;
/// What is read of a file that publishes a socket's path, in bytes.
pub const SOCKET_FILE_BYTES_MAX: usize = 1024;
/// A key typed against a backlog has a fresh terminal attached at most once in this time, in seconds.
pub const OVERTAKE_SECONDS_MIN: u64 = 5;
/// Between two frames of a board, in milliseconds: a fleet changes all the time, eyes do not need more.
pub const BOARD_FRAME_MS: u64 = 200;
/// At most one sweep on demand in this time for one host, in seconds.
pub const REFRESH_SECONDS_MIN: u64 = 2;
/// A user that did not answer is asked again at the latest after this time, in seconds.
pub const BACK_OFF_SECONDS_MAX: u64 = 300;
/// The same for a user reached through sudo: each unanswered question leaves a process of root's behind until the server answers.
pub const BACK_OFF_SUDO_SECONDS_MAX: u64 = 3600;
/// How long output is awaited after a process has ended, in milliseconds: a grandchild may hold the pipe open for ever.
pub const AFTERWARDS_MS: u64 = 200;

/// Panes captured in one sweep of one user.
pub const PREVIEWS_MAX: usize = 64;
/// Panes captured in one sweep of one host: its script must fit into one argument (`MAX_ARG_STRLEN`, 128 KiB).
pub const PREVIEWS_HOST_MAX: usize = 96;
/// Lines of a preview.
pub const PREVIEW_LINES_MAX: usize = 6;
/// Characters of a preview's line.
pub const PREVIEW_CHARS_MAX: usize = 160;
/// Sessions whose preview is in the HTML of the page; the others' come with the live board.
pub const PREVIEWS_IN_PAGE_MAX: usize = 100;
/// Columns of a free-text field (title, path, command) that tmux is asked for.
pub const FIELD_COLUMNS_MAX: usize = 256;

/// Live terminals of one principal.
pub const ATTACHES_PER_PRINCIPAL: usize = 5;
/// Live terminals in total.
pub const ATTACHES: usize = 30;
/// Life of one terminal connection, in hours.
pub const ATTACH_HOURS: u64 = 6;
/// Output under way to a client before anything is known of it, in bytes.
pub const CREDIT_BYTES_START: u32 = 32 * 1024;
/// Output under way to the slowest client, in bytes: about one screen.
pub const CREDIT_BYTES_MIN: u32 = 8 * 1024;
/// Output under way to a quick client nearby, in bytes: what it would see late after a stall.
pub const CREDIT_BYTES_QUICK: u32 = 112 * 1024;
/// Output under way to a quick client far away, in bytes: 10 MB/s over a round trip of 100 ms.
pub const CREDIT_BYTES_MAX: u32 = 1 << 20; // 1 MiB
/// How old, beyond the round trip, the screen of a slow reader may be, in milliseconds.
pub const QUEUE_MS: u64 = 50;
/// A frame that measures the round trip, in bytes: short, so that its own length does not count.
pub const PROBE_BYTES_MAX: u32 = 2048;
/// Frames under way to one client: one in 4 ms over a round trip of 4 s.
pub const FRAMES_MAX: usize = 1024;
/// In a flood the round trip is measured anew after this time, in seconds: BBR's interval.
pub const ROUND_TRIP_SECONDS: u64 = 10;
/// A client that takes no output for this long, in seconds, is let go. (A hidden tab may be woken once a minute only.)
pub const STALL_SECONDS_MAX: u64 = 300;
/// How long a terminal whose session is gone may take to end by itself, in seconds.
pub const LEAVE_SECONDS_MAX: u64 = 2;
/// What may be queued for one client before it is let go, in bytes. With credit it cannot come to that.
pub const QUEUE_BYTES_MAX: usize = 4 << 20; // 4 MiB
/// What the kernel may hold of that, in bytes (`SO_SNDBUF`; Linux doubles it for its own needs).
pub const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Largest frame a client may send, in bytes: a paste comes in several.
pub const CLIENT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest output frame, in bytes.
pub const OUTPUT_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Output in which tmux's word that a session is gone is looked for, in bytes: it says so at once and ends.
pub const EARLY_BYTES_MAX: usize = 512;
/// While output keeps coming, at most one frame in this time, in milliseconds.
pub const OUTPUT_FRAME_MS: u64 = 4;
/// Between two checks of a connection, in seconds: whether its login still holds, whether it is alive.
pub const CHECK_SECONDS: u64 = 5;
/// A connection that was silent for this long at a check is pinged, in seconds; proxies cut silence at 30 to 60.
pub const QUIET_SECONDS: u64 = 4;
/// A connection that was pinged and silent for this long at a check is dead, in seconds: it has had a check's time to answer, and is found
/// out within 15 s.
pub const SILENCE_SECONDS_MAX: u64 = 10;
/// A board's connection on which nothing was told for this long brings a frame that says so, in seconds.
pub const BOARD_QUIET_SECONDS: u64 = 9;
/// A board's connection that brought no frame for this long is dead to its page, in seconds.
pub const BOARD_SILENCE_SECONDS_MAX: u64 = 30;
/// Between two pings of a page's terminal, in milliseconds: they measure the round trip that is shown.
pub const PAGE_PING_MS: u32 = 4000;
/// A page's ping that is not answered for this long means that the connection is lost, in milliseconds.
pub const PAGE_SILENCE_MS_MAX: u32 = 9000;
/// The same after the page was asleep or the network changed, in milliseconds: then a dead connection is likely.
pub const PAGE_WAKE_MS_MAX: u32 = 3000;
/// A round trip (or an answer that is due) of this length is shown as slow, in milliseconds.
pub const SLOW_MS: u32 = 500;
/// Time from SIGHUP to SIGKILL for a terminal's process group, in milliseconds.
pub const HANGUP_MS: u64 = 1000;
/// The longest reason of a WebSocket's close, in bytes (RFC 6455: a control frame has 125, and the code takes two).
pub const CLOSE_REASON_BYTES_MAX: usize = 123;
/// A terminal's largest size, in cells (tmux's own limit for a window is 10,000).
pub const GRID_CELLS_MAX: u16 = 1000;

/// Board connections (pages that follow live) in total.
pub const BOARDS: usize = 64;
/// The same of one principal.
pub const BOARDS_PER_PRINCIPAL: usize = 32;

/// The buffer of a WebSocket's writer, in bytes: ours are many and mostly idle, tungstenite's own default is sized for bulk.
pub const WRITE_BUFFER_BYTES: usize = 4096;
/// A browser's longest wait between two tries to connect, in milliseconds.
pub const RECONNECT_MS_MAX: u32 = 15_000;

/// The shortest access token that is taken, in characters.
pub const TOKEN_CHARS_MIN: usize = 16;
/// A login's life, in hours.
pub const LOGIN_HOURS: u64 = 24 * 7;
/// The random part of a login's path, in hexadecimal digits: 96 bits.
pub const LOGIN_PATH_CHARS: usize = 24;
/// Logins kept at once; the oldest gives way.
pub const LOGINS_MAX: usize = 256;
/// Failed logins of one source before the next ones are answered with 429.
pub const FAILURES_MAX: u32 = 10;
/// How long failed logins are counted together, after the last of them, in seconds.
pub const LOCKOUT_SECONDS: u64 = 300;
/// Sources (addresses) whose requests and failures are counted.
pub const SOURCES_MAX: usize = 10_000;
/// Requests of one source in a second, on average and in a burst.
pub const REQUESTS_PER_SECOND: u32 = 100;
/// So many seconds' requests may come at one moment.
pub const REQUESTS_BURST_SECONDS: u32 = 5;
/// Connections at one moment.
pub const CONNECTIONS: usize = 512;
/// The fewest that may be configured: a page takes a handful.
pub const CONNECTIONS_MIN: usize = 8;
/// The most that may be configured: each is a file descriptor.
pub const CONNECTIONS_MAX: usize = 65_536;
/// One address that is no trusted proxy has at most this part of them: one client cannot fill the board.
pub const CONNECTIONS_OF_ONE_PART: usize = 2;
/// Connections that wait in the kernel until one of those ends.
pub const BACKLOG: u32 = 1024;
/// Time for a client to say what it wants (its TLS handshake, then its first request's head), in seconds.
pub const HEAD_SECONDS_MAX: u64 = 10;
/// The largest head of a request, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// From one request on a connection to the head of the next, in seconds. Longer than nginx, Traefik and Caddy keep a connection (60, 90, 120):
/// who closes it is the proxy, which then does not send a request into a connection that we just closed.
pub const KEEP_ALIVE_SECONDS_MAX: u64 = 125;
/// A body that comes slower than this, in bytes a second, after the time for a head is over, is given up.
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 1024;
/// After an error of accept (no descriptor is free) the next try waits, in milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 500;
/// A page about a session that nobody has looked at yet asks again after this time, in seconds.
pub const ASK_AGAIN_SECONDS: u64 = 2;
/// That connections wait or are closed, or requests are refused, because there are too many, is said once in this time, in seconds.
pub const CROWDED_SECONDS: u64 = 60;
/// The longest path of a Unix socket, in bytes: sun_path is 108 with its end.
pub const UNIX_PATH_BYTES_MAX: usize = 107;
/// The largest file of a certificate or its key, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 256 * 1024;
/// How long a browser that was here by https comes by https alone, in seconds.
pub const HTTPS_ALONE_SECONDS: u64 = 365 * 24 * 3600;
/// Time for an embedder's gate to answer, in seconds.
pub const AUTHORIZE_SECONDS_MAX: u64 = 5;
/// The longest identity, group list or secret that a proxy may send, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 4096;
/// Groups of one principal.
pub const GROUPS_MAX: usize = 256;
/// The largest user map, in bytes.
pub const USER_MAP_BYTES_MAX: u64 = 4 << 20; // 4 MiB
/// Between two looks whether the configuration or a file that it names changed, in milliseconds. What two looks find the same is taken.
pub const RELOAD_MS: u64 = 1000;
/// Time for a client's first frame, in seconds.
pub const HELLO_SECONDS_MAX: u64 = 10;
/// Typed bytes waiting for a program that does not read, before the client is not read either.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;
/// The largest file that may be uploaded unless the configuration says otherwise, in bytes.
pub const UPLOAD_BYTES_MAX: u64 = 10 << 20; // 10 MiB
/// The most that may be configured for that, in bytes.
pub const UPLOAD_BYTES_MOST: u64 = 1 << 30; // 1 GiB
/// How long an uploaded file is kept, in hours.
pub const UPLOAD_HOURS: u64 = 24;
/// The most that may be configured for that, in hours.
pub const UPLOAD_HOURS_MAX: u64 = 24 * 365;
/// A file that is due is looked for this much later, in seconds: `find -mmin` counts whole minutes, and only what is more than so many old.
pub const UPLOAD_EXPIRE_LATE_SECONDS: u64 = 120;
/// Files of uploads that one account keeps at one moment.
pub const UPLOAD_FILES_MAX: usize = 100;
/// Uploads of one principal at one moment.
pub const UPLOADS_PER_PRINCIPAL: usize = 2;
/// Uploads at one moment.
pub const UPLOADS: usize = 8;
/// The beginning of a file that its type is told from, in bytes.
pub const SNIFFED_BYTES: usize = 4096;
/// An upload that nothing comes of for so long is cut off, in seconds.
pub const UPLOAD_IDLE_SECONDS_MAX: u64 = 30;
/// An upload that is slower than this is cut off, in bytes a second: it holds one of [`UPLOADS`]. A telephone's worst line has ten times that.
pub const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 4 * 1024;
/// What may still be under way to a host when all of a file was handed over: ssh's own window is 2 MiB, pipes and sockets have the rest.
pub const UPLOAD_UNDER_WAY_BYTES_MAX: u64 = 3 << 20; // 3 MiB
/// Time for a host to say that a file can come, and at the end that it is there, in seconds.
pub const UPLOAD_ANSWER_SECONDS_MAX: u64 = 15;
/// An uploaded file's path, in bytes (`PATH_MAX`).
pub const PATH_BYTES_MAX: usize = 4096;
/// Lines of a pane's history that are shown as text.
pub const TEXT_LINES_MAX: u32 = 10_000;
/// The same in bytes: so many lines of 200 columns, four bytes each.
pub const TEXT_BYTES_MAX: usize = 8 << 20; // 8 MiB
/// Texts that one principal reads at one moment.
pub const TEXTS_PER_PRINCIPAL: usize = 2;
/// Texts that are read at one moment: each is held a few times over while it goes from tmux into JSON.
pub const TEXTS: usize = 8;
/// Time for tmux to print them, in seconds.
pub const TEXT_SECONDS_MAX: u64 = 6;

/// Time for open connections to hear that the server stops, in seconds.
pub const SHUT_DOWN_SECONDS_MAX: u64 = 3;

/// How long the audit waits for the lock of its file, in milliseconds. A process that a killed muxboard was starting holds it until it runs its program.
pub const AUDIT_LOCK_MS_MAX: u64 = 2000;
/// Time between two tries for that lock, in milliseconds.
pub const AUDIT_LOCK_MS: u64 = 20;
/// Events that wait for the audit file's disk; more are lost there, and counted.
pub const AUDIT_QUEUE_EVENTS: usize = 4096;
/// Events that are written to it at once.
pub const AUDIT_BATCH_EVENTS: usize = 256;
/// The head of the audit's chain is said to the log once in so many records.
pub const AUDIT_HEAD_EVENTS: u64 = 256;
/// The longest text of an audit record, in bytes; of a longer one the beginning is kept.
pub const AUDIT_FIELD_BYTES_MAX: usize = 4096;
/// The longest line of an audit file, in bytes: four such texts, each byte written as `\u0000`, and the rest.
pub const AUDIT_LINE_BYTES_MAX: usize = 128 * 1024;
/// The shortest audit key, in bytes.
pub const AUDIT_KEY_BYTES_MIN: usize = 32;
/// The longest audit key, in bytes.
pub const AUDIT_KEY_BYTES_MAX: usize = 4096;
/// An audit file is put aside before it is longer, in bytes: 64 MiB are about 150,000 records.
pub const AUDIT_ROTATE_BYTES: u64 = 64 << 20;
/// The least that may be configured for that, in bytes.
pub const AUDIT_ROTATE_BYTES_MIN: u64 = 1 << 20; // 1 MiB
/// The most, in bytes.
pub const AUDIT_ROTATE_BYTES_MAX: u64 = 1 << 40; // 1 TiB
/// Older audit files that are kept.
pub const AUDIT_KEEP_FILES: usize = 10;
/// The most that may be configured for that.
pub const AUDIT_KEEP_FILES_MAX: usize = 1000;
/// With `fsync = "second"`, between two times that audit lines are forced to the disk, in milliseconds.
pub const AUDIT_SYNC_MS: u64 = 1000;
/// A disk that did not take an audit line is tried again after this time, in milliseconds.
pub const AUDIT_RETRY_MS: u64 = 1000;
/// Time for what waits to be written to the audit file when muxboard ends, in seconds.
pub const AUDIT_CLOSE_SECONDS_MAX: u64 = 5;
/// Records that `muxboard audit tail` shows.
pub const AUDIT_TAIL_LINES: usize = 20;
/// The most it shows.
pub const AUDIT_TAIL_LINES_MAX: usize = 10_000;
/// The widest cell of its table, in characters.
pub const AUDIT_TAIL_COLUMN_CHARS_MAX: usize = 48;
/// Findings that `muxboard audit verify` names, in lines.
pub const AUDIT_FINDINGS_MAX: usize = 20;

const _: () = assert!(ATTACHES_PER_PRINCIPAL <= ATTACHES);
const _: () = assert!(WATCHED_SWEEP_MS < SWEEP_SECONDS * 1000 && BOARD_FRAME_MS < WATCHED_SWEEP_MS);
const _: () = assert!(TERMINALS_PER_MASTER < 10 && SHELLS_MAX < 10 && SHELLS_KEPT <= SHELLS_MAX && CONNECT_SECONDS_MAX < DIAL_SECONDS_MAX);
const _: () = assert!(SECTION_SECONDS_MAX < SWEEP_SECONDS_MAX);
const _: () = assert!(CREDIT_BYTES_MIN <= CREDIT_BYTES_START && CREDIT_BYTES_START <= CREDIT_BYTES_QUICK && CREDIT_BYTES_QUICK <= CREDIT_BYTES_MAX);
const _: () = assert!(CREDIT_BYTES_MAX as usize <= QUEUE_BYTES_MAX && OUTPUT_FRAME_BYTES_MAX <= CREDIT_BYTES_QUICK as usize);
const _: () = assert!(BOARD_QUIET_SECONDS + 2 * CHECK_SECONDS < BOARD_SILENCE_SECONDS_MAX);
const _: () = assert!(QUIET_SECONDS < CHECK_SECONDS && CHECK_SECONDS * 2 <= SILENCE_SECONDS_MAX && SILENCE_SECONDS_MAX + CHECK_SECONDS <= 15);
const _: () = assert!(PAGE_PING_MS + PAGE_SILENCE_MS_MAX < 15_000);
const _: () = assert!(4 * 6 * (AUDIT_FIELD_BYTES_MAX + 3) + 4096 <= AUDIT_LINE_BYTES_MAX && AUDIT_LINE_BYTES_MAX as u64 <= AUDIT_ROTATE_BYTES_MIN);
const _: () = assert!(CONNECTIONS_MIN <= CONNECTIONS && CONNECTIONS <= CONNECTIONS_MAX && CONNECTIONS_MIN / CONNECTIONS_OF_ONE_PART > 0);
const _: () = assert!(HEAD_SECONDS_MAX < KEEP_ALIVE_SECONDS_MAX && IDENTITY_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(2 * RELOAD_MS < 5000 && CHECK_SECONDS <= 5); // what is withdrawn is closed within 5 s
