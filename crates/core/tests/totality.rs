//! Every status has an answer to every command, and folds every event: both tables are kept as text
//! beside this file, so that a changed rule shows as a changed line.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod harness;

use std::fmt::Write as _;

use harness::*;
use longhaul_core::*;
use serde_json::Value;

fn commands(task: &Given) -> Vec<(&'static str, Command)> {
    let run = |act| Command::Run { run: task.snapshot().run, act };
    vec![
        ("submit", Command::Submit(Box::new(submission()))),
        ("request_abort", abort()),
        ("approve", answer(1, Decision::Approved)),
        ("modify", answer(1, Decision::Modified { arguments: Value::from("to eve") })),
        ("reject", answer(1, Decision::Rejected { reason: None })),
        ("lapse", Command::LapseApproval { approval: approval(1) }),
        ("retry", retry()),
        ("dismiss", Command::Dismiss { by: "ann".into() }),
        ("erase", Command::Erase { by: "ann".into() }),
        ("start", task.start()),
        (
            "start_old_run",
            Command::Start {
                run: RunNumber(0),
                executor: executor(9),
                version: "1".into(),
                ledger: Sequence(1),
                why: AdmissionReason::First,
            },
        ),
        ("declare_lost", task.lost()),
        ("expire", Command::Expire),
        ("start_step", run(Act::StartStep { step: "querying".into(), of: None })),
        ("start_recorded_step", run(Act::StartStep { step: "planning".into(), of: None })),
        ("complete_step", run(Act::CompleteStep { step: "planning".into(), result: Payload::default() })),
        ("progress", run(Act::Progress { fraction: Some(0.5), message: None, waits: None })),
        ("append_text", run(Act::AppendText { segment: 1, text: "x".into() })),
        ("record_usage", run(Act::RecordUsage { usage: Usage::default(), model: None })),
        ("store_artifact", run(Act::StoreArtifact(artifact()))),
        ("request_approval", run(ask(2))),
        ("continue", run(Act::Continue(Continuation::Slice))),
        ("complete", run(complete())),
        ("fail", run(fail(true))),
        ("stop", run(Act::StopAt { checkpoint: "planning".into() })),
        ("act_of_other_run", Command::Run { run: RunNumber(9), act: complete() }),
    ]
}

fn artifact() -> Artifact {
    Artifact { name: "a.pdf".into(), media_type: "application/pdf".into(), size: 1, sha256: digest(1) }
}

fn events(task: &Given) -> Vec<EventBody> {
    let s = task.snapshot();
    let run = s.run;
    vec![
        EventBody::Submitted(Box::new(submission())),
        EventBody::Started {
            run: s.next_run,
            executor: executor(1),
            version: "1".into(),
            ledger: Sequence(1),
            why: AdmissionReason::First,
        },
        EventBody::StepStarted { run, step: "querying".into(), index: 1, of: None },
        EventBody::Progressed { run, fraction: Some(0.5), message: None, waits: None },
        EventBody::StepCompleted { run, step: "planning".into(), index: 0, result: Payload::default() },
        EventBody::TextAppended { run, segment: 1, offset: 0, text: "x".into() },
        EventBody::UsageRecorded { run, usage: Usage::default(), model: None },
        EventBody::ArtifactStored { run, artifact: artifact() },
        EventBody::ApprovalRequested {
            run,
            approval: approval(2),
            action: "x".into(),
            arguments: Value::Null,
            digest: digest(1),
            schema: None,
            note: None,
            expires_at: T0,
        },
        EventBody::ApprovalDecided { approval: approval(1), decision: Decision::Approved, by: "eve".into() },
        EventBody::AbortRequested { by: "ann".into(), reason: None },
        EventBody::Continued { run, why: Continuation::Slice },
        EventBody::Lost { run, executor: executor(1), last_beat: None, lease: LEASE },
        EventBody::Completed { run, output: Payload::default() },
        EventBody::Failed {
            run,
            error: TaskError { code: "x".into(), message: "x".into(), retryable: false },
        },
        EventBody::Aborted { run: Some(run), checkpoint: None },
        EventBody::Expired { run: Some(run), why: Expiry::Span { span: Millis(1), ran: Millis(1) } },
        EventBody::Retried { attempt: s.attempt + 1, by: Some("ann".into()), not_before: None },
        EventBody::Dismissed { by: "ann".into() },
        EventBody::Erased { by: "ann".into(), skeleton: Box::new(s.skeleton()) },
    ]
}

/// The role that may say it.
fn speaker(body: &EventBody) -> Role {
    [Role::Client, Role::Executor, Role::Scheduler]
        .into_iter()
        .find(|role| body.may_be_said_by(*role))
        .unwrap()
}

fn code(rejection: &Rejection) -> String {
    serde_json::to_value(rejection).unwrap()["code"].as_str().unwrap().to_owned()
}

/// Compares with the kept table; `UPDATE_GOLDEN=1` rewrites it.
fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{name} differs; if the rule was meant to change, run with UPDATE_GOLDEN=1:\n{text}"
    );
}

#[test]
fn every_status_answers_every_command() {
    let mut table = String::new();
    for status in Status::ALL {
        let task = in_status(status);
        for (name, command) in commands(&task) {
            let answer = match task.decide(&command) {
                Ok(bodies) if bodies.is_empty() => "nothing to do".to_owned(),
                Ok(bodies) => {
                    let names: Vec<_> = bodies.iter().map(EventBody::name).collect();
                    let after = task.clone().happened(role(&command), bodies);
                    assert_eq!(
                        after.snapshot().ignored,
                        0,
                        "the fold refuses what {name} decided in {status}"
                    );
                    format!("{} -> {}", names.join(" "), after.snapshot().status)
                }
                Err(no) => format!("refused: {}", code(&no)),
            };
            writeln!(table, "{status:10} {name:20} {answer}").unwrap();
        }
    }
    golden("decisions.txt", &table);
}

#[test]
fn every_status_folds_every_event() {
    let mut table = String::new();
    for status in Status::ALL {
        let task = in_status(status);
        for body in events(&task) {
            let name = body.name();
            let after = task.clone().happened(speaker(&body), vec![body]);
            let s = after.snapshot();
            let told = if s.ignored > 0 { "ignored".to_owned() } else { format!("-> {}", s.status) };
            if s.ignored > 0 {
                let mut as_before = s.clone();
                as_before.ignored = 0;
                as_before.sequence = task.snapshot().sequence;
                assert_eq!(&as_before, task.snapshot(), "an ignored {name} changed something in {status}");
            }
            writeln!(table, "{status:10} {name:20} {told}").unwrap();
        }
    }
    golden("folds.txt", &table);
}

#[test]
fn nobody_says_what_his_role_may_not() {
    for status in Status::ALL {
        let task = in_status(status);
        for body in events(&task) {
            for role in [Role::Client, Role::Executor, Role::Scheduler] {
                if !body.may_be_said_by(role) {
                    let after = task.clone().happened(role, vec![body.clone()]);
                    assert_eq!(after.snapshot().ignored, 1, "{role:?} said {} in {status}", body.name());
                }
            }
        }
    }
}
