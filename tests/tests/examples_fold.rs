//! `docs/examples/python/fold.py`, held to our own fold on histories nobody decided on: any role says
//! anything at any moment.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use longhaul_core::{Applied, Commit, Ignored, Role, Sequence, Snapshot, TaskId, Timestamp, apply};
use longhaul_journal::new_id;
use longhaul_tests::toolchains::python;
use serde_json::{Value, json};

const HISTORIES: u64 = 400;
const COMMITS: u64 = 40;

/// What Python is given: a history a line; and what it answers.
const DRIVER: &str = "
import json, sys
from fold import Task
for line in sys.stdin:
    task = Task()
    told = [task.fold(at + 1, record) for at, record in enumerate(json.loads(line))]
    end = [task.run, task.next_run, task.attempt, task.ran] if task.status else None
    print(json.dumps([told, end]))
";

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// An event that mostly fits the state, and sometimes does not.
fn event(dice: &mut Dice, state: Option<&Snapshot>) -> Value {
    let owner = json!({"org": "acme", "user": "ann"});
    let submitted = json!({"submitted": {"owner": owner, "kind": "k", "title": "t", "input": {"inline": 1},
        "inherited": [{"step": "s0", "result": {"inline": 0}}]}});
    let skeleton = json!({"submission": submitted["submitted"], "status": dice.pick(&["failed", "running"]), "reason": {"code": "finished"},
        "run": 2, "next_run": 4, "attempt": 2, "usage": {}, "submitted_at": "2026-11-21T13:05:00Z", "events": 7});
    let Some(s) = state else {
        return match dice.below(4) {
            0 => json!({"erased": {"by": "ann", "skeleton": skeleton}}),
            1 => json!({"dismissed": {"by": "ann"}}),
            _ => submitted,
        };
    };
    let run = *dice.pick(&[s.run.0, s.run.0, s.run.0, s.run.0, s.run.0 + 1, s.run.0.saturating_sub(1)]);
    let next = *dice.pick(&[s.next_run.0, s.next_run.0, s.next_run.0, s.run.0]);
    let step = dice.below(5);
    let known = s.steps.iter().find(|known| known.name == format!("s{step}"));
    let index = *dice.pick(&[known.map_or(s.steps.len(), |known| known.index as usize), s.steps.len(), step]);
    let segment = u32::try_from(dice.below(2)).unwrap();
    let length = s.text.iter().find(|known| known.segment == segment).map_or(0, |known| known.length);
    let offset = *dice.pick(&[length, length, 0, 3]);
    let open = s.approvals.last().map(|last| last.id.to_string()).filter(|_| dice.below(4) > 0);
    let approval = open.unwrap_or_else(|| new_id::<longhaul_core::ApprovalId>().to_string());
    let attempt = s.attempt + *dice.pick(&[1, 1, 1, 0, 2]);
    let digest = "06e2c43c22c6a4f20531610c88d3a72cf85b9680fbb90f6e68c792de6f91159c";
    let executor = "019aa0b0-1111-7000-8000-0000000000e1";
    // While a run is under way most of what is said is the run's.
    match dice.below(if s.status.is_running() { 30 } else { 18 }) {
        0 | 1 => json!({"abort_requested": {"by": "ann"}}),
        2 => json!({"aborted": {}}),
        3 => json!({"retried": {"attempt": attempt}}),
        4 => json!({"retried": {"attempt": attempt, "by": "ann"}}),
        5 => json!({"dismissed": {"by": "ann"}}),
        6 if dice.below(8) == 0 => json!({"erased": {"by": "ann", "skeleton": skeleton}}),
        7 if dice.below(4) == 0 => submitted,
        8 => json!({"approval_decided": {"approval": approval, "decision": "lapsed", "by": "longhaul"}}),
        9 => json!({"approval_decided": {"approval": approval, "decision": "approved", "by": "ann"}}),
        10 => json!({"expired": {"why": {"span": {"span": 1, "ran": 2}}}}),
        6 | 7 | 11..18 => {
            json!({"started": {"run": next, "executor": executor, "version": "1", "ledger": 1, "why": "first"}})
        }
        18 | 19 => json!({"step_started": {"run": run, "step": format!("s{step}"), "index": index}}),
        20 | 21 => {
            json!({"step_completed": {"run": run, "step": format!("s{step}"), "index": index, "result": {"inline": null}}})
        }
        22 | 23 => {
            json!({"text_appended": {"run": run, "segment": segment, "offset": offset, "text": "zoë"}})
        }
        24 => json!({"progressed": {"run": run, "fraction": 0.5}}),
        25 => {
            json!({"approval_requested": {"run": run, "approval": approval, "action": "a", "arguments": 1, "digest": digest, "expires_at": "2026-11-21T13:05:00Z"}})
        }
        26 => json!({"continued": {"run": run, "why": "slice"}}),
        27 => {
            json!({"lost": {"run": run, "executor": executor, "last_beat": dice.pick(&[json!(null), json!("2026-11-21T13:05:01.000Z")]), "lease": 15000}})
        }
        28 => {
            json!({dice.pick(&["aborted", "expired"]).to_string(): {"run": run, "why": {"span": {"span": 1, "ran": 2}}}})
        }
        _ => match dice.below(2) {
            0 => json!({"completed": {"run": run, "output": {"inline": null}}}),
            _ => json!({"failed": {"run": run, "error": {"code": "c", "message": "m", "retryable": false}}}),
        },
    }
}

fn label(applied: Applied) -> Value {
    match applied {
        Applied::Yes => Value::Null,
        Applied::Ignored(why) => json!(match why {
            Ignored::NoTask => "no task",
            Ignored::Exists => "exists",
            Ignored::Role => "role",
            Ignored::Fenced => "fenced",
            Ignored::Status => "status",
            Ignored::Mismatch => "mismatch",
            Ignored::OtherTask => "other task",
        }),
    }
}

/// A history, and what our fold says of it in the form of the driver.
fn history(seed: u64) -> (Vec<Value>, Value) {
    let mut dice = Dice(seed);
    let task: TaskId = new_id();
    let mut state: Option<Snapshot> = None;
    let (mut records, mut told) = (Vec::new(), Vec::new());
    for sequence in 1..=COMMITS {
        let at = Timestamp(1_795_266_300_000 + i64::try_from(sequence).unwrap() * 1000);
        let body = event(&mut dice, state.as_ref());
        let kind = body.as_object().unwrap().keys().next().unwrap().clone();
        let body: longhaul_core::EventBody = serde_json::from_value(body).unwrap();
        let roles = [Role::Client, Role::Executor, Role::Scheduler];
        let allowed: Vec<Role> = roles.into_iter().filter(|role| body.may_be_said_by(*role)).collect();
        let anybody = dice.below(12) == 0;
        let role = *dice.pick(if anybody { &roles } else { &allowed });
        let actor = longhaul_core::Actor { role, who: "w".to_owned(), via: "v".to_owned() };
        let event = longhaul_core::Event { id: new_id(), body };
        let applied = apply(&mut state, task, &event, &actor, at);
        if let Some(snapshot) = &mut state {
            snapshot.sequence = Sequence(sequence);
        }
        told.push(json!([[kind, label(applied), state.as_ref().map(|s| s.status)]]));
        let commit = Commit { id: new_id(), task, at, actor, trace: None, events: vec![event] };
        let mut record = serde_json::to_value(commit).unwrap();
        record["v"] = json!(1);
        records.push(record);
    }
    let end = state.map(|s| json!([s.run, s.next_run, s.attempt, s.ran]));
    (records, json!([told, end]))
}

#[test]
fn both_folds_agree() {
    let histories: Vec<_> = (1..=HISTORIES).map(history).collect();
    let toolchain = python();
    let mut python = Command::new(&toolchain.interpreter)
        .args(["-c", DRIVER])
        .env("PYTHONPATH", &toolchain.folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let given: Vec<String> = histories.iter().map(|(records, _)| format!("{}\n", json!(records))).collect();
    let writing =
        std::thread::spawn(move || given.iter().try_for_each(|line| stdin.write_all(line.as_bytes())));
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    writing.join().unwrap().unwrap();

    let answers: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(answers.len(), histories.len());
    let mut seen = std::collections::BTreeSet::new();
    for (seed, ((records, ours), theirs)) in (1..).zip(histories.iter().zip(&answers)) {
        for (at, record) in records.iter().enumerate() {
            assert_eq!(ours[0][at], theirs[0][at], "seed {seed}, record {}: {record}", at + 1);
            let told = &ours[0][at][0];
            let why = told[1].as_str().unwrap_or("applied");
            seen.insert((told[0].as_str().unwrap().to_owned(), why.to_owned()));
        }
        assert_eq!(ours[1], theirs[1], "seed {seed}: run, next run, attempt, ran");
    }
    // The histories are worth something: every kind of event was applied, and every refusal occurred.
    for kind in longhaul_wire::codec::EVENT_KINDS {
        let silent = ["usage_recorded", "artifact_stored"];
        assert!(
            silent.contains(&kind) || seen.contains(&(kind.to_owned(), "applied".to_owned())),
            "no {kind}"
        );
    }
    for why in ["no task", "exists", "role", "fenced", "status", "mismatch"] {
        assert!(seen.iter().any(|(_, told)| told == why), "no event was ignored for: {why}");
    }
}
