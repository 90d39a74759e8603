//! Acknowledgements that are lost and connections that break, between a client or a service and the
//! server: what was acknowledged is stored once, and no step twice.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longhaul_core::*;
use longhaul_tests::fault::{Proxy, client_over, journal_at, runs, start_at, told};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{World, eventually};

/// As long as a connection is up and something is said, loses what the server answers and then the
/// connection. Returns after so many losses.
async fn lose(proxy: &Proxy, times: u32) {
    for _ in 0..times {
        eventually("a connection", async || (proxy.counts().open > 0).then_some(())).await;
        let before = proxy.counts().swallowed;
        proxy.swallow_answers(true);
        eventually("a lost answer", async || (proxy.counts().swallowed > before + 3).then_some(())).await;
        proxy.cut();
        proxy.swallow_answers(false);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_whose_answer_is_lost_is_stored_once() {
    let world = World::new(2).await;
    let proxy = Arc::new(Proxy::start(world.server.url()));
    let journal = journal_at(&proxy.url(), world.server.token()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let submitting: Vec<_> = (0..16)
        .map(|n| {
            let (client, stop) = (client_over(&journal, &format!("user-{n}")), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    // Without a key: nobody but the journal can find the lost one again.
                    acknowledged.push(submit(&client, rehearsal("hello")).await);
                }
                acknowledged
            })
        })
        .collect();
    lose(&proxy, 10).await;
    // Once without a cut: nothing but silence tells of the loss.
    let before = proxy.counts().swallowed;
    proxy.swallow_answers(true);
    eventually("a lost answer", async || (proxy.counts().swallowed >= before + 16).then_some(())).await;
    proxy.swallow_answers(false);
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    let mut answers = 0;
    for submitting in submitting {
        for task in submitting.await.unwrap() {
            acknowledged.insert(task);
            answers += 1;
        }
    }
    assert_eq!(acknowledged.len(), answers, "no two submissions are one task");
    let told = told(&world.journal).await;
    told.assert_sound();
    let stored: BTreeSet<_> = told.tasks.keys().map(|task| task.task).collect();
    assert_eq!(stored, acknowledged, "what is stored is what was acknowledged");
    assert!(proxy.counts().cut >= 10, "{:?}", proxy.counts());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_s_lost_answers_cost_no_step_and_no_attempt() {
    let world = World::new(2).await;
    let proxy = Proxy::start(world.server.url());
    let _scheduler = world.start(&["schedule"]);
    let worker = start_at(&world, &proxy.url(), "worker", &["work", "--kind", "rehearsal"]);
    let mut tasks = Vec::new();
    for n in 0..8 {
        let client = world.client(&format!("user-{n}"));
        tasks.push(submit(&client, rehearsal("slow 100 20")).await);
    }
    let client = world.client("ann");
    eventually("work", async || (!world.recorded(tasks[0]).await.is_empty()).then_some(())).await;
    lose(&proxy, 8).await;
    for task in &tasks {
        let done = ended(&client, *task).await;
        assert_eq!((done.status, done.attempt, done.run.0), (Status::Completed, 1, 1), "{}", worker.said());
        assert_eq!(world.recorded(*task).await.len(), 100);
    }
    told(&world.journal).await.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_is_cut_off_past_its_lease_is_replaced_and_changes_nothing_afterwards() {
    let world = World::new(1).await;
    let proxy = Proxy::start(world.server.url());
    let _scheduler = world.start(&["schedule", "--lease", "3s"]);
    let cut_off = start_at(&world, &proxy.url(), "cut-off", &["work", "--kind", "rehearsal"]);
    let client = world.client("ann");
    let twice = RetryPolicy { max_attempts: 2, backoff: Millis(100), ..RetryPolicy::default() };
    let task = submit(&client, rehearsal("slow 80 50").retry(twice)).await;
    eventually("some steps", async || (world.recorded(task).await.len() > 3).then_some(())).await;
    proxy.close(true);
    let other = world.start(&["work", "--kind", "rehearsal"]);
    eventually("the takeover", async || {
        let snapshot = client.get(task).await.unwrap();
        (snapshot.attempt == 2 && snapshot.status == Status::Running).then_some(())
    })
    .await;
    let taken_over_in = client.get(task).await.unwrap().run;
    proxy.close(false);
    let done = ended(&client, task).await;
    assert_eq!((done.status, done.run), (Status::Completed, taken_over_in), "{}", other.said());
    assert_eq!(world.recorded(task).await.len(), 80);
    told(&world.journal).await.assert_sound();
    // It is of use again.
    drop(other);
    let next = submit(&client, rehearsal("hello")).await;
    assert_eq!(ended(&client, next).await.status, Status::Completed, "{}", cut_off.said());
}

/// Two roads to one server stand in for two servers of a cluster, one of which hangs.
#[tokio::test(flavor = "multi_thread")]
async fn an_executor_whose_server_hangs_is_elsewhere_before_its_lease_ends() {
    let world = World::new(1).await;
    let roads = [Proxy::start(world.server.url()), Proxy::start(world.server.url())];
    let urls = format!("{},{}", roads[0].url(), roads[1].url());
    // With the lease that is the default.
    let _scheduler = world.start(&["schedule"]);
    let worker = start_at(&world, &urls, "worker", &["work", "--kind", "rehearsal"]);
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 60 50")).await;
    eventually("some steps", async || (world.recorded(task).await.len() > 3).then_some(())).await;
    let hangs = roads.iter().find(|road| road.counts().open > 0).unwrap();
    hangs.stall(true);
    let done = ended(&client, task).await;
    assert_eq!((done.status, done.attempt, done.run.0), (Status::Completed, 1, 1), "{}", worker.said());
    assert!(roads.iter().all(|road| road.counts().carried > 0), "it did not go elsewhere");
    told(&world.journal).await.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_schedulers_that_lags_and_loses_its_answers_breaks_no_cap() {
    let world = World::new(2).await;
    let proxy = Proxy::start(world.server.url());
    proxy.delay(30);
    let lagging = start_at(&world, &proxy.url(), "lagging", &["schedule"]);
    runs(&lagging).await;
    let _prompt = [world.start(&["schedule"]), world.start(&["schedule"])];
    let _worker = world.start(&["work", "--kind", "rehearsal", "--places", "40"]);
    let mut tasks = Vec::new();
    for n in 0..100 {
        let client = world.client(&format!("user-{}", n % 4));
        tasks.push(submit(&client, rehearsal("slow 3 50")).await);
    }
    lose(&proxy, 4).await;
    let client = world.client("ann");
    for task in &tasks {
        let done = ended(&client, *task).await;
        assert_eq!((done.status, done.attempt), (Status::Completed, 1), "{}", lagging.said());
    }
    let told = told(&world.journal).await;
    told.assert_sound();
}
