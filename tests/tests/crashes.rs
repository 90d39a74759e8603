//! Crashes of every part, with real processes: what was acknowledged is there, what was recorded is
//! not done again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_client::NewTask;
use longhaul_core::*;
use longhaul_projector::{Options as ProjectorOptions, Projector};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{Process, World, eventually};

/// A short lease, so that the tests need not wait long. The executor beats every second.
const LEASE: &str = "3s";

struct Parts {
    _scheduler: Process,
    worker: Process,
}

fn parts(world: &World) -> Parts {
    Parts {
        _scheduler: world.start(&["schedule", "--lease", LEASE]),
        worker: world.start(&["work", "--kind", "rehearsal"]),
    }
}

fn twice() -> RetryPolicy {
    RetryPolicy { max_attempts: 2, backoff: Millis(100), ..RetryPolicy::default() }
}

async fn some_steps(world: &World, task: TaskId, n: usize) {
    eventually("some steps", async || (world.recorded(task).await.len() >= n).then_some(())).await;
}

fn assert_recorded_once(recorded: &[String], n: usize) {
    let distinct: std::collections::BTreeSet<_> = recorded.iter().collect();
    assert_eq!((recorded.len(), distinct.len()), (n, n), "{recorded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_executor_s_task_goes_on_elsewhere_from_its_last_recorded_step() {
    let world = World::new(4).await;
    let mut parts = parts(&world);
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 40 50").retry(twice())).await;
    some_steps(&world, task, 5).await;
    parts.worker.kill();
    let _other = world.start(&["work", "--kind", "rehearsal"]);
    let done = ended(&client, task).await;
    assert_eq!((done.status, done.attempt), (Status::Completed, 2), "{}", done.reason_text());
    assert_recorded_once(&world.recorded(task).await, 40);
    let names = world.names(task).await;
    assert_eq!(names.iter().filter(|name| **name == "lost").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_attempts_left_it_expires() {
    let world = World::new(1).await;
    let mut parts = parts(&world);
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 10000 50")).await;
    some_steps(&world, task, 3).await;
    parts.worker.kill();
    // When is the scheduler's own tests' affair, where time is theirs.
    let done = ended(&client, task).await;
    assert_eq!(done.status, Status::Expired);
    assert!(matches!(done.reason, Reason::HeartbeatLost { .. }), "{:?}", done.reason);
    // A person may try again, once there is an executor.
    let before = world.recorded(task).await.len();
    client.retry(task).await.unwrap();
    let _other = world.start(&["work", "--kind", "rehearsal"]);
    some_steps(&world, task, before + 2).await;
    let recorded = world.recorded(task).await;
    assert_recorded_once(&recorded, recorded.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_executor_that_wakes_changes_nothing() {
    let world = World::new(1).await;
    let parts = parts(&world);
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 60 100").retry(twice())).await;
    some_steps(&world, task, 3).await;
    parts.worker.freeze();
    let _other = world.start(&["work", "--kind", "rehearsal"]);
    eventually("the takeover", async || {
        let s = client.get(task).await.unwrap();
        (s.attempt == 2 && s.status == Status::Running).then_some(())
    })
    .await;
    let taken_over_in = client.get(task).await.unwrap().run;
    parts.worker.thaw();
    let done = ended(&client, task).await;
    assert_eq!(done.status, Status::Completed);
    assert_eq!(done.run, taken_over_in, "no further run was needed");
    assert_eq!(done.ignored, 0, "the log itself refused the late writes");
    assert_recorded_once(&world.recorded(task).await, 60);
    let mut current = RunNumber(0);
    for event in world.events(task).await {
        if let EventBody::Started { run, .. } = event {
            current = run;
        }
        assert!(event.run().is_none_or(|run| run == current), "{event:?} after run {current} began");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_executor_loses_nothing_and_uses_up_no_attempt() {
    let world = World::new(1).await;
    let mut parts = parts(&world);
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 40 50")).await;
    some_steps(&world, task, 5).await;
    parts.worker.terminate();
    assert_eq!(parts.worker.ended().await, Some(0), "{}", parts.worker.said());
    let s = client.get(task).await.unwrap();
    assert_eq!(s.status, Status::Pending);
    assert!(matches!(s.reason, Reason::Continued { why: Continuation::Drain }), "{:?}", s.reason);
    let _other = world.start(&["work", "--kind", "rehearsal"]);
    let done = ended(&client, task).await;
    assert_eq!((done.status, done.attempt), (Status::Completed, 1));
    assert_recorded_once(&world.recorded(task).await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    let mut world = World::new(4).await;
    let _parts = parts(&world);
    let _projector = world.start(&["project"]);
    let client = world.client("ann");
    let mut acknowledged = Vec::new();
    for n in 0..4 {
        acknowledged.push(submit(&client, rehearsal("slow 60 50")).await);
        let other = world.client(&format!("user-{n}"));
        acknowledged.push(submit(&other, rehearsal("slow 60 50")).await);
    }
    for task in &acknowledged {
        some_steps(&world, *task, 3).await;
    }
    // Submissions go on while the server is away: each is acknowledged or fails, and may be repeated.
    let submitting = tokio::spawn({
        let client = world.client("eve");
        async move {
            let mut tasks = Vec::new();
            for n in 0..20 {
                let key = format!("key-{n}");
                let task = loop {
                    let task = rehearsal("hello").idempotency_key(&key).unwrap();
                    if let Ok(done) = client.submit(task).await {
                        break done.snapshot.task;
                    }
                };
                tasks.push(task);
            }
            tasks
        }
    });
    for _ in 0..2 {
        world.server.kill().await.unwrap();
        world.server.restart().await.unwrap();
    }
    acknowledged.extend(submitting.await.unwrap());
    for task in acknowledged {
        let done = ended(&client, task).await;
        assert_eq!(done.status, Status::Completed, "{}", done.reason_text());
        let recorded = world.recorded(task).await;
        assert_recorded_once(&recorded, recorded.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_that_is_gone_is_built_again_equal() {
    let world = World::new(4).await;
    let services = world.services(8).await;
    let client = world.client("ann");
    let mut tasks = Vec::new();
    for command in ["hello", "slow 5 5", "fail", "hello", "approve"] {
        tasks.push(submit(&client, rehearsal(command)).await);
    }
    for task in &tasks[..4] {
        ended(&client, *task).await;
    }
    client
        .wait_until(tasks[4], longhaul_client::Until::EndedOrPaused, Some(longhaul_tests::PATIENCE))
        .await
        .unwrap();
    client.dismiss(tasks[0]).await.unwrap();
    services.stop().await;
    let live = world.path().join("projector");
    let anew = world.path().join("projector-anew");
    let fold = async |directory: &std::path::Path| {
        let mut projector =
            Projector::open(world.connect().await, ProjectorOptions::new(directory)).await.unwrap();
        projector.catch_up().await.unwrap();
        projector.rows().unwrap()
    };
    let (live, anew) = (fold(&live).await, fold(&anew).await);
    assert!(!live.is_empty());
    assert_eq!(live, anew);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_scheduler_and_projector_go_on_where_they_were() {
    let world = World::new(1).await;
    let mut scheduler = world.start(&["schedule", "--lease", LEASE]);
    let mut projector = world.start(&["project"]);
    let _worker = world.start(&["work", "--kind", "rehearsal"]);
    let client = world.client("ann");
    let mut tasks = Vec::new();
    for n in 0..12 {
        tasks.push(submit(&client, rehearsal("slow 5 20")).await);
        if n % 4 == 3 {
            scheduler.kill();
            projector.kill();
            scheduler = world.start(&["schedule", "--lease", LEASE]);
            projector = world.start(&["project"]);
        }
    }
    for task in &tasks {
        let done = ended(&client, *task).await;
        assert_eq!((done.status, done.attempt), (Status::Completed, 1));
        let names = world.names(*task).await;
        assert_eq!(names.iter().filter(|name| **name == "started").count(), 1, "{names:?}");
    }
    drop((scheduler, projector));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_dies_with_its_executor() {
    let world = World::new(1).await;
    let _scheduler = world.start(&["schedule", "--lease", LEASE]);
    let mut worker = world.start(&["work", "--kind", "exec"]);
    let client = world.client("ann");
    let pid_file = world.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 600", pid_file.display());
    let input = serde_json::json!({ "program": "sh", "args": ["-c", script] });
    submit(&client, NewTask::new("exec", "sleeper", &input).unwrap()).await;
    let pid: u32 =
        eventually("the program", async || std::fs::read_to_string(&pid_file).ok()?.trim().parse().ok())
            .await;
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    worker.kill();
    eventually("the program's end", async || gone(pid).then_some(())).await;
}

/// Whether a process has ended, reaped or not.
fn gone(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => true,
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
    }
}

/// So much data that a query takes a while.
fn much_data(path: &std::path::Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, day TEXT, region TEXT, amount REAL);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
               INSERT INTO orders
               SELECT i, date('2025-01-01', (i % 600) || ' days'), 'region ' || (i % 7), i % 1000 / 10.0 FROM n;",
        )
        .unwrap();
}

/// A query is counted before it runs, and its answer recorded after: killed in between, it is asked again
/// and counted once.
#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_that_is_killed_in_the_middle_of_a_query_counts_it_once() {
    let world = World::new(1).await;
    let data = world.path().join("orders.sqlite");
    much_data(&data);
    let _scheduler = world.start(&["schedule", "--lease", LEASE]);
    let mut worker = world.start(&["work", "--kind", "report"]);
    let client = world.client("ann");
    let input = serde_json::json!({"data": data, "prompt": "amount by region", "formats": ["markdown"]});
    let task = submit(&client, NewTask::new("report", "Orders", &input).unwrap().retry(twice())).await;
    let counted = |events: &[EventBody]| {
        events
            .iter()
            .filter(|event| matches!(event, EventBody::UsageRecorded { usage, .. } if usage.queries > 0))
            .count()
    };
    let answered = |events: &[EventBody]| {
        let query = |step: &str| step.starts_with("query");
        events
            .iter()
            .filter(|event| matches!(event, EventBody::StepCompleted { step, .. } if query(step)))
            .count()
    };
    eventually("a query under way", async || {
        let events = world.events(task).await;
        let ended = events
            .iter()
            .any(|event| matches!(event, EventBody::Completed { .. } | EventBody::Failed { .. }));
        assert!(!ended, "it was over before: {events:?}");
        (counted(&events) > answered(&events)).then_some(())
    })
    .await;
    worker.kill();
    let before = world.events(task).await;
    assert_eq!(counted(&before), answered(&before) + 1, "it was killed in the middle of one");
    let _other = world.start(&["work", "--kind", "report"]);
    let done = ended(&client, task).await;
    assert_eq!((done.status, done.attempt), (Status::Completed, 2), "{}", done.reason_text());
    let events = world.events(task).await;
    let queries = answered(&events);
    assert!(queries > 0, "{:?}", world.recorded(task).await);
    assert_eq!((counted(&events), done.usage.queries as usize), (queries, queries));
    assert_recorded_once(&world.recorded(task).await, done.steps.len());
}
