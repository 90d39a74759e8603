//! Caps, conversations and the reasons for waiting, on a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_client::{Client, OnBusy, Until};
use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::*;
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{PATIENCE, World};
use longhaul_wire::query;

/// Why a task waits, once the projector gives a reason that `is` accepts.
async fn waiting(client: &Client, task: TaskId, is: impl Fn(&WaitReason) -> bool) -> Waiting {
    let begun = std::time::Instant::now();
    loop {
        let question =
            query::Get { task, org: Some(client.identity().org.clone()), at_least: Default::default() };
        let answer = client.query(&question).await;
        let waiting = answer.as_ref().ok().and_then(|got| got.item.as_ref()?.view.as_ref()?.waiting.clone());
        if let Some(waiting) = waiting.filter(|waiting| is(&waiting.reason)) {
            return waiting;
        }
        assert!(begun.elapsed() < PATIENCE, "it waits otherwise than expected: {answer:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn started(client: &Client, task: TaskId) {
    client.wait_until(task, Until::Started, Some(PATIENCE)).await.unwrap();
}

async fn the_seventh_of_a_user_waits(shards: u16) {
    let world = World::new(shards).await;
    let _services = world.services(60).await;
    let client = world.client("ann");
    let mut running = Vec::new();
    for _ in 0..6 {
        running.push(submit(&client, rehearsal("slow 10000 20")).await);
    }
    for task in &running {
        started(&client, *task).await;
    }
    let seventh = submit(&client, rehearsal("hello")).await;
    let eighth = submit(&client, rehearsal("hello")).await;
    let why = waiting(&client, seventh, |reason| matches!(reason, WaitReason::UserCap { .. })).await;
    assert_eq!(why.reason, WaitReason::UserCap { running: 6, cap: 6 });
    assert_eq!(why.place, 1);
    assert!(why.blockers.iter().all(|task| running.contains(task)) && !why.blockers.is_empty());
    let why = waiting(&client, eighth, |reason| matches!(reason, WaitReason::UserCap { .. })).await;
    assert_eq!(why.place, 2);
    // Another user of the organisation is not in the way.
    let other = world.client("bob");
    let others = submit(&other, rehearsal("hello")).await;
    assert_eq!(ended(&other, others).await.status, Status::Completed);
    assert_eq!(client.get(seventh).await.unwrap().status, Status::Pending);
    // A slot frees: the next one starts.
    client.abort(running[0], None).await.unwrap();
    assert_eq!(ended(&client, seventh).await.status, Status::Completed);
    assert_eq!(ended(&client, eighth).await.status, Status::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seventh_of_a_user_waits_with_one_shard() {
    the_seventh_of_a_user_waits(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seventh_of_a_user_waits_with_four_shards() {
    the_seventh_of_a_user_waits(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_foreground_waits_for_no_report() {
    let world = World::new(1).await;
    let _services = world.services(60).await;
    let client = world.client("ann");
    let in_talk = |command: &str| rehearsal(command).conversation("chat", OnBusy::Reject).unwrap();
    let mut reports = vec![submit(&client, in_talk("slow 10000 20")).await];
    for _ in 0..5 {
        reports.push(submit(&client, rehearsal("slow 10000 20")).await);
    }
    for task in &reports {
        started(&client, *task).await;
    }
    let seventh = submit(&client, rehearsal("hello")).await;
    waiting(&client, seventh, |reason| matches!(reason, WaitReason::UserCap { .. })).await;

    // In the foreground two start at once, beside the report that their conversation is busy with.
    let asks = |command: &str| in_talk(command).lane(Lane::Foreground);
    let mut asked = Vec::new();
    for _ in 0..2 {
        let submitted = client.submit(asks("slow 10000 20")).await.unwrap();
        assert!(submitted.created && !submitted.joined);
        started(&client, submitted.snapshot.task).await;
        asked.push(submitted.snapshot.task);
    }
    let third = submit(&client, asks("hello")).await;
    let why = waiting(&client, third, |reason| matches!(reason, WaitReason::ForegroundCap { .. })).await;
    assert_eq!(why.reason, WaitReason::ForegroundCap { running: 2, cap: 2 });
    assert_eq!((why.place, &why.blockers), (1, &asked));
    let question = query::Slots { org: client.identity().org.clone(), at_least: Default::default() };
    let slots = client.query(&question).await.unwrap();
    assert_eq!((slots.organisation.running, slots.users[0].slots.running), (6, 6));
    let foreground = query::Slot { running: 2, cap: 2, waiting: 1 };
    assert_eq!(slots.users[0].foreground, foreground);

    client.abort(asked[0], None).await.unwrap();
    assert_eq!(ended(&client, third).await.status, Status::Completed);
    assert_eq!(client.get(seventh).await.unwrap().status, Status::Pending);

    // Who interrupts the conversation stops what holds it, and nothing that is said beside it.
    let urgent = rehearsal("hello").conversation("chat", OnBusy::Interrupt).unwrap();
    let urgent = submit(&client, urgent).await;
    assert_eq!(ended(&client, reports[0]).await.status, Status::Aborted);
    assert_eq!(ended(&client, urgent).await.status, Status::Completed);
    assert_eq!(client.get(asked[1]).await.unwrap().status, Status::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fifty_first_of_an_organisation_waits() {
    let world = World::new(4).await;
    let _services = world.services(100).await;
    let mut running = Vec::new();
    for n in 0..50 {
        let client = world.client(&format!("user-{}", n / 6));
        running.push((submit(&client, rehearsal("slow 10000 50")).await, client));
    }
    for (task, client) in &running {
        started(client, *task).await;
    }
    let client = world.client("late");
    let last = submit(&client, rehearsal("hello")).await;
    let why = waiting(&client, last, |reason| matches!(reason, WaitReason::OrganisationCap { .. })).await;
    assert_eq!(why.reason, WaitReason::OrganisationCap { running: 50, cap: 50 });
    assert_eq!(why.place, 1);
    client.abort(running[7].0, None).await.unwrap();
    assert_eq!(ended(&client, last).await.status, Status::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_runs_one_at_a_time() {
    let world = World::new(1).await;
    let _services = world.services(8).await;
    let client = world.client("ann");
    let talk = |command: &str, rule| rehearsal(command).conversation("chat", rule).unwrap();
    let first = submit(&client, talk("slow 10000 20", OnBusy::Join)).await;
    started(&client, first).await;
    let joined = client.submit(talk("hello", OnBusy::Join)).await.unwrap();
    assert_eq!((joined.joined, joined.snapshot.task), (true, first));
    let second = submit(&client, talk("hello", OnBusy::Enqueue)).await;
    let why = waiting(&client, second, |reason| matches!(reason, WaitReason::Conversation { .. })).await;
    assert!(matches!(why.reason, WaitReason::Conversation { holder, .. } if holder == first));
    let third = submit(&client, talk("hello", OnBusy::Enqueue)).await;
    let why = waiting(&client, third, |reason| matches!(reason, WaitReason::Conversation { .. })).await;
    assert_eq!(why.place, 2);
    client.abort(first, None).await.unwrap();
    let (second, third) = (ended(&client, second).await, ended(&client, third).await);
    assert_eq!((second.status, third.status), (Status::Completed, Status::Completed));
    assert!(third.started_at >= second.ended_at, "one at a time, in order");

    // Who interrupts comes next: what runs and what is queued is aborted.
    let running = submit(&client, talk("slow 10000 20", OnBusy::Join)).await;
    started(&client, running).await;
    let queued = submit(&client, talk("hello", OnBusy::Enqueue)).await;
    waiting(&client, queued, |reason| matches!(reason, WaitReason::Conversation { .. })).await;
    let urgent = submit(&client, talk("hello", OnBusy::Interrupt)).await;
    assert_eq!(ended(&client, urgent).await.status, Status::Completed);
    assert_eq!(ended(&client, running).await.status, Status::Aborted);
    assert_eq!(ended(&client, queued).await.status, Status::Aborted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_task_says_when_and_a_kind_nobody_takes_says_so() {
    let world = World::new(1).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let at = world.journal.now().plus(Millis::minutes(60));
    let later = submit(&client, rehearsal("hello").not_before(at)).await;
    let why = waiting(&client, later, |reason| matches!(reason, WaitReason::NotBefore { .. })).await;
    assert_eq!(why.not_before, Some(at));
    let soon = submit(&client, rehearsal("hello").not_before(world.journal.now().plus(Millis(1500)))).await;
    let done = ended(&client, soon).await;
    assert_eq!(done.status, Status::Completed);
    let nobody = longhaul_client::NewTask::new("nobody", "x", &()).unwrap();
    let nobody = submit(&client, nobody).await;
    let why = waiting(&client, nobody, |reason| matches!(reason, WaitReason::NoExecutor { .. })).await;
    assert!(why.to_string().contains("nobody"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_at_once_break_no_cap() {
    let world = World::new(4).await;
    let mut services = world.services(100).await;
    services.schedule(world.connect().await, longhaul_scheduler::Options::default());
    let mut tasks = Vec::new();
    for n in 0..120 {
        let client = world.client(&format!("user-{}", n % 3));
        tasks.push((submit(&client, rehearsal("slow 3 15")).await, client));
    }
    for (task, client) in &tasks {
        assert_eq!(ended(client, *task).await.status, Status::Completed);
    }
    // Recount from the log: how many of each user ran at once.
    let org = OrgId::new("acme").unwrap();
    let shard = world.journal.shards().of(&org);
    let head = world.journal.head(shard).await.unwrap();
    let mut follower = world.journal.follow(shard, Sequence::ZERO).await.unwrap();
    let mut owners = std::collections::HashMap::new();
    let mut running = std::collections::HashMap::<UserId, i64>::new();
    let mut most = 0;
    loop {
        let entry = follower.next().await.unwrap().unwrap();
        if let Ok(longhaul_wire::Record::Task(commit)) = &entry.record {
            for event in &commit.events {
                match &event.body {
                    EventBody::Submitted(said) => {
                        owners.insert(commit.task, said.owner.user.clone());
                    }
                    EventBody::Started { .. } => {
                        let n = running.entry(owners[&commit.task].clone()).or_default();
                        *n += 1;
                        most = most.max(*n);
                    }
                    EventBody::Completed { .. } => *running.get_mut(&owners[&commit.task]).unwrap() -= 1,
                    _ => {}
                }
            }
        }
        if entry.sequence >= head {
            break;
        }
    }
    assert!(most <= 6, "{most} of one user ran at once");
    assert!(most >= 2, "nothing ran side by side");
}
