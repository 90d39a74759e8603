//! Which tasks are looked at one by one: those that changed last, and some of all.

use std::collections::{BTreeMap, HashMap};

use longhaul_core::{Sequence, TaskRef};

/// A sample taken while the tasks go by.
pub(crate) struct Sample {
    /// How many of each sort.
    size: usize,
    recent: BTreeMap<Sequence, TaskRef>,
    places: HashMap<TaskRef, Sequence>,
    random: Vec<TaskRef>,
    appeared: u64,
    seed: u64,
}

impl Sample {
    /// Of about `size` tasks; another `seed` gives another sample.
    pub(crate) fn new(size: usize, seed: u64) -> Self {
        Self {
            size: size.div_ceil(2),
            recent: BTreeMap::new(),
            places: HashMap::new(),
            random: Vec::new(),
            appeared: 0,
            seed,
        }
    }

    /// A task that was not there before. Each has the same chance to stay.
    pub(crate) fn appears(&mut self, task: &TaskRef) {
        let place = usize::try_from(mixed(self.seed ^ self.appeared) % (self.appeared + 1));
        self.appeared += 1;
        if self.random.len() < self.size {
            self.random.push(task.clone());
        } else if let Some(other) = place.ok().and_then(|place| self.random.get_mut(place)) {
            *other = task.clone();
        }
    }

    /// Something happened to a task.
    pub(crate) fn changes(&mut self, task: &TaskRef, sequence: Sequence) {
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
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        let random = self.random.iter().filter(|task| !self.places.contains_key(task));
        self.recent.values().rev().chain(random).cloned().collect()
    }
}

/// A number that looks like a random one: the finalizer of SplitMix64.
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul_core::{OrgId, TaskId};
    use uuid::Uuid;

    #[test]
    fn the_last_changed_are_in_it_and_the_old_have_a_chance() {
        let org = OrgId::new("acme").unwrap();
        let tasks: Vec<TaskRef> =
            (0..1000).map(|n| TaskRef { org: org.clone(), task: TaskId(Uuid::from_u128(n)) }).collect();
        let mut sample = Sample::new(100, 7);
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
        assert!(Sample::new(0, 7).tasks().is_empty());
    }
}
