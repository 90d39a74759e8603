//! What can go wrong above the port.

use longhaul_core::{Rejection, Role, Sequence};
use longhaul_wire::{DecodeError, EncodeError, Subject};

use crate::port::PortError;

/// Why something could not be read, stored or said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log, or the object store, did not do it.
    #[error("the log is not available")]
    Port(#[from] PortError),
    /// A commit did not come about.
    #[error("the commit did not come about")]
    Commit(#[from] CommitError),
    /// A record cannot be read: its task is put aside until a program that can read it comes along.
    #[error("record {sequence} under {subject} cannot be read")]
    Corrupt {
        /// Under which subject.
        subject: Subject,
        /// Where.
        sequence: Sequence,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// Something is larger than it may be.
    #[error("{what} has {size} bytes; at most {limit} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size, in bytes.
        size: u64,
        /// The bound, in bytes.
        limit: u64,
    },
    /// The payload was erased.
    #[error("the payload was erased; nothing of it is left")]
    Gone,
    /// What was stored or said is not JSON of the expected form.
    #[error("{what} is not readable")]
    Malformed {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The fold would refuse what was to be written: its writer's role may not say it.
    #[error("a writer in the role {role:?} may not say this; nothing was written")]
    Role {
        /// The role.
        role: Role,
    },
    /// Others wrote to it, again and again, for as long as it was tried.
    #[error("others kept writing to the same; nothing was written, try again")]
    Contended,
    /// What was followed came to its end.
    #[error("the log of shard {0} can no longer be followed; connect again")]
    Ended(u16),
}

/// Why a commit, an admission, a claim or a policy was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody wrote to the subject since: load, decide again.
    #[error("another writer was faster")]
    Conflict,
    /// It is larger than a record may be.
    #[error(
        "the record would have {size} bytes; at most {limit} are allowed; put large values into the object store"
    )]
    TooLarge {
        /// Its size, in bytes.
        size: usize,
        /// The bound, in bytes.
        limit: usize,
    },
    /// Nobody could read it back; it was not written.
    #[error("the record is not usable")]
    Unusable(#[source] EncodeError),
    /// The server refuses to store it; trying again does not help.
    #[error("the server does not store it")]
    Refused(#[source] PortError),
    /// It did not happen, and the time for trying is over.
    #[error("the log is not available")]
    Unavailable(#[source] PortError),
    /// The time for trying is over, and whether it happened is not known: load, and look.
    #[error("whether it was stored is not known")]
    Uncertain(#[source] PortError),
}

/// Why a command had no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The rules do not allow it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] Error),
}

impl From<CommitError> for ActError {
    fn from(error: CommitError) -> Self {
        Self::Journal(error.into())
    }
}

impl Error {
    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Port(why) => matches!(why, PortError::Unreachable(_)),
            Self::Commit(why) => why.is_transient(),
            Self::Contended | Self::Ended(_) => true,
            Self::Corrupt { .. }
            | Self::TooLarge { .. }
            | Self::Gone
            | Self::Malformed { .. }
            | Self::Role { .. } => false,
        }
    }
}

impl CommitError {
    /// Whether the same commit may succeed later. After a conflict it never does: another has to be
    /// decided on.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Uncertain(_))
    }
}
