//! Questions to a person: the run ends, and a later one gets the answer.

use std::time::Duration;

use longhaul_core::*;
use longhaul_executor::{Decided, Failure, Question, Run};
use serde_json::{Value, json};

use crate::stage::*;

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Mail {
    to: String,
    copies: u32,
}

/// Asks whether to send a mail, and tells what it was told.
async fn mail(run: &mut Run, to: String) -> Result<Value, Failure> {
    let written: String = run.step("write", async |_| Ok::<_, Failure>(to)).await?;
    let answer = run.approval("send the mail", Mail { to: written, copies: 1 }).await?;
    Ok(match answer {
        Decided::Approved(mail) => json!({"sent": mail}),
        Decided::Modified(mail) => json!({"changed": mail}),
        Decided::Rejected { by, reason } => json!({"by": by, "reason": reason}),
        Decided::Lapsed => json!("lapsed"),
    })
}

async fn paused(stage: &Stage, task: &TaskRef) -> Snapshot {
    stage.until(task, "paused", |snapshot| snapshot.status == Status::Paused).await
}

#[tokio::test(start_paused = true)]
async fn are_answered_with_what_was_decided() {
    let stage = Stage::new();
    let _working = stage.start(stage.executor().places(1).handle("mail", mail));
    let other = json!({"to": "bob", "copies": 2});
    for (decision, expected) in [
        (Decision::Approved, json!({"sent": {"to": "ann", "copies": 1}})),
        (Decision::Modified { arguments: other.clone() }, json!({"changed": other})),
        (Decision::Rejected { reason: Some("no".into()) }, json!({"by": "eve", "reason": "no"})),
    ] {
        let task = stage.submit(submission("mail", json!("ann"))).await;
        let asked = paused(&stage, &task).await;
        let open = asked.open_approval().unwrap();
        assert_eq!(
            (open.action.as_str(), &open.arguments),
            ("send the mail", &json!({"to": "ann", "copies": 1}))
        );
        stage.decide(&task, decision).await;
        let ended = stage.end(&task).await;
        assert_eq!((ended.status, output(&ended)), (Status::Completed, &expected));
        assert_eq!(ended.run, RunNumber(2));
        // The step before the question was not done again.
        let started = stage.events(&task).await;
        let started = started.iter().filter(|event| matches!(event, EventBody::StepStarted { .. }));
        assert_eq!(started.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn hold_no_place_while_they_wait() {
    let stage = Stage::new();
    let _working = stage.start(stage.executor().places(1).handle("mail", mail));
    let tasks = [
        stage.submit(submission("mail", json!("a"))).await,
        stage.submit(submission("mail", json!("b"))).await,
    ];
    for task in &tasks {
        paused(&stage, task).await;
    }
    for task in &tasks {
        stage.decide(task, Decision::Approved).await;
        stage.end(task).await;
    }
}

#[tokio::test(start_paused = true)]
async fn lapse_and_say_so() {
    let stage = Stage::new();
    let brief = async |run: &mut Run, (): ()| {
        let answer = run.approval_within("spend", 10, Duration::from_secs(60)).await?;
        Ok::<_, Failure>(answer == Decided::Lapsed)
    };
    let _working = stage.start(stage.executor().handle("brief", brief));
    let task = stage.submit(submission("brief", json!(null))).await;
    let open = paused(&stage, &task).await.open_approval().unwrap().clone();
    assert_eq!(open.expires_at.since(open.requested_at).duration().as_secs(), 60);
    tokio::time::sleep(Duration::from_secs(61)).await;
    stage.act(&task, &scheduler(), Command::LapseApproval { approval: open.id }).await.unwrap();
    assert_eq!(output(&stage.end(&task).await), &json!(true));
}

#[tokio::test(start_paused = true)]
async fn of_the_same_words_are_told_apart_by_their_order() {
    let stage = Stage::new();
    let twice = async |run: &mut Run, (): ()| {
        let first = run.approval("spend", 10).await?.go();
        let other = run.approval("spend", 20).await?.go();
        let second = run.approval("spend", 10).await?.go();
        Ok::<_, Failure>((first, other, second))
    };
    let _working = stage.start(stage.executor().handle("twice", twice));
    let task = stage.submit(submission("twice", json!(null))).await;
    for (n, decision) in
        [Decision::Approved, Decision::Rejected { reason: None }, Decision::Modified { arguments: json!(5) }]
            .into_iter()
            .enumerate()
    {
        stage
            .until(&task, "asked", |snapshot| {
                snapshot.status == Status::Paused && snapshot.approvals.len() == n + 1
            })
            .await;
        stage.decide(&task, decision).await;
    }
    assert_eq!(output(&stage.end(&task).await), &json!([10, null, 5]));
}

#[tokio::test(start_paused = true)]
async fn that_cannot_be_used_are_asked_once_more() {
    let stage = Stage::new();
    let _working = stage.start(stage.executor().handle("mail", mail));
    let task = stage.submit(submission("mail", json!("ann"))).await;
    // Nothing says what they must be like: only whoever asked finds out.
    for (n, bad) in [json!({"to": 3}), json!(null)].into_iter().enumerate() {
        let asked = stage.until(&task, "asked", |snapshot| {
            snapshot.status == Status::Paused && snapshot.approvals.len() == n + 1
        });
        let open = asked.await.open_approval().unwrap().clone();
        assert_eq!(open.arguments, json!({"to": "ann", "copies": 1}));
        assert_eq!(open.note.is_some(), n > 0, "{open:#?}");
        stage.decide(&task, Decision::Modified { arguments: bad }).await;
    }
    let asked = stage
        .until(&task, "asked", |snapshot| snapshot.status == Status::Paused && snapshot.approvals.len() == 3);
    let note = asked.await.open_approval().unwrap().note.clone().unwrap();
    assert!(note.starts_with("the arguments that eve gave cannot be used: "), "{note}");
    let good = json!({"to": "bob", "copies": 2});
    stage.decide(&task, Decision::Modified { arguments: good.clone() }).await;
    assert_eq!(output(&stage.end(&task).await), &json!({"changed": good}));
}

#[tokio::test(start_paused = true)]
async fn say_why_and_what_may_be_answered() {
    let stage = Stage::new();
    let spend = async |run: &mut Run, (): ()| {
        let schema = json!({"type": "integer", "maximum": 100});
        let question = Question::new("spend", 10).schema(schema).note("it is\nmuch");
        Ok::<_, Failure>(run.ask(question.within(Duration::from_secs(5))).await?.go())
    };
    let _working = stage.start(stage.executor().handle("spend", spend));
    let task = stage.submit(submission("spend", json!(null))).await;
    let open = paused(&stage, &task).await.open_approval().unwrap().clone();
    assert_eq!(
        (open.note.as_deref(), open.expires_at.since(open.requested_at).0),
        (Some("it is much"), 5_000)
    );
    let decide = |arguments| Command::DecideApproval {
        approval: open.id,
        digest: open.digest,
        decision: Decision::Modified { arguments },
        by: "eve".to_owned(),
    };
    for bad in [json!(101), json!("5")] {
        let refused = stage.act(&task, &client(), decide(bad)).await.unwrap_err();
        assert!(refused.to_string().contains("do not fit"), "{refused}");
    }
    stage.act(&task, &client(), decide(json!(99))).await.unwrap();
    assert_eq!(output(&stage.end(&task).await), &json!(99));
    assert_eq!(stage.get(&task).await.approvals.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_arguments_that_are_too_large_fail_clearly() {
    let stage = Stage::new();
    let large = async |run: &mut Run, (): ()| run.approval("send", "x".repeat(70_000)).await.map(|_| ());
    let _working = stage.start(stage.executor().handle("large", large));
    let task = stage.submit(submission("large", json!(null))).await;
    assert_eq!(stage.end(&task).await.error.unwrap().code, "bad_arguments");
}

#[tokio::test(start_paused = true)]
async fn can_be_aborted_while_they_wait() {
    let stage = Stage::new();
    let _working = stage.start(stage.executor().handle("mail", mail));
    let task = stage.submit(submission("mail", json!("ann"))).await;
    paused(&stage, &task).await;
    assert_eq!(stage.abort(&task).await.unwrap().status, Status::Aborted);
    stage.end(&task).await;
}
