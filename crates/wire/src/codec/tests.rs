use longhaul_core::{
    Actor, Admission, AdmissionReason, Event, EventBody, EventId, Lane, Millis, RetryPolicy, Role, RunNumber,
    TaskId, Timestamp, UserId,
};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::arbitrary::record;
use super::*;
use crate::shard::Shard;

const ID: &str = "019aa0b0-0000-7000-8000-000000000001";

fn place() -> Parsed {
    Parsed::Task { shard: Shard(0), org: OrgId::new("acme").unwrap(), task: ID.parse().unwrap() }
}

/// A commit on [`place`] as anybody might write it.
fn raw(events: Value) -> Value {
    json!({
        "v": 1, "id": ID, "task": ID, "at": "2026-11-21T13:05:00Z",
        "actor": {"role": "client", "who": "ada", "via": "cli"}, "events": events,
    })
}

fn event(body: Value) -> Value {
    json!({"id": ID, "body": body})
}

fn decoded(record: &Value) -> Result<Record, DecodeError> {
    decode(&place(), record.to_string().as_bytes())
}

#[test]
fn the_version_comes_first_and_white_space_does_not_matter() {
    let record = decoded(&raw(json!([event(json!({"dismissed": {"by": "ada"}}))]))).unwrap();
    let bytes = encode(&place(), &record).unwrap();
    assert!(bytes.starts_with(br#"{"v":1,"id":"#));
    assert_eq!(commit_id(&bytes), Some(ID.parse().unwrap()));
    let spaced = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&bytes).unwrap()).unwrap();
    assert_eq!(decode(&place(), &spaced).unwrap(), record);
}

#[test]
fn what_a_reader_does_not_know_it_skips() {
    let mut record = raw(json!([event(json!({"dismissed": {"by": "ada", "mood": "good"}}))]));
    record["colour"] = json!({"deep": [1, 2]});
    assert!(decoded(&record).is_ok());
}

#[test]
fn a_newer_version_is_refused_by_its_number() {
    let mut record = raw(json!([]));
    record["v"] = json!(7);
    let refused = decoded(&record).unwrap_err();
    assert_eq!(refused, DecodeError::Newer { found: 7, known: 1 });
    assert_eq!(refused.to_string(), "the record has version 7, this program reads up to 1; update it");
    record["v"] = json!(0);
    assert!(matches!(decoded(&record), Err(DecodeError::Malformed(_))));
    record["v"] = json!("1");
    assert!(matches!(decoded(&record), Err(DecodeError::Malformed(_))));
}

#[test]
fn an_unknown_kind_of_event_is_refused_by_its_name() {
    let known = event(json!({"dismissed": {"by": "ada"}}));
    let foreign = event(json!({"teleported": {"to": "mars\u{1b}[31m"}}));
    let refused = decoded(&raw(json!([known, foreign]))).unwrap_err();
    assert_eq!(refused, DecodeError::UnknownEvent { kind: "teleported".to_owned() });
    // A known one with something missing is malformed, and what is missing is said.
    match decoded(&raw(json!([event(json!({"dismissed": {}}))]))) {
        Err(DecodeError::Malformed(why)) => assert!(why.contains("`by`"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_in_the_wrong_place_is_refused() {
    let other = "019aa0b0-0000-7000-8000-000000000002";
    let mut record = raw(json!([event(json!({"dismissed": {"by": "ada"}}))]));
    record["task"] = json!(other);
    assert_eq!(
        decoded(&record),
        Err(DecodeError::WrongPlace { what: "task", subject: ID.to_owned(), body: other.to_owned() })
    );
    let said =
        json!({"owner": {"org": "evil", "user": "eve"}, "kind": "exec", "title": "x", "input": "gone"});
    let refused = decoded(&raw(json!([event(json!({"submitted": said}))]))).unwrap_err();
    assert!(matches!(refused, DecodeError::WrongPlace { what: "organisation", .. }), "{refused:?}");
    let ledger = Parsed::Ledger { shard: Shard(0), org: OrgId::new("acme").unwrap() };
    assert!(decode(&ledger, raw(json!([])).to_string().as_bytes()).is_err());
    let record = decoded(&raw(json!([event(json!({"dismissed": {"by": "ada"}}))]))).unwrap();
    assert!(matches!(encode(&ledger, &record), Err(EncodeError::Unreadable(_))));
}

#[test]
fn nothing_and_too_much_are_refused() {
    assert!(matches!(decoded(&raw(json!([]))), Err(DecodeError::Count { found: 0, .. })));
    let many = vec![event(json!({"dismissed": {"by": "ada"}})); MAX_EVENTS_IN_COMMIT + 1];
    assert!(matches!(decoded(&raw(json!(many))), Err(DecodeError::Count { found: 1001, .. })));
    let large = vec![b' '; MAX_RECORD + 1];
    assert_eq!(decode(&place(), &large), Err(DecodeError::TooLarge { size: MAX_RECORD + 1 }));

    let org = OrgId::new("acme").unwrap();
    let admission = Admission {
        task: TaskId(Uuid::nil()),
        run: RunNumber(1),
        user: UserId::new("ada").unwrap(),
        conversation: None,
        lane: Lane::default(),
        kind: "report".parse().unwrap(),
        why: AdmissionReason::First,
    };
    let commit = AdmissionCommit {
        id: CommitId(Uuid::nil()),
        org: org.clone(),
        at: Timestamp(0),
        actor: Actor { role: Role::Scheduler, who: String::new(), via: String::new() },
        admissions: vec![admission; MAX_ADMISSIONS + 1],
    };
    let ledger = Parsed::Ledger { shard: Shard(0), org };
    assert!(matches!(encode(&ledger, &Record::Admissions(commit)), Err(EncodeError::Unreadable(_))));
}

/// A commit of one event.
fn commit(body: EventBody) -> Record {
    let Ok(Record::Task(mut commit)) = decoded(&raw(json!([event(json!({"dismissed": {"by": "ada"}}))])))
    else {
        panic!("a commit")
    };
    commit.events = vec![Event { id: EventId(Uuid::nil()), body }];
    Record::Task(commit)
}

#[test]
fn what_nobody_could_read_is_not_written() {
    let text = "x".repeat(MAX_RECORD);
    let refused = encode(&place(), &commit(EventBody::Dismissed { by: text }));
    assert!(matches!(refused, Err(EncodeError::TooLarge { size, limit: MAX_RECORD }) if size > MAX_RECORD));
    // A backoff beyond the end of time.
    let retry = RetryPolicy { backoff: Millis(u64::MAX), max_backoff: Millis(u64::MAX), max_attempts: 9 };
    let not_before = Some(Timestamp(0).plus(retry.wait(1)));
    let refused = encode(&place(), &commit(EventBody::Retried { attempt: 2, by: None, not_before }));
    assert!(matches!(refused, Err(EncodeError::Unreadable(DecodeError::Malformed(_)))), "{refused:?}");
}

#[test]
fn old_versions_are_upgraded_one_step_at_a_time() {
    fn first(mut record: Value) -> Value {
        record["title"] = record["name"].take();
        record
    }
    fn second(mut record: Value) -> Value {
        record["title"] = json!([record["title"]]);
        record
    }
    let steps: [Upgrade; 2] = [first, second];
    assert_eq!(upgrade(json!({"name": "a"}), 1, &steps)["title"], json!(["a"]));
    assert_eq!(upgrade(json!({"title": "a"}), 2, &steps)["title"], json!(["a"]));
    assert_eq!(upgrade(json!({"title": ["a"]}), 3, &steps)["title"], json!(["a"]));
}

proptest! {
    #[test]
    fn every_record_survives_its_bytes((place, record) in record()) {
        let bytes = encode(&place, &record).unwrap();
        prop_assert!(bytes.starts_with(PRESENT));
        prop_assert_eq!(decode(&place, &bytes).unwrap(), record);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&place(), &bytes);
        let _ = commit_id(&bytes);
    }

    #[test]
    fn no_damage_panics((place, record) in record(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encode(&place, &record).unwrap();
        let at = at.index(bytes.len());
        let mut short = bytes.clone();
        bytes[at] = byte;
        let _ = decode(&place, &bytes);
        short.truncate(at);
        prop_assert!(decode(&place, &short).is_err());
    }
}
