//! What can go wrong while the read model is opened, folded or asked.

use std::path::PathBuf;
use std::time::Duration;

use longhaul_core::Sequence;
use longhaul_wire::Shard;

/// Why a projector cannot open or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory or a file in it cannot be used.
    #[error("{path} cannot be used; check that the directory exists or can be made, and its permissions")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process folds into the same directory.
    #[error("another projector uses {path}; give each its own directory")]
    InUse {
        /// The lock that is held.
        path: PathBuf,
    },
    /// The file is a database, but not one of ours: it is not touched.
    #[error("{path} is not a read model of longhaul; give another directory, or move the file away")]
    Foreign {
        /// Which.
        path: PathBuf,
    },
    /// The database refuses.
    #[error("the read model cannot be {what}")]
    Database {
        /// What was tried: `opened`, `written`.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A row says what this program never wrote.
    #[error("the read model is damaged: {what}; delete its directory, it is rebuilt from the log")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// The log does not go on where this read model stopped: it is another log, or lost its tail.
    #[error("the log no longer holds what shard {shard} of the read model was folded from, up to {folded}")]
    OtherLog {
        /// Which shard.
        shard: Shard,
        /// How far the model is.
        folded: Sequence,
    },
    /// The log cannot be read.
    #[error("the log cannot be followed")]
    Journal(#[from] longhaul_journal::Error),
    /// The part of the program that folds ended by itself.
    #[error("the projector stopped in the middle of its work; start it again, nothing is lost")]
    Stopped,
}

impl Error {
    /// Whether the same batch may succeed later: the disk was full, the file was busy.
    pub(crate) fn is_transient(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        let Self::Database { source, .. } = self else { return false };
        matches!(
            source.sqlite_error_code(),
            Some(
                Code::DiskFull
                    | Code::DatabaseBusy
                    | Code::DatabaseLocked
                    | Code::SystemIoFailure
                    | Code::OutOfMemory
            )
        )
    }

    /// Whether the file itself is broken: nothing of it can be kept.
    pub(crate) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        match self {
            Self::Damaged { .. } => true,
            Self::Database { source, .. } => {
                matches!(source.sqlite_error_code(), Some(Code::DatabaseCorrupt | Code::NotADatabase))
            }
            _ => false,
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question itself is not usable.
    #[error("{0}")]
    Unusable(String),
    /// There is no endpoint of this name.
    #[error("there is no endpoint {0:?}")]
    NoEndpoint(String),
    /// The id alone names tasks of several organisations.
    #[error("{0} organisations have a task of this id; name the organisation")]
    Ambiguous(u64),
    /// Not folded as far as asked.
    #[error(
        "shard {shard} is folded up to {folded}, not up to {asked} as asked, after {waited:?}; ask again, or ask without `at_least`"
    )]
    Behind {
        /// Which shard.
        shard: Shard,
        /// How far it is.
        folded: Sequence,
        /// How far it should be.
        asked: Sequence,
        /// How long was waited.
        waited: Duration,
    },
    /// It took too long.
    #[error("the answer would take longer than {0:?}; narrow the filter")]
    TooSlow(Duration),
    /// Too many questions at once.
    #[error("too many questions at once; ask again in a moment")]
    Busy,
    /// The read model does not answer.
    #[error("the read model does not answer: {0}")]
    Internal(String),
}

impl QueryError {
    /// The code the service answers with, in the manner of HTTP.
    pub fn code(&self) -> u16 {
        match self {
            Self::Unusable(_) => 400,
            Self::NoEndpoint(_) => 404,
            Self::Ambiguous(_) => 409,
            Self::Behind { .. } | Self::TooSlow(_) => 504,
            Self::Busy => 503,
            Self::Internal(_) => 500,
        }
    }
}

/// An error and what led to it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
