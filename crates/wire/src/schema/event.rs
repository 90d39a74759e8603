//! Commits of a task's history.
#![expect(dead_code, reason = "described, never made")]

use schemars::JsonSchema;
use uuid::Uuid;

use super::part::{
    AdmissionReason, Artifact, Continuation, Decision, Expiry, Payload, Skeleton, Submission, TaskError,
    Usage, Waits,
};
use super::scalar::{Any, Digest, Moment};

/// The events of one decision on a task: one message, all or nothing.
#[derive(JsonSchema)]
pub(super) struct Commit {
    /// The version of the format: 1.
    v: u32,
    /// By this a writer finds its own commit again after a lost acknowledgement. UUID v7.
    id: Uuid,
    /// Whose history this belongs to; as the subject says.
    task: Uuid,
    /// When its writer wrote it, by the writer's clock.
    at: Moment,
    /// Who wrote it.
    actor: Actor,
    /// W3C `traceparent` of the work that led to it.
    trace: Option<String>,
    /// What happened, in order.
    #[schemars(length(min = 1, max = 1000))]
    events: Vec<Event>,
}

/// Who wrote something, and through what.
#[derive(JsonSchema)]
pub(super) struct Actor {
    /// In which role; what a role may not say is ignored.
    role: Role,
    /// Who: a user, an executor's id, a scheduler's id.
    who: String,
    /// Through what: `cli`, `http`, a service's name.
    via: String,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// Submits, aborts, decides, retries, dismisses, erases.
    Client,
    /// Runs handlers.
    Executor,
    /// Admits, declares runs lost, lets things expire.
    Scheduler,
}

/// One event.
#[derive(JsonSchema)]
pub(super) struct Event {
    /// Unique; UUID v7.
    id: Uuid,
    /// What happened: one member, named by the kind of event.
    body: Body,
}

/// What happened.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body {
    /// The task exists. Always the first event of a history.
    Submitted(Box<Submission>),
    /// A run began on an executor.
    Started {
        run: u32,
        executor: Uuid,
        /// Version of the executor's program.
        version: String,
        /// The place of the admission that gave it its slot.
        ledger: u64,
        /// Why it was admitted.
        why: AdmissionReason,
    },
    /// A step began.
    StepStarted {
        run: u32,
        /// Its name, unique within the task.
        step: String,
        /// Its place, counted from 0 over the whole task.
        index: u32,
        /// Of how many, where the handler said so.
        of: Option<u32>,
    },
    /// A word on how far a run is.
    Progressed {
        run: u32,
        /// 0 to 1 over the whole task, if known.
        fraction: Option<f64>,
        /// What it is doing.
        message: Option<String>,
        /// What it waits for. A word without it says that it waits no more.
        waits: Option<Waits>,
    },
    /// A step ended and its result is recorded; it is never executed again.
    StepCompleted { run: u32, step: String, index: u32, result: Payload },
    /// The durable part of streamed text.
    TextAppended {
        run: u32,
        /// `2k - 1` inside the k-th step, `2k` after it.
        segment: u32,
        /// Where in the segment the text begins, in bytes.
        offset: u64,
        text: String,
    },
    /// What a call cost.
    UsageRecorded {
        run: u32,
        usage: Usage,
        /// Which model, where one was called.
        model: Option<String>,
    },
    /// A named output file is in the object store.
    ArtifactStored { run: u32, artifact: Artifact },
    /// The run asked a person and ended.
    ApprovalRequested {
        run: u32,
        approval: Uuid,
        /// What is to be done.
        action: String,
        /// With which arguments, exactly.
        arguments: Any,
        /// SHA-256 of the arguments' canonical text.
        digest: Digest,
        /// JSON Schema that other arguments must fit.
        schema: Option<Any>,
        /// Why it is asked, for whoever answers.
        note: Option<String>,
        /// When the question lapses.
        expires_at: Moment,
    },
    /// A person answered, or the question lapsed.
    ApprovalDecided { approval: Uuid, decision: Decision, by: String },
    /// Somebody wants the task stopped.
    AbortRequested { by: String, reason: Option<String> },
    /// The run ended at a checkpoint; the next run follows.
    Continued { run: u32, why: Continuation },
    /// The run's heartbeat went stale.
    Lost {
        run: u32,
        executor: Uuid,
        /// The last word heard of it.
        last_beat: Option<Moment>,
        /// How old a heartbeat may get, in milliseconds.
        lease: u64,
    },
    /// Done.
    Completed { run: u32, output: Payload },
    /// Ended by an error.
    Failed { run: u32, error: TaskError },
    /// Stopped on request.
    Aborted {
        /// The run, if one was under way.
        run: Option<u32>,
        /// Where it stopped: a step's name, `start`, `end`.
        checkpoint: Option<String>,
    },
    /// Ended because time ran out.
    Expired {
        /// The run, if one was under way.
        run: Option<u32>,
        why: Expiry,
    },
    /// A new attempt from the last recorded step.
    Retried {
        /// Its number.
        attempt: u32,
        /// Who asked; nobody where the retry policy did.
        by: Option<String>,
        not_before: Option<Moment>,
    },
    /// Hidden from its owner's panel.
    Dismissed { by: String },
    /// Payload gone, skeleton kept.
    Erased { by: String, skeleton: Box<Skeleton> },
}
