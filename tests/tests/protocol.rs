//! `docs/protocol.md` against the code: every example decodes, every test vector and figure is ours.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::path::Path;

use longhaul_core::{Beat, Dispatch, EventBody, OrgId, Role, TaskId};
use longhaul_wire::codec::{EVENT_KINDS, MAX_EVENTS_IN_COMMIT};
use longhaul_wire::live::{self, Change, TextDelta};
use longhaul_wire::query::{self, Query};
use longhaul_wire::{MAX_RECORD, Shards, Subject, canonical_digest, decode, encode, topology};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md")).unwrap()
}

/// The fenced blocks of the page: what follows the fence, and the text.
fn blocks() -> Vec<(String, String)> {
    let page = page();
    let mut lines = page.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((info.to_owned(), text.join("\n")));
        }
    }
    found
}

/// Whether everything `shown` says is also in `whole`: the page leaves out what has a default.
fn within(shown: &Value, whole: &Value) -> bool {
    match (shown, whole) {
        (Value::Object(shown), Value::Object(whole)) => shown
            .iter()
            .all(|(key, value)| value.is_null() || whole.get(key).is_some_and(|known| within(value, known))),
        (Value::Array(shown), Value::Array(whole)) => {
            shown.len() == whole.len() && shown.iter().zip(whole).all(|(shown, whole)| within(shown, whole))
        }
        _ => shown == whole,
    }
}

/// Reads an example as a `T`, and sees that nothing of it was overlooked.
fn reads<T: DeserializeOwned + Serialize>(info: &str, text: &str) -> T {
    let read: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{info}: {error}\n{text}"));
    keeps(info, text, &serde_json::to_value(&read).unwrap());
    read
}

fn keeps(info: &str, text: &str, read: &Value) {
    let shown: Value = serde_json::from_str(text).unwrap();
    assert!(within(&shown, read), "{info}: something of\n{text}\nis not in\n{read:#}");
}

fn asks<Q: Query>(info: &str, endpoint: &str, text: &str) {
    assert_eq!(Q::ENDPOINT, endpoint);
    match info.starts_with("json question") {
        true => drop(reads::<Q>(info, text)),
        false => drop(reads::<Q::Answer>(info, text)),
    }
}

#[test]
fn every_example_decodes() {
    let mut records = BTreeSet::new();
    for (info, text) in blocks() {
        let words: Vec<&str> = info.split(' ').collect();
        match words[..] {
            ["sh"] | ["conf", "permissions"] | ["jsonl", "events"] => {}
            ["json", "beat"] => drop(reads::<Beat>(&info, &text)),
            ["json", "dispatch"] => drop(reads::<Dispatch>(&info, &text)),
            ["json", "text"] => drop(reads::<TextDelta>(&info, &text)),
            ["json", "change"] => drop(reads::<Change>(&info, &text)),
            ["json", "question" | "answer", "get"] => asks::<query::Get>(&info, "get", &text),
            ["json", "question" | "answer", "list"] => asks::<query::List>(&info, "list", &text),
            ["json", "question" | "answer", "briefs"] => asks::<query::Briefs>(&info, "briefs", &text),
            ["json", subject] => {
                let place = Subject::parse(subject).unwrap_or_else(|error| panic!("{info}: {error}"));
                let record =
                    decode(&place, text.as_bytes()).unwrap_or_else(|error| panic!("{info}: {error}"));
                let bytes = encode(&place, &record).unwrap();
                keeps(&info, &text, &serde_json::from_slice(&bytes).unwrap());
                records.insert(subject.split('.').nth(2).unwrap().to_owned());
            }
            _ => panic!("an example nobody checks: {info}"),
        }
    }
    assert_eq!(records, ["adm", "conv", "org", "task"].map(str::to_owned).into(), "each form of record");
}

fn events() -> Vec<EventBody> {
    let (info, text) = blocks().into_iter().find(|(info, _)| info == "jsonl events").unwrap();
    text.lines().map(|line| reads(&info, line)).collect()
}

#[test]
fn every_kind_of_event_is_shown() {
    let shown: BTreeSet<&str> = events().iter().map(EventBody::name).collect();
    assert_eq!(shown, EVENT_KINDS.into());
}

#[test]
fn the_table_of_events_says_who_may_say_them() {
    let page = page();
    let table = page.split("| event | said by | means |").nth(1).unwrap();
    let mut kind = Vec::new();
    let mut told = BTreeSet::new();
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let lapsed = cells[1].is_empty();
        if !lapsed {
            kind = cells[1].split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
        }
        for role in [Role::Client, Role::Executor, Role::Scheduler] {
            let name = serde_json::to_value(role).unwrap();
            let said = cells[2] == "any" || cells[2].split(", ").any(|by| name == by);
            for event in events().iter().filter(|event| kind.iter().any(|kind| kind == event.name())) {
                let text = serde_json::to_string(event).unwrap();
                if text.contains("\"lapsed\"") == lapsed {
                    assert_eq!(event.may_be_said_by(role), said, "{row}: {text}");
                    told.insert(event.name());
                }
            }
        }
    }
    assert_eq!(told, EVENT_KINDS.into());
}

#[test]
fn the_test_vectors_are_ours() {
    let page = page();
    let has = |line: String| assert!(page.contains(&line), "the page lacks {line}");
    for org in ["acme", "globex", "initech"] {
        let id = OrgId::new(org).unwrap();
        let [one, four, many] = [1, 4, 256].map(|n| Shards::new(n).unwrap().of(&id));
        // Shards tell the hash modulo their number; the page's hash has to agree with all of them.
        let row = page.lines().find(|line| line.starts_with(&format!("| `{org}` | `"))).unwrap();
        let hash = u32::from_str_radix(row.split('`').nth(3).unwrap(), 16).unwrap();
        assert_eq!(hash % 256, u32::from(many.0));
        assert!(
            (1..=256).all(|n| hash % u32::from(n) == u32::from(Shards::new(n).unwrap().of(&id).0)),
            "{row}"
        );
        has(format!("| `{org}` | `{hash:08x}` | {one} | {four} | {many} |"));
    }
    for key in ["invoice-2026-0042", "k1"] {
        let task = TaskId::for_key(&OrgId::new("acme").unwrap(), key);
        has(format!("| `acme` | `{key}` | `{task}` |"));
    }
    let mut digests = 0;
    for row in page.lines().filter(|line| line.starts_with("| `{")) {
        let cells: Vec<&str> = row.split('`').collect();
        let value: Value = serde_json::from_str(cells[1]).unwrap();
        assert_eq!(longhaul_wire::digest::canonical(&value), cells[1]);
        assert_eq!(canonical_digest(&value).to_string(), cells[3]);
        digests += 1;
    }
    assert_eq!(digests, 2);
}

#[test]
fn the_names_and_figures_are_ours() {
    // However its lines are broken.
    let page = page().split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |text: &str| assert!(page.contains(text), "the page lacks {text:?}");
    for endpoint in query::ENDPOINTS {
        has(&format!("`{endpoint}`"));
    }
    assert_eq!(query::MAX_BRIEFS, 1000);
    has("up to 1,000 a page");
    let shard = longhaul_wire::Shard(0);
    for subject in topology::log(shard).subjects {
        let shape = subject.replace("lh.0.", "lh.<s>.");
        has(&format!("| `{}", shape.split('*').next().unwrap()));
    }
    let executor: longhaul_core::ExecutorId = longhaul_journal::new_id();
    let run = live::run(&longhaul_core::Kind::new("X").unwrap(), executor);
    has(&format!("`{}`", run.replace('X', "<kind>").replace(&executor.to_string(), "<executor>")));
    has(&format!("`{}`", topology::beats().name));
    has(&format!("`{}`", topology::FILES));
    let cells = topology::cells();
    has(&format!("`{}`", cells.subjects[0].replacen('*', "<org>", 1).replace('*', "<name>")));
    has(&format!("`{}`", cells.name));
    assert_eq!(longhaul_wire::cell::MAX_CELL, 16 << 10);
    assert_eq!(cells.keeps, topology::Keeps::LastOfEach { at_most: std::time::Duration::from_secs(3600) });
    has("at most 16 KiB, for an hour");
    assert_eq!(longhaul_core::BEAT.0, 1000, "the page says: every second");
    has(&format!("has named for {} s (the lease) is lost", longhaul_core::LEASE.0 / 1000));
    assert_eq!((MAX_RECORD, MAX_EVENTS_IN_COMMIT), (1_000_000, 1000));
    has("at most 1,000,000 bytes");
    has("the 1 to 1,000 events");
    assert_eq!(longhaul_core::decide::MAX_EVENTS, 50_000);
    has("At most 50,000 events");
    assert_eq!(longhaul_core::decide::MAX_TEXT, longhaul_journal::MAX_INLINE);
    assert_eq!(longhaul_journal::MAX_INLINE, 64 << 10);
    has("at most 64 KiB at a time");
    has("up to 64 KiB of JSON");
    assert_eq!((longhaul_journal::MAX_PAYLOAD, longhaul_journal::MAX_OBJECT), (64 << 20, 512 << 20));
    has("at most 64 MiB");
    has("Artifacts: at most 512 MiB");
    has(&format!("at most {} runs in one message", longhaul_core::MAX_ADMISSIONS));
    let limits = longhaul_core::Limits::default();
    assert_eq!((limits.slice.0, limits.span.0), (300_000, 7_200_000));
    has("a slice of 5 minutes, a span of 2 hours");
    let policy = longhaul_core::Policy::default();
    let caps = policy.caps;
    has(&format!(
        "the defaults ({} tasks a user, {} an organisation, {} a conversation, {} a user in the foreground, weight {},",
        caps.user, caps.organisation, caps.conversation, caps.foreground, policy.weight
    ));
}
