//! What folding costs, without a server: a log in memory is followed, rebuilt, or folded as it grows.
//!
//! ```text
//! fold_cost rebuild short|full <tasks>
//! fold_cost live <tasks> <tasks a second>
//! ```
//!
//! CPU time is that of the whole process; the log in memory and its writer are a part of it, which
//! `follow` shows for itself.

use std::error::Error;
use std::time::{Duration, Instant};

use longhaul_core::{
    Actor, Admission, AdmissionCommit, AdmissionReason, EventBody, ExecutorId, Kind, Lane, OrgId, Owner,
    Payload, Role, RunNumber, Sequence, Submission, TaskId, Title, Usage, UserId,
};
use longhaul_journal::memory::Memory;
use longhaul_journal::port::{Append, Port};
use longhaul_journal::{Journal, Record, Shard, Shards, new_id, stamp};
use longhaul_projector::{Options, Projector, rebuild};
use longhaul_wire::{Subject, encode};
use serde_json::json;
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// In how many organisations the tasks lie.
const ORGANISATIONS: usize = 16;

/// Tasks that are written side by side.
const BLOCK: usize = 256;

/// How many tasks are submitted ahead of those that are admitted, how many are admitted together, and
/// how many later they end.
const WAITING: usize = 2000;
const ADMITTED: usize = 64;
const RUNNING: usize = 164;

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["rebuild", shape, tasks] => from_nothing(*shape == "full", tasks.parse()?).await,
        ["live", tasks, rate] => as_it_grows(tasks.parse()?, rate.parse()?).await,
        _ => Err("say: rebuild short|full <tasks>, or live <tasks> <tasks a second>".into()),
    }
}

/// Histories that are all over: followed and decoded, then made into a read model.
async fn from_nothing(full: bool, tasks: usize) -> Outcome<()> {
    let memory = Memory::new(Shards::ONE);
    let writer = Writer::new()?;
    let mut events = 0;
    for (n, begin) in (0..tasks).step_by(BLOCK).enumerate() {
        let count = BLOCK.min(tasks - begin);
        let block = writer.block(n % ORGANISATIONS, count, full)?;
        events += block.events;
        for record in block.records {
            memory.append(record).await?;
        }
    }
    let journal = Journal::over(&memory);
    let meter = Meter::start();
    let head = journal.head(Shard(0)).await?;
    let mut follower = journal.follow(Shard(0), Sequence::ZERO).await?;
    while follower.next_batch(1000).await?.last().is_some_and(|last| last.sequence < head) {}
    meter.tell("followed", tasks, events)?;

    let dir = tempfile::tempdir()?;
    let meter = Meter::start();
    rebuild(journal.clone(), Options::new(dir.path())).await?;
    meter.tell("rebuilt", tasks, events)?;
    let bytes = std::fs::metadata(dir.path().join("read-model.sqlite"))?.len();
    say(&format!("the read model has {} bytes a task", bytes / tasks.max(1) as u64));
    Ok(())
}

/// No-op tasks, submitted well ahead of those that run, folded as they come.
async fn as_it_grows(tasks: usize, rate: usize) -> Outcome<()> {
    let writer = Writer::new()?;
    for folded in [false, true] {
        let memory = Memory::new(Shards::ONE);
        let journal = Journal::over(&memory);
        let dir = tempfile::tempdir()?;
        // Encoded before anything is measured.
        let mut steps = writer.steps(tasks)?;
        let warm = steps.split_off(steps.len().min(WAITING / 2));
        for record in steps.into_iter().flatten() {
            memory.append(record).await?;
        }
        let cancel = CancellationToken::new();
        let projector = Projector::open(journal.clone(), Options::new(dir.path())).await?;
        let mut standing = projector.handle().standing();
        let running = folded.then(|| tokio::spawn(projector.run(cancel.clone())));
        if folded {
            let head = journal.head(Shard(0)).await?;
            standing.wait_for(|now| now.positions.of(Shard(0)) >= head).await?;
        }
        let meter = Meter::start();
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        let mut left = warm.into_iter();
        let mut done = 0;
        while left.len() > 0 {
            ticks.tick().await;
            let due = meter.begun.elapsed().as_secs_f64() * rate as f64;
            for step in left.by_ref().take((due as usize).saturating_sub(done)) {
                done += 1;
                for record in step {
                    memory.append(record).await?;
                }
            }
        }
        if folded {
            let head = journal.head(Shard(0)).await?;
            standing.wait_for(|now| now.positions.of(Shard(0)) >= head).await?;
        }
        meter.tell(if folded { "folded" } else { "written alone" }, tasks, tasks * 3)?;
        cancel.cancel();
        if let Some(running) = running {
            running.await??;
        }
    }
    Ok(())
}

struct Writer {
    orgs: Vec<OrgId>,
    user: UserId,
    kind: Kind,
    executor: ExecutorId,
}

struct Block {
    records: Vec<Append>,
    events: usize,
}

impl Writer {
    fn new() -> Outcome<Self> {
        let orgs = (0..ORGANISATIONS).map(|n| OrgId::new(format!("org-{n}")));
        let orgs = orgs.collect::<Result<_, _>>()?;
        Ok(Self { orgs, user: UserId::new("ada")?, kind: Kind::new("rehearsal")?, executor: new_id() })
    }

    /// Whole histories, all at the same pace.
    fn block(&self, org: usize, count: usize, full: bool) -> Outcome<Block> {
        let org = &self.orgs[org];
        let tasks: Vec<TaskId> = (0..count).map(|_| new_id()).collect();
        let mut block = Block { records: Vec::new(), events: 0 };
        let mut round = |role, bodies: Vec<EventBody>| -> Outcome<()> {
            for task in &tasks {
                block.events += bodies.len();
                block.records.push(self.record(org, *task, role, bodies.clone())?);
            }
            Ok(())
        };
        round(Role::Client, vec![self.submitted(org)?])?;
        if !full {
            round(Role::Executor, vec![self.started()])?;
            round(Role::Executor, vec![completed()])?;
        } else {
            let (mut usage, text) = (usage(), text());
            usage.push(completed());
            let half =
                EventBody::Progressed { run: RunNumber(1), fraction: Some(0.5), message: None, waits: None };
            round(Role::Executor, vec![self.started()])?;
            round(Role::Executor, vec![step(0), text])?;
            round(Role::Executor, vec![stepped(0), half, step(1)])?;
            round(Role::Executor, vec![stepped(1)])?;
            round(Role::Executor, usage)?;
        }
        let admitted = self.admitted(org, &tasks)?;
        block.records.insert(count, admitted);
        Ok(block)
    }

    /// Of each task what happens when it is its turn: a later one is submitted, it starts, an earlier
    /// one ends.
    fn steps(&self, tasks: usize) -> Outcome<Vec<Vec<Append>>> {
        let ids: Vec<TaskId> = (0..tasks).map(|_| new_id()).collect();
        let org = |n: usize| &self.orgs[n % ORGANISATIONS];
        let mut steps = Vec::new();
        for n in 0..tasks + WAITING + RUNNING {
            let mut step = Vec::new();
            if n < tasks {
                step.push(self.record(org(n), ids[n], Role::Client, vec![self.submitted(org(n))?])?);
            }
            if let Some(n) = n.checked_sub(WAITING).filter(|n| *n < tasks && n % ADMITTED < ORGANISATIONS) {
                let of = (n..tasks.min(n - n % ADMITTED + ADMITTED)).step_by(ORGANISATIONS);
                step.push(self.admitted(org(n), &of.map(|n| ids[n]).collect::<Vec<_>>())?);
            }
            if let Some(n) = n.checked_sub(WAITING + ADMITTED).filter(|n| *n < tasks) {
                step.push(self.record(org(n), ids[n], Role::Executor, vec![self.started()])?);
            }
            if let Some(n) = n.checked_sub(WAITING + RUNNING) {
                step.push(self.record(org(n), ids[n], Role::Executor, vec![completed()])?);
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn record(&self, org: &OrgId, task: TaskId, role: Role, bodies: Vec<EventBody>) -> Outcome<Append> {
        let commit = stamp(task, &self.actor(role), bodies, longhaul_journal::now());
        append(Subject::task(Shards::ONE, org, task), &Record::Task(commit))
    }

    fn admitted(&self, org: &OrgId, tasks: &[TaskId]) -> Outcome<Append> {
        let admissions = tasks.iter().map(|task| Admission {
            task: *task,
            run: RunNumber(1),
            user: self.user.clone(),
            conversation: None,
            lane: Lane::default(),
            kind: self.kind.clone(),
            why: AdmissionReason::First,
        });
        let commit = AdmissionCommit {
            id: new_id(),
            org: org.clone(),
            at: longhaul_journal::now(),
            actor: self.actor(Role::Scheduler),
            admissions: admissions.collect(),
        };
        append(Subject::ledger(Shards::ONE, org), &Record::Admissions(commit))
    }

    fn submitted(&self, org: &OrgId) -> Outcome<EventBody> {
        Ok(EventBody::Submitted(Box::new(Submission::new(
            Owner { org: org.clone(), user: self.user.clone(), conversation: None },
            self.kind.clone(),
            Title::new("a task of the past")?,
            Payload::Inline(json!("slow 2 0")),
        ))))
    }

    fn started(&self) -> EventBody {
        EventBody::Started {
            run: RunNumber(1),
            executor: self.executor,
            version: "1.0.0".to_owned(),
            ledger: Sequence(1),
            why: AdmissionReason::First,
        }
    }

    fn actor(&self, role: Role) -> Actor {
        let who = match role {
            Role::Client => self.user.to_string(),
            Role::Executor | Role::Scheduler => self.executor.to_string(),
        };
        Actor { role, who, via: "example".to_owned() }
    }
}

fn append(subject: Subject, record: &Record) -> Outcome<Append> {
    let body = encode(subject.parsed(), record)?;
    Ok(Append { subject, expect: None, body: body.into() })
}

fn step(index: u32) -> EventBody {
    EventBody::StepStarted { run: RunNumber(1), step: format!("step {}", index + 1), index, of: Some(2) }
}

fn stepped(index: u32) -> EventBody {
    let result = Payload::Inline(json!({"rows": 128, "sum": 1_048_576.25, "unit": "EUR"}));
    EventBody::StepCompleted { run: RunNumber(1), step: format!("step {}", index + 1), index, result }
}

fn text() -> EventBody {
    EventBody::TextAppended { run: RunNumber(1), segment: 1, offset: 0, text: "step 1 of 2\n".to_owned() }
}

fn usage() -> Vec<EventBody> {
    let usage = Usage { input_tokens: 1200, output_tokens: 300, model_calls: 1, queries: 1, exact: true };
    vec![EventBody::UsageRecorded { run: RunNumber(1), usage, model: None }]
}

fn completed() -> EventBody {
    EventBody::Completed { run: RunNumber(1), output: Payload::Inline(json!({"steps": 2})) }
}

/// Wall and CPU time of this process.
struct Meter {
    begun: Instant,
    cpu: f64,
}

impl Meter {
    fn start() -> Self {
        Self { begun: Instant::now(), cpu: cpu().unwrap_or_default() }
    }

    fn tell(&self, what: &str, tasks: usize, events: usize) -> Outcome<()> {
        let (wall, cpu) = (self.begun.elapsed().as_secs_f64(), cpu()? - self.cpu);
        say(&format!(
            "{what}: {wall:.2} s, {cpu:.2} CPU-s; {:.0} events a second, {:.0} a CPU second; {:.4} CPU-ms a task",
            events as f64 / wall,
            events as f64 / cpu,
            cpu * 1000.0 / tasks as f64
        ));
        Ok(())
    }
}

/// CPU seconds of this process, user and system, as Linux counts them: in hundredths.
fn cpu() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name is in brackets, and may hold anything; what is counted here comes 12 and 13 words later.
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |n: usize| after.split(' ').nth(n).and_then(|ticks| ticks.parse::<f64>().ok());
    let (user, system) = (ticks(11), ticks(12));
    Ok((user.ok_or("no CPU times")? + system.ok_or("no CPU times")?) / 100.0)
}

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn say(line: &str) {
    println!("{line}");
}
