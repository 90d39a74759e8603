//! What a submission says, and what is kept of an erased task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{ConversationId, Kind, LabelKey, OrgId, RunNumber, Sequence, TaskId, UserId};
use crate::payload::{Digest, Payload, Usage};
use crate::status::{Reason, Status};
use crate::text::Title;
use crate::time::{Millis, Timestamp};

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
    /// Whose slots it takes.
    #[serde(default, skip_serializing_if = "Lane::is_background")]
    pub lane: Lane,
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

impl Submission {
    /// A task of that kind, and nothing else said about it.
    pub fn new(owner: Owner, kind: Kind, title: Title, input: Payload) -> Self {
        Self {
            owner,
            kind,
            title,
            input,
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            priority: Priority::default(),
            lane: Lane::default(),
            not_before: None,
            labels: BTreeMap::new(),
            lineage: Lineage::default(),
            key: None,
            inherited: Vec::new(),
            context: None,
        }
    }
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

impl Owner {
    /// The conversation whose line a task of this lane stands in, and which it holds while it runs. In
    /// the foreground it speaks beside the line.
    pub fn line(&self, lane: Lane) -> Option<&ConversationId> {
        self.conversation.as_ref().filter(|_| lane.is_background())
    }
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

/// Whose slots a task takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for the answer: it takes one of the few slots that its user has for that, however
    /// many tasks are in the background, and comes before them.
    Foreground,
    /// The default: a slot of its user, of its organisation and of its conversation.
    #[default]
    Background,
}

impl Lane {
    /// Both, the one that comes first first.
    pub const ALL: [Self; 2] = [Self::Foreground, Self::Background];

    /// Whether it is the default.
    pub fn is_background(&self) -> bool {
        *self == Self::Background
    }
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
