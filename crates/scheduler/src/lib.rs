//! Admission, lost runs, timers: a fold of the log that appends what follows from it.
//!
//! A [`Scheduler`] follows each shard from its first record, keeps in memory who runs and who waits,
//! and appends what follows: admissions by the order of the [`board`](longhaul_core::board),
//! dispatches, losses of runs whose heartbeat is stale, spans and questions that are over.
//!
//! There is no leader. Any number of schedulers may run: what they append is checked by the log, and
//! the one that is behind is refused, follows, and decides again. A scheduler that stops loses
//! nothing: whatever it meant to do follows from the log, and the next one does it.
//!
//! Inside, each shard is one loop. It turns whatever happens into an input, hands it to a synchronous
//! function, and performs the effects that gives (`react`); nothing else decides.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod ear;
mod feed;
mod options;
mod perform;
mod react;
mod scheduler;
mod shard;
mod status;

#[cfg(test)]
mod tests;

pub use options::Options;
pub use scheduler::{Error, Scheduler};
pub use status::{Aside, ShardStatus, Status};
