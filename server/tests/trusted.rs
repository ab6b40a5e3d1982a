//! What is trusted can be changed by nobody but root and the account that runs muxboard: its files, the folders above them, its own memory. Against the real
//! binary, with other accounts.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::sshd::{run, until};
use support::{Board, accounts, as_account, binary, hash, unique};

const SECRET: &str = "the-proxy-and-we-know-it";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every kind of file that a configuration names, each in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    account: String,
}

impl World {
    fn new() -> Option<Self> {
        let account = accounts()?.front;
        let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let world = Self { folder, account };
        let token = format!("{SECRET}\n");
        let map = format!("ann = {}\n", world.account);
        let key = "a key for tests only, of more than 32 bytes\n";
        for (name, text) in
            [("map", map.as_str()), ("secret", &token), ("cert", "x"), ("tls", "x"), ("audit", ""), ("key", key), ("ssh_config", ""), ("password", &token)]
        {
            fs::create_dir(world.path(name).parent().unwrap()).unwrap();
            fs::write(world.path(name), text).unwrap();
            let own = ["secret", "tls", "audit", "key", "password"].contains(&name);
            mode(&world.path(name), if own { 0o600 } else { 0o644 });
            run("chown", &["-R", &world.account, world.path(name).parent().unwrap().to_str().unwrap()]);
        }
        fs::create_dir(world.folder.path().join("conf")).unwrap();
        fs::write(world.config(), world.text()).unwrap();
        Some(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("of-{name}")).join(name)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("conf/muxboard.toml")
    }

    fn text(&self) -> String {
        let path = |name: &str| self.path(name).display().to_string();
        format!(
            "listen = \"127.0.0.1:0\"\norigins = [\"https://localhost:1\"]\nssh_config = \"{}\"\n[tls]\ncert = \"{}\"\nkey = \"{}\"\n[audit]\nfile = \"{}\"\nkey_file = \"{}\"\n\
             [auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-Who\"\ntrusted = [\"127.0.0.1\"]\nsecret_header = \"X-Proxy-Secret\"\nsecret_file = \"{}\"\n\
             user_map = \"{}\"\n[[host]]\nkey = \"far\"\naddress = \"127.0.0.1\"\nport = 9\nlogin = \"nobody\"\nusers = [\"nobody\"]\npassword_file = \"{}\"\n",
            path("ssh_config"),
            path("cert"),
            path("tls"),
            path("audit"),
            path("key"),
            path("secret"),
            path("map"),
            path("password")
        )
    }

    /// What a command says at its end, if it is that something can be changed.
    fn distrusts(&self, command: &str) -> Option<String> {
        let output = as_account(&self.account, binary()).args([command, "-c", self.config().to_str().unwrap()]).output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        let distrusts = ["others may write", "belongs to another account"].iter().any(|word| says.contains(word));
        assert!(!distrusts || output.status.code() == Some(1) && output.stdout.is_empty(), "{output:?}");
        distrusts.then_some(says)
    }
}

#[test]
fn what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it() {
    let Some(world) = World::new() else { return };
    let both = || ["serve", "check"].map(|command| world.distrusts(command));
    assert_eq!(both(), [None, None], "as it is");
    let names = ["map", "secret", "cert", "tls", "audit", "key", "ssh_config", "password"];
    let files = names.map(|name| world.path(name)).into_iter().chain([world.config()]);
    let mut changed: Vec<PathBuf> = files.clone().map(|file| file.parent().unwrap().to_owned()).collect();
    // A secret that others can write they can read too, and that is said of it.
    changed.extend(files.filter(|file| file.metadata().unwrap().permissions().mode() & 0o777 == 0o644));
    changed.push(world.folder.path().to_owned());
    let older = world.path("audit").with_file_name("audit.3");
    fs::write(&older, "").unwrap();
    run("chown", &[&world.account, older.to_str().unwrap()]);
    changed.push(older);
    for path in changed {
        let was = path.metadata().unwrap().permissions().mode() & 0o7777;
        for writable in [was | 0o020, was | 0o002] {
            mode(&path, writable);
            for says in both() {
                let says = says.unwrap_or_else(|| panic!("{} {writable:o} was trusted", path.display()));
                assert!(says.contains(&format!("chmod go-w {}", path.display())), "{says}");
            }
            let says = both()[0].clone().unwrap();
            let line = says.split(": ").find(|part| part.starts_with("chmod ")).unwrap().split(", or").next().unwrap().to_owned();
            run("sh", &["-c", &line]);
            assert_eq!(both(), [None, None], "{line}");
        }
        let owner = run("stat", &["-c", "%u", path.to_str().unwrap()]);
        run("chown", &[&accounts().unwrap().other, path.to_str().unwrap()]);
        for command in ["serve", "check"] {
            // The secrets have a sentence of their own for this.
            let output = as_account(&world.account, binary()).args([command, "-c", world.config().to_str().unwrap()]).output().unwrap();
            let says = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(1) && says.contains(path.to_str().unwrap()), "{}: {says}", path.display());
        }
        run("chown", &[&owner, path.to_str().unwrap()]);
        assert_eq!(both(), [None, None], "{}", path.display());
    }
    // A sticky folder is one in which nobody touches what is another's; the audit makes files in its folder.
    mode(world.folder.path(), 0o1777);
    assert_eq!(both(), [None, None]);
    mode(world.path("audit").parent().unwrap(), 0o1777);
    assert!(world.distrusts("serve").unwrap().contains("choose a folder of your own"));
}

#[test]
fn a_configuration_or_a_map_that_others_may_write_is_not_taken_while_the_board_runs() {
    let Some(accounts) = accounts() else { return };
    let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let (secret, map) = (folder.path().join("secret"), folder.path().join("map"));
    fs::write(&secret, format!("{SECRET}\n")).unwrap();
    mode(&secret, 0o600);
    run("chown", &[&accounts.front, secret.to_str().unwrap()]);
    fs::write(&map, format!("ann = {}\n", accounts.front)).unwrap();
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-Who\"\ntrusted = [\"127.0.0.1\"]\nsecret_header = \"X-Proxy-Secret\"\n\
         secret_file = \"{}\"\nuser_map = \"{}\"\n[[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\n",
        secret.display(),
        map.display(),
        accounts.front
    );
    let front = accounts.front.clone();
    let board = Board::with(accounts, unique(), &config);
    let whoami = |who: &str| board.get("/api/v1/whoami").header("X-Who", who).header("X-Proxy-Secret", SECRET).send().status;
    assert_eq!((whoami("ann"), whoami("eve")), (200, 403));
    // As another account would: it adds itself.
    mode(&map, 0o666);
    run("runuser", &["-u", &board.accounts.other, "--", "sh", "-c", &format!("echo 'eve = {front}' >>{}", map.display())]);
    until("it is told", || board.log().contains(&format!("others may write {0}: chmod go-w {0}", map.display())));
    assert_eq!((whoami("ann"), whoami("eve")), (200, 403));
    run("chmod", &["go-w", map.to_str().unwrap()]);
    until("what root let stand is taken", || whoami("eve") == 200);

    let path = board.file("muxboard.toml");
    mode(&path, 0o666);
    let opened = format!("gate = \"token\"\n[[auth.token]]\nname = \"eve\"\nsha256 = \"{}\"\n", hash("a-token-of-eves-own"));
    let evil = config.split("[auth]\n").next().unwrap().to_owned() + "[auth]\n" + &opened + "[[host]]" + config.split("[[host]]").nth(1).unwrap();
    fs::write(&path, evil).unwrap();
    until("it is told", || board.log().contains(&format!("others may write {0}: chmod go-w {0}", path.display())));
    assert_eq!((whoami("ann"), board.get("/api/v1/whoami").token("a-token-of-eves-own").send().status), (200, 401));
}

#[test]
fn a_runtime_directory_that_another_account_has_made_is_left_to_it() {
    let Some(accounts) = accounts() else { return };
    let shared = PathBuf::from(format!("/tmp/muxboard-{}", run("id", &["-u", &accounts.front])));
    let _ = fs::remove_dir_all(&shared);
    assert!(as_account(&accounts.other, "mkdir").args(["-m", "777", shared.to_str().unwrap()]).status().unwrap().success());
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[auth]\ngate = \"deny\"\n[[host]]\nkey = \"far\"\naddress = \"127.0.0.1\"\nport = 9\nlogin = \"{0}\"\nusers = [\"{0}\"]\n",
        accounts.front
    );
    let before = format!("{}-", shared.display());
    let its_own = || {
        let all = fs::read_dir("/tmp").unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.to_str().is_some_and(|path| path.starts_with(&before))).collect::<Vec<_>>()
    };
    let front = accounts.front.clone();
    let mut board = Board::with_variables(accounts, unique(), &config, &[("XDG_RUNTIME_DIR", "")]);
    assert!(board.log().contains(&format!("{} is not ours alone", shared.display())), "{}", board.log());
    let there = its_own();
    let [own] = there.as_slice() else { panic!("{there:?}") };
    assert_eq!(run("stat", &["-c", "%U %a", own.to_str().unwrap()]), format!("{front} 700"));
    board.kill_and_restart();
    assert_eq!(its_own(), there, "the next one has the same");
    board.stop("TERM");
    for left in there.iter().chain([&shared]) {
        fs::remove_dir_all(left).unwrap();
    }
}

#[test]
fn another_program_of_the_same_account_reads_neither_its_memory_nor_its_environment() {
    let Some(board) = Board::start("") else { return };
    let front = &board.accounts.front;
    let reads = |pid: u32, file: &str| as_account(front, "head").args(["-c", "1", &format!("/proc/{pid}/{file}")]).output().unwrap().status.success();
    let mut other = as_account(front, "sleep").arg("60").spawn().unwrap();
    until("it runs", || fs::read_to_string(format!("/proc/{}/comm", other.id())).is_ok_and(|name| name.trim() == "sleep"));
    for file in ["environ", "maps", "auxv"] {
        assert!(reads(other.id(), file), "a process of the account is open to it: {file}");
        assert!(!reads(board.pid(), file), "{file}");
    }
    // Where anything is mapped: there the first byte can be read, if any can.
    let first = |pid: u32| fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().split('-').next().map(|hex| u64::from_str_radix(hex, 16).unwrap()).unwrap();
    let memory = |pid: u32| {
        let skip = (first(pid) / 4096).to_string();
        let words = [format!("if=/proc/{pid}/mem"), "bs=4096".into(), format!("skip={skip}"), "count=1".into(), "status=none".into()];
        as_account(front, "dd").args(words).output().unwrap().stdout.len()
    };
    assert_eq!((memory(other.id()), memory(board.pid())), (4096, 0));
    other.kill().unwrap();
    other.wait().unwrap();
    // What it starts is as ever: a session's programs can be looked at, and dump core.
    board.tmux(front, &["kill-server"]);
    let place = format!("here/{front}");
    let made = board.post("/fn/create", &[("place", &place), ("name", "made"), ("command", "exec sleep 60")]).token(support::TOKEN).send();
    assert_eq!(made.status, 200, "{}", made.body);
    let pid = || board.tmux(front, &["list-panes", "-t", "made", "-F", "#{pane_pid}"]).parse::<u32>().unwrap();
    until("its program runs", || fs::read_to_string(format!("/proc/{}/comm", pid())).is_ok_and(|name| name.trim() == "sleep"));
    assert!(reads(pid(), "environ"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", pid())).unwrap();
    let own = fs::read_to_string("/proc/self/limits").unwrap();
    let core = |limits: &str| limits.lines().find(|line| line.starts_with("Max core")).map(str::to_owned);
    assert_eq!(core(&limits), core(&own));
}
