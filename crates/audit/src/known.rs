//! The state of a task while its records go by.

use longhaul_core::apply::{Applied, Ignored, apply};
use longhaul_core::{Commit, Event, EventBody, Sequence, Skeleton, Snapshot, Status};
use longhaul_wire::Record;

use crate::entry::Entry;

/// What is known of a task at some place of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Its state, as far as it could be read.
    pub snapshot: Option<Snapshot>,
    /// The record that could not be read, if there is one: the task is put aside from there on.
    pub unreadable: Option<Sequence>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It changed the state.
    Applied,
    /// The fold refused it.
    Ignored(Ignored),
    /// Its task is put aside: half a history is not a state.
    Aside,
}

/// What a commit keeps of the task, if it erases it.
pub(crate) fn erased(commit: &Commit) -> Option<&Skeleton> {
    commit.events.iter().find_map(|event| match &event.body {
        EventBody::Erased { skeleton, .. } => Some(&**skeleton),
        _ => None,
    })
}

/// An event, and what it did.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The event.
    pub event: &'a Event,
    /// The task's status before it.
    pub before: Option<Status>,
    /// What became of it.
    pub fate: Fate,
    /// The state after it.
    pub after: Option<&'a Snapshot>,
}

impl Known {
    /// Folds a commit, and shows every event with the state after it.
    pub fn fold(&mut self, commit: &Commit, sequence: Sequence, mut show: impl FnMut(Step<'_>)) {
        let aside = self.unreadable.is_some().then(|| self.clone());
        if let Some(kept) = erased(commit)
            && (aside.is_some() || self.misses(kept))
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

    /// Whether events that an erasure counts were gone before they were read here.
    fn misses(&self, kept: &Skeleton) -> bool {
        let seen = self.snapshot.as_ref().filter(|snapshot| !snapshot.erased);
        seen.is_some_and(|snapshot| kept.status.is_terminal() && snapshot.events < kept.events)
    }

    /// Takes in a record of the task, whatever it is.
    pub fn take(&mut self, entry: Entry<'_>) {
        match entry.record {
            Ok(Record::Task(commit)) => self.fold(commit, entry.sequence, |_| {}),
            Ok(_) => {}
            Err(_) => self.put_aside(entry.sequence),
        }
    }

    /// A record that could not be read.
    pub fn put_aside(&mut self, sequence: Sequence) {
        self.unreadable.get_or_insert(sequence);
    }

    /// Where the task stands; nothing if it is not there.
    pub fn status(&self) -> Option<Status> {
        self.snapshot.as_ref().map(|snapshot| snapshot.status)
    }

    /// Whether nothing at all is known.
    pub fn is_nothing(&self) -> bool {
        self.snapshot.is_none() && self.unreadable.is_none()
    }

    /// The state a history gives up to and including a place.
    pub fn at<'a>(history: impl IntoIterator<Item = Entry<'a>>, until: Sequence) -> Self {
        let mut known = Self::default();
        let part = history.into_iter().take_while(|entry| entry.sequence <= until);
        part.for_each(|entry| known.take(entry));
        known
    }
}
