//! Tasks: one, a page of them, how many.

use std::collections::BTreeMap;

use longhaul_core::{ConversationId, Kind, LabelKey, OrgId, Sequence, Status, TaskId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::Positions;
use crate::view::SnapshotView;

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
    /// The record that submitted it, where that is known: not of an erased task, nor from an older
    /// projector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Sequence>,
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
    /// How many: [`PAGE`](super::PAGE) by default, at most [`MAX_PAGE`](super::MAX_PAGE). A page of large
    /// tasks may end earlier.
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
    /// One by one, the most numerous first, at most [`MAX_PAGE`](super::MAX_PAGE).
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
