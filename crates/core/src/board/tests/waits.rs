//! Every reason to wait, with its figures and places.

use super::log::*;
use crate::board::{Board, Candidate, Counts, WaitReason};
use crate::*;

#[test]
fn the_seventh_of_a_user_waits() {
    let mut w = World::new(roomy());
    let tasks: Vec<_> = (1..=9).map(|n| w.log.submit(n, "acme/ann")).collect();
    assert_eq!(w.waits(tasks[5]), "next 6");
    assert_eq!(w.waits(tasks[6]), "user_cap 1");
    assert_eq!(w.go(), &tasks[..6]);
    assert_eq!(w.waits(tasks[0]), "-", "it runs");
    assert_eq!(w.waits(tasks[8]), "user_cap 3");
    let waiting = w.why(tasks[6]).unwrap();
    assert_eq!(waiting.reason, WaitReason::UserCap { running: 6, cap: 6 });
    assert_eq!(waiting.blockers, &tasks[..6]);
    assert_eq!(waiting.to_string(), "6 of the user's 6 slots are taken, place 1");
    w.log.complete(tasks[3]);
    assert_eq!(w.plan(), [tasks[6]]);
    assert_eq!(w.waits(tasks[8]), "user_cap 2");
}

#[test]
fn the_fifty_first_of_an_organisation_waits() {
    let mut w = World::new(roomy());
    let submit = |n: u128| (n, format!("acme/user{}", n % 10));
    let tasks: Vec<_> = (0..60).map(submit).map(|(n, path)| w.log.submit(n + 1, &path)).collect();
    assert_eq!(w.go(), &tasks[..50]);
    for (at, task) in tasks[50..].iter().enumerate() {
        assert_eq!(w.waits(*task), format!("organisation_cap {}", at + 1));
    }
    let waiting = w.why(tasks[50]).unwrap();
    assert_eq!(waiting.reason, WaitReason::OrganisationCap { running: 50, cap: 50 });
    assert_eq!(waiting.blockers.len(), crate::board::MAX_BLOCKERS);
    w.log.complete(tasks[0]);
    assert_eq!(w.go(), [tasks[50]], "the place said who is next");
}

#[test]
fn a_conversation_runs_its_tasks_in_order() {
    let mut w = World::new(roomy());
    let tasks: Vec<_> = (1..=3).map(|n| w.log.submit(n, "acme/ann/chat")).collect();
    assert_eq!(w.go(), [tasks[0]]);
    assert_eq!(w.waits(tasks[1]), "conversation 1");
    assert_eq!(w.waits(tasks[2]), "conversation 2");
    let holder =
        WaitReason::Conversation { conversation: ConversationId::new("chat").unwrap(), holder: tasks[0] };
    assert_eq!(w.why(tasks[2]).unwrap().reason, holder);
    w.log.complete(tasks[0]);
    assert_eq!(w.go(), [tasks[1]]);
}

#[test]
fn a_paused_task_keeps_its_conversation_but_not_its_slot() {
    let mut w = World::new(roomy());
    let first = w.log.submit(1, "acme/ann/chat");
    let second = w.log.submit(2, "acme/ann/chat");
    let others: Vec<_> = (3..=8).map(|n| w.log.submit(n, "acme/ann")).collect();
    w.go();
    assert_eq!(w.waits(others[5]), "user_cap 1");
    w.log.ask(first).unwrap();
    assert_eq!(w.go(), [others[5]], "the slot is free");
    assert_eq!(w.waits(second), "conversation 1", "the conversation is not");
    w.log.complete(others[0]);
    let newer = w.log.submit(9, "acme/ann");
    w.log.answer(first).unwrap();
    assert_eq!(w.waits(newer), "user_cap 1");
    assert_eq!(w.waits(second), "conversation 1", "what is under way keeps its conversation");
    assert_eq!(w.go(), [first], "ahead of new work");
}

#[test]
fn between_its_runs_a_task_keeps_its_conversation() {
    let mut w = World::new(roomy());
    let older = w.log.submit(1, "acme/ann/chat");
    w.go();
    w.log.fail(older).unwrap();
    let under_way = w.log.submit(2, "acme/ann/chat");
    w.go();
    w.log.retry(older).unwrap();
    w.log.run(under_way, Act::Continue(Continuation::Slice)).unwrap();
    assert_eq!(w.waits(older), "conversation 1");
    assert_eq!(w.go(), [under_way]);
    w.log.complete(under_way);
    assert_eq!(w.go(), [older]);
}

#[test]
fn a_delayed_start_waits_for_its_time_and_blocks_nobody() {
    let mut w = World::new(roomy());
    let later = w.log.now.plus(Millis::minutes(1));
    let delayed = Submission { not_before: Some(later), ..submission("acme/ann/chat") };
    let delayed = w.log.submit_as(1, delayed);
    let next = w.log.submit(2, "acme/ann/chat");
    assert_eq!(w.go(), [next]);
    assert_eq!(w.waits(delayed), "not_before 1");
    let waiting = w.why(delayed).unwrap();
    assert_eq!((waiting.reason, waiting.not_before), (WaitReason::NotBefore { at: later }, Some(later)));
    assert_eq!(w.board.next_wake(), Some(later));
    w.log.complete(next);
    w.log.now = later;
    assert_eq!(w.go(), [delayed]);
    assert_eq!(w.board.next_wake(), None);
}

#[test]
fn the_only_task_of_an_organisation_says_what_it_waits_for_too() {
    let mut w = World::new(roomy());
    let later = w.log.now.plus(Millis::minutes(1));
    let alone = w.log.submit_as(1, Submission { not_before: Some(later), ..submission("lonely/ann") });
    w.go();
    assert_eq!(w.waits(alone), "not_before 1");
}

#[test]
fn a_retry_waits_out_its_backoff_and_keeps_its_place() {
    let mut w = World::new(roomy());
    let retry = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    let failing = w.log.submit_as(1, Submission { retry, ..submission("acme/ann/chat") });
    let next = w.log.submit(2, "acme/ann/chat");
    w.go();
    w.log.fail(failing).unwrap();
    let at = w.log.now.plus(retry.wait(1));
    assert!(w.plan().is_empty());
    let waiting = w.why(failing).unwrap();
    assert_eq!(waiting.reason, WaitReason::RetryBackoff { at, attempt: 2 });
    assert_eq!(w.waits(next), "conversation 1");
    w.log.now = at;
    assert_eq!(w.go(), [failing]);
}

#[test]
fn an_organisation_over_its_budget_admits_nothing() {
    let mut w = World::new(roomy());
    let budget = Some(TokenBudget { tokens: 100, per: Period::Day });
    w.log.policy("acme", Policy { budget, ..Policy::default() });
    let first = w.log.submit(1, "acme/ann");
    w.go();
    let usage = Usage { input_tokens: 60, output_tokens: 40, ..Usage::default() };
    w.log.run(first, Act::RecordUsage { usage, model: None }).unwrap();
    let (second, other) = (w.log.submit(2, "acme/ann"), w.log.submit(3, "other/bob"));
    assert_eq!(w.go(), [other], "another organisation's budget is its own");
    let reason = WaitReason::TokenBudget { used: 100, budget: 100, per: Period::Day };
    assert_eq!(w.why(second).unwrap().reason, reason);
    let midnight = w.board.next_wake().unwrap();
    assert_eq!(midnight, Timestamp(86_400_000));
    w.log.now = midnight;
    assert_eq!(w.go(), [second], "a new day");
    let budget = Some(TokenBudget { tokens: 100, per: Period::Ever });
    w.log.policy("acme", Policy { budget, ..Policy::default() });
    let third = w.log.submit(4, "acme/ann");
    assert_eq!(w.waits(third), "token_budget 1");
    assert_eq!(w.board.next_wake(), None, "time alone does not help");
}

#[test]
fn an_organisation_whose_ledger_cannot_be_read_admits_nothing() {
    let mut w = World::new(roomy());
    let (mine, other) = (w.log.submit(1, "acme/ann"), w.log.submit(2, "other/bob"));
    w.board.ledger_unreadable(&org("acme"));
    assert_eq!(w.go(), [other]);
    assert_eq!(w.waits(mine), "ledger_unreadable 1");
}

#[test]
fn an_admitted_run_waits_for_its_executor() {
    let mut w = World::new(roomy());
    let tasks = [w.log.submit(1, "acme/ann"), w.log.submit(2, "acme/bob")];
    assert_eq!(w.admit(1), [tasks[0]]);
    assert_eq!(w.admit(1), [tasks[1]]);
    assert_eq!(w.waits(tasks[0]), "admitted 1");
    assert_eq!(w.waits(tasks[1]), "admitted 2");
    assert_eq!(
        w.board.grants().map(|(_, task, _, grant)| (task, grant.run)).collect::<Vec<_>>(),
        [(tasks[0], RunNumber(1)), (tasks[1], RunNumber(1))]
    );
    w.log.start(tasks[0]).unwrap();
    assert_eq!(w.waits(tasks[1]), "admitted 1");
    assert_eq!(w.granted(tasks[0]), None);
}

#[test]
fn an_admission_of_a_run_that_cannot_be_is_void() {
    let mut w = World::new(roomy());
    let task = w.log.submit(1, "acme/ann");
    w.admit(1);
    w.log.abort(task).unwrap();
    w.log.retry(task).unwrap();
    assert_eq!(w.waits(task), "next 1", "the slot of run 1 is void: the next run is 2");
    assert_eq!(
        w.log.start(task).unwrap_err(),
        Rejection::Fenced { run: RunNumber(1), current: RunNumber(2) }
    );
    assert_eq!(w.go(), [task]);
    assert_eq!(w.log.tasks[&task].run, RunNumber(2));
}

/// Whoever chooses an id that another organisation's task has does not touch that task.
#[test]
fn a_task_id_names_a_task_within_its_organisation_only() {
    let mut w = World::new(roomy());
    w.log.policy("acme", Policy { caps: Caps { user: 1, ..Caps::default() }, ..Policy::default() });
    let (first, second) = (w.log.submit(1, "acme/ann"), w.log.submit(2, "acme/ann"));
    assert_eq!(w.go(), [first]);

    let mut other = World::new(roomy());
    let same = other.log.submit(1, "other/bob");
    assert_eq!(first, same);
    let theirs = other.log.at(same);
    w.board.task(&other.log.tasks[&same]);
    assert_eq!(w.waits(second), "user_cap 1", "what runs still holds its slot");
    assert_eq!(w.board.counts(), Counts { running: 1, waiting: 2, ..Counts::default() });
    assert_eq!(w.board.waiting(&theirs, w.log.now).unwrap().reason, WaitReason::Next);
    w.board.beat(&beat(EXECUTOR, &[("report", 1)]));
    let plan = w.board.admit(w.log.now, 9);
    assert_eq!(plan.iter().map(|(org, all)| (org.as_str(), all.len())).collect::<Vec<_>>(), []);

    other.log.abort(same).unwrap();
    w.board.task(&other.log.tasks[&same]);
    assert!(!w.board.contains(&theirs));
    assert_eq!(w.waits(second), "user_cap 1");
    w.log.complete(first);
    assert_eq!(w.go(), [second]);
}

#[test]
fn a_lowered_cap_stops_nothing_and_admits_nothing() {
    let mut w = World::new(roomy());
    let tasks: Vec<_> = (1..=6).map(|n| w.log.submit(n, "acme/ann")).collect();
    w.go();
    let caps = Caps { user: 2, ..Caps::default() };
    w.log.policy("acme", Policy { caps, ..Policy::default() });
    let more = w.log.submit(7, "acme/ann");
    for task in &tasks[..4] {
        w.log.complete(*task);
        assert!(w.plan().is_empty());
    }
    let waiting = w.why(more).unwrap();
    assert_eq!(waiting.reason, WaitReason::UserCap { running: 2, cap: 2 });
    w.log.complete(tasks[4]);
    assert_eq!(w.go(), [more]);
}

#[test]
fn a_forecast_changes_nothing() {
    let mut w = World::new(roomy());
    let candidate = |path: &str, name: &str| Candidate { kind: kind(name), ..(&submission(path)).into() };
    for n in 1..=8 {
        w.log.submit(n, "acme/ann");
    }
    w.log.submit(9, "acme/ann/chat");
    w.follow();
    let mut boards = vec![w.board.clone()];
    w.go();
    boards.push(w.board.clone());
    for mut board in boards {
        let before = board.clone();
        let mut place = |path: &str, name: &str| {
            let waiting = board.forecast(&candidate(path, name), Timestamp(0));
            format!("{} {}", waiting.reason.code(), waiting.place)
        };
        assert_eq!(place("acme/ann", "report"), "user_cap 4");
        assert_eq!(place("acme/ann/chat", "report"), "conversation 1");
        assert_eq!(place("acme/ann", "unknown"), "no_executor 1");
        assert!(place("acme/bob", "report").starts_with("next"));
        assert!(place("new/bob", "report").starts_with("next"));
        assert_eq!(board, before);
    }
    let mut empty = Board::new();
    assert!(!empty.forecast(&candidate("acme/ann", "report"), Timestamp(0)).starts_now());
    assert_eq!(empty, Board::new());
}

#[test]
fn reasons_survive_their_json() {
    let reasons = [
        (WaitReason::UserCap { running: 6, cap: 6 }, r#"{"code":"user_cap","running":6,"cap":6}"#),
        (WaitReason::Next, r#"{"code":"next"}"#),
        (
            WaitReason::TokenBudget { used: 7, budget: 5, per: Period::Day },
            r#"{"code":"token_budget","used":7,"budget":5,"per":"day"}"#,
        ),
    ];
    for (reason, text) in reasons {
        assert_eq!(serde_json::to_string(&reason).unwrap(), text);
        assert_eq!(serde_json::from_str::<WaitReason>(text).unwrap(), reason);
        assert!(text.contains(reason.code()));
    }
}
