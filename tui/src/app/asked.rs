//! What was asked of tasks, and what became of it.

use longhaul_core::{ApprovalId, Digest, Status, TaskRef, Timestamp};

/// Something to ask of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Steer {
    /// Stop at the next checkpoint.
    Abort,
    /// Yes, to exactly what was looked at.
    Approve {
        /// Which question.
        approval: ApprovalId,
        /// The digest of the arguments that were looked at.
        digest: Digest,
    },
    /// Yes, with other arguments.
    Modify {
        /// Which question.
        approval: ApprovalId,
        /// The digest of the arguments that were looked at.
        digest: Digest,
        /// These instead.
        arguments: serde_json::Value,
    },
    /// No.
    Reject {
        /// Which question.
        approval: ApprovalId,
        /// The digest of the arguments that were looked at.
        digest: Digest,
        /// Why.
        reason: Option<String>,
    },
    /// Try again from the last recorded step.
    Retry,
    /// The same input again, as a new task.
    Rerun,
    /// A new task that begins with what this one had recorded up to a step.
    Fork {
        /// The last step taken over.
        step: String,
    },
    /// Hide an ended task.
    Dismiss,
    /// Delete what an ended task was given and made, for good.
    Erase,
}

impl Steer {
    /// What is being done, for a row: `aborting…`.
    pub(crate) fn doing(&self) -> &'static str {
        match self {
            Self::Abort => "aborting…",
            Self::Approve { .. } => "approving…",
            Self::Modify { .. } => "approving…",
            Self::Reject { .. } => "rejecting…",
            Self::Retry => "retrying…",
            Self::Rerun => "running again…",
            Self::Fork { .. } => "forking…",
            Self::Dismiss => "hiding…",
            Self::Erase => "erasing…",
        }
    }

    /// What was done, for a notice.
    pub(crate) fn done(&self) -> &'static str {
        match self {
            Self::Abort => "abort asked for",
            Self::Approve { .. } => "approved",
            Self::Modify { .. } => "approved with other arguments",
            Self::Reject { .. } => "rejected",
            Self::Retry => "queued for another attempt",
            Self::Rerun => "submitted again",
            Self::Fork { .. } => "forked",
            Self::Dismiss => "hidden",
            Self::Erase => "erased",
        }
    }

    /// Why it makes no sense for a task of this status; nothing if it does.
    pub(crate) fn unfit(&self, status: Status) -> Option<String> {
        let fits = match self {
            Self::Abort => !status.is_terminal() && status != Status::Aborting,
            Self::Approve { .. } | Self::Modify { .. } | Self::Reject { .. } => status == Status::Paused,
            Self::Retry => matches!(status, Status::Failed | Status::Aborted | Status::Expired),
            Self::Rerun | Self::Fork { .. } => true,
            Self::Dismiss | Self::Erase => status.is_terminal(),
        };
        let needs = match self {
            Self::Abort => "only a task that has not ended can be aborted",
            Self::Approve { .. } | Self::Modify { .. } | Self::Reject { .. } => "it asks for nothing",
            Self::Retry => "only a failed, aborted or expired task can be tried again",
            Self::Rerun | Self::Fork { .. } => "",
            Self::Dismiss => "only an ended task can be hidden",
            Self::Erase => "only an ended task can be erased",
        };
        (!fits).then(|| format!("it is {status}: {needs}"))
    }
}

/// What became of something asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// On its way.
    Underway,
    /// The log has it.
    Accepted,
}

/// Something that was asked of a task and has not shown itself yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) at: TaskRef,
    pub(crate) steer: Steer,
    pub(crate) since: Timestamp,
    pub(crate) fate: Fate,
    /// Together with others: of which bulk.
    pub(crate) bulk: Option<u32>,
}

/// Arguments being changed in an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) at: TaskRef,
    pub(crate) approval: ApprovalId,
    pub(crate) digest: Digest,
    /// As they were asked for.
    pub(crate) before: String,
    /// As they are now.
    pub(crate) text: String,
}

/// Something that is fetched or written for a task, and is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) at: TaskRef,
    /// `downloading…`
    pub(crate) doing: &'static str,
}
