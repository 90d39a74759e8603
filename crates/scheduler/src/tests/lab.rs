//! A whole Longhaul in memory: a log, schedulers, plain executors, a client; on the runtime's time.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use longhaul_core::board::{Board, Waiting};
use longhaul_core::*;
use longhaul_journal::memory::Memory;
use longhaul_journal::{Entry, Journal, Record, Shard, Shards, new_id};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::facts::{actor, submission, task};
use crate::{Options, Scheduler, Status as Doing};

/// How long anything may take, by the runtime's time.
const BOUND: Duration = Duration::from_secs(3600);

pub(super) struct Lab {
    pub(super) memory: Memory,
    pub(super) journal: Journal,
}

/// A scheduler at work.
pub(super) struct Working {
    pub(super) status: watch::Receiver<Doing>,
    cancel: CancellationToken,
    handle: JoinHandle<Result<(), crate::Error>>,
}

impl Working {
    pub(super) async fn stop(self) {
        self.cancel.cancel();
        self.handle.await.unwrap().unwrap();
    }

    /// Dies without a word.
    pub(super) fn kill(self) {
        self.handle.abort();
    }

    pub(super) fn shard(&self) -> crate::ShardStatus {
        self.status.borrow().shards.get(&Shard(0)).cloned().unwrap_or_default()
    }
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::sharded(Shards::ONE)
    }

    pub(super) fn sharded(shards: Shards) -> Self {
        let memory = Memory::new(shards);
        Self { journal: Journal::over(&memory), memory }
    }

    pub(super) fn scheduler(&self) -> Working {
        self.scheduler_over(self.journal.clone())
    }

    pub(super) fn scheduler_over(&self, journal: Journal) -> Working {
        let scheduler = Scheduler::new(journal, Options::default());
        let (status, cancel) = (scheduler.status(), CancellationToken::new());
        let handle = tokio::spawn(scheduler.run(cancel.clone()));
        Working { status, cancel, handle }
    }

    /// Does something as a client would.
    pub(super) async fn client(&self, task: &TaskRef, command: Command) {
        self.journal.act(task, &actor(Role::Client), &command).await.unwrap();
    }

    pub(super) async fn submit(&self, n: u128, path: &str) -> TaskRef {
        self.submit_as(n, submission(path)).await
    }

    pub(super) async fn submit_as(&self, n: u128, said: Submission) -> TaskRef {
        let task = TaskRef { org: said.owner.org.clone(), task: task(n) };
        self.client(&task, Command::Submit(Box::new(said))).await;
        task
    }

    pub(super) async fn abort(&self, task: &TaskRef) {
        self.client(task, Command::RequestAbort { by: "ann".into(), reason: None }).await;
    }

    pub(super) async fn policy(&self, org: &str, policy: Policy) {
        let org = OrgId::new(org).unwrap();
        self.journal.set_policy(&org, &actor(Role::Client), policy).await.unwrap();
    }

    pub(super) async fn snapshot(&self, task: &TaskRef) -> Snapshot {
        self.journal.load(task).await.unwrap().unwrap()
    }

    /// Waits until something holds.
    pub(super) async fn until<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < BOUND, "never happened: {what}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) async fn until_status(&self, task: &TaskRef, status: Status) -> Snapshot {
        self.until(&format!("{} is {status}", task.task), || async {
            self.snapshot(task).await.status == status
        })
        .await;
        self.snapshot(task).await
    }

    /// The whole log, shard by shard.
    pub(super) async fn log(&self) -> Vec<Entry> {
        let mut all = Vec::new();
        for shard in self.journal.shards().all() {
            let mut follower = self.journal.follow(shard, Sequence::ZERO).await.unwrap();
            while let Some(entry) = follower.next().now_or_never() {
                all.push(entry.unwrap().unwrap());
            }
        }
        all
    }

    /// The tasks in the order in which they started.
    pub(super) async fn started(&self) -> Vec<TaskId> {
        let mut started = Vec::new();
        for entry in self.log().await {
            if let Ok(Record::Task(commit)) = entry.record
                && commit.events.iter().any(|event| matches!(event.body, EventBody::Started { .. }))
            {
                started.push(commit.task);
            }
        }
        started
    }

    /// Why a task waits, by a board that knows the log and these beats.
    pub(super) async fn waiting(&self, task: &TaskRef, beats: &[Beat]) -> Option<Waiting> {
        let mut board = Board::new();
        let mut tasks = BTreeMap::new();
        for entry in self.log().await {
            match entry.record.unwrap() {
                Record::Task(commit) => {
                    let after = apply_commit(tasks.remove(&commit.task), &commit, entry.sequence).unwrap();
                    board.task(&after);
                    tasks.insert(commit.task, after);
                }
                Record::Admissions(commit) => board.admissions(&commit, entry.sequence),
                Record::Policy(commit) => board.policy(&commit.org, commit.policy),
                _ => {}
            }
        }
        beats.iter().for_each(|beat| board.beat(beat));
        board.waiting(task, self.journal.now())
    }

    /// What the rules forbid and the log shows all the same, at any of its prefixes, in words.
    pub(super) async fn breaches(&self) -> Vec<String> {
        let mut tasks: BTreeMap<TaskId, Snapshot> = BTreeMap::new();
        let mut admitted: BTreeMap<TaskId, RunNumber> = BTreeMap::new();
        let mut policies: BTreeMap<OrgId, Policy> = BTreeMap::new();
        let mut breaches = Vec::new();
        for entry in self.log().await {
            match entry.record.unwrap() {
                Record::Task(commit) => {
                    let before = tasks.remove(&commit.task);
                    let ignored = before.as_ref().map_or(0, |s| s.ignored);
                    let after = apply_commit(before, &commit, entry.sequence).unwrap();
                    if after.ignored > ignored {
                        breaches.push(format!("{}: the fold refused something", entry.sequence));
                    }
                    tasks.insert(commit.task, after);
                }
                Record::Admissions(commit) => {
                    for Admission { task, run, .. } in commit.admissions {
                        if admitted.insert(task, run) == Some(run) {
                            breaches
                                .push(format!("{}: {task} has a second slot for one run", entry.sequence));
                        }
                    }
                }
                Record::Policy(commit) => {
                    policies.insert(commit.org, commit.policy);
                }
                _ => {}
            }
            let slot = |s: &&Snapshot| {
                s.status.is_running()
                    || (s.status == Status::Pending && admitted.get(&s.task) == Some(&s.next_run))
            };
            let mut counts: BTreeMap<(String, u32), BTreeSet<TaskId>> = BTreeMap::new();
            for s in tasks.values() {
                let caps = policies.get(&s.owner.org).map_or_else(Caps::default, |policy| policy.caps);
                let mut count = |scope: String, cap| counts.entry((scope, cap)).or_default().insert(s.task);
                if slot(&s) {
                    count(format!("{}", s.owner.org), caps.organisation);
                    count(format!("{}/{}", s.owner.org, s.owner.user), caps.user);
                }
                if let Some(conversation) = &s.owner.conversation
                    && (slot(&s) || s.status == Status::Paused)
                {
                    count(format!("{}//{conversation}", s.owner.org), caps.conversation);
                }
            }
            for ((scope, cap), held) in counts {
                if held.len() > cap as usize {
                    breaches.push(format!("{}: {} of {cap} in {scope}", entry.sequence, held.len()));
                }
            }
        }
        breaches
    }
}

/// A plain executor: it starts what it takes and holds it until told otherwise.
pub(super) struct Worker {
    pub(super) id: ExecutorId,
    journal: Journal,
    held: Held,
    handle: JoinHandle<()>,
}

type Held = Arc<Mutex<BTreeMap<TaskId, (TaskRef, RunNumber)>>>;

/// How a worker works.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) places: usize,
    /// After which time it completes what it runs; never by itself if nothing is said.
    pub(super) takes: Option<Duration>,
    /// It settles what it takes and forgets it.
    pub(super) loses: bool,
    /// How often it beats, in seconds.
    pub(super) beats: u64,
}

pub(super) const HOLDS: Manner = Manner { places: 1000, takes: None, loses: false, beats: 1 };

pub(super) fn places(places: usize) -> Manner {
    Manner { places, ..HOLDS }
}

pub(super) fn takes(millis: u64) -> Manner {
    Manner { takes: Some(Duration::from_millis(millis)), ..HOLDS }
}

impl Worker {
    pub(super) fn new(journal: &Journal, manner: Manner) -> Self {
        let (id, held) = (new_id(), Held::default());
        let handle = tokio::spawn(work(journal.clone(), id, Arc::clone(&held), manner));
        Self { id, journal: journal.clone(), held, handle }
    }

    /// Dies without a word.
    pub(super) fn kill(&self) {
        self.handle.abort();
    }

    pub(super) fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    /// Its current beat.
    pub(super) fn beat(&self, manner: Manner) -> Beat {
        beat(self.id, self.journal.now(), &self.held, manner)
    }

    /// Lets a run go without a word to the log.
    pub(super) fn drop_run(&self, task: &TaskRef) {
        self.held.lock().unwrap().remove(&task.task);
    }

    /// The run does something that ends it.
    pub(super) async fn end(&self, task: &TaskRef, act: Act) {
        let (_, run) = self.held.lock().unwrap().remove(&task.task).unwrap();
        let by = Actor { who: self.id.to_string(), ..actor(Role::Executor) };
        self.journal.act(task, &by, &Command::Run { run, act }).await.unwrap();
    }

    pub(super) async fn complete(&self, task: &TaskRef) {
        self.end(task, Act::Complete { output: Payload::default() }).await;
    }
}

fn beat(executor: ExecutorId, at: Timestamp, held: &Held, manner: Manner) -> Beat {
    let held = held.lock().unwrap();
    let (places, free) = (manner.places as u32, (manner.places - held.len()) as u32);
    Beat {
        executor,
        at,
        version: "1".into(),
        host: "lab/1".into(),
        kinds: vec![Room { kind: Kind::new("report").unwrap(), places, free }],
        runs: held
            .values()
            .map(|(task, run)| HeldRun { org: task.org.clone(), task: task.task, run: *run })
            .collect(),
        draining: false,
    }
}

async fn work(journal: Journal, id: ExecutorId, held: Held, manner: Manner) {
    let kind = Kind::new("report").unwrap();
    let by = Actor { who: id.to_string(), ..actor(Role::Executor) };
    let mut beats = interval(Duration::from_secs(manner.beats));
    let mut ends = futures::stream::FuturesUnordered::new();
    loop {
        // Streams break and calls fail over a faulty log; begin again.
        let Ok(mut handed) = journal.listen_runs(&kind, id).await else { continue };
        loop {
            let free = held.lock().unwrap().len() < manner.places;
            let dispatch = tokio::select! {
                _ = beats.tick() => {
                    let _ = journal.beat(&beat(id, journal.now(), &held, manner)).await;
                    continue;
                }
                Some(()) = ends.next() => {
                    beats.reset_immediately();
                    continue;
                }
                dispatch = handed.next(), if free => match dispatch {
                    Some(dispatch) => dispatch,
                    None => break,
                }
            };
            let task = TaskRef { org: dispatch.org.clone(), task: dispatch.task };
            if !manner.loses {
                let command = Command::Start {
                    run: dispatch.run,
                    executor: id,
                    version: "1".into(),
                    ledger: dispatch.ledger,
                    why: dispatch.why,
                };
                held.lock().unwrap().entry(task.task).or_insert((task.clone(), dispatch.run));
                let started = journal.act(&task, &by, &command).await;
                let ours = match &started {
                    Ok(_) => true,
                    Err(_) => journal.load(&task).await.is_ok_and(|s| {
                        s.is_some_and(|s| {
                            s.run == dispatch.run && s.executor == Some(id) && s.status.is_running()
                        })
                    }),
                };
                if !ours {
                    held.lock().unwrap().remove(&task.task);
                } else if let Some(takes) = manner.takes {
                    ends.push(finish(
                        journal.clone(),
                        by.clone(),
                        Arc::clone(&held),
                        task,
                        dispatch.run,
                        takes,
                    ));
                }
            }
        }
    }
}

async fn finish(journal: Journal, by: Actor, held: Held, task: TaskRef, run: RunNumber, takes: Duration) {
    sleep(takes).await;
    let act = Act::Complete { output: Payload::default() };
    let _ = journal.act(&task, &by, &Command::Run { run, act }).await;
    held.lock().unwrap().remove(&task.task);
}
