//! The house rules that can be checked: who may import whom, how long a file may be, that every promise has its test. (That every route is
//! tried: table.rs.)

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The names in a manifest's `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(manifest).parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

#[test]
fn arrows_point_one_way() {
    let core = dependencies("app/core/Cargo.toml");
    assert_eq!(core, ["postcard", "serde"].map(String::from).into());
    for (manifest, forbidden) in [
        ("app/Cargo.toml", vec!["muxboard-fleet", "muxboard", "tokio", "axum", "portable-pty"]),
        ("server/fleet/Cargo.toml", vec!["muxboard-app", "muxboard", "axum", "leptos", "tower"]),
        ("frontend/Cargo.toml", vec!["muxboard-fleet", "muxboard", "tokio"]),
    ] {
        let found: Vec<_> = dependencies(manifest).into_iter().filter(|d| forbidden.contains(&d.as_str())).collect();
        assert_eq!(found, Vec::<String>::new(), "{manifest}");
    }
}

fn sources(folder: &Path, endings: &[&str], out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !["target", "node_modules", "xterm", "results", ".git"].contains(&name.as_str()) {
                sources(&path, endings, out);
            }
        } else if endings.iter().any(|e| name.ends_with(e)) {
            out.push(path);
        }
    }
}

#[test]
fn a_file_holds_one_thing_and_opens_by_saying_which() {
    let mut files = Vec::new();
    sources(&root(), &[".rs", ".css", ".ts", ".js"], &mut files);
    assert!(files.len() > 50, "the house is not here: {}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // Tests at the end of a file are its longer half, and no second thing.
        let lines = text.split("#[cfg(test)]\nmod tests").next().unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
        if file.extension().is_some_and(|e| e == "rs") {
            assert!(text.starts_with("//!"), "{} does not say what it holds", file.display());
        }
    }
}

#[test]
fn every_promise_has_its_test() {
    let mut named = 0;
    for row in read("docs/threat-model.md").lines().filter(|line| line.starts_with("| ")) {
        // `FILE: TEST`
        for (file, test) in row.split('`').filter_map(|code| code.split_once(": ")).filter(|(file, _)| file.ends_with(".rs") || file.ends_with(".ts")) {
            let text = read(file);
            let is_there = if file.ends_with(".rs") { text.contains(&format!("fn {test}(")) } else { text.contains(&format!("test(\"{test}\"")) };
            assert!(is_there, "docs/threat-model.md: there is no test \"{test}\" in {file}");
            named += 1;
        }
    }
    assert!(named > 80, "only {named} tests are named");
}

#[test]
fn every_bound_is_in_one_file() {
    let mut files = Vec::new();
    sources(&root().join("server"), &[".rs"], &mut files);
    sources(&root().join("app"), &[".rs"], &mut files);
    for file in files.iter().filter(|f| !f.to_str().unwrap().contains("/tests/")) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("unbounded"), "{} has an unbounded queue", file.display());
    }
}
