//! Minimal systems of other distributions, each with its own accounts, sudoers lines and sshd on a loopback port, in namespaces of their own:
//! nothing of a test stays in the system it was made from, and the end of its first process is the end of all of it.

use super::skip::skip;
use super::sshd::{Client, run, until};
use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The login account in each of them, by name and uid. (The uid belongs to nobody outside.)
pub const LOGIN: (&str, u32) = ("mblogin", 60001);
/// The account that [`LOGIN`] reaches through sudo.
pub const OTHER: (&str, u32) = ("mbother", 60002);

/// A distribution: how its archive and how people call it.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    pub suite: &'static str,
    pub name: &'static str,
}

pub const BULLSEYE: Suite = Suite { suite: "bullseye", name: "Debian 11" };
pub const BOOKWORM: Suite = Suite { suite: "bookworm", name: "Debian 12" };
pub const TRIXIE: Suite = Suite { suite: "trixie", name: "Debian 13" };
pub const SID: Suite = Suite { suite: "sid", name: "Debian unstable" };

/// The first process in the namespaces. Words: an empty folder, the system, a folder with sshd's files, sudoers lines.
///
/// The system lies read-only below an overlay in memory. The shell that waits for sshd is there to collect what loses its parent, as an init does.
const FIRST: &str = r#"set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mkdir -p etc/sshd-test run/sshd
cp "$3/config" "$3/authorized_keys" "$3/host_key" etc/sshd-test
chmod 600 etc/sshd-test/host_key
echo "127.0.0.1 localhost $(hostname)" >etc/hosts
printf '%s\n' "$4" >etc/sudoers.d/muxboard
chmod 0440 etc/sudoers.d/muxboard
exec chroot . sh -ec '
  for account in "$@"; do useradd --create-home --shell /bin/bash --password "*" --uid "${account#*:}" "${account%:*}"; done
  visudo -cqf /etc/sudoers.d/muxboard
  /usr/sbin/sshd -D -e -f /etc/sshd-test/config & wait $!' sh "$5" "$6"
"#;

/// A system that runs.
pub struct Root {
    pub suite: Suite,
    pub port: u16,
    folder: tempfile::TempDir,
    child: Child,
    /// Its first process, as this machine numbers it.
    first: String,
}

/// Where the system of a suite is; `None` if it is not there and `MUXBOARD_TEST_SKIP` leaves these tests out.
fn system(suite: &str) -> Option<PathBuf> {
    let roots = std::env::var("MUXBOARD_TEST_ROOTS").unwrap_or_default();
    let path = PathBuf::from(&roots).join(suite);
    if !roots.is_empty() && path.join("usr/sbin/sshd").exists() {
        return Some(path);
    }
    skip("roots", &format!("There is no {suite} system in MUXBOARD_TEST_ROOTS ({roots:?}). As root: eval \"$(.ci/roots)\" makes them and names the folder."));
    None
}

impl Root {
    /// Starts the system of a suite with an sshd that lets this client's key into both accounts; `None` where these tests are left out on request.
    /// `sudoers` are lines beside the documented one.
    #[allow(clippy::disallowed_methods, reason = "tests run real programs")]
    pub fn start(suite: Suite, client: &Client, sudoers: &str) -> Option<Self> {
        let system = system(suite.suite)?;
        let folder = tempfile::Builder::new().prefix("mbroot").tempdir().unwrap();
        let port = super::served::port();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &path("host_key")]);
        fs::copy(client.path("key.pub"), path("authorized_keys")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey /etc/sshd-test/host_key\nAuthorizedKeysFile /etc/sshd-test/authorized_keys\nPidFile none\nUsePAM no\n\
             StrictModes no\nPrintMotd no\nUseDNS no\n"
        );
        fs::write(path("config"), config).unwrap();
        fs::create_dir(path("space")).unwrap();
        let line = format!("{} ALL=({}) NOPASSWD: /usr/bin/tmux\n{sudoers}", LOGIN.0, OTHER.0);
        let log = fs::File::create(path("log")).unwrap();
        // Ended with the thread that starts it, and all in it then: a test that is killed leaves neither process nor mount behind.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", FIRST, "sh", &path("space")])
            .arg(system)
            .args([folder.path().to_str().unwrap(), &line, &format!("{}:{}", LOGIN.0, LOGIN.1), &format!("{}:{}", OTHER.0, OTHER.1)])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let said = || fs::read_to_string(path("log")).unwrap();
        let ended = RefCell::new(&mut child);
        until("the system's sshd listens", || {
            assert!(ended.borrow_mut().try_wait().unwrap().is_none(), "{} did not start: {}", suite.name, said());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let first = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap().trim().to_owned();
        client.know_key(port, &fs::read_to_string(path("host_key.pub")).unwrap());
        Some(Self { suite, port, folder, child, first })
    }

    /// A line for a shell in it, as an account. Gives its output, whatever its exit code.
    #[allow(clippy::disallowed_methods, reason = "tests run real programs")]
    pub fn shell(&self, account: &str, line: &str) -> String {
        let output = Command::new("nsenter")
            .args(["--target", &self.first, "--mount", "--pid", "--root", "--wd", "setpriv"])
            .args([&format!("--reuid={account}"), &format!("--regid={account}"), "--init-groups", "--reset-env", "--", "sh", "-c", line])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)).trim_end().to_owned()
    }

    /// What is installed in it: tmux's, OpenSSH's and sudo's versions, as they say them.
    pub fn versions(&self) -> [String; 3] {
        let word = |line: &str, after: &str| {
            let said = self.shell("root", line);
            let rest = said.split_once(after).unwrap_or_else(|| panic!("{line}: {said}")).1.to_owned();
            rest.split([' ', '-', '\n']).next().unwrap_or_default().to_owned()
        };
        [word("tmux -V", "tmux "), word("dpkg-query --show --showformat '${Version}' openssh-server", ":"), word("sudo -V", "Sudo version ")]
    }

    /// Adds a row to what `.ci/platforms` makes its table of.
    pub fn record(&self, what: &str, result: &str) {
        let [tmux, ssh, sudo] = self.versions();
        let row = format!("host\t{} ({})\ttmux {tmux}; OpenSSH {ssh}; sudo {sudo}\t{what}\t{result}\n", self.suite.name, self.suite.suite);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/platforms.tsv");
        // One write, which others that append at the same moment do not cut.
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(row.as_bytes()).unwrap();
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the system's sshd said:\n{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
    }
}
