//! The conformance suite, over two connections.

use longhaul_journal::conformance::{self, Bed};
use longhaul_journal::port::Durability;

use crate::server::{port, start};

async fn conforms(shards: u16, durability: Durability) {
    let place = start(durability).await;
    let (one, other) = (place.connect(shards).await, place.connect(shards).await);
    let bed = Bed { port: port(&one), other: port(&other) };
    let mut failed = conformance::run(&bed, conformance::port::CHECKS).await;
    failed.extend(conformance::run(&bed, conformance::journal::CHECKS).await);
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_shard_on_a_strict_server() {
    conforms(1, Durability::Strict).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_shards_on_a_relaxed_server() {
    conforms(4, Durability::Relaxed).await;
}
