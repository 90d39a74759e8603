//! Ten thousand tasks at once, and everybody connecting again at once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use longhaul_client::{Client, Identity};
use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::*;
use longhaul_tests::fault::told;
use longhaul_tests::world::rehearsal;
use longhaul_tests::{World, eventually};
use longhaul_wire::query;

const TASKS: usize = 10_000;
const ORGANISATIONS: usize = 20;
const USERS: usize = 25;

/// Submissions under way at once.
const AT_ONCE: usize = 512;

/// Connections that are lost at once, besides those of the services.
const CONNECTIONS: usize = 100;

fn org(n: usize) -> OrgId {
    OrgId::new(format!("org-{}", n % ORGANISATIONS)).unwrap()
}

fn client(world: &World, n: usize) -> Client {
    let user = format!("user-{}", n / ORGANISATIONS % USERS);
    Client::new(world.journal.clone(), Identity::new(org(n).as_str(), &user, "test").unwrap())
}

/// How many tasks are there and how many of them have ended, by a projector.
async fn seen(client: &Client) -> Option<(usize, usize)> {
    let counted = client.query(&query::Count::default()).await.ok()?.all;
    let ended = counted.status.iter().filter(|(status, _)| status.is_terminal());
    let ended: u64 = ended.map(|(_, n)| n).sum();
    Some((usize::try_from(counted.total).unwrap(), usize::try_from(ended).unwrap()))
}

/// Waits until so many have ended. As long as some do, it may take its time.
async fn until_ended(client: &Client, wanted: usize) {
    let mut before = 0;
    while before < wanted {
        let aim = (before + TASKS / 20).min(wanted);
        let what = format!("{aim} of {TASKS} to end; {before} have");
        before = eventually(&what, async || seen(client).await.map(|(_, n)| n).filter(|n| *n >= aim)).await;
    }
}

/// Why and where a task waits; nothing if it does not.
async fn waiting(client: &Client, org: OrgId, task: TaskId) -> Option<Waiting> {
    let question = query::Get { task, org: Some(org), at_least: query::Positions::default() };
    let answer = eventually("an answer", async || client.query(&question).await.ok()).await;
    let view = answer.item.expect("the projector knows it").view.expect("a readable task");
    assert_eq!(view.waiting.is_some(), view.status == Status::Pending, "{view:?}");
    view.waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_at_once_all_end_and_everybody_comes_back_at_once() {
    let mut world = World::new(4).await;
    let _scheduler = world.start(&["schedule"]);
    let _other_scheduler = world.start(&["schedule"]);
    let _projector = world.start(&["project"]);
    let submitting = stream::iter(0..TASKS).map(|n| {
        let client = client(&world, n);
        async move { (n, client.submit(rehearsal("hello")).await.unwrap().snapshot.task) }
    });
    let mut submitted: Vec<(usize, TaskId)> = submitting.buffer_unordered(AT_ONCE).collect().await;
    submitted.sort_unstable();
    let ann = world.client("ann");
    eventually("the projector to know all", async || seen(&ann).await.filter(|(all, _)| *all == TASKS)).await;
    // Nobody runs any yet: each has its place, and of a user's tasks no two have the same.
    let mut places = BTreeMap::new();
    for (n, task) in submitted.iter().copied().filter(|(n, _)| n % (ORGANISATIONS * USERS) == 7) {
        let waits = waiting(&ann, org(n), task).await.expect("it waits");
        assert!(matches!(waits.reason, WaitReason::NoExecutor { .. }), "{waits:?}");
        assert!(places.insert(waits.place, task).is_none(), "two at place {}", waits.place);
    }
    assert_eq!(places.len(), TASKS / ORGANISATIONS / USERS);

    let work = ["work", "--kind", "rehearsal", "--places", "64"];
    let workers = [world.start(&work), world.start(&work)];
    let connections = join_all((0..CONNECTIONS).map(|_| world.connect())).await;
    until_ended(&ann, TASKS / 10).await;
    world.server.kill().await.unwrap();
    world.server.restart().await.unwrap();
    let coming_back = connections.iter().zip(&submitted).map(|(journal, (n, task))| async move {
        let task = TaskRef { org: org(*n), task: *task };
        journal.load(&task).await.unwrap().expect("it is there")
    });
    join_all(coming_back).await;
    // Who still waits knows where.
    for (n, task) in submitted.iter().rev().step_by(TASKS / 20) {
        if let Some(waits) = waiting(&ann, org(*n), *task).await {
            assert!(waits.place > 0, "{waits:?}");
        }
    }
    until_ended(&ann, TASKS).await;
    drop(workers);
    let told = told(&world.journal).await;
    told.assert_sound();
    assert_eq!(told.tasks.len(), TASKS);
    assert!(told.audit.unfinished.is_empty(), "{}", told.audit);
    for (task, (_, state)) in &told.tasks {
        let state = state.as_ref().unwrap();
        assert_eq!(state.status, Status::Completed, "{}: {}", task.task, state.reason_text());
    }
}
