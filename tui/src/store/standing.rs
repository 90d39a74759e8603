//! Where a task stands, as people tell tasks apart: the eight statuses, and of a pending or running
//! one whether it needs a look.

use longhaul_core::Status;

/// Where a task stands, those that need somebody first: this is the default order of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    /// Waits for an approval.
    Paused,
    /// Ended by an error.
    Failed,
    /// Its time ran out.
    Expired,
    /// Runs, but its executor was not heard of lately.
    Stalled,
    /// Will stop at its next checkpoint.
    Aborting,
    /// Waits for its next attempt.
    Retrying,
    /// Runs.
    Running,
    /// Waits because of others: a cap, a budget, a conversation, no executor.
    Held,
    /// Waits for its time or its turn.
    Pending,
    /// Stopped on request.
    Aborted,
    /// Finished.
    Completed,
}

impl Standing {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 11] = [
        Self::Paused,
        Self::Failed,
        Self::Expired,
        Self::Stalled,
        Self::Aborting,
        Self::Retrying,
        Self::Running,
        Self::Held,
        Self::Pending,
        Self::Aborted,
        Self::Completed,
    ];

    /// Where a task of this status stands. `late`: its executor is not heard of; `held`: others are
    /// in its way.
    pub(crate) fn of(status: Status, attempt: u32, late: bool, held: bool) -> Self {
        match status {
            Status::Paused => Self::Paused,
            Status::Failed => Self::Failed,
            Status::Expired => Self::Expired,
            Status::Running | Status::Aborting if late => Self::Stalled,
            Status::Aborting => Self::Aborting,
            Status::Running => Self::Running,
            Status::Pending if held => Self::Held,
            Status::Pending if attempt > 1 => Self::Retrying,
            Status::Pending => Self::Pending,
            Status::Aborted => Self::Aborted,
            Status::Completed => Self::Completed,
        }
    }

    /// The word shown and searched for.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Stalled => "stalled",
            Self::Aborting => "aborting",
            Self::Retrying => "retrying",
            Self::Running => "running",
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Aborted => "aborted",
            Self::Completed => "completed",
        }
    }

    /// Whether somebody should look at it.
    pub(crate) fn wants_attention(self) -> bool {
        matches!(self, Self::Paused | Self::Failed | Self::Expired | Self::Stalled)
    }
}
