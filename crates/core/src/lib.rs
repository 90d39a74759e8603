//! What is true of a task and what may happen next.
//!
//! Everything here is pure: no I/O, clock, randomness, async. [`decide()`] turns a state and a
//! command into events or a refusal, [`apply_commit`] folds events into a state, [`board`] orders
//! admission. Clients, schedulers, executors and projectors share this code, so that they cannot
//! disagree. JSON values appear as data only; encoding them is the wire crate's affair.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

pub mod apply;
pub mod beat;
pub mod board;
pub mod command;
pub mod decide;
pub mod event;
pub mod fits;
pub mod id;
pub mod ledger;
pub mod payload;
pub mod rejection;
pub mod snapshot;
pub mod status;
pub mod submission;
pub mod text;
pub mod time;

pub use apply::{Applied, Ignored, apply, apply_commit};
pub use beat::*;
pub use command::{Act, Command};
pub use decide::{Context, decide};
pub use event::*;
pub use fits::{Misfit, fits};
pub use id::*;
pub use ledger::*;
pub use payload::*;
pub use rejection::Rejection;
pub use snapshot::Snapshot;
pub use status::{Reason, Status};
pub use submission::*;
pub use text::Title;
pub use time::{Millis, Timestamp};
