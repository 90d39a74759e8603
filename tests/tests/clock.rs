//! One process whose clock is an hour off, beside others that are right: nothing begins or ends early
//! or an hour late for it, and nothing is declared lost.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::time::Duration;

use longhaul_client::{Client, NewTask, Until};
use longhaul_core::*;
use longhaul_executor::{Decided, Executor, Failure, Run};
use longhaul_tests::fault::{runs, skewed, start, told};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{PATIENCE, Process, Services, World, eventually, process};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

/// Longer than any test here takes, and far shorter than what the clocks are off.
const WHILE: Millis = Millis::minutes(20);

/// A service whose clock is off.
fn off(world: &World, seconds: i64, name: &str, args: &[&str]) -> Process {
    start(skewed(world.command(args), seconds), world.path(), name)
}

fn limits() -> Limits {
    Limits { span: WHILE, ..Limits::default() }
}

async fn some_steps(world: &World, task: TaskId, n: usize) {
    eventually("some steps", async || (world.recorded(task).await.len() >= n).then_some(())).await;
}

async fn completes(client: &Client, task: TaskId) -> Snapshot {
    let done = ended(client, task).await;
    assert_eq!(done.status, Status::Completed, "{}", done.reason_text());
    done
}

/// Asks, and gives the answer. The question lapses long after the test, and long before a clock that
/// is an hour ahead thinks.
async fn ask(run: &mut Run, _: Value) -> Result<Value, Failure> {
    let time = Duration::from_millis(WHILE.0);
    match run.approval_within("go on", json!({}), time).await? {
        Decided::Approved(_) => Ok(json!("approved")),
        other => Ok(json!(format!("{other:?}"))),
    }
}

async fn asking(world: &World) -> Services {
    let mut services = Services::default();
    services.work(Executor::new(world.connect().await).handle("ask", ask));
    services
}

async fn question(client: &Client) -> TaskId {
    let task = submit(client, NewTask::new("ask", "may I?", &json!(null)).unwrap()).await;
    client.wait_until(task, Until::EndedOrPaused, Some(PATIENCE)).await.unwrap();
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_an_hour_ahead_begins_and_ends_nothing_early() {
    let world = World::new(1).await;
    let mut right = world.start(&["schedule"]);
    let _worker = world.start(&["work", "--kind", "rehearsal"]);
    let _asker = asking(&world).await;
    let client = world.client("ann");
    // One that runs, and one that waits for an answer, before the scheduler that is wrong comes.
    let long = submit(&client, rehearsal("slow 200 50").limits(limits())).await;
    some_steps(&world, long, 1).await;
    let open = question(&client).await;
    let ahead = off(&world, HOUR, "ahead", &["schedule"]);
    runs(&ahead).await;
    // As many as may run at once wait for their time. A slot given to one of them would be missing.
    let later = longhaul_journal::now().plus(WHILE);
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(submit(&client, rehearsal("hello").not_before(later)).await);
    }
    let backoff = RetryPolicy { max_attempts: 2, backoff: WHILE, max_backoff: WHILE };
    let failing = submit(&client, rehearsal("fail later").retry(backoff)).await;
    eventually("the first attempt", async || (client.get(failing).await.unwrap().attempt == 2).then_some(()))
        .await;
    for _ in 0..10 {
        let task = submit(&client, rehearsal("hello")).await;
        completes(&client, task).await;
    }
    // Now it is alone, and its timers have run when this has begun.
    right.kill();
    let soon = longhaul_journal::now().plus(Millis::seconds(1));
    let timed = submit(&client, rehearsal("hello").not_before(soon)).await;
    completes(&client, timed).await;
    for task in waiting {
        assert_eq!(world.names(task).await, ["submitted"]);
    }
    let failing = client.get(failing).await.unwrap();
    assert_eq!((failing.status, failing.run), (Status::Pending, RunNumber(1)));
    let question = client.get(open).await.unwrap();
    assert_eq!(question.status, Status::Paused, "{}", question.reason_text());
    client.approve(open).await.unwrap();
    completes(&client, open).await;
    let done = completes(&client, long).await;
    assert_eq!((done.attempt, done.run), (1, RunNumber(1)));
    told(&world.journal).await.assert_sound();
}

async fn an_executor_that_is_off(seconds: i64) {
    let world = World::new(1).await;
    let mut scheduler = world.start(&["schedule", "--lease", "3s"]);
    let mut worker = off(&world, seconds, "off", &["work", "--kind", "rehearsal"]);
    let client = world.client("ann");
    let twice = RetryPolicy { max_attempts: 2, backoff: Millis(100), ..RetryPolicy::default() };
    let first = submit(&client, rehearsal("slow 100 50").limits(limits())).await;
    let second = submit(&client, rehearsal("slow 400 50").limits(limits()).retry(twice)).await;
    some_steps(&world, first, 1).await;
    some_steps(&world, second, 1).await;
    // A scheduler that did not see them begin has nothing but what is written.
    scheduler.kill();
    let _scheduler = world.start(&["schedule", "--lease", "3s"]);
    let done = completes(&client, first).await;
    assert_eq!((done.attempt, done.run), (1, RunNumber(1)), "{}", worker.said());
    // A second attempt comes when it is due.
    let failing = submit(&client, rehearsal("fail later").retry(twice)).await;
    let failed = ended(&client, failing).await;
    assert_eq!((failed.status, failed.attempt), (Status::Failed, 2));
    // One whose clock is right goes on with what it leaves.
    worker.kill();
    let _other = world.start(&["work", "--kind", "rehearsal"]);
    let done = completes(&client, second).await;
    assert_eq!(done.attempt, 2);
    assert!(done.ran < WHILE, "it ran for {:?}", done.ran);
    told(&world.journal).await.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_an_hour_ahead_does_its_work() {
    an_executor_that_is_off(HOUR).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_an_hour_behind_does_its_work() {
    an_executor_that_is_off(-HOUR).await;
}

async fn a_client_that_is_off(seconds: i64) {
    let world = World::new(1).await;
    let _services = world.services(8).await;
    let _asker = asking(&world).await;
    let client = world.client("ann");
    let call = async |args: &[&str]| process::run(skewed(world.command(args), seconds)).await;
    let submitted = call(&["submit", "rehearsal", "--input", "\"hello\"", "--not-before", "2s"]).await.ok();
    let task: TaskId = submitted.stdout.trim().parse().unwrap();
    completes(&client, task).await;
    let long = submit(&client, rehearsal("slow 10000 20")).await;
    some_steps(&world, long, 1).await;
    call(&["abort", &long.to_string()]).await.ok();
    assert_eq!(ended(&client, long).await.status, Status::Aborted);
    let open = question(&client).await;
    call(&["approve", &open.to_string()]).await.ok();
    assert_eq!(completes(&client, open).await.output, Some(Payload::Inline(json!("approved"))));
    for task in [task, long, open] {
        let snapshot = client.get(task).await.unwrap();
        assert!(snapshot.submitted_at <= snapshot.started_at.unwrap());
        assert!(snapshot.updated_at.since(snapshot.submitted_at) < WHILE);
    }
    told(&world.journal).await.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_an_hour_ahead_is_understood() {
    a_client_that_is_off(HOUR).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_an_hour_behind_is_understood() {
    a_client_that_is_off(-HOUR).await;
}
