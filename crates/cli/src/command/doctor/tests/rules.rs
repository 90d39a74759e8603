//! Each rule of a history, kept and broken.

use longhaul_core::*;
use longhaul_journal::new_id;
use serde_json::json;

use super::{Verdict, bad, of_the_log, only};
use crate::command::replay::script::{Script, failed, of, step, usage};

fn abort_requested() -> EventBody {
    EventBody::AbortRequested { by: "ann".to_owned(), reason: None }
}

fn completed(run: RunNumber) -> EventBody {
    EventBody::Completed { run, output: Payload::Inline(json!(1)) }
}

fn retried(attempt: u32) -> EventBody {
    EventBody::Retried { attempt, by: Some("ann".to_owned()), not_before: None }
}

/// Every way a history may go by the rules.
#[tokio::test]
async fn a_log_that_keeps_the_rules_is_good() {
    let script = Script::new(4);
    let client = script.client("acme");
    // Runs, fails, is retried with its recorded step, completes, is hidden, is erased.
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.say(&task, Role::Executor, step(run, "a", 0)).await;
    script.say(&task, Role::Executor, vec![usage(run, 10), failed(run)]).await;
    script.say(&task, Role::Client, vec![retried(2)]).await;
    let run = script.start(&task).await;
    script.say(&task, Role::Executor, step(run, "b", 1)).await;
    script.complete(&task, run).await;
    client.dismiss(task.task).await.unwrap();
    client.erase(task.task).await.unwrap();
    // Aborted while it runs, and while it waits.
    let running = script.submit("acme", "two").await;
    let run = script.start(&running).await;
    script.say(&running, Role::Client, vec![abort_requested()]).await;
    let aborted = EventBody::Aborted { run: Some(run), checkpoint: Some("start".to_owned()) };
    script.say(&running, Role::Executor, vec![aborted]).await;
    let waiting = script.submit("acme", "three").await;
    script
        .say(
            &waiting,
            Role::Client,
            vec![abort_requested(), EventBody::Aborted { run: None, checkpoint: None }],
        )
        .await;
    // Continued, lost, expired.
    let long = script.submit("initech", "four").await;
    let run = script.start(&long).await;
    script.say(&long, Role::Executor, vec![EventBody::Continued { run, why: Continuation::Slice }]).await;
    let run = script.start(&long).await;
    let lost = EventBody::Lost { run, executor: new_id(), last_beat: None, lease: LEASE };
    let why = Expiry::Heartbeat { last_beat: None, lease: LEASE };
    script.say(&long, Role::Scheduler, vec![lost, EventBody::Expired { run: None, why }]).await;
    let checks = of_the_log(&script).await;
    assert_eq!(bad(&checks), [], "{checks:#?}");
}

#[tokio::test]
async fn a_second_end_is_found() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.complete(&task, run).await;
    script.say(&task, Role::Executor, vec![failed(run)]).await;
    let details = only(&of_the_log(&script).await, "ends", Verdict::Fail);
    assert!(details[0].contains("failed after the task was completed"), "{details:?}");
    assert!(details[0].contains(&task.task.to_string()));
}

#[tokio::test]
async fn what_follows_an_end_is_found_though_the_task_was_forgotten_meanwhile() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.complete(&task, run).await;
    for n in 0..20 {
        script.submit("acme", &format!("other {n}")).await;
    }
    script.say(&task, Role::Executor, vec![usage(run, 5)]).await;
    script.say(&task, Role::Client, vec![retried(2)]).await;
    let details = only(&of_the_log(&script).await, "ends", Verdict::Fail);
    assert_eq!(details.len(), 2, "a completed task is not retried either: {details:?}");
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_commit_is_found() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.say(&task, Role::Executor, vec![completed(run), usage(run, 1)]).await;
    only(&of_the_log(&script).await, "ends", Verdict::Fail);
}

#[tokio::test]
async fn an_abort_that_is_overtaken_is_found() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.say(&task, Role::Client, vec![abort_requested()]).await;
    script.say(&task, Role::Executor, vec![completed(run)]).await;
    let details = only(&of_the_log(&script).await, "aborts", Verdict::Fail);
    assert!(details[0].contains("completed although"), "{details:?}");
}

#[tokio::test]
async fn a_step_recorded_twice_is_found() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.say(&task, Role::Executor, step(run, "a", 0)).await;
    script.say(&task, Role::Executor, step(run, "a", 0)).await;
    let details = only(&of_the_log(&script).await, "steps", Verdict::Fail);
    assert_eq!(details.len(), 2, "begun again and recorded again: {details:?}");
}

#[tokio::test]
async fn what_the_fold_ignores_is_told_but_breaks_nothing() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    // A run that is not the current one, a role that may not say it.
    script.say(&task, Role::Executor, vec![usage(run.next(), 1)]).await;
    script.say(&task, Role::Client, vec![completed(run)]).await;
    let details = only(&of_the_log(&script).await, "fold", Verdict::Warn);
    assert_eq!(details.len(), 2, "{details:?}");
}

#[tokio::test]
async fn a_task_that_nobody_submitted_fails() {
    let script = Script::new(1);
    script.say(&of("acme", new_id()), Role::Executor, vec![completed(RunNumber(1))]).await;
    let details = only(&of_the_log(&script).await, "submissions", Verdict::Fail);
    assert!(details[0].contains("never submitted"), "{details:?}");
}

#[tokio::test]
async fn an_erasure_that_was_interrupted_is_no_breach() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let run = script.start(&task).await;
    script.say(&task, Role::Executor, vec![usage(run, 7)]).await;
    script.complete(&task, run).await;
    let actor = Actor { role: Role::Client, who: "ann".into(), via: "test".into() };
    script.journal.act(&task, &actor, &Command::Erase { by: "ann".into() }).await.unwrap();
    // The first record is gone, the rest still there.
    longhaul_journal::port::Port::forget(&script.memory, longhaul_journal::Shard(0), &[Sequence(1)])
        .await
        .unwrap();
    let checks = of_the_log(&script).await;
    assert_eq!(bad(&checks), [], "{checks:#?}");
}

#[tokio::test]
async fn an_unreadable_record_puts_one_task_aside_and_hides_no_breach_of_others() {
    let script = Script::new(1);
    let broken = script.submit("acme", "broken").await;
    let run = script.start(&broken).await;
    script.garble(&broken).await;
    // Not folded any more, hence nothing to object to.
    script.say(&broken, Role::Executor, vec![completed(run), completed(run)]).await;
    let details = only(&of_the_log(&script).await, "newer", Verdict::Warn);
    assert!(details[0].contains("version 99"), "{details:?}");
    let task = script.submit("acme", "one").await;
    script.say(&task, Role::Executor, vec![completed(run)]).await;
    assert_eq!(bad(&of_the_log(&script).await), [("newer", Verdict::Warn), ("fold", Verdict::Warn)]);
}
