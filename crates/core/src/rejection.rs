//! Why a command was refused.

use serde::{Deserialize, Serialize};

use crate::event::Decision;
use crate::fits::Misfit;
use crate::id::{ApprovalId, RunNumber, TaskId};
use crate::status::Status;
use crate::time::Timestamp;

/// Why a command was refused: an outcome, not a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Rejection {
    /// No such task.
    #[error("there is no such task; check the id, and that it belongs to this organisation")]
    NotFound,
    /// The task exists already.
    #[error("the task {task} exists already")]
    Exists {
        /// Which.
        task: TaskId,
    },
    /// The task has ended.
    #[error("the task is {status} already{}", at.map(|at| format!(" since {at}")).unwrap_or_default())]
    Ended {
        /// How.
        status: Status,
        /// When.
        at: Option<Timestamp>,
    },
    /// The task has not ended yet.
    #[error("the task is still {status}; wait for its end, or abort it first")]
    NotEnded {
        /// Where it stands.
        status: Status,
    },
    /// Only failed, aborted and expired tasks are retried.
    #[error("a completed task is not retried; run it again as a new task (rerun)")]
    NothingToRetry,
    /// The task's payload is gone.
    #[error("the task was erased; nothing of its input or results is left")]
    Erased,
    /// The task does not wait for an approval.
    #[error("the task does not wait for an approval; it is {status}")]
    NoApproval {
        /// Where it stands.
        status: Status,
    },
    /// Another question is open.
    #[error("approval {asked} is not the open one, {open}; look at the task again")]
    OtherApproval {
        /// What was answered.
        asked: ApprovalId,
        /// What is asked.
        open: ApprovalId,
    },
    /// Already answered.
    #[error("approval {approval} was decided by {by} at {at} already")]
    Decided {
        /// Which.
        approval: ApprovalId,
        /// What was said.
        decision: Decision,
        /// By whom.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The answer was given to other arguments than those asked about.
    #[error("approval {approval} asks about other arguments than those decided on; look at it again")]
    OtherArguments {
        /// Which.
        approval: ApprovalId,
    },
    /// The new arguments do not fit the schema of what is asked.
    #[error("approval {approval}: the new arguments do not fit, {misfit}; change them and answer again")]
    Misfit {
        /// Which.
        approval: ApprovalId,
        /// Where, and why.
        misfit: Misfit,
    },
    /// The question's time is over.
    #[error("approval {approval} lapsed at {expired_at}")]
    Lapsed {
        /// Which.
        approval: ApprovalId,
        /// When.
        expired_at: Timestamp,
    },
    /// Not yet.
    #[error("it is not due before {at}")]
    NotDue {
        /// When it will be.
        at: Timestamp,
    },
    /// The run is not the task's current or next one.
    #[error("run {run} is not the task's current one, {current}; another run has taken over")]
    Fenced {
        /// What was named.
        run: RunNumber,
        /// What is current.
        current: RunNumber,
    },
    /// The task is not pending.
    #[error("the task is {status}, not pending")]
    NotPending {
        /// Where it stands.
        status: Status,
    },
    /// The run is not under way any more.
    #[error("run {run} has ended; the task is {status}")]
    NotRunning {
        /// Which.
        run: RunNumber,
        /// Where the task stands.
        status: Status,
    },
    /// An abort is asked for: nothing new begins.
    #[error("an abort is asked for; the run stops at its next checkpoint")]
    Aborting,
    /// The step's result is recorded already.
    #[error("the result of step {step:?} is recorded already; a step runs once")]
    StepRecorded {
        /// Which.
        step: String,
    },
    /// The step was not begun by this run.
    #[error("step {step:?} was not begun by this run")]
    StepNotStarted {
        /// Which.
        step: String,
    },
    /// A name, message or text is not usable.
    #[error("{what} is not usable: {why}")]
    Unusable {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// The history is too long.
    #[error("the task has {events} events, the most it may have; record less often")]
    TooManyEvents {
        /// How many.
        events: u64,
    },
    /// No abort was asked for.
    #[error("no abort was asked for")]
    NoAbort,
}
