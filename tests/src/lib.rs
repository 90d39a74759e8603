//! Harness for the cross-crate tests: a real nats-server, real processes, bounded waits.
//!
//! Nothing here sleeps and hopes: [`eventually`] waits for a condition, within a generous bound.
//! Processes are ended by their own id when their handle is dropped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's harness may panic")]

pub mod fault;
pub mod model;
pub mod process;
pub mod screen;
pub mod storm;
pub mod talk;
pub mod toolchains;
pub mod world;

use std::time::{Duration, Instant};

pub use process::{Output, Process, binary, longhaul};
pub use world::{Services, World};

/// How long anything may take before it counts as not happening. Two busy cores are slow.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `look` finds something.
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
