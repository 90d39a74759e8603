//! What is poisonous or slow harms itself and nobody else: records that cannot be read, a handler
//! that never yields, somebody who listens and does not read, a projector that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longhaul_client::{Client, NewTask};
use longhaul_core::*;
use longhaul_executor::{Executor, Failure, Run};
use longhaul_journal::new_id;
use longhaul_tests::fault::{api, runs, told};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{PATIENCE, Process, World, eventually};
use longhaul_wire::query;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

/// More than any process here needs, less than what is thrown at it: in megabytes.
const MODEST: u64 = 400;

async fn completes(client: &Client, task: TaskId) {
    let done = ended(client, task).await;
    assert_eq!((done.status, done.attempt), (Status::Completed, 1), "{}", done.reason_text());
}

/// What a process occupies in memory, in megabytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn large(n: usize) -> NewTask {
    let text = "never mind what it says. ".repeat(4000);
    NewTask::new("rehearsal", &format!("large {n}"), &json!({ "say": text })).unwrap()
}

/// So many large tasks by several users, all ended.
async fn a_lot(world: &World, tasks: usize) {
    let working = (0..8).map(|user| {
        let client = world.client(&format!("user-{user}"));
        async move {
            for n in 0..tasks / 8 {
                let task = submit(&client, large(n)).await;
                completes(&client, task).await;
            }
        }
    });
    futures::future::join_all(working).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cannot_be_read_put_their_task_aside_and_nothing_else() {
    let world = World::new(1).await;
    let mut scheduler = world.start(&["schedule"]);
    let mut projector = world.start(&["project"]);
    let worker = world.start(&["work", "--kind", "rehearsal"]);
    let client = world.client("ann");
    let victim = submit(&client, rehearsal("slow 10000 20")).await;
    let other = submit(&client, rehearsal("slow 100 50")).await;
    for task in [victim, other] {
        eventually("a step", async || (!world.recorded(task).await.is_empty()).then_some(())).await;
    }
    let unborn: TaskId = new_id();
    let from_later = json!({ "v": 99, "id": new_id::<CommitId>(), "something": "else" });
    for subject in [
        format!("lh.0.task.acme.{victim}"),
        format!("lh.0.task.acme.{unborn}"),
        "lh.0.conv.acme.chat".to_owned(),
        "lh.beat.nobody".to_owned(),
        "lh.cell.acme.limit-mock".to_owned(),
    ] {
        for body in [json!("not a record"), from_later.clone()] {
            let answer = api(world.server.url(), world.server.token(), &subject, &body).await;
            assert!(answer["seq"].as_u64().is_some_and(|seq| seq > 0), "{subject}: {answer}");
        }
    }
    completes(&client, other).await;
    for _ in 0..5 {
        let task = submit(&client, rehearsal("hello")).await;
        completes(&client, task).await;
    }
    // Also for those who read all of it anew.
    scheduler.kill();
    projector.kill();
    drop((scheduler, projector));
    let _scheduler = world.start(&["schedule"]);
    let projector = world.start(&["project"]);
    let task = submit(&client, rehearsal("hello")).await;
    completes(&client, task).await;
    // The projector folds after the log has the end: its first answer may be from before.
    let unreadable = eventually("seven ended in the read model", async || {
        let all = client.query(&query::Count::default()).await.ok()?.all;
        (all.status.get(&Status::Completed) == Some(&7)).then_some(all.unreadable)
    })
    .await;
    assert_eq!(unreadable, 2);
    let why = client.get(victim).await.unwrap_err();
    assert!(
        matches!(&why, longhaul_client::Error::Journal(longhaul_journal::Error::Corrupt { .. })),
        "{why:?}"
    );
    assert!(projector.said().contains("aside"), "{}", projector.said());
    assert!(!worker.said().contains("panicked"), "{}", worker.said());
    assert_eq!(told(&world.journal).await.unreadable, 6);
}

/// Holds its thread until it is told to let go.
async fn hold(_: &mut Run, _: Value, letting_go: Arc<AtomicBool>) -> Result<Value, Failure> {
    while !letting_go.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_never_yields_is_ended_from_outside_and_its_neighbours_go_on() {
    let world = World::new(1).await;
    let _scheduler = world.start(&["schedule"]);
    let letting_go = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&letting_go);
    // A runtime of its own: what it does to its threads must not decide this test.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let url = world.server.url().to_owned();
    let token = world.server.token().to_owned();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    runtime.spawn(async move {
        let journal = longhaul_tests::fault::journal_at(&url, &token).await;
        let handler = async move |run: &mut Run, input: Value| hold(run, input, Arc::clone(&held)).await;
        let executor = Executor::new(journal).handle_rehearsal().handle("hold", handler);
        executor.run(stopped).await.unwrap();
    });
    let client = world.client("ann");
    let limits = Limits { span: Millis::seconds(2), ..Limits::default() };
    let poison = NewTask::new("hold", "hold", &Value::Null).unwrap().limits(limits.clone());
    let poison = submit(&client, poison).await;
    let to_abort = submit(&client, NewTask::new("hold", "abort", &Value::Null).unwrap().limits(limits)).await;
    for task in [poison, to_abort] {
        client.wait_until(task, longhaul_client::Until::Started, Some(PATIENCE)).await.unwrap();
    }
    client.abort(to_abort, None).await.unwrap();
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let task = submit(&client, rehearsal("slow 5 20")).await;
        completes(&client, task).await;
    }
    assert_eq!(ended(&client, poison).await.status, Status::Expired);
    assert_eq!(ended(&client, to_abort).await.status, Status::Aborted);
    let task = submit(&client, rehearsal("hello")).await;
    completes(&client, task).await;
    letting_go.store(true, Ordering::Relaxed);
    stop.cancel();
    told(&world.journal).await.assert_sound();
    runtime.shutdown_background();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_and_does_not_read_is_cut_off() {
    let world = World::new(1).await;
    let _services: [Process; 3] = [
        world.start(&["schedule"]),
        world.start(&["project"]),
        world.start(&["work", "--kind", "rehearsal"]),
    ];
    let address = world.server.url().trim_start_matches("nats://");
    let mut deaf = tokio::net::TcpStream::connect(address).await.unwrap();
    let connect = json!({ "auth_token": world.server.token(), "verbose": false });
    deaf.write_all(format!("CONNECT {connect}\r\nSUB > 1\r\nPING\r\n").as_bytes()).await.unwrap();
    // And one that does it through the client.
    let client = world.client("ann");
    let _unread = client.changes(false).await.unwrap();
    a_lot(&world, 400).await;
    assert!(resident(world.server.pid()) < MODEST, "the server takes {} MB", resident(world.server.pid()));
    let mut heard = vec![0; 1 << 20];
    let until_cut = async { while deaf.read(&mut heard).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(PATIENCE, until_cut).await.expect("the server cut it off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_stands_still_holds_nobody_up_and_catches_up() {
    let world = World::new(1).await;
    let _scheduler = world.start(&["schedule"]);
    let _worker = world.start(&["work", "--kind", "rehearsal"]);
    let projector = world.start(&["project"]);
    runs(&projector).await;
    projector.freeze();
    a_lot(&world, 200).await;
    assert!(resident(world.server.pid()) < MODEST, "the server takes {} MB", resident(world.server.pid()));
    projector.thaw();
    let client = world.client("ann");
    let all = async || {
        let counted = client.query(&query::Count::default()).await.ok()?.all;
        (counted.status.get(&Status::Completed) == Some(&200)).then_some(())
    };
    eventually("the projector to catch up", all).await;
    assert!(resident(projector.pid()) < MODEST, "the projector takes {} MB", resident(projector.pid()));
}
