//! An executor's periodic word: what it holds and what it has room for.

use serde::{Deserialize, Serialize};

use crate::id::{ExecutorId, Kind, OrgId, RunNumber, TaskId};
use crate::time::{Millis, Timestamp};

/// How often an executor beats.
pub const BEAT: Millis = Millis::seconds(1);

/// How old a heartbeat may get before its runs count as lost.
pub const LEASE: Millis = Millis::seconds(15);

/// One heartbeat. It is not part of the log: only what follows from its absence is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Who.
    pub executor: ExecutorId,
    /// When, by its own clock; for display. Leases count on the receiver's monotonic clock.
    pub at: Timestamp,
    /// Version of its program.
    pub version: String,
    /// Where it runs, for operators: `host/pid`.
    pub host: String,
    /// The kinds it takes and how many more runs of each.
    pub kinds: Vec<Room>,
    /// The runs it holds.
    pub runs: Vec<HeldRun>,
    /// It shuts down and takes nothing new.
    pub draining: bool,
}

/// Room for runs of a kind. Kinds of one executor share its places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Which kind.
    pub kind: Kind,
    /// How many runs of it the executor may hold at once.
    pub places: u32,
    /// How many more it would take now.
    pub free: u32,
}

/// A run an executor holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeldRun {
    /// Whose task: another organisation's may have the same id.
    pub org: OrgId,
    /// Which task.
    pub task: TaskId,
    /// Which of its runs.
    pub run: RunNumber,
}

impl Beat {
    /// Whether an executor says this. Schedulers beat as well, to hear themselves; theirs name no
    /// kinds and no runs.
    pub fn is_executor(&self) -> bool {
        !self.kinds.is_empty() || !self.runs.is_empty()
    }

    /// Whether this run is among those held.
    pub fn holds(&self, task: &TaskRef, run: RunNumber) -> bool {
        self.runs.iter().any(|held| held.run == run && held.task == task.task && held.org == task.org)
    }
}

/// A task's address on the log: a task id alone does not name a subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskRef {
    /// Its organisation.
    pub org: OrgId,
    /// Its id.
    pub task: TaskId,
}
