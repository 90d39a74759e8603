//! Histories for tests: tasks of several organisations, steered by dice, decided by the core, and
//! strewn with what careless and newer programs write.

use std::collections::BTreeMap;

use longhaul_core::*;
use longhaul_journal::{Entry, Parsed, Record, Shards};
use longhaul_wire::{Subject, decode, encode};
use serde_json::json;
use uuid::Uuid;

/// A message of the log.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) subject: Subject,
    pub(super) body: Vec<u8>,
    pub(super) stored_at: Timestamp,
}

/// A log and what is true of its tasks.
pub(super) struct World {
    pub(super) shards: Shards,
    /// By shard; the n-th has the sequence n + 1.
    pub(super) logs: Vec<Vec<Message>>,
    pub(super) tasks: BTreeMap<TaskRef, Snapshot>,
    /// Tasks with a record that this program cannot read.
    pub(super) poisoned: Vec<TaskRef>,
    pub(super) now: Timestamp,
    ids: u128,
}

pub(super) const T0: Timestamp = Timestamp(1_800_000_000_000);
const ORGS: [&str; 3] = ["acme", "bolt", "crane"];
const USERS: [&str; 3] = ["ann", "bob", "cy"];
const KINDS: [&str; 3] = ["report", "exec", "chat"];
const TITLES: [&str; 4] =
    ["Quarterly review", "CHURN by country", "Größte Kunden", "100%_sure'; DROP TABLE task"];

pub(super) fn org(name: &str) -> OrgId {
    OrgId::new(name).unwrap()
}

pub(super) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(super) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

pub(super) fn actor(role: Role) -> Actor {
    Actor { role, who: "tester".to_owned(), via: "tests".to_owned() }
}

pub(super) fn submission(org_name: &str, user_name: &str) -> Submission {
    Submission::new(
        Owner { org: org(org_name), user: user(user_name), conversation: None },
        kind("report"),
        Title::new("Quarterly review").unwrap(),
        Payload::Inline(json!({"share": 0.1, "of": [1e-7, 3.0e300, 0.30000000000000004]})),
    )
}

/// The role that gives a command.
pub(super) fn role(command: &Command) -> Role {
    match command {
        Command::Start { .. } | Command::Run { .. } => Role::Executor,
        Command::DeclareLost { .. } | Command::LapseApproval { .. } | Command::Expire => Role::Scheduler,
        _ => Role::Client,
    }
}

impl World {
    pub(super) fn new(shards: u16) -> Self {
        let shards = Shards::new(shards).unwrap();
        let logs = shards.all().map(|_| Vec::new()).collect();
        Self { shards, logs, tasks: BTreeMap::new(), poisoned: Vec::new(), now: T0, ids: 0 }
    }

    /// A history made by `dice`.
    pub(super) fn thrown(shards: u16, dice: &[u32]) -> Self {
        let mut world = Self::new(shards);
        dice.iter().for_each(|die| world.throw(*die));
        world
    }

    pub(super) fn id(&mut self) -> Uuid {
        self.ids += 1;
        // Scrambled, so that ids do not sort as they were made.
        Uuid::from_u128(self.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    }

    /// Writes a message as it is.
    pub(super) fn write(&mut self, subject: Subject, body: Vec<u8>) -> Sequence {
        let log = &mut self.logs[usize::from(subject.shard().0)];
        log.push(Message { subject, body, stored_at: self.now });
        Sequence(log.len() as u64)
    }

    pub(super) fn record(&mut self, subject: Subject, record: &Record) -> Sequence {
        let body = encode(subject.parsed(), record).unwrap();
        self.write(subject, body)
    }

    /// Writes events of a task, whether they are allowed or not.
    pub(super) fn commit(&mut self, key: &TaskRef, role: Role, bodies: Vec<EventBody>) -> Sequence {
        let events = bodies.into_iter().map(|body| Event { id: EventId(self.id()), body }).collect();
        let commit = Commit {
            id: CommitId(self.id()),
            task: key.task,
            at: self.now,
            actor: actor(role),
            trace: None,
            events,
        };
        let subject = Subject::task(self.shards, &key.org, key.task);
        let sequence = self.record(subject, &Record::Task(commit.clone()));
        let state = apply_commit(self.tasks.remove(key), &commit, sequence);
        self.tasks.extend(state.map(|state| (key.clone(), state)));
        sequence
    }

    /// Decides a command and writes what comes of it, if anything does.
    pub(super) fn act(&mut self, key: &TaskRef, command: &Command) -> Option<Sequence> {
        let events = decide(self.tasks.get(key), command, Context { now: self.now }).ok()?;
        (!events.is_empty()).then(|| self.commit(key, role(command), events))
    }

    pub(super) fn submit(&mut self, said: Submission) -> TaskRef {
        let key = TaskRef { org: said.owner.org.clone(), task: TaskId(self.id()) };
        self.act(&key, &Command::Submit(Box::new(said))).unwrap();
        key
    }

    /// Admits the next run of a pending task on its organisation's ledger.
    pub(super) fn admit(&mut self, key: &TaskRef) -> Sequence {
        let task = &self.tasks[key];
        let admission = Admission {
            task: key.task,
            run: task.next_run,
            user: task.owner.user.clone(),
            conversation: task.owner.line(task.lane).cloned(),
            lane: task.lane,
            kind: task.kind.clone(),
            why: task.admit_as,
        };
        let commit = AdmissionCommit {
            id: CommitId(self.id()),
            org: key.org.clone(),
            at: self.now,
            actor: actor(Role::Scheduler),
            admissions: vec![admission],
        };
        self.record(Subject::ledger(self.shards, &key.org), &Record::Admissions(commit))
    }

    /// Admits and starts a pending task.
    pub(super) fn start(&mut self, key: &TaskRef) {
        let ledger = self.admit(key);
        let run = self.tasks[key].next_run;
        let start = Command::Start {
            run,
            executor: executor(1),
            version: "1".to_owned(),
            ledger,
            why: AdmissionReason::First,
        };
        self.act(key, &start);
    }

    pub(super) fn run(&mut self, key: &TaskRef, act: Act) -> Option<Sequence> {
        let run = self.tasks[key].run;
        self.act(key, &Command::Run { run, act })
    }

    pub(super) fn complete(&mut self, key: &TaskRef) -> Option<Sequence> {
        self.run(key, Act::Complete { output: Payload::Inline(json!({"done": true})) })
    }

    pub(super) fn set_policy(&mut self, name: &str, policy: Policy) -> Sequence {
        let commit = PolicyCommit {
            id: CommitId(self.id()),
            org: org(name),
            at: self.now,
            actor: actor(Role::Client),
            policy,
        };
        self.record(Subject::policy(self.shards, &org(name)), &Record::Policy(commit))
    }

    /// What a newer program writes: of this task, or wherever `subject` says.
    pub(super) fn poison(&mut self, subject: Subject) -> Sequence {
        if let Parsed::Task { org, task, .. } = subject.parsed() {
            self.poisoned.push(TaskRef { org: org.clone(), task: *task });
        }
        self.write(subject, br#"{"v":99,"unheard":"of"}"#.to_vec())
    }

    /// What a projector reads, all of it.
    pub(super) fn entries(&self) -> Vec<Vec<Entry>> {
        self.entries_but(|_, _| false)
    }

    /// The same after every erased task's payload was forgotten.
    pub(super) fn entries_after_forgetting(&self) -> Vec<Vec<Entry>> {
        let erased: BTreeMap<&TaskRef, Sequence> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.erased)
            .map(|(key, _)| (key, self.erasure(key)))
            .collect();
        self.entries_but(|subject, sequence| match subject {
            Parsed::Task { org, task, .. } => {
                erased.get(&TaskRef { org: org.clone(), task: *task }).is_some_and(|at| sequence < *at)
            }
            _ => false,
        })
    }

    fn erasure(&self, key: &TaskRef) -> Sequence {
        let subject = Subject::task(self.shards, &key.org, key.task);
        let log = &self.logs[usize::from(subject.shard().0)];
        let erases = |message: &Message| {
            let erases = |event: &Event| matches!(event.body, EventBody::Erased { .. });
            message.subject == subject
                && matches!(decode(subject.parsed(), &message.body),
                    Ok(Record::Task(commit)) if commit.events.iter().any(erases))
        };
        Sequence(log.iter().position(erases).unwrap() as u64 + 1)
    }

    fn entries_but(&self, gone: impl Fn(&Parsed, Sequence) -> bool) -> Vec<Vec<Entry>> {
        let log = |log: &Vec<Message>| {
            let entries = (1..).map(Sequence).zip(log).map(|(sequence, message)| Entry {
                shard: message.subject.shard(),
                sequence,
                stored_at: message.stored_at,
                subject: message.subject.parsed().clone(),
                record: decode(message.subject.parsed(), &message.body),
                pending: log.len() as u64 - sequence.0,
                bytes: message.body.len(),
            });
            entries.filter(|entry| !gone(&entry.subject, entry.sequence)).collect()
        };
        self.logs.iter().map(log).collect()
    }

    /// One more thing happens.
    fn throw(&mut self, die: u32) {
        let mut die = Die(die);
        self.now = self.now.plus(Millis(u64::from(die.of(4)) * 7_000_000));
        let known: Vec<TaskRef> = self.tasks.keys().cloned().collect();
        if known.len() < 3 || die.of(7) == 0 {
            self.throw_submission(&mut die, &known);
            return;
        }
        let key = known[die.of(known.len() as u32) as usize].clone();
        let task = self.tasks[&key].clone();
        match die.of(24) {
            0 => {
                self.throw_oddity(&mut die, &key);
            }
            1 => {
                let caps = Caps { user: die.of(3), ..Caps::default() };
                self.set_policy(key.org.clone().as_str(), Policy { caps, ..Policy::default() });
            }
            2 | 3 => drop(self.act(&key, &Command::RequestAbort { by: "ann".into(), reason: None })),
            _ if task.status == Status::Pending && die.of(3) == 0 => drop(self.admit(&key)),
            _ if task.status == Status::Pending => self.start(&key),
            _ if task.status == Status::Paused => self.throw_decision(&mut die, &key, &task),
            _ if task.status.is_terminal() => {
                let by = "ann".to_owned();
                let command = match die.of(4) {
                    0 | 1 => Command::Retry { by },
                    2 => Command::Dismiss { by },
                    _ => Command::Erase { by },
                };
                self.act(&key, &command);
            }
            _ => self.throw_run(&mut die, &key, &task),
        }
    }

    fn throw_submission(&mut self, die: &mut Die, known: &[TaskRef]) {
        let mut said = submission(die.one(&ORGS), die.one(&USERS));
        said.kind = kind(die.one(&KINDS));
        said.title = Title::new(die.one(&TITLES)).unwrap();
        if die.of(3) == 0 {
            said.owner.conversation = Some(ConversationId::new(format!("c{}", die.of(2))).unwrap());
        }
        for key in ["tier", "team"] {
            if die.of(2) == 0 {
                said.labels.insert(LabelKey::new(key).unwrap(), die.one(&["gold", "o'neill"]).to_owned());
            }
        }
        if die.of(4) == 0 {
            said.not_before = Some(self.now.plus(Millis::minutes(90)));
        }
        said.retry.max_attempts = 1 + die.of(2);
        if die.of(3) == 0 && !known.is_empty() {
            let other = known[die.of(known.len() as u32) as usize].task;
            said.lineage = match die.of(2) {
                0 => Lineage { rerun_of: Some(other), ..Lineage::default() },
                _ => Lineage { continues: Some(other), parent: Some(other), ..Lineage::default() },
            };
        }
        self.submit(said);
    }

    /// What no careful program of this version writes.
    fn throw_oddity(&mut self, die: &mut Die, key: &TaskRef) {
        let subject = Subject::task(self.shards, &key.org, key.task);
        let stale =
            EventBody::Progressed { run: RunNumber(77), fraction: Some(0.5), message: None, waits: None };
        let stranger = TaskRef { org: key.org.clone(), task: TaskId(self.id()) };
        match die.of(6) {
            0 => self.poison(subject),
            1 => self.poison(Subject::ledger(self.shards, &key.org)),
            2 => self.commit(key, Role::Executor, vec![stale]),
            3 => self.commit(&stranger, Role::Executor, vec![stale]),
            4 => self.poison(Subject::task(self.shards, &stranger.org, stranger.task)),
            _ => self.write(subject, b"not even JSON".to_vec()),
        };
        if self.logs.iter().flatten().any(|message| message.body.starts_with(b"not")) {
            self.poisoned.push(key.clone());
        }
    }

    fn throw_decision(&mut self, die: &mut Die, key: &TaskRef, task: &Snapshot) {
        let Some(open) = task.open_approval() else { return };
        let (approval, digest) = (open.id, open.digest);
        let command = match die.of(3) {
            0 => {
                self.now = self.now.max(open.expires_at);
                Command::LapseApproval { approval }
            }
            _ => Command::DecideApproval { approval, digest, decision: Decision::Approved, by: "bob".into() },
        };
        self.act(key, &command);
    }

    fn throw_run(&mut self, die: &mut Die, key: &TaskRef, task: &Snapshot) {
        let step = format!("step {}", task.steps.len());
        let act = match die.of(12) {
            0 => Act::StartStep { step, of: Some(4) },
            1 => match task.current_step() {
                Some(step) => {
                    Act::CompleteStep { step: step.name.clone(), result: Payload::Inline(json!(0.1)) }
                }
                None => Act::StartStep { step, of: None },
            },
            2 => {
                Act::Progress { fraction: Some(f64::from(die.of(1000)) / 999.0), message: None, waits: None }
            }
            3 => Act::AppendText { segment: 1, text: "some words".to_owned() },
            4 | 5 => {
                let usage = Usage {
                    input_tokens: u64::from(die.of(5000)),
                    output_tokens: if die.of(20) == 0 { u64::MAX } else { 7 },
                    model_calls: 1,
                    queries: die.of(3),
                    exact: die.of(3) > 0,
                };
                Act::RecordUsage { usage, model: None }
            }
            6 => Act::RequestApproval {
                approval: ApprovalId(self.id()),
                action: "send".to_owned(),
                arguments: json!({"to": "everybody"}),
                digest: Digest([3; 32]),
                schema: None,
                note: None,
                expires_at: self.now.plus(Millis::minutes(600)),
            },
            7 => Act::Continue(Continuation::Slice),
            8 => Act::Complete { output: Payload::Inline(json!([1, 0.1])) },
            9 => Act::StopAt { checkpoint: "middle".to_owned() },
            10 => {
                let error = TaskError {
                    code: "broken".into(),
                    message: "it broke".into(),
                    retryable: die.of(2) == 0,
                };
                Act::Fail { error }
            }
            _ => {
                let (run, lease) = (task.run, LEASE);
                self.act(key, &Command::DeclareLost { run, last_beat: None, lease });
                return;
            }
        };
        self.run(key, act);
    }
}

pub(super) fn executor(n: u128) -> ExecutorId {
    ExecutorId(Uuid::from_u128(0xE000 + n))
}

/// One number, cut into small choices.
struct Die(u32);

impl Die {
    fn of(&mut self, faces: u32) -> u32 {
        // A step of a linear congruential generator: the choices of one number differ.
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % faces.max(1)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.of(of.len() as u32) as usize]
    }
}
