//! What lies beside the tasks' histories, and what is said to whoever listens.
#![expect(dead_code, reason = "described, never made")]

use schemars::JsonSchema;
use uuid::Uuid;

use super::event::Actor;
use super::part::{AdmissionReason, Lane};
use super::scalar::{Moment, Token};
use super::snapshot::Status;

/// Runs that were given a slot. Appended with the ledger's last sequence as expectation.
#[derive(JsonSchema)]
pub(super) struct AdmissionCommit {
    /// The version of the format: 1.
    v: u32,
    /// By this a writer finds its own commit again. UUID v7.
    id: Uuid,
    /// Whose ledger; as the subject says.
    org: Token,
    /// When its writer wrote it.
    at: Moment,
    /// Which scheduler.
    actor: Actor,
    #[schemars(length(min = 1, max = 256))]
    admissions: Vec<Admission>,
}

/// One run's slot.
#[derive(JsonSchema)]
pub(super) struct Admission {
    task: Uuid,
    /// Which of its runs.
    run: u32,
    /// Whose cap it counts under.
    user: Token,
    /// Which conversation it occupies.
    conversation: Option<Token>,
    #[serde(default)]
    lane: Lane,
    /// Which handler runs it.
    kind: Token,
    /// Why it was its turn.
    why: AdmissionReason,
}

/// An organisation's policy changed. The last one holds.
#[derive(JsonSchema)]
pub(super) struct PolicyCommit {
    /// The version of the format: 1.
    v: u32,
    /// By this a writer finds its own commit again. UUID v7.
    id: Uuid,
    /// Whose policy; as the subject says.
    org: Token,
    /// When its writer wrote it.
    at: Moment,
    /// Who.
    actor: Actor,
    /// The whole new policy.
    policy: Policy,
}

/// What an organisation may do.
#[derive(Default, JsonSchema)]
#[serde(default)]
pub(super) struct Policy {
    caps: Caps,
    /// Its share of the executors against other organisations; 1 by default.
    weight: u32,
    /// How many tokens it may use, if bounded.
    budget: Option<TokenBudget>,
    /// Whether a failed or aborted task may be continued by a next message.
    continue_unfinished: bool,
    /// Which calls of tools a person must approve first.
    tools: Vec<ToolRule>,
}

/// A person must approve these calls of a tool before they are made.
#[derive(JsonSchema)]
pub(super) struct ToolRule {
    /// The tool, as its agent names it.
    tool: String,
    /// Only calls of which a figure is over this, or not known; every call if nothing is said.
    over: Option<Threshold>,
    /// How long the question waits for its answer, in milliseconds: a day by default.
    expires: Option<u64>,
}

/// A bound on a figure of a call.
#[derive(JsonSchema)]
pub(super) struct Threshold {
    /// The figure, as the tool's agent names it.
    figure: String,
    /// What it may be at most.
    over: u64,
}

/// How many tasks may run at once. Over a cap a task waits.
#[derive(Default, JsonSchema)]
#[serde(default)]
pub(super) struct Caps {
    /// Of one user: 6 by default.
    user: u32,
    /// Of the organisation: 50 by default.
    organisation: u32,
    /// In one conversation: 1 by default.
    conversation: u32,
    /// Of one user in the foreground: 2 by default. These count under no other cap.
    foreground: u32,
}

/// A bound on tokens.
#[derive(JsonSchema)]
pub(super) struct TokenBudget {
    /// How many, in both directions.
    tokens: u64,
    /// In which time.
    per: Period,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub(super) enum Period {
    /// A day, UTC.
    Day,
    /// Since the organisation's first task.
    Ever,
}

/// Who holds a conversation. A claim whose task does not exist counts for nothing.
#[derive(JsonSchema)]
pub(super) struct ConversationClaim {
    /// The version of the format: 1.
    v: u32,
    /// By this a writer finds its own claim again. UUID v7.
    id: Uuid,
    /// Which conversation; as the subject says.
    conversation: Token,
    /// Whose; as the subject says.
    org: Token,
    /// The task that speaks in it now.
    task: Uuid,
    /// When its writer wrote it.
    at: Moment,
}

/// An admitted run, handed to an executor that has room. It may be repeated.
#[derive(JsonSchema)]
pub(super) struct Dispatch {
    org: Token,
    task: Uuid,
    /// Which of its runs.
    run: u32,
    /// Which handler; as the subject says.
    kind: Token,
    /// The place of the admission this follows from.
    ledger: u64,
    /// Why it was its turn.
    why: AdmissionReason,
    /// The place of the one record that is all of the task's history, if the writer knows of one only.
    only: Option<u64>,
}

/// An executor's heartbeat.
#[derive(JsonSchema)]
pub(super) struct Beat {
    /// Who.
    executor: Uuid,
    /// When, by its own clock; for display.
    at: Moment,
    /// Version of its program.
    version: String,
    /// Where it runs, for operators.
    host: String,
    /// The kinds it takes.
    kinds: Vec<Room>,
    /// The runs it holds.
    runs: Vec<HeldRun>,
    /// It shuts down and takes nothing new.
    draining: bool,
}

/// Room for runs of a kind.
#[derive(JsonSchema)]
pub(super) struct Room {
    kind: Token,
    /// How many runs of it the executor may hold at once.
    places: u32,
    /// How many more it would take now.
    free: u32,
}

/// A run an executor holds.
#[derive(JsonSchema)]
pub(super) struct HeldRun {
    /// Whose task: another organisation's may have the same id.
    org: Token,
    task: Uuid,
    run: u32,
}

/// A piece of text while a run writes it. It may be missing or come twice.
#[derive(JsonSchema)]
pub(super) struct TextDelta {
    run: u32,
    segment: u32,
    /// Where in the segment it begins, in bytes.
    offset: u64,
    text: String,
}

/// A word that a snapshot changed. It may be missing or come twice.
#[derive(JsonSchema)]
pub(super) struct Change {
    /// Where the task stands now.
    status: Status,
    /// Folded up to this place.
    sequence: u64,
}
