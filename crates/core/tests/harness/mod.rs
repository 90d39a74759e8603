//! Given a history, when a command comes, then these events or this refusal: no runtime, no log.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by several test programs, each of which uses a part"
)]

use longhaul_core::*;
use serde_json::Value;
use uuid::Uuid;

/// A task under test and the log it stands for.
#[derive(Clone)]
pub struct Given {
    pub state: Option<Snapshot>,
    pub log: Vec<Commit>,
    pub now: Timestamp,
    next_id: u128,
}

pub const T0: Timestamp = Timestamp(1_800_000_000_000);

pub fn executor(n: u128) -> ExecutorId {
    ExecutorId(Uuid::from_u128(0xE000 + n))
}

pub fn approval(n: u128) -> ApprovalId {
    ApprovalId(Uuid::from_u128(0xA000 + n))
}

pub fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

pub fn submission() -> Submission {
    Submission::new(
        Owner { org: OrgId::new("acme").unwrap(), user: UserId::new("ann").unwrap(), conversation: None },
        Kind::new("report").unwrap(),
        Title::new("Quarterly review").unwrap(),
        Payload::Inline(Value::from("go")),
    )
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

pub fn given() -> Given {
    Given { state: None, log: vec![], now: T0, next_id: 1 }
}

impl Given {
    pub fn task(&self) -> TaskId {
        TaskId(Uuid::from_u128(0x7A5C))
    }

    fn id(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }

    /// Time passes.
    pub fn after(mut self, span: Millis) -> Self {
        self.now = self.now.plus(span);
        self
    }

    /// What the decider says to `command` now.
    pub fn decide(&self, command: &Command) -> Result<Vec<EventBody>, Rejection> {
        decide(self.state.as_ref(), command, Context { now: self.now })
    }

    /// Writes events to the log and folds them, whatever they are.
    pub fn happened(mut self, role: Role, bodies: Vec<EventBody>) -> Self {
        self.append(role, bodies);
        self
    }

    pub fn append(&mut self, role: Role, bodies: Vec<EventBody>) {
        if bodies.is_empty() {
            return;
        }
        let events = bodies.into_iter().map(|body| Event { id: EventId(self.id()), body }).collect();
        let commit = Commit {
            id: CommitId(self.id()),
            task: self.task(),
            at: self.now,
            actor: Actor { role, who: "w".into(), via: "test".into() },
            trace: None,
            events,
        };
        self.log.push(commit.clone());
        let sequence = Sequence(self.log.len() as u64);
        self.state = apply_commit(self.state.take(), &commit, sequence);
    }

    /// A command that must be accepted.
    pub fn when(mut self, command: Command) -> Self {
        let bodies = self.decide(&command).unwrap_or_else(|no| panic!("{command:?} was refused: {no}"));
        self.append(role(&command), bodies);
        self
    }

    /// A command that must be refused.
    pub fn refused(self, command: Command, with: impl FnOnce(&Rejection) -> bool) -> Self {
        let no = self.decide(&command).expect_err(&format!("{command:?} was accepted"));
        assert!(with(&no), "refused otherwise than expected: {no:?}");
        self
    }

    pub fn then(self, check: impl FnOnce(&Snapshot)) -> Self {
        check(self.state.as_ref().unwrap());
        self
    }

    pub fn is(self, status: Status) -> Self {
        assert_eq!(self.state.as_ref().unwrap().status, status);
        self
    }

    pub fn snapshot(&self) -> &Snapshot {
        self.state.as_ref().unwrap()
    }

    pub fn submitted(self) -> Self {
        self.submitted_as(submission())
    }

    pub fn submitted_as(self, said: Submission) -> Self {
        self.when(Command::Submit(Box::new(said)))
    }

    pub fn started(self) -> Self {
        let command = self.start();
        self.when(command)
    }

    pub fn start(&self) -> Command {
        let s = self.snapshot();
        Command::Start {
            run: s.next_run,
            executor: executor(u128::from(s.next_run.0)),
            version: "1".into(),
            ledger: Sequence(1),
            why: s.admit_as,
        }
    }

    pub fn act(&self, act: Act) -> Command {
        Command::Run { run: self.snapshot().run, act }
    }

    pub fn acts(self, act: Act) -> Self {
        let command = self.act(act);
        self.when(command)
    }

    pub fn step(self, name: &str) -> Self {
        self.acts(Act::StartStep { step: name.into(), of: None })
            .acts(Act::CompleteStep { step: name.into(), result: Payload::Inline(Value::from(name)) })
    }

    pub fn lost(&self) -> Command {
        Command::DeclareLost { run: self.snapshot().run, last_beat: Some(self.now), lease: LEASE }
    }

    pub fn paused(self, n: u128) -> Self {
        let command = self.act(ask(n));
        self.when(command)
    }
}

pub fn abort() -> Command {
    Command::RequestAbort { by: "ann".into(), reason: Some("not needed".into()) }
}

pub fn retry() -> Command {
    Command::Retry { by: "ann".into() }
}

pub fn fail(retryable: bool) -> Act {
    Act::Fail { error: TaskError { code: "broken".into(), message: "it broke".into(), retryable } }
}

pub fn complete() -> Act {
    Act::Complete { output: Payload::Inline(Value::from(42)) }
}

pub fn ask(n: u128) -> Act {
    Act::RequestApproval {
        approval: approval(n),
        action: "send".into(),
        arguments: Value::from("to bob"),
        digest: digest(7),
        schema: None,
        note: None,
        expires_at: T0.plus(Millis::minutes(600)),
    }
}

pub fn answer(n: u128, decision: Decision) -> Command {
    Command::DecideApproval { approval: approval(n), digest: digest(7), decision, by: "eve".into() }
}

/// A task in each status, by an ordinary history.
pub fn in_status(status: Status) -> Given {
    let running = given().submitted().started().step("planning");
    match status {
        Status::Pending => given().submitted(),
        Status::Running => running,
        Status::Paused => running.paused(1),
        Status::Aborting => running.when(abort()),
        Status::Completed => running.acts(complete()),
        Status::Failed => running.acts(fail(false)),
        Status::Aborted => running.when(abort()).acts(Act::StopAt { checkpoint: "planning".into() }),
        Status::Expired => {
            let lost = running.lost();
            running.when(lost)
        }
    }
}
