//! What the auditor keeps of a task while it lives.

use longhaul_core::{Commit, CommitId, EventBody, Sequence, Snapshot, Status, Usage};

use crate::known::{Fate, Known, Step};

/// What is kept of a task that has not ended.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) known: Known,
    /// Its last record.
    pub(crate) sequence: Sequence,
    /// Its commits.
    pub(crate) commits: Vec<(CommitId, Sequence)>,
    /// The sum over its usage events.
    pub(crate) spent: Usage,
}

/// How a task is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Aside,
    In(Status),
}

impl Live {
    /// How it is counted.
    pub(crate) fn class(&self) -> Option<Class> {
        match self.known.unreadable {
            Some(_) => Some(Class::Aside),
            None => self.known.status().map(Class::In),
        }
    }

    /// What it cost.
    pub(crate) fn usage(&self) -> Usage {
        self.known.snapshot.as_ref().map(|snapshot| snapshot.usage).unwrap_or_default()
    }

    /// Its state, unless it is put aside.
    pub(crate) fn state(&self) -> Option<&Snapshot> {
        self.known.snapshot.as_ref().filter(|_| self.known.unreadable.is_none())
    }

    /// Folds a commit, and sums up what its events say it cost.
    pub(crate) fn fold(&mut self, commit: &Commit, sequence: Sequence, mut show: impl FnMut(Step<'_>)) {
        let Self { known, spent, commits, .. } = self;
        known.fold(commit, sequence, |step| {
            match &step.event.body {
                EventBody::UsageRecorded { usage, .. } if step.fate == Fate::Applied => {
                    *spent = spent.plus(*usage);
                }
                // All that is left of what it cost.
                EventBody::Erased { skeleton, .. } if step.before.is_none() => *spent = skeleton.usage,
                _ => {}
            }
            show(step);
        });
        commits.push((commit.id, sequence));
    }
}
