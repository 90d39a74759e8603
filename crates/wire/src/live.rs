//! Subjects of what is said to whoever listens right now, and kept by nobody.
//!
//! | subject | says |
//! | --- | --- |
//! | `lh.live.<org>.<task>` | pieces of text while a run writes them |
//! | `lh.change.<org>.<user>.<task>` | that a snapshot changed |
//! | `lh.beat.<executor>` | an executor's heartbeat; the last one is kept |

use longhaul_core::{ExecutorId, OrgId, TaskId, TaskRef, UserId};
use serde::{Deserialize, Serialize};

use longhaul_core::{RunNumber, Sequence, Status};

/// Where a task's text is said while it is written.
pub fn text(task: &TaskRef) -> String {
    format!("lh.live.{}.{}", task.org, task.task)
}

/// Where it is said that a user's task changed.
pub fn change(org: &OrgId, user: &UserId, task: TaskId) -> String {
    format!("lh.change.{org}.{user}.{task}")
}

/// Every change in an organisation, or of one of its users.
pub fn changes(org: &OrgId, user: Option<&UserId>) -> String {
    match user {
        Some(user) => format!("lh.change.{org}.{user}.*"),
        None => format!("lh.change.{org}.*.*"),
    }
}

/// Where an executor's last heartbeat lies.
pub fn beat(executor: ExecutorId) -> String {
    format!("lh.beat.{executor}")
}

/// Every heartbeat.
pub const BEATS: &str = "lh.beat.*";

/// A piece of text while a run writes it. What is said may be lost or repeated: the durable text is
/// in the log, and (segment, offset) tells where a piece belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextDelta {
    /// The run that writes it.
    pub run: RunNumber,
    /// Its segment.
    pub segment: u32,
    /// Where in the segment it begins, in bytes.
    pub offset: u64,
    /// The text.
    pub text: String,
}

/// A word that a snapshot changed. It may be lost or repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which task.
    pub task: TaskId,
    /// Where it stands now.
    pub status: Status,
    /// Folded up to this place.
    pub sequence: Sequence,
}
