//! Open questions to people, by when they lapse.

use std::collections::{BTreeSet, HashMap};

use longhaul_core::{TaskRef, Timestamp};

/// Open questions. A task has at most one.
#[derive(Debug, Default)]
pub(super) struct Questions {
    by_time: BTreeSet<(Timestamp, TaskRef)>,
    by_task: HashMap<TaskRef, Timestamp>,
}

impl Questions {
    /// Says when the task's question lapses, if it has one.
    pub(super) fn set(&mut self, task: &TaskRef, lapses_at: Option<Timestamp>) {
        if let Some(old) = self.by_task.remove(task) {
            self.by_time.remove(&(old, task.clone()));
        }
        if let Some(at) = lapses_at {
            self.by_task.insert(task.clone(), at);
            self.by_time.insert((at, task.clone()));
        }
    }

    /// Tasks whose question is over.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &TaskRef> {
        self.by_time.iter().take_while(move |(at, _)| *at <= now).map(|(_, task)| task)
    }

    /// When the next one lapses.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }
}
