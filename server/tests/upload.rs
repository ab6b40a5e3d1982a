//! Files from a page: they land as the target user, closed to everybody else, whole or not at all, and nowhere else whatever is put in their way.

mod support;

use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use support::sshd::{Client, Sshd, host, run, until};
use support::{Board, TOKEN, as_account};

const FOLDER: &str = ".muxboard-uploads";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// All these tests put files into the homes of the same accounts: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A board that takes files, with a session of each account it reaches, here and over ssh.
struct World {
    board: Board,
    client: Client,
    _sshd: Sshd,
    _turn: MutexGuard<'static, ()>,
}

/// An account, and the way to it.
struct Way {
    place: String,
    account: String,
    session: String,
}

impl World {
    fn new(upload: &str) -> Option<Self> {
        let accounts = support::accounts()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let client = Client::new(&accounts);
        let sshd = Sshd::start(&client, "MaxSessions 3\n");
        client.know(&sshd);
        let far = host("far", sshd.port, &accounts.login, &[&accounts.login, &accounts.far], "");
        let here = far.replace("key = \"far\"", "key = \"here\"").replace("address = \"127.0.0.1\"", "local = true");
        let here = here.lines().filter(|line| !line.starts_with("port") && !line.starts_with("login")).collect::<Vec<_>>().join("\n");
        let here = here.replace(&accounts.login, &accounts.front).replace(&accounts.far, &accounts.other);
        let board = client.board(&format!("[limits]\nrequests_per_second = 0\n[upload]\n{upload}"), &format!("{far}\n{here}\n"));
        for account in [&accounts.front, &accounts.other, &accounts.login, &accounts.far] {
            forget(account);
            board.tmux(account, &["new-session", "-d", "-s", "work"]);
        }
        Some(Self { board, client, _sshd: sshd, _turn: turn })
    }

    fn way(&self, host: &str, account: &str) -> Way {
        Way { place: format!("{host}/{account}"), account: account.into(), session: self.board.session_on(host, account, "work") }
    }

    /// Our own account, another one through sudo, and both over ssh.
    fn ways(&self) -> [Way; 4] {
        let accounts = &self.client.accounts;
        [self.way("here", &accounts.front), self.way("here", &accounts.other), self.way("far", &accounts.login), self.way("far", &accounts.far)]
    }

    fn sudo(&self) -> Way {
        self.way("here", &self.client.accounts.other)
    }

    fn send(&self, way: &Way, file: &[u8]) -> (u16, Value) {
        let answer = self.board.upload(&way.place, &way.session, file).token(TOKEN).send();
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}")))
    }

    /// Begins a file of that length and sends a part of it.
    fn begin(&self, way: &Way, length: usize, part: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.board.port)).unwrap();
        let head = format!(
            "POST /upload/{}/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            way.place, way.session, self.board.port
        );
        stream.write_all(&[head.as_bytes(), part].concat()).unwrap();
        stream
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let accounts = &self.client.accounts;
        for account in [&accounts.front, &accounts.other, &accounts.login, &accounts.far] {
            forget(account);
        }
    }
}

fn folder(account: &str) -> PathBuf {
    Path::new("/home").join(account).join(FOLDER)
}

fn forget(account: &str) {
    as_them(account, &format!("rm -rf ~/{FOLDER}"));
}

/// A line for a shell, as an account.
fn as_them(account: &str, line: &str) -> String {
    let output = as_account(account, "sh").args(["-c", line]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// All that is in an account's folder, hidden files too.
fn there(account: &str) -> Vec<String> {
    fs::read_dir(folder(account)).map(|all| all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()).unwrap_or_default()
}

fn partial_is_there(account: &str) -> bool {
    there(account).iter().any(|name| name.starts_with('.'))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_lands_as_its_user_closed_to_everybody_else_under_a_name_nobody_guesses() {
    let Some(world) = World::new("enabled = true") else { return };
    // Every byte, and more than a pipe and ssh's own window hold.
    let file = [PNG, &(0..3_000_000_u32).flat_map(|n| n.to_le_bytes()).take(9 << 20).collect::<Vec<u8>>()].concat();
    for way in world.ways() {
        let (status, answer) = world.send(&way, &file);
        assert_eq!(status, 201, "{}: {answer}", way.place);
        let path = PathBuf::from(answer["path"].as_str().unwrap());
        assert_eq!(path.parent(), Some(folder(&way.account).as_path()), "{answer}");
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.len() == 36 && name.strip_suffix(".png").unwrap().bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        assert_eq!((answer["typed"].as_str(), answer["type"].as_str(), answer["bytes"].as_u64()), (path.to_str(), Some("image/png"), Some(file.len() as u64)));
        assert!(fs::read(&path).unwrap() == file, "{}: other bytes", way.place);
        let owner = fs::metadata(format!("/home/{}", way.account)).unwrap().uid();
        for (path, want) in [(path.as_path(), 0o600), (path.parent().unwrap(), 0o700)] {
            assert_eq!((fs::symlink_metadata(path).unwrap().uid(), mode(path)), (owner, want), "{}", path.display());
        }
        assert_eq!(there(&way.account), [name], "nothing beside it");
        // Nobody else, the account that runs muxboard neither.
        for other in [&world.client.accounts.refused, &world.client.accounts.front] {
            let seen = as_them(other, &format!("cat {0} || ls {1}", path.display(), folder(&way.account).display()));
            assert!(*other == way.account || seen.is_empty(), "{other} reads what is {}'s", way.account);
        }
        let (_, second) = world.send(&way, &file[..40]);
        assert_ne!(second["path"], answer["path"]);
    }
    let sockets = |account: &str| as_them(account, "ls /tmp/tmux-$(id -u) | grep muxboard-");
    assert_eq!(sockets(&world.client.accounts.other) + &sockets(&world.client.accounts.far), "", "a probe's socket stays");
    let log = world.board.log();
    let hash = run(
        "sha256sum",
        &[folder(&world.client.accounts.far)
            .join(
                there(&world.client.accounts.far).iter().max_by_key(|name| fs::metadata(folder(&world.client.accounts.far).join(name)).unwrap().len()).unwrap(),
            )
            .to_str()
            .unwrap()],
    );
    assert!(log.lines().any(|line| line.contains("upload") && line.contains("done") && line.contains(&hash[..64])), "it is not in the audit");
    assert!(!log.contains(FOLDER), "a path is in the log");
}

#[test]
fn what_a_file_is_its_bytes_say_and_not_the_browser() {
    let Some(world) = World::new("enabled = true") else { return };
    let way = world.sudo();
    let answer = world
        .board
        .upload(&way.place, &way.session, b"<script>alert(1)</script>")
        .token(TOKEN)
        .header("Content-Disposition", "attachment; filename=\"../../x.png\"")
        .send();
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(answer["path"].as_str().unwrap().ends_with(".html") || answer["path"].as_str().unwrap().ends_with(".txt"), "{answer}");
    let (_, answer) = world.send(&way, b"\x7fnothing known");
    assert_eq!(answer["type"], "application/octet-stream");
    let answer = world.board.upload(&way.place, &format!("{}?name=x", way.session), PNG).token(TOKEN).send();
    assert_eq!((answer.status, there(&way.account).len()), (422, 2));
}

#[test]
fn what_stands_in_the_folders_place_is_refused_and_nothing_is_written_through_it() {
    let Some(world) = World::new("enabled = true") else { return };
    for way in world.ways() {
        // Elsewhere, as tempting as can be: his own, closed, empty.
        let elsewhere = format!("/home/{}/elsewhere", way.account);
        as_them(&way.account, &format!("mkdir -m 700 {elsewhere}"));
        for (made, undone) in [
            (format!("ln -s {elsewhere} ~/{FOLDER}"), format!("rm ~/{FOLDER}")),
            (format!("ln -s {elsewhere}/nothing ~/{FOLDER}"), format!("rm ~/{FOLDER}")),
            (format!("mkdir -m 755 ~/{FOLDER}"), format!("rmdir ~/{FOLDER}")),
            (format!("mkdir -m 770 ~/{FOLDER}"), format!("rmdir ~/{FOLDER}")),
            (format!("touch ~/{FOLDER}"), format!("rm ~/{FOLDER}")),
        ] {
            as_them(&way.account, &made);
            let (status, answer) = world.send(&way, PNG);
            assert_eq!(status, 507, "{made}: {answer}");
            assert!(answer["detail"].as_str().unwrap().contains(FOLDER) || answer["detail"].as_str().unwrap().contains("home"), "{answer}");
            assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{made}");
            as_them(&way.account, &undone);
            assert!(!folder(&way.account).exists(), "{made}: something was written there");
        }
        // A folder that belongs to somebody else.
        fs::create_dir(folder(&way.account)).unwrap();
        fs::set_permissions(folder(&way.account), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!((world.send(&way, PNG).0, there(&way.account).len()), (507, 0), "root's folder");
        fs::remove_dir(folder(&way.account)).unwrap();
        as_them(&way.account, &format!("rmdir {elsewhere}"));
        assert_eq!(world.send(&way, PNG).0, 201);
    }
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_folder_that_turns_into_a_link_and_back_all_the_time_leads_no_file_elsewhere() {
    let Some(world) = World::new("enabled = true") else { return };
    for way in [world.sudo(), world.way("far", &world.client.accounts.far)] {
        let elsewhere = format!("/home/{}/elsewhere", way.account);
        as_them(&way.account, &format!("mkdir -m 700 {elsewhere} ~/{FOLDER}"));
        let flips = format!("cd; while :; do mv {FOLDER} aside; ln -s {elsewhere} {FOLDER}; rm {FOLDER}; mv aside {FOLDER}; done");
        let racer = Running(as_account(&way.account, "sh").args(["-c", &flips]).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap());
        let mut seen = [0, 0];
        for _ in 0..60 {
            let (status, answer) = world.send(&way, PNG);
            assert!(matches!(status, 201 | 507), "{answer}");
            seen[usize::from(status == 201)] += 1;
        }
        drop(racer);
        as_them(&way.account, "cd; [ -d aside ] && rm -rf aside");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{}: a file was led elsewhere ({seen:?})", way.place);
        as_them(&way.account, &format!("rm -rf {elsewhere} ~/{FOLDER}"));
    }
}

#[test]
fn a_cut_upload_leaves_nothing_behind() {
    let Some(mut world) = World::new("enabled = true") else { return };
    let ways = world.ways();
    for way in &ways {
        for part in [0, 5000, 3 << 20] {
            let stream = world.begin(way, 4 << 20, &vec![b'x'; part]);
            if part > 0 {
                until("its beginning is there", || partial_is_there(&way.account));
            }
            drop(stream);
            until("nothing of it is left", || there(&way.account).is_empty());
        }
    }
    // The whole of muxboard goes, with SIGKILL.
    let streams: Vec<TcpStream> = ways.iter().step_by(3).map(|way| world.begin(way, 4 << 20, &vec![b'x'; 1 << 20])).collect();
    until("both beginnings are there", || ways.iter().step_by(3).all(|way| partial_is_there(&way.account)));
    world.board.kill_and_restart();
    drop(streams);
    until("nothing of them is left", || ways.iter().all(|way| there(&way.account).is_empty()));
}

/// A small file system as an account's folder.
struct Small(PathBuf);

impl Small {
    fn mount(account: &str) -> Option<Self> {
        as_them(account, &format!("mkdir -m 700 ~/{FOLDER}"));
        let id = fs::metadata(folder(account)).unwrap().uid();
        let path = folder(account);
        #[expect(clippy::disallowed_methods, reason = "tests run real programs")]
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size=64k,mode=0700,uid={id},gid={id}"), "muxboard-test", path.to_str().unwrap()])
            .status()
            .unwrap();
        if !mounted.success() {
            eprintln!("SKIPPED: a full disk needs the right to mount one");
        }
        mounted.success().then_some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // The script's last process may still stand in it.
        #[expect(clippy::disallowed_methods, reason = "tests run real programs")]
        let unmounts = || std::process::Command::new("umount").arg(&self.0).stderr(Stdio::null()).status().unwrap().success();
        until("it is unmounted", unmounts);
    }
}

#[test]
fn a_full_disk_is_said_in_words_and_leaves_nothing_behind() {
    let Some(world) = World::new("enabled = true") else { return };
    for way in world.ways() {
        let Some(_disk) = Small::mount(&way.account) else { return };
        // Small enough for every buffer on the way, and much too large for all of them.
        for length in [100_000, 8 << 20] {
            let (status, answer) = world.send(&way, &vec![b'x'; length]);
            assert_eq!(status, 507, "{}: {answer}", way.place);
            assert!(answer["detail"].as_str().unwrap().contains("No space left on device"), "{answer}");
            assert_eq!(there(&way.account).len(), 0, "{}", way.place);
        }
        assert_eq!(world.send(&way, b"this fits").0, 201);
    }
}

#[test]
fn size_and_number_are_capped_and_what_is_old_goes() {
    let Some(world) = World::new("enabled = true\nmax_bytes = 1000\nexpire_hours = 2") else { return };
    let way = world.sudo();
    let (status, answer) = world.send(&way, &[b'x'; 1001]);
    assert!(status == 413 && answer["detail"].as_str().unwrap().contains("1000"), "{answer}");
    assert_eq!(world.send(&way, b"").0, 422);
    let chunked = format!(
        "POST /upload/{}/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        way.place, way.session, world.board.port
    );
    let mut stream = TcpStream::connect(("127.0.0.1", world.board.port)).unwrap();
    stream.write_all(chunked.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 411 "), "{said}");
    assert!(!folder(&way.account).exists());

    assert_eq!(world.send(&way, &[b'x'; 1000]).0, 201);
    // What is old goes, a part that a crash left too; what is not an upload stays, and what is not old.
    let old = "0123456789abcdef0123456789abcdef";
    as_them(
        &way.account,
        &format!(
            "cd ~/{FOLDER}; touch -d '3 hours ago' {old}.png .{old} mine.png; touch -d '1 hour ago' {}.txt; ln -s /etc/passwd {}.lnk",
            old.replace('0', "f"),
            old.replace('0', "e")
        ),
    );
    assert_eq!(world.send(&way, PNG).0, 201);
    let left = there(&way.account);
    assert!(!left.contains(&format!("{old}.png")) && !left.contains(&format!(".{old}")), "{left:?}");
    assert!(left.contains(&"mine.png".to_owned()) && left.contains(&format!("{}.txt", old.replace('0', "f"))), "{left:?}");

    as_them(&way.account, &format!("cd ~/{FOLDER}; rm *; for n in $(seq 100); do touch $(printf %032d $n).txt; done"));
    let (status, answer) = world.send(&way, PNG);
    assert!(status == 507 && answer["detail"].as_str().unwrap().contains("rm ~/.muxboard-uploads/*"), "{answer}");
    assert_eq!(there(&way.account).len(), 100);
    as_them(&way.account, &format!("rm ~/{FOLDER}/*1.txt"));
    assert_eq!(world.send(&way, PNG).0, 201);
}

#[test]
fn uploads_are_off_unless_the_configuration_says_so_and_a_withdrawn_right_ends_one() {
    let Some(world) = World::new("enabled = true\nmax_bytes = 2000000") else { return };
    let way = world.sudo();
    let config = world.board.config();
    let mut stream = world.begin(&way, 1 << 20, &[b'x'; 100_000]);
    until("its beginning is there", || partial_is_there(&way.account));
    world.board.configure(&config.replace("\"type\", ", ""));
    until("typing is withdrawn", || world.send(&way, PNG).0 == 403);
    stream.write_all(&vec![b'x'; (1 << 20) - 100_000]).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("withdrawn"), "{said}");
    until("nothing of it is left", || !partial_is_there(&way.account));
    // Nor does one go on when whoever sends it is not known any more.
    world.board.configure(&config);
    until("typing is allowed", || world.send(&way, PNG).0 == 201);
    let mut stream = world.begin(&way, 1 << 20, &[b'x'; 100_000]);
    until("its beginning is there", || partial_is_there(&way.account));
    world.board.configure(&config.replace(&support::hash(TOKEN), &support::hash("a-token-of-somebody-else")));
    until("the token is withdrawn", || world.board.get("/api/v1/whoami").token(TOKEN).send().status == 401);
    stream.write_all(&vec![b'x'; (1 << 20) - 100_000]).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("withdrawn"), "{said}");
    until("nothing of it is left", || !partial_is_there(&way.account));
    let before = there(&way.account).len();
    // (Who asks again and again with a token that is not known is soon not listened to.)
    let read = || world.board.log().matches("was read again").count();
    let times = read();
    world.board.configure(&config.replace("enabled = true", "enabled = false"));
    until("the configuration is read", || read() > times);
    until("uploads are off, in words", || world.send(&way, PNG).1["detail"].as_str().unwrap().contains("[upload] enabled = true"));
    assert_eq!(there(&way.account).len(), before);
    // The page does not offer what is off.
    let page = world.board.get(&format!("/{}/work?id={}", way.place, way.session)).token(TOKEN).send().body;
    assert!(page.contains("data-text=") && !page.contains("data-upload="));
    world.board.configure(&config);
    until("uploads are on", || {
        world.board.get(&format!("/{}/work?id={}", way.place, way.session)).token(TOKEN).send().body.contains("data-upload-max=\"2000000\"")
    });
}

#[test]
fn many_files_at_one_moment_are_told_to_wait() {
    let Some(world) = World::new("enabled = true") else { return };
    let way = world.sudo();
    let first: Vec<TcpStream> = (0..2).map(|_| world.begin(&way, 1 << 20, &[b'x'; 5000])).collect();
    until("two are on their way", || there(&way.account).len() == 2);
    let (status, answer) = world.send(&way, PNG);
    assert!(status == 429 && answer["detail"].as_str().unwrap().contains("Wait"), "{answer}");
    drop(first);
    until("there is room again", || world.send(&way, PNG).0 == 201);
}
