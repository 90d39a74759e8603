//! Where a task stands, and why: in data, and in words made from it.

use serde::{Deserialize, Serialize};

use crate::event::{AdmissionReason, Continuation};
use crate::id::{ApprovalId, RunNumber};
use crate::snapshot::Snapshot;
use crate::time::{Millis, Timestamp};

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; waits for a slot, a time, an executor.
    Pending,
    /// An executor holds it.
    Running,
    /// Waits for an approval.
    Paused,
    /// An abort is recorded, the run has not yet reached a checkpoint.
    Aborting,
    /// Finished, output recorded.
    Completed,
    /// Ended by an error.
    Failed,
    /// Stopped on request.
    Aborted,
    /// Its time ran out.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Running,
        Self::Paused,
        Self::Aborting,
        Self::Completed,
        Self::Failed,
        Self::Aborted,
        Self::Expired,
    ];

    /// Whether the task has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Aborted | Self::Expired)
    }

    /// Whether a run is under way.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Aborting)
    }

    /// The word the log and every screen use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Aborting => "aborting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Expired => "expired",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Not one of the eight statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no status {0:?}; one of pending, running, paused, aborting, completed, failed, aborted, expired")]
pub struct UnknownStatus(String);

impl std::str::FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.chars().take(40).collect()))
    }
}

/// Why a task is in its status, with the figures; prose is made from this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Pending: just submitted.
    Submitted,
    /// Pending: its run ended at its slice or a drain.
    Continued {
        /// Which of the two.
        why: Continuation,
    },
    /// Pending: a new attempt.
    Retrying {
        /// Its number.
        attempt: u32,
        /// The error that ended the one before, where one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Pending: an approval was decided.
    Decided {
        /// Which.
        approval: ApprovalId,
    },
    /// Pending: its run was lost; a new attempt follows.
    Reassigned {
        /// The run that was lost.
        run: RunNumber,
        /// The last word heard of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_beat: Option<Timestamp>,
    },
    /// Running.
    Admitted {
        /// Why it was its turn.
        why: AdmissionReason,
    },
    /// Paused.
    AwaitingApproval {
        /// Which.
        approval: ApprovalId,
    },
    /// Aborting: somebody asked.
    AbortRequested {
        /// Who.
        by: String,
    },
    /// Completed.
    Finished,
    /// Failed.
    Error {
        /// The error's code.
        error: String,
    },
    /// Aborted.
    Aborted {
        /// Who asked.
        by: String,
        /// Where it stopped; nothing if it was not running.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checkpoint: Option<String>,
    },
    /// Expired: the span of its runs is used up.
    SpanExceeded {
        /// What was allowed.
        span: Millis,
        /// What was used.
        ran: Millis,
    },
    /// Expired: no heartbeat within the lease, and no attempt left.
    HeartbeatLost {
        /// The last word heard.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_beat: Option<Timestamp>,
        /// How old it might have been.
        lease: Millis,
    },
}

impl Snapshot {
    /// Why it is in its status, in words.
    pub fn reason_text(&self) -> String {
        match &self.reason {
            Reason::Submitted => "just submitted".to_owned(),
            Reason::Continued { why: Continuation::Slice } => {
                format!("run {} reached its slice of {}", self.run, self.limits.slice)
            }
            Reason::Continued { why: Continuation::Drain } => {
                format!("the executor of run {} shut down", self.run)
            }
            Reason::Retrying { attempt, error } => match error {
                Some(code) => format!("attempt {attempt} after the error {code}"),
                None => format!("attempt {attempt}"),
            },
            Reason::Decided { .. } => "its approval was decided".to_owned(),
            Reason::Reassigned { run, .. } => format!("run {run} was lost; attempt {}", self.attempt),
            Reason::Admitted { .. } => format!("run {}", self.run),
            Reason::AwaitingApproval { .. } => match self.open_approval() {
                Some(open) => format!("waits for approval of {}", open.action),
                None => "waits for an approval".to_owned(),
            },
            Reason::AbortRequested { by } => format!("abort asked for by {by}"),
            Reason::Finished => "finished".to_owned(),
            Reason::Error { error } => match &self.error {
                Some(known) => format!("{error}: {}", known.message),
                None => error.clone(),
            },
            Reason::Aborted { by, checkpoint } => match checkpoint {
                Some(at) => format!("aborted by {by}, stopped at {at}"),
                None => format!("aborted by {by} while nothing was under way"),
            },
            Reason::SpanExceeded { span, ran } => format!("ran {ran} of the {span} it may take in all"),
            Reason::HeartbeatLost { lease, .. } => format!("no heartbeat within {lease}"),
        }
    }
}
