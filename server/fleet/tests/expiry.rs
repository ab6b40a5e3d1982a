//! Uploaded files go when they are due, also when nobody uploads another one.
#![allow(clippy::allow_attributes, dead_code, reason = "it uses a part of what the tests stand on")]

#[path = "world/skip.rs"]
mod skip;
mod world;

use muxboard_core::inventory::{Host, Inventory, Socket, User};
use muxboard_core::policy::Upload;
use muxboard_core::snapshot::SessionId;
use muxboard_fleet::{Fleet, Settings, UploadLimits};
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;
use world::{PATIENCE, permit};

/// Runs a line as an account, in its home.
#[expect(clippy::disallowed_methods, reason = "tests run real programs")]
fn as_them(account: &str, line: &str) {
    assert!(std::process::Command::new("sudo").args(["-n", "-H", "-u", account, "sh", "-c", &format!("cd; {line}")]).status().unwrap().success(), "{line}");
}

#[tokio::test]
async fn a_limit_that_is_lowered_holds_for_files_that_are_there_already() {
    let Ok(other) = std::env::var("MUXBOARD_TEST_FAR") else {
        skip::skip_without_accounts();
        return;
    };
    let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
    host.users = vec![User { name: other.parse().unwrap(), through_sudo: true, socket: Socket::Default }];
    let inventory = Inventory { hosts: vec![host] };
    let limits = UploadLimits::default();
    let fleet = Fleet::new(&inventory, Settings { expire_after: Some(limits.keep), ..Settings::default() }).unwrap();
    let session = SessionId { number: 0, created: 0, server_pid: 1, server_start: 0 };
    let mut upload = fleet.upload(permit(&inventory, format!("h/{other}").parse().unwrap(), Upload { session }), limits, "txt", 3).await.unwrap();
    upload.write(b"new").await.unwrap();
    let path = upload.finish().await.unwrap();
    as_them(&other, &format!("touch -d '2 hours ago' {path}"));
    fleet.keep_uploads(Duration::from_secs(3600 * 48));
    tokio::task::yield_now().await;
    assert!(Path::new(&path).exists());
    fleet.keep_uploads(Duration::ZERO);
    let gone = async {
        while Path::new(&path).exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it stays as long as the old limit said");
    as_them(&other, "rm -r .muxboard-uploads");
}

#[tokio::test]
async fn an_old_upload_is_removed_without_another_upload() {
    let Ok(other) = std::env::var("MUXBOARD_TEST_OTHER") else {
        skip::skip_without_accounts();
        return;
    };
    let mut host = Host::local("h".parse().unwrap(), &"me".parse().unwrap());
    host.users = vec![User { name: other.parse().unwrap(), through_sudo: true, socket: Socket::Default }];
    let inventory = Inventory { hosts: vec![host] };
    let fleet = Fleet::new(&inventory, Settings { expire_after: Some(Duration::ZERO), ..Settings::default() }).unwrap();
    let session = SessionId { number: 0, created: 0, server_pid: 1, server_start: 0 };
    let limits = UploadLimits::default();
    let mut upload = fleet.upload(permit(&inventory, format!("h/{other}").parse().unwrap(), Upload { session }), limits, "txt", 3).await.unwrap();
    // What was old before it began is gone already. This is as if it had waited for its time.
    let old = Path::new("/home").join(&other).join(".muxboard-uploads").join("0123456789abcdef0123456789abcdef.txt");
    as_them(&other, &format!("touch -d '2 days ago' {}", old.display()));
    upload.write(b"new").await.unwrap();
    let new = upload.finish().await.unwrap();
    let gone = async {
        while old.exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it stays");
    assert_eq!(std::fs::read(&new).unwrap(), b"new", "what is not due stays");
    as_them(&other, "rm -r .muxboard-uploads");
}
