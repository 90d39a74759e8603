//! A whole log: made at random, folded, kept in a file.

use std::collections::BTreeMap;
use std::io::Cursor;

use longhaul_audit::{HistoryWriter, Known, Stored};
use longhaul_client::Client;
use longhaul_client::fleet::{Brief, Recorded};
use longhaul_core::{Sequence, TaskRef};
use longhaul_journal::{Entry, Journal};
use longhaul_wire::{Parsed, Record};
use proptest::prelude::*;

use super::{Happens, client, happens};

/// A runtime whose time goes by when everything waits.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

pub(crate) fn histories() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![6 => happens(3), 1 => (0_u64..3000).prop_map(Happens::Wait)];
    prop::collection::vec(one, 1..60).prop_map(|mut all| {
        all.insert(0, Happens::Submit(0));
        all
    })
}

/// The whole log in the order of all records.
pub(crate) async fn log(journal: &Journal) -> Vec<Entry> {
    let mut log = Vec::new();
    for shard in journal.shards().all() {
        let head = journal.head(shard).await.unwrap();
        let mut follower = journal.follow(shard, Sequence::ZERO).await.unwrap();
        for _ in 0..head.0 {
            log.push(follower.next().await.unwrap().unwrap());
        }
    }
    log.sort_by_key(|entry| (entry.stored_at, entry.shard, entry.sequence));
    log
}

pub(crate) fn task_of(entry: &Entry) -> Option<TaskRef> {
    match &entry.subject {
        Parsed::Task { org, task, .. } => Some(TaskRef { org: org.clone(), task: *task }),
        _ => None,
    }
}

/// How tasks stand after the first records of a log, by a fold of those alone.
pub(crate) fn fold(log: &[Entry]) -> BTreeMap<TaskRef, Brief> {
    let mut tasks: BTreeMap<TaskRef, (Sequence, Known)> = BTreeMap::new();
    for entry in log {
        let (Some(task), Ok(Record::Task(commit))) = (task_of(entry), &entry.record) else { continue };
        let (_, known) = tasks.entry(task).or_insert_with(|| (entry.sequence, Known::default()));
        known.fold(commit, entry.sequence, |_| {});
    }
    let brief = |(task, (submitted, known)): (TaskRef, (Sequence, Known))| {
        let snapshot = known.snapshot.unwrap();
        (task, Brief { submitted: Some(submitted), ..Brief::of(&snapshot) })
    };
    tasks.into_iter().map(brief).collect()
}

/// The log as a file, and that as a client.
pub(crate) fn recorded(journal: &Journal, log: &[Entry]) -> Client {
    let mut writer = HistoryWriter::new(journal.shards());
    let mut lines = vec![writer.header()];
    for shard in journal.shards().all() {
        for entry in log.iter().filter(|entry| entry.shard == shard) {
            let stored = Stored {
                sequence: entry.sequence,
                stored_at: entry.stored_at,
                subject: entry.subject.clone(),
                record: entry.record.clone(),
            };
            lines.push(writer.record(&stored).unwrap());
        }
    }
    lines.push(writer.end());
    let file = Recorded::read(Cursor::new(lines.join("\n") + "\n")).unwrap();
    assert_eq!((file.records(), file.damage().len()), (log.len(), 0));
    client(&file.journal())
}
