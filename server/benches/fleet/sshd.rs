//! Real sshds on loopback ports, for the account that runs the bench, and bare ssh to compare with.

use crate::world::command;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub struct Sshds {
    folder: tempfile::TempDir,
    pub ports: Vec<u16>,
    children: Vec<Child>,
}

impl Sshds {
    pub fn start(count: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("mbbench").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["key", "host_key"] {
            assert!(command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status().unwrap().success());
        }
        let _ = std::fs::create_dir_all("/run/sshd");
        let mut known = String::new();
        let host_key = std::fs::read_to_string(path("host_key.pub")).unwrap();
        let (mut ports, mut children) = (Vec::new(), Vec::new());
        for i in 0..count {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let config = format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\nUseDNS no\nPrintMotd no\nPermitRootLogin yes\n",
                path("host_key"),
                path("key.pub")
            );
            std::fs::write(path(&format!("config-{i}")), config).unwrap();
            children.push(command("/usr/sbin/sshd").args(["-D", "-f", &path(&format!("config-{i}"))]).stderr(Stdio::null()).spawn().unwrap());
            let began = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(began.elapsed() < Duration::from_secs(10), "sshd does not listen");
            }
            known += &format!("[127.0.0.1]:{port} {host_key}");
            ports.push(port);
        }
        std::fs::write(path("known_hosts"), known).unwrap();
        let client = format!(
            "Host *\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  IdentityFile {}\n  IdentitiesOnly yes\n",
            path("known_hosts"),
            path("key")
        );
        std::fs::write(path("ssh_config"), client).unwrap();
        Self { folder, ports, children }
    }
    pub fn config(&self) -> String {
        self.folder.path().join("ssh_config").display().to_string()
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// A bare ssh that runs a line.
    pub fn ssh(&self, port: u16, options: &[&str], line: &str) -> String {
        let output =
            command("ssh").args(["-F", &self.config(), "-p", &port.to_string()]).args(options).args(["127.0.0.1", line]).stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Sshds {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
