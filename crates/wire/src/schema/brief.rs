//! Tasks in few words, as programs are given them.
#![expect(dead_code, reason = "described, never made")]

use schemars::JsonSchema;
use uuid::Uuid;

use super::part::Lane;
use super::scalar::{Moment, Token};
use super::snapshot::{Approval, Status, StepName, Waiting};

/// A task in the few words that a list has room for. Members without a value are left out.
#[derive(JsonSchema)]
pub(super) struct Brief {
    /// Which.
    at: TaskRef,
    user: Token,
    conversation: Option<Token>,
    #[serde(default)]
    lane: Lane,
    /// Which handler runs it.
    kind: Token,
    /// What it is for.
    title: String,
    status: Status,
    /// While it runs, what it is doing; else why it stands as it does.
    #[serde(default)]
    note: String,
    /// The attempt, counted from 1.
    attempt: u32,
    /// Its current or last run; 0 before the first.
    run: u32,
    /// Who holds or last held it.
    executor: Option<Uuid>,
    /// The step under way, or the last one recorded.
    step: Option<StepName>,
    /// How far it is, 0 to 1.
    fraction: Option<f64>,
    /// Why it has not started, if it waits.
    waiting: Option<Waiting>,
    /// The question that waits for an answer.
    question: Option<Approval>,
    /// Tokens used so far.
    #[serde(default)]
    tokens: u64,
    /// How many files it made.
    #[serde(default)]
    artifacts: u32,
    submitted_at: Moment,
    /// When its first run started.
    started_at: Option<Moment>,
    /// When its last event was written.
    updated_at: Moment,
    ended_at: Option<Moment>,
    /// Hidden from its owner's panel.
    #[serde(default)]
    dismissed: bool,
    /// A record of it cannot be read: this is its state before that.
    #[serde(default)]
    aside: bool,
    /// The record that submitted it, where that is known: not of an erased task.
    submitted: Option<u64>,
    /// Folded up to and including this commit: the task's version.
    sequence: u64,
}

/// A task and its organisation: an id alone is not unique.
#[derive(JsonSchema)]
struct TaskRef {
    org: Token,
    task: Uuid,
}
