//! Files from a page: they land as the target user, closed to everybody else, whole or not at all, and nowhere else whatever is put in their way.

mod support;

use serde_json::Value;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Stdio;
use support::sshd::{run, until};
use support::uploads::{FOLDER, Running, Small, World, as_them, finish, folder, mode, partial_is_there, there};
use support::{TOKEN, as_account};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

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
        // A home with the set-group-ID bit hands it on to what is made in it, and no upload worked there.
        as_them(&way.account, &format!("chmod g+s ~/{FOLDER}"));
        assert_eq!((mode(&folder(&way.account)), world.send(&way, PNG).0), (0o2700, 201));
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
        let mut seen = [0_u32, 0];
        // Until accepted and refused uploads were both seen: a refused upload cannot show that no link is followed.
        let began = std::time::Instant::now();
        while seen.iter().sum::<u32>() < 60 || seen.iter().any(|times| *times < 3) {
            let (status, answer) = world.send(&way, PNG);
            assert!(matches!(status, 201 | 507), "{answer}");
            seen[usize::from(status == 201)] += 1;
            assert!(began.elapsed() < support::PATIENCE * 2, "{}: {seen:?}", way.place);
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
    let said = finish(TcpStream::connect(("127.0.0.1", world.board.port)).unwrap(), chunked.as_bytes());
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
    // One is on its way: the right to type goes, then whoever sends it is not known any more.
    let begin = || {
        let stream = world.begin(&way, 1 << 20, &[b'x'; 100_000]);
        until("its beginning is there", || partial_is_there(&way.account));
        stream
    };
    let is_refused = |stream| {
        let said = finish(stream, &[b'x'; (1 << 20) - 100_000]);
        assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("withdrawn"), "{said}");
        until("nothing of it is left", || !partial_is_there(&way.account));
    };
    // (A small one comes in one piece, its first and its last.)
    let small = world.begin(&way, PNG.len(), b"");
    let stream = begin();
    let read = || world.board.log().matches("configuration was read again").count();
    let configure = |text: &str| {
        let times = read();
        world.board.configure(text);
        until("the configuration is read", || read() > times);
    };
    configure(&config.replace("\"type\", ", ""));
    assert_eq!(world.send(&way, PNG).0, 403);
    is_refused(stream);
    let before = there(&way.account).len();
    let said = finish(small, PNG);
    assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("withdrawn"), "{said}");
    until("nothing of it is left", || !partial_is_there(&way.account));
    assert_eq!(there(&way.account).len(), before);
    configure(&config);
    assert_eq!(world.send(&way, PNG).0, 201);
    let stream = begin();
    // (Who asks again and again with a token that is not known is soon not listened to.)
    configure(&config.replace(&support::hash(TOKEN), &support::hash("a-token-of-somebody-else")));
    assert_eq!(world.board.get("/api/v1/whoami").token(TOKEN).send().status, 401);
    is_refused(stream);
    let before = there(&way.account).len();
    configure(&config.replace("enabled = true", "enabled = false"));
    assert!(world.send(&way, PNG).1["detail"].as_str().unwrap().contains("[upload] enabled = true"));
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
fn a_login_shell_that_greets_in_latin_1_or_does_not_end_its_line_let_no_file_in() {
    let Some(world) = World::new("enabled = true") else { return };
    let accounts = &world.client.accounts;
    let bashrc = format!("/home/{}/.bashrc", accounts.login);
    let quiet = std::fs::read_to_string(&bashrc).unwrap();
    std::fs::write(&bashrc, format!("printf 'caf\\351\\n\\033]0;here\\007'\n{quiet}")).unwrap();
    let sent: Vec<u16> = [&accounts.login, &accounts.far].map(|account| world.send(&world.way("far", account), PNG).0).to_vec();
    std::fs::write(&bashrc, quiet).unwrap();
    assert_eq!(sent, [201, 201]);
}

#[test]
fn many_files_at_one_moment_are_told_to_wait() {
    let Some(world) = World::new("enabled = true") else { return };
    let way = world.sudo();
    let both = || (0..2).map(|_| world.begin(&way, 1 << 20, &[b'x'; 5000])).collect::<Vec<TcpStream>>();
    // Two that both find no folder and make it: one of them was refused now and then.
    for _ in 0..5 {
        let first = both();
        until("two are on their way", || there(&way.account).len() == 2);
        drop(first);
        until("they are gone", || there(&way.account).is_empty());
        support::uploads::forget(&way.account);
    }
    let first = both();
    until("two are on their way", || there(&way.account).len() == 2);
    let (status, answer) = world.send(&way, PNG);
    assert!(status == 429 && answer["detail"].as_str().unwrap().contains("Wait"), "{answer}");
    drop(first);
    until("there is room again", || world.send(&way, PNG).0 == 201);
}
