//! Subjects of what is said to whoever listens right now, and kept by nobody.
//!
//! | subject | says |
//! | --- | --- |
//! | `lh.live.<org>.<task>` | pieces of text while a run writes them |
//! | `lh.change.<org>.<user>.<task>` | that a snapshot changed |
//! | `lh.beat.<executor>` | an executor's heartbeat; the last one is kept |
//! | `lh.run.<kind>.<executor>` | a run handed to an executor that has room |

use longhaul_core::{ExecutorId, Kind, OrgId, RunNumber, Sequence, Status, TaskId, TaskRef, UserId};
use serde::{Deserialize, Serialize};

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

/// Where runs of a kind are handed to an executor.
pub fn run(kind: &Kind, executor: ExecutorId) -> String {
    format!("lh.run.{kind}.{executor}")
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

/// A word that a snapshot changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where the task stands now.
    pub status: Status,
    /// Folded up to this place.
    pub sequence: Sequence,
}

/// A change that was heard. It may be lost or repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// In which organisation.
    pub org: OrgId,
    /// Of whose task.
    pub user: UserId,
    /// Of which task.
    pub task: TaskId,
    /// What was said.
    pub change: Change,
}

impl Changed {
    /// A change said on a subject; nothing if the subject is not one for changes.
    pub fn new(subject: &str, change: Change) -> Option<Self> {
        let mut tokens = subject.strip_prefix("lh.change.")?.split('.');
        let (org, user, task) = (tokens.next()?, tokens.next()?, tokens.next()?);
        if tokens.next().is_some() {
            return None;
        }
        Some(Self { org: org.parse().ok()?, user: user.parse().ok()?, task: task.parse().ok()?, change })
    }
}
