//! A folder with an audit file and its key, of the account that runs muxboard.

use super::{Board, accounts, as_account, binary, sshd};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

/// A folder of the account that runs muxboard, with a key in it, as the error's own line makes one.
pub struct Files {
    pub folder: tempfile::TempDir,
    pub account: String,
}

impl Files {
    pub fn new() -> Option<Self> {
        let account = accounts()?.front;
        let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap();
        let files = Self { folder, account };
        std::fs::write(files.key(), "a key for tests only, of more than 32 bytes\n").unwrap();
        std::fs::set_permissions(files.key(), std::fs::Permissions::from_mode(0o600)).unwrap();
        for path in [files.folder.path(), &files.key()] {
            sshd::run("chown", &[&files.account, path.to_str().unwrap()]);
        }
        Some(files)
    }
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }
    pub fn config(&self) -> String {
        format!("[audit]\nfile = \"{}\"\nkey_file = \"{}\"\n", self.file().display(), self.key().display())
    }
    pub fn board(&self) -> Board {
        Board::start(&self.config()).unwrap()
    }
    pub fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }
    /// The records of an operation.
    pub fn records(&self, operation: &str) -> Vec<Value> {
        self.text().lines().map(|l| serde_json::from_str(l).unwrap()).filter(|v: &Value| v["operation"] == operation).collect()
    }
    pub fn run(&self, words: &[&str]) -> Output {
        as_account(&self.account, binary()).arg("audit").args(words).output().unwrap()
    }
    /// Whether it is good, and what is said.
    pub fn verify(&self, more: &[&str]) -> (bool, String) {
        let (file, key) = (self.file(), self.key());
        let output = self.run(&[&["verify", file.to_str().unwrap(), "--key-file", key.to_str().unwrap()], more].concat());
        let says = String::from_utf8(output.stdout).unwrap();
        match output.status.code() {
            Some(0) => (true, says),
            Some(1) => (false, says),
            other => panic!("{other:?}: {says}"),
        }
    }
}
