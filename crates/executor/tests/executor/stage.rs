//! A log, a scheduler that admits whatever waits, and executors to try on them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use longhaul_core::*;
use longhaul_executor::{CancellationToken, Error, Executor};
use longhaul_journal::memory::Memory;
use longhaul_journal::{Journal, Parsed, Record, Shard, Shards, new_id};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Longer than anything may take. The time is the runtime's, and mostly made up.
const BOUND: Duration = Duration::from_secs(300);

pub(crate) struct Stage {
    pub(crate) memory: Memory,
    pub(crate) journal: Journal,
    scheduler: JoinHandle<()>,
}

/// An executor at work.
pub(crate) struct Working {
    pub(crate) id: ExecutorId,
    pub(crate) stop: CancellationToken,
    handle: JoinHandle<Result<(), Error>>,
}

impl Working {
    /// Ends it as `kill -9` would, and waits until nothing of it is left.
    pub(crate) async fn kill(self) {
        self.handle.abort();
        assert!(self.handle.await.unwrap_err().is_cancelled());
    }

    /// Drains it.
    pub(crate) async fn drain(self) {
        self.stop.cancel();
        within("the drain", self.handle).await.unwrap().unwrap();
    }
}

pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(BOUND, work).await.unwrap_or_else(|_| panic!("{what} takes for ever"))
}

pub(crate) fn limits(slice: u64, span: u64) -> Limits {
    Limits { slice: Millis(slice), span: Millis(span), ..Limits::default() }
}

pub(crate) fn submission(kind: &str, input: Value) -> Submission {
    Submission::new(
        Owner { org: OrgId::new("acme").unwrap(), user: UserId::new("ann").unwrap(), conversation: None },
        Kind::new(kind).unwrap(),
        Title::new("a task").unwrap(),
        Payload::Inline(input),
    )
}

pub(crate) fn client() -> Actor {
    Actor { role: Role::Client, who: "ann".into(), via: "test".into() }
}

pub(crate) fn scheduler() -> Actor {
    Actor { role: Role::Scheduler, who: "scheduler".into(), via: "test".into() }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Shards::ONE)
    }

    pub(crate) fn with(shards: Shards) -> Self {
        let memory = Memory::new(shards);
        let journal = Journal::over(&memory);
        let scheduler = tokio::spawn(admit_everything(journal.clone()));
        Self { memory, journal, scheduler }
    }

    /// Stops admitting.
    pub(crate) async fn stop_admitting(&mut self) {
        self.scheduler.abort();
        let _ = (&mut self.scheduler).await;
    }

    pub(crate) fn executor(&self) -> Executor {
        Executor::new(self.journal.clone())
    }

    pub(crate) fn start(&self, executor: Executor) -> Working {
        let (id, stop) = (executor.id(), CancellationToken::new());
        Working { id, stop: stop.clone(), handle: tokio::spawn(executor.run(stop)) }
    }

    pub(crate) async fn submit(&self, said: Submission) -> TaskRef {
        let task = TaskRef { org: said.owner.org.clone(), task: new_id() };
        self.act(&task, &client(), Command::Submit(Box::new(said))).await.unwrap();
        task
    }

    pub(crate) async fn act(
        &self,
        task: &TaskRef,
        actor: &Actor,
        command: Command,
    ) -> Result<Snapshot, Rejection> {
        match self.journal.act(task, actor, &command).await {
            Ok(outcome) => Ok(outcome.snapshot),
            Err(longhaul_journal::ActError::Rejected(rejection)) => Err(rejection),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn abort(&self, task: &TaskRef) -> Result<Snapshot, Rejection> {
        self.act(task, &client(), Command::RequestAbort { by: "ann".into(), reason: None }).await
    }

    /// Declares the task's current run lost, as a scheduler that hears no heartbeat.
    pub(crate) async fn lose(&self, task: &TaskRef) -> Snapshot {
        let run = self.get(task).await.run;
        let last_beat = Some(self.journal.now());
        self.act(task, &scheduler(), Command::DeclareLost { run, last_beat, lease: LEASE }).await.unwrap()
    }

    pub(crate) async fn decide(&self, task: &TaskRef, decision: Decision) -> Snapshot {
        let snapshot = self.get(task).await;
        let open = snapshot.open_approval().expect("no open approval");
        let (approval, digest) = (open.id, open.digest);
        let command = Command::DecideApproval { approval, digest, decision, by: "eve".into() };
        self.act(task, &client(), command).await.unwrap()
    }

    pub(crate) async fn get(&self, task: &TaskRef) -> Snapshot {
        self.journal.load(task).await.unwrap().expect("no such task")
    }

    /// Waits until the task's state is as wanted.
    pub(crate) async fn until(
        &self,
        task: &TaskRef,
        what: &str,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> Snapshot {
        let deadline = Instant::now() + BOUND;
        let mut wait = Duration::from_millis(1);
        loop {
            let snapshot = self.get(task).await;
            if wanted(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < deadline, "never {what}: {snapshot:#?}");
            sleep(wait).await;
            wait = wait.mul_f64(1.1).min(Duration::from_secs(1));
        }
    }

    /// Waits until the task has ended, and checks its history.
    pub(crate) async fn end(&self, task: &TaskRef) -> Snapshot {
        let snapshot = self.until(task, "ended", |snapshot| snapshot.status.is_terminal()).await;
        self.check(task).await;
        snapshot
    }

    pub(crate) async fn events(&self, task: &TaskRef) -> Vec<EventBody> {
        let mut events = Vec::new();
        for entry in self.journal.history(task).await.unwrap() {
            if let Ok(Record::Task(commit)) = entry.record {
                events.extend(commit.events.into_iter().map(|event| event.body));
            }
        }
        events
    }

    /// What holds of every history: the fold refuses nothing, no step is recorded twice.
    pub(crate) async fn check(&self, task: &TaskRef) {
        assert_eq!(self.get(task).await.ignored, 0);
        let mut recorded = Vec::new();
        for event in self.events(task).await {
            if let EventBody::StepCompleted { step, .. } = event {
                assert!(!recorded.contains(&step), "{step} is recorded twice");
                recorded.push(step);
            }
        }
    }

    /// The text of a task: for each segment the last run's.
    pub(crate) async fn text(&self, task: &TaskRef) -> BTreeMap<u32, String> {
        let mut segments = BTreeMap::<u32, (RunNumber, String)>::new();
        for event in self.events(task).await {
            if let EventBody::TextAppended { run, segment, offset, text } = event {
                let told = segments.entry(segment).or_insert((run, String::new()));
                if told.0 < run {
                    *told = (run, String::new());
                }
                assert_eq!(told.1.len() as u64, offset);
                told.1.push_str(&text);
            }
        }
        segments.into_iter().map(|(segment, (_, text))| (segment, text)).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.scheduler.abort();
    }
}

pub(crate) fn output(snapshot: &Snapshot) -> &Value {
    match &snapshot.output {
        Some(Payload::Inline(value)) => value,
        other => panic!("no output but {other:?}: {snapshot:#?}"),
    }
}

/// A scheduler without caps: whatever is pending and due gets a slot.
pub(crate) async fn admit_everything(journal: Journal) {
    let mut follower = journal.follow(Shard(0), Sequence::ZERO).await.unwrap();
    let mut tasks = HashMap::<TaskId, Option<Snapshot>>::new();
    let mut waiting = Vec::<(Instant, TaskRef, RunNumber)>::new();
    loop {
        let due = waiting.iter().map(|(due, ..)| *due).min();
        tokio::select! {
            entry = follower.next() => {
                let entry = entry.unwrap().unwrap();
                let (Parsed::Task { org, task, .. }, Ok(Record::Task(commit))) = (entry.subject, entry.record) else {
                    continue;
                };
                let known = tasks.entry(task).or_default();
                *known = apply_commit(known.take(), &commit, entry.sequence);
                if let Some(snapshot) = known.as_ref().filter(|snapshot| snapshot.status == Status::Pending) {
                    let wait = snapshot.not_before.map_or(Millis(0), |at| at.since(journal.now()));
                    waiting.push((Instant::now() + wait.duration(), TaskRef { org, task }, snapshot.next_run));
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let now = Instant::now();
                for (_, task, run) in waiting.extract_if(.., |(due, ..)| *due <= now) {
                    let snapshot = tasks[&task.task].as_ref().unwrap();
                    if snapshot.status == Status::Pending && snapshot.next_run == run {
                        admit(&journal, &task.org, snapshot).await;
                    }
                }
            }
        }
    }
}

/// Gives a pending task a slot and hands it out.
pub(crate) async fn admit(journal: &Journal, org: &OrgId, snapshot: &Snapshot) {
    let admission = Admission {
        task: snapshot.task,
        run: snapshot.next_run,
        user: snapshot.owner.user.clone(),
        conversation: None,
        lane: Lane::default(),
        kind: snapshot.kind.clone(),
        why: snapshot.admit_as,
    };
    let commit = AdmissionCommit {
        id: new_id(),
        org: org.clone(),
        at: journal.now(),
        actor: scheduler(),
        admissions: vec![admission],
    };
    let last = journal.ledger_last(org).await.unwrap();
    let ledger = journal.admit(&commit, last).await.unwrap();
    let dispatch = Dispatch {
        org: org.clone(),
        task: snapshot.task,
        run: snapshot.next_run,
        kind: snapshot.kind.clone(),
        ledger,
        why: snapshot.admit_as,
        only: None,
    };
    hand_out(journal, &dispatch);
}

/// Hands a run to every executor that takes its kind, again and again until it is started: only one
/// can start it.
pub(crate) fn hand_out(journal: &Journal, dispatch: &Dispatch) {
    let (journal, dispatch) = (journal.clone(), dispatch.clone());
    let task = TaskRef { org: dispatch.org.clone(), task: dispatch.task };
    tokio::spawn(async move {
        loop {
            if let Ok(mut beats) = journal.beats().await {
                // What was said last, and no more.
                while let Some(Some(Ok(beat))) = beats.next().now_or_never() {
                    if !beat.draining && beat.kinds.iter().any(|room| room.kind == dispatch.kind) {
                        let _ = journal.dispatch(&dispatch, beat.executor).await;
                    }
                }
            }
            sleep(Duration::from_millis(200)).await;
            match journal.load(&task).await {
                Ok(Some(snapshot)) if snapshot.status == Status::Pending => {}
                Err(error) if error.is_transient() => {}
                _ => return,
            }
        }
    });
}
