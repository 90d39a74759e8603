//! Records as they were written once and must be read for ever. A file here is never changed: a new
//! form of a record gets a new file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longhaul_core::{
    AdmissionReason, Beat, Dispatch, EventBody, ExecutorId, HeldRun, Kind, Lane, Limits, OrgId, Payload,
    Priority, Role, Room, RunNumber, Sequence, Status, TaskId, Timestamp,
};
use longhaul_wire::codec::EVENT_KINDS;
use longhaul_wire::live::{Change, TextDelta};
use longhaul_wire::schema::formats;
use longhaul_wire::{Parsed, Record, Subject, decode, encode};
use serde_json::{Value, json};
use validate::faults;

const TASK: &str = "lh.0.task.acme.019aa0b0-0000-7000-8000-000000000001";

fn golden() -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Where a golden record lies.
fn place(name: &str) -> Parsed {
    let subject = match name {
        "admissions" | "admissions-foreground" => "lh.0.adm.acme",
        "policy" | "policy-tools" | "policy-foreground" => "lh.0.org.acme",
        "conversation" => "lh.0.conv.acme.c-1",
        _ => TASK,
    };
    Subject::parse(subject).unwrap()
}

/// Which format a golden record is of: what stands before the first hyphen.
fn format_of(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

fn read(name: &str) -> Record {
    decode(&place(name), golden()[name].as_bytes()).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// The events of a golden commit.
fn events(name: &str) -> Vec<EventBody> {
    match read(name) {
        Record::Task(commit) => commit.events.into_iter().map(|event| event.body).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_golden_record_is_read_and_written_as_it_was() {
    for (name, text) in golden() {
        let record = read(&name);
        let bytes = encode(&place(&name), &record).unwrap();
        assert_eq!(decode(&place(&name), &bytes).unwrap(), record, "{name}");
        // The minimal one gains its defaults when it is written again; so do policies that were given
        // before there were lanes.
        if !["task-submitted-minimal", "policy", "policy-tools"].contains(&name.as_str()) {
            let written: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{name}");
        }
    }
}

#[test]
fn every_kind_of_event_has_a_golden_record() {
    for kind in EVENT_KINDS {
        let events = events(&format!("task-{kind}"));
        assert!(!events.is_empty() && events.iter().all(|event| event.name() == kind), "{kind}");
    }
    let names: BTreeSet<String> = golden().into_keys().collect();
    let beside = [
        "admissions",
        "admissions-foreground",
        "conversation",
        "policy",
        "policy-foreground",
        "policy-tools",
        "task-approval_requested-schema",
        "task-submitted-foreground",
        "task-submitted-minimal",
        "task-waits",
    ];
    assert_eq!(names.len(), EVENT_KINDS.len() + beside.len(), "{names:?}");
    assert!(beside.iter().all(|name| names.contains(*name)));
}

#[test]
fn every_golden_record_is_as_its_schema_says() {
    let schemas: BTreeMap<_, _> =
        formats().into_iter().map(|format| (format.name, format.schema.to_value())).collect();
    for (name, text) in golden() {
        let format = format_of(&name);
        let record = serde_json::from_str(&text).unwrap();
        assert_eq!(faults(&schemas[format], &record), Vec::<String>::new(), "{name}");
    }
    // The schemas name nothing that no golden record has.
    for format in ["task", "admissions", "policy", "conversation"] {
        let (mut described, mut shown) = (BTreeSet::new(), BTreeSet::new());
        validate::named(&schemas[format], &mut described);
        for (name, text) in golden() {
            if format_of(&name) == format {
                validate::members(&serde_json::from_str(&text).unwrap(), &mut shown);
            }
        }
        let unseen: Vec<_> = described.difference(&shown).collect();
        assert!(unseen.is_empty(), "{format}: {unseen:?}");
    }
    // And they do not take just anything.
    let mut record: Value = serde_json::from_str(&golden()["task-started"]).unwrap();
    record["events"][0]["body"]["started"]["run"] = json!("one");
    assert!(!faults(&schemas["task"], &record).is_empty());
    record["events"][0]["body"] = json!({"teleported": {}});
    assert!(!faults(&schemas["task"], &record).is_empty());
    record["events"] = json!([]);
    assert!(!faults(&schemas["task"], &record).is_empty());
}

#[test]
fn what_a_minimal_submission_leaves_out_has_its_default() {
    let [EventBody::Submitted(said)] = &events("task-submitted-minimal")[..] else {
        panic!("one submission")
    };
    assert_eq!(said.limits, Limits::default());
    assert_eq!((said.priority, said.retry.max_attempts), (Priority::Normal, 1));
    assert_eq!(said.input, Payload::Inline(Value::Null));
    assert!(said.labels.is_empty() && said.inherited.is_empty() && said.owner.conversation.is_none());
    assert_eq!(said.lane, Lane::Background);
}

/// What was written before there were lanes is of the background, and a policy of that time lets as many
/// run in the foreground as one that was never given.
#[test]
fn what_knows_no_lanes_is_of_the_background() {
    let [EventBody::Submitted(said)] = &events("task-submitted")[..] else { panic!("one submission") };
    assert_eq!(said.lane, Lane::Background);
    let Record::Admissions(commit) = read("admissions") else { panic!("admissions") };
    assert!(commit.admissions.iter().all(|admission| admission.lane == Lane::Background));
    let Record::Policy(commit) = read("policy") else { panic!("a policy") };
    assert_eq!(commit.policy.caps.foreground, 2);

    let [EventBody::Submitted(said)] = &events("task-submitted-foreground")[..] else {
        panic!("one submission")
    };
    assert_eq!(said.lane, Lane::Foreground);
    let Record::Admissions(commit) = read("admissions-foreground") else { panic!("admissions") };
    assert_eq!(commit.admissions[0].lane, Lane::Foreground);
    let Record::Policy(commit) = read("policy-foreground") else { panic!("a policy") };
    assert_eq!(commit.policy.caps.foreground, 4);
}

/// A few by hand, so that not only the same code reads what it wrote.
#[test]
fn what_is_read_is_what_it_means() {
    let Record::Task(commit) = read("task-submitted") else { panic!("a commit") };
    assert_eq!(commit.at, Timestamp(1_795_266_305_007));
    assert_eq!((commit.actor.role, commit.actor.who.as_str()), (Role::Client, "ada"));
    let [EventBody::Submitted(said)] = &events("task-submitted")[..] else { panic!("one submission") };
    assert_eq!(said.limits.queries, Some(3));
    assert_eq!(said.lineage.forked_from.unwrap().sequence.0, 41);
    assert!(matches!(said.inherited[0].result, Payload::Stored { size: 70_000, .. }));
    assert_eq!(said.context, Some(Payload::Gone));

    let [EventBody::Progressed { fraction, message, .. }, EventBody::Progressed { fraction: None, .. }] =
        &events("task-progressed")[..]
    else {
        panic!("two words on progress")
    };
    // Exactly: a snapshot folded before and after the wire is the same to the last bit.
    assert_eq!((*fraction, message.as_deref()), (Some(0.1 + 0.2), Some("2 of 3 queries")));

    let Record::Admissions(commit) = read("admissions") else { panic!("admissions") };
    assert_eq!(commit.admissions[1].run, RunNumber(3));
    assert_eq!(commit.admissions[1].why, AdmissionReason::Continued);
}

#[test]
fn what_is_said_to_listeners_is_as_its_schema_says() {
    let kind = Kind::new("report").unwrap();
    let task: TaskId = "019aa0b0-0000-7000-8000-000000000001".parse().unwrap();
    let beat = Beat {
        executor: ExecutorId(task.0),
        at: Timestamp(0),
        version: "0.1.0".to_owned(),
        host: "here/1".to_owned(),
        kinds: vec![Room { kind: kind.clone(), places: 4, free: 3 }],
        runs: vec![HeldRun { org: OrgId::new("acme").unwrap(), task, run: RunNumber(1) }],
        draining: false,
    };
    let dispatch = Dispatch {
        org: OrgId::new("acme").unwrap(),
        task,
        run: RunNumber(1),
        kind,
        ledger: Sequence(17),
        why: AdmissionReason::First,
        only: Some(Sequence(4)),
    };
    let text = TextDelta { run: RunNumber(1), segment: 1, offset: 0, text: "Sales".to_owned() };
    let change = Change { status: Status::Running, sequence: Sequence(7) };
    let said = [
        ("beat", serde_json::to_value(&beat).unwrap()),
        ("dispatch", serde_json::to_value(&dispatch).unwrap()),
        ("text", serde_json::to_value(&text).unwrap()),
        ("change", serde_json::to_value(change).unwrap()),
    ];
    for (name, value) in said {
        let schema = formats().into_iter().find(|format| format.name == name).unwrap().schema.to_value();
        assert_eq!(faults(&schema, &value), Vec::<String>::new(), "{name}");
        let (mut described, mut shown) = (BTreeSet::new(), BTreeSet::new());
        validate::named(&schema, &mut described);
        validate::members(&value, &mut shown);
        assert_eq!(described, shown, "{name}");
    }
}
