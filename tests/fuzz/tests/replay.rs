//! Every target over its seeds, its corpus, and a fixed number of mutations of both: the same on every
//! machine, and without anything but Rust. `just fuzz` looks further, guided by coverage.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod mutate;

use std::collections::{BTreeSet, HashSet};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use longhaul_wire::codec::EVENT_KINDS;
use longhaul_wire::{Record, Subject, decode};

use mutate::Mutator;

/// Replays what is kept of a target, and so many mutations of it.
fn replay(target: &str, check: fn(&[u8]), mutations: u64) {
    let kept = kept(target);
    for (path, input) in &kept {
        if catch_unwind(|| check(input)).is_err() {
            panic!("{target} does not hold for {}", path.display());
        }
    }
    let inputs: Vec<Vec<u8>> = kept.into_iter().map(|(_, input)| input).collect();
    let mut mutator = Mutator::new(&inputs, target);
    for n in 0..mutations {
        let input = mutator.next();
        if catch_unwind(|| check(&input)).is_err() {
            let path = keep(target, n, &input);
            panic!("{target} does not hold for mutation {n}, kept as {}", path.display());
        }
    }
}

/// The seeds and the corpus, by name.
fn kept(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = BTreeSet::new();
    for folder in ["seeds", "corpus"] {
        let folder = root().join(folder).join(target);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        paths.extend(entries.map(|entry| entry.unwrap().path()));
    }
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Writes an input for which something does not hold where coverage-guided runs write theirs.
fn keep(target: &str, n: u64, input: &[u8]) -> PathBuf {
    let folder = root().join("artifacts").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("mutation-{n}"));
    std::fs::write(&path, input).unwrap();
    path
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

macro_rules! targets {
    ($($target:ident: $mutations:literal),+ $(,)?) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),+];
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), longhaul_fuzz::$target::check, $mutations);
            }
        )+
    };
}

targets! {
    codec: 8_000,
    csv: 500,
    history: 1_500,
    json: 1_000,
    lines: 1_000,
    parquet: 1_000,
    questions: 10_000,
    sql: 1_000,
    subjects: 10_000,
}

#[test]
fn every_target_is_replayed() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let here: BTreeSet<String> = TARGETS.iter().map(|target| (*target).to_owned()).collect();
    assert_eq!(names("targets"), here);
    assert_eq!(names("seeds"), here);
    assert_eq!(names("corpus"), here);
}

#[test]
fn the_seeds_of_the_codec_hold_every_kind_of_record_and_event() {
    let mut events = BTreeSet::new();
    let mut forms = HashSet::new();
    for (_, input) in kept("codec") {
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else { continue };
        let Ok(place) = std::str::from_utf8(&input[..end]).unwrap_or_default().parse::<Subject>() else {
            continue;
        };
        if let Ok(record) = decode(place.parsed(), &input[end + 1..]) {
            forms.insert(std::mem::discriminant(&record));
            if let Record::Task(commit) = record {
                events.extend(commit.events.iter().map(|event| event.body.name()));
            }
        }
    }
    assert_eq!(events, BTreeSet::from(EVENT_KINDS));
    assert_eq!(forms.len(), 4);
}
