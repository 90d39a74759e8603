//! The states of tasks while their records go by.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use longhaul_audit::Known;
use longhaul_core::{Sequence, Status, TaskRef};
use longhaul_journal::{Entry, Error, Journal, Shards};

/// A record as the auditor reads it.
pub(crate) fn plain(entry: &Entry) -> longhaul_audit::Entry<'_> {
    longhaul_audit::Entry {
        sequence: entry.sequence,
        stored_at: entry.stored_at,
        subject: &entry.subject,
        record: entry.record.as_ref(),
    }
}

/// The state a history gives up to and including a place.
pub(crate) fn known_at(history: &[Entry], until: Sequence) -> Known {
    Known::at(history.iter().map(plain), until)
}

/// The task a record belongs to, if it lies where that task's history lies.
pub(crate) fn task_of(entry: &Entry, shards: Shards) -> Option<TaskRef> {
    plain(entry).task(shards)
}

/// The tasks of the records that went by. Those that live are kept, those that have ended are
/// forgotten but for a mark of 8 bytes, and read again should something follow: what it holds
/// depends on how many tasks live, hardly on how long the log is.
pub(crate) struct Tasks {
    journal: Journal,
    live: HashMap<TaskRef, Known>,
    ended: HashSet<u64>,
    hasher: RandomState,
}

impl Tasks {
    /// None yet.
    pub(crate) fn new(journal: &Journal) -> Self {
        let (live, ended, hasher) = (HashMap::new(), HashSet::new(), RandomState::new());
        Self { journal: journal.clone(), live, ended, hasher }
    }

    /// What is known of a task right before the record at `sequence`. Give it back by
    /// [`Tasks::put`].
    ///
    /// # Errors
    /// If the log is not available.
    pub(crate) async fn take(&mut self, task: &TaskRef, sequence: Sequence) -> Result<Known, Error> {
        if let Some(known) = self.live.remove(task) {
            return Ok(known);
        }
        // Two tasks with one mark only cost a read.
        if !self.ended.contains(&self.hasher.hash_one(task)) {
            return Ok(Known::default());
        }
        let history = self.journal.history(task).await?;
        Ok(known_at(&history, Sequence(sequence.0.saturating_sub(1))))
    }

    /// What is known of it now.
    pub(crate) fn put(&mut self, task: TaskRef, known: Known) {
        if known.unreadable.is_none() && known.status().is_some_and(Status::is_terminal) {
            self.ended.insert(self.hasher.hash_one(&task));
        } else if !known.is_nothing() {
            self.live.insert(task, known);
        }
    }

    /// The tasks that have not ended, and those that were put aside.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&TaskRef, &Known)> {
        self.live.iter()
    }
}
