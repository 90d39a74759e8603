//! Logs of one shard, written in memory: by the rules, and past them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by several test programs, each of which uses a part"
)]

use longhaul_audit::{Finding, Known, Outside, Report, Rule, Stored, whole};
use longhaul_core::*;
use longhaul_wire::{DecodeError, Record, Shard, Shards, Subject};
use serde_json::json;
use uuid::Uuid;

pub const T0: Timestamp = Timestamp(1_800_000_000_000);

/// A log, and hands that write to it.
#[derive(Clone)]
pub struct Log {
    pub records: Vec<Stored>,
    pub now: Timestamp,
    ids: u128,
    last: Sequence,
}

pub fn log() -> Log {
    Log { records: Vec::new(), now: T0, ids: 0x019a_a0b0_0000_7000_8000_0000_0000_0000, last: Sequence::ZERO }
}

pub fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

pub fn submission(user: &str, conversation: Option<&str>) -> Submission {
    Submission::new(
        Owner {
            org: org(),
            user: UserId::new(user).unwrap(),
            conversation: conversation.map(|id| ConversationId::new(id).unwrap()),
        },
        Kind::new("report").unwrap(),
        Title::new("Quarterly review").unwrap(),
        Payload::Inline(json!({"data": "x"})),
    )
}

pub fn actor(role: Role) -> Actor {
    let who = match role {
        Role::Client => "ann",
        Role::Executor => "e1",
        Role::Scheduler => "s1",
    };
    Actor { role, who: who.to_owned(), via: "test".to_owned() }
}

/// The role that gives a command.
pub fn role(command: &Command) -> Role {
    match command {
        Command::Submit(_)
        | Command::RequestAbort { .. }
        | Command::DecideApproval { .. }
        | Command::Retry { .. }
        | Command::Dismiss { .. }
        | Command::Erase { .. } => Role::Client,
        Command::Start { .. } | Command::Run { .. } => Role::Executor,
        Command::DeclareLost { .. } | Command::LapseApproval { .. } | Command::Expire => Role::Scheduler,
    }
}

impl Log {
    pub fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// Time passes.
    pub fn after(&mut self, span: Millis) {
        self.now = self.now.plus(span);
    }

    /// Stores what could be read, or could not, under a subject.
    pub fn store(&mut self, subject: &Subject, record: Result<Record, DecodeError>) -> Sequence {
        self.last = Sequence(self.last.0 + 1);
        let subject = subject.parsed().clone();
        self.records.push(Stored { sequence: self.last, stored_at: self.now, subject, record });
        self.last
    }

    pub fn subject(&self, task: &TaskRef) -> Subject {
        Subject::task(Shards::ONE, &task.org, task.task)
    }

    /// The last record stored.
    pub fn last(&self) -> Sequence {
        self.last
    }

    /// A task's state.
    pub fn known(&self, task: &TaskRef) -> Known {
        let entries = self.records.iter().map(Stored::entry);
        Known::at(entries.filter(|entry| entry.task(Shards::ONE).as_ref() == Some(task)), self.last)
    }

    pub fn state(&self, task: &TaskRef) -> Option<Snapshot> {
        self.known(task).snapshot
    }

    pub fn commit(&mut self, task: &TaskRef, role: Role, bodies: Vec<EventBody>) -> Commit {
        let events = bodies.into_iter().map(|body| Event { id: EventId(self.id()), body }).collect();
        let id = CommitId(self.id());
        Commit { id, task: task.task, at: self.now, actor: actor(role), trace: None, events }
    }

    /// Writes events, whatever the rules say.
    pub fn say(&mut self, task: &TaskRef, role: Role, bodies: Vec<EventBody>) -> Sequence {
        let commit = self.commit(task, role, bodies);
        self.store(&self.subject(task), Ok(Record::Task(commit)))
    }

    /// Gives a command, as the rules say.
    pub fn give(&mut self, task: &TaskRef, command: Command) -> Result<Sequence, Rejection> {
        let bodies = decide(self.state(task).as_ref(), &command, Context { now: self.now })?;
        if bodies.is_empty() {
            return Ok(self.last);
        }
        Ok(self.say(task, role(&command), bodies))
    }

    pub fn act(&mut self, task: &TaskRef, act: Act) -> Sequence {
        let run = self.state(task).unwrap().run;
        self.give(task, Command::Run { run, act }).unwrap()
    }

    pub fn submit(&mut self) -> TaskRef {
        self.submit_as(submission("ann", None))
    }

    pub fn submit_as(&mut self, said: Submission) -> TaskRef {
        let task = TaskRef { org: said.owner.org.clone(), task: TaskId(self.id()) };
        self.give(&task, Command::Submit(Box::new(said))).unwrap();
        task
    }

    /// Gives tasks' next runs a slot, whatever the caps say.
    pub fn admit(&mut self, tasks: &[&TaskRef]) -> Sequence {
        let admissions = tasks.iter().map(|task| {
            let s = self.state(task).unwrap();
            Admission {
                task: s.task,
                run: s.next_run,
                conversation: s.owner.line(s.lane).cloned(),
                user: s.owner.user,
                lane: s.lane,
                kind: s.kind,
                why: s.admit_as,
            }
        });
        let admissions = admissions.collect();
        self.admissions(&tasks[0].org, admissions)
    }

    pub fn admissions(&mut self, org: &OrgId, admissions: Vec<Admission>) -> Sequence {
        let (id, at) = (CommitId(self.id()), self.now);
        let commit = AdmissionCommit { id, org: org.clone(), at, actor: actor(Role::Scheduler), admissions };
        self.store(&Subject::ledger(Shards::ONE, org), Ok(Record::Admissions(commit)))
    }

    /// Begins a task's next run in the slot of `ledger`.
    pub fn begin(&mut self, task: &TaskRef, ledger: Sequence) -> RunNumber {
        let s = self.state(task).unwrap();
        let executor = ExecutorId(self.id());
        let (run, why, version) = (s.next_run, s.admit_as, "1".to_owned());
        self.give(task, Command::Start { run, executor, version, ledger, why }).unwrap();
        run
    }

    /// Admits a task and begins its next run.
    pub fn start(&mut self, task: &TaskRef) -> RunNumber {
        let ledger = self.admit(&[task]);
        self.begin(task, ledger)
    }

    /// A task that runs.
    pub fn running(&mut self) -> (TaskRef, RunNumber) {
        let task = self.submit();
        let run = self.start(&task);
        (task, run)
    }

    pub fn policy(&mut self, policy: Policy) -> Sequence {
        let (id, at, org) = (CommitId(self.id()), self.now, org());
        let subject = Subject::policy(Shards::ONE, &org);
        let commit = PolicyCommit { id, org, at, actor: actor(Role::Client), policy };
        self.store(&subject, Ok(Record::Policy(commit)))
    }

    pub fn caps(&mut self, user: u32, organisation: u32) -> Sequence {
        let caps = Caps { user, organisation, conversation: 1, foreground: 2 };
        self.policy(Policy { caps, ..Policy::default() })
    }

    pub fn report(&self) -> Report {
        self.audited(&Outside::default())
    }

    pub fn audited(&self, outside: &Outside) -> Report {
        whole(Shards::ONE, &self.records, outside)
    }

    /// The only finding there is, which is of this rule, at this place.
    #[track_caller]
    pub fn breaks(&self, rule: Rule, at: Sequence) -> Finding {
        self.breaks_with(&Outside::default(), rule, at)
    }

    #[track_caller]
    pub fn breaks_with(&self, outside: &Outside, rule: Rule, at: Sequence) -> Finding {
        let report = self.audited(outside);
        let [finding] = &report.findings[..] else { panic!("one finding was expected: {report}") };
        assert_eq!((finding.rule, finding.sequence, finding.shard), (rule, at, Shard(0).0), "{finding}");
        assert_eq!(report.count(rule), 1);
        assert_eq!(report.is_sound(), !rule.is_promise());
        finding.clone()
    }
}

pub fn step(run: RunNumber, name: &str, index: u32) -> Vec<EventBody> {
    let step = name.to_owned();
    vec![
        EventBody::StepStarted { run, step: step.clone(), index, of: Some(2) },
        EventBody::StepCompleted { run, step, index, result: Payload::Inline(json!(name)) },
    ]
}

pub fn usage(run: RunNumber, input_tokens: u64) -> EventBody {
    let usage = Usage { input_tokens, model_calls: 1, queries: 2, ..Usage::default() };
    EventBody::UsageRecorded { run, usage, model: Some("m".to_owned()) }
}

pub fn completed(run: RunNumber) -> EventBody {
    EventBody::Completed { run, output: Payload::Inline(json!({"answer": 42})) }
}

pub fn complete() -> Act {
    Act::Complete { output: Payload::Inline(json!({"answer": 42})) }
}

pub fn fail(retryable: bool) -> Act {
    let error = TaskError { code: "broken".to_owned(), message: "it broke".to_owned(), retryable };
    Act::Fail { error }
}

pub fn abort() -> Command {
    Command::RequestAbort { by: "ann".to_owned(), reason: None }
}
