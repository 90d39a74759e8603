//! Whatever the real decider and the real board do, in whichever order, the auditor finds nothing;
//! and what it counts is what they count.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod harness;

use std::collections::BTreeSet;

use harness::*;
use longhaul_audit::{Header, Outside, Rule, Stored, whole};
use longhaul_core::board::{Board, Grant};
use longhaul_core::*;
use longhaul_wire::{Record, Shards};
use proptest::prelude::*;
use serde_json::json;

/// One move of the world.
#[derive(Debug, Clone)]
enum Move {
    /// A user submits, perhaps into a conversation.
    Submit { user: u8, conversation: Option<u8>, foreground: bool, attempts: u8, delayed: bool },
    /// A scheduler looks at the log.
    Look(usize),
    /// It admits by what it saw last; refused if the ledger has moved on.
    Admit(usize, usize),
    /// An executor takes a run that has a slot.
    Start(prop::sample::Index),
    /// Somebody does something to a task.
    Do(prop::sample::Index, u8),
    /// The organisation changes its policy.
    Policy { caps: Caps, budget: Option<u64> },
    /// Time passes.
    Wait(u64),
    /// What is left of an erased task's history behind its erasure.
    Forget(prop::sample::Index),
}

const SCHEDULERS: usize = 2;

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let submit =
        (0_u8..3, prop::option::of(0_u8..2), prop::bool::weighted(0.3), 1_u8..3, prop::bool::weighted(0.1));
    let policy = (1_u32..4, 1_u32..6, 1_u32..3, 1_u32..3, prop::option::weighted(0.2, 1_u64..50));
    let one = prop_oneof![
        4 => submit.prop_map(|(user, conversation, foreground, attempts, delayed)| {
            Move::Submit { user, conversation, foreground, attempts, delayed }
        }),
        5 => (0..SCHEDULERS).prop_map(Move::Look),
        5 => (0..SCHEDULERS, 1_usize..5).prop_map(|(who, limit)| Move::Admit(who, limit)),
        8 => any::<prop::sample::Index>().prop_map(Move::Start),
        16 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(which, what)| Move::Do(which, what)),
        1 => policy.prop_map(|(user, organisation, conversation, foreground, budget)| {
            Move::Policy { caps: Caps { user, organisation, conversation, foreground }, budget }
        }),
        2 => (0_u64..400_000).prop_map(Move::Wait),
        1 => any::<prop::sample::Index>().prop_map(Move::Forget),
    ];
    prop::collection::vec(one, 1..150)
}

/// The world: a log, everything ever submitted and aborted, and schedulers that may lag behind.
struct World {
    log: Log,
    tasks: Vec<TaskRef>,
    aborted: Vec<TaskRef>,
    schedulers: Vec<Scheduler>,
}

/// A board, and how far it has seen.
struct Scheduler {
    board: Board,
    seen: Sequence,
}

impl Scheduler {
    fn look(&mut self, log: &Log) {
        let seen = std::mem::replace(&mut self.seen, log.last());
        for stored in log.records.iter().filter(|stored| stored.sequence > seen) {
            match stored.record.as_ref().unwrap() {
                Record::Task(commit) => {
                    let task = TaskRef { org: org(), task: commit.task };
                    if let Some(state) = log.state(&task) {
                        self.board.task(&state);
                    }
                    for event in &commit.events {
                        if let EventBody::UsageRecorded { usage, .. } = &event.body {
                            self.board.spent(&org(), commit.at, usage.tokens());
                        }
                    }
                }
                Record::Admissions(commit) => self.board.admissions(commit, stored.sequence),
                Record::Policy(commit) => self.board.policy(&commit.org, commit.policy.clone()),
                Record::Conversation(_) => {}
            }
        }
    }
}

impl World {
    fn new() -> Self {
        let mut log = log();
        let schedulers = (0..SCHEDULERS).map(|_| {
            let mut board = Board::new();
            board.beat(&Beat {
                executor: ExecutorId(log.id()),
                at: T0,
                version: String::new(),
                host: String::new(),
                kinds: vec![Room { kind: Kind::new("report").unwrap(), places: 1000, free: 1000 }],
                runs: Vec::new(),
                draining: false,
            });
            Scheduler { board, seen: Sequence::ZERO }
        });
        let schedulers = schedulers.collect();
        Self { log, tasks: Vec::new(), aborted: Vec::new(), schedulers }
    }

    fn ledger(&self) -> Sequence {
        let of_ledger = |stored: &&Stored| matches!(stored.record, Ok(Record::Admissions(_)));
        self.log.records.iter().rfind(of_ledger).map_or(Sequence::ZERO, |stored| stored.sequence)
    }

    fn admit(&mut self, who: usize, limit: usize) {
        let board = &mut self.schedulers[who].board;
        let expected = board.ledger(&org());
        for (org, admissions) in board.admit(self.log.now, limit) {
            // What the log does with an expectation.
            if expected == self.ledger() {
                self.log.admissions(&org, admissions);
            }
        }
    }

    fn start(&mut self, which: prop::sample::Index) {
        let boards = self.schedulers.iter().map(|scheduler| &scheduler.board);
        let grants: Vec<(TaskId, Grant)> =
            boards.flat_map(|board| board.grants().map(|(_, task, _, grant)| (task, grant))).collect();
        if grants.is_empty() {
            return;
        }
        let (task, Grant { run, ledger, why, .. }) = grants[which.index(grants.len())];
        let executor = ExecutorId(self.log.id());
        let start = Command::Start { run, executor, version: "1".to_owned(), ledger, why };
        // Refused where the board was behind.
        let _ = self.log.give(&TaskRef { org: org(), task }, start);
    }

    fn act(&mut self, which: prop::sample::Index, what: u8) {
        if self.tasks.is_empty() {
            return;
        }
        let task = self.tasks[which.index(self.tasks.len())].clone();
        let Some(state) = self.log.state(&task) else { return };
        let asks_for_abort = what % 20 == 15;
        let command = command(&state, what, &mut self.log);
        let live = !state.status.is_terminal();
        if self.log.give(&task, command).is_ok() && asks_for_abort && live {
            self.aborted.push(task);
        }
    }

    fn forget(&mut self, which: prop::sample::Index) {
        let erased: Vec<TaskRef> = self
            .tasks
            .iter()
            .filter(|task| self.log.state(task).is_some_and(|state| state.erased))
            .cloned()
            .collect();
        if erased.is_empty() {
            return;
        }
        let task = &erased[which.index(erased.len())];
        let says = |stored: &Stored| match &stored.record {
            Ok(Record::Task(commit)) => {
                commit.events.iter().any(|event| matches!(event.body, EventBody::Erased { .. }))
            }
            _ => false,
        };
        let is_of = |stored: &Stored| stored.entry().task(Shards::ONE).as_ref() == Some(task);
        let at = self.log.records.iter().find(|stored| is_of(stored) && says(stored)).unwrap().sequence;
        self.log.records.retain(|stored| !(is_of(stored) && stored.sequence < at));
    }
}

fn command(s: &Snapshot, what: u8, log: &mut Log) -> Command {
    let run = |act| Command::Run { run: s.run, act };
    let asked = s.approvals.last().map(|known| (known.id, known.digest));
    let arguments = json!({"n": what});
    let digest = longhaul_wire::canonical_digest(&arguments);
    let approval = ApprovalId(log.id());
    let step = s.steps.iter().find(|step| step.result.is_none()).map(|step| step.name.clone());
    match what % 20 {
        0..=2 => run(Act::StartStep { step: format!("step {}", what % 4), of: None }),
        3..=5 => {
            run(Act::CompleteStep { step: step.unwrap_or_default(), result: Payload::Inline(json!(what)) })
        }
        6 => run(Act::Progress { fraction: Some(f64::from(what) / 255.0), message: None, waits: None }),
        7 => {
            let usage = Usage { input_tokens: 3, output_tokens: 4, model_calls: 1, queries: 1, exact: true };
            run(Act::RecordUsage { usage, model: None })
        }
        8 => run(Act::AppendText { segment: 0, text: "text".to_owned() }),
        9 => {
            let expires_at = log.now.plus(Millis::minutes(5));
            run(Act::RequestApproval {
                approval,
                action: "send".to_owned(),
                arguments,
                digest,
                schema: None,
                note: None,
                expires_at,
            })
        }
        10 => match asked {
            Some((approval, digest)) => {
                let (decision, by) = (Decision::Approved, "eve".to_owned());
                Command::DecideApproval { approval, digest, decision, by }
            }
            None => run(complete()),
        },
        11 => run(Act::Continue(Continuation::Slice)),
        12 => run(complete()),
        13 => run(fail(what & 128 == 0)),
        14 => run(Act::StopAt { checkpoint: "here".to_owned() }),
        15 => abort(),
        16 => Command::DeclareLost { run: s.run, last_beat: Some(log.now), lease: LEASE },
        17 => Command::Retry { by: "ann".to_owned() },
        18 if what & 64 == 0 => Command::Dismiss { by: "ann".to_owned() },
        18 => Command::Erase { by: "ann".to_owned() },
        _ => match asked {
            Some((approval, _)) => Command::LapseApproval { approval },
            None => Command::Expire,
        },
    }
}

fn play(moves: Vec<Move>) -> World {
    let mut world = World::new();
    for one in moves {
        match one {
            Move::Submit { user, conversation, foreground, attempts, delayed } => {
                let said = submission(&format!("u{user}"), conversation.map(|n| format!("c{n}")).as_deref());
                let lane = if foreground { Lane::Foreground } else { Lane::Background };
                let retry = RetryPolicy { max_attempts: attempts.into(), ..RetryPolicy::default() };
                let not_before = delayed.then(|| world.log.now.plus(Millis::minutes(3)));
                world.tasks.push(world.log.submit_as(Submission { lane, retry, not_before, ..said }));
            }
            Move::Look(who) => world.schedulers[who].look(&world.log),
            Move::Admit(who, limit) => world.admit(who, limit),
            Move::Start(which) => world.start(which),
            Move::Do(which, what) => world.act(which, what),
            Move::Policy { caps, budget } => {
                let budget = budget.map(|tokens| TokenBudget { tokens, per: Period::Ever });
                world.log.policy(Policy { caps, budget, ..Policy::default() });
            }
            Move::Wait(millis) => world.log.after(Millis(millis)),
            Move::Forget(which) => world.forget(which),
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_decider_and_the_board_allow_breaks_nothing(moves in moves()) {
        let World { log, tasks, aborted, .. } = play(moves);
        let outside = Outside { submitted: tasks.clone(), aborted, ..Outside::default() };
        let report = log.audited(&outside);
        prop_assert!(report.findings.is_empty(), "{report}");

        let states: Vec<Snapshot> = tasks.iter().map(|task| log.state(task).unwrap()).collect();
        prop_assert_eq!(report.figures.tasks.total, states.len() as u64);
        for status in Status::ALL {
            let counted = states.iter().filter(|state| state.status == status).count() as u64;
            prop_assert_eq!(report.figures.tasks.status.get(&status).copied().unwrap_or(0), counted);
        }
        let tokens: u64 = states.iter().map(|state| state.usage.input_tokens).sum();
        prop_assert_eq!(report.figures.usage.get(&org()).map_or(0, |sums| sums.input_tokens), tokens);
        // Whoever is under way is unfinished; whoever is not there any more is not.
        let unfinished: BTreeSet<TaskId> = report.unfinished.iter().map(|one| one.task.task).collect();
        for state in &states {
            let (named, status) = (unfinished.contains(&state.task), state.status);
            prop_assert!(named || !status.is_running(), "{} is {status}", state.task);
            prop_assert!(!named || !status.is_terminal());
        }
    }

    #[test]
    fn a_log_in_a_file_is_the_log(moves in moves()) {
        let World { log, .. } = play(moves);
        let header = Header::parse(&Header::new(Shards::ONE).line()).unwrap();
        let lines: Vec<String> = log.records.iter().map(|stored| stored.line().unwrap()).collect();
        let read: Vec<Stored> =
            lines.iter().map(|line| Stored::parse(line, header.shards()).unwrap()).collect();
        prop_assert_eq!(&read, &log.records);
        let (from_file, report) = (whole(header.shards(), &read, &Outside::default()), log.report());
        prop_assert_eq!(from_file.figures, report.figures);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_stored_twice_is_found(moves in moves(), which in any::<prop::sample::Index>()) {
        let World { mut log, .. } = play(moves);
        if let Some(again) = log.records.get(which.index(log.records.len().max(1))).cloned() {
            let at = log.store(&again.subject.subject(), again.record);
            let report = log.report();
            let found = report.of(Rule::Submissions).any(|found| found.sequence == at);
            prop_assert!(found, "{report}");
        }
    }

    #[test]
    fn whichever_task_is_lost_is_found(moves in moves(), which in any::<prop::sample::Index>()) {
        let World { mut log, tasks, .. } = play(moves);
        if let Some(gone) = tasks.get(which.index(tasks.len().max(1))).cloned() {
            log.records.retain(|stored| stored.entry().task(Shards::ONE).as_ref() != Some(&gone));
            let report = log.audited(&Outside { submitted: tasks, ..Outside::default() });
            let lost: Vec<_> = report.of(Rule::Submissions).map(|found| found.task).collect();
            prop_assert_eq!(lost, [Some(gone.task)]);
        }
    }

    /// Records lost, repeated and out of order: much may be found, but the audit comes to an end.
    #[test]
    fn no_log_is_too_broken_to_be_read(
        moves in moves(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..100),
    ) {
        let World { mut log, tasks, aborted, .. } = play(moves);
        let all = log.records.len();
        if all > 0 {
            log.records = order.iter().map(|which| log.records[which.index(all)].clone()).collect();
        }
        let kept = log.records.len() as u64;
        let report = log.audited(&Outside { submitted: tasks, aborted, at_rest: true, ..Outside::default() });
        prop_assert_eq!(report.figures.records, kept);
    }

    #[test]
    fn no_line_is_too_odd_to_be_refused(line in "\\PC{0,200}") {
        let _ = (Header::parse(&line), Stored::parse(&line, Shards::ONE));
    }
}
