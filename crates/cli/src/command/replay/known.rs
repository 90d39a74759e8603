//! The states of tasks while their records go by.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use longhaul_core::apply::{Applied, Ignored, apply};
use longhaul_core::{Commit, Event, EventBody, Sequence, Snapshot, Status, TaskRef};
use longhaul_journal::{Entry, Error, Journal, Parsed, Record, Shards};

/// What is known of a task at some place of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    /// Its state, as far as it could be read.
    pub(crate) snapshot: Option<Snapshot>,
    /// The record that could not be read, if there is one: the task is put aside from there on.
    pub(crate) unreadable: Option<Sequence>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It changed the state.
    Applied,
    /// The fold refused it.
    Ignored(Ignored),
    /// Its task is put aside: half a history is not a state.
    Aside,
}

/// An event, and what it did.
pub(crate) struct Step<'a> {
    /// The event.
    pub(crate) event: &'a Event,
    /// The task's status before it.
    pub(crate) before: Option<Status>,
    /// What became of it.
    pub(crate) fate: Fate,
    /// The state after it.
    pub(crate) after: Option<&'a Snapshot>,
}

impl Known {
    /// Folds a commit, and shows every event with the state after it.
    pub(crate) fn fold(&mut self, commit: &Commit, sequence: Sequence, mut show: impl FnMut(Step<'_>)) {
        let aside = self.unreadable.is_some().then(|| self.clone());
        if aside.is_some() && commit.events.iter().any(|event| matches!(event.body, EventBody::Erased { .. }))
        {
            // An erasure says everything that is left of a task: with it the task is whole again.
            *self = Self::default();
        }
        for event in &commit.events {
            let before = self.status();
            let fate = match self.unreadable {
                Some(_) => Fate::Aside,
                None => match apply(&mut self.snapshot, commit.task, event, &commit.actor, commit.at) {
                    Applied::Yes => Fate::Applied,
                    Applied::Ignored(why) => Fate::Ignored(why),
                },
            };
            show(Step { event, before, fate, after: self.snapshot.as_ref() });
        }
        match (&mut self.snapshot, aside) {
            (None, Some(aside)) => *self = aside,
            (Some(snapshot), _) if self.unreadable.is_none() => snapshot.sequence = sequence,
            _ => {}
        }
    }

    /// Takes in a record of the task, whatever it is.
    pub(crate) fn take(&mut self, entry: &Entry) {
        match &entry.record {
            Ok(Record::Task(commit)) => self.fold(commit, entry.sequence, |_| {}),
            Ok(_) => {}
            Err(_) => self.put_aside(entry.sequence),
        }
    }

    /// A record that could not be read.
    pub(crate) fn put_aside(&mut self, sequence: Sequence) {
        self.unreadable.get_or_insert(sequence);
    }

    /// Where the task stands; nothing if it is not there.
    pub(crate) fn status(&self) -> Option<Status> {
        self.snapshot.as_ref().map(|snapshot| snapshot.status)
    }

    /// Whether nothing at all is known.
    pub(crate) fn is_nothing(&self) -> bool {
        self.snapshot.is_none() && self.unreadable.is_none()
    }

    /// The state a history gives up to and including a place.
    pub(crate) fn at(history: &[Entry], until: Sequence) -> Self {
        let mut known = Self::default();
        history.iter().take_while(|entry| entry.sequence <= until).for_each(|entry| known.take(entry));
        known
    }
}

/// The task a record belongs to, if it lies where that task's history lies.
pub(crate) fn task_of(entry: &Entry, shards: Shards) -> Option<TaskRef> {
    match &entry.subject {
        Parsed::Task { shard, org, task } if shards.of(org) == *shard => {
            Some(TaskRef { org: org.clone(), task: *task })
        }
        _ => None,
    }
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
        Ok(Known::at(&history, Sequence(sequence.0.saturating_sub(1))))
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
