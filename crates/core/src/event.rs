//! What has happened: one enum, one list of variants, past tense.
//!
//! One decision is one [`Commit`], one message on the log. An event names the run it belongs to
//! where a run wrote it; an event that names another run than the task's current one is ignored
//! by the fold.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ApprovalId, CommitId, EventId, ExecutorId, RunNumber, Sequence, TaskId};
use crate::payload::{Artifact, Digest, Payload, TaskError, Usage};
use crate::submission::{Skeleton, Submission};
use crate::time::{Millis, Timestamp};

/// The events of one decision: one message on the log, all or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// By this a writer finds its own commit again after a lost acknowledgement.
    pub id: CommitId,
    /// Whose history this belongs to.
    pub task: TaskId,
    /// When its writer wrote it, by the writer's clock.
    pub at: Timestamp,
    /// Who wrote it.
    pub actor: Actor,
    /// W3C `traceparent` of the work that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What happened, in order; never empty.
    pub events: Vec<Event>,
}

/// Who wrote a commit, and through what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// In which role; the fold ignores what a role may not say.
    pub role: Role,
    /// Who: a user, an executor's id, a scheduler's id.
    pub who: String,
    /// Through what: `cli`, `http`, `tui`, a service's name.
    pub via: String,
}

/// The roles of writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Submits, aborts, decides, retries, dismisses, erases.
    Client,
    /// Runs handlers.
    Executor,
    /// Admits, declares runs lost, lets things expire.
    Scheduler,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique; UUID v7.
    pub id: EventId,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventBody {
    /// The task exists. Always the first event of a history, and only there.
    Submitted(Box<Submission>),
    /// A run began on an executor, in the slot that `ledger` gave it.
    Started {
        /// The run.
        run: RunNumber,
        /// Where.
        executor: ExecutorId,
        /// Version of the executor's program.
        version: String,
        /// The admission that gave it its slot.
        ledger: Sequence,
        /// Why it was admitted.
        why: AdmissionReason,
    },
    /// A step began.
    StepStarted {
        /// The run.
        run: RunNumber,
        /// Its name, unique within the task.
        step: String,
        /// Its place, counted from 0 over the whole task.
        index: u32,
        /// Of how many, where the handler said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u32>,
    },
    /// A word on how far a run is.
    Progressed {
        /// The run.
        run: RunNumber,
        /// 0 to 1 over the whole task, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// What it is doing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// What it waits for. A word without it says that it waits no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waits: Option<Waits>,
    },
    /// A step ended and its result is recorded; it is never executed again.
    StepCompleted {
        /// The run.
        run: RunNumber,
        /// Its name.
        step: String,
        /// Its place.
        index: u32,
        /// What it gave.
        result: Payload,
    },
    /// The durable part of streamed text.
    TextAppended {
        /// The run.
        run: RunNumber,
        /// Segment: `2k - 1` inside the k-th step, `2k` after it. A later run that writes a segment
        /// again replaces it.
        segment: u32,
        /// Where in the segment the text begins, in bytes.
        offset: u64,
        /// The text.
        text: String,
    },
    /// What a call cost.
    UsageRecorded {
        /// The run.
        run: RunNumber,
        /// The cost.
        usage: Usage,
        /// Which model, where one was called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// A named output file is in the object store.
    ArtifactStored {
        /// The run.
        run: RunNumber,
        /// The file.
        artifact: Artifact,
    },
    /// The run asked a person and ended; its slot is free.
    ApprovalRequested {
        /// The run.
        run: RunNumber,
        /// The question's id.
        approval: ApprovalId,
        /// What is to be done.
        action: String,
        /// With which arguments, exactly.
        arguments: Value,
        /// SHA-256 of the arguments' canonical text: what a decision is bound to.
        digest: Digest,
        /// JSON Schema that other arguments must fit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<Value>,
        /// Why it is asked, for whoever answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// When the question lapses.
        expires_at: Timestamp,
    },
    /// A person answered, or the question lapsed.
    ApprovalDecided {
        /// Which question.
        approval: ApprovalId,
        /// The answer.
        decision: Decision,
        /// Who answered.
        by: String,
    },
    /// Somebody wants the task stopped.
    AbortRequested {
        /// Who.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The run ended at a checkpoint; the next run follows.
    Continued {
        /// The run.
        run: RunNumber,
        /// Why it ended.
        why: Continuation,
    },
    /// The run's heartbeat went stale.
    Lost {
        /// The run.
        run: RunNumber,
        /// Where it ran.
        executor: ExecutorId,
        /// The last word heard of it.
        last_beat: Option<Timestamp>,
        /// How old a heartbeat may get.
        lease: Millis,
    },
    /// Done.
    Completed {
        /// The run.
        run: RunNumber,
        /// What it gave.
        output: Payload,
    },
    /// Ended by an error.
    Failed {
        /// The run.
        run: RunNumber,
        /// The error.
        error: TaskError,
    },
    /// Stopped on request.
    Aborted {
        /// The run, if one was under way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunNumber>,
        /// Where it stopped: a step's name, `start`, `end`; nothing if it was not running.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checkpoint: Option<String>,
    },
    /// Ended because time ran out.
    Expired {
        /// The run, if one was under way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunNumber>,
        /// Which time.
        why: Expiry,
    },
    /// A new attempt from the last recorded step.
    Retried {
        /// Its number.
        attempt: u32,
        /// Who asked; nobody where the retry policy did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Not before this time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<Timestamp>,
    },
    /// Hidden from its owner's panel.
    Dismissed {
        /// By whom.
        by: String,
    },
    /// Payload gone, skeleton kept: what follows may remove the task's earlier commits.
    Erased {
        /// By whom.
        by: String,
        /// What is kept.
        skeleton: Box<Skeleton>,
    },
}

impl EventBody {
    /// The run that wrote it, where a run did.
    pub fn run(&self) -> Option<RunNumber> {
        match self {
            Self::Started { run, .. }
            | Self::StepStarted { run, .. }
            | Self::Progressed { run, .. }
            | Self::StepCompleted { run, .. }
            | Self::TextAppended { run, .. }
            | Self::UsageRecorded { run, .. }
            | Self::ArtifactStored { run, .. }
            | Self::ApprovalRequested { run, .. }
            | Self::Continued { run, .. }
            | Self::Lost { run, .. }
            | Self::Completed { run, .. }
            | Self::Failed { run, .. } => Some(*run),
            Self::Aborted { run, .. } | Self::Expired { run, .. } => *run,
            Self::Submitted(_)
            | Self::ApprovalDecided { .. }
            | Self::AbortRequested { .. }
            | Self::Retried { .. }
            | Self::Dismissed { .. }
            | Self::Erased { .. } => None,
        }
    }

    /// The event's name on the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted(_) => "submitted",
            Self::Started { .. } => "started",
            Self::StepStarted { .. } => "step_started",
            Self::Progressed { .. } => "progressed",
            Self::StepCompleted { .. } => "step_completed",
            Self::TextAppended { .. } => "text_appended",
            Self::UsageRecorded { .. } => "usage_recorded",
            Self::ArtifactStored { .. } => "artifact_stored",
            Self::ApprovalRequested { .. } => "approval_requested",
            Self::ApprovalDecided { .. } => "approval_decided",
            Self::AbortRequested { .. } => "abort_requested",
            Self::Continued { .. } => "continued",
            Self::Lost { .. } => "lost",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Aborted { .. } => "aborted",
            Self::Expired { .. } => "expired",
            Self::Retried { .. } => "retried",
            Self::Dismissed { .. } => "dismissed",
            Self::Erased { .. } => "erased",
        }
    }

    /// Whether a writer in `role` may say this.
    pub fn may_be_said_by(&self, role: Role) -> bool {
        match self {
            Self::Submitted(_)
            | Self::AbortRequested { .. }
            | Self::Dismissed { .. }
            | Self::Erased { .. } => role == Role::Client,
            // A lapsed question is the scheduler's word, an answer a person's.
            Self::ApprovalDecided { decision: Decision::Lapsed, .. } => role == Role::Scheduler,
            Self::ApprovalDecided { .. } => role == Role::Client,
            Self::Lost { .. } => role == Role::Scheduler,
            // A pending or paused task is aborted by the request itself; a lost aborting one by the
            // scheduler; a running one by its executor. Retries likewise come with a failure, a loss
            // or a person's word.
            Self::Aborted { .. } | Self::Retried { .. } => true,
            Self::Expired { .. } => matches!(role, Role::Scheduler | Role::Executor),
            Self::Started { .. }
            | Self::StepStarted { .. }
            | Self::Progressed { .. }
            | Self::StepCompleted { .. }
            | Self::TextAppended { .. }
            | Self::UsageRecorded { .. }
            | Self::ArtifactStored { .. }
            | Self::ApprovalRequested { .. }
            | Self::Continued { .. }
            | Self::Completed { .. }
            | Self::Failed { .. } => role == Role::Executor,
        }
    }
}

/// What a run waits for, itself: it keeps its slot meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// The kind of wait, for programs: `rate_limit`.
    pub code: String,
    /// Whom it waits for.
    pub provider: String,
    /// Until when, as far as is known.
    pub until: Timestamp,
}

impl std::fmt::Display for Waits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code.as_str() {
            RATE_LIMIT => write!(f, "the rate limit of {}", self.provider),
            code => write!(f, "{} ({code})", self.provider),
        }
    }
}

/// The code of [`Waits`] for a rate limit that others of the organisation share.
pub const RATE_LIMIT: &str = "rate_limit";

/// A person's answer to an approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Do it.
    Approved,
    /// Do it with these arguments instead.
    Modified {
        /// The new arguments.
        arguments: Value,
    },
    /// Do not.
    Rejected {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Nobody answered in time.
    Lapsed,
}

/// Why a run ended before the task did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Continuation {
    /// Its slice was over.
    Slice,
    /// Its executor shuts down.
    Drain,
}

/// Which time ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// The span of all runs.
    Span {
        /// What was allowed.
        span: Millis,
        /// What was used.
        ran: Millis,
    },
    /// The heartbeat of its last run, and no attempt is left.
    Heartbeat {
        /// The last word heard.
        last_beat: Option<Timestamp>,
        /// How old it might have been.
        lease: Millis,
    },
}

/// Why a run was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionReason {
    /// The task's first run.
    First,
    /// The run before ended at its slice or a drain.
    Continued,
    /// After a failure or a person's retry.
    Retried,
    /// After an approval was decided.
    Resumed,
    /// The run before was lost.
    Reassigned,
}
