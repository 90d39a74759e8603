//! The runs an executor holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longhaul_core::{HeldRun, OrgId, RunNumber, Sequence, TaskId, TaskRef};
use tokio::sync::Notify;

use crate::write::Desk;

/// Which runs are held, and where to tell them what others wrote to their tasks.
#[derive(Default)]
pub(crate) struct Held {
    runs: Mutex<HashMap<TaskId, Vec<Holding>>>,
    changed: Notify,
}

struct Holding {
    org: OrgId,
    run: RunNumber,
    /// Up to here others have written to the task since the run is held.
    news: Sequence,
    desk: Option<Arc<Desk>>,
}

/// A run that is held for as long as this lives.
pub(crate) struct Claim {
    held: Arc<Held>,
    task: TaskRef,
    run: RunNumber,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<Holding>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a run; nothing if it is held already.
    pub(crate) fn claim(self: &Arc<Self>, task: TaskRef, run: RunNumber) -> Option<Claim> {
        let mut runs = self.lock();
        let of_task = runs.entry(task.task).or_default();
        if of_task.iter().any(|holding| holding.run == run && holding.org == task.org) {
            return None;
        }
        of_task.push(Holding { org: task.org.clone(), run, news: Sequence::ZERO, desk: None });
        drop(runs);
        self.changed.notify_one();
        Some(Claim { held: Arc::clone(self), task, run })
    }

    /// Every run that is held.
    pub(crate) fn runs(&self) -> Vec<HeldRun> {
        let runs = self.lock();
        let all = runs.iter().flat_map(|(task, of_task)| of_task.iter().map(move |holding| (*task, holding)));
        all.map(|(task, holding)| HeldRun { org: holding.org.clone(), task, run: holding.run }).collect()
    }

    /// Whether a run of the task is held.
    pub(crate) fn holds(&self, org: &OrgId, task: TaskId) -> bool {
        self.lock().get(&task).is_some_and(|of_task| of_task.iter().any(|holding| holding.org == *org))
    }

    /// Waits until a run was claimed or let go.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Somebody else wrote to a task.
    pub(crate) fn news(&self, org: &OrgId, task: TaskId, sequence: Sequence) {
        let mut runs = self.lock();
        for holding in runs.get_mut(&task).into_iter().flatten().filter(|holding| holding.org == *org) {
            holding.news = holding.news.max(sequence);
            if let Some(desk) = &holding.desk {
                desk.news(sequence);
            }
        }
    }
}

impl Claim {
    /// From now on the desk is told what others write to the task; first, what they wrote already.
    pub(crate) fn attach(&self, desk: &Arc<Desk>) {
        let mut runs = self.held.lock();
        let of_task = runs.get_mut(&self.task.task).into_iter().flatten();
        for holding in of_task.filter(|holding| holding.run == self.run && holding.org == self.task.org) {
            desk.news(holding.news);
            holding.desk = Some(Arc::clone(desk));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut runs = self.held.lock();
        if let Some(of_task) = runs.get_mut(&self.task.task) {
            of_task.retain(|holding| holding.run != self.run || holding.org != self.task.org);
            if of_task.is_empty() {
                runs.remove(&self.task.task);
            }
        }
        drop(runs);
        self.held.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use longhaul_core::OrgId;
    use longhaul_journal::new_id;

    use super::*;

    #[test]
    fn a_run_is_held_once_and_until_its_claim_is_dropped() {
        let held = Arc::new(Held::default());
        let task = TaskRef { org: OrgId::new("acme").unwrap(), task: new_id() };
        let first = held.claim(task.clone(), RunNumber(1)).unwrap();
        assert!(held.claim(task.clone(), RunNumber(1)).is_none());
        // The run before may still be on its way out.
        let second = held.claim(task.clone(), RunNumber(2)).unwrap();
        assert_eq!(held.runs().len(), 2);
        drop(first);
        assert_eq!(held.runs(), [HeldRun { org: task.org, task: task.task, run: RunNumber(2) }]);
        drop(second);
        assert!(held.runs().is_empty());
        assert!(held.lock().is_empty());
    }
}
