//! Which tasks are looked at one by one: those that changed last, and some of all.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use longhaul_core::{Sequence, TaskRef};

/// A sample taken while the tasks go by.
pub(super) struct Sample {
    /// How many of each sort.
    size: usize,
    recent: BTreeMap<Sequence, TaskRef>,
    places: HashMap<TaskRef, Sequence>,
    random: Vec<TaskRef>,
    appeared: u64,
    dice: RandomState,
}

impl Sample {
    /// Of about `size` tasks.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size: size.div_ceil(2),
            recent: BTreeMap::new(),
            places: HashMap::new(),
            random: Vec::new(),
            appeared: 0,
            dice: RandomState::new(),
        }
    }

    /// A task that was not there before. Each has the same chance to stay.
    pub(super) fn appears(&mut self, task: &TaskRef) {
        let place = usize::try_from(self.dice.hash_one(self.appeared) % (self.appeared + 1));
        self.appeared += 1;
        if self.random.len() < self.size {
            self.random.push(task.clone());
        } else if let Some(other) = place.ok().and_then(|place| self.random.get_mut(place)) {
            *other = task.clone();
        }
    }

    /// Something happened to a task.
    pub(super) fn changes(&mut self, task: &TaskRef, sequence: Sequence) {
        if self.size == 0 {
            return;
        }
        if let Some(before) = self.places.insert(task.clone(), sequence) {
            self.recent.remove(&before);
        }
        self.recent.insert(sequence, task.clone());
        if self.recent.len() > self.size
            && let Some((_, oldest)) = self.recent.pop_first()
        {
            self.places.remove(&oldest);
        }
    }

    /// The tasks, each once.
    pub(super) fn tasks(&self) -> Vec<TaskRef> {
        let random = self.random.iter().filter(|task| !self.places.contains_key(task));
        self.recent.values().rev().chain(random).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul_core::{OrgId, TaskId};
    use longhaul_journal::new_id;

    #[test]
    fn the_last_changed_are_in_it_and_the_old_have_a_chance() {
        let org = OrgId::new("acme").unwrap();
        let tasks: Vec<TaskRef> =
            (0..1000).map(|_| TaskRef { org: org.clone(), task: new_id::<TaskId>() }).collect();
        let mut sample = Sample::new(100);
        for (task, n) in tasks.iter().zip(1..) {
            sample.appears(task);
            sample.changes(task, Sequence(n));
        }
        sample.changes(&tasks[0], Sequence(1001));
        let taken = sample.tasks();
        assert_eq!(taken[0], tasks[0]);
        assert!(tasks[951..].iter().all(|task| taken.contains(task)));
        assert!((51..=100).contains(&taken.len()), "{} tasks", taken.len());
        let mut unique = taken.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), taken.len());
        assert!(Sample::new(0).tasks().is_empty());
    }
}
