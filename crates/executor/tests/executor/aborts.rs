//! An abort in every phase of a task: one outcome each, and nothing begins after it.

use std::sync::Arc;
use std::time::Duration;

use longhaul_core::*;
use longhaul_executor::{Failure, Run};
use longhaul_journal::Journal;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::stage::*;

/// Checks that nothing began after the abort was asked for, and says where the task stopped.
async fn stopped(stage: &Stage, task: &TaskRef) -> (Option<String>, Vec<String>) {
    let ended = stage.end(task).await;
    assert_eq!(ended.status, Status::Aborted, "{ended:#?}");
    let events = stage.events(task).await;
    let asked = events.iter().position(|event| matches!(event, EventBody::AbortRequested { .. })).unwrap();
    for event in &events[asked..] {
        let begins = matches!(
            event,
            EventBody::Started { .. }
                | EventBody::StepStarted { .. }
                | EventBody::ApprovalRequested { .. }
                | EventBody::Continued { .. }
                | EventBody::Completed { .. }
                | EventBody::Failed { .. }
        );
        assert!(!begins, "{event:?} after the abort");
    }
    let abort = ended.abort.unwrap();
    assert!(abort.observed_at.is_some());
    (abort.checkpoint, abort.steps_after)
}

#[tokio::test(start_paused = true)]
async fn of_a_pending_task_means_it_never_starts() {
    let mut stage = Stage::new();
    let task = stage.submit(submission("any", json!(null))).await;
    // Admitted and dispatched, but nobody has taken it.
    sleep(Duration::from_secs(1)).await;
    stage.stop_admitting().await;
    assert_eq!(stage.abort(&task).await.unwrap().status, Status::Aborted);
    let _working =
        stage.start(stage.executor().handle("any", async |_: &mut Run, (): ()| Ok::<_, Failure>(())));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stopped(&stage, &task).await, (None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn cuts_a_slow_call_short_where_the_handler_listens() {
    let stage = Stage::new();
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    let slow = async move |run: &mut Run, (): ()| {
        run.step("call", async |step| {
            tell.notify_one();
            tokio::select! {
                () = step.cancelled() => step.checkpoint().await,
                () = sleep(Duration::from_secs(100_000)) => Ok(()),
            }
        })
        .await
    };
    let _working = stage.start(stage.executor().handle("slow", slow));
    let task = stage.submit(submission("slow", json!(null))).await;
    within("the call", reached.notified()).await;
    assert_eq!(stage.abort(&task).await.unwrap().status, Status::Aborting);
    // Asking again changes nothing.
    assert_eq!(stage.abort(&task).await.unwrap().status, Status::Aborting);
    assert_eq!(stopped(&stage, &task).await, (Some("call".into()), vec![]));
    assert!(matches!(stage.abort(&task).await, Err(Rejection::Ended { status: Status::Aborted, .. })));
}

#[tokio::test(start_paused = true)]
async fn lets_a_step_under_way_be_recorded_and_stops_right_after_it() {
    let stage = Stage::new();
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    let deaf = async move |run: &mut Run, (): ()| {
        run.step("one", async |_| {
            tell.notify_one();
            sleep(Duration::from_secs(60)).await;
            Ok::<_, Failure>(1)
        })
        .await?;
        run.step("two", async |_| Ok::<_, Failure>(2)).await
    };
    let _working = stage.start(stage.executor().handle("deaf", deaf));
    let task = stage.submit(submission("deaf", json!(null))).await;
    within("the step", reached.notified()).await;
    stage.abort(&task).await.unwrap();
    assert_eq!(stopped(&stage, &task).await, (Some("one".into()), vec!["one".into()]));
}

/// Asks for the abort of the run's own task, from inside.
async fn abort_myself(journal: &Journal, run: &Run) -> Result<(), Failure> {
    let task = TaskRef { org: run.org().clone(), task: run.task() };
    let command = Command::RequestAbort { by: "ann".into(), reason: None };
    journal.act(&task, &client(), &command).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn right_before_a_step_an_approval_or_the_end_wins() {
    let stage = Stage::new();
    let journal = stage.journal.clone();
    let next = async move |run: &mut Run, what: String| {
        run.step("first", async |_| Ok::<_, Failure>(())).await?;
        abort_myself(&journal, run).await?;
        match what.as_str() {
            "step" => run.step("second", async |_| Ok::<_, Failure>(())).await?,
            "approval" => drop(run.approval("send", json!({"to": "all"})).await?),
            "failure" => return Err(Failure::retryable("broken", "not my day")),
            "checkpoint" => run.checkpoint().await?,
            _ => {}
        }
        Ok(what)
    };
    let _working = stage.start(stage.executor().handle("next", next));
    for (what, checkpoint) in [
        ("step", "first"),
        ("approval", "first"),
        ("checkpoint", "first"),
        ("output", "end"),
        ("failure", "end"),
    ] {
        let task = stage.submit(submission("next", json!(what))).await;
        let (at, after) = stopped(&stage, &task).await;
        // A checkpoint that has not seen the abort yet lets the handler come to its end.
        let at = at.unwrap();
        assert!(at == checkpoint || (what == "checkpoint" && at == "end"), "{what}: {at}");
        assert!(after.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_hand_over_between_two_runs_ends_the_task_at_once() {
    let mut stage = Stage::new();
    let work = async |run: &mut Run, (): ()| {
        for n in 0..5 {
            run.step(format!("step {n}"), async |_| {
                sleep(Duration::from_millis(100)).await;
                Ok::<_, Failure>(())
            })
            .await?;
        }
        Ok::<_, Failure>(())
    };
    let _working = stage.start(stage.executor().handle("work", work));
    let task =
        stage.submit(Submission { limits: limits(150, 60_000), ..submission("work", json!(null)) }).await;
    stage.until(&task, "running", |snapshot| snapshot.status == Status::Running).await;
    stage.stop_admitting().await;
    stage.until(&task, "continued", |snapshot| snapshot.status == Status::Pending).await;
    assert_eq!(stage.abort(&task).await.unwrap().status, Status::Aborted);
    // A dispatch of the run that will never be.
    let mut late = stage.get(&task).await;
    late.admit_as = AdmissionReason::Continued;
    admit(&stage.journal, &task.org, &late).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stopped(&stage, &task).await, (None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn is_not_undone_by_a_handler_that_swallows_it() {
    let stage = Stage::new();
    let journal = stage.journal.clone();
    let stubborn = async move |run: &mut Run, (): ()| {
        run.step("first", async |_| Ok::<_, Failure>(())).await?;
        abort_myself(&journal, run).await?;
        for n in 0..1000 {
            let _ = run.step(format!("more {n}"), async |_| Ok::<_, Failure>(())).await;
            let _ = run.text("more").await;
            run.progress(n, 1000);
            sleep(Duration::from_secs(1)).await;
        }
        Ok::<_, Failure>(())
    };
    let _working = stage.start(stage.executor().places(1).handle("stubborn", stubborn));
    let task = stage.submit(submission("stubborn", json!(null))).await;
    assert_eq!(stopped(&stage, &task).await.0, Some("first".into()));
    let length = stage.events(&task).await.len();
    // It is dropped after a while: its place serves another.
    let other = stage.submit(submission("stubborn", json!(null))).await;
    stage.end(&other).await;
    assert_eq!(stage.events(&task).await.len(), length);
}

#[tokio::test(start_paused = true)]
async fn is_asked_for_and_seen_in_handlers_without_steps() {
    let stage = Stage::new();
    let endless = async |run: &mut Run, (): ()| -> Result<(), Failure> {
        loop {
            run.checkpoint().await?;
            assert!(!run.abort_requested() || run.checkpoint().await.unwrap_err().is_stop());
            sleep(Duration::from_millis(100)).await;
        }
    };
    let _working = stage.start(stage.executor().handle("endless", endless));
    let task = stage.submit(submission("endless", json!(null))).await;
    stage.until(&task, "running", |snapshot| snapshot.status == Status::Running).await;
    stage.abort(&task).await.unwrap();
    assert_eq!(stopped(&stage, &task).await.0, Some("start".into()));
}
