//! The conformance suite over the in-memory twin.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use longhaul_journal::Shards;
use longhaul_journal::conformance::{self, Bed};
use longhaul_journal::memory::Memory;

fn bed(shards: u16) -> Bed {
    let wait = Duration::from_secs(2);
    let memory = Memory::with_dispatch_wait(Shards::new(shards).unwrap(), wait);
    Bed::new(Arc::new(memory), wait)
}

#[tokio::test(start_paused = true)]
async fn the_port_keeps_its_word() {
    for shards in [1, 4] {
        assert!(conformance::run(&bed(shards), conformance::port::CHECKS).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_journal_keeps_its_word() {
    for shards in [1, 4] {
        assert!(conformance::run(&bed(shards), conformance::journal::CHECKS).await.is_empty());
    }
}
