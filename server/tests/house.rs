//! The house rules that can be checked: who may import whom, how long a file may be, that every promise has its test. (That every route is
//! tried: table.rs.)

use std::collections::{BTreeMap, BTreeSet};
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

/// The number in a line that bounds something and is not among the limits, as the text around it.
fn bound(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let constant = line.split_once("const ").map(|(_, rest)| rest);
    let is_bound = constant.and_then(|constant| constant.split_once(": ")).is_some_and(|(name, kind)| {
        let number = ["u8", "u16", "u32", "u64", "u128", "usize", "i32", "i64", "f32", "f64"].iter().any(|number| kind.starts_with(&format!("{number} =")));
        number && ["_MAX", "_MIN", "_MS", "_SECONDS", "_HOURS", "_BYTES", "_CHARS", "_LINES"].iter().any(|unit| name.ends_with(unit))
    });
    // One second is a unit, any other number a choice.
    let is_duration = line.match_indices("Duration::from_").any(|(at, _)| {
        let (unit, number) = line[at + "Duration::from_".len()..].split_once('(').unwrap_or_default();
        number.starts_with(|c: char| c.is_ascii_digit()) && !(unit == "secs" && number.starts_with("1)"))
    });
    (is_bound || is_duration).then_some(line)
}

#[test]
fn every_bound_is_among_the_limits() {
    for found in ["const A_BYTES: usize = 3;", "pub(crate) const WAIT_MS: u64 = 5;", "timeout(Duration::from_millis(20), x)", "Duration::from_secs(10)"] {
        assert!(bound(found).is_some(), "{found}");
    }
    for other in ["const ROWS: [u8; 2] = [1, 2];", "Duration::from_secs(1)", "Duration::from_secs(LIMIT_SECONDS)", "const TAG: u8 = 16;"] {
        assert_eq!(bound(other), None);
    }
    let mut lines = 0;
    for folder in ["app/core/src", "app/src", "frontend/src", "server/fleet/src", "server/src"] {
        for (file, text) in code(folder).iter().filter(|(file, _)| !file.starts_with("limits") && *file != Path::new("limits.rs")) {
            let file = format!("{folder}/{}", file.display());
            assert!(!text.contains("unbounded"), "{file} has an unbounded queue");
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                assert_eq!(bound(line), None, "{file} has a bound that is not in app/core/src/limits");
                lines += 1;
            }
        }
    }
    assert!(lines > 10_000, "the house is not here: {lines}");
}

/// The floors of server/src, top first. A file imports from its own room and from rooms on lower floors, so there is no circle among rooms.
const FLOORS: [&[&str]; 8] =
    [&["main", "cli"], &["config"], &["board"], &["http"], &["board_port"], &["state", "error"], &["access"], &["audit", "log_limiter"]];

/// The Rust files below a folder, with the text of each before its tests.
fn code(folder: &str) -> Vec<(PathBuf, String)> {
    let (folder, mut files) = (root().join(folder), Vec::new());
    sources(&folder, &[".rs"], &mut files);
    let text = |file: &PathBuf| std::fs::read_to_string(file).unwrap().split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
    files.iter().map(|file| (file.strip_prefix(&folder).unwrap().to_owned(), text(file))).collect()
}

/// The paths that a `use` declaration names: `a::{b, c::{d, e}}` names `a::b`, `a::c::d` and `a::c::e`.
fn named(path: &str) -> Vec<String> {
    let Some((prefix, inner)) = path.split_once('{') else { return vec![path.trim().to_owned()] };
    let inner = inner.trim_end().strip_suffix('}').unwrap();
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 { parts.push(String::new()) } else { parts.last_mut().unwrap().push(c) }
    }
    parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| named(&format!("{}{}", prefix.trim(), part.trim()))).collect()
}

/// A file's module path: `["http", "pages"]` of `http/pages/mod.rs`.
fn module(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    path.iter().map(|part| part.to_str().unwrap().to_owned()).filter(|part| part != "mod").collect()
}

/// The modules of a crate, by the folder of its sources, and those that each of them imports: by `use`, and by a `crate::` path in its text.
fn imports(folder: &str) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files = code(folder);
    let modules: BTreeSet<Vec<String>> = files.iter().map(|(file, _)| module(file)).collect();
    // The module that holds what a path names; a name at the root of the crate is nobody's.
    let holder = |mut path: Vec<String>| {
        while !path.is_empty() && !modules.contains(&path) {
            path.pop();
        }
        path
    };
    let mut all = BTreeMap::new();
    for (file, text) in files.iter().filter(|(file, _)| file.as_path() != Path::new("lib.rs")) {
        let own = module(file);
        let lines: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect();
        let is_use = |at: usize| ["", "pub", "pub(crate)", "pub(super)"].contains(&lines[..at].rsplit('\n').next().unwrap().trim());
        let used = lines.match_indices("use ").filter(|(at, _)| is_use(*at)).flat_map(|(at, word)| named(lines[at + word.len()..].split(';').next().unwrap()));
        let inline =
            lines.split("crate::").skip(1).map(|rest| format!("crate::{}", rest.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).next().unwrap()));
        let mut found = BTreeSet::new();
        for path in used.chain(inline) {
            let mut parts = path.split(" as ").next().unwrap().split("::").map(|part| part.trim().to_owned()).collect::<Vec<_>>();
            let base = match parts[0].as_str() {
                "crate" => Vec::new(),
                "super" => own[..own.len() - 1].to_vec(),
                "self" => own.clone(),
                _ => {
                    parts.insert(0, "self".into());
                    own.clone()
                }
            };
            let of = holder(base.into_iter().chain(parts.into_iter().skip(1)).collect());
            if of != own {
                found.insert(of);
            }
        }
        all.insert(own, found);
    }
    all
}

#[test]
fn rooms_of_the_server_import_downwards_only() {
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("server/src: {room} stands on no floor"));
    let mut arrows = BTreeSet::new();
    for (file, imported) in imports("server/src") {
        for of in imported.iter().filter(|of| of.first() != file.first()) {
            assert!(!of.is_empty(), "{} imports from the root of the crate, which is above everything", file.join("::"));
            assert!(floor(&of[0]) > floor(&file[0]), "{} imports {}, which is not below it", file.join("::"), of.join("::"));
            arrows.insert((file[0].clone(), of[0].clone()));
        }
        floor(&file[0]);
    }
    assert!(arrows.len() > 15, "the rooms are not here: {arrows:?}");
}

#[test]
fn files_of_a_crate_import_in_no_circle() {
    for (folder, least) in [("app/core/src", 30), ("app/src", 25), ("server/fleet/src", 30), ("server/src", 50)] {
        let mut left = imports(folder);
        assert!(left.len() > least, "the files of {folder} are not here: {}", left.len());
        // A file that imports none of those left is in no circle, nor is one that none of them imports.
        let is_out = |file: &Vec<String>, left: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>| {
            left[file].iter().all(|of| !left.contains_key(of)) || !left.values().any(|imported| imported.contains(file))
        };
        while let Some(out) = left.keys().find(|file| is_out(file, &left)).cloned() {
            left.remove(&out);
        }
        assert_eq!(left, BTreeMap::new(), "these of {folder} import each other");
    }
}

#[test]
fn a_type_name_stands_for_one_type() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in ["app/core/src", "app/src", "server/fleet/src", "server/src", "frontend/src"] {
        for (file, text) in code(folder) {
            for line in text.lines() {
                let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).or_else(|| line.strip_prefix("pub(super) ")).unwrap_or(line);
                let Some((_, rest)) = line.split_once(' ').filter(|(word, _)| ["struct", "enum", "trait", "type", "union"].contains(word)) else { continue };
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                places.entry(name).or_default().insert(format!("{folder}/{}", file.display()));
            }
        }
    }
    assert!(places.len() > 200, "the types are not here: {}", places.len());
    places.retain(|_, files| files.len() > 1);
    assert_eq!(places, BTreeMap::new(), "each of these names stands for several types");
}
