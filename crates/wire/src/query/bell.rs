//! The bell: what a user is told.

use longhaul_core::{OrgId, Sequence, Status, TaskId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::Positions;

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
    /// How many: [`PAGE`](super::PAGE) by default, at most [`MAX_PAGE`](super::MAX_PAGE).
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
