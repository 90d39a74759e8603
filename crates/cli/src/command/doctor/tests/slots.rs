//! Caps, recounted.

use longhaul_core::*;
use longhaul_journal::{new_id, port::Append, port::Port as _};
use longhaul_wire::Subject;
use serde_json::json;

use super::{Verdict, bad, of_the_log, only};
use crate::command::replay::script::{Script, failed};

const TWO: Caps = Caps { user: 2, organisation: 3, conversation: 1, foreground: 2 };

async fn submitted<const N: usize>(script: &Script, user: &str) -> [TaskRef; N] {
    let mut tasks = Vec::new();
    for n in 0..N {
        tasks.push(script.submit_for("acme", user, None, &format!("task {n}")).await);
    }
    tasks.try_into().unwrap()
}

#[tokio::test]
async fn a_cap_may_be_reached_and_not_exceeded() {
    let script = Script::new(1);
    script.policy("acme", TWO).await;
    let [a, b, c] = submitted(&script, "ann").await;
    script.admit(&[&a, &b]).await;
    assert_eq!(bad(&of_the_log(&script).await), []);
    script.admit(&[&c]).await;
    let details = only(&of_the_log(&script).await, "slots", Verdict::Fail);
    assert!(details[0].contains("user ann of acme holds 3 slots of 2"), "{details:?}");
}

#[tokio::test]
async fn a_slot_comes_back_when_the_run_ends_however_it_ends() {
    let script = Script::new(1);
    script.policy("acme", Caps { user: 1, ..TWO }).await;
    let [a, b, c, d, e] = submitted(&script, "ann").await;
    let run = script.start(&a).await;
    script.complete(&a, run).await;
    let run = script.start(&b).await;
    script.say(&b, Role::Executor, vec![failed(run)]).await;
    let run = script.start(&c).await;
    script.say(&c, Role::Executor, vec![EventBody::Continued { run, why: Continuation::Drain }]).await;
    // Admitted, and aborted before it began.
    script.admit(&[&d]).await;
    let aborted = EventBody::Aborted { run: None, checkpoint: None };
    let asked = EventBody::AbortRequested { by: "ann".to_owned(), reason: None };
    script.say(&d, Role::Client, vec![asked, aborted]).await;
    script.start(&e).await;
    let checks = of_the_log(&script).await;
    assert_eq!(bad(&checks), [], "{checks:#?}");
    let slots = checks.iter().find(|check| check.check == "slots").unwrap();
    assert!(slots.found.contains("5 admissions; at most 1 slot of one user"), "{}", slots.found);
}

#[tokio::test]
async fn the_organisation_has_a_cap_of_its_own() {
    let script = Script::new(1);
    script.policy("acme", TWO).await;
    let ([a, b], [c, d]) = (submitted(&script, "ann").await, submitted(&script, "bob").await);
    script.admit(&[&a, &b, &c, &d]).await;
    let details = only(&of_the_log(&script).await, "slots", Verdict::Fail);
    assert!(
        details.iter().all(|detail| detail.contains("organisation acme holds 4 slots of 3")),
        "{details:?}"
    );
}

#[tokio::test]
async fn a_paused_task_keeps_its_conversation_and_nothing_else() {
    let script = Script::new(1);
    script.policy("acme", Caps { user: 1, ..TWO }).await;
    let a = script.submit_for("acme", "ann", Some("chat"), "a").await;
    let run = script.start(&a).await;
    let asked = EventBody::ApprovalRequested {
        run,
        approval: new_id(),
        action: "send".to_owned(),
        arguments: json!({}),
        digest: longhaul_wire::canonical_digest(&json!({})),
        schema: None,
        note: None,
        expires_at: script.journal.now().plus(Millis::minutes(5)),
    };
    script.say(&a, Role::Executor, vec![asked]).await;
    let elsewhere = script.submit_for("acme", "ann", None, "elsewhere").await;
    let run = script.start(&elsewhere).await;
    script.complete(&elsewhere, run).await;
    assert_eq!(bad(&of_the_log(&script).await), []);
    let same = script.submit_for("acme", "ann", Some("chat"), "same").await;
    script.admit(&[&same]).await;
    let details = only(&of_the_log(&script).await, "slots", Verdict::Fail);
    assert!(details[0].contains("conversation chat of acme holds 2 slots of 1"), "{details:?}");
}

#[tokio::test]
async fn a_policy_that_came_too_late_to_be_seen_is_no_breach_and_one_that_was_seen_is() {
    let script = Script::new(1);
    let [a, b, c, d] = submitted(&script, "ann").await;
    script.admit(&[&a]).await;
    // Lowered below what runs, and just before an admission whose writer had not seen it.
    script.policy("acme", Caps { user: 1, ..TWO }).await;
    script.admit(&[&b]).await;
    assert_eq!(bad(&of_the_log(&script).await), []);
    // Whoever admits now has seen the ledger, and with it the policy.
    script.admit(&[&c]).await;
    only(&of_the_log(&script).await, "slots", Verdict::Fail);
    script.policy("acme", Caps { user: 4, ..TWO }).await;
    script.policy("acme", Caps { user: 4, organisation: 4, conversation: 1, foreground: 2 }).await;
    script.admit(&[&d]).await;
    assert_eq!(only(&of_the_log(&script).await, "slots", Verdict::Fail).len(), 1, "raised in time");
}

#[tokio::test]
async fn the_first_policy_counts_for_whoever_saw_a_task_wait_after_it() {
    let script = Script::new(1);
    script.policy("acme", Caps { user: 1, ..TWO }).await;
    let [a, b] = submitted(&script, "ann").await;
    script.admit(&[&a, &b]).await;
    only(&of_the_log(&script).await, "slots", Verdict::Fail);
}

#[tokio::test]
async fn void_admissions_take_nothing() {
    let script = Script::new(1);
    script.policy("acme", Caps { user: 1, ..TWO }).await;
    let [a, b] = submitted(&script, "ann").await;
    let stranger = script.submit("acme", "gone").await;
    let admitted = script.admit(&[&a]).await;
    // Again, of a task that runs, of a run that is not the next, of a task that ended.
    script.begin(&a, admitted).await;
    let asked = EventBody::AbortRequested { by: "ann".to_owned(), reason: None };
    script
        .say(&stranger, Role::Client, vec![asked, EventBody::Aborted { run: None, checkpoint: None }])
        .await;
    let admission = |task: &TaskRef, run: u32| Admission {
        task: task.task,
        run: RunNumber(run),
        user: UserId::new("ann").unwrap(),
        conversation: None,
        lane: Lane::default(),
        kind: Kind::new("report").unwrap(),
        why: AdmissionReason::First,
    };
    let commit = AdmissionCommit {
        id: new_id(),
        org: a.org.clone(),
        at: script.journal.now(),
        actor: Actor { role: Role::Scheduler, who: "s2".into(), via: "test".into() },
        admissions: vec![admission(&a, 1), admission(&a, 2), admission(&b, 9), admission(&stranger, 1)],
    };
    script.journal.admit(&commit, admitted).await.unwrap();
    assert_eq!(bad(&of_the_log(&script).await), []);
}

#[tokio::test]
async fn a_run_without_a_slot_is_found() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    script.begin(&task, Sequence(99)).await;
    let details = only(&of_the_log(&script).await, "slots", Verdict::Fail);
    assert!(details[0].contains("gave it no slot"), "{details:?}");
}

#[tokio::test]
async fn nothing_is_said_of_an_organisation_whose_ledger_cannot_be_read() {
    let script = Script::new(1);
    let task = script.submit("acme", "one").await;
    let subject = Subject::ledger(script.journal.shards(), &task.org);
    let body = b"?".as_slice().into();
    script.memory.append(Append { subject, expect: None, body }).await.unwrap();
    script.begin(&task, Sequence(2)).await;
    only(&of_the_log(&script).await, "records", Verdict::Fail);
}
