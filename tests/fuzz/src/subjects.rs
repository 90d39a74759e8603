//! Subjects. The input is a text; as a subject, and, line by line, as the ids of one.

use std::fmt::Display;

use longhaul_core::{
    CellName, ConversationId, ExecutorId, InvalidId, Kind, OrgId, Sequence, Status, TaskId, TaskRef, UserId,
};
use longhaul_wire::cell::Cell;
use longhaul_wire::live::{self, Change, Changed};
use longhaul_wire::{Shards, Subject, topology};

/// - Any text is taken apart without a panic; what is taken apart is built to the same text.
/// - Whatever the ids, a subject has the tokens it should have, the organisation's own among them, and
///   lies in one stream under one of its shapes.
/// - Whoever listens to an organisation's or a user's changes hears those and no others.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    take_apart(&text);
    for line in text.lines() {
        take_apart(line);
    }
    build(&text);
}

fn take_apart(text: &str) {
    match Subject::parse(text) {
        Ok(parsed) => {
            assert_eq!(parsed.to_string(), text);
            assert_eq!(parsed.subject().as_str(), text);
            assert_eq!(text.parse::<Subject>().as_ref().map(Subject::parsed), Ok(&parsed));
            lies_in_one_stream(&parsed.subject());
        }
        Err(why) => crate::is_presentable(&why),
    }
    let change = Change { status: Status::Running, sequence: Sequence(1) };
    if let Some(heard) = Changed::new(text, change) {
        let said = live::change(&heard.org, &heard.user, heard.task);
        assert_eq!(tokens(&said)[..4], tokens(text)[..4]);
        assert_eq!(Changed::new(&said, change), Some(heard));
    }
}

fn build(text: &str) {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let org: OrgId = id(next(), OrgId::new);
    let user: UserId = id(next(), UserId::new);
    let conversation: ConversationId = id(next(), ConversationId::new);
    let kind: Kind = id(next(), Kind::new);
    let shards = next().parse().ok().and_then(Shards::new).unwrap_or(Shards::ONE);
    let task = TaskId::for_key(&org, next());
    let shard = shards.of(&org);
    assert!(shards.contains(shard));
    for (subject, shape) in [
        (Subject::task(shards, &org, task), format!("lh.{shard}.task.{org}.{task}")),
        (Subject::ledger(shards, &org), format!("lh.{shard}.adm.{org}")),
        (Subject::policy(shards, &org), format!("lh.{shard}.org.{org}")),
        (Subject::conversation(shards, &org, &conversation), format!("lh.{shard}.conv.{org}.{conversation}")),
    ] {
        assert_eq!(subject.as_str(), shape);
        assert_eq!(Subject::parse(subject.as_str()).as_ref(), Ok(subject.parsed()));
        assert_eq!(subject.shard(), shard);
        assert_eq!(subject.parsed().org(), &org);
        lies_in_one_stream(&subject);
    }
    say(&org, &user, &kind, task);
}

/// What is said to whoever listens right now.
fn say(org: &OrgId, user: &UserId, kind: &Kind, task: TaskId) {
    let said = live::change(org, user, task);
    let other_org = OrgId::new(other(org.as_str())).unwrap();
    let other_user = UserId::new(other(user.as_str())).unwrap();
    assert!(matches(&live::changes(org, None), &said));
    assert!(matches(&live::changes(org, Some(user)), &said));
    assert!(!matches(&live::changes(&other_org, None), &said));
    assert!(!matches(&live::changes(&other_org, Some(user)), &said));
    assert!(!matches(&live::changes(org, Some(&other_user)), &said));
    let text = live::text(&TaskRef { org: org.clone(), task });
    assert_eq!(tokens(&text).len(), 4);
    let beat = live::beat(ExecutorId(task.0));
    let run = live::run(kind, ExecutorId(task.0));
    assert_eq!(tokens(&run).len(), 4);
    let name = CellName::new(kind.as_str()).unwrap();
    let cell = Cell { org: org.clone(), name: name.clone() }.to_string();
    assert_ne!(cell, Cell { org: other_org, name }.to_string());
    assert_eq!(tokens(&cell).len(), 4);
    let each = [(&said, false), (&text, false), (&run, false), (&beat, true), (&cell, false)];
    for (subject, is_beat) in each {
        assert!(tokens(subject).into_iter().all(is_token), "{subject}");
        assert!(Subject::parse(subject).is_err(), "{subject} is not kept in the log");
        assert_eq!(topology::beats().subjects.iter().any(|shape| matches(shape, subject)), is_beat);
        let is_cell = topology::cells().subjects.iter().any(|shape| matches(shape, subject));
        assert_eq!(is_cell, *subject == cell);
    }
}

/// An id of a text that can be one, else of another text.
fn id<T: Display>(text: &str, new: impl Fn(String) -> Result<T, InvalidId>) -> T {
    match new(text.to_owned()) {
        Ok(id) => {
            assert!(is_token(text), "{text:?} became an id");
            assert_eq!(id.to_string(), text);
            id
        }
        Err(why) => {
            assert!(!is_token(text), "{text:?} is refused: {why}");
            crate::is_presentable(&why);
            new("acme".to_owned()).unwrap()
        }
    }
}

/// Another id than this one, though it begins as this one does if there is room.
fn other(id: &str) -> String {
    if id.len() < 64 { format!("{id}x") } else { id[..63].to_owned() }
}

fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn lies_in_one_stream(subject: &Subject) {
    assert!(tokens(subject.as_str()).into_iter().all(is_token), "{subject}");
    let shapes = topology::log(subject.shard()).subjects;
    let lies_under = shapes.iter().filter(|shape| matches(shape, subject.as_str())).count();
    assert_eq!(lies_under, 1, "{subject}");
    let beside = longhaul_wire::Shard(subject.shard().0 ^ 1);
    assert!(!topology::log(beside).subjects.iter().any(|shape| matches(shape, subject.as_str())));
    assert!(!topology::beats().subjects.iter().any(|shape| matches(shape, subject.as_str())));
}

fn tokens(subject: &str) -> Vec<&str> {
    subject.split('.').collect()
}

/// Whether the server would hand a message on `subject` to whoever asks for `shape`.
fn matches(shape: &str, subject: &str) -> bool {
    let (shape, subject) = (tokens(shape), tokens(subject));
    shape.len() == subject.len() && shape.iter().zip(&subject).all(|(s, t)| *s == "*" || s == t)
}
