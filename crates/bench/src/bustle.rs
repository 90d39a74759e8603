//! Tasks that are at work, without anybody who works: the records that clients, a scheduler and executors
//! would write, at a steady pace, and the heartbeats of those executors.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use longhaul_client::Client;
use longhaul_core::{
    AdmissionReason, Beat, EventBody, ExecutorId, HeldRun, Kind, Millis, Payload, Role, Room, RunNumber,
    Sequence, TaskId, Usage,
};
use longhaul_executor::REHEARSAL;
use longhaul_journal::{Journal, new_id};
use longhaul_wire::canonical_digest;
use serde_json::json;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::bulk::{Shape, Writer};
use crate::error::Error;

/// How many runs each executor holds.
const PLACES: usize = 100;
/// How many steps a task has.
const STEPS: u32 = 8;
/// How often it is looked how many more events are due.
const PACE: Duration = Duration::from_millis(2);
/// As executors beat: each second, and when their runs change, but not more often than this.
const BEAT: Duration = Duration::from_secs(1);
const GAP: Duration = Duration::from_millis(20);

/// Tasks at work. Everything ends when this is dropped.
pub(crate) struct Bustle {
    crew: Arc<Crew>,
    working: JoinSet<Result<(), Error>>,
    pace: Option<JoinHandle<()>>,
}

/// What all that work share.
struct Crew {
    writer: Writer,
    /// Events that may happen now.
    due: Semaphore,
    /// Events that have happened.
    events: AtomicU64,
    records: AtomicU64,
    admissions: mpsc::Sender<(TaskId, oneshot::Sender<Sequence>)>,
    executors: Vec<Executor>,
}

struct Executor {
    id: ExecutorId,
    runs: Mutex<BTreeMap<TaskId, HeldRun>>,
    changed: Notify,
}

/// What has been written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) events: u64,
    pub(crate) records: u64,
    pub(crate) at: Instant,
}

impl Bustle {
    /// Has so many tasks run, so many wait for a slot, and so many for an answer. Nothing goes on until
    /// there is a [pace](Bustle::pace).
    pub(crate) async fn start(
        client: &Client,
        running: usize,
        waiting: usize,
        asking: usize,
    ) -> Result<Self, Error> {
        let writer = Writer::new(client, Shape::Varied);
        let executor = |_| Executor { id: new_id(), runs: Mutex::default(), changed: Notify::new() };
        let (admissions, asked) = mpsc::channel(running.max(1));
        let crew = Arc::new(Crew {
            writer,
            due: Semaphore::new(0),
            events: AtomicU64::new(0),
            records: AtomicU64::new(0),
            admissions,
            executors: (0..running.div_ceil(PLACES).max(1)).map(executor).collect(),
        });
        let mut working = JoinSet::new();
        working.spawn(Arc::clone(&crew).admit(asked));
        for n in 0..crew.executors.len() {
            working.spawn(Arc::clone(&crew).beat(n));
        }
        crew.due.add_permits(waiting + asking * 3);
        for _ in 0..waiting {
            crew.submit().await?;
        }
        for _ in 0..asking {
            crew.ask().await?;
        }
        // Each submits one and begins with it; then they wait.
        crew.due.add_permits(running * 3);
        for n in 0..running {
            working.spawn(Arc::clone(&crew).work(n));
        }
        let mut bustle = Self { crew, working, pace: None };
        let all = (waiting + asking * 3 + running * 3) as u64;
        // The last one may be kept by a record of two.
        while bustle.written()?.events + 1 < all {
            tokio::time::sleep(PACE).await;
        }
        Ok(bustle)
    }

    /// What has been written so far; an error if any part of it broke.
    pub(crate) fn written(&mut self) -> Result<Written, Error> {
        if let Some(ended) = self.working.try_join_next() {
            ended.map_err(|_| Error::BrokeOff("the work"))??;
        }
        let events = self.crew.events.load(Ordering::Relaxed);
        Ok(Written { events, records: self.crew.records.load(Ordering::Relaxed), at: Instant::now() })
    }

    /// Has so many events happen each second from now on.
    pub(crate) fn pace(&mut self, rate: u32) {
        self.rest();
        let crew = Arc::clone(&self.crew);
        self.pace = Some(tokio::spawn(async move {
            let begun = Instant::now();
            let mut given = 0;
            let mut ticks = tokio::time::interval(PACE);
            loop {
                ticks.tick().await;
                let due = (begun.elapsed().as_micros() * u128::from(rate) / 1_000_000) as usize;
                crew.due.add_permits(due - given);
                given = due;
            }
        }));
    }

    /// Has nothing happen any more but heartbeats.
    pub(crate) fn rest(&mut self) {
        if let Some(pace) = self.pace.take() {
            pace.abort();
        }
        self.crew.due.forget_permits(usize::MAX);
    }
}

impl Drop for Bustle {
    fn drop(&mut self) {
        self.rest();
    }
}

impl Crew {
    /// Appends a record when it is due.
    async fn append(
        &self,
        task: TaskId,
        role: Role,
        bodies: Vec<EventBody>,
        expect: Sequence,
    ) -> Result<Sequence, Error> {
        let events = u32::try_from(bodies.len()).unwrap_or(u32::MAX);
        // The gate is never closed.
        if let Ok(due) = self.due.acquire_many(events).await {
            due.forget();
        }
        let at = self.writer.append(task, role, bodies, expect).await?;
        self.events.fetch_add(events.into(), Ordering::Relaxed);
        self.records.fetch_add(1, Ordering::Relaxed);
        Ok(at)
    }

    async fn submit(&self) -> Result<(TaskId, Sequence), Error> {
        let task = new_id();
        let submitted = EventBody::Submitted(Box::new(self.writer.submission(task)?));
        Ok((task, self.append(task, Role::Client, vec![submitted], Sequence::ZERO).await?))
    }

    /// A task that has begun on an executor.
    async fn begin(&self, on: &Executor) -> Result<(TaskId, Sequence), Error> {
        let (task, at) = self.submit().await?;
        let (answer, admitted) = oneshot::channel();
        let asked = self.admissions.send((task, answer)).await.is_ok();
        let ledger = if asked { admitted.await.ok() } else { None };
        let ledger = ledger.ok_or(Error::BrokeOff("the ledger"))?;
        let run = RunNumber(1);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let started =
            EventBody::Started { run, executor: on.id, version, ledger, why: AdmissionReason::First };
        on.hold(task, Some(HeldRun { org: self.writer.org.clone(), task, run }));
        Ok((task, self.append(task, Role::Executor, vec![started], at).await?))
    }

    /// A task that waits for an answer.
    async fn ask(&self) -> Result<(), Error> {
        let executor = &self.executors[0];
        let (task, at) = self.begin(executor).await?;
        let arguments = json!({"to": "segment:plan-b", "subject": "Outage on 12 May"});
        let asked = EventBody::ApprovalRequested {
            run: RunNumber(1),
            approval: new_id(),
            action: "send_email to 214".to_owned(),
            digest: canonical_digest(&arguments),
            arguments,
            schema: None,
            note: None,
            expires_at: self.writer.journal.now().plus(Millis::seconds(3600)),
        };
        executor.hold(task, None);
        self.append(task, Role::Executor, vec![asked], at).await.map(drop)
    }

    /// Works on one task after another, for ever.
    async fn work(self: Arc<Self>, n: usize) -> Result<(), Error> {
        let executor = &self.executors[n / PLACES];
        // They are not to end all at once: the first one of each is shorter.
        let mut first = u32::try_from(n).unwrap_or(0) % STEPS;
        loop {
            let (task, mut at) = self.begin(executor).await?;
            for bodies in records(first) {
                at = self.append(task, Role::Executor, bodies, at).await?;
            }
            executor.hold(task, None);
            first = 0;
        }
    }

    /// Admits what is asked for, many at once.
    async fn admit(
        self: Arc<Self>,
        mut asked: mpsc::Receiver<(TaskId, oneshot::Sender<Sequence>)>,
    ) -> Result<(), Error> {
        let mut last = self.writer.journal.ledger_last(&self.writer.org).await?;
        let mut all = Vec::new();
        while asked.recv_many(&mut all, longhaul_core::MAX_ADMISSIONS).await > 0 {
            let tasks: Vec<_> = all.iter().map(|(task, _)| *task).collect();
            last = self.writer.admit(&tasks, last).await?;
            for (_, answer) in all.drain(..) {
                // Who asked may have gone, at the end.
                let _ = answer.send(last);
            }
        }
        Ok(())
    }

    /// Beats as an executor does.
    async fn beat(self: Arc<Self>, n: usize) -> Result<(), Error> {
        let (journal, executor) = (&self.writer.journal, &self.executors[n]);
        let kind = Kind::new(REHEARSAL).map_err(|error| Error::Unfit(error.to_string()))?;
        let mut every = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = executor.changed.notified() => {}
            }
            let beat = executor.word(journal, n, &kind);
            journal.beat(&beat).await?;
            tokio::time::sleep(GAP).await;
        }
    }
}

impl Executor {
    /// Holds a run, or lets it go.
    fn hold(&self, task: TaskId, run: Option<HeldRun>) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        match run {
            Some(run) => drop(runs.insert(task, run)),
            None => drop(runs.remove(&task)),
        }
        self.changed.notify_one();
    }

    fn word(&self, journal: &Journal, n: usize, kind: &Kind) -> Beat {
        let runs: Vec<_> =
            self.runs.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let places = PLACES as u32;
        let free = places.saturating_sub(u32::try_from(runs.len()).unwrap_or(places));
        Beat {
            executor: self.id,
            at: journal.now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: format!("worker-{n}/{}", std::process::id()),
            kinds: vec![Room { kind: kind.clone(), places, free }],
            runs,
            draining: false,
        }
    }
}

/// What an executor writes of a task after its start, record by record: all steps but the first ones.
fn records(first: u32) -> Vec<Vec<EventBody>> {
    let run = RunNumber(1);
    let name =
        |step: u32| format!("{} of part {step}", ["reading", "checking", "summing up"][step as usize % 3]);
    let fraction = |part: f64| Some(part / f64::from(STEPS));
    let mut offset = 0;
    let mut all = Vec::new();
    for step in first..STEPS {
        let said = |share: f64, message: &str| EventBody::Progressed {
            run,
            fraction: fraction(f64::from(step) + share),
            message: Some(message.to_owned()),
            waits: None,
        };
        let text =
            format!("Part {step}: revenue is up by 12 % over the quarter before, mostly in the north.\n");
        let begins = offset;
        offset += text.len() as u64;
        let text = EventBody::TextAppended { run, segment: 1, offset: begins, text };
        let usage = Usage { input_tokens: 1200, output_tokens: 300, model_calls: 1, queries: 1, exact: true };
        let result = Payload::Inline(json!({"rows": 128, "sum": 1_048_576.25, "unit": "EUR"}));
        all.extend([
            vec![EventBody::StepStarted {
                run,
                step: name(step),
                index: step - first,
                of: Some(STEPS - first),
            }],
            vec![said(0.2, "reading the figures of the month")],
            vec![text],
            vec![said(0.6, "comparing with the month before"), said(0.8, "writing it down")],
            vec![
                EventBody::StepCompleted { run, step: name(step), index: step - first, result },
                EventBody::UsageRecorded { run, usage, model: None },
            ],
        ]);
    }
    all.push(vec![EventBody::Completed { run, output: Payload::Inline(json!({"steps": STEPS})) }]);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longhaul_client::Identity;
    use longhaul_core::{Status, TaskRef};
    use longhaul_journal::Shards;
    use longhaul_wire::Parsed;

    use super::*;

    #[tokio::test]
    async fn what_is_written_at_a_pace_are_histories_like_any_other() {
        let journal = Journal::memory(Shards::ONE);
        let client = Client::new(journal.clone(), Identity::new("acme", "ann", "test").unwrap());
        let mut bustle = Bustle::start(&client, 5, 3, 2).await.unwrap();
        bustle.pace(20_000);
        let begun = Instant::now();
        while bustle.written().unwrap().events < 1000 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
            tokio::time::sleep(PACE).await;
        }
        drop(bustle);
        let shard = Shards::ONE.all().next().unwrap();
        let mut follower = journal.follow(shard, Sequence::ZERO).await.unwrap();
        let head = journal.head(shard).await.unwrap();
        let mut tasks = std::collections::BTreeSet::new();
        while let Some(entry) = follower.next().await {
            let entry = entry.unwrap();
            if let Parsed::Task { org, task, .. } = entry.subject {
                tasks.insert(TaskRef { org, task });
            }
            if entry.sequence >= head {
                break;
            }
        }
        let mut stand: BTreeMap<Status, usize> = BTreeMap::new();
        for task in tasks {
            let snapshot = journal.load(&task).await.unwrap().unwrap();
            assert_eq!(snapshot.ignored, 0, "{snapshot:?}");
            *stand.entry(snapshot.status).or_default() += 1;
        }
        assert_eq!(stand[&Status::Paused], 2);
        assert!(stand[&Status::Pending] >= 3 && stand[&Status::Completed] > 5, "{stand:?}");
    }
}
