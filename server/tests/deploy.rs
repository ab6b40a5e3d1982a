//! The files in deploy/, with their blanks filled in: a real nginx in front of the real binary, and what sudo's and systemd's own tools say of them.

mod support;

use serde_json::Value;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use support::served::port;
use support::skip::skip;
use support::sshd::{run, until};
use support::{Accounts, Board, Request, accounts, binary, unique};

const OPS: &str = "Basic b3BzQGV4YW1wbGUuY29tOnB3"; // ops@example.com:pw
const STRANGER: &str = "Basic c3RyYW5nZXJAZXhhbXBsZS5jb206cHc="; // stranger@example.com:pw, in no line of the map
const WRONG: &str = "Basic b3BzQGV4YW1wbGUuY29tOm5v"; // ops@example.com:no
const SECRET: &str = "a-secret-of-nginx-alone";

fn shipped(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)).unwrap()
}

/// Debian has it where only root looks.
fn nginx() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').chain(["/usr/sbin"]).map(|folder| Path::new(folder).join("nginx")).find(|program| program.exists());
    if found.is_none() {
        skip("nginx", "This test needs nginx's program: `make test` brings it.");
    }
    found
}

/// nginx as deploy/nginx.conf has it, in front of a board as deploy/muxboard.toml has it. ops@example.com is the sudo target of the account that
/// runs the board, deploy@example.com that account itself.
struct Front {
    nginx: Child,
    board: Board,
    front: u16,
    behind: u16,
    _folder: tempfile::TempDir,
}

impl Front {
    fn new(changed: impl Fn(String) -> String) -> Option<Self> {
        let (accounts, program) = (accounts()?, nginx()?);
        let folder = open_folder();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (front, behind) = (port(), port());
        let board = board(&accounts, &path, front, behind);

        fs::write(path("users"), "ops@example.com:{PLAIN}pw\nstranger@example.com:{PLAIN}pw\n").unwrap();
        fs::write(path("secret.conf"), format!("proxy_set_header X-Muxboard-Secret \"{SECRET}\";\n")).unwrap();
        run("chmod", &["600", &path("secret.conf")]);
        // Without TLS: these tests speak plain HTTP.
        let site: String =
            shipped("nginx.conf").replace(" ssl;", ";").lines().filter(|line| !line.trim().starts_with("ssl_")).map(|line| line.to_owned() + "\n").collect();
        let site = [
            ("@PORT@", &format!("127.0.0.1:{front}")),
            ("@NAME@", &"127.0.0.1".to_owned()),
            ("@UPSTREAM@", &format!("127.0.0.1:{behind}")),
            ("@USERS@", &path("users")),
            ("@SECRET_FILE@", &path("secret.conf")),
        ]
        .into_iter()
        .fold(site, |site, (blank, value)| site.replace(blank, value));
        let whole = format!(
            "daemon off; pid {0}/pid; error_log {0}/error.log; events {{}}\nhttp {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b; \
             fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n{1}}}\n",
            folder.path().display(),
            changed(site)
        );
        fs::write(path("nginx.conf"), whole).unwrap();
        #[expect(clippy::disallowed_methods, reason = "tests run real programs")]
        let nginx = Command::new(program).args(["-e", &path("error.log"), "-c", &path("nginx.conf")]).spawn().unwrap();
        until("nginx listens", || TcpStream::connect(("127.0.0.1", front)).is_ok());
        Some(Self { nginx, board, front, behind, _folder: folder })
    }

    /// Through nginx.
    fn get(&mut self, path: &str) -> Request<'_> {
        self.board.port = self.front;
        self.board.get(path)
    }

    /// Past nginx, as another account of this machine could try.
    fn past(&mut self, headers: &[(&str, &str)]) -> u16 {
        self.board.port = self.behind;
        let host = format!("127.0.0.1:{}", self.front);
        let request = self.board.get("/api/v1/whoami").header("Host", &host);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().status
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // Not SIGKILL: its workers would stay.
        run("kill", &["-TERM", &self.nginx.id().to_string()]);
        self.nginx.wait().unwrap();
    }
}

fn open_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().prefix("mbdeploy").permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

fn board(accounts: &Accounts, path: &impl Fn(&str) -> String, front: u16, behind: u16) -> Board {
    fs::write(path("secret"), format!("{SECRET}\n")).unwrap();
    run("chmod", &["600", &path("secret")]);
    run("chown", &[&accounts.front, &path("secret")]);
    let map = shipped("user-map").replace("= ops\n", &format!("= {}\n", accounts.other)).replace("= deploy\n", &format!("= {}\n", accounts.front));
    fs::write(path("user-map"), map).unwrap();
    let name = unique();
    let config = [
        ("unix:/run/muxboard/http.sock", format!("127.0.0.1:{behind}")),
        ("https://term.example.com", format!("http://127.0.0.1:{front}")),
        ("trusted = []", "trusted = [\"127.0.0.1/32\"]".to_owned()),
        ("/run/credentials/muxboard.service/proxy-secret", path("secret")),
        ("/etc/muxboard/user-map", path("user-map")),
    ]
    .into_iter()
    .fold(shipped("muxboard.toml"), |config, (from, to)| {
        assert!(config.contains(from), "{from} is not in deploy/muxboard.toml");
        config.replace(from, &to)
    });
    Board::with(accounts.clone(), name.clone(), &format!("{config}socket_name = \"{name}\"\n"))
}

/// What nobody but nginx may say, in the spellings that reached other programs.
const FORGED: [(&str, &str); 8] = [
    ("X-authentik-username", "deploy@example.com"),
    ("x-Authentik-Username", "deploy@example.com"),
    ("X_Authentik_Username", "deploy@example.com"),
    ("X-authentik_username", "deploy@example.com"),
    ("X-authentik-groups", "admins"),
    ("X_authentik_groups", "admins"),
    ("X-Muxboard-Secret", "a-guess"),
    ("X-Forwarded-For", "127.0.0.1"),
];

#[test]
fn nginx_says_who_it_is_and_nobody_else_can() {
    let Some(mut front) = Front::new(|site| site) else { return };
    let other = front.board.accounts.other.clone();
    for (login, want) in [(None, 401), (Some(WRONG), 401), (Some(STRANGER), 403), (Some(OPS), 200)] {
        let request = front.get("/api/v1/whoami");
        let answer = login.into_iter().fold(request, |request, login| request.header("Authorization", login)).send();
        assert_eq!(answer.status, want, "{login:?}: {}", answer.body);
    }
    let request = front.get("/api/v1/whoami").header("Authorization", OPS);
    let answer = FORGED.into_iter().fold(request, |request, (name, value)| request.header(name, value)).send();
    let who: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((who["identity"].as_str(), who["account"].as_str(), who["gate"].as_str()), (Some("ops@example.com"), Some(other.as_str()), Some("proxy")));
    assert_eq!((who["groups"].as_array().unwrap().len(), who["reach"].as_array().unwrap().len()), (0, 1), "{who}");

    let (secret, ops) = (("X-Muxboard-Secret", SECRET), ("X-authentik-username", "ops@example.com"));
    assert_eq!(front.past(&[secret, ops]), 200);
    assert_eq!(front.past(&[secret, ("X-authentik-username", "stranger@example.com")]), 403);
    for headers in
        [&[ops][..], &[("X-Muxboard-Secret", "a-guess"), ops], &[secret], &[secret, ops, ops], &[secret, ("X_Authentik_Username", "ops@example.com")]]
    {
        assert_eq!(front.past(headers), 401, "{headers:?}");
    }
}

#[test]
fn an_identity_reaches_its_own_account_by_pages_actions_and_sockets() {
    let Some(mut front) = Front::new(|site| site) else { return };
    let (own, other) = (front.board.accounts.front.clone(), front.board.accounts.other.clone());
    let origin = format!("http://127.0.0.1:{}", front.front);
    let page = front.get("/").header("Authorization", OPS).send();
    assert!(page.status == 200 && page.body.contains("ops@example.com") && page.body.contains(&other) && !page.body.contains(&own), "{}", page.body);
    for (account, want) in [(&other, 200), (&own, 403)] {
        let place = format!("local/{account}");
        let create = front.board.post("/fn/create", &[("place", &place), ("name", "made")]).header("Authorization", OPS);
        assert_eq!(create.header("Origin", &origin).send().status, want, "{account}");
    }
    assert_eq!(front.board.tmux(&other, &["list-sessions", "-F", "#{session_name}"]), "made");
    // nginx takes the Authorization header for itself: what stands in it is no leave to go without an Origin.
    let without = front.board.post("/fn/refresh", &[]).header("Authorization", OPS).send();
    assert_eq!(without.status, 403, "{}", without.body);
    for (login, from, want) in [(Some(OPS), origin.as_str(), 101), (Some(OPS), "http://evil.example", 403), (None, origin.as_str(), 401)] {
        let socket = front.get("/ws/board").websocket().header("Origin", from);
        assert_eq!(login.into_iter().fold(socket, |socket, login| socket.header("Authorization", login)).send().status, want, "{login:?} {from}");
    }
}

/// The guard of nginx taken away: muxboard itself refuses what comes in two spellings.
#[test]
fn where_nginx_lets_underscores_through_muxboard_does_not() {
    let Some(mut front) = Front::new(|site| {
        let open =
            site.replace("underscores_in_headers off;", "underscores_in_headers on;").replace("ignore_invalid_headers on;", "ignore_invalid_headers off;");
        assert_ne!(open, site);
        open
    }) else {
        return;
    };
    assert_eq!(front.get("/api/v1/whoami").header("Authorization", OPS).send().status, 200);
    for smuggled in ["X_Authentik_Username", "X-authentik_username", "X_authentik_groups", "X_Muxboard_Secret"] {
        assert_eq!(front.get("/api/v1/whoami").header("Authorization", OPS).header(smuggled, "deploy@example.com").send().status, 401, "{smuggled}");
    }
}

#[test]
fn the_other_files_are_what_their_programs_read() {
    let folder = open_folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sudoers = shipped("sudoers");
    // Its last lines as they are, and with the one that is left to choose.
    for (name, text) in [("as-it-is", sudoers.clone()), ("less-logged", sudoers.replace("#Defaults", "Defaults"))] {
        fs::write(path(name), text).unwrap();
        if Path::new("/usr/sbin/visudo").exists() {
            run("/usr/sbin/visudo", &["-cf", &path(name)]);
        }
    }
    for line in ["muxboard ALL=(ops) NOPASSWD: /usr/bin/tmux", "muxboard ALL=(deploy) NOPASSWD: /usr/bin/tmux"] {
        assert!(sudoers.lines().any(|l| l == line), "{line}");
    }
    let unit = shipped("muxboard.service");
    for line in ["KillMode=process", "OOMPolicy=continue", "TasksMax=infinity", "LoadCredential=proxy-secret:/etc/muxboard/proxy-secret"] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    fs::write(path("muxboard.service"), unit.replace("/usr/local/bin/muxboard", binary())).unwrap();
    if Path::new("/usr/bin/systemd-analyze").exists() {
        assert_eq!(run("sh", &["-c", &format!("systemd-analyze verify {} 2>&1", path("muxboard.service"))]), "");
    }
}
