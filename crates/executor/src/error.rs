//! Why an executor cannot work.

use longhaul_core::{InvalidId, Kind};

/// Why an executor cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No handler was given.
    #[error("the executor has no handler; give it one with `handle`")]
    NoHandler,
    /// A kind's name is not usable.
    #[error("a handler cannot be registered")]
    Kind(#[from] InvalidId),
    /// Two handlers for one kind.
    #[error("there are two handlers for the kind {0}; each kind has one")]
    TwoHandlers(Kind),
    /// It holds no run at all.
    #[error("the executor has no place for a run; give it 1 or more")]
    NoPlace,
    /// The log cannot be reached or read.
    #[error("the log is not available")]
    Journal(#[from] longhaul_journal::Error),
    /// The signals that end a process cannot be listened to.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
}
