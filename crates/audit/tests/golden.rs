//! What an old version wrote, the new one reads: golden histories of every version of the format fold
//! to the same states for ever. See `golden/README.md`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "tests may panic")]

mod harness;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use longhaul_audit::{Entry, History, HistoryWriter, Known, Outside, Report, Rule, Stored, whole};
use longhaul_core::{Sequence, Status, TaskRef};
use longhaul_wire::codec::EVENT_KINDS;
use longhaul_wire::{Record, VERSION, sha256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Set to write the histories of the present version, once.
const WRITE: &str = "LONGHAUL_WRITE_GOLDEN";

/// What a history is known to fold to.
#[derive(Debug, Serialize, Deserialize)]
struct Expected {
    /// Organisation and task.
    task: String,
    /// Its state; nothing if nothing could be read.
    snapshot: Value,
    /// The record that puts it aside.
    unreadable: Option<Sequence>,
}

struct Golden {
    name: String,
    shards: longhaul_wire::Shards,
    log: Vec<Stored>,
    expected: Vec<Expected>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn versions() -> Vec<PathBuf> {
    (1..=VERSION).map(|version| folder().join(format!("v{version}"))).collect()
}

fn parsed(text: &str) -> (longhaul_wire::Shards, Vec<Stored>) {
    let mut lines = text.lines();
    let mut history = History::begin(lines.next().unwrap().as_bytes()).unwrap();
    lines.for_each(|line| history.line(line.as_bytes()).unwrap());
    (history.shards(), history.log().to_vec())
}

/// The histories of all versions.
fn histories() -> Vec<Golden> {
    let mut all = Vec::new();
    for version in versions() {
        let files = std::fs::read_dir(&version).unwrap_or_else(|_| {
            panic!("{} is missing: set {WRITE}=1 once, and look at what was written", version.display())
        });
        for path in files.map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|ending| ending != "ndjson") {
                continue;
            }
            let (shards, log) = parsed(&std::fs::read_to_string(&path).unwrap());
            let expected = std::fs::read_to_string(path.with_extension("json")).unwrap();
            let expected = serde_json::from_str(&expected).unwrap();
            let name = path.strip_prefix(folder()).unwrap().display().to_string();
            all.push(Golden { name, shards, log, expected });
        }
    }
    all
}

/// The state of every task.
fn folded(shards: longhaul_wire::Shards, log: &[Stored]) -> BTreeMap<TaskRef, Known> {
    let tasks: BTreeSet<TaskRef> = log.iter().filter_map(|stored| stored.entry().task(shards)).collect();
    let history = |task: &TaskRef| -> Vec<Entry<'_>> {
        let entries = log.iter().map(Stored::entry);
        entries.filter(|entry| entry.task(shards).as_ref() == Some(task)).collect()
    };
    tasks.into_iter().map(|task| (task.clone(), Known::at(history(&task), Sequence(u64::MAX)))).collect()
}

fn expected(tasks: &BTreeMap<TaskRef, Known>) -> Vec<Expected> {
    let each = tasks.iter().map(|(task, known)| Expected {
        task: format!("{}/{}", task.org, task.task),
        snapshot: serde_json::to_value(&known.snapshot).unwrap(),
        unreadable: known.unreadable,
    });
    each.collect()
}

/// Where `found` is not as `expected` says. Members that were added later are passed over.
fn differs(expected: &Value, found: &Value, way: &str) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, value)| {
            let inner = found.get(name).unwrap_or(&Value::Null);
            differs(value, inner, &format!("{way}.{name}"))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(n, (expected, found))| differs(expected, found, &format!("{way}[{n}]")))
        }
        (expected, found) if expected == found => None,
        (expected, found) => Some(format!("{way} was {expected} and is {found}")),
    }
}

/// Writes the present version's histories, what they fold to, and their digests.
fn write() {
    let version = format!("v{VERSION}");
    let folder = folder().join(&version);
    std::fs::create_dir_all(&folder).unwrap();
    let mut digests = String::new();
    let mut add = |name: String, text: &str| {
        writer::write(&folder, &name, text);
        digests.push_str(&format!("{}  {version}/{name}\n", sha256(text.as_bytes())));
    };
    for (name, lines) in writer::histories() {
        let text = lines.join("\n") + "\n";
        let (shards, log) = parsed(&text);
        let mut writer = HistoryWriter::new(shards);
        log.iter().for_each(|stored| drop(writer.record(stored).unwrap()));
        let text = format!("{text}{}\n", writer.end());
        let states = serde_json::to_string_pretty(&expected(&folded(shards, &log))).unwrap() + "\n";
        add(format!("{name}.ndjson"), &text);
        add(format!("{name}.json"), &states);
    }
    let list = folder.parent().unwrap().join("DIGESTS");
    let known = std::fs::read_to_string(&list).unwrap_or_default();
    std::fs::write(&list, known + &digests).unwrap();
}

#[test]
fn old_histories_fold_to_the_same_states_for_ever() {
    if std::env::var_os(WRITE).is_some() {
        write();
    }
    for Golden { name, shards, log, expected: told } in histories() {
        let found = expected(&folded(shards, &log));
        let tasks = |all: &[Expected]| all.iter().map(|one| one.task.clone()).collect::<Vec<_>>();
        assert_eq!(tasks(&found), tasks(&told), "{name}");
        for (told, found) in told.iter().zip(&found) {
            let how = differs(&told.snapshot, &found.snapshot, "snapshot");
            assert_eq!(how, None, "{name}, {}", told.task);
            assert_eq!(told.unreadable, found.unreadable, "{name}, {}", told.task);
        }
    }
}

#[test]
fn no_golden_file_ever_changes() {
    if std::env::var_os(WRITE).is_some() {
        return;
    }
    let list = std::fs::read_to_string(folder().join("DIGESTS")).unwrap();
    let mut listed = BTreeSet::new();
    for line in list.lines() {
        let (digest, name) = line.split_once("  ").expect("a digest, two spaces, a name");
        let bytes = std::fs::read(folder().join(name));
        let bytes = bytes.unwrap_or_else(|why| panic!("{name} is listed and was there once: {why}"));
        assert_eq!(sha256(&bytes).to_string(), digest, "{name} was changed; put it back, and add a new file");
        assert!(listed.insert(folder().join(name)), "{name} is listed twice");
    }
    for version in versions() {
        for path in std::fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path()) {
            assert!(listed.contains(&path), "{} is not in DIGESTS", path.display());
        }
    }
}

#[test]
fn they_hold_every_kind_of_event_and_every_end() {
    for version in versions() {
        let of_version = |history: &Golden| folder().join(&history.name).starts_with(&version);
        let mut missing: BTreeSet<&str> = EVENT_KINDS.into();
        let mut ends: BTreeSet<Status> = Status::ALL.into();
        for Golden { shards, log, .. } in histories().into_iter().filter(of_version) {
            for stored in &log {
                if let Ok(Record::Task(commit)) = &stored.record {
                    for event in &commit.events {
                        missing.remove(event.body.name());
                    }
                }
            }
            for known in folded(shards, &log).values() {
                if let Some(status) = known.status() {
                    ends.remove(&status);
                }
            }
        }
        assert!(missing.is_empty(), "{}: {missing:?}", version.display());
        let never: BTreeSet<Status> = [Status::Running, Status::Aborting].into();
        assert!(ends.is_subset(&never), "{}: {ends:?}", version.display());
    }
}

#[test]
fn they_break_what_they_are_to_break_and_nothing_else() {
    for Golden { name, shards, log, .. } in histories() {
        let report: Report = whole(shards, &log, &Outside::default());
        // Two of them hold what breaks a rule on purpose.
        let expected: &[(Rule, u64)] = if name.contains("unknown-members") {
            &[(Rule::Ends, 8), (Rule::Steps, 5), (Rule::Runs, 5), (Rule::Fold, 6)]
        } else if name.contains("put-aside") {
            &[(Rule::Records, 14), (Rule::Newer, 4), (Rule::Newer, 9)]
        } else {
            &[]
        };
        let mut found: Vec<_> = report.findings.iter().map(|found| (found.rule, found.sequence.0)).collect();
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}: {report}");
    }
}
