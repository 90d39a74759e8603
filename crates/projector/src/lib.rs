//! Folds the log into a SQLite read model and answers questions about it.
//!
//! Nothing here is truth: the model is a fold of the log, and can be deleted at any time. Rows and
//! position are written in one transaction, so that after a crash the fold goes on exactly where it
//! was. A model of another version, of a log with other shards, or of a log that does not go on where
//! the model stopped, is built anew from nothing.
//!
//! [`Projector::open`] opens the model, [`Projector::run`] follows the log and serves questions,
//! [`Handle::ask`] asks in the same process. Any number of projectors may run, each with its own
//! directory; whichever takes a question answers it, and `at_least` makes sure that it knows what the
//! asker knows.
//!
//! What users have read of their notifications is the one thing that is not in the log: see
//! [`longhaul_wire::query::MarkRead`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod ahead;
mod answer;
mod beats;
mod catch_up;
mod error;
mod follow;
mod gather;
mod handle;
mod model;
mod projector;
mod service;
mod shared;

pub use answer::Answer;
pub use catch_up::rebuild;
pub use error::{Error, QueryError};
pub use handle::Handle;
#[cfg(test)]
pub(crate) use model::dump;
pub use projector::{Options, Projector};
pub use shared::Standing;

#[cfg(test)]
mod tests;
