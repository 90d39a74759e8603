//! What the board keeps of a live task.

use crate::beat::TaskRef;
use crate::event::AdmissionReason;
use crate::id::{ConversationId, ExecutorId, Kind, RunNumber, Sequence, TaskId};
use crate::snapshot::{Snapshot, Status};
use crate::submission::{Lane, Owner, Priority};
use crate::time::Timestamp;

/// A slot given by the ledger to a run that has not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The run.
    pub run: RunNumber,
    /// The ledger's commit.
    pub ledger: Sequence,
    /// Its place in that commit.
    pub index: u32,
    /// Why it was its turn.
    pub why: AdmissionReason,
}

/// A live task, as far as admission depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brief {
    pub(super) task: TaskId,
    pub(super) owner: Owner,
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    pub(super) lane: Lane,
    pub(super) submitted_at: Timestamp,
    pub(super) queued_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) status: Status,
    pub(super) run: RunNumber,
    pub(super) next_run: RunNumber,
    pub(super) attempt: u32,
    pub(super) admit_as: AdmissionReason,
    pub(super) executor: Option<ExecutorId>,
    pub(super) grant: Option<Grant>,
}

/// What a task waits for: a slot of a lane, and a place for a kind.
pub(super) type Want = (Lane, Kind);

/// A task's place among its user's: the foreground first, then what has begun before what is new, then
/// the more urgent, then the older.
pub(super) type Rank = (Lane, bool, Priority, Timestamp, Timestamp, TaskId);

/// A task's place in its conversation: what is under way, then by submission.
pub(super) type Line = (bool, Timestamp, TaskId);

impl Brief {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            task: snapshot.task,
            owner: snapshot.owner.clone(),
            kind: snapshot.kind.clone(),
            priority: snapshot.priority,
            lane: snapshot.lane,
            submitted_at: snapshot.submitted_at,
            queued_at: snapshot.queued_at,
            not_before: snapshot.not_before,
            status: snapshot.status,
            run: snapshot.run,
            next_run: snapshot.next_run,
            attempt: snapshot.attempt,
            admit_as: snapshot.admit_as,
            executor: snapshot.executor,
            grant: None,
        }
    }

    /// Its address. A task id alone names one task within its organisation only.
    pub(super) fn key(&self) -> TaskRef {
        TaskRef { org: self.owner.org.clone(), task: self.task }
    }

    pub(super) fn want(&self) -> Want {
        (self.lane, self.kind.clone())
    }

    /// The conversation whose line it stands in.
    pub(super) fn conversation(&self) -> Option<&ConversationId> {
        self.owner.line(self.lane)
    }

    /// Counted under the caps of its lane.
    pub(super) fn holds_slot(&self) -> bool {
        self.status.is_running() || self.grant.is_some()
    }

    /// Counted under its conversation's cap. A paused task gives back its slot, not this.
    pub(super) fn holds_conversation(&self) -> bool {
        self.holds_slot() || self.status == Status::Paused
    }

    /// Pending, and no slot yet.
    pub(super) fn waits(&self) -> bool {
        self.status == Status::Pending && self.grant.is_none()
    }

    /// Whether an admission fits its next run.
    pub(super) fn may_have(&self, grant: &Grant) -> bool {
        self.waits() && self.next_run == grant.run
    }

    /// Between two runs of one attempt. Nothing of its conversation may come in between.
    pub(super) fn is_under_way(&self) -> bool {
        use AdmissionReason::{Continued, Reassigned, Resumed};
        matches!(self.admit_as, Continued | Resumed | Reassigned)
    }

    /// Its first run is still to come. Only then does a delay let others of its conversation pass.
    pub(super) fn is_new(&self) -> bool {
        self.admit_as == AdmissionReason::First
    }

    pub(super) fn due(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    pub(super) fn rank(&self) -> Rank {
        (self.lane, !self.is_under_way(), self.priority, self.queued_at, self.submitted_at, self.task)
    }

    pub(super) fn line(&self) -> Line {
        (!self.is_under_way(), self.submitted_at, self.task)
    }

    /// The executor its run is on.
    pub(super) fn runs_on(&self) -> Option<ExecutorId> {
        self.executor.filter(|_| self.status.is_running())
    }
}
