//! The pure core, called once for each question and remembered: a state of the model names snapshots,
//! boards and records by number, so that millions of states cost what their differences cost.

use std::collections::HashMap;
use std::fmt::Debug;

use longhaul_core::board::Board;
use longhaul_core::*;
use serde_json::Value;
use uuid::Uuid;

/// The one moment of the model. What time decides (leases) is a choice in it.
pub(crate) const NOW: Timestamp = Timestamp(0);

/// A task's state; 0 is that of a task nobody submitted.
pub(crate) type Snap = u32;
/// A board.
pub(crate) type Seen = u32;
/// A record that is, or shall be, on the log.
pub(crate) type Rec = u32;

/// Something somebody wants of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Deed {
    Submit,
    Abort,
    Answer,
    Retry,
    DeclareLost(RunNumber),
    Start(RunNumber, u8),
    /// A run does this.
    Run(RunNumber, Move),
}

/// What a handler does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Move {
    BeginStep,
    RecordStep,
    Complete,
    Stop,
    Slice,
    Fail,
    Ask,
}

/// A record of the log.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Task(Commit),
    Ledger(Vec<Admission>),
}

/// What a board takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    Task(Snap),
    Ledger(Rec, u32),
}

/// The tasks of a model, and what they are allowed.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// Whose each is: `user` or `user/conversation`, with a `!` if it is urgent, a `^` if it is in the
    /// foreground.
    pub(crate) tasks: Vec<&'static str>,
    /// How many steps each has.
    pub(crate) steps: usize,
    pub(crate) attempts: u32,
    pub(crate) caps: Caps,
}

/// Values by number.
struct Table<T> {
    all: Vec<T>,
    known: HashMap<String, u32>,
}

impl<T: Debug> Table<T> {
    fn new() -> Self {
        Self { all: vec![], known: HashMap::new() }
    }

    fn put(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap();
        let at = *self.known.entry(format!("{value:?}")).or_insert(next);
        if at == next {
            self.all.push(value);
        }
        at
    }
}

pub(crate) struct Pure {
    pub(crate) scene: Scene,
    snaps: Table<Option<Snapshot>>,
    boards: Table<Board>,
    records: Table<Record>,
    decided: HashMap<(usize, Snap, Deed), Option<Rec>>,
    applied: HashMap<(Snap, Rec), Snap>,
    folded: HashMap<(Seen, Fact), Seen>,
    planned: HashMap<Seen, Vec<Rec>>,
}

pub(crate) fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

pub(crate) fn task_id(task: usize) -> TaskId {
    TaskId(Uuid::from_u128(task as u128 + 1))
}

pub(crate) fn executor_id(n: u8) -> ExecutorId {
    ExecutorId(Uuid::from_u128(u128::from(n)))
}

fn step_name(index: usize) -> String {
    format!("step {}", index + 1)
}

impl Pure {
    pub(crate) fn new(scene: Scene) -> Self {
        let mut pure = Self {
            scene,
            snaps: Table::new(),
            boards: Table::new(),
            records: Table::new(),
            decided: HashMap::new(),
            applied: HashMap::new(),
            folded: HashMap::new(),
            planned: HashMap::new(),
        };
        pure.snaps.put(None);
        pure
    }

    /// A board that knows the policy, and two executors with room for everything.
    pub(crate) fn first_board(&mut self) -> Seen {
        let mut board = Board::new();
        board.policy(&org(), Policy { caps: self.scene.caps, ..Policy::default() });
        for n in 0..2 {
            board.beat(&Beat {
                executor: executor_id(n),
                at: NOW,
                version: "1".into(),
                host: "here/1".into(),
                kinds: vec![Room { kind: Kind::new("report").unwrap(), places: 9, free: 9 }],
                runs: vec![],
                draining: false,
            });
        }
        self.boards.put(board)
    }

    pub(crate) fn snapshot(&self, snap: Snap) -> Option<&Snapshot> {
        self.snaps.all[snap as usize].as_ref()
    }

    /// How many commits a task has: what an append to it expects.
    pub(crate) fn version(&self, snap: Snap) -> u32 {
        self.snapshot(snap).map_or(0, |s| u32::try_from(s.sequence.0).unwrap())
    }

    pub(crate) fn record(&self, record: Rec) -> &Record {
        &self.records.all[record as usize]
    }

    pub(crate) fn board(&self, board: Seen) -> &Board {
        &self.boards.all[board as usize]
    }

    /// What `decide` says: a record to append, or nothing if it refuses, or if it holds already.
    pub(crate) fn decide(&mut self, task: usize, snap: Snap, deed: Deed) -> Option<Rec> {
        if let Some(known) = self.decided.get(&(task, snap, deed)) {
            return *known;
        }
        let state = self.snaps.all[snap as usize].as_ref();
        let (role, command) = self.command(task, state, deed);
        let bodies = decide(state, &command, Context { now: NOW }).unwrap_or_default();
        let record = (!bodies.is_empty()).then(|| {
            let id = Uuid::nil();
            let events = bodies.into_iter().map(|body| Event { id: EventId(id), body }).collect();
            let actor = Actor { role, who: "w".into(), via: "model".into() };
            let (id, task) = (CommitId(id), task_id(task));
            self.records.put(Record::Task(Commit { id, task, at: NOW, actor, trace: None, events }))
        });
        self.decided.insert((task, snap, deed), record);
        record
    }

    /// The state after a commit. It cannot take a task away.
    pub(crate) fn apply(&mut self, snap: Snap, record: Rec) -> Snap {
        if let Some(known) = self.applied.get(&(snap, record)) {
            return *known;
        }
        let Record::Task(commit) = self.record(record) else { return snap };
        let sequence = Sequence(u64::from(self.version(snap)) + 1);
        let after = apply_commit(self.snapshot(snap).cloned(), commit, sequence);
        let after = self.snaps.put(after);
        self.applied.insert((snap, record), after);
        after
    }

    pub(crate) fn fold(&mut self, board: Seen, fact: Fact) -> Seen {
        if let Some(known) = self.folded.get(&(board, fact)) {
            return *known;
        }
        let mut after = self.board(board).clone();
        match fact {
            Fact::Task(snap) => {
                if let Some(snapshot) = self.snapshot(snap) {
                    after.task(snapshot);
                }
            }
            Fact::Ledger(record, version) => {
                let Record::Ledger(admissions) = self.record(record) else { return board };
                let commit = AdmissionCommit {
                    id: CommitId(Uuid::nil()),
                    org: org(),
                    at: NOW,
                    actor: Actor { role: Role::Scheduler, who: "w".into(), via: "model".into() },
                    admissions: admissions.clone(),
                };
                after.admissions(&commit, Sequence(u64::from(version)));
            }
        }
        let after = self.boards.put(after);
        self.folded.insert((board, fact), after);
        after
    }

    /// What a scheduler that sees this board may admit next: as much as there is room for, or one.
    pub(crate) fn plans(&mut self, board: Seen) -> Vec<Rec> {
        if let Some(known) = self.planned.get(&board) {
            return known.clone();
        }
        let mut plans = Vec::new();
        for limit in [usize::MAX, 1] {
            for (_, admissions) in self.board(board).clone().admit(NOW, limit) {
                plans.push(self.records.put(Record::Ledger(admissions)));
            }
        }
        plans.dedup();
        self.planned.insert(board, plans.clone());
        plans
    }

    /// The first step that is not recorded.
    pub(crate) fn open_step(&self, s: &Snapshot) -> Option<usize> {
        (0..self.scene.steps).find(|step| s.recorded(&step_name(*step)).is_none())
    }

    /// Whether this run has begun the step.
    pub(crate) fn has_begun(&self, s: &Snapshot, step: usize) -> bool {
        s.steps.iter().any(|known| known.name == step_name(step) && known.run == s.run)
    }

    fn command(&self, task: usize, state: Option<&Snapshot>, deed: Deed) -> (Role, Command) {
        let by = || "ann".to_owned();
        match deed {
            Deed::Submit => (Role::Client, Command::Submit(Box::new(self.submission(task)))),
            Deed::Abort => (Role::Client, Command::RequestAbort { by: by(), reason: None }),
            Deed::Answer => {
                let open = state.and_then(Snapshot::open_approval);
                let approval = open.map_or(ApprovalId(Uuid::nil()), |open| open.id);
                let (digest, decision) = (Digest([0; 32]), Decision::Approved);
                (Role::Client, Command::DecideApproval { approval, digest, decision, by: by() })
            }
            Deed::Retry => (Role::Client, Command::Retry { by: by() }),
            Deed::DeclareLost(run) => {
                (Role::Scheduler, Command::DeclareLost { run, last_beat: None, lease: LEASE })
            }
            Deed::Start(run, executor) => {
                // The reason of an admission is that for which the task waits, as long as it has not
                // moved on to another run.
                let why = state.map_or(AdmissionReason::First, |s| s.admit_as);
                let (executor, version) = (executor_id(executor), "1".to_owned());
                let command = Command::Start { run, executor, version, ledger: Sequence(1), why };
                (Role::Executor, command)
            }
            Deed::Run(run, next) => {
                let step = step_name(state.and_then(|s| self.open_step(s)).unwrap_or(0));
                (Role::Executor, Command::Run { run, act: act(run, next, step) })
            }
        }
    }

    fn submission(&self, task: usize) -> Submission {
        let whose = self.scene.tasks[task];
        let mut parts = whose.trim_end_matches(['!', '^']).split('/');
        Submission {
            retry: RetryPolicy {
                max_attempts: self.scene.attempts,
                backoff: Millis(0),
                ..RetryPolicy::default()
            },
            priority: if whose.contains('!') { Priority::Interactive } else { Priority::Normal },
            lane: if whose.ends_with('^') { Lane::Foreground } else { Lane::Background },
            ..Submission::new(
                Owner {
                    org: org(),
                    user: UserId::new(parts.next().unwrap()).unwrap(),
                    conversation: parts.next().map(|c| ConversationId::new(c).unwrap()),
                },
                Kind::new("report").unwrap(),
                Title::new("a task").unwrap(),
                Payload::default(),
            )
        }
    }
}

fn act(run: RunNumber, next: Move, step: String) -> Act {
    match next {
        Move::BeginStep => Act::StartStep { step, of: None },
        Move::RecordStep => Act::CompleteStep { step, result: Payload::default() },
        Move::Complete => Act::Complete { output: Payload::default() },
        Move::Stop => Act::StopAt { checkpoint: step },
        Move::Slice => Act::Continue(Continuation::Slice),
        Move::Fail => {
            let (code, message) = ("broken".to_owned(), "it broke".to_owned());
            Act::Fail { error: TaskError { code, message, retryable: true } }
        }
        Move::Ask => Act::RequestApproval {
            approval: ApprovalId(Uuid::from_u128(u128::from(run.0))),
            action: "send".into(),
            arguments: Value::Null,
            digest: Digest([0; 32]),
            schema: None,
            note: None,
            expires_at: Timestamp(1),
        },
    }
}
