//! How a handler ends when it does not end well.

use std::error::Error;
use std::fmt;

use longhaul_core::TaskError;

/// Why a handler did not give its output: an error, or a checkpoint that told it to stop.
///
/// Any error becomes a `Failure` through `?`: not retryable, with the code [`Failure::ERROR`]. Where
/// the same work may succeed later, say so with [`Failure::retryable`].
///
/// Like an error of `anyhow` it is not itself a [`std::error::Error`]: that is what lets every error
/// become one.
pub struct Failure(Why);

enum Why {
    /// The run has ended in the log: nothing the handler does counts any more.
    Stop,
    Error(TaskError),
}

impl Failure {
    /// The code of an error that came through `?` without one of its own.
    pub const ERROR: &str = "error";

    /// An error that may go away: the same work may succeed later. Whether it is tried again is the
    /// task's retry policy.
    ///
    /// `code` is for programs and stable, `message` for people: what went wrong, on what, what to do
    /// next.
    pub fn retryable(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Why::Error(TaskError { code: code.into(), message: message.into(), retryable: true }))
    }

    /// An error that stays: the same work would fail again.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Why::Error(TaskError { code: code.into(), message: message.into(), retryable: false }))
    }

    /// The run has ended in the log; see [`Failure::is_stop`].
    pub(crate) fn stop() -> Self {
        Self(Why::Stop)
    }

    /// Whether this is no error but the way out of a handler whose run has ended: it was aborted, its
    /// slice is over, it waits for an approval, or another run has taken over.
    ///
    /// Pass it on. A handler that swallows it does no harm: nothing more of its run is recorded.
    pub fn is_stop(&self) -> bool {
        matches!(self.0, Why::Stop)
    }

    /// The error, unless this is a stop.
    pub fn error(&self) -> Option<&TaskError> {
        match &self.0 {
            Why::Stop => None,
            Why::Error(error) => Some(error),
        }
    }

    /// The error's code, `stop` for a stop.
    pub fn code(&self) -> &str {
        self.error().map_or("stop", |error| &error.code)
    }

    /// Whether the same work may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.error().is_some_and(|error| error.retryable)
    }

    /// What goes into the log; nothing for a stop.
    pub(crate) fn into_error(self) -> Option<TaskError> {
        match self.0 {
            Why::Stop => None,
            Why::Error(error) => Some(error),
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::permanent(Self::ERROR, chain(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Stop => f.write_str("the run has ended"),
            Why::Error(error) => write!(f, "{}: {}", error.code, error.message),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Stop => f.write_str("Failure::Stop"),
            Why::Error(error) => f.debug_tuple("Failure").field(error).finish(),
        }
    }
}

/// An error and what caused it, each part once, with `: ` between.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some errors repeat their source in their own words.
        if !out.ends_with(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        source = cause.source();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the album")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn any_error_becomes_a_permanent_failure_with_its_causes() {
        let failure = Failure::from(Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(failure.to_string(), "error: cannot read the album: invalid digit found in string");
        assert!(!failure.is_retryable() && !failure.is_stop());
    }

    #[test]
    fn a_stop_is_no_error() {
        assert!(Failure::stop().is_stop());
        assert_eq!(Failure::stop().error(), None);
        assert_eq!(Failure::stop().code(), "stop");
    }
}
