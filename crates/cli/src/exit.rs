//! What can go wrong, in the shell's terms: every error is put into one class here, and nowhere else.

use longhaul_client::Error as ClientError;
use longhaul_core::{Rejection, Status};
use longhaul_journal::CommitError;

/// Exit codes; stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Aborted = 3,
    Expired = 4,
    NotFound = 5,
    Refused = 6,
    Unreachable = 7,
    TimedOut = 124,
    Interrupted = 130,
}

impl Code {
    /// What the end of a task means for the caller.
    pub(crate) fn of(status: Status) -> Self {
        match status {
            Status::Completed | Status::Pending | Status::Running | Status::Paused | Status::Aborting => {
                Self::Done
            }
            Status::Failed => Self::Failed,
            Status::Aborted => Self::Aborted,
            Status::Expired => Self::Expired,
        }
    }

    /// The more telling of two: a failure before an abort before an expiry before success.
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |code: Self| match code {
            Self::Done => 0,
            Self::Expired => 1,
            Self::Aborted => 2,
            _ => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Something the user can mend, with the code it exits with.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Told {
    pub(crate) code: Code,
    pub(crate) text: String,
}

/// An error of the user's making.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    Told { code: Code::Usage, text: text.into() }.into()
}

/// An error with a code.
pub(crate) fn told(code: Code, text: impl Into<String>) -> anyhow::Error {
    Told { code, text: text.into() }.into()
}

/// The code an error exits with.
pub(crate) fn code(error: &anyhow::Error) -> Code {
    for cause in error.chain() {
        if let Some(told) = cause.downcast_ref::<Told>() {
            return told.code;
        }
        if let Some(error) = cause.downcast_ref::<ClientError>() {
            return client(error);
        }
        if let Some(error) = cause.downcast_ref::<longhaul_journal::Error>() {
            return journal(error);
        }
        if cause.downcast_ref::<longhaul_broker::Error>().is_some() {
            return Code::Unreachable;
        }
    }
    Code::Failed
}

fn client(error: &ClientError) -> Code {
    match error {
        ClientError::Invalid { .. } => Code::Usage,
        ClientError::NotFound(_)
        | ClientError::NoArtifact { .. }
        | ClientError::Refused(Rejection::NotFound) => Code::NotFound,
        ClientError::Refused(_)
        | ClientError::KeyConflict { .. }
        | ClientError::Busy { .. }
        | ClientError::NotContinuable { .. } => Code::Refused,
        ClientError::TimedOut { .. } => Code::TimedOut,
        ClientError::Query { code: 400, .. } => Code::Usage,
        ClientError::Query { code: 404, .. } => Code::NotFound,
        ClientError::Query { .. } | ClientError::NoProjector => Code::Unreachable,
        ClientError::Journal(error) => journal(error),
        ClientError::Commit(error) => commit(error),
    }
}

fn journal(error: &longhaul_journal::Error) -> Code {
    use longhaul_journal::Error;
    match error {
        Error::TooLarge { .. } | Error::Malformed { .. } => Code::Usage,
        Error::Gone | Error::Role { .. } => Code::Refused,
        Error::Corrupt { .. } => Code::Failed,
        Error::Contended => Code::TimedOut,
        Error::Commit(error) => commit(error),
        Error::Port(_) | Error::Ended(_) => Code::Unreachable,
    }
}

fn commit(error: &CommitError) -> Code {
    match error {
        CommitError::TooLarge { .. } | CommitError::Unusable(_) => Code::Usage,
        CommitError::Conflict | CommitError::Refused(_) => Code::Refused,
        CommitError::Unavailable(_) | CommitError::Uncertain(_) => Code::Unreachable,
    }
}
