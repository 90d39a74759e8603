//! What somebody wants to happen: imperative, each with what its decision needs.

use serde_json::Value;

use crate::event::{AdmissionReason, Continuation, Decision, Waits};
use crate::id::{ApprovalId, ExecutorId, RunNumber, Sequence};
use crate::payload::{Artifact, Digest, Payload, TaskError, Usage};
use crate::submission::Submission;
use crate::time::{Millis, Timestamp};

/// A command to one task.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Client: the task shall exist.
    Submit(Box<Submission>),
    /// Client: stop it at its next checkpoint.
    RequestAbort {
        /// Who asks.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// Client: answer its question.
    DecideApproval {
        /// Which question.
        approval: ApprovalId,
        /// The digest of the arguments the answerer saw.
        digest: Digest,
        /// The answer; never [`Decision::Lapsed`].
        decision: Decision,
        /// Who answers.
        by: String,
    },
    /// Client: try again from the last recorded step.
    Retry {
        /// Who asks.
        by: String,
    },
    /// Client: hide it from its owner's panel.
    Dismiss {
        /// Who asks.
        by: String,
    },
    /// Client: make its payload go.
    Erase {
        /// Who asks.
        by: String,
    },
    /// Executor: begin a run that the ledger admitted.
    Start {
        /// The admitted run.
        run: RunNumber,
        /// Where.
        executor: ExecutorId,
        /// Version of the executor's program.
        version: String,
        /// The admission.
        ledger: Sequence,
        /// Its reason.
        why: AdmissionReason,
    },
    /// Executor: something a run does.
    Run {
        /// Which run.
        run: RunNumber,
        /// What.
        act: Act,
    },
    /// Scheduler: the run's heartbeat is stale.
    DeclareLost {
        /// Which run.
        run: RunNumber,
        /// The last word heard of it.
        last_beat: Option<Timestamp>,
        /// How old it might have been.
        lease: Millis,
    },
    /// Scheduler: its question's time is over.
    LapseApproval {
        /// Which question.
        approval: ApprovalId,
    },
    /// Scheduler: its span is used up.
    Expire,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Begin a step.
    StartStep {
        /// Its name, unique within the task.
        step: String,
        /// Of how many, if known.
        of: Option<u32>,
    },
    /// Say how far it is.
    Progress {
        /// 0 to 1.
        fraction: Option<f64>,
        /// What it is doing.
        message: Option<String>,
        /// What it waits for; nothing if it waits for nothing now.
        waits: Option<Waits>,
    },
    /// Record a step's result.
    CompleteStep {
        /// Its name.
        step: String,
        /// Its result.
        result: Payload,
    },
    /// Append to a segment of text.
    AppendText {
        /// Which segment.
        segment: u32,
        /// The text; where it begins follows from what is recorded.
        text: String,
    },
    /// Record what a call cost.
    RecordUsage {
        /// The cost.
        usage: Usage,
        /// Which model.
        model: Option<String>,
    },
    /// Record a file that is in the object store.
    StoreArtifact(Artifact),
    /// Ask a person; the run ends.
    RequestApproval {
        /// The question's id.
        approval: ApprovalId,
        /// What is to be done.
        action: String,
        /// With which arguments.
        arguments: Value,
        /// Their digest.
        digest: Digest,
        /// JSON Schema that other arguments must fit.
        schema: Option<Value>,
        /// Why it is asked, for whoever answers.
        note: Option<String>,
        /// When it lapses.
        expires_at: Timestamp,
    },
    /// End the run at a checkpoint; a next run follows.
    Continue(Continuation),
    /// End the task with an output.
    Complete {
        /// The output.
        output: Payload,
    },
    /// End the task, or the attempt, with an error.
    Fail {
        /// The error.
        error: TaskError,
    },
    /// Stop here: an abort was asked for.
    StopAt {
        /// The checkpoint.
        checkpoint: String,
    },
}
