//! Which events a commit holds, without reading the rest: whoever watches a measurement must not cost
//! more than what is measured.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// What of an event matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Submitted,
    Started,
    /// The task ended, however.
    Ended,
    Other,
}

#[derive(Deserialize)]
struct Commit {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    body: Mark,
}

/// The marks of a commit's events, in order; none for what is no commit.
pub(crate) fn marks(body: &[u8]) -> Vec<Mark> {
    serde_json::from_slice::<Commit>(body)
        .map(|commit| commit.events.into_iter().map(|event| event.body).collect())
        .unwrap_or_default()
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kind;
        impl<'de> Visitor<'de> for Kind {
            type Value = Mark;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Mark, A::Error> {
                let mut mark = Mark::Other;
                while let Some((kind, IgnoredAny)) = map.next_entry::<std::borrow::Cow<'_, str>, _>()? {
                    mark = match kind.as_ref() {
                        "submitted" => Mark::Submitted,
                        "started" => Mark::Started,
                        "completed" | "failed" | "aborted" | "expired" => Mark::Ended,
                        _ => Mark::Other,
                    };
                }
                Ok(mark)
            }
        }
        deserializer.deserialize_map(Kind)
    }
}

#[cfg(test)]
mod tests {
    use longhaul_core::{Actor, EventBody, Payload, Role, RunNumber};
    use longhaul_journal::{Shards, new_id, now, stamp};
    use longhaul_wire::{Record, Subject, encode};

    use super::*;

    #[test]
    fn what_is_written_is_recognised() {
        let actor = Actor { role: Role::Executor, who: "x".into(), via: "test".into() };
        let run = RunNumber(1);
        let progressed = EventBody::Progressed { run, fraction: Some(0.5), message: None, waits: None };
        let completed = EventBody::Completed { run, output: Payload::default() };
        let task = new_id();
        let commit = stamp(task, &actor, vec![progressed, completed], now());
        let org = longhaul_core::OrgId::new("acme").unwrap();
        let place = Subject::task(Shards::ONE, &org, task);
        let bytes = encode(place.parsed(), &Record::Task(commit)).unwrap();
        assert_eq!(marks(&bytes), vec![Mark::Other, Mark::Ended]);
        assert_eq!(marks(b"{}"), vec![]);
    }
}
