//! Any interleaving of writers, each with its own idea of the state, keeps the rules: the log takes a
//! commit only from who has seen the latest one, and whoever is refused looks again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod harness;

use harness::*;
use longhaul_core::*;
use proptest::prelude::*;
use serde_json::Value;

/// One move of one writer: look at the log, or give a command by what it saw last.
#[derive(Debug, Clone)]
enum Move {
    Look(usize),
    Give(usize, u8),
    Wait(u64),
}

const WRITERS: usize = 4;

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (0..WRITERS).prop_map(Move::Look),
        6 => (0..WRITERS, any::<u8>()).prop_map(|(writer, what)| Move::Give(writer, what)),
        1 => (0_u64..400_000).prop_map(Move::Wait),
    ];
    proptest::collection::vec(one, 1..120)
}

/// A command as a writer would give it who believes the task to be in `seen`.
fn command(seen: Option<&Snapshot>, what: u8, log_length: usize, now: Timestamp) -> Command {
    let Some(s) = seen else {
        let retry = RetryPolicy { max_attempts: u32::from(what % 3) + 1, ..RetryPolicy::default() };
        return Command::Submit(Box::new(Submission { retry, ..submission() }));
    };
    let fresh = log_length as u128;
    let asked = s.approvals.last().map_or(approval(0), |known| known.id);
    let decision = if what & 64 == 0 { Decision::Approved } else { Decision::Rejected { reason: None } };
    let run = |act| Command::Run { run: s.run, act };
    let step = format!("step {}", what % 4);
    match what % 22 {
        0 => abort(),
        1 => retry(),
        2..=4 => Command::Start {
            run: s.next_run,
            executor: executor(fresh),
            version: "1".into(),
            ledger: Sequence(1),
            why: s.admit_as,
        },
        5 | 6 => run(Act::StartStep { step, of: None }),
        7 | 8 => run(Act::CompleteStep { step, result: Payload::Inline(Value::from(what)) }),
        9 => run(Act::Progress { fraction: Some(f64::from(what) / 255.0), message: None, waits: None }),
        10 => run(Act::AppendText { segment: u32::from(what % 3), text: "text".into() }),
        11 => run(Act::RecordUsage {
            usage: Usage {
                input_tokens: 3,
                output_tokens: 4,
                model_calls: 1,
                queries: 1,
                exact: what & 32 == 0,
            },
            model: None,
        }),
        12 => run(ask(fresh)),
        13 => Command::DecideApproval { approval: asked, digest: digest(7), decision, by: "eve".into() },
        14 => run(Act::Continue(Continuation::Slice)),
        15 => run(complete()),
        16 => run(fail(what & 128 == 0)),
        17 => run(Act::StopAt { checkpoint: "here".into() }),
        18 => Command::DeclareLost { run: s.run, last_beat: Some(now), lease: LEASE },
        19 => Command::Expire,
        20 => Command::LapseApproval { approval: asked },
        _ => Command::Dismiss { by: "ann".into() },
    }
}

/// Plays the moves and gives the log.
fn play(moves: &[Move]) -> Given {
    let mut log = given();
    let mut seen: Vec<Option<Snapshot>> = vec![None; WRITERS];
    for one in moves {
        match one {
            Move::Wait(millis) => log.now = log.now.plus(Millis(*millis)),
            Move::Look(writer) => seen[*writer] = log.state.clone(),
            Move::Give(writer, what) => {
                let believed = seen[*writer].clone();
                let command = command(believed.as_ref(), *what, log.log.len(), log.now);
                let Ok(bodies) = decide(believed.as_ref(), &command, Context { now: log.now }) else {
                    continue;
                };
                let expected = believed.map_or(Sequence::ZERO, |s| s.sequence);
                // What the log does with an expectation.
                if expected == Sequence(log.log.len() as u64) {
                    log.append(role(&command), bodies);
                }
            }
        }
    }
    log
}

fn fold(log: &[Commit]) -> Option<Snapshot> {
    log.iter()
        .enumerate()
        .fold(None, |state, (at, commit)| apply_commit(state, commit, Sequence(at as u64 + 1)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_hold_on_every_log(moves in moves()) {
        let log = play(&moves);
        let mut ended = false;
        let mut abort_asked = false;
        let mut run = RunNumber(0);
        let mut recorded = std::collections::BTreeSet::new();
        let mut usage = Usage::default();
        for commit in &log.log {
            for event in &commit.events {
                let name = event.body.name();
                match &event.body {
                    EventBody::Started { run: next, .. } => {
                        prop_assert!(!ended && !abort_asked, "started after an end or an abort");
                        prop_assert!(*next > run, "run numbers grow");
                        run = *next;
                    }
                    EventBody::AbortRequested { .. } => {
                        prop_assert!(!abort_asked && !ended);
                        abort_asked = true;
                    }
                    EventBody::Completed { .. } | EventBody::Failed { .. } | EventBody::Expired { .. } => {
                        prop_assert!(!ended, "a second end: {}", name);
                        prop_assert!(!abort_asked, "{} overtook an abort", name);
                        ended = true;
                    }
                    EventBody::Aborted { .. } => {
                        prop_assert!(!ended && abort_asked);
                        ended = true;
                    }
                    EventBody::Retried { .. } => {
                        ended = false;
                        abort_asked = false;
                    }
                    EventBody::Dismissed { .. } => prop_assert!(ended),
                    EventBody::StepCompleted { step, .. } => prop_assert!(recorded.insert(step.clone()), "{} recorded twice", step),
                    EventBody::UsageRecorded { usage: one, .. } => usage = usage.plus(*one),
                    _ => prop_assert!(!ended, "{} after the end", name),
                }
                if let Some(named) = event.body.run() {
                    prop_assert_eq!(named, run, "{} of a run that is not current", name);
                }
            }
        }
        if let Some(s) = &log.state {
            prop_assert_eq!(s.ignored, 0, "the fold refused what the decider wrote");
            prop_assert_eq!(s.status.is_terminal(), ended);
            prop_assert_eq!(s.usage, usage);
            prop_assert_eq!(s.sequence, Sequence(log.log.len() as u64));
        }
    }

    #[test]
    fn the_fold_of_a_prefix_then_the_rest_is_the_fold_of_all(moves in moves(), cut in any::<proptest::sample::Index>()) {
        let log = play(&moves).log;
        let whole = fold(&log);
        if !log.is_empty() {
            let cut = cut.index(log.len());
            let prefix = fold(&log[..cut]);
            let rest = log[cut..].iter().enumerate()
                .fold(prefix, |state, (at, commit)| apply_commit(state, commit, Sequence((cut + at) as u64 + 1)));
            prop_assert_eq!(rest, whole.clone());
        }
        // A snapshot survives being written down.
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<Option<Snapshot>>(&text).unwrap(), whole);
    }

    #[test]
    fn a_careless_writer_cannot_end_a_task_twice(moves in moves(), bodies in proptest::collection::vec(any::<u8>(), 0..20)) {
        // Whatever is appended without deciding, in whatever role, the fold keeps the rules.
        let mut log = play(&moves);
        prop_assume!(log.state.is_some());
        for what in bodies {
            let s = log.snapshot();
            let run = RunNumber(u32::from(what % 4));
            let before = s.clone();
            let body = match what % 6 {
                0 => EventBody::Completed { run, output: Payload::default() },
                1 => EventBody::Started { run, executor: executor(1), version: "x".into(), ledger: Sequence(0), why: AdmissionReason::First },
                2 => EventBody::Aborted { run: Some(run), checkpoint: None },
                3 => EventBody::Expired { run: Some(run), why: Expiry::Span { span: Millis(1), ran: Millis(1) } },
                4 => EventBody::Failed { run, error: TaskError { code: "x".into(), message: "x".into(), retryable: true } },
                _ => EventBody::StepCompleted { run, step: "step 1".into(), index: u32::from(what), result: Payload::default() },
            };
            log.append(Role::Executor, vec![body]);
            let after = log.snapshot();
            if before.status.is_terminal() {
                prop_assert_eq!(after.status, before.status);
                prop_assert_eq!(after.ended_at, before.ended_at);
            }
            if before.abort.is_some() {
                prop_assert!(matches!(after.status, Status::Aborting | Status::Aborted | Status::Pending | Status::Paused));
            }
        }
    }
}
