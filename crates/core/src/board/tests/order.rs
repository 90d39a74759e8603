//! Whose turn it is: priority, age, users, organisations, weights.

use super::log::*;
use crate::*;

fn caps(user: u32, organisation: u32) -> Policy {
    Policy { caps: Caps { user, organisation, ..Caps::default() }, ..Policy::default() }
}

fn urgent(path: &str, priority: Priority) -> Submission {
    Submission { priority, ..submission(path) }
}

#[test]
fn within_a_user_urgency_then_age() {
    let mut w = World::new(roomy());
    let batch = w.log.submit_as(1, urgent("acme/ann", Priority::Batch));
    let normal = w.log.submit(2, "acme/ann");
    let interactive = w.log.submit_as(3, urgent("acme/ann", Priority::Interactive));
    let younger = w.log.submit(4, "acme/ann");
    assert_eq!(w.plan(), [interactive, normal, younger, batch]);
}

#[test]
fn what_has_begun_goes_before_what_is_new() {
    let mut w = World::new(roomy());
    let running = w.log.submit_as(1, urgent("acme/ann", Priority::Batch));
    let retry = RetryPolicy { max_attempts: 2, backoff: Millis(0), ..RetryPolicy::default() };
    let lost = w.log.submit_as(2, Submission { retry, ..submission("acme/ann") });
    let failed = w.log.submit(3, "acme/ann");
    w.go();
    let new = w.log.submit_as(4, urgent("acme/ann", Priority::Interactive));
    w.log.run(running, Act::Continue(Continuation::Slice)).unwrap();
    w.log.lose(lost).unwrap();
    w.log.fail(failed).unwrap();
    w.log.retry(failed).unwrap();
    assert_eq!(w.plan(), [lost, running, new, failed], "a person's retry is new work");
}

#[test]
fn users_take_turns() {
    let mut w = World::new(roomy());
    let ann: Vec<_> = (1..=4).map(|n| w.log.submit(n, "acme/ann")).collect();
    let bob: Vec<_> = (5..=6).map(|n| w.log.submit(n, "acme/bob")).collect();
    assert_eq!(w.plan(), [ann[0], bob[0], ann[1], bob[1], ann[2], ann[3]]);
    // The turn goes on where it stopped.
    assert_eq!(w.admit(1), [ann[0]]);
    assert_eq!(w.admit(1), [bob[0]]);
    assert_eq!(w.admit(1), [ann[1]]);
}

#[test]
fn organisations_take_turns_by_weight() {
    let mut w = World::new(roomy());
    w.log.policy("big", Policy { weight: 3, ..caps(99, 99) });
    w.log.policy("none", Policy { weight: 0, ..Policy::default() });
    for n in 0..6 {
        w.log.submit(10 + n, "big/ann");
        w.log.submit(20 + n, "small/bob");
        w.log.submit(30 + n, "none/cy");
    }
    let mut whose = String::new();
    for _ in 0..12 {
        for task in w.admit(1) {
            whose.push_str(&w.log.tasks[&task].owner.org.as_str()[..1]);
        }
    }
    assert_eq!(whose, "bbbsnbbbsnsn");
}

#[test]
fn an_organisation_without_an_executor_keeps_its_turn() {
    let mut w = World::new(crate::board::Board::new());
    let other = ExecutorId(uuid::Uuid::from_u128(2));
    w.board.beat(&beat(EXECUTOR, &[("report", 100)]));
    w.board.beat(&beat(other, &[("chat", 0)]));
    let chat = Submission { kind: kind("chat"), ..submission("first/ann") };
    let waits = w.log.submit_as(1, chat);
    for n in 2..=9 {
        w.log.submit(n, "second/bob");
    }
    assert_eq!(w.admit(3), [task(2), task(3), task(4)]);
    assert_eq!(w.waits(waits), "executors_busy 1");
    w.board.beat(&beat(other, &[("chat", 1)]));
    assert_eq!(w.waits(waits), "next 1");
}

#[test]
fn a_capped_user_does_not_hold_up_others() {
    let mut w = World::new(roomy());
    w.log.policy("acme", caps(1, 50));
    let ann: Vec<_> = (1..=3).map(|n| w.log.submit(n, "acme/ann")).collect();
    let bob = w.log.submit(4, "acme/bob");
    assert_eq!(w.go(), [ann[0], bob]);
    assert_eq!(w.waits(ann[2]), "user_cap 2");
}

#[test]
fn a_message_on_the_ledger_has_a_bound() {
    let mut w = World::new(roomy());
    w.log.policy("acme", caps(10_000, 10_000));
    for n in 1..=400 {
        w.log.submit(n, "acme/ann");
    }
    assert_eq!(w.plan().len(), MAX_ADMISSIONS);
}
