//! The synchronous half: given these inputs, then these effects.

use std::sync::Arc;

use longhaul_core::*;
use longhaul_journal::{Entry, Parsed, Record, Shard, Shards};
use longhaul_wire::DecodeError;
use uuid::Uuid;

use super::facts::*;
use crate::react::{Effect, Input, Moment, NotAdmitted, NotDone, Now, Outcome, Rules, State};

const WHO: &str = "me";

/// A state, the log it follows, and the time.
struct Desk {
    state: State,
    now: u64,
    sequence: u64,
}

fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

fn place_of(n: u128) -> TaskRef {
    TaskRef { org: org(), task: task(n) }
}

fn place(task: TaskId) -> Parsed {
    Parsed::Task { shard: Shard(0), org: org(), task }
}

impl Desk {
    /// Caught up with an empty log, hearing one executor with much room.
    fn new() -> Self {
        let rules = Rules {
            shards: Shards::ONE,
            shard: Shard(0),
            who: WHO.to_owned(),
            lease: Millis(15_000),
            redispatch: Millis(5_000),
        };
        let mut desk = Self { state: State::new(rules), now: 0, sequence: 0 };
        desk.give(Input::Connected { head: Sequence(0) });
        desk.hear(&[]);
        desk
    }

    fn now(&self) -> Now {
        now(self.now)
    }

    fn give(&mut self, input: Input) -> Vec<Effect> {
        self.state.react(now(self.now), input)
    }

    /// Time passes; a beat names these tasks' first runs, and everything is heard.
    fn hear(&mut self, runs: &[u128]) -> Vec<Effect> {
        let at = Timestamp(self.now as i64);
        self.give(Input::Beat(Arc::new(Beat { at, ..beat(runs) })));
        self.give(Input::Echo { sent: Moment(Millis(self.now)) })
    }

    /// Seconds pass, with beats.
    fn pass(&mut self, seconds: u64, runs: &[u128]) -> Vec<Effect> {
        let mut effects = vec![];
        for _ in 0..seconds {
            self.now += 1000;
            self.hear(runs);
            effects.extend(self.give(Input::Tick));
        }
        effects
    }

    fn entry(&mut self, subject: Parsed, record: Result<Record, DecodeError>) -> Vec<Effect> {
        self.sequence += 1;
        let entry = self.as_entry(subject, record);
        self.give(Input::Entry(Box::new(entry)))
    }

    fn as_entry(&self, subject: Parsed, record: Result<Record, DecodeError>) -> Entry {
        let sequence = Sequence(self.sequence);
        Entry { shard: Shard(0), sequence, stored_at: Timestamp(0), subject, record, pending: 0, bytes: 0 }
    }

    fn say(&mut self, n: u128, role: Role, bodies: Vec<EventBody>) -> Vec<Effect> {
        let commit = commit(task(n), role, Timestamp(self.now as i64), bodies);
        self.entry(place(task(n)), Ok(Record::Task(commit)))
    }

    fn submit(&mut self, n: u128) -> Vec<Effect> {
        self.say(n, Role::Client, vec![EventBody::Submitted(Box::new(submission("acme/ann")))])
    }

    /// The ledger says who was admitted.
    fn admit(&mut self, who: &str, admissions: Vec<Admission>) -> Vec<Effect> {
        let commit = AdmissionCommit {
            id: CommitId(Uuid::nil()),
            org: org(),
            at: Timestamp(0),
            actor: Actor { who: who.to_owned(), ..actor(Role::Scheduler) },
            admissions,
        };
        self.entry(Parsed::Ledger { shard: Shard(0), org: org() }, Ok(Record::Admissions(commit)))
    }

    /// What became of an append to the ledger.
    fn answer(&mut self, admissions: Vec<Admission>, result: Result<Sequence, NotAdmitted>) -> Vec<Effect> {
        self.give(Input::Outcome(Outcome::Admitted { org: org(), admissions, result }))
    }

    /// What is admitted next.
    fn plan(&mut self) -> Vec<(TaskId, Sequence)> {
        admits(self.give(Input::Idle))
    }

    /// Submits, admits and starts a task.
    fn run(&mut self, n: u128) {
        self.submit(n);
        let [Effect::Admit { admissions, .. }] = &self.give(Input::Idle)[..] else { panic!("not admitted") };
        let admissions = admissions.clone();
        self.admit(WHO, admissions);
        self.answer(vec![], Ok(Sequence(self.sequence)));
        self.say(n, Role::Executor, vec![started(1)]);
    }
}

fn admits(effects: Vec<Effect>) -> Vec<(TaskId, Sequence)> {
    let admits = effects.into_iter().filter_map(|effect| match effect {
        Effect::Admit { admissions, expect, .. } => Some((admissions, expect)),
        _ => None,
    });
    admits.flat_map(|(all, expect)| all.into_iter().map(move |one| (one.task, expect))).collect()
}

fn admission(n: u128) -> Admission {
    Admission {
        task: task(n),
        run: RunNumber(1),
        user: UserId::new("ann").unwrap(),
        conversation: None,
        lane: Lane::default(),
        kind: Kind::new("report").unwrap(),
        why: AdmissionReason::First,
    }
}

fn dispatched(effects: &[Effect]) -> Vec<TaskId> {
    effects
        .iter()
        .filter_map(|e| if let Effect::Dispatch { dispatch, .. } = e { Some(dispatch.task) } else { None })
        .collect()
}

fn commands(effects: &[Effect]) -> Vec<Command> {
    effects
        .iter()
        .filter_map(|e| if let Effect::Act { command, .. } = e { Some(command.clone()) } else { None })
        .collect()
}

#[test]
fn it_acts_only_once_it_has_caught_up() {
    let mut desk = Desk::new();
    desk.give(Input::Connected { head: Sequence(3) });
    let submitted = EventBody::Submitted(Box::new(submission("acme/ann")));
    for n in 1..=2 {
        let commit = commit(task(n), Role::Client, Timestamp(0), vec![submitted.clone()]);
        desk.sequence += 1;
        let mut entry = desk.as_entry(place(task(n)), Ok(Record::Task(commit)));
        entry.pending = 1;
        desk.give(Input::Entry(Box::new(entry)));
        assert!(desk.plan().is_empty());
        assert!(!desk.state.status(desk.now()).caught_up);
    }
    desk.submit(3);
    assert!(desk.state.status(desk.now()).caught_up);
    assert_eq!(desk.plan().len(), 3);
    desk.give(Input::Disconnected);
    assert!(desk.pass(5, &[]).is_empty());
}

#[test]
fn it_admits_no_more_until_it_has_seen_what_it_admitted() {
    let mut desk = Desk::new();
    desk.submit(1);
    assert_eq!(desk.plan(), [(task(1), Sequence(0))]);
    desk.submit(2);
    assert!(desk.plan().is_empty(), "no answer yet");
    desk.answer(vec![], Ok(Sequence(3)));
    assert!(desk.plan().is_empty(), "not seen yet");
    desk.admit(WHO, vec![admission(1)]);
    assert_eq!(desk.plan(), [(task(2), Sequence(3))]);
}

#[test]
fn after_a_conflict_it_follows_and_decides_anew() {
    let mut desk = Desk::new();
    desk.submit(1);
    desk.submit(2);
    assert_eq!(desk.plan().len(), 2);
    desk.answer(vec![], Err(NotAdmitted::Conflict));
    assert!(desk.plan().is_empty());
    desk.admit("another", vec![admission(1)]);
    assert_eq!(desk.plan(), [(task(2), Sequence(3))]);
    // A conflict with a write that came to nothing.
    desk.answer(vec![], Err(NotAdmitted::Conflict));
    assert!(desk.plan().is_empty());
    assert_eq!(admits(desk.pass(1, &[])), [(task(2), Sequence(3))]);
    desk.answer(vec![], Err(NotAdmitted::Failed));
    desk.submit(3);
    assert!(desk.plan().is_empty(), "not at once");
    assert_eq!(admits(desk.pass(1, &[])).len(), 2);
}

#[test]
fn what_the_ledger_took_is_dispatched_once_and_at_once() {
    let mut desk = Desk::new();
    desk.submit(1);
    desk.submit(2);
    desk.plan();
    // Answered before it is seen: dispatched with the answer, not again when it is seen.
    let effects = desk.answer(vec![admission(1)], Ok(Sequence(3)));
    let [Effect::Dispatch { dispatch, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((dispatch.task, dispatch.ledger, dispatch.only), (task(1), Sequence(3), Some(Sequence(1))));
    assert!(dispatched(&desk.admit(WHO, vec![admission(1)])).is_empty());
    // Seen before it is answered: dispatched when it is seen, not again with the answer.
    desk.plan();
    assert_eq!(dispatched(&desk.admit(WHO, vec![admission(2)])), [task(2)]);
    assert!(desk.answer(vec![admission(2)], Ok(Sequence(4))).is_empty());
    assert!(desk.state.ahead.is_empty());
}

#[test]
fn after_a_reconnection_dispatches_are_doubted() {
    let mut desk = Desk::new();
    desk.submit(1);
    desk.admit(WHO, vec![admission(1)]);
    desk.give(Input::Connected { head: Sequence(2) });
    assert_eq!(dispatched(&desk.pass(2, &[])), [task(1)], "long before it would be dispatched again");
}

#[test]
fn whoever_admits_dispatches_and_everybody_sees_to_it() {
    let mut desk = Desk::new();
    desk.submit(1);
    desk.submit(2);
    desk.submit(3);
    assert_eq!(dispatched(&desk.admit(WHO, vec![admission(1)])), [task(1)]);
    assert!(dispatched(&desk.admit("another", vec![admission(2), admission(3)])).is_empty());
    desk.say(3, Role::Executor, vec![started(1)]);
    assert!(dispatched(&desk.pass(4, &[3])).is_empty());
    assert_eq!(dispatched(&desk.pass(1, &[3])), [task(1), task(2)]);
    desk.say(2, Role::Executor, vec![started(1)]);
    assert!(dispatched(&desk.pass(9, &[2, 3])).is_empty(), "each time it waits longer");
    assert_eq!(dispatched(&desk.pass(1, &[2, 3])), [task(1)]);
    let by = || "ann".to_owned();
    desk.say(
        1,
        Role::Client,
        vec![
            EventBody::AbortRequested { by: by(), reason: None },
            EventBody::Aborted { run: None, checkpoint: None },
        ],
    );
    assert!(dispatched(&desk.pass(200, &[2, 3])).is_empty(), "it will not start any more");
}

#[test]
fn a_lost_run_is_declared_lost_until_that_is_seen() {
    let mut desk = Desk::new();
    desk.run(1);
    desk.pass(10, &[1]);
    assert!(commands(&desk.pass(14, &[])).is_empty());
    let last_beat = Some(Timestamp(10_000));
    let lost = Command::DeclareLost { run: RunNumber(1), last_beat, lease: Millis(15_000) };
    assert_eq!(commands(&desk.pass(1, &[])), std::slice::from_ref(&lost));
    assert!(commands(&desk.pass(20, &[])).is_empty(), "it is being done");
    desk.give(Input::Outcome(Outcome::Acted { task: place_of(1), result: Err(NotDone::Failed) }));
    assert_eq!(commands(&desk.pass(1, &[])), [lost]);
    desk.give(Input::Outcome(Outcome::Acted { task: place_of(1), result: Ok(()) }));
    let expired = Expiry::Heartbeat { last_beat: None, lease: Millis(15_000) };
    desk.say(
        1,
        Role::Scheduler,
        vec![
            EventBody::Lost { run: RunNumber(1), executor: EXECUTOR, last_beat: None, lease: Millis(15_000) },
            EventBody::Expired { run: Some(RunNumber(1)), why: expired },
        ],
    );
    assert!(desk.pass(30, &[]).is_empty());
    assert_eq!(desk.state.status(desk.now()).counts, longhaul_core::board::Counts::default());
}

#[test]
fn catching_up_again_grants_a_full_lease() {
    let mut desk = Desk::new();
    desk.run(1);
    desk.pass(10, &[]);
    desk.give(Input::Disconnected);
    desk.pass(60, &[]);
    desk.give(Input::Connected { head: Sequence(desk.sequence) });
    assert!(commands(&desk.pass(14, &[])).is_empty());
    assert_eq!(commands(&desk.pass(1, &[])).len(), 1);
}

#[test]
fn a_question_lapses_in_its_time() {
    let mut desk = Desk::new();
    desk.run(1);
    let approval = ApprovalId(Uuid::from_u128(5));
    desk.say(
        1,
        Role::Executor,
        vec![EventBody::ApprovalRequested {
            run: RunNumber(1),
            approval,
            action: "send".into(),
            arguments: Default::default(),
            digest: Digest([0; 32]),
            schema: None,
            note: None,
            expires_at: Timestamp(60_000),
        }],
    );
    assert_eq!(desk.state.next_wake(), Some(Timestamp(60_000)));
    assert!(desk.pass(59, &[]).is_empty(), "a paused task has no run to be lost");
    assert_eq!(commands(&desk.pass(1, &[])), [Command::LapseApproval { approval }]);
    desk.say(
        1,
        Role::Scheduler,
        vec![EventBody::ApprovalDecided { approval, decision: Decision::Lapsed, by: "longhaul".into() }],
    );
    assert_eq!(desk.state.next_wake(), None);
    assert_eq!(desk.plan().len(), 1, "it goes on, and sees that nobody answered");
}

#[test]
fn a_delayed_task_is_admitted_in_its_time() {
    let mut desk = Desk::new();
    let said = Submission { not_before: Some(Timestamp(3_500)), ..submission("acme/ann") };
    desk.say(1, Role::Client, vec![EventBody::Submitted(Box::new(said))]);
    assert!(desk.plan().is_empty());
    assert_eq!(desk.state.next_wake(), Some(Timestamp(3_500)));
    desk.now = 3_500;
    assert_eq!(admits(desk.give(Input::Tick)), [(task(1), Sequence(0))]);
}

#[test]
fn a_forgotten_task_that_is_retried_is_read_again() {
    let mut desk = Desk::new();
    desk.run(1);
    let error = TaskError { code: "e".into(), message: "m".into(), retryable: true };
    let usage = Usage { input_tokens: 10, ..Usage::default() };
    let used = EventBody::UsageRecorded { run: RunNumber(1), usage, model: None };
    let failed = EventBody::Failed { run: RunNumber(1), error };
    desk.say(1, Role::Executor, vec![used, failed]);
    let retried = EventBody::Retried { attempt: 2, by: Some("ann".into()), not_before: None };
    let effects = desk.say(1, Role::Client, vec![retried.clone()]);
    let whom = place_of(1);
    assert_eq!(effects, [Effect::Load(whom.clone())]);
    assert!(!desk.state.takes_entries());
    assert!(desk.plan().is_empty());
    desk.give(Input::Outcome(Outcome::Loaded { task: whom.clone(), history: None }));
    assert_eq!(desk.pass(1, &[]), [Effect::Load(whom.clone())], "the log did not answer");

    let said = |n: u64, role, bodies| {
        let record = Record::Task(commit(task(1), role, Timestamp(0), bodies));
        Entry { sequence: Sequence(n), ..desk.as_entry(place(task(1)), Ok(record)) }
    };
    let submitted = EventBody::Submitted(Box::new(submission("acme/ann")));
    let error = TaskError { code: "e".into(), message: "m".into(), retryable: true };
    let history = vec![
        said(1, Role::Client, vec![submitted]),
        said(3, Role::Executor, vec![started(1)]),
        said(4, Role::Executor, vec![EventBody::Failed { run: RunNumber(1), error }]),
        said(5, Role::Client, vec![retried]),
        // Written after what was followed so far: it comes by itself.
        said(
            6,
            Role::Client,
            vec![
                EventBody::AbortRequested { by: "ann".into(), reason: None },
                EventBody::Aborted { run: None, checkpoint: None },
            ],
        ),
    ];
    desk.give(Input::Outcome(Outcome::Loaded { task: whom, history: Some(history) }));
    assert!(desk.state.takes_entries());
    let [Effect::Admit { admissions, .. }] = &desk.give(Input::Idle)[..] else { panic!("not admitted") };
    assert_eq!((admissions[0].run, admissions[0].why), (RunNumber(3), AdmissionReason::Retried));
}

fn unreadable() -> Result<Record, DecodeError> {
    Err(DecodeError::Newer { found: 9, known: 1 })
}

#[test]
fn an_unreadable_record_puts_one_task_aside() {
    let mut desk = Desk::new();
    desk.run(1);
    desk.submit(2);
    desk.entry(place(task(1)), unreadable());
    desk.say(1, Role::Client, vec![EventBody::AbortRequested { by: "ann".into(), reason: None }]);
    let status = desk.state.status(desk.now());
    assert_eq!(status.aside.len(), 1);
    assert_eq!((status.aside[0].task.task, status.aside[0].sequence), (task(1), Sequence(4 + 1)));
    assert_eq!(desk.plan(), [(task(2), Sequence(2))]);
    assert!(commands(&desk.pass(60, &[])).is_empty());
}

#[test]
fn an_unreadable_ledger_stops_its_organisation_only() {
    let mut desk = Desk::new();
    desk.submit(1);
    desk.entry(Parsed::Ledger { shard: Shard(0), org: org() }, unreadable());
    let other = OrgId::new("other").unwrap();
    let said = commit(
        task(2),
        Role::Client,
        Timestamp(0),
        vec![EventBody::Submitted(Box::new(submission("other/bob")))],
    );
    desk.entry(Parsed::Task { shard: Shard(0), org: other, task: task(2) }, Ok(Record::Task(said)));
    assert_eq!(desk.plan(), [(task(2), Sequence(0))]);
    assert_eq!(desk.state.status(desk.now()).unreadable, 1);
}

#[test]
fn another_log_is_another_beginning() {
    let mut desk = Desk::new();
    desk.run(1);
    desk.give(Input::OtherLog);
    desk.sequence = 0;
    desk.give(Input::Connected { head: Sequence(1) });
    desk.hear(&[]);
    desk.submit(7);
    assert_eq!(desk.plan(), [(task(7), Sequence(0))]);
}

#[test]
fn tokens_are_counted_once() {
    let mut desk = Desk::new();
    let budget = Some(TokenBudget { tokens: 15, per: Period::Ever });
    let policy = Policy { budget, ..Policy::default() };
    let (id, at, by) = (CommitId(Uuid::nil()), Timestamp(0), actor(Role::Client));
    let said = PolicyCommit { id, org: org(), at, actor: by, policy };
    desk.entry(Parsed::Policy { shard: Shard(0), org: org() }, Ok(Record::Policy(said)));
    desk.run(1);
    let usage = Usage { input_tokens: 10, ..Usage::default() };
    let used = EventBody::UsageRecorded { run: RunNumber(1), usage, model: None };
    // The fold refuses what an older run says; its tokens are not counted.
    let stale = EventBody::UsageRecorded { run: RunNumber(9), usage, model: None };
    let done = EventBody::Completed { run: RunNumber(1), output: Payload::default() };
    desk.say(1, Role::Executor, vec![used, stale, done]);
    let skeleton = Box::new(Snapshot { usage, status: Status::Completed, ..running(1) }.skeleton());
    desk.say(1, Role::Client, vec![EventBody::Erased { by: "ann".into(), skeleton }]);
    desk.submit(2);
    assert_eq!(desk.plan().len(), 1, "10 of 15 are used");
}
