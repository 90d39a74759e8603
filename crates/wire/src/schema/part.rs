//! What a submission says, and what else events carry.
#![expect(dead_code, reason = "described, never made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use uuid::Uuid;

use super::scalar::{Any, Digest, Moment, Token};
use super::snapshot::{Reason, Status};

/// Everything a submission says.
#[derive(JsonSchema)]
pub(super) struct Submission {
    /// Whose it is.
    owner: Owner,
    /// Which handler runs it.
    kind: Token,
    /// What it is for, in printable characters.
    #[schemars(length(min = 1, max = 200))]
    title: String,
    /// What the handler gets.
    input: Payload,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    retry: RetryPolicy,
    #[serde(default)]
    priority: Priority,
    #[serde(default)]
    lane: Lane,
    /// Not before this time.
    not_before: Option<Moment>,
    /// The submitter's own marks; keys as other ids.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    lineage: Lineage,
    /// The idempotency key it was submitted under.
    key: Option<IdempotencyKey>,
    /// Steps recorded elsewhere that this task begins with.
    #[serde(default)]
    inherited: Vec<InheritedStep>,
    /// The output of the task this one continues.
    context: Option<Payload>,
}

/// Whose a task is.
#[derive(JsonSchema)]
pub(super) struct Owner {
    /// The organisation.
    org: Token,
    /// The user.
    user: Token,
    /// The conversation, if the task belongs to one.
    conversation: Option<Token>,
}

/// How long a task may take and how much it may use.
#[derive(Default, JsonSchema)]
#[serde(default)]
pub(super) struct Limits {
    /// How long one run may last, in milliseconds; 5 minutes by default.
    slice: u64,
    /// How long all runs of an attempt may last together, in milliseconds; 2 hours by default.
    span: u64,
    /// How many queries it may run, if bounded.
    queries: Option<u32>,
    /// How many tokens it may use, if bounded.
    tokens: Option<u64>,
}

/// What happens after a retryable failure or a lost run.
#[derive(Default, JsonSchema)]
#[serde(default)]
pub(super) struct RetryPolicy {
    /// Attempts in all, the first included; 1 by default.
    max_attempts: u32,
    /// The wait before the second attempt, in milliseconds; it doubles with each further one.
    backoff: u64,
    /// The longest wait, in milliseconds.
    max_backoff: u64,
}

/// How urgent a task is among its user's.
#[derive(Default, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub(super) enum Priority {
    /// Somebody watches.
    Interactive,
    /// The default.
    #[default]
    Normal,
    /// When there is room.
    Batch,
}

/// Whose slots a task takes.
#[derive(Default, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lane {
    /// One of the few that its user has for what somebody waits for.
    Foreground,
    /// The default: its user's, its organisation's, its conversation's.
    #[default]
    Background,
}

/// Where a task comes from.
#[derive(Default, JsonSchema)]
#[serde(default)]
pub(super) struct Lineage {
    /// The task whose input this one runs again.
    rerun_of: Option<Uuid>,
    /// The task, and the place in its history, this one branched off.
    forked_from: Option<ForkPoint>,
    /// The task whose outcome this one goes on from.
    continues: Option<Uuid>,
    /// The task that submitted this one.
    parent: Option<Uuid>,
}

/// A place in another task's history.
#[derive(JsonSchema)]
pub(super) struct ForkPoint {
    task: Uuid,
    /// Up to and including this commit.
    sequence: u64,
}

/// An idempotency key and what it stands for.
#[derive(JsonSchema)]
pub(super) struct IdempotencyKey {
    key: String,
    /// SHA-256 of the submission's body.
    body: Digest,
}

/// A step recorded in another task.
#[derive(JsonSchema)]
pub(super) struct InheritedStep {
    step: String,
    result: Payload,
}

/// JSON: here up to 64 KiB, else by digest in the object store.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Payload {
    /// Here.
    Inline(Any),
    /// In the object store, under its digest.
    Stored {
        sha256: Digest,
        /// How many bytes.
        size: u64,
    },
    /// Erased.
    Gone,
}

/// Tokens, model calls and queries.
#[derive(Default, JsonSchema)]
#[serde(default)]
pub(super) struct Usage {
    /// Tokens sent to models.
    input_tokens: u64,
    /// Tokens received from models.
    output_tokens: u64,
    /// Calls of models.
    model_calls: u32,
    /// Queries of data.
    queries: u32,
    /// Whether every figure is the provider's, none estimated.
    exact: bool,
}

/// A named output file.
#[derive(JsonSchema)]
pub(super) struct Artifact {
    /// One path component.
    name: String,
    /// IANA media type.
    media_type: String,
    /// Bytes.
    size: u64,
    /// Its content, and its name in the object store.
    sha256: Digest,
}

/// Why a task failed.
#[derive(JsonSchema)]
pub(super) struct TaskError {
    /// Stable, for programs.
    code: String,
    /// For people.
    message: String,
    /// Whether the same work may succeed later.
    retryable: bool,
}

/// A person's answer to an approval.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    /// Do it.
    Approved,
    /// Do it with these arguments instead.
    Modified { arguments: Any },
    /// Do not.
    Rejected { reason: Option<String> },
    /// Nobody answered in time.
    Lapsed,
}

/// Why a run ended before the task did.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub(super) enum Continuation {
    /// Its slice was over.
    Slice,
    /// Its executor shuts down.
    Drain,
}

/// Which time ran out. Times in milliseconds.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Expiry {
    /// The span of all runs.
    Span {
        /// What was allowed.
        span: u64,
        /// What was used.
        ran: u64,
    },
    /// The heartbeat of its last run, and no attempt is left.
    Heartbeat {
        /// The last word heard.
        last_beat: Option<Moment>,
        /// How old it might have been.
        lease: u64,
    },
}

/// Why a run was admitted.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub(super) enum AdmissionReason {
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

/// What is kept of an erased task: no payload, no words of people.
#[derive(JsonSchema)]
pub(super) struct Skeleton {
    /// The submission, its payloads gone.
    submission: Submission,
    /// How it ended.
    status: Status,
    /// Why.
    reason: Reason,
    /// Its last run.
    run: u32,
    /// The number a next run would have had.
    next_run: u32,
    /// Its last attempt.
    attempt: u32,
    /// What it cost.
    usage: Usage,
    submitted_at: Moment,
    started_at: Option<Moment>,
    ended_at: Option<Moment>,
    /// How many events its history had.
    events: u64,
}

/// What a run waits for, itself.
#[derive(JsonSchema)]
pub(super) struct Waits {
    /// The kind of wait: `rate_limit`.
    code: String,
    /// Whom it waits for.
    provider: String,
    /// Until when, as far as is known.
    until: Moment,
}
