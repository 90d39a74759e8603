//! What one record changes, without a database: the state of a task and what follows from the
//! change for usage and bell. A batch folds into these, and each task is written once.

use std::collections::BTreeMap;

use longhaul_core::apply::{Applied, apply};
use longhaul_core::{Commit, EventBody, Sequence, Snapshot, Status, Timestamp, Usage, UserId};

/// A day, counted from 1970-01-01, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(pub(crate) i64);

impl Day {
    /// The day a moment lies in.
    pub(crate) fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(86_400_000))
    }

    /// Its first moment.
    pub(crate) fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(86_400_000))
    }

    /// `2026-11-21`.
    pub(crate) fn text(self) -> String {
        let mut text = self.start().to_string();
        text.truncate(text.find('T').unwrap_or(text.len()));
        text
    }
}

/// A record of a task that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Where it lies.
    pub(crate) at: Sequence,
    /// When the server stored it.
    pub(crate) stored_at: Timestamp,
    /// Why.
    pub(crate) why: String,
}

/// What is known of a task.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    /// Its last state that could be read.
    pub(crate) snapshot: Option<Snapshot>,
    /// Why it was put aside, if it was.
    pub(crate) unread: Option<Unread>,
}

/// A line of the bell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bell {
    pub(crate) user: UserId,
    pub(crate) sequence: Sequence,
    pub(crate) status: Status,
    pub(crate) at: Timestamp,
    /// A question that is answered, or of a task that has gone on.
    pub(crate) settled: bool,
}

/// A task that a batch touches: its state, and what is to be added to what is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// Its state now. Boxed, for tasks to be moved from table to table.
    pub(crate) known: Box<Known>,
    /// Whether it had no row before.
    pub(crate) is_new: bool,
    /// The record that submitted it, if a record that was folded here did.
    pub(crate) submitted: Option<Sequence>,
    /// Whether its row says that it lives, and can be read.
    pub(crate) lived: bool,
    /// Usage to add, by day.
    pub(crate) usage: BTreeMap<Day, Usage>,
    /// Facts to add.
    pub(crate) bells: Vec<Bell>,
    /// Stored questions are answered.
    pub(crate) settles: bool,
    /// Stored facts go.
    pub(crate) silences: bool,
    /// Stored usage, labels and lineage go; what is here replaces them.
    pub(crate) restates: bool,
    /// Something was folded.
    pub(crate) changed: bool,
}

impl Touched {
    pub(crate) fn new(known: Option<Box<Known>>) -> Self {
        let lives = |known: &Known| known.snapshot.as_ref().is_some_and(|s| s.ended_at.is_none());
        let lived = known.as_deref().is_some_and(|known| lives(known) && known.unread.is_none());
        Self { is_new: known.is_none(), lived, known: known.unwrap_or_default(), ..Self::default() }
    }

    /// Puts the task aside. What comes later is not folded: half a history is not a state.
    pub(crate) fn put_aside(&mut self, unread: Unread) {
        if self.known.unread.is_none() {
            self.known.unread = Some(unread);
            self.changed = true;
        }
    }

    /// Folds one commit. Returns the tokens it added to the task's usage, and when they were used.
    pub(crate) fn fold(&mut self, commit: &Commit, sequence: Sequence) -> (u64, Timestamp) {
        let tokens = |known: &Known| known.snapshot.as_ref().map_or(0, |snapshot| snapshot.usage.tokens());
        let before = tokens(&self.known);
        self.fold_known(commit, sequence);
        let used = tokens(&self.known).saturating_sub(before);
        // Of an erased task this commit may be all that is left, and the sum in it.
        let erased = self.known.snapshot.as_ref().filter(|snapshot| snapshot.erased);
        (used, erased.and_then(|snapshot| snapshot.ended_at).unwrap_or(commit.at))
    }

    fn fold_known(&mut self, commit: &Commit, sequence: Sequence) {
        if self.known.unread.is_some() {
            // An erasure says everything that is left of a task: with it the task is whole again. And
            // the record that could not be read may be gone when the model is built anew.
            let erased = |event: &longhaul_core::Event| matches!(event.body, EventBody::Erased { .. });
            if !commit.events.iter().any(erased) {
                return;
            }
            let aside = std::mem::take(&mut self.known);
            self.fold_readable(commit, sequence);
            if self.known.snapshot.is_none() {
                self.known = aside;
            }
            return;
        }
        self.fold_readable(commit, sequence);
    }

    fn fold_readable(&mut self, commit: &Commit, sequence: Sequence) {
        let before = self.known.snapshot.as_ref().map(|s| s.status);
        let state = &mut self.known.snapshot;
        let mut used = Usage::default();
        let (mut erased, mut dismissed) = (false, false);
        for event in &commit.events {
            if apply(state, commit.task, event, &commit.actor, commit.at) != Applied::Yes {
                continue;
            }
            match &event.body {
                EventBody::UsageRecorded { usage, .. } => used = used.plus(*usage),
                EventBody::Erased { .. } => erased = true,
                EventBody::Dismissed { .. } => dismissed = true,
                _ => {}
            }
        }
        let Some(snapshot) = state else { return };
        snapshot.sequence = sequence;
        self.changed = true;
        if before.is_none() {
            self.submitted = Some(sequence);
        }
        let (status, at) = (snapshot.status, commit.at);
        let user = snapshot.owner.user.clone();
        if used != Usage::default() {
            let day = self.usage.entry(Day::of(at)).or_default();
            *day = day.plus(used);
        }
        if before == Some(Status::Paused) && status != Status::Paused {
            self.settles = true;
            self.bells
                .iter_mut()
                .filter(|bell| bell.status == Status::Paused)
                .for_each(|bell| bell.settled = true);
        }
        let rings = status == Status::Paused || status.is_terminal();
        if rings && before != Some(status) {
            self.bells.push(Bell { user, sequence, status, at, settled: false });
        }
        if erased {
            self.restate();
        }
        if erased || dismissed {
            self.bells.clear();
            self.silences = true;
        }
    }

    /// An erased task's history may be gone when the model is built anew, and with it the days on
    /// which it used what. So its usage counts for the day it ended, from the erasure on.
    fn restate(&mut self) {
        let Some(snapshot) = &self.known.snapshot else { return };
        self.restates = true;
        self.submitted = None;
        self.usage.clear();
        if snapshot.usage != Usage::default() {
            let day = Day::of(snapshot.ended_at.unwrap_or(snapshot.submitted_at));
            self.usage.insert(day, snapshot.usage);
        }
    }
}
