//! The organisation's admission ledger and policy: what is written beside the tasks' histories.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Actor, AdmissionReason};
use crate::id::{CommitId, ConversationId, Kind, OrgId, RunNumber, TaskId, UserId};
use crate::submission::Lane;
use crate::time::{Millis, Timestamp};

/// Most admissions in one commit.
pub const MAX_ADMISSIONS: usize = 256;

/// Runs that were given a slot, in one message on the organisation's ledger. It is appended with
/// the ledger's last sequence as expectation, so that whoever has not seen the latest admission
/// is refused: that alone keeps the caps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdmissionCommit {
    /// By this a writer finds its own commit again.
    pub id: CommitId,
    /// Whose ledger.
    pub org: OrgId,
    /// When its writer wrote it.
    pub at: Timestamp,
    /// Which scheduler.
    pub actor: Actor,
    /// At most [`MAX_ADMISSIONS`].
    pub admissions: Vec<Admission>,
}

/// One run's slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Which task.
    pub task: TaskId,
    /// Which of its runs.
    pub run: RunNumber,
    /// Whose cap it counts under.
    pub user: UserId,
    /// Which conversation it occupies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Whose slots it takes.
    #[serde(default, skip_serializing_if = "Lane::is_background")]
    pub lane: Lane,
    /// Which handler runs it.
    pub kind: Kind,
    /// Why it was its turn.
    pub why: AdmissionReason,
}

/// An organisation's policy changed. The last one holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyCommit {
    /// By this a writer finds its own commit again.
    pub id: CommitId,
    /// Whose policy.
    pub org: OrgId,
    /// When its writer wrote it.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The whole new policy.
    pub policy: Policy,
}

/// What an organisation may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// How many tasks may run at once.
    pub caps: Caps,
    /// Its share of the executors against other organisations; 1 by default.
    pub weight: u32,
    /// How many tokens it may use, if bounded. Over it nothing new is admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<TokenBudget>,
    /// Whether a failed or aborted task may be continued by a next message.
    pub continue_unfinished: bool,
    /// Which calls of tools a person must approve first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolRule>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { caps: Caps::default(), weight: 1, budget: None, continue_unfinished: false, tools: Vec::new() }
    }
}

/// A person must approve these calls of a tool before they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRule {
    /// The tool, as its agent names it: `execute_sql`.
    pub tool: String,
    /// Only calls of which a figure is over this; every call if nothing is said. A figure that is not
    /// known of a call counts as over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Threshold>,
    /// How long the question waits for its answer, in milliseconds: a day by default.
    #[serde(default = "a_day")]
    pub expires: Millis,
}

fn a_day() -> Millis {
    ToolRule::DAY
}

impl ToolRule {
    /// How long a question waits where a rule does not say.
    pub const DAY: Millis = Millis::seconds(24 * 60 * 60);

    /// Whether it is about a call of `tool` with these figures.
    pub fn is_about(&self, tool: &str, figures: &BTreeMap<String, u64>) -> bool {
        let over = |limit: &Threshold| figures.get(&limit.figure).is_none_or(|value| *value > limit.over);
        self.tool == tool && self.over.as_ref().is_none_or(over)
    }
}

/// A bound on a figure of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// The figure, as the tool's agent names it: `rows_read`.
    pub figure: String,
    /// What it may be at most.
    pub over: u64,
}

/// How many tasks may run at once. Over a cap a task waits; it is never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Caps {
    /// Of one user: 6 by default.
    pub user: u32,
    /// Of the organisation: 50 by default.
    pub organisation: u32,
    /// In one conversation: 1 by default.
    pub conversation: u32,
    /// Of one user in the foreground: 2 by default. These count under no other cap.
    pub foreground: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { user: 6, organisation: 50, conversation: 1, foreground: 2 }
    }
}

impl Caps {
    /// How many tasks of one user may run in a lane.
    pub fn of_user(&self, lane: Lane) -> u32 {
        match lane {
            Lane::Foreground => self.foreground,
            Lane::Background => self.user,
        }
    }
}

/// A bound on tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBudget {
    /// How many, in both directions.
    pub tokens: u64,
    /// In which time.
    pub per: Period,
}

/// A budget's time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day.
    Day,
    /// Since the organisation's first task.
    Ever,
}

/// Who holds a conversation. A claim whose task does not exist counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationClaim {
    /// By this a writer finds its own claim again.
    pub id: CommitId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whose.
    pub org: OrgId,
    /// The task that speaks in it now.
    pub task: TaskId,
    /// When its writer wrote it.
    pub at: Timestamp,
}

/// An admitted run, handed to whichever executor takes it. An effect of the ledger: it may be
/// repeated, and only one `started` wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// Whose task.
    pub org: OrgId,
    /// Which task.
    pub task: TaskId,
    /// Which of its runs.
    pub run: RunNumber,
    /// Which handler.
    pub kind: Kind,
    /// The admission this follows from.
    pub ledger: crate::id::Sequence,
    /// Why it was its turn.
    pub why: AdmissionReason,
    /// The one record that is all of the task's history, if whoever dispatches knows of one only: it
    /// saves whoever takes it a search. There may be more by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<crate::id::Sequence>,
}
