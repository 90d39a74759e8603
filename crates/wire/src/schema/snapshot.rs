//! Snapshots as programs are given them.
#![expect(dead_code, reason = "described, never made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use uuid::Uuid;

use super::beside::Period;
use super::part::{AdmissionReason, Artifact, Continuation, Lane, Lineage, TaskError, Usage, Waits};
use super::scalar::{Any, Digest, Moment, Token};

/// A task as it stands. Members without a value are left out.
#[derive(JsonSchema)]
pub(super) struct Snapshot {
    task: Uuid,
    org: Token,
    user: Token,
    conversation: Option<Token>,
    #[serde(default)]
    lane: Lane,
    /// Which handler runs it.
    kind: Token,
    /// What it is for.
    title: String,
    status: Status,
    reason: Reason,
    /// Why it is in its status, in words.
    reason_text: String,
    /// Why it has not started, if it waits.
    waiting: Option<Waiting>,
    /// Its current or last run; 0 before the first.
    run: u32,
    /// The attempt, counted from 1.
    attempt: u32,
    /// Who holds or last held it.
    executor: Option<Uuid>,
    /// The step under way, or the last one recorded.
    step: Option<StepName>,
    /// Every step begun or recorded, by index.
    #[serde(default)]
    steps: Vec<Step>,
    /// How far it is.
    progress: Option<Progress>,
    /// How far its text is recorded.
    text: Option<TextPlace>,
    /// What it cost so far.
    usage: Usage,
    /// What it may use and what is left, where that is bounded.
    budget: Option<Budget>,
    /// The question that waits for an answer.
    approval: Option<Approval>,
    /// The abort, if one was asked for in this attempt.
    abort: Option<Abort>,
    /// The error that ended the last attempt.
    error: Option<TaskError>,
    /// What it gave, if that is at most 64 KiB.
    output: Option<Any>,
    /// Where what it gave lies, if that is larger.
    output_stored: Option<StoredPayload>,
    /// The files it made.
    #[serde(default)]
    artifacts: Vec<Artifact>,
    /// Where it comes from.
    #[serde(default)]
    lineage: Lineage,
    /// The submitter's marks.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    submitted_at: Moment,
    /// When its first run started.
    started_at: Option<Moment>,
    /// When its last event was written.
    updated_at: Moment,
    ended_at: Option<Moment>,
    /// The last heartbeat of who holds it.
    heartbeat_at: Option<Moment>,
    /// Hidden from its owner's panel.
    #[serde(default)]
    dismissed: bool,
    /// Its payload is gone.
    #[serde(default)]
    erased: bool,
    /// Folded up to and including this commit: the task's version.
    sequence: u64,
    /// Whoever answers has folded the log up to here.
    as_of: Option<u64>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Accepted; waits for a slot, a time, an executor.
    Pending,
    /// An executor holds it.
    Running,
    /// Waits for an approval.
    Paused,
    /// An abort is recorded, the run has not yet reached a checkpoint.
    Aborting,
    /// Finished, output recorded.
    Completed,
    /// Ended by an error.
    Failed,
    /// Stopped on request.
    Aborted,
    /// Its time ran out.
    Expired,
}

/// Why a task is in its status. Spans of time in milliseconds.
#[derive(JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(super) enum Reason {
    /// Pending: just submitted.
    Submitted,
    /// Pending: its run ended at its slice or a drain.
    Continued { why: Continuation },
    /// Pending: a new attempt.
    Retrying { attempt: u32, error: Option<String> },
    /// Pending: an approval was decided.
    Decided { approval: Uuid },
    /// Pending: its run was lost; a new attempt follows.
    Reassigned { run: u32, last_beat: Option<Moment> },
    /// Running.
    Admitted { why: AdmissionReason },
    /// Paused.
    AwaitingApproval { approval: Uuid },
    /// Aborting: somebody asked.
    AbortRequested { by: String },
    /// Completed.
    Finished,
    /// Failed.
    Error { error: String },
    /// Aborted.
    Aborted { by: String, checkpoint: Option<String> },
    /// Expired: the span of its runs is used up.
    SpanExceeded { span: u64, ran: u64 },
    /// Expired: no heartbeat within the lease, and no attempt left.
    HeartbeatLost { last_beat: Option<Moment>, lease: u64 },
}

/// Why a pending task has not started, and how far it is from it.
#[derive(JsonSchema)]
pub(super) struct Waiting {
    /// What is in the way.
    reason: WaitReason,
    /// Its rank, counted from 1, in the queue the reason names.
    place: u64,
    /// Some of the tasks in the way.
    #[serde(default)]
    blockers: Vec<Uuid>,
    /// It does not start before this time.
    not_before: Option<Moment>,
}

/// What is in the way of a pending task.
#[derive(JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(super) enum WaitReason {
    /// Its submitter asked for a later start.
    NotBefore { at: Moment },
    /// It failed or was lost; the retry policy waits before the next attempt.
    RetryBackoff { at: Moment, attempt: u32 },
    /// Its conversation is held by another task, or an earlier one comes first.
    Conversation { conversation: Token, holder: Uuid },
    /// A record of the organisation's ledger cannot be read by this version: nothing is admitted.
    LedgerUnreadable,
    /// The organisation has used up its tokens.
    TokenBudget { used: u64, budget: u64, per: Period },
    /// No executor takes this kind.
    NoExecutor { kind: Token },
    /// The user has as many tasks running in the background as allowed.
    UserCap { running: u32, cap: u32 },
    /// The user has as many tasks running in the foreground as allowed.
    ForegroundCap { running: u32, cap: u32 },
    /// The organisation has as many tasks running in the background as allowed.
    OrganisationCap { running: u32, cap: u32 },
    /// Every executor that takes this kind is full.
    ExecutorsBusy { kind: Token, places: u32 },
    /// It has a slot; an executor is about to start it.
    Admitted { run: u32 },
    /// Nothing: it is admitted at once.
    Next,
}

/// A step, named.
#[derive(JsonSchema)]
pub(super) struct StepName {
    name: String,
    /// Its place, counted from 0.
    index: u32,
    /// Of how many, where the handler said so.
    of: Option<u32>,
}

/// A step.
#[derive(JsonSchema)]
pub(super) struct Step {
    name: String,
    /// Its place, counted from 0.
    index: u32,
    /// Of how many, where the handler said so.
    of: Option<u32>,
    /// The run that last began it; 0 for one recorded in another task.
    run: u32,
    /// When it last began.
    started_at: Moment,
    /// When its result was recorded; until then it has none.
    completed_at: Option<Moment>,
}

/// How far a task is.
#[derive(JsonSchema)]
pub(super) struct Progress {
    /// 0 to 1.
    fraction: Option<f64>,
    /// What it is doing.
    message: Option<String>,
    /// What it waits for, while it does. It keeps its slot meanwhile.
    waits: Option<Waits>,
}

/// A place in a task's text: where the next piece will begin.
#[derive(JsonSchema)]
pub(super) struct TextPlace {
    segment: u32,
    /// The place in it, in bytes.
    offset: u64,
}

/// What a task may use and what is left.
#[derive(JsonSchema)]
pub(super) struct Budget {
    queries: Option<u32>,
    queries_left: Option<u32>,
    tokens: Option<u64>,
    tokens_left: Option<u64>,
}

/// A question that waits for an answer.
#[derive(JsonSchema)]
pub(super) struct Approval {
    id: Uuid,
    /// What is to be done.
    action: String,
    /// With which arguments.
    arguments: Any,
    /// Their digest: what an answer is bound to.
    digest: Digest,
    /// JSON Schema that other arguments must fit.
    schema: Option<Any>,
    /// Why it is asked, for whoever answers.
    note: Option<String>,
    requested_at: Moment,
    /// When it lapses.
    expires_at: Moment,
}

/// An abort, and what became of it.
#[derive(JsonSchema)]
pub(super) struct Abort {
    requested_at: Moment,
    requested_by: String,
    reason: Option<String>,
    /// When the task stopped.
    observed_at: Option<Moment>,
    /// Where it stopped; nothing if it was not running.
    checkpoint: Option<String>,
    /// Steps recorded between the request and the stop.
    #[serde(default)]
    steps_after: Vec<String>,
}

/// JSON in the object store.
#[derive(JsonSchema)]
pub(super) struct StoredPayload {
    /// SHA-256 of the bytes, and their name in the store.
    sha256: Digest,
    /// How many bytes.
    size: u64,
}
