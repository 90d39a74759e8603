//! Questions to the projector, and its answers: the NATS service `longhaul`.
//!
//! A question is one JSON object sent to `longhaul.<endpoint>`, its answer another. Members without
//! a value are left out; members nobody knows are refused, since a filter that is overlooked gives
//! a wrong answer. Every question takes `at_least`, every answer carries `as_of`: the places up to
//! which it is, or must be, folded. To read one's own write, ask with `at_least` set to where the
//! write was acknowledged.

use std::collections::BTreeMap;

use longhaul_core::board::{Candidate, Waiting};
use longhaul_core::{
    Beat, ConversationId, Kind, LabelKey, Millis, OrgId, Policy, Priority, Sequence, Status, TaskId, Timestamp,
    TokenBudget, Usage, UserId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::shard::Shard;
use crate::view::SnapshotView;

/// The service's name.
pub const SERVICE: &str = "longhaul";

/// Rows of a page where the question does not say.
pub const PAGE: u32 = 50;

/// Most rows of a page.
pub const MAX_PAGE: u32 = 500;

/// A question that has an endpoint.
pub trait Query: Serialize + DeserializeOwned + Send + 'static {
    /// Its endpoint: questions go to `longhaul.<endpoint>`.
    const ENDPOINT: &'static str;
    /// What it is answered with.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
    /// How far must be folded before it is answered.
    fn at_least(&self) -> &Positions;
}

/// Places in shards: `{"0": 1234}`. A shard that is not named is at its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positions(BTreeMap<u16, Sequence>);

impl Positions {
    /// One place in one shard.
    pub fn at(shard: Shard, sequence: Sequence) -> Self {
        Self(BTreeMap::from([(shard.0, sequence)]))
    }

    /// The place in a shard.
    pub fn of(&self, shard: Shard) -> Sequence {
        self.0.get(&shard.0).copied().unwrap_or_default()
    }

    /// Moves on to a place; never back.
    pub fn advance(&mut self, shard: Shard, sequence: Sequence) {
        let place = self.0.entry(shard.0).or_default();
        *place = sequence.max(*place);
    }

    /// The places, by shard.
    pub fn iter(&self) -> impl Iterator<Item = (Shard, Sequence)> {
        self.0.iter().map(|(shard, sequence)| (Shard(*shard), *sequence))
    }

    /// Whether this is as far as `other` in every shard.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(shard, sequence)| self.of(shard) >= sequence)
    }
}

impl FromIterator<(Shard, Sequence)> for Positions {
    fn from_iter<I: IntoIterator<Item = (Shard, Sequence)>>(places: I) -> Self {
        let mut all = Self::default();
        places.into_iter().for_each(|(shard, sequence)| all.advance(shard, sequence));
        all
    }
}

/// Makes a struct a question.
macro_rules! query {
    ($name:ident, $endpoint:literal, $answer:ty) => {
        impl Query for $name {
            const ENDPOINT: &'static str = $endpoint;
            type Answer = $answer;
            fn at_least(&self) -> &Positions {
                &self.at_least
            }
        }
    };
}

/// Every endpoint.
pub const ENDPOINTS: [&str; 11] = [
    Get::ENDPOINT,
    List::ENDPOINT,
    Count::ENDPOINT,
    Queue::ENDPOINT,
    Outlook::ENDPOINT,
    UsageOf::ENDPOINT,
    Bell::ENDPOINT,
    MarkRead::ENDPOINT,
    Executors::ENDPOINT,
    Slots::ENDPOINT,
    Health::ENDPOINT,
];

/// A task, as the read model has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its organisation.
    pub org: OrgId,
    /// Its id.
    pub task: TaskId,
    /// Its state; nothing if none of its records could be read. In lists without `output` and
    /// `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<SnapshotView>,
    /// It was put aside: its state is the last one before this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// A record of a task that could not be read. What came after it is not in the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Where the record lies.
    pub sequence: Sequence,
    /// Why it could not be read.
    pub why: String,
}

/// One task. Without an organisation it is looked for in all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// Which.
    pub task: TaskId,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// How far must be folded first.
    #[serde(default)]
    pub at_least: Positions,
}
query!(Get, "get", Got);

/// The task, if there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Got {
    /// Folded up to here.
    pub as_of: Positions,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
}

/// Which tasks. What is not said is not asked for; all that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Of this organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// Of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// In this conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// In one of these statuses. A task that was put aside is in none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<Status>,
    /// With all of these labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelKey, String>,
    /// Submitted at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Submitted before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// With this text in the title, upper or lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// That name this task in their lineage: run again, forked, continued or submitted from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineage: Option<TaskId>,
    /// Also those hidden from their owner's panel.
    pub dismissed: bool,
    /// Only those that were put aside.
    pub unreadable: bool,
}

/// Tasks, page by page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// Which.
    pub filter: Filter,
    /// By which time.
    pub sort: Sort,
    /// The oldest first.
    pub ascending: bool,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
    /// How many: [`PAGE`] by default, at most [`MAX_PAGE`]. A page of large tasks may end earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How far must be folded first.
    pub at_least: Positions,
}
query!(List, "list", Page);

/// By which time tasks are sorted; those of the same time by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Submission. It never changes: whoever pages through sees every task exactly once, whatever
    /// happens meanwhile.
    #[default]
    Submitted,
    /// The last event. A task to which something happens moves, maybe past the page one is at.
    Updated,
    /// The end. Only tasks that have ended are listed.
    Ended,
}

/// Where a page ended. Not to be looked into: it belongs to its order, and to this service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A page of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Folded up to here.
    pub as_of: Positions,
    /// The tasks, in order.
    pub items: Vec<Item>,
    /// Where the next page begins; nothing after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

/// How many tasks are in which status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Count {
    /// Which.
    pub filter: Filter,
    /// Also one by one for each of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// How far must be folded first.
    pub at_least: Positions,
}
query!(Count, "count", Counted);

/// What is counted one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Organisations.
    Org,
    /// Users; of the same name in two organisations are two.
    User,
    /// Kinds.
    Kind,
}

/// How many tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Folded up to here.
    pub as_of: Positions,
    /// All of them.
    pub all: Tally,
    /// One by one, the most numerous first, at most [`MAX_PAGE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

/// Figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Of all statuses, put aside ones included.
    pub total: u64,
    /// By status; one that does not occur is left out.
    pub status: BTreeMap<Status, u64>,
    /// Put aside.
    pub unreadable: u64,
}

/// Figures of one organisation, user or kind. A task put aside before its submission was read has
/// no user and no kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The organisation, where organisations or users are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Its figures.
    pub tally: Tally,
}

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
    /// How many: [`PAGE`] by default, at most [`MAX_PAGE`].
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

/// A user's notifications, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bell {
    /// Whose organisation.
    pub org: OrgId,
    /// Whose.
    pub user: UserId,
    /// Only those not read yet.
    #[serde(default)]
    pub unread: bool,
    /// Only those later than this place: what is new since one last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Sequence>,
    /// Only those earlier than this place: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Sequence>,
    /// How many: [`PAGE`] by default, at most [`MAX_PAGE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How far must be folded first.
    #[serde(default)]
    pub at_least: Positions,
}
query!(Bell, "notifications", Notifications);

/// A user's notifications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notifications {
    /// Folded up to here.
    pub as_of: Positions,
    /// How many are unread in all.
    pub unread: u64,
    /// The latest first.
    pub notifications: Vec<Notification>,
    /// There are earlier ones: ask for those before the last one here.
    pub more: bool,
}

/// One fact: a task ended, or waits for an approval. Its task and sequence name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Which task.
    pub task: TaskId,
    /// The commit that says so.
    pub sequence: Sequence,
    /// What the task is for.
    pub title: String,
    /// How it ended; `paused`: it waits for an approval.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// Read; a question that needs no answer any more is as good as read.
    pub read: bool,
    /// The question has been answered, or the task has ended without.
    pub settled: bool,
}

/// Marks notifications as read. The marks are not in the log: they are kept beside the read model of
/// the projector that takes the question, and outlive a rebuild but not the loss of its directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// Whose organisation.
    pub org: OrgId,
    /// Whose.
    pub user: UserId,
    /// Everything up to this place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Sequence>,
    /// These.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub these: Vec<Fact>,
    /// How far must be folded first.
    #[serde(default)]
    pub at_least: Positions,
}
query!(MarkRead, "mark_read", Marked);

/// What names a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Which task.
    pub task: TaskId,
    /// The commit that says so.
    pub sequence: Sequence,
}

/// What is left unread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marked {
    /// Folded up to here.
    pub as_of: Positions,
    /// How many are unread now.
    pub unread: u64,
}
