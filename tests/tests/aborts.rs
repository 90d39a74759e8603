//! Aborts at every moment of a task's life: one outcome each, and a story that says what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_client::{AbortOutcome, Until};
use longhaul_core::*;
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{PATIENCE, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn while_it_waits() {
    let world = World::new(1).await;
    let client = world.client("ann");
    // Nothing runs yet: it is pending for sure.
    let pending = submit(&client, rehearsal("hello")).await;
    let delayed =
        submit(&client, rehearsal("hello").not_before(world.journal.now().plus(Millis::minutes(60)))).await;
    for task in [pending, delayed] {
        let answer = client.abort(task, Some("not needed")).await.unwrap();
        assert_eq!(answer.outcome, AbortOutcome::AtOnce);
        assert_eq!(answer.abort.unwrap().reason.as_deref(), Some("not needed"));
    }
    let _services = world.services(4).await;
    // The scheduler works, and never starts them.
    let after = submit(&client, rehearsal("hello")).await;
    ended(&client, after).await;
    for task in [pending, delayed] {
        assert_eq!(world.names(task).await, ["submitted", "abort_requested", "aborted"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_runs_twice_and_after_the_end() {
    let world = World::new(4).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 10000 20")).await;
    eventually("three steps", async || (world.recorded(task).await.len() >= 3).then_some(())).await;
    let (first, second) = tokio::join!(
        client.abort_and_wait(task, Some("enough"), PATIENCE),
        client.abort_and_wait(task, Some("too late"), PATIENCE),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.snapshot.status, Status::Aborted);
    let story = first.abort.unwrap();
    assert_eq!(Some(&story), second.abort.as_ref(), "both are told the same");
    assert!(story.checkpoint.is_some() && story.observed_at.is_some());
    assert!(story.steps_after.len() <= 1, "it stopped at the next checkpoint: {:?}", story.steps_after);
    let names = world.names(task).await;
    assert_eq!(names.iter().filter(|name| **name == "abort_requested").count(), 1);
    assert_eq!(names.last(), Some(&"aborted"));
    assert_eq!(client.abort(task, None).await.unwrap().outcome, AbortOutcome::EndedAlready);
    // A retry begins where it stopped.
    let before = world.recorded(task).await;
    client.retry(task).await.unwrap();
    eventually("it goes on", async || (world.recorded(task).await.len() > before.len()).then_some(())).await;
    client.abort_and_wait(task, None, PATIENCE).await.unwrap();
    let recorded = world.recorded(task).await;
    let distinct: std::collections::BTreeSet<_> = recorded.iter().collect();
    assert_eq!(distinct.len(), recorded.len(), "no step is recorded twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_waits_for_a_person() {
    let world = World::new(1).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let task = submit(&client, rehearsal("approve")).await;
    let paused = client.wait_until(task, Until::EndedOrPaused, Some(PATIENCE)).await.unwrap();
    let open = paused.open_approval().unwrap().clone();
    assert_eq!(client.abort(task, None).await.unwrap().outcome, AbortOutcome::AtOnce);
    let late = client.decide(task, open.id, open.digest, Decision::Approved).await;
    assert!(late.is_err(), "a dead question takes no answer");
    assert_eq!(client.get(task).await.unwrap().status, Status::Aborted);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_hand_over_between_runs() {
    let world = World::new(1).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    // Slices of 60 ms: most of its time is hand-over.
    for _ in 0..8 {
        let limits = Limits { slice: Millis(60), ..Limits::default() };
        let task = submit(&client, rehearsal("slow 10000 20").limits(limits)).await;
        eventually("a second run", async || {
            (client.get(task).await.unwrap().run >= RunNumber(2)).then_some(())
        })
        .await;
        client.abort_and_wait(task, None, PATIENCE).await.unwrap();
        let names = world.names(task).await;
        let asked = names.iter().position(|name| *name == "abort_requested").unwrap();
        assert!(!names[asked..].contains(&"started"), "started after a seen abort: {names:?}");
        assert_eq!(names.iter().filter(|name| **name == "aborted").count(), 1);
        assert_eq!(names.last(), Some(&"aborted"));
    }
}
