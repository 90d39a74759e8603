//! The JSON of a snapshot that programs are given: by every command with `-o json`, over HTTP, by the
//! query service.
//!
//! Members are only ever added. A member without a value is left out, times are RFC 3339 in UTC,
//! ids are text.

use std::collections::BTreeMap;

use longhaul_core::board::Waiting;
use longhaul_core::snapshot::{Abort, Approval, Progress, Reason, Segment, Step};
use longhaul_core::{
    ApprovalId, Artifact, ConversationId, Digest, ExecutorId, Kind, LabelKey, Lane, Lineage, OrgId, Payload,
    RunNumber, Sequence, Snapshot, Status, TaskError, TaskId, Timestamp, Title, Usage, UserId, Waits,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A task as programs see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotView {
    /// Its id.
    pub task: TaskId,
    /// Its organisation.
    pub org: OrgId,
    /// Its user.
    pub user: UserId,
    /// Its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Whose slots it takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lane: Lane,
    /// Which handler runs it.
    pub kind: Kind,
    /// What it is for.
    pub title: Title,
    /// Where it stands.
    pub status: Status,
    /// Why, as a code and its figures.
    pub reason: Reason,
    /// Why, in words.
    pub reason_text: String,
    /// Why it has not started, if it waits and the reason is known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Its current or last run; 0 before the first.
    pub run: RunNumber,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Who holds or last held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorId>,
    /// The step under way, or the last one recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepName>,
    /// Every step begun or recorded, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepView>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// How far its text is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextPlace>,
    /// What it cost so far.
    pub usage: Usage,
    /// What it may use and what is left, where that is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The question that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalView>,
    /// The abort, if one was asked for in this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<AbortView>,
    /// The error that ended the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// What it gave, if that is at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Where what it gave lies, if that is larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_stored: Option<StoredPayload>,
    /// The files it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lineage: Lineage,
    /// The submitter's marks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelKey, String>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When its first run started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When its last event was written.
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The last heartbeat of who holds it, where that is known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_at: Option<Timestamp>,
    /// Hidden from its owner's panel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dismissed: bool,
    /// Its payload is gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub erased: bool,
    /// Folded up to and including this commit: the task's version.
    pub sequence: Sequence,
    /// Whoever answers has folded the log up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Sequence>,
}

/// A step, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepName {
    /// Its name.
    pub name: String,
    /// Its place, counted from 0.
    pub index: u32,
    /// Of how many, where the handler said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Its place, counted from 0.
    pub index: u32,
    /// Of how many, where the handler said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// The run that last began it; 0 for one recorded in another task.
    pub run: RunNumber,
    /// When it last began.
    pub started_at: Timestamp,
    /// When its result was recorded; until then it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressView {
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it waits for, while it does. It keeps its slot meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
}

/// A place in a task's text: where the next piece will begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPlace {
    /// The segment.
    pub segment: u32,
    /// The place in it, in bytes.
    pub offset: u64,
}

/// What a task may use and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Queries, if bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<u32>,
    /// Queries left, if bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries_left: Option<u32>,
    /// Tokens in both directions, if bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Tokens left, if bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_left: Option<u64>,
}

/// A question that waits for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Its id.
    pub id: ApprovalId,
    /// What is to be done.
    pub action: String,
    /// With which arguments.
    pub arguments: Value,
    /// Their digest: what an answer is bound to.
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
}

/// An abort, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortView {
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// By whom.
    pub requested_by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the task stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Timestamp>,
    /// Where it stopped; nothing if it was not running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Steps recorded between the request and the stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps_after: Vec<String>,
}

/// JSON in the object store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPayload {
    /// SHA-256 of the bytes, and their name in the store.
    pub sha256: Digest,
    /// How many bytes.
    pub size: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl SnapshotView {
    /// The view of a snapshot, with what is known beside the log: why it waits, the last heartbeat
    /// of who holds it, how far the answerer has folded.
    pub fn new(
        s: &Snapshot,
        waiting: Option<Waiting>,
        heartbeat_at: Option<Timestamp>,
        as_of: Option<Sequence>,
    ) -> Self {
        let (output, output_stored) = match &s.output {
            Some(Payload::Inline(value)) if !value.is_null() => (Some(value.clone()), None),
            Some(Payload::Stored { sha256, size }) => {
                (None, Some(StoredPayload { sha256: *sha256, size: *size }))
            }
            Some(Payload::Inline(_) | Payload::Gone) | None => (None, None),
        };
        Self {
            task: s.task,
            org: s.owner.org.clone(),
            user: s.owner.user.clone(),
            conversation: s.owner.conversation.clone(),
            lane: s.lane,
            kind: s.kind.clone(),
            title: s.title.clone(),
            status: s.status,
            reason: s.reason.clone(),
            reason_text: s.reason_text(),
            waiting,
            run: s.run,
            attempt: s.attempt,
            executor: s.executor,
            step: s.current_step().map(StepName::new),
            steps: s.steps.iter().map(StepView::new).collect(),
            progress: ProgressView::new(&s.progress),
            text: s.text.last().map(TextPlace::after),
            usage: s.usage,
            budget: Budget::new(s),
            approval: s.open_approval().map(ApprovalView::new),
            abort: s.abort.as_ref().map(AbortView::new),
            error: s.error.clone(),
            output,
            output_stored,
            artifacts: s.files().cloned().collect(),
            lineage: s.lineage.clone(),
            labels: s.labels.clone(),
            submitted_at: s.submitted_at,
            started_at: s.started_at,
            updated_at: s.updated_at,
            ended_at: s.ended_at,
            heartbeat_at,
            dismissed: s.dismissed,
            erased: s.erased,
            sequence: s.sequence,
            as_of,
        }
    }
}

impl StepName {
    fn new(step: &Step) -> Self {
        Self { name: step.name.clone(), index: step.index, of: step.of }
    }
}

impl StepView {
    fn new(step: &Step) -> Self {
        Self {
            name: step.name.clone(),
            index: step.index,
            of: step.of,
            run: step.run,
            started_at: step.started_at,
            completed_at: step.completed_at,
        }
    }
}

impl ProgressView {
    fn new(progress: &Progress) -> Option<Self> {
        let Progress { fraction, message, waits } = progress.clone();
        let said = fraction.is_some() || message.is_some() || waits.is_some();
        said.then_some(Self { fraction, message, waits })
    }
}

impl TextPlace {
    fn after(segment: &Segment) -> Self {
        Self { segment: segment.segment, offset: segment.length }
    }
}

impl Budget {
    fn new(s: &Snapshot) -> Option<Self> {
        let (queries, tokens) = (s.limits.queries, s.limits.tokens);
        let bounded = queries.is_some() || tokens.is_some();
        bounded.then(|| Self {
            queries,
            queries_left: s.queries_left(),
            tokens,
            tokens_left: s.tokens_left(),
        })
    }
}

impl ApprovalView {
    /// The view of a question.
    pub fn new(open: &Approval) -> Self {
        Self {
            id: open.id,
            action: open.action.clone(),
            arguments: open.arguments.clone(),
            digest: open.digest,
            schema: open.schema.clone(),
            note: open.note.clone(),
            requested_at: open.requested_at,
            expires_at: open.expires_at,
        }
    }
}

impl AbortView {
    fn new(abort: &Abort) -> Self {
        Self {
            requested_at: abort.requested_at,
            requested_by: abort.requested_by.clone(),
            reason: abort.reason.clone(),
            observed_at: abort.observed_at,
            checkpoint: abort.checkpoint.clone(),
            steps_after: abort.steps_after.clone(),
        }
    }
}
