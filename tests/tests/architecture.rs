//! The shape of the workspace, kept by a test: who may depend on whom, who may name what, how long a
//! file may be. `cargo metadata` and the sources are read, nothing is built.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crate, and the crates of this workspace it may depend on.
const ARROWS: [(&str, &[&str]); 19] = [
    ("core", &[]),
    ("wire", &["core"]),
    ("audit", &["core", "wire"]),
    ("broker", &[]),
    ("document", &[]),
    ("render", &["document"]),
    ("journal", &["core", "wire"]),
    ("client", &["core", "wire", "audit", "journal"]),
    ("tui", &["core", "wire", "audit", "client"]),
    ("projector", &["core", "wire", "journal"]),
    ("scheduler", &["core", "wire", "journal"]),
    ("executor", &["core", "wire", "journal"]),
    ("data", &[]),
    ("model", &[]),
    ("agent", &["core", "wire", "executor", "document", "data", "model"]),
    ("bench", &["core", "wire", "journal", "broker", "client", "projector", "scheduler", "executor"]),
    (
        "cli",
        &[
            "core",
            "wire",
            "audit",
            "journal",
            "broker",
            "client",
            "projector",
            "scheduler",
            "executor",
            "agent",
            "model",
            "document",
            "render",
            "bench",
            "tui",
        ],
    ),
    ("fuzz", &["core", "wire", "executor", "data"]),
    (
        "tests",
        &[
            "core",
            "wire",
            "audit",
            "journal",
            "broker",
            "client",
            "model",
            "projector",
            "scheduler",
            "executor",
            "tui",
        ],
    ),
];

/// Third-party crates that only one crate may name, and which.
const ALONE: [(&str, &[&str]); 10] = [
    ("async-nats", &["journal"]),
    ("reqwest", &["model"]),
    ("rig-core", &["model"]),
    ("typst", &["render"]),
    ("ratatui", &["tui"]),
    // The storm is a program too.
    ("clap", &["cli", "tests"]),
    ("sqlparser", &["data"]),
    ("parquet", &["data"]),
    ("tokio-postgres", &["data"]),
    ("rusqlite", &["data", "projector"]),
];

/// What core may depend on besides: nothing that reads a clock, a file or a socket.
const CORE_MAY_USE: [&str; 4] = ["serde", "serde_json", "thiserror", "uuid"];

/// What the auditor may depend on besides: nothing that waits, reads or writes.
const AUDIT_MAY_USE: [&str; 3] = ["serde", "serde_json", "thiserror"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Package, its ordinary dependencies.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let ordinary = package["dependencies"].as_array().unwrap().iter().filter(|one| one["kind"].is_null());
        let names = ordinary.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        (package["name"].as_str().unwrap().trim_start_matches("longhaul-").to_owned(), names)
    });
    packages.collect()
}

/// Every Rust source below a folder, build output left out.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target" && name != "node_modules") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn arrows_point_one_way() {
    let found = dependencies();
    let allowed: BTreeMap<_, _> = ARROWS.into_iter().collect();
    for (name, needs) in &found {
        let allowed = allowed.get(name.as_str());
        let allowed =
            allowed.unwrap_or_else(|| panic!("crate {name} has no place in ARROWS; decide where it belongs"));
        for other in needs.iter().filter_map(|need| need.strip_prefix("longhaul-")) {
            assert!(allowed.contains(&other), "{name} must not depend on {other}");
        }
    }
    for (name, _) in ARROWS {
        assert!(found.contains_key(name), "ARROWS names {name}, which is not in the workspace");
    }
}

/// Words for I/O, clocks, randomness and waiting.
const IMPURE: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::time::Instant",
    "SystemTime",
    "std::thread",
    "async fn",
    "Uuid::now",
    "Uuid::new_v4",
    "rand::",
];

/// That none of these words is in a crate, its tests left out.
fn has_none_of(name: &str, banned: &[&str]) {
    for path in sources(&root().join("crates").join(name).join("src")) {
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests inside the sources may do more.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for word in banned {
            assert!(!text.contains(word), "{} uses {word}; {name} is pure", path.display());
        }
    }
}

#[test]
fn the_core_is_pure() {
    let found = dependencies();
    for need in &found["core"] {
        assert!(CORE_MAY_USE.contains(&need.as_str()), "core must not depend on {need}");
    }
    has_none_of("core", &IMPURE);
    // What is written down, and how, is the wire's.
    has_none_of("core", &["serde_json::from_", "serde_json::to_", "println!"]);
}

#[test]
fn the_auditor_is_pure() {
    let found = dependencies();
    for need in found["audit"].iter().filter(|need| !need.starts_with("longhaul-")) {
        assert!(AUDIT_MAY_USE.contains(&need.as_str()), "audit must not depend on {need}");
    }
    has_none_of("audit", &IMPURE);
}

#[test]
fn heavy_and_delicate_crates_have_one_owner() {
    let found = dependencies();
    for (name, needs) in &found {
        for (crate_name, owners) in ALONE {
            assert!(
                !needs.contains(crate_name) || owners.contains(&name.as_str()),
                "only {owners:?} may depend on {crate_name}, not {name}"
            );
        }
    }
    for path in sources(&root().join("crates")).into_iter().chain(sources(&root().join("tui"))) {
        let in_nats = path.to_string_lossy().contains("crates/journal/");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            in_nats || !text.contains("async_nats"),
            "{} names async_nats; only the journal does",
            path.display()
        );
    }
}

#[test]
fn only_wire_writes_subjects() {
    let crates = ["core", "audit", "client", "projector", "scheduler", "executor", "agent", "cli"];
    for folder in crates.map(|name| format!("crates/{name}")).into_iter().chain(["tui".to_owned()]) {
        for path in sources(&root().join(folder).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                assert!(
                    !line.contains("\"lh."),
                    "{} builds a subject: {line}; wire does that",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn files_stay_short_enough_to_read() {
    let mut long = Vec::new();
    for folder in ["crates", "tui", "tests"] {
        for path in sources(&root().join(folder)) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            if lines > 500 {
                long.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "past 500 lines a file has a seam; find it:\n{}", long.join("\n"));
}

#[test]
fn nothing_is_left_loose() {
    for folder in ["crates", "tui", "tests"] {
        for path in sources(&root().join(folder)) {
            if path.ends_with("tests/tests/architecture.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // A test that another one starts in a process of its own says so: `#[ignore = "…"]`.
            for word in ["todo!(", "unimplemented!(", "FIXME", "TODO", "#[ignore]"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}
