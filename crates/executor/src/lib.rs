//! Runs handlers: steps, progress, checkpoints, approvals, heartbeats, drain.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod failure;
mod handler;
mod patience;
mod run;
mod voice;
mod write;

pub use failure::Failure;
pub use handler::Handler;
pub use run::{APPROVAL_TIME, Budget, Decided, Run, Step};
