//! A shard in memory: histories by the decider, ledgers with expectations, a naive recount.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use crate::board::{Board, Grant, Waiting};
use crate::*;

pub(super) const EXECUTOR: ExecutorId = ExecutorId(Uuid::from_u128(0xE));

/// What a follower sees, in order.
#[derive(Debug, Clone)]
pub(super) enum Record {
    /// A task's state after a commit, and the tokens the commit tells of.
    Task(Box<Snapshot>, u64),
    Admissions(AdmissionCommit),
    Policy(OrgId, Policy),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub(super) now: Timestamp,
    pub(super) records: Vec<Record>,
    pub(super) tasks: BTreeMap<TaskId, Snapshot>,
    pub(super) policies: BTreeMap<OrgId, Policy>,
    ledgers: BTreeMap<OrgId, Sequence>,
    /// The run each task was last admitted for.
    admitted: BTreeMap<TaskId, RunNumber>,
}

pub(super) fn org(name: &str) -> OrgId {
    OrgId::new(name).unwrap()
}

pub(super) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

pub(super) fn task(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

pub(super) fn actor(role: Role) -> Actor {
    Actor { role, who: "w".into(), via: "test".into() }
}

/// `org/user` or `org/user/conversation`, with a `^` behind it if it is in the foreground.
pub(super) fn owner(path: &str) -> Owner {
    let mut parts = path.trim_end_matches('^').split('/');
    Owner {
        org: org(parts.next().unwrap()),
        user: UserId::new(parts.next().unwrap()).unwrap(),
        conversation: parts.next().map(|c| ConversationId::new(c).unwrap()),
    }
}

pub(super) fn submission(path: &str) -> Submission {
    let lane = if path.ends_with('^') { Lane::Foreground } else { Lane::Background };
    let title = Title::new("a task").unwrap();
    Submission { lane, ..Submission::new(owner(path), kind("report"), title, Payload::default()) }
}

/// A beat with so many places, all free, for each kind.
pub(super) fn beat(executor: ExecutorId, kinds: &[(&str, u32)]) -> Beat {
    let room = |(name, places): &(&str, u32)| Room { kind: kind(name), places: *places, free: *places };
    Beat {
        executor,
        at: Timestamp(0),
        version: "1".into(),
        host: "here/1".into(),
        kinds: kinds.iter().map(room).collect(),
        runs: vec![],
        draining: false,
    }
}

/// A board that knows an executor with more places than any test uses.
pub(super) fn roomy() -> Board {
    let mut board = Board::new();
    board.beat(&beat(EXECUTOR, &[("report", 1_000_000), ("chat", 1_000_000)]));
    board
}

impl Log {
    /// The task's address.
    pub(super) fn at(&self, task: TaskId) -> TaskRef {
        self.tasks[&task].address()
    }

    pub(super) fn head(&self) -> Sequence {
        Sequence(self.records.len() as u64)
    }

    /// Decides and appends. An answer that changes nothing appends nothing.
    pub(super) fn act(&mut self, task: TaskId, role: Role, command: &Command) -> Result<(), Rejection> {
        let before = self.tasks.get(&task);
        let bodies = decide(before, command, Context { now: self.now })?;
        if bodies.is_empty() {
            return Ok(());
        }
        let events = bodies.into_iter().map(|body| Event { id: EventId(Uuid::nil()), body }).collect();
        let commit =
            Commit { id: CommitId(Uuid::nil()), task, at: self.now, actor: actor(role), trace: None, events };
        let sequence = Sequence(self.head().0 + 1);
        let used = before.map_or(0, |s| s.usage.tokens());
        let after = apply_commit(before.cloned(), &commit, sequence).unwrap();
        self.records.push(Record::Task(Box::new(after.clone()), after.usage.tokens() - used));
        self.tasks.insert(task, after);
        Ok(())
    }

    pub(super) fn submit(&mut self, n: u128, path: &str) -> TaskId {
        self.submit_as(n, submission(path))
    }

    pub(super) fn submit_as(&mut self, n: u128, said: Submission) -> TaskId {
        self.now = self.now.plus(Millis(1));
        self.act(task(n), Role::Client, &Command::Submit(Box::new(said))).unwrap();
        task(n)
    }

    pub(super) fn policy(&mut self, name: &str, policy: Policy) {
        self.policies.insert(org(name), policy.clone());
        self.records.push(Record::Policy(org(name), policy));
    }

    /// Appends to the ledger if nobody has since `expect`.
    pub(super) fn admit(&mut self, org: &OrgId, admissions: Vec<Admission>, expect: Sequence) -> bool {
        if self.ledgers.get(org).copied().unwrap_or_default() != expect {
            return false;
        }
        for admission in &admissions {
            self.admitted.insert(admission.task, admission.run);
        }
        let actor = actor(Role::Scheduler);
        let commit =
            AdmissionCommit { id: CommitId(Uuid::nil()), org: org.clone(), at: self.now, actor, admissions };
        self.records.push(Record::Admissions(commit));
        self.ledgers.insert(org.clone(), self.head());
        true
    }

    /// Starts what the ledger admits for the task.
    pub(super) fn start(&mut self, task: TaskId) -> Result<(), Rejection> {
        let run = self.admitted.get(&task).copied().unwrap_or_default();
        let (ledger, why) = (Sequence(1), AdmissionReason::First);
        let version = "1".to_owned();
        self.act(task, Role::Executor, &Command::Start { run, executor: EXECUTOR, version, ledger, why })
    }

    /// The current run does something.
    pub(super) fn run(&mut self, task: TaskId, act: Act) -> Result<(), Rejection> {
        let run = self.tasks.get(&task).map_or_else(RunNumber::default, |s| s.run);
        self.act(task, Role::Executor, &Command::Run { run, act })
    }

    pub(super) fn complete(&mut self, task: TaskId) {
        self.run(task, Act::Complete { output: Payload::default() }).unwrap();
    }

    pub(super) fn ask(&mut self, task: TaskId) -> Result<(), Rejection> {
        let approval = ApprovalId(Uuid::from_u128(u128::from(self.head().0)));
        let expires_at = self.now.plus(Millis::minutes(60));
        let act = Act::RequestApproval {
            approval,
            action: "send".into(),
            arguments: Value::Null,
            digest: Digest([0; 32]),
            schema: None,
            note: None,
            expires_at,
        };
        self.run(task, act)
    }

    pub(super) fn answer(&mut self, task: TaskId) -> Result<(), Rejection> {
        let open = self.tasks.get(&task).and_then(|s| s.approvals.last());
        let approval = open.map_or(ApprovalId(Uuid::nil()), |open| open.id);
        let (digest, decision, by) = (Digest([0; 32]), Decision::Approved, "boss".to_owned());
        self.act(task, Role::Client, &Command::DecideApproval { approval, digest, decision, by })
    }

    pub(super) fn abort(&mut self, task: TaskId) -> Result<(), Rejection> {
        self.act(task, Role::Client, &Command::RequestAbort { by: "ann".into(), reason: None })
    }

    pub(super) fn retry(&mut self, task: TaskId) -> Result<(), Rejection> {
        self.act(task, Role::Client, &Command::Retry { by: "ann".into() })
    }

    pub(super) fn lose(&mut self, task: TaskId) -> Result<(), Rejection> {
        let run = self.tasks.get(&task).map_or_else(RunNumber::default, |s| s.run);
        let command = Command::DeclareLost { run, last_beat: None, lease: LEASE };
        self.act(task, Role::Scheduler, &command)
    }

    pub(super) fn fail(&mut self, task: TaskId) -> Result<(), Rejection> {
        let error = TaskError { code: "e".into(), message: "m".into(), retryable: true };
        self.run(task, Act::Fail { error })
    }

    /// Lets a board follow from where it is to `to`.
    pub(super) fn feed(&self, board: &mut Board, from: usize, to: usize) {
        for (at, record) in self.records.iter().enumerate().take(to).skip(from) {
            match record {
                Record::Task(snapshot, tokens) => {
                    board.task(snapshot);
                    board.spent(&snapshot.owner.org, snapshot.updated_at, *tokens);
                }
                Record::Admissions(commit) => board.admissions(commit, Sequence(at as u64 + 1)),
                Record::Policy(org, policy) => board.policy(org, policy.clone()),
            }
        }
    }

    /// Who holds what, counted afresh: (slots, conversations).
    pub(super) fn recount(&self) -> (BTreeSet<TaskId>, BTreeSet<TaskId>) {
        let slot = |s: &&Snapshot| {
            let admitted = self.admitted.get(&s.task) == Some(&s.next_run);
            s.status.is_running() || (s.status == Status::Pending && admitted)
        };
        let slots: BTreeSet<TaskId> = self.tasks.values().filter(slot).map(|s| s.task).collect();
        let holders = self.tasks.values().filter(|s| slot(s) || s.status == Status::Paused);
        let conversations = holders.filter(|s| s.owner.line(s.lane).is_some()).map(|s| s.task).collect();
        (slots, conversations)
    }

    /// The caps that do not hold, in words.
    pub(super) fn breaches(&self) -> Vec<String> {
        let (slots, conversations) = self.recount();
        let mut counts: BTreeMap<(&OrgId, &str, String), u32> = BTreeMap::new();
        for s in slots.iter().map(|task| &self.tasks[task]) {
            let (user, background) = (s.owner.user.to_string(), s.lane == Lane::Background);
            if background {
                *counts.entry((&s.owner.org, "organisation", String::new())).or_default() += 1;
            }
            let whose = if background { "user" } else { "foreground" };
            *counts.entry((&s.owner.org, whose, user)).or_default() += 1;
        }
        for s in conversations.iter().map(|task| &self.tasks[task]) {
            let name = s.owner.conversation.as_ref().unwrap().to_string();
            *counts.entry((&s.owner.org, "conversation", name)).or_default() += 1;
        }
        let over = counts.into_iter().filter_map(|((org, what, name), n)| {
            let caps = self.policies.get(org).map_or_else(Caps::default, |policy| policy.caps);
            let cap = match what {
                "organisation" => caps.organisation,
                "user" => caps.user,
                "foreground" => caps.foreground,
                _ => caps.conversation,
            };
            (n > cap).then(|| format!("{n} of {cap} in {what} {name} of {org}"))
        });
        over.collect()
    }
}

/// A log and a board that follows it at once.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) log: Log,
    pub(super) board: Board,
    seen: usize,
}

impl World {
    pub(super) fn new(board: Board) -> Self {
        Self { log: Log::default(), board, seen: 0 }
    }

    pub(super) fn follow(&mut self) {
        self.log.feed(&mut self.board, self.seen, self.log.records.len());
        self.seen = self.log.records.len();
    }

    /// What the board would admit now.
    pub(super) fn plan(&mut self) -> Vec<TaskId> {
        self.follow();
        let plan = self.board.admit(self.log.now, 1000);
        plan.into_iter().flat_map(|(_, admissions)| admissions).map(|a| a.task).collect()
    }

    /// Admits what can be, at most `limit`.
    pub(super) fn admit(&mut self, limit: usize) -> Vec<TaskId> {
        self.follow();
        let mut admitted = vec![];
        for (org, admissions) in self.board.admit(self.log.now, limit) {
            admitted.extend(admissions.iter().map(|a| a.task));
            assert!(self.log.admit(&org, admissions, self.board.ledger(&org)));
        }
        self.follow();
        admitted
    }

    /// Admits and starts what can be.
    pub(super) fn go(&mut self) -> Vec<TaskId> {
        let admitted = self.admit(1000);
        for task in &admitted {
            self.log.start(*task).unwrap();
        }
        self.follow();
        admitted
    }

    /// Why it waits, by what the board knows.
    pub(super) fn why(&mut self, task: TaskId) -> Option<Waiting> {
        self.board.waiting(&self.log.at(task), self.log.now)
    }

    /// The slot it has.
    pub(super) fn granted(&self, task: TaskId) -> Option<Grant> {
        self.board.granted(&self.log.at(task))
    }

    /// The reason's code and the place, `user_cap 2`; `-` if it does not wait.
    pub(super) fn waits(&mut self, task: TaskId) -> String {
        self.follow();
        match self.why(task) {
            Some(waiting) => format!("{} {}", waiting.reason.code(), waiting.place),
            None => "-".to_owned(),
        }
    }
}
