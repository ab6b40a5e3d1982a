//! Tests that cannot run here: they fail, unless the person who runs them said that they may be left out.
#![allow(unreachable_pub, clippy::allow_attributes, reason = "a part of a test")]

use std::io::Write;

/// Leaves out the test that calls it, for it needs what is not here: `need` is a word of `MUXBOARD_TEST_SKIP` (a comma list), `why` says what is
/// missing and what to do about it. A test left out is a line of the file that `MUXBOARD_TEST_SKIPPED` names; `.ci/test` counts those lines.
///
/// Panics unless `MUXBOARD_TEST_SKIP` holds `need`: a test that returns early is a test that passed.
pub fn skip(need: &str, why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test without a name");
    let allowed = std::env::var("MUXBOARD_TEST_SKIP").unwrap_or_default();
    assert!(allowed.split(',').any(|word| word.trim() == need), "{why} To leave out the tests that need this: MUXBOARD_TEST_SKIP={need}");
    eprintln!("SKIPPED: {test}: {why}");
    if let Ok(list) = std::env::var("MUXBOARD_TEST_SKIPPED") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&list).unwrap_or_else(|e| panic!("{list}: {e}"));
        // One write: other tests append to it at the same moment.
        file.write_all(format!("{need} {}: {test}\n", env!("CARGO_CRATE_NAME")).as_bytes()).unwrap();
    }
}

/// Leaves out the test that calls it for want of Unix accounts made for the run.
pub fn skip_without_accounts() {
    skip("accounts", "This test needs Unix accounts made for the run: run `make test` as root.");
}
