//! What the auditor keeps of a task while it lives.

use longhaul_core::{Commit, CommitId, EventBody, Sequence, Skeleton, Snapshot, Status, Usage};

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
    /// Where it is erased, if that was learnt before it was read: what lies before says nothing more.
    pub(crate) erased_at: Sequence,
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

    /// Takes its state from the commit that erases it, as it was right before: the rest is gone.
    pub(crate) fn erased(&mut self, commit: &Commit, kept: &Skeleton, at: Sequence) {
        self.known = Known::default();
        self.known.fold(commit, at, |_| {});
        if let Some(snapshot) = &mut self.known.snapshot {
            snapshot.events = kept.events;
        }
        self.spent = kept.usage;
        self.erased_at = at;
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
