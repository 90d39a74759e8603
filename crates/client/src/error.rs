//! What can go wrong for a caller, each with what to do next.

use std::time::Duration;

use longhaul_core::text::InvalidTitle;
use longhaul_core::{InvalidId, Rejection, Status, TaskId};
use longhaul_journal::{ActError, CommitError};

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given cannot be used; nothing was written.
    #[error("{what}: {why}")]
    Invalid {
        /// Which part.
        what: String,
        /// What is wrong with it and what would be right.
        why: String,
    },
    /// No such task in this organisation.
    #[error("no task {0} in this organisation; check the id and the organisation")]
    NotFound(TaskId),
    /// The rules do not allow it now.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The idempotency key stands for another submission.
    #[error(
        "the idempotency key {key:?} was used for task {task} with another body; use a new key for a new task"
    )]
    KeyConflict {
        /// The key.
        key: String,
        /// The task it names.
        task: TaskId,
    },
    /// The conversation has a live task and the submission said `reject`.
    #[error(
        "the conversation is busy with task {task}, which is {status}; wait for it, join it or interrupt it"
    )]
    Busy {
        /// Its live task.
        task: TaskId,
        /// Where that stands.
        status: Status,
    },
    /// The task named in `continues` did not complete.
    #[error(
        "task {task} is {status}; only a completed task is continued unless the organisation's policy allows it"
    )]
    NotContinuable {
        /// Which.
        task: TaskId,
        /// How it stands.
        status: Status,
    },
    /// No artifact of that name.
    #[error("task {task} has no artifact {name:?}; it has: {known}")]
    NoArtifact {
        /// Which task.
        task: TaskId,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It did not come about in time. The task goes on.
    #[error("task {task} is still {status} after {waited:?}; it goes on, ask again later")]
    TimedOut {
        /// Which task.
        task: TaskId,
        /// Where it stands.
        status: Status,
        /// How long was waited.
        waited: Duration,
    },
    /// Nobody answers questions.
    #[error(
        "no projector answers; start one: `longhaul up`, or `longhaul project` beside the other services"
    )]
    NoProjector,
    /// A projector refused the question.
    #[error("the query was refused ({code}): {message}")]
    Query {
        /// Like an HTTP status.
        code: u16,
        /// Why.
        message: String,
    },
    /// The log.
    #[error(transparent)]
    Journal(#[from] longhaul_journal::Error),
    /// An append.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Error {
    /// Whether the same call may succeed later: the log was out of reach, or others were faster. A
    /// submission that ends like this may have been stored; only one with an idempotency key can be
    /// repeated without becoming a second task.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Journal(error) => error.is_transient(),
            Self::Commit(error) => error.is_transient(),
            Self::NoProjector => true,
            _ => false,
        }
    }

    pub(crate) fn invalid(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Invalid { what: what.into(), why: why.to_string() }
    }
}

impl From<InvalidId> for Error {
    fn from(error: InvalidId) -> Self {
        Self::invalid("an id is not usable", error)
    }
}

impl From<InvalidTitle> for Error {
    fn from(error: InvalidTitle) -> Self {
        Self::invalid("the title is not usable", error)
    }
}

impl From<ActError> for Error {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Rejected(no) => Self::Refused(no),
            ActError::Journal(error) => Self::Journal(error),
        }
    }
}
