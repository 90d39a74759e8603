//! Executors over the in-memory log, with a scheduler that admits everything.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod stage;

mod aborts;
mod approvals;
mod dispatch;
mod ends;
mod exec;
mod faults;
mod killed;
mod rehearsal;
mod slices;
mod steps;
mod words;
