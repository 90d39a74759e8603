//! The state of one task, folded from its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::beat::TaskRef;
use crate::event::{AdmissionReason, Decision, Waits};
use crate::id::{ApprovalId, ExecutorId, Kind, LabelKey, RunNumber, Sequence, TaskId};
use crate::payload::{Artifact, Digest, Payload, TaskError, Usage};
use crate::submission::{
    IdempotencyKey, Lane, Limits, Lineage, Owner, Priority, RetryPolicy, Skeleton, Submission,
};
use crate::text::Title;
use crate::time::{Millis, Timestamp};

pub use crate::status::{Reason, Status, UnknownStatus};

/// The state of one task at [`Snapshot::sequence`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub task: TaskId,
    /// Whose it is.
    pub owner: Owner,
    /// Which handler runs it.
    pub kind: Kind,
    /// What it is for.
    pub title: Title,
    /// What the handler gets.
    pub input: Payload,
    /// The output of the task it continues.
    pub context: Option<Payload>,
    /// How long and how much.
    pub limits: Limits,
    /// What happens after a failure.
    pub retry: RetryPolicy,
    /// How urgent.
    pub priority: Priority,
    /// Whose slots it takes.
    #[serde(default, skip_serializing_if = "Lane::is_background")]
    pub lane: Lane,
    /// Not before this time; a submission's or a retry's.
    pub not_before: Option<Timestamp>,
    /// The submitter's marks.
    pub labels: BTreeMap<LabelKey, String>,
    /// Where it comes from.
    pub lineage: Lineage,
    /// The idempotency key it was submitted under.
    pub key: Option<IdempotencyKey>,

    /// Where it stands.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// The current or last run; 0 before the first.
    pub run: RunNumber,
    /// The number its next run must have. A dispatch with another number is void.
    pub next_run: RunNumber,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Failures and losses since a person last asked for an attempt.
    pub failures: u32,
    /// Why its next run is or would be admitted.
    pub admit_as: AdmissionReason,
    /// Who holds or last held it.
    pub executor: Option<ExecutorId>,

    /// Steps begun or recorded, by index.
    pub steps: Vec<Step>,
    /// The last word on how far it is.
    pub progress: Progress,
    /// Text recorded, by segment.
    pub text: Vec<Segment>,
    /// What it cost so far, over all runs.
    pub usage: Usage,
    /// Questions asked, oldest first; only the last can be open.
    pub approvals: Vec<Approval>,
    /// The abort, if one was asked for in this attempt.
    pub abort: Option<Abort>,
    /// The error that ended the last attempt.
    pub error: Option<TaskError>,
    /// What it gave.
    pub output: Option<Payload>,
    /// Files it made; a later one of the same name replaces the earlier.
    pub artifacts: Vec<Artifact>,

    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Since when it has been waiting, if it is; else when it last began to.
    pub queued_at: Timestamp,
    /// When its first run started.
    pub started_at: Option<Timestamp>,
    /// When its current or last run started.
    pub run_started_at: Option<Timestamp>,
    /// When its last event was written.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How long this attempt's ended runs lasted together.
    pub ran: Millis,

    /// Hidden from its owner's panel.
    pub dismissed: bool,
    /// Its payload is gone.
    pub erased: bool,
    /// Events applied.
    pub events: u64,
    /// Events the fold refused.
    pub ignored: u64,
    /// Folded up to and including this commit.
    pub sequence: Sequence,
}

/// A step of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Its place.
    pub index: u32,
    /// The run that last began it; 0 for an inherited one.
    pub run: RunNumber,
    /// When it last began.
    pub started_at: Timestamp,
    /// When its result was recorded.
    pub completed_at: Option<Timestamp>,
    /// Its result, once recorded.
    pub result: Option<Payload>,
    /// Of how many steps, where the handler said so.
    pub of: Option<u32>,
}

/// How far a task is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 1, if known.
    pub fraction: Option<f64>,
    /// What it is doing.
    pub message: Option<String>,
    /// What it waits for, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
}

/// A segment of streamed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number.
    pub segment: u32,
    /// The run that wrote it.
    pub run: RunNumber,
    /// Its length, in bytes.
    pub length: u64,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The run that asked.
    pub run: RunNumber,
    /// What is to be done.
    pub action: String,
    /// With which arguments.
    pub arguments: Value,
    /// Their digest.
    pub digest: Digest,
    /// JSON Schema that other arguments must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Why it is asked, for whoever answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// The answer, once there is one.
    pub decision: Option<Decided>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// What was said.
    pub decision: Decision,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// An abort asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abort {
    /// When.
    pub requested_at: Timestamp,
    /// By whom.
    pub requested_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When the task stopped.
    pub observed_at: Option<Timestamp>,
    /// Where it stopped.
    pub checkpoint: Option<String>,
    /// Steps whose results were recorded between the request and the stop.
    pub steps_after: Vec<String>,
}

impl Snapshot {
    /// Its address on the log.
    pub fn address(&self) -> TaskRef {
        TaskRef { org: self.owner.org.clone(), task: self.task }
    }

    /// The state right after a submission.
    pub(crate) fn new(task: TaskId, said: &Submission, at: Timestamp) -> Self {
        let steps = said.inherited.iter().enumerate().map(|(index, step)| Step {
            name: step.step.clone(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            run: RunNumber::default(),
            started_at: at,
            completed_at: Some(at),
            result: Some(step.result.clone()),
            of: None,
        });
        Self {
            task,
            owner: said.owner.clone(),
            kind: said.kind.clone(),
            title: said.title.clone(),
            input: said.input.clone(),
            context: said.context.clone(),
            limits: said.limits.clone(),
            retry: said.retry,
            priority: said.priority,
            lane: said.lane,
            not_before: said.not_before,
            labels: said.labels.clone(),
            lineage: said.lineage.clone(),
            key: said.key.clone(),
            status: Status::Pending,
            reason: Reason::Submitted,
            run: RunNumber::default(),
            next_run: RunNumber(1),
            attempt: 1,
            failures: 0,
            admit_as: AdmissionReason::First,
            executor: None,
            steps: steps.collect(),
            progress: Progress::default(),
            text: Vec::new(),
            usage: Usage::default(),
            approvals: Vec::new(),
            abort: None,
            error: None,
            output: None,
            artifacts: Vec::new(),
            submitted_at: at,
            queued_at: at,
            started_at: None,
            run_started_at: None,
            updated_at: at,
            ended_at: None,
            ran: Millis(0),
            dismissed: false,
            erased: false,
            events: 0,
            ignored: 0,
            sequence: Sequence::ZERO,
        }
    }

    /// What is kept when the task is erased.
    pub fn skeleton(&self) -> Skeleton {
        Skeleton {
            submission: Submission {
                limits: self.limits.clone(),
                retry: self.retry,
                priority: self.priority,
                lane: self.lane,
                lineage: self.lineage.clone(),
                // Kept: the key must name this task for ever.
                key: self.key.clone(),
                ..Submission::new(self.owner.clone(), self.kind.clone(), Title::erased(), Payload::Gone)
            },
            status: self.status,
            reason: self.reason.clone(),
            run: self.run,
            next_run: self.next_run,
            attempt: self.attempt,
            usage: self.usage,
            submitted_at: self.submitted_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            events: self.events,
        }
    }

    /// The state of an erased task.
    pub(crate) fn from_skeleton(task: TaskId, kept: &Skeleton) -> Self {
        Self {
            status: kept.status,
            reason: kept.reason.clone(),
            run: kept.run,
            next_run: kept.next_run,
            attempt: kept.attempt,
            usage: kept.usage,
            started_at: kept.started_at,
            ended_at: kept.ended_at,
            events: kept.events,
            dismissed: true,
            erased: true,
            ..Self::new(task, &kept.submission, kept.submitted_at)
        }
    }

    /// Its files. Drafts (`draft.…`) are for as long as there is nothing better: a task that completed with
    /// other files has none.
    pub fn files(&self) -> impl Iterator<Item = &Artifact> {
        let is_draft = |file: &Artifact| file.name.starts_with("draft.");
        let is_better = self.status == Status::Completed && self.artifacts.iter().any(|file| !is_draft(file));
        self.artifacts.iter().filter(move |file| !is_better || !is_draft(file))
    }

    /// The question that waits for an answer.
    pub fn open_approval(&self) -> Option<&Approval> {
        if self.status != Status::Paused {
            return None;
        }
        self.approvals.last().filter(|approval| approval.decision.is_none())
    }

    /// The step under way, or the last one recorded.
    pub fn current_step(&self) -> Option<&Step> {
        self.steps
            .iter()
            .rfind(|step| step.result.is_none() && step.run == self.run)
            .or_else(|| self.steps.iter().rfind(|step| step.result.is_some()))
    }

    /// The recorded result of a step.
    pub fn recorded(&self, name: &str) -> Option<&Payload> {
        self.steps.iter().find(|step| step.name == name)?.result.as_ref()
    }

    /// How much of the span this attempt has used, the run under way included.
    pub fn ran_until(&self, now: Timestamp) -> Millis {
        match self.run_started_at {
            Some(started) if self.status.is_running() => Millis(self.ran.0 + now.since(started).0),
            _ => self.ran,
        }
    }

    /// Queries left, where they are bounded.
    pub fn queries_left(&self) -> Option<u32> {
        self.limits.queries.map(|all| all.saturating_sub(self.usage.queries))
    }

    /// Tokens left, where they are bounded.
    pub fn tokens_left(&self) -> Option<u64> {
        self.limits.tokens.map(|all| all.saturating_sub(self.usage.tokens()))
    }
}
