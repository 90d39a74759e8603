//! The conformance suite of the journal over the failure-injecting twin, and what the twin itself
//! may never do.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use longhaul_journal::Shards;
use longhaul_journal::conformance::{self, Bed};
use longhaul_journal::faulty::{Faults, Faulty};
use longhaul_journal::memory::Memory;

fn bed(shards: u16, seed: u64, faults: Faults) -> Bed {
    let wait = Duration::from_secs(2);
    let memory = Memory::with_dispatch_wait(Shards::new(shards).unwrap(), wait);
    let port = |seed| Arc::new(Faulty::new(Arc::new(memory.clone()), seed, faults));
    Bed { port: port(seed), other: port(seed + 1), dispatch_wait: wait }
}

#[tokio::test(start_paused = true)]
async fn without_faults_it_is_the_port_below() {
    let bed = bed(4, 0, Faults::NONE);
    assert!(conformance::run(&bed, conformance::port::CHECKS).await.is_empty());
    assert!(conformance::run(&bed, conformance::journal::CHECKS).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_journal_keeps_its_word_on_a_bad_day() {
    for seed in 0..16 {
        let bed = bed(if seed % 2 == 0 { 1 } else { 4 }, seed * 1000, Faults::MANY);
        let failed = conformance::run(&bed, conformance::journal::CHECKS).await;
        assert!(failed.is_empty(), "with seed {seed}: {failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_server_has_what_was_acknowledged() {
    let wait = Duration::from_secs(30);
    let memory = Memory::with_dispatch_wait(Shards::ONE, wait);
    // Slow enough to be under way when it happens.
    let slow = Faults { slow: 1000, while_: Duration::from_millis(20), ..Faults::NONE };
    let bed = Bed::new(Arc::new(Faulty::new(Arc::new(memory.clone()), 1, slow)), wait);
    let restarts = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(70)).await;
            memory.stop();
            tokio::time::sleep(Duration::from_millis(200)).await;
            memory.start();
        }
    });
    assert!(conformance::run(&bed, conformance::journal::CHECKS).await.is_empty());
    restarts.abort();
}
