//! Three servers, services as processes: the leader is killed, frozen and cut off while tasks are
//! submitted, run and aborted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use longhaul_client::Client;
use longhaul_core::{Millis, RetryPolicy, Status, TaskId};
use longhaul_tests::fault::{Nodes, client_over, told};
use longhaul_tests::world::{ended, rehearsal};
use longhaul_tests::{Process, eventually};

/// The one stream of the log.
const LOG: &str = "LH_LOG_0";

/// Past what the servers take to choose another leader.
const HANG: Duration = Duration::from_secs(12);

/// Two of each service, so that one is always near a server that works.
fn services(nodes: &Nodes) -> Vec<Process> {
    vec![
        nodes.start("scheduler-1", &["schedule"]),
        nodes.start("scheduler-2", &["schedule"]),
        nodes.start("projector", &["project"]),
        nodes.start("worker-1", &["work", "--kind", "rehearsal"]),
        nodes.start("worker-2", &["work", "--kind", "rehearsal"]),
    ]
}

/// Tasks that were acknowledged, and aborts that were.
#[derive(Default)]
struct Acknowledged {
    to_complete: Vec<TaskId>,
    to_abort: Vec<TaskId>,
}

impl Acknowledged {
    fn extend(&mut self, more: Self) {
        self.to_complete.extend(more.to_complete);
        self.to_abort.extend(more.to_abort);
    }
}

/// Submits, and aborts every second one, until told to stop. What is not acknowledged is tried again.
struct Load {
    stop: Arc<AtomicBool>,
    aborted: Arc<AtomicU32>,
    users: Vec<tokio::task::JoinHandle<Acknowledged>>,
}

impl Load {
    fn start(nodes: &Nodes) -> Self {
        let (stop, aborted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let users = (0..4).map(|n| {
            let client = client_over(&nodes.journal, &format!("user-{n}"));
            tokio::spawn(submit_and_abort(client, Arc::clone(&stop), Arc::clone(&aborted)))
        });
        Self { users: users.collect(), stop, aborted }
    }

    /// Stops it once it has done enough to prove something.
    async fn stop(self) -> Acknowledged {
        let before = self.aborted.load(Ordering::Relaxed);
        let enough = async || (self.aborted.load(Ordering::Relaxed) >= before.max(8) + 2).then_some(());
        eventually("acknowledged aborts", enough).await;
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Acknowledged::default();
        for user in self.users {
            let one = user.await.unwrap();
            all.extend(one);
        }
        all
    }
}

/// Fits a run whose executor is near the server that fails: it may count as lost.
fn patient() -> RetryPolicy {
    RetryPolicy { max_attempts: 5, backoff: Millis(100), ..RetryPolicy::default() }
}

async fn submit_and_abort(client: Client, stop: Arc<AtomicBool>, aborted: Arc<AtomicU32>) -> Acknowledged {
    let mut done = Acknowledged::default();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let to_abort = n % 2 == 0;
        let command = if to_abort { "slow 10000 50" } else { "slow 4 25" };
        let key = format!("{}-{n}", client.identity().user);
        let task = loop {
            let task = rehearsal(command).retry(patient()).idempotency_key(&key).unwrap();
            match client.submit(task).await {
                Ok(submitted) => break submitted.snapshot.task,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        };
        if to_abort {
            while let Err(error) = client.abort(task, None).await {
                assert!(error.is_transient(), "{error:?}");
            }
            done.to_abort.push(task);
            aborted.fetch_add(1, Ordering::Relaxed);
        } else {
            done.to_complete.push(task);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    done
}

/// Waits until a submission that begins now is acknowledged.
async fn works(client: &Client) -> TaskId {
    eventually("an acknowledged submission", async || {
        client.submit(rehearsal("hello").retry(patient())).await.ok().map(|done| done.snapshot.task)
    })
    .await
}

async fn check(nodes: &Nodes, acknowledged: &Acknowledged) {
    let client = client_over(&nodes.journal, "ann");
    for task in &acknowledged.to_complete {
        let done = ended(&client, *task).await;
        assert_eq!(done.status, Status::Completed, "{task}: {}", done.reason_text());
    }
    for task in &acknowledged.to_abort {
        assert_eq!(ended(&client, *task).await.status, Status::Aborted, "{task}");
    }
    let told = told(&nodes.journal).await;
    told.assert_sound();
    assert!(told.unreadable == 0);
    let (completed, aborted) = (acknowledged.to_complete.len(), acknowledged.to_abort.len());
    assert!(
        completed > 5 && aborted > 2,
        "{completed} completed, {aborted} aborted: too few to prove anything"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_costs_nothing_that_was_acknowledged() {
    let mut nodes = Nodes::new(1).await;
    let services = services(&nodes);
    let load = Load::start(&nodes);
    let client = client_over(&nodes.journal, "ann");
    let mut acknowledged = Acknowledged::default();
    for _ in 0..3 {
        acknowledged.to_complete.push(works(&client).await);
        let leader = nodes.leader(LOG).await;
        nodes.cluster.servers[leader].kill().await.unwrap();
        // While it is away, not after.
        acknowledged.to_complete.push(works(&client).await);
        assert_ne!(nodes.leader(LOG).await, leader);
        nodes.cluster.servers[leader].restart().await.unwrap();
        nodes.cluster.ready().await.unwrap();
    }
    acknowledged.extend(load.stop().await);
    check(&nodes, &acknowledged).await;
    drop(services);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hangs_and_wakes_costs_nothing_that_was_acknowledged() {
    let nodes = Nodes::new(1).await;
    let services = services(&nodes);
    let load = Load::start(&nodes);
    let client = client_over(&nodes.journal, "ann");
    let mut acknowledged = Acknowledged { to_complete: vec![works(&client).await], ..Default::default() };
    let leader = nodes.leader(LOG).await;
    let near = client_over(&nodes.journal_at((leader + 1) % 3).await, "bob");
    nodes.cluster.servers[leader].freeze().unwrap();
    let begun = Instant::now();
    acknowledged.to_complete.push(works(&near).await);
    tokio::time::sleep(HANG.saturating_sub(begun.elapsed())).await;
    nodes.cluster.servers[leader].thaw().unwrap();
    nodes.cluster.ready().await.unwrap();
    acknowledged.to_complete.push(works(&client).await);
    acknowledged.extend(load.stop().await);
    check(&nodes, &acknowledged).await;
    drop(services);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_acknowledges_nothing_and_the_others_go_on() {
    let nodes = Nodes::new(1).await;
    let services = services(&nodes);
    let client = client_over(&nodes.journal, "ann");
    let mut acknowledged = Acknowledged { to_complete: vec![works(&client).await], ..Default::default() };
    let leader = nodes.leader(LOG).await;
    let (minority, majority) = (nodes.journal_at(leader).await, nodes.journal_at((leader + 1) % 3).await);
    nodes.isolate(leader).await;

    // From here on nothing that is asked of the one that is alone may be acknowledged.
    let cut_off = client_over(&minority.clone().with_deadline(Duration::from_secs(8)), "mallory");
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let client = cut_off.clone();
            tokio::spawn(async move { client.submit(rehearsal("hello")).await })
        })
        .collect();
    let near = client_over(&majority, "bob");
    acknowledged.to_complete.push(works(&near).await);
    let to_abort = near.submit(rehearsal("slow 10000 50")).await.unwrap().snapshot.task;
    near.abort(to_abort, None).await.unwrap();
    acknowledged.to_abort.push(to_abort);
    for asked in asking {
        let answer = asked.await.unwrap();
        assert!(answer.is_err(), "the one that is alone acknowledged {answer:?}");
    }
    nodes.heal().await;

    // The one that was alone takes what the others have.
    client_over(&minority, "ann").get(acknowledged.to_complete[1]).await.unwrap();
    let load = Load::start(&nodes);
    for _ in 0..3 {
        acknowledged.to_complete.push(works(&client).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    acknowledged.extend(load.stop().await);
    check(&nodes, &acknowledged).await;
    drop(services);
}
