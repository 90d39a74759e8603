//! The conformance suite over the in-memory twin.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use longhaul_journal::conformance::{self, Bed};
use longhaul_journal::memory::Memory;
use longhaul_journal::{Error, Journal, MAX_PAYLOAD, Shards};

fn bed(shards: u16) -> Bed {
    let memory = Memory::new(Shards::new(shards).unwrap());
    Bed::new(Arc::new(memory))
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

#[tokio::test]
async fn a_payload_has_its_bounds() {
    let journal = Journal::memory(Shards::ONE);
    let json_of = |size: u64| serde_json::Value::String("x".repeat(usize::try_from(size - 2).unwrap()));
    let largest = json_of(MAX_PAYLOAD);
    let payload = journal.store_payload(largest.clone()).await.unwrap();
    assert!(journal.load_payload(&payload).await.unwrap() == largest);
    let refused = journal.store_payload(json_of(MAX_PAYLOAD + 1)).await;
    assert!(matches!(refused, Err(Error::TooLarge { size, limit, .. }) if size == limit + 1), "{refused:?}");
}
