//! How things stand: queue, usage, slots, executors, the projector itself.

use std::collections::BTreeMap;

use longhaul_core::board::{Candidate, Waiting};
use longhaul_core::{
    Beat, Kind, Lane, Millis, OrgId, Policy, Priority, Sequence, TaskId, Timestamp, TokenBudget, Usage,
    UserId,
};
use serde::{Deserialize, Serialize};

use super::{Positions, Unreadable};

/// What waits, and why, the oldest in the queue first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Of this organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// Of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// How many: [`PAGE`](super::PAGE) by default, at most [`MAX_PAGE`](super::MAX_PAGE).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How far must be folded first.
    pub at_least: Positions,
}
query!(Queue, "queue", Queued);

/// What waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// Folded up to here.
    pub as_of: Positions,
    /// How many wait, those beyond the limit included.
    pub total: u64,
    /// The first of them.
    pub tasks: Vec<QueuedTask>,
}

/// A task that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuedTask {
    /// Whose.
    pub org: OrgId,
    /// Whose.
    pub user: UserId,
    /// Which.
    pub task: TaskId,
    /// Which handler runs it.
    pub kind: Kind,
    /// What it is for.
    pub title: String,
    /// How urgent.
    pub priority: Priority,
    /// Whose slots it takes.
    #[serde(default, skip_serializing_if = "Lane::is_background")]
    pub lane: Lane,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Why, and at which place.
    pub waiting: Waiting,
}

/// What would happen to a task if it were submitted now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlook {
    /// The task.
    pub candidate: Candidate,
    /// How far must be folded first.
    #[serde(default)]
    pub at_least: Positions,
}
query!(Outlook, "outlook", Foreseen);

/// It would wait for this, or start at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// Folded up to here.
    pub as_of: Positions,
    /// Why it would wait, and at which place.
    pub waiting: Waiting,
}

/// What an organisation's tasks cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageOf {
    /// Whose.
    pub org: OrgId,
    /// From the day on in which this lies, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Up to the day before the one in which this lies, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How far must be folded first.
    #[serde(default)]
    pub at_least: Positions,
}
query!(UsageOf, "usage", Used);

/// What was used in the time asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// Folded up to here.
    pub as_of: Positions,
    /// In all.
    pub total: Usage,
    /// How many tasks used it.
    pub tasks: u64,
    /// Day by day, the oldest first; days without usage are left out. An erased task's usage counts
    /// for the day it ended.
    pub days: Vec<DayUsage>,
    /// The organisation's bound on tokens, where it has one, and what counts against it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetState>,
}

/// A day's usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayUsage {
    /// The day, UTC: `2026-11-21`.
    pub day: String,
    /// What was used.
    pub usage: Usage,
}

/// A bound on tokens and what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    /// The bound.
    pub budget: TokenBudget,
    /// Tokens used in its time.
    pub used: u64,
    /// Tokens left.
    pub left: u64,
}

/// Who is there to run tasks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Executors {
    /// How far must be folded first.
    pub at_least: Positions,
}
query!(Executors, "executors", Roster);

/// The executors heard of lately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    /// Folded up to here. Beats are not part of the log; they are as of now.
    pub as_of: Positions,
    /// By id.
    pub executors: Vec<Heard>,
}

/// An executor's last beat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// What it said.
    pub beat: Beat,
    /// How long ago that was, by the clock of the projector.
    pub age: Millis,
    /// The beat is older than the lease: its runs count as lost.
    pub stale: bool,
}

/// How an organisation's slots stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// Whose.
    pub org: OrgId,
    /// How far must be folded first.
    #[serde(default)]
    pub at_least: Positions,
}
query!(Slots, "slots", SlotsTaken);

/// Slots taken, and those there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotsTaken {
    /// Folded up to here.
    pub as_of: Positions,
    /// The policy in force.
    pub policy: Policy,
    /// The organisation's. The foreground takes none of them.
    pub organisation: Slot,
    /// Its users', those with something live, by name; at most [`super::MAX_PAGE`].
    pub users: Vec<UserSlot>,
}

/// Slots of one user or organisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// How many are taken.
    pub running: u32,
    /// How many there are.
    pub cap: u32,
    /// How many tasks wait, for whatever reason.
    pub waiting: u64,
}

/// A user's slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSlot {
    /// Whose.
    pub user: UserId,
    /// Slots of the background.
    pub slots: Slot,
    /// Slots of the foreground.
    #[serde(default)]
    pub foreground: Slot,
}

/// How the projector itself is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// How far must be folded first.
    pub at_least: Positions,
}
query!(Health, "status", Condition);

/// How the projector that answers is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Folded up to here.
    pub as_of: Positions,
    /// Version of the program.
    pub version: String,
    /// How many records of each shard are not folded yet.
    pub lag: BTreeMap<u16, u64>,
    /// Why it does not fold at the moment, if something is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How many tasks there are.
    pub tasks: u64,
    /// How many of them were put aside.
    pub unreadable: u64,
    /// The first of those put aside, at most [`super::PAGE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_aside: Vec<PutAside>,
    /// Records that could not be read and belong to no task, the latest, at most [`super::PAGE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<UnreadableRecord>,
}

/// A task that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAside {
    /// Whose.
    pub org: OrgId,
    /// Which.
    pub task: TaskId,
    /// Why.
    pub unreadable: Unreadable,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRecord {
    /// In which shard.
    pub shard: u16,
    /// Where it lies.
    pub sequence: Sequence,
    /// Under which subject.
    pub subject: String,
    /// Why it could not be read.
    pub why: String,
}
