//! Long tasks: many slices, one result.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_core::*;
use longhaul_tests::World;
use longhaul_tests::world::{ended, rehearsal, submit};

async fn nothing_is_lost_or_repeated(shards: u16) {
    let world = World::new(shards).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let limits = Limits { slice: Millis(150), ..Limits::default() };
    let task = submit(&client, rehearsal("slow 30 30").limits(limits)).await;
    let done = ended(&client, task).await;
    assert_eq!(done.status, Status::Completed, "{}", done.reason_text());
    assert!(done.run.0 >= 3, "it crossed its slices: {} runs", done.run);
    assert_eq!(done.attempt, 1);
    let recorded = world.recorded(task).await;
    let distinct: std::collections::BTreeSet<_> = recorded.iter().collect();
    assert_eq!((recorded.len(), distinct.len()), (30, 30));
    // The text of every step is there once, in order.
    let text = client.text(task).await.unwrap();
    let pieces: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut once = pieces.clone();
    once.dedup();
    assert_eq!(pieces.len(), once.len(), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_short_slices_with_one_shard() {
    nothing_is_lost_or_repeated(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_short_slices_with_four_shards() {
    nothing_is_lost_or_repeated(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_ends_at_its_span() {
    let world = World::new(1).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let limits = Limits { slice: Millis(100), span: Millis(500), ..Limits::default() };
    let task = submit(&client, rehearsal("slow 10000 20").limits(limits)).await;
    let done = ended(&client, task).await;
    assert_eq!(done.status, Status::Expired);
    assert!(matches!(done.reason, Reason::SpanExceeded { span: Millis(500), .. }), "{:?}", done.reason);
    assert!(done.run.0 >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_wait_and_end_by_policy() {
    let world = World::new(1).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let flaky = longhaul_client::NewTask::new(
        "exec",
        "flaky",
        &serde_json::json!({
            "program": "sh", "args": ["-c", "exit 75"]
        }),
    )
    .unwrap()
    .retry(RetryPolicy { max_attempts: 3, backoff: Millis(50), ..RetryPolicy::default() });
    let task = submit(&client, flaky).await;
    let done = ended(&client, task).await;
    assert_eq!((done.status, done.attempt), (Status::Failed, 3));
    let names = world.names(task).await;
    assert_eq!(names.iter().filter(|name| **name == "failed").count(), 3);
    assert_eq!(names.iter().filter(|name| **name == "retried").count(), 2);
}
