//! The least that a start can take on a machine: the same four messages one after the other through the
//! same log, between parts that keep nothing and decide nothing. What a measured start takes beyond
//! this is what the services do; this is what the server and the waking of threads cost.

use std::collections::HashMap;
use std::thread::JoinHandle;

use futures::StreamExt as _;
use futures::stream::select_all;
use longhaul_core::{
    Actor, Admission, AdmissionCommit, AdmissionReason, Dispatch, EventBody, ExecutorId, Lane, OrgId, Role,
    RunNumber, Sequence, Submission,
};
use longhaul_executor::{CancellationToken, REHEARSAL};
use longhaul_journal::{ConnectOptions, Entry, Journal, Record, new_id, stamp};
use tokio::sync::oneshot;

use crate::error::Error;

const WHO: &str = "bare";

/// Two threads, one in the place of a scheduler, one in that of an executor. No services may run beside
/// them: both would answer.
pub(crate) struct Bare {
    stop: CancellationToken,
    threads: Vec<JoinHandle<Result<(), Error>>>,
}

impl Bare {
    /// Starts both; when this returns, they listen.
    pub(crate) async fn start(connect: &ConnectOptions) -> Result<Self, Error> {
        let executor: ExecutorId = new_id();
        let stop = CancellationToken::new();
        let mut bare = Self { stop: stop.clone(), threads: Vec::new() };
        let (options, until) = (connect.clone(), stop.clone());
        bare.part(async move |ready| start_runs(&options, executor, ready).await, until).await?;
        let (options, until) = (connect.clone(), stop);
        bare.part(async move |ready| admit(&options, executor, ready).await, until).await?;
        Ok(bare)
    }

    async fn part<F>(&mut self, part: F, until: CancellationToken) -> Result<(), Error>
    where
        F: AsyncFnOnce(oneshot::Sender<()>) -> Result<(), Error> + Send + 'static,
    {
        let (ready, is_ready) = oneshot::channel();
        let thread = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(Error::io("start a runtime"))?;
            runtime.block_on(until.run_until_cancelled(part(ready))).unwrap_or(Ok(()))
        };
        let thread = std::thread::Builder::new().name(WHO.to_owned()).spawn(thread);
        self.threads.push(thread.map_err(Error::io("start a thread"))?);
        is_ready.await.map_err(|_| Error::BrokeOff("a bare part"))
    }

    /// Ends both.
    pub(crate) fn stop(self) -> Result<(), Error> {
        self.stop.cancel();
        for thread in self.threads {
            thread.join().map_err(|_| Error::BrokeOff("a bare part"))??;
        }
        Ok(())
    }
}

fn actor(role: Role) -> Actor {
    Actor { role, who: WHO.to_owned(), via: "bench".to_owned() }
}

/// What of a record is a new task.
fn submission(entry: Entry) -> Option<(Sequence, longhaul_core::TaskId, Submission)> {
    let Ok(Record::Task(commit)) = entry.record else { return None };
    let submitted = commit.events.into_iter().find_map(|event| match event.body {
        EventBody::Submitted(submission) => Some(submission),
        _ => None,
    })?;
    Some((entry.sequence, commit.task, *submitted))
}

/// Gives every new task a slot and hands its run over.
async fn admit(
    connect: &ConnectOptions,
    executor: ExecutorId,
    ready: oneshot::Sender<()>,
) -> Result<(), Error> {
    let journal = Journal::connect(connect).await?;
    let mut shards = Vec::new();
    for shard in journal.shards().all() {
        let follower = journal.follow(shard, journal.head(shard).await?).await?;
        let entries = futures::stream::unfold(follower, async |mut follower| {
            follower.next().await.map(|entry| (entry, follower))
        });
        shards.push(entries.boxed());
    }
    let mut entries = select_all(shards);
    let mut ledgers: HashMap<OrgId, Sequence> = HashMap::new();
    let _ = ready.send(());
    while let Some(entry) = entries.next().await {
        let Some((sequence, task, submission)) = submission(entry?) else { continue };
        let org = submission.owner.org;
        let expect = match ledgers.get(&org) {
            Some(last) => *last,
            None => journal.ledger_last(&org).await?,
        };
        let (run, why) = (RunNumber(1), AdmissionReason::First);
        let (user, kind) = (submission.owner.user, submission.kind);
        let admission =
            Admission { task, run, user, conversation: None, lane: Lane::default(), kind: kind.clone(), why };
        let commit = AdmissionCommit {
            id: new_id(),
            org: org.clone(),
            at: journal.now(),
            actor: actor(Role::Scheduler),
            admissions: vec![admission],
        };
        let ledger = journal.admit(&commit, expect).await.map_err(longhaul_journal::Error::from)?;
        ledgers.insert(org.clone(), ledger);
        let dispatch = Dispatch { org, task, run, kind, ledger, why, only: Some(sequence) };
        journal.dispatch(&dispatch, executor).await?;
    }
    Ok(())
}

/// Writes that a run has started, and goes no further.
async fn start_runs(
    connect: &ConnectOptions,
    executor: ExecutorId,
    ready: oneshot::Sender<()>,
) -> Result<(), Error> {
    let journal = Journal::connect(connect).await?;
    let kind = REHEARSAL.parse().map_err(longhaul_client::Error::from)?;
    let mut handed = journal.listen_runs(&kind, executor).await?;
    let _ = ready.send(());
    while let Some(Dispatch { org, task, run, ledger, why, only, .. }) = handed.next().await {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let started = EventBody::Started { run, executor, version, ledger, why };
        let commit = stamp(task, &actor(Role::Executor), vec![started], journal.now());
        let appended = journal.commit(&org, &commit, only.unwrap_or_default()).await;
        appended.map_err(longhaul_journal::Error::from)?;
    }
    Ok(())
}
