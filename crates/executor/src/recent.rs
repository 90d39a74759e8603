//! What was lately written to tasks, kept for a moment.
//!
//! The executor follows the log anyway, for the tasks it holds. A run that is dispatched soon after
//! its task was submitted is begun from what came by, without asking the log again. Whatever is not
//! here is read there; whatever is out of date here is refused there.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longhaul_core::{Sequence, Snapshot, TaskRef, apply_commit};
use longhaul_journal::{Entry, Parsed, Record, Unread};

/// Most records that are kept of a shard.
const MOST: usize = 256;

/// The largest record that is kept, in bytes.
const LARGEST: usize = 8 * 1024;

/// The last few records of a shard's tasks.
#[derive(Default)]
pub(crate) struct Recent {
    records: Mutex<VecDeque<Unread>>,
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Unread>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a record, if it is one of a task and small. They come in order.
    pub(crate) fn keep(&self, record: &Unread) {
        if record.bytes() > LARGEST || !matches!(record.subject(), Parsed::Task { .. }) {
            return;
        }
        let mut records = self.lock();
        if records.len() >= MOST {
            records.pop_front();
        }
        records.push_back(record.detached());
    }

    /// The record at a place, if it is kept.
    pub(crate) fn find(&self, sequence: Sequence) -> Option<Unread> {
        let records = self.lock();
        let at = records.binary_search_by_key(&sequence, Unread::sequence).ok()?;
        records.get(at).cloned()
    }
}

/// A task's state after its first record; nothing if this is not it.
pub(crate) fn first_state(task: &TaskRef, entry: Entry) -> Option<Snapshot> {
    let is_of =
        matches!(&entry.subject, Parsed::Task { org, task: id, .. } if *org == task.org && *id == task.task);
    match entry.record {
        Ok(Record::Task(commit)) if is_of => apply_commit(None, &commit, entry.sequence),
        _ => None,
    }
}
