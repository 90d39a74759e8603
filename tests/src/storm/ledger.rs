//! What clients were told: everything here was acknowledged, so the log has to have it.

use std::collections::HashMap;
use std::sync::Mutex;

use longhaul_core::{ApprovalId, OrgId, TaskId};

/// A submission that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// Whose.
    pub org: OrgId,
    /// The title it was submitted with.
    pub title: String,
}

/// Kept by the clients, outside of what the storm reaches.
#[derive(Default)]
pub struct Ledger {
    submissions: Mutex<HashMap<TaskId, Acked>>,
    aborts: Mutex<Vec<(OrgId, TaskId)>>,
    decisions: Mutex<Vec<(OrgId, TaskId, ApprovalId)>>,
}

impl Ledger {
    /// A submission was acknowledged. Says whether it is the first time for this task.
    pub fn submitted(&self, org: &OrgId, task: TaskId, title: &str) -> bool {
        let acked = Acked { org: org.clone(), title: title.to_owned() };
        self.submissions.lock().unwrap().insert(task, acked).is_none()
    }

    /// An abort was acknowledged that found the task not ended.
    pub fn aborted(&self, org: &OrgId, task: TaskId) {
        self.aborts.lock().unwrap().push((org.clone(), task));
    }

    /// A decision was acknowledged.
    pub fn decided(&self, org: &OrgId, task: TaskId, approval: ApprovalId) {
        self.decisions.lock().unwrap().push((org.clone(), task, approval));
    }

    /// How many submissions were acknowledged.
    pub fn len(&self) -> usize {
        self.submissions.lock().unwrap().len()
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn submissions(&self) -> HashMap<TaskId, Acked> {
        self.submissions.lock().unwrap().clone()
    }

    /// Tasks with an acknowledged abort.
    pub fn aborts(&self) -> Vec<(OrgId, TaskId)> {
        self.aborts.lock().unwrap().clone()
    }

    /// Acknowledged decisions.
    pub fn decisions(&self) -> Vec<(OrgId, TaskId, ApprovalId)> {
        self.decisions.lock().unwrap().clone()
    }
}
