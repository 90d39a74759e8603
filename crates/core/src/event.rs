//! What has happened: one enum, one list of variants, past tense.
//!
//! One decision is one [`Commit`], one message on the log. An event names the run it belongs to
//! where a run wrote it; an event that names another run than the task's current one is ignored
//! by the fold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{
    ApprovalId, CommitId, ConversationId, EventId, ExecutorId, Kind, LabelKey, OrgId, RunNumber, Sequence,
    TaskId, UserId,
};
use crate::snapshot::{Reason, Status};
use crate::text::Title;
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

/// Everything a submission says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Whose it is.
    pub owner: Owner,
    /// Which handler runs it.
    pub kind: Kind,
    /// What it is for.
    pub title: Title,
    /// What the handler gets.
    pub input: Payload,
    /// How long and how much.
    #[serde(default)]
    pub limits: Limits,
    /// What happens after a failure.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// How urgent.
    #[serde(default)]
    pub priority: Priority,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The submitter's own marks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelKey, String>,
    /// Where it comes from.
    #[serde(default)]
    pub lineage: Lineage,
    /// The idempotency key it was submitted under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<IdempotencyKey>,
    /// Steps recorded elsewhere that this task begins with (fork, resumption).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherited: Vec<InheritedStep>,
    /// The output of the task this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Payload>,
}

/// What is kept of an erased task: no payload, no words of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skeleton {
    /// The submission, its payloads gone.
    pub submission: Submission,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// Its last run.
    pub run: RunNumber,
    /// The number a next run would have had.
    pub next_run: RunNumber,
    /// Its last attempt.
    pub attempt: u32,
    /// What it cost.
    pub usage: Usage,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When its first run started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How many events its history had.
    pub events: u64,
}

/// Whose a task is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The organisation.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
    /// The conversation, if the task belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
}

/// How long a task may take and how much it may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How long one run may last before it is continued in a next one. 5 minutes by default.
    pub slice: Millis,
    /// How long all runs of an attempt may last together. 2 hours by default. Time spent waiting
    /// or paused does not count: a person's night's sleep does not expire a task.
    pub span: Millis,
    /// How many queries it may run, if bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<u32>,
    /// How many tokens it may use, if bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { slice: Millis::minutes(5), span: Millis::minutes(120), queries: None, tokens: None }
    }
}

/// What happens after a retryable failure or a lost run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; 1 by default: a person retries.
    pub max_attempts: u32,
    /// The wait before the second attempt; it doubles with each further one. 1 s by default.
    pub backoff: Millis,
    /// The longest wait. 5 minutes by default.
    pub max_backoff: Millis,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 1, backoff: Millis::seconds(1), max_backoff: Millis::minutes(5) }
    }
}

impl RetryPolicy {
    /// The wait before the attempt that follows `failures` failures (at least one).
    pub fn wait(&self, failures: u32) -> Millis {
        let factor = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        Millis(self.backoff.0.saturating_mul(factor).min(self.max_backoff.0))
    }
}

/// How urgent a task is among its user's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody watches.
    Interactive,
    /// The default.
    #[default]
    Normal,
    /// When there is room.
    Batch,
}

/// Where a task comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// The task whose input this one runs again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<TaskId>,
    /// The task, and the place in its history, this one branched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkPoint>,
    /// The task whose outcome this one goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues: Option<TaskId>,
    /// The task that submitted this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
}

/// A place in another task's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkPoint {
    /// Which task.
    pub task: TaskId,
    /// Up to and including this commit.
    pub sequence: Sequence,
}

/// An idempotency key and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The key.
    pub key: String,
    /// SHA-256 of the submission's body: the same key with another body is a conflict.
    pub body: Digest,
}

/// A step recorded in another task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InheritedStep {
    /// Its name.
    pub step: String,
    /// What it gave.
    pub result: Payload,
}

/// JSON, in the event itself up to 64 KiB, else by digest in the object store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Here.
    Inline(Value),
    /// In the object store.
    Stored {
        /// SHA-256 of the bytes, and their name in the store.
        sha256: Digest,
        /// How many bytes.
        size: u64,
    },
    /// Erased.
    Gone,
}

impl Default for Payload {
    fn default() -> Self {
        Self::Inline(Value::Null)
    }
}

/// A SHA-256 digest; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

/// Not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: 64 hexadecimal digits are expected, got {0:?}")]
pub struct InvalidDigest(String);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest(text.chars().take(80).collect());
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// Tokens, model calls and queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens sent to models.
    pub input_tokens: u64,
    /// Tokens received from models.
    pub output_tokens: u64,
    /// Calls of models.
    pub model_calls: u32,
    /// Queries of data.
    pub queries: u32,
    /// Whether every figure is the provider's, none estimated.
    pub exact: bool,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input_tokens: 0, output_tokens: 0, model_calls: 0, queries: 0, exact: true }
    }
}

impl Usage {
    /// The sum of two; exact only if both are.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            model_calls: self.model_calls.saturating_add(other.model_calls),
            queries: self.queries.saturating_add(other.queries),
            exact: self.exact && other.exact,
        }
    }

    /// Tokens in both directions.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// A named output file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// One path component.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Its content, and its name in the object store.
    pub sha256: Digest,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    /// Stable, for programs: `data_unavailable`, `handler_panicked`, yours.
    pub code: String,
    /// For people: what went wrong, on what, what to do next.
    pub message: String,
    /// Whether the same work may succeed later.
    pub retryable: bool,
}

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
