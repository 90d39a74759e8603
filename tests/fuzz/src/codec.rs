//! Records. The input is a subject, a line feed, and the bytes that lie under it.

use longhaul_core::{ConversationId, OrgId, TaskId};
use longhaul_wire::{
    DecodeError, EncodeError, MAX_RECORD, Parsed, Record, Subject, commit_id, decode, encode,
};
use serde_json::{Value, json};

use crate::{first_line, is_presentable};

/// - No bytes make the decoder panic, and what it says of them can be shown to anybody.
/// - What is decoded is encoded and decoded to the same.
/// - It is refused under the subject of another task, organisation, conversation or kind.
/// - Members nobody knows are skipped; an event of an unknown kind is refused by its name.
pub fn check(input: &[u8]) {
    let Some((subject, bytes)) = first_line(input) else { return };
    let Some(place) = std::str::from_utf8(subject).ok().and_then(|text| Subject::parse(text).ok()) else {
        return;
    };
    let id = commit_id(bytes);
    let record = match decode(&place, bytes) {
        Ok(record) => record,
        Err(why) => return is_presentable(&why),
    };
    assert_eq!(id, id_of(&record), "the id without the rest");
    let written = match encode(&place, &record) {
        Ok(written) => written,
        // Numbers may be longer as they are written than as they were.
        Err(EncodeError::TooLarge { size, .. }) => return assert!(size > MAX_RECORD),
        Err(why) => panic!("what was read cannot be written: {why:?}"),
    };
    assert_eq!(decode(&place, &written).as_ref(), Ok(&record));
    assert_eq!(commit_id(&written), id);
    let refused = decode(&elsewhere(&place), &written);
    assert!(matches!(refused, Err(DecodeError::WrongPlace { .. })), "{refused:?}");
    grow(&place, &record, &written);
}

fn id_of(record: &Record) -> Option<longhaul_core::CommitId> {
    match record {
        Record::Task(commit) => Some(commit.id),
        Record::Admissions(commit) => Some(commit.id),
        Record::Policy(commit) => Some(commit.id),
        Record::Conversation(claim) => Some(claim.id),
    }
}

/// A place of the same shape whose record cannot be this one.
fn elsewhere(place: &Parsed) -> Parsed {
    fn other(token: &str) -> String {
        if token == "other" { "another".to_owned() } else { "other".to_owned() }
    }
    let mut place = place.clone();
    match &mut place {
        Parsed::Task { task, .. } => *task = TaskId::for_key(&OrgId::new("o").unwrap(), &task.to_string()),
        Parsed::Ledger { org, .. } | Parsed::Policy { org, .. } => {
            *org = OrgId::new(other(org.as_str())).unwrap();
        }
        Parsed::Conversation { conversation, .. } => {
            *conversation = ConversationId::new(other(conversation.as_str())).unwrap();
        }
    }
    place
}

/// The record as a newer program might have written it.
fn grow(place: &Parsed, record: &Record, written: &[u8]) {
    let mut value: Value = serde_json::from_slice(written).unwrap();
    value["newer_member"] = json!([{"deep": [null]}]);
    for event in value["events"].as_array_mut().into_iter().flatten() {
        event["newer_member"] = json!(1);
        for said in event["body"].as_object_mut().unwrap().values_mut() {
            said["newer_member"] = json!("x");
        }
    }
    let grown = value.to_string();
    if grown.len() <= MAX_RECORD {
        assert_eq!(decode(place, grown.as_bytes()).as_ref(), Ok(record));
    }
    if let Some(last) = value["events"].as_array_mut().and_then(|events| events.last_mut()) {
        last["body"] = json!({"teleported": {"to": "mars"}});
        let refused = decode(place, value.to_string().as_bytes());
        assert_eq!(refused, Err(DecodeError::UnknownEvent { kind: "teleported".to_owned() }));
    }
}
