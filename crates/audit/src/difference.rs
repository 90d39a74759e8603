//! What differs between two states.

use std::collections::BTreeMap;

use longhaul_core::{Sequence, Snapshot, text};
use longhaul_wire::query::Item;
use longhaul_wire::view::SnapshotView;
use serde::Serialize;
use serde_json::Value;

use crate::known::Known;

/// A member that differs. One that a side does not have is left out there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Which: `status`, `steps[2].completed_at`.
    pub field: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// A part of the way to a member; so that the tenth step comes after the second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Index(usize),
    Name(String),
}

type Members = BTreeMap<Vec<Part>, Value>;

/// The members in which two values differ, down to the innermost, by name.
pub fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let (mut before, mut after) = (Members::new(), Members::new());
    spread(from, &mut Vec::new(), &mut before);
    spread(to, &mut Vec::new(), &mut after);
    let mut ways: Vec<&Vec<Part>> = before.keys().chain(after.keys()).collect();
    ways.sort_unstable();
    ways.dedup();
    ways.into_iter()
        .filter(|way| before.get(*way) != after.get(*way))
        .map(|way| Change { field: name(way), from: before.get(way).cloned(), to: after.get(way).cloned() })
        .collect()
}

fn spread(value: &Value, way: &mut Vec<Part>, members: &mut Members) {
    let inner: Vec<(Part, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (Part::Name(key.clone()), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, value)| (Part::Index(n), value)).collect(),
        _ => Vec::new(),
    };
    // What has no members at all has none that could differ.
    if inner.is_empty() && !way.is_empty() {
        members.insert(way.clone(), value.clone());
    }
    for (part, value) in inner {
        way.push(part);
        spread(value, way, members);
        way.pop();
    }
}

fn name(way: &[Part]) -> String {
    let mut name = String::new();
    for part in way {
        match part {
            Part::Index(n) => name.push_str(&format!("[{n}]")),
            Part::Name(part) if name.is_empty() => name.push_str(part),
            Part::Name(part) => name.push_str(&format!(".{part}")),
        }
    }
    name
}

impl Change {
    /// `status is running in the log, failed in the projector`, where `from` and `to` name the sides.
    pub fn told(&self, from: &str, to: &str) -> String {
        let (was, is) = (shown(self.from.as_ref()), shown(self.to.as_ref()));
        format!("{} is {was} in {from}, {is} in {to}", self.field)
    }
}

/// The first member in which a projector's row differs from the state folded from the log, with
/// both values. What is known beside the log is not compared.
pub fn difference(log: &Known, row: Option<&Item>) -> Option<String> {
    let Some(row) = row else {
        return (!log.is_nothing()).then(|| "the projector does not have it".to_owned());
    };
    if log.is_nothing() {
        return Some("the log does not have it".to_owned());
    }
    let aside = row.unreadable.as_ref().map(|unreadable| unreadable.sequence);
    if log.unreadable != aside {
        let named = |aside: Option<Sequence>| match aside {
            Some(sequence) => format!("put aside at {sequence}"),
            None => "not put aside".to_owned(),
        };
        return Some(format!("{} by the log, {} in the projector", named(log.unreadable), named(aside)));
    }
    let folded =
        log.snapshot.as_ref().map(|snapshot: &Snapshot| SnapshotView::new(snapshot, None, None, None));
    let view =
        |view: &SnapshotView| SnapshotView { waiting: None, heartbeat_at: None, as_of: None, ..view.clone() };
    let told = row.view.as_ref().map(view);
    if folded == told {
        return None;
    }
    let value = |view: &Option<SnapshotView>| serde_json::to_value(view).unwrap_or_default();
    let differing = changes(&value(&folded), &value(&told));
    let more = match differing.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let first = differing.first();
    Some(first.map_or("they differ".to_owned(), |first| {
        format!("{}{more}", first.told("the log", "the projector"))
    }))
}

/// A value on one line, for people.
pub fn shown(value: Option<&Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::String(said)) => text::line(said, 80),
        Some(value) => text::line(&value.to_string(), 80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_down_to_the_innermost_member() {
        let before =
            json!({"status": "running", "usage": {"queries": 1}, "steps": [{"name": "a"}], "run": 1});
        let after = json!({"status": "failed", "usage": {"queries": 3}, "steps": [{"name": "a"}, {"name": "b"}], "run": 1});
        let fields: Vec<String> = changes(&before, &after).into_iter().map(|change| change.field).collect();
        assert_eq!(fields, ["status", "steps[1].name", "usage.queries"]);
        assert!(changes(&after, &after).is_empty());
        let appeared = changes(&Value::Null, &json!({"status": "pending", "labels": {}}));
        assert!(appeared.iter().all(|change| change.from.is_none()));
        assert_eq!(appeared.len(), 2);
    }

    #[test]
    fn the_tenth_comes_after_the_second() {
        let many: Vec<u32> = (0..12).collect();
        let fields: Vec<String> =
            changes(&json!({}), &json!({"n": many})).into_iter().map(|c| c.field).collect();
        assert_eq!((fields[2].as_str(), fields[10].as_str(), fields.len()), ("n[2]", "n[10]", 12));
    }
}
