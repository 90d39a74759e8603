//! A log with many finished tasks, made quickly: the histories that services would have written, in the
//! order they would have written them, without waiting for anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::try_join_all;
use longhaul_client::Client;
use longhaul_core::{
    Actor, Admission, AdmissionCommit, AdmissionReason, EventBody, ExecutorId, Kind, Lane, OrgId, Owner,
    Payload, Role, RunNumber, Sequence, Submission, TaskError, TaskId, Title, Usage, UserId,
};
use longhaul_executor::REHEARSAL;
use longhaul_journal::{Journal, new_id, stamp};
use serde_json::json;
use tokio::task::JoinSet;

use crate::error::Error;

/// How long a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Submitted, started, completed: three events in three records.
    Short,
    /// With two steps, a text and a cost: ten events in six records.
    Full,
    /// As full, of many users, each with a title of its own; some failed.
    Varied,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) tasks: u64,
    /// Messages, the ledgers' among them.
    pub(crate) records: u64,
    /// Events of tasks.
    pub(crate) events: u64,
}

impl Shape {
    /// How many events one history has.
    pub(crate) fn events(self) -> u64 {
        match self {
            Self::Short => 3,
            Self::Full | Self::Varied => 10,
        }
    }
}

/// Tasks that are written side by side: as many as one admission commit may name.
const BLOCK: u64 = longhaul_core::MAX_ADMISSIONS as u64;

/// Writes `tasks` finished histories, spread over the clients' organisations. Their caps must not bind.
pub(crate) async fn load(
    clients: &[Client],
    tasks: u64,
    shape: Shape,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Loaded, Error> {
    let left = Arc::new(AtomicU64::new(tasks));
    let mut running = JoinSet::new();
    for client in clients {
        let writer = Writer::new(client, shape);
        let left = Arc::clone(&left);
        running.spawn(async move {
            let mut ledger = writer.journal.ledger_last(&writer.org).await?;
            let mut own = Loaded::default();
            while let Some(block) = take(&left) {
                let done = writer.block(block, &mut ledger).await?;
                own.tasks += done.tasks;
                own.records += done.records;
                own.events += done.events;
            }
            Ok::<_, Error>(own)
        });
    }
    let mut all = Loaded::default();
    let mut ticks = tokio::time::interval(std::time::Duration::from_secs(10));
    ticks.tick().await;
    loop {
        tokio::select! {
            own = running.join_next() => match own {
                None => return Ok(all),
                Some(own) => {
                    let own = own.map_err(|_| Error::BrokeOff("a writer of histories"))??;
                    all.tasks += own.tasks;
                    all.records += own.records;
                    all.events += own.events;
                }
            },
            _ = ticks.tick() => tell(&format!("{} histories are still to be written", left.load(Ordering::Relaxed))),
        }
    }
}

/// Takes a block of what is left.
fn take(left: &AtomicU64) -> Option<u64> {
    let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        (left > 0).then(|| left.saturating_sub(BLOCK))
    });
    before.ok().map(|before| before.min(BLOCK))
}

/// Writes the histories of one organisation.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) journal: Journal,
    pub(crate) org: OrgId,
    user: UserId,
    executor: ExecutorId,
    shape: Shape,
}

impl Writer {
    pub(crate) fn new(client: &Client, shape: Shape) -> Self {
        Self {
            journal: client.journal().clone(),
            org: client.identity().org.clone(),
            user: client.identity().user.clone(),
            executor: new_id(),
            shape,
        }
    }

    /// Writes a block of histories, all at the same pace.
    async fn block(&self, count: u64, ledger: &mut Sequence) -> Result<Loaded, Error> {
        let tasks: Vec<TaskId> = (0..count).map(|_| new_id()).collect();
        let submitted = |task| Ok(vec![EventBody::Submitted(Box::new(self.submission(task)?))]);
        let mut places = self.round(&tasks, None, Role::Client, submitted).await?;
        *ledger = self.admit(&tasks, *ledger).await?;
        let later = records(self.shape, self.executor, *ledger);
        let rounds = 1 + later.len() as u64;
        for bodies in later {
            let bodies = |task| Ok(self.ended(task, bodies.clone()));
            places = self.round(&tasks, Some(&places), Role::Executor, bodies).await?;
        }
        Ok(Loaded { tasks: count, records: count * rounds + 1, events: count * self.shape.events() })
    }

    /// One record for each task.
    async fn round(
        &self,
        tasks: &[TaskId],
        after: Option<&[Sequence]>,
        role: Role,
        bodies: impl Fn(TaskId) -> Result<Vec<EventBody>, Error>,
    ) -> Result<Vec<Sequence>, Error> {
        let commits = tasks.iter().enumerate().map(|(n, task)| {
            let bodies = bodies(*task);
            let expect = after.and_then(|after| after.get(n)).copied().unwrap_or_default();
            async move { self.append(*task, role, bodies?, expect).await }
        });
        try_join_all(commits).await
    }

    /// One record of a task.
    pub(crate) async fn append(
        &self,
        task: TaskId,
        role: Role,
        bodies: Vec<EventBody>,
        expect: Sequence,
    ) -> Result<Sequence, Error> {
        let commit = stamp(task, &self.actor(role), bodies, self.journal.now());
        let appended = self.journal.commit(&self.org, &commit, expect).await;
        appended.map_err(|error| longhaul_journal::Error::from(error).into())
    }

    /// Has some tasks fail.
    fn ended(&self, task: TaskId, mut bodies: Vec<EventBody>) -> Vec<EventBody> {
        let lot = lot(task) % 100;
        if self.shape != Shape::Varied || lot > 4 {
            return bodies;
        }
        let run = RunNumber(1);
        let failed = EventBody::Failed {
            run,
            error: TaskError {
                code: "data_unavailable".to_owned(),
                message: "the source of the figures does not answer".to_owned(),
                retryable: false,
            },
        };
        if bodies.pop_if(|body| matches!(body, EventBody::Completed { .. })).is_some() {
            bodies.push(failed);
        }
        bodies
    }

    /// Admits the first runs of some tasks.
    pub(crate) async fn admit(&self, tasks: &[TaskId], expect: Sequence) -> Result<Sequence, Error> {
        let admissions = tasks.iter().map(|task| {
            Ok(Admission {
                task: *task,
                run: RunNumber(1),
                user: self.user_of(*task)?,
                conversation: None,
                lane: Lane::default(),
                kind: kind()?,
                why: AdmissionReason::First,
            })
        });
        let commit = AdmissionCommit {
            id: new_id(),
            org: self.org.clone(),
            at: self.journal.now(),
            actor: self.actor(Role::Scheduler),
            admissions: admissions.collect::<Result<_, Error>>()?,
        };
        let admitted = self.journal.admit(&commit, expect).await;
        admitted.map_err(|error| longhaul_journal::Error::from(error).into())
    }

    fn user_of(&self, task: TaskId) -> Result<UserId, Error> {
        match self.shape {
            Shape::Short | Shape::Full => Ok(self.user.clone()),
            Shape::Varied => unfit(UserId::new(format!("user-{}", lot(task) / 100 % 20))),
        }
    }

    pub(crate) fn submission(&self, task: TaskId) -> Result<Submission, Error> {
        let title = match self.shape {
            Shape::Short | Shape::Full => "a task of the past".to_owned(),
            Shape::Varied => title(lot(task)),
        };
        let title = unfit(Title::new(&title))?;
        Ok(Submission::new(
            Owner { org: self.org.clone(), user: self.user_of(task)?, conversation: None },
            kind()?,
            title,
            Payload::Inline(json!("slow 2 0")),
        ))
    }

    fn actor(&self, role: Role) -> Actor {
        let who = match role {
            Role::Client => self.user.to_string(),
            Role::Executor | Role::Scheduler => self.executor.to_string(),
        };
        Actor { role, who, via: "bench".to_owned() }
    }
}

/// A number drawn from a task's id.
pub(crate) fn lot(task: TaskId) -> u32 {
    let id = task.to_string();
    id.get(id.len().saturating_sub(8)..).and_then(|end| u32::from_str_radix(end, 16).ok()).unwrap_or(0)
}

fn title(lot: u32) -> String {
    const WORK: [&str; 8] = [
        "quarterly review of billing",
        "enrich leads from the trade fair",
        "migrate the handbook",
        "hunt a flaky test",
        "triage inbound tickets",
        "forecast demand by region",
        "reconcile invoices",
        "compare suppliers",
    ];
    let work = WORK[lot as usize / 2000 % WORK.len()];
    format!("{work}, part {}", lot / 16_000 % 100_000)
}

fn kind() -> Result<Kind, Error> {
    unfit(Kind::new(REHEARSAL))
}

fn unfit<T, E: std::fmt::Display>(made: Result<T, E>) -> Result<T, Error> {
    made.map_err(|error| Error::Unfit(error.to_string()))
}

/// What an executor writes, record by record.
fn records(shape: Shape, executor: ExecutorId, ledger: Sequence) -> Vec<Vec<EventBody>> {
    let run = RunNumber(1);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let started = EventBody::Started { run, executor, version, ledger, why: AdmissionReason::First };
    let completed = EventBody::Completed { run, output: Payload::Inline(json!({"steps": 2})) };
    let begin =
        |index: u32| EventBody::StepStarted { run, step: format!("step {}", index + 1), index, of: Some(2) };
    let end = |index: u32| EventBody::StepCompleted {
        run,
        step: format!("step {}", index + 1),
        index,
        result: Payload::Inline(json!({"rows": 128, "sum": 1_048_576.25, "unit": "EUR"})),
    };
    let text = EventBody::TextAppended { run, segment: 1, offset: 0, text: "step 1 of 2\n".to_owned() };
    let usage = Usage { input_tokens: 1200, output_tokens: 300, model_calls: 1, queries: 1, exact: true };
    let usage = EventBody::UsageRecorded { run, usage, model: None };
    let progressed = EventBody::Progressed { run, fraction: Some(0.5), message: None, waits: None };
    match shape {
        Shape::Short => vec![vec![started], vec![completed]],
        Shape::Full | Shape::Varied => vec![
            vec![started],
            vec![begin(0), text],
            vec![end(0), progressed, begin(1)],
            vec![end(1)],
            vec![usage, completed],
        ],
    }
}

#[cfg(test)]
mod tests {
    use longhaul_client::Identity;
    use longhaul_core::{Status, TaskRef};
    use longhaul_journal::Shards;
    use longhaul_wire::{Parsed, Record};

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_a_history_like_any_other() {
        for shape in [Shape::Short, Shape::Full, Shape::Varied] {
            let journal = Journal::memory(Shards::ONE);
            let client = Client::new(journal.clone(), Identity::new("acme", "ann", "test").unwrap());
            let loaded = load(&[client], 300, shape, &|_| {}).await.unwrap();
            let shard = Shards::ONE.all().next().unwrap();
            assert_eq!(journal.head(shard).await.unwrap(), Sequence(loaded.records));
            assert_eq!((loaded.tasks, loaded.events), (300, 300 * shape.events()));

            let mut follower = journal.follow(shard, Sequence::ZERO).await.unwrap();
            let mut tasks = std::collections::BTreeSet::new();
            let mut events = 0;
            for _ in 0..loaded.records {
                let entry = follower.next().await.unwrap().unwrap();
                if let (Parsed::Task { org, task, .. }, Ok(Record::Task(commit))) =
                    (entry.subject, entry.record)
                {
                    events += commit.events.len() as u64;
                    tasks.insert(TaskRef { org, task });
                }
            }
            assert_eq!((tasks.len(), events), (300, loaded.events));
            for task in tasks {
                let snapshot = journal.load(&task).await.unwrap().unwrap();
                assert!(snapshot.status.is_terminal(), "{}", snapshot.status);
                assert!(shape == Shape::Varied || snapshot.status == Status::Completed);
                assert_eq!(snapshot.ignored, 0);
            }
        }
    }
}
