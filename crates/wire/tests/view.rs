//! The JSON of a snapshot that programs are given.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod validate;

use std::collections::BTreeSet;

use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::snapshot::Reason;
use longhaul_core::{
    Actor, AdmissionReason, ApprovalId, Commit, Continuation, Event, EventBody, Kind, Millis, Period,
    RATE_LIMIT, Role, RunNumber, Sequence, Snapshot, Status, TaskId, Timestamp, Waits, apply_commit,
};
use longhaul_wire::query::Brief;
use longhaul_wire::schema::formats;
use longhaul_wire::view::SnapshotView;
use serde_json::{Value, json};
use uuid::Uuid;
use validate::faults;

const TASK: &str = "019aa0b0-0000-7000-8000-000000000001";
const EXECUTOR: &str = "019aa0b0-0000-7000-8000-0000000000e1";
const APPROVAL: &str = "019aa0b0-0000-7000-8000-0000000000a1";
const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A task's history: who says what, a second apart.
fn fold(history: &[(Role, Value)]) -> Snapshot {
    let mut state = None;
    for (n, (role, body)) in (1..).zip(history) {
        let body: EventBody = serde_json::from_value(body.clone()).unwrap();
        let commit = Commit {
            id: longhaul_core::CommitId(Uuid::nil()),
            task: TASK.parse().unwrap(),
            at: Timestamp(1_795_266_300_000 + n * 1000),
            actor: Actor { role: *role, who: "somebody".to_owned(), via: "cli".to_owned() },
            trace: None,
            events: vec![Event { id: longhaul_core::EventId(Uuid::nil()), body }],
        };
        state = apply_commit(state, &commit, Sequence(u64::try_from(n).unwrap() + 40));
    }
    let snapshot = state.unwrap();
    assert_eq!(snapshot.ignored, 0, "a history that holds");
    snapshot
}

fn submitted() -> (Role, Value) {
    (
        Role::Client,
        json!({"submitted": {
            "owner": {"org": "acme", "user": "ada", "conversation": "c-1"},
            "kind": "report", "title": "Quarterly review", "input": {"inline": {"prompt": "quarterly review"}},
            "limits": {"queries": 3, "tokens": 2000}, "labels": {"team": "finance"},
            "lineage": {
                "rerun_of": "019aa0b0-0000-7000-8000-000000000002",
                "forked_from": {"task": "019aa0b0-0000-7000-8000-000000000003", "sequence": 41},
                "continues": "019aa0b0-0000-7000-8000-000000000004",
                "parent": "019aa0b0-0000-7000-8000-000000000005",
            },
        }}),
    )
}

fn started(run: u32) -> (Role, Value) {
    (
        Role::Executor,
        json!({"started": {
            "run": run, "executor": EXECUTOR, "version": "0.1.0", "ledger": 17, "why": "first",
        }}),
    )
}

/// Everything a task under way can show.
fn under_way() -> Vec<(Role, Value)> {
    let run = |body| (Role::Executor, body);
    vec![
        submitted(),
        started(1),
        run(json!({"step_started": {"run": 1, "step": "planning", "index": 0, "of": 4}})),
        run(json!({"step_completed": {"run": 1, "step": "planning", "index": 0, "result": {"inline": [1]}}})),
        run(json!({"step_started": {"run": 1, "step": "querying", "index": 1, "of": 4}})),
        run(json!({"progressed": {"run": 1, "fraction": 0.25, "message": "1 of 3 queries"}})),
        run(json!({"text_appended": {"run": 1, "segment": 3, "offset": 0, "text": "Sales rose"}})),
        run(json!({"usage_recorded": {"run": 1, "usage": {
            "input_tokens": 1200, "output_tokens": 340, "model_calls": 1, "queries": 1, "exact": false,
        }}})),
        run(json!({"artifact_stored": {"run": 1, "artifact": {
            "name": "report.pdf", "media_type": "application/pdf", "size": 48211, "sha256": DIGEST,
        }}})),
    ]
}

/// The view as programs get it; read back it is the same.
fn view(snapshot: &Snapshot, waiting: Option<Waiting>) -> Value {
    let beat = snapshot.status.is_running().then_some(Timestamp(1_795_266_399_000));
    let view = SnapshotView::new(snapshot, waiting, beat, Some(Sequence(99)));
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!(serde_json::from_value::<SnapshotView>(json.clone()).unwrap(), view);
    json
}

fn histories() -> Vec<(&'static str, Vec<(Role, Value)>)> {
    let with = |more: &[(Role, Value)]| [under_way(), more.to_vec()].concat();
    let asked = (
        Role::Executor,
        json!({"approval_requested": {
            "run": 1, "approval": APPROVAL, "action": "send the report", "arguments": {"to": "board@example.com"},
            "schema": {"type": "object", "required": ["to"]}, "note": "nobody outside has seen it",
            "digest": DIGEST, "expires_at": "2026-11-22T13:05:05.007Z",
        }}),
    );
    let abort = (Role::Client, json!({"abort_requested": {"by": "ada", "reason": "wrong quarter"}}));
    let step = (
        Role::Executor,
        json!({"step_completed": {
            "run": 1, "step": "querying", "index": 1, "result": {"inline": 2},
        }}),
    );
    let aborted = (Role::Executor, json!({"aborted": {"run": 1, "checkpoint": "querying"}}));
    let failed = (
        Role::Executor,
        json!({"failed": {"run": 1, "error": {
            "code": "data_unavailable", "message": "sales.sqlite is locked", "retryable": true,
        }}}),
    );
    let done = |output: Value| (Role::Executor, json!({"completed": {"run": 1, "output": output}}));
    let mut foreground = submitted();
    foreground.1["submitted"]["lane"] = json!("foreground");
    vec![
        ("pending", vec![submitted()]),
        ("foreground", vec![foreground]),
        ("running", under_way()),
        ("paused", with(&[asked])),
        ("aborted", with(&[abort, step, aborted])),
        ("failed", with(&[failed])),
        ("completed", with(&[done(json!({"inline": {"summary": "Sales rose."}}))])),
        ("completed_large", with(&[done(json!({"stored": {"sha256": DIGEST, "size": 70000}}))])),
    ]
}

fn waits() -> Vec<WaitReason> {
    let (at, kind) = (Timestamp(1_795_266_400_000), Kind::new("report").unwrap());
    let holder: TaskId = TASK.parse().unwrap();
    vec![
        WaitReason::NotBefore { at },
        WaitReason::RetryBackoff { at, attempt: 2 },
        WaitReason::Conversation { conversation: "c-1".parse().unwrap(), holder },
        WaitReason::LedgerUnreadable,
        WaitReason::TokenBudget { used: 5, budget: 4, per: Period::Day },
        WaitReason::NoExecutor { kind: kind.clone() },
        WaitReason::UserCap { running: 6, cap: 6 },
        WaitReason::ForegroundCap { running: 2, cap: 2 },
        WaitReason::OrganisationCap { running: 50, cap: 50 },
        WaitReason::ExecutorsBusy { kind, places: 8 },
        WaitReason::Admitted { run: RunNumber(1) },
        WaitReason::Next,
    ]
}

fn reasons() -> Vec<Reason> {
    let approval: ApprovalId = APPROVAL.parse().unwrap();
    let (by, at) = ("ada".to_owned(), Some(Timestamp(1_795_266_400_000)));
    vec![
        Reason::Submitted,
        Reason::Continued { why: Continuation::Drain },
        Reason::Retrying { attempt: 2, error: Some("x".to_owned()) },
        Reason::Decided { approval },
        Reason::Reassigned { run: RunNumber(1), last_beat: at },
        Reason::Admitted { why: AdmissionReason::First },
        Reason::AwaitingApproval { approval },
        Reason::AbortRequested { by: by.clone() },
        Reason::Finished,
        Reason::Error { error: "x".to_owned() },
        Reason::Aborted { by, checkpoint: Some("end".to_owned()) },
        Reason::SpanExceeded { span: Millis(1), ran: Millis(2) },
        Reason::HeartbeatLost { last_beat: at, lease: Millis(3) },
    ]
}

#[test]
fn the_json_is_stable() {
    for (name, history) in histories() {
        let waiting = (name == "pending").then(|| Waiting {
            reason: WaitReason::UserCap { running: 6, cap: 6 },
            place: 2,
            blockers: vec![TASK.parse().unwrap()],
            not_before: Some(Timestamp(1_795_266_400_000)),
        });
        // Whatever order the build keeps members in.
        insta::with_settings!({sort_maps => true}, {
            insta::assert_json_snapshot!(name, view(&fold(&history), waiting));
        });
    }
}

#[test]
fn an_erased_task_shows_that_it_is() {
    let mut snapshot = fold(&histories()[4].1);
    let erased = Event {
        id: longhaul_core::EventId(Uuid::nil()),
        body: EventBody::Erased { by: "ada".to_owned(), skeleton: Box::new(snapshot.skeleton()) },
    };
    let actor = Actor { role: Role::Client, who: "ada".to_owned(), via: "cli".to_owned() };
    let mut state = Some(snapshot.clone());
    longhaul_core::apply(&mut state, snapshot.task, &erased, &actor, snapshot.updated_at);
    snapshot = state.unwrap();
    let json = view(&snapshot, None);
    assert_eq!((&json["erased"], &json["dismissed"]), (&json!(true), &json!(true)));
    assert_eq!(json["title"], "(erased)");
    assert!(["output", "labels", "artifacts", "steps", "text"].iter().all(|name| json.get(name).is_none()));
}

#[test]
fn every_view_is_as_its_schema_says() {
    let schema = formats().into_iter().find(|format| format.name == "snapshot").unwrap().schema.to_value();
    let mut snapshot = fold(&[submitted()]);
    let mut views: Vec<Value> = histories().iter().map(|(_, history)| view(&fold(history), None)).collect();
    for reason in waits() {
        let waiting = Waiting {
            reason,
            place: 1,
            blockers: vec![TASK.parse().unwrap()],
            not_before: Some(Timestamp(0)),
        };
        views.push(view(&snapshot, Some(waiting)));
    }
    for reason in reasons() {
        snapshot.reason = reason;
        views.push(view(&snapshot, None));
    }
    for status in Status::ALL {
        snapshot.status = status;
        views.push(view(&snapshot, None));
    }
    let waits = Waits {
        code: RATE_LIMIT.to_owned(),
        provider: "openai".to_owned(),
        until: Timestamp(1_763_730_308_000),
    };
    snapshot.progress.waits = Some(waits);
    let waiting = view(&snapshot, None);
    assert_eq!(waiting["progress"]["waits"]["until"], "2025-11-21T13:05:08.000Z");
    views.push(waiting);
    (snapshot.dismissed, snapshot.erased) = (true, true);
    views.push(view(&snapshot, None));
    for view in &views {
        assert_eq!(faults(&schema, view), Vec::<String>::new(), "{view}");
    }
    // And the other way round: the schema names nothing that no view has.
    let mut described = BTreeSet::new();
    validate::named(&schema, &mut described);
    let mut shown = BTreeSet::new();
    views.iter().for_each(|view| validate::members(view, &mut shown));
    assert_eq!(described.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// A brief as programs get it; read back it is the same, and so is that of the view.
fn brief(snapshot: &Snapshot, waiting: Option<Waiting>) -> Value {
    let brief = Brief { waiting: waiting.clone(), submitted: Some(Sequence(41)), ..Brief::of(snapshot) };
    let view = SnapshotView::new(snapshot, waiting, None, None);
    assert_eq!(Brief { submitted: brief.submitted, ..Brief::from(view) }, brief);
    let json = serde_json::to_value(&brief).unwrap();
    assert_eq!(serde_json::from_value::<Brief>(json.clone()).unwrap(), brief);
    json
}

#[test]
fn the_json_of_briefs_is_stable_and_as_its_schema_says() {
    let schema = formats().into_iter().find(|format| format.name == "brief").unwrap().schema.to_value();
    let (mut described, mut shown) = (BTreeSet::new(), BTreeSet::new());
    validate::named(&schema, &mut described);
    let mut waits: Vec<_> = waits().into_iter().map(Some).collect();
    waits.push(None);
    for (name, history) in histories() {
        let snapshot = fold(&history);
        for reason in &waits {
            let waiting = reason.clone().map(|reason| Waiting {
                reason,
                place: 1,
                blockers: vec![TASK.parse().unwrap()],
                not_before: Some(Timestamp(0)),
            });
            let mut json = brief(&snapshot, waiting);
            if reason.is_none() {
                insta::with_settings!({sort_maps => true}, {
                    insta::assert_json_snapshot!(format!("brief_{name}"), json);
                });
                (json["dismissed"], json["aside"]) = (json!(true), json!(true));
            }
            assert_eq!(faults(&schema, &json), Vec::<String>::new(), "{json}");
            validate::members(&json, &mut shown);
        }
    }
    assert_eq!(described.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_brief_is_one_clean_line_whoever_wrote_it() {
    let mut json = brief(&fold(&under_way()), None);
    json["note"] = json!("a\u{1b}[31m\u{202e}b\nc");
    json["step"]["name"] = json!("x".repeat(500));
    json["of_tomorrow"] = json!("a member nobody knows");
    let read: Brief = serde_json::from_value(json).unwrap();
    assert_eq!(read.note, "a[31mb c");
    assert_eq!(read.step.unwrap().name.chars().count(), 160);
}
