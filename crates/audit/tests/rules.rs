//! For each rule a history that breaks it: found, named, at the right place. And what looks like a
//! breach and is none.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod harness;

use harness::*;
use longhaul_audit::{Known, Outside, Rule, difference};
use longhaul_core::*;
use longhaul_wire::query::Item;
use longhaul_wire::view::SnapshotView;
use longhaul_wire::{DecodeError, Record, Shards, Subject};

#[test]
fn an_ordinary_history_breaks_nothing() {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, step(run, "a", 0));
    log.say(&task, Role::Executor, vec![usage(run, 10)]);
    log.act(&task, complete());
    log.give(&task, Command::Dismiss { by: "ann".to_owned() }).unwrap();
    let other = log.submit();
    log.give(&other, abort()).unwrap();
    let outside = Outside {
        submitted: vec![task, other.clone()],
        aborted: vec![other],
        at_rest: true,
        ..Outside::default()
    };
    let report = log.audited(&outside);
    assert!(report.is_sound() && report.findings.is_empty(), "{report}");
    assert_eq!((report.figures.records, report.figures.tasks.total), (9, 2));
    assert_eq!((report.figures.given, report.figures.aborts), (1, 1));
    assert_eq!(report.figures.usage[&org()].input_tokens, 10);
}

#[test]
fn a_second_submission_is_found() {
    let mut log = log();
    let task = log.submit();
    let said = Box::new(submission("bob", None));
    let at = log.say(&task, Role::Client, vec![EventBody::Submitted(said)]);
    let found = log.breaks(Rule::Submissions, at);
    assert_eq!(found.task, Some(task.task));
    assert!(found.what.contains("submitted although the task exists"), "{found}");
}

#[test]
fn a_commit_that_is_stored_twice_is_found() {
    let mut log = log();
    let (task, run) = log.running();
    let commit = log.commit(&task, Role::Executor, vec![usage(run, 1)]);
    let subject = log.subject(&task);
    let first = log.store(&subject, Ok(Record::Task(commit.clone())));
    let again = log.store(&subject, Ok(Record::Task(commit)));
    let found = log.breaks(Rule::Submissions, again);
    assert!(found.what.contains(&format!("stored twice, first at {first}")), "{found}");
}

#[test]
fn an_end_that_is_stored_twice_is_found_although_the_task_was_let_go_of() {
    let mut log = log();
    let (task, run) = log.running();
    let commit = log.commit(&task, Role::Executor, vec![completed(run)]);
    let subject = log.subject(&task);
    log.store(&subject, Ok(Record::Task(commit.clone())));
    let again = log.store(&subject, Ok(Record::Task(commit)));
    let report = log.report();
    let rules: Vec<_> = report.findings.iter().map(|found| (found.rule, found.sequence)).collect();
    assert_eq!(rules, [(Rule::Submissions, again), (Rule::Ends, again)], "{report}");
}

#[test]
fn admissions_that_are_stored_twice_are_found() {
    let mut log = log();
    let task = log.submit();
    log.start(&task);
    let again = log.records[1].clone();
    let at = log.store(&again.subject.subject(), again.record);
    log.breaks(Rule::Submissions, at);
}

#[test]
fn a_key_names_one_task() {
    let mut log = log();
    let key = IdempotencyKey { key: "k1".to_owned(), body: longhaul_wire::sha256(b"") };
    let said = Submission { key: Some(key), ..submission("ann", None) };
    let task = TaskRef { org: org(), task: TaskId::for_key(&org(), "k1") };
    log.give(&task, Command::Submit(Box::new(said.clone()))).unwrap();
    assert!(log.report().findings.is_empty());
    log.submit_as(said);
    let found = log.breaks(Rule::Submissions, log.last());
    assert!(found.what.contains(&task.task.to_string()), "{found}");
}

#[test]
fn an_acknowledged_submission_that_is_missing_is_found() {
    let mut log = log();
    let (here, gone) = (log.submit(), TaskRef { org: org(), task: TaskId(log.id()) });
    let outside = Outside { submitted: vec![here, gone.clone()], ..Outside::default() };
    let found = log.breaks_with(&outside, Rule::Submissions, Sequence::ZERO);
    assert_eq!(found.task, Some(gone.task));
}

#[test]
fn a_second_end_is_found() {
    let mut log = log();
    let (task, run) = log.running();
    log.act(&task, complete());
    let error = TaskError { code: "late".to_owned(), message: "late".to_owned(), retryable: false };
    let at = log.say(&task, Role::Executor, vec![EventBody::Failed { run, error }]);
    let found = log.breaks(Rule::Ends, at);
    assert_eq!(found.what, "by e1, failed after the task was completed");
}

#[test]
fn what_follows_an_end_in_the_same_commit_is_found() {
    let mut log = log();
    let (task, run) = log.running();
    let at = log.say(&task, Role::Executor, vec![completed(run), usage(run, 1)]);
    log.breaks(Rule::Ends, at);
}

#[test]
fn a_completed_task_is_not_retried() {
    let mut log = log();
    let (task, _) = log.running();
    log.act(&task, complete());
    let retried = EventBody::Retried { attempt: 2, by: Some("ann".to_owned()), not_before: None };
    let at = log.say(&task, Role::Client, vec![retried]);
    log.breaks(Rule::Ends, at);
}

#[test]
fn a_retry_reopens_what_was_let_go_of_and_its_steps_are_still_known() {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, step(run, "a", 0));
    log.act(&task, fail(false));
    log.give(&task, Command::Retry { by: "ann".to_owned() }).unwrap();
    let run = log.start(&task);
    assert!(log.report().findings.is_empty(), "{}", log.report());
    let at = log.say(&task, Role::Executor, vec![step(run, "a", 0).remove(0)]);
    log.breaks(Rule::Steps, at);
}

#[test]
fn an_abort_that_is_overtaken_is_found() {
    let mut log = log();
    let (task, run) = log.running();
    log.give(&task, abort()).unwrap();
    let at = log.say(&task, Role::Executor, vec![completed(run)]);
    let found = log.breaks(Rule::Aborts, at);
    assert_eq!(found.what, "by e1, completed although an abort was recorded");
}

#[test]
fn an_acknowledged_abort_that_is_missing_is_found() {
    let mut log = log();
    let (task, _) = log.running();
    log.act(&task, complete());
    let outside = Outside { aborted: vec![task.clone()], ..Outside::default() };
    let found = log.breaks_with(&outside, Rule::Aborts, Sequence::ZERO);
    assert_eq!(found.task, Some(task.task));
}

#[test]
fn an_abort_is_on_record_for_ever() {
    let mut log = log();
    let (task, _) = log.running();
    log.give(&task, abort()).unwrap();
    log.act(&task, Act::StopAt { checkpoint: "a".to_owned() });
    log.give(&task, Command::Retry { by: "ann".to_owned() }).unwrap();
    log.start(&task);
    log.act(&task, complete());
    let outside =
        Outside { submitted: vec![task.clone()], aborted: vec![task], at_rest: true, ..Outside::default() };
    assert!(log.audited(&outside).findings.is_empty());
}

#[test]
fn more_than_a_cap_allows_is_found() {
    let mut log = log();
    log.caps(2, 3);
    let tasks = [log.submit(), log.submit(), log.submit()];
    log.admit(&[&tasks[0], &tasks[1]]);
    assert!(log.report().findings.is_empty());
    let at = log.admit(&[&tasks[2]]);
    let found = log.breaks(Rule::Slots, at);
    assert_eq!(found.what, "user ann of acme holds 3 slots of 2");
    assert_eq!(log.report().figures.most_of_user, 3);
}

#[test]
fn the_foreground_counts_under_a_cap_of_its_own() {
    let mut log = log();
    log.policy(Policy {
        caps: Caps { user: 1, organisation: 1, conversation: 1, foreground: 2 },
        ..Policy::default()
    });
    let asked = |log: &mut Log| {
        log.submit_as(Submission { lane: Lane::Foreground, ..submission("ann", Some("chat")) })
    };
    let report = log.submit_as(submission("ann", Some("chat")));
    log.start(&report);
    for _ in 0..2 {
        let task = asked(&mut log);
        log.start(&task);
    }
    let sound = log.report();
    assert!(sound.findings.is_empty(), "{sound}");
    let third = asked(&mut log);
    let at = log.admit(&[&third]);
    let found = log.breaks(Rule::Slots, at);
    assert_eq!(found.what, "user ann of acme in the foreground holds 3 slots of 2");
}

#[test]
fn a_cap_that_is_lowered_later_breaks_nothing() {
    let mut log = log();
    let tasks = [log.submit(), log.submit()];
    log.admit(&[&tasks[0], &tasks[1]]);
    log.caps(1, 1);
    assert!(log.report().findings.is_empty());
    let third = log.submit();
    let at = log.admit(&[&third]);
    let report = log.report();
    assert!(report.findings.iter().all(|found| found.sequence == at && found.rule == Rule::Slots));
    assert_eq!(report.count(Rule::Slots), 2, "the user's and the organisation's: {report}");
}

#[test]
fn a_conversation_has_one_task_at_a_time() {
    let mut log = log();
    let said = submission("ann", Some("chat"));
    let (first, second) = (log.submit_as(said.clone()), log.submit_as(said));
    log.start(&first);
    let at = log.admit(&[&second]);
    let found = log.breaks(Rule::Slots, at);
    assert!(found.what.contains("conversation chat of acme holds 2 slots of 1"), "{found}");
}

#[test]
fn a_run_without_a_slot_is_found() {
    let mut log = log();
    let task = log.submit();
    log.begin(&task, Sequence(77));
    let found = log.breaks(Rule::Slots, log.last());
    assert!(found.what.contains("no slot at 77; the task has no slot"), "{found}");
}

#[test]
fn an_event_of_a_run_that_is_not_current_is_told() {
    let mut log = log();
    let (task, run) = log.running();
    log.act(&task, Act::Continue(Continuation::Slice));
    log.start(&task);
    let at = log.say(&task, Role::Executor, vec![usage(run, 1)]);
    let found = log.breaks(Rule::Runs, at);
    assert!(found.what.contains("usage_recorded names run 1, the current is run 2"), "{found}");
}

#[test]
fn a_state_that_is_not_the_fold_is_named_by_its_first_member() {
    let mut log = log();
    let (task, _) = log.running();
    let known: Known = log.known(&task);
    let snapshot = known.snapshot.clone().unwrap();
    let mut view = SnapshotView::new(&snapshot, None, Some(Timestamp(7)), Some(Sequence(9)));
    let item =
        |view| Item { org: org(), task: task.task, view: Some(view), unreadable: None, submitted: None };
    assert_eq!(difference(&known, Some(&item(view.clone()))), None, "what is known beside the log");
    view.attempt = 9;
    let found = difference(&known, Some(&item(view.clone()))).unwrap();
    assert_eq!(found, "attempt is 1 in the log, 9 in the projector");
    assert_eq!(difference(&known, None).unwrap(), "the projector does not have it");
    assert_eq!(difference(&Known::default(), Some(&item(view))).unwrap(), "the log does not have it");
}

#[test]
fn at_rest_whoever_does_not_wait_is_stuck() {
    let mut log = log();
    log.caps(1, 50);
    let rest = Outside { at_rest: true, ..Outside::default() };
    // Nothing is in the way of the first; the second waits for it.
    let (first, second) = (log.submit(), log.submit());
    let found = log.breaks_with(&rest, Rule::Progress, Sequence(2));
    assert_eq!(found.what, "run 1 has nothing in its way and is not admitted");
    let ledger = log.admit(&[&first]);
    let found = log.breaks_with(&rest, Rule::Progress, ledger);
    assert!(found.what.contains("has a slot since 4"), "{found}");
    log.begin(&first, ledger);
    let found = log.breaks_with(&rest, Rule::Progress, log.last());
    assert_eq!((found.task, found.what.as_str()), (Some(first.task), "run 1 is under way"));
    log.give(&first, abort()).unwrap();
    let found = log.breaks_with(&rest, Rule::Progress, log.last());
    assert!(found.what.contains("is to be aborted"), "{found}");
    assert!(log.report().findings.is_empty(), "somebody may still work");
    assert_eq!(log.report().unfinished.len(), 1);
    log.act(&first, Act::StopAt { checkpoint: "a".to_owned() });
    let found = log.breaks_with(&rest, Rule::Progress, Sequence(3));
    assert_eq!(found.task, Some(second.task));
}

#[test]
fn whoever_waits_for_a_time_a_person_or_tokens_is_not_stuck() {
    let mut log = log();
    let rest = Outside { at_rest: true, ..Outside::default() };
    let later = Submission { not_before: Some(T0.plus(Millis::minutes(9))), ..submission("ann", None) };
    log.submit_as(later);
    let (asking, _) = log.running();
    let approval = ApprovalId(log.id());
    let expires_at = T0.plus(Millis::minutes(60));
    let (action, arguments) = ("send".to_owned(), serde_json::json!({}));
    let digest = longhaul_wire::canonical_digest(&arguments);
    log.act(
        &asking,
        Act::RequestApproval { approval, action, arguments, digest, schema: None, note: None, expires_at },
    );
    assert!(log.audited(&rest).findings.is_empty(), "{}", log.audited(&rest));
    let (spending, run) = log.running();
    log.say(&spending, Role::Executor, vec![usage(run, 500)]);
    log.act(&spending, complete());
    let budget = Some(TokenBudget { tokens: 500, per: Period::Ever });
    log.policy(Policy { budget, ..Policy::default() });
    log.submit();
    assert!(log.audited(&rest).findings.is_empty(), "{}", log.audited(&rest));
    // One's time has come, the other may use tokens again; the question has lapsed.
    log.policy(Policy::default());
    log.after(Millis::minutes(10));
    log.caps(6, 50);
    assert_eq!(log.audited(&rest).count(Rule::Progress), 2);
    log.after(Millis::minutes(60));
    log.caps(6, 50);
    let report = log.audited(&rest);
    let lapsed: Vec<_> = report.of(Rule::Progress).filter(|found| found.what.contains("lapsed")).collect();
    assert_eq!(lapsed.len(), 1, "{report}");
    assert_eq!(lapsed[0].task, Some(asking.task));
}

#[test]
fn a_step_recorded_twice_is_found() {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, step(run, "a", 0));
    let at = log.say(&task, Role::Executor, vec![step(run, "a", 0).remove(1)]);
    let found = log.breaks(Rule::Steps, at);
    assert_eq!(found.what, "by e1, step_completed \"a\", which was recorded before");
}

#[test]
fn usage_is_summed_up_whatever_the_end() {
    let mut log = log();
    for (n, end) in [complete(), fail(false), fail(true)].into_iter().enumerate() {
        let (task, run) = log.running();
        log.say(&task, Role::Executor, vec![usage(run, 100 + n as u64), usage(run, 1)]);
        log.act(&task, end);
    }
    let (task, run) = log.running();
    log.say(&task, Role::Executor, vec![usage(run, 7)]);
    log.give(&task, abort()).unwrap();
    log.act(&task, complete());
    let report = log.report();
    assert!(report.findings.is_empty(), "{report}");
    let sums = report.figures.usage[&org()];
    assert_eq!((sums.input_tokens, sums.model_calls, sums.queries), (313, 7, 14));
}

#[test]
fn what_an_erasure_keeps_is_the_usage_it_says() {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, vec![usage(run, 7)]);
    log.act(&task, complete());
    log.give(&task, Command::Erase { by: "ann".to_owned() }).unwrap();
    let ledger = Sequence(2);
    for kept in [1, 3, 5] {
        let mut rest = log.clone();
        // The ledger's record is not the task's, and stays.
        rest.records.retain(|stored| stored.sequence == ledger || stored.sequence.0 >= kept);
        let report = rest.audited(&Outside { submitted: vec![task.clone()], ..Outside::default() });
        assert!(report.findings.is_empty(), "from {kept}: {report}");
        assert_eq!(report.figures.usage[&org()].input_tokens, 7, "from {kept}");
        assert_eq!(report.figures.tasks.total, 1);
    }
}

#[test]
fn an_erasure_that_keeps_something_else_than_was_there_is_found() {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, vec![usage(run, 7)]);
    log.act(&task, complete());
    let honest = log.state(&task).unwrap().skeleton();
    let erased = |skeleton| EventBody::Erased { by: "ann".to_owned(), skeleton: Box::new(skeleton) };
    let lies: [(Rule, &str, Skeleton); 2] = [
        (Rule::Usage, "usage.input_tokens is 7 in its history, 0", {
            Skeleton { usage: Usage { input_tokens: 0, ..honest.usage }, ..honest.clone() }
        }),
        (Rule::Refold, "status is completed in its history, failed", {
            Skeleton { status: Status::Failed, ..honest.clone() }
        }),
    ];
    for (rule, what, lie) in lies {
        let mut log = log.clone();
        let at = log.say(&task, Role::Client, vec![erased(lie)]);
        let found = log.breaks(rule, at);
        assert!(found.what.contains(what), "{found}");
    }
}

#[test]
fn the_ledger_counts_a_task_for_whom_it_belongs_to() {
    let mut log = log();
    let task = log.submit();
    let admission = Admission {
        task: task.task,
        run: RunNumber(1),
        user: UserId::new("bob").unwrap(),
        conversation: None,
        lane: Lane::default(),
        kind: Kind::new("report").unwrap(),
        why: AdmissionReason::First,
    };
    let at = log.admissions(&org(), vec![admission]);
    let found = log.breaks(Rule::Owners, at);
    assert!(found.what.contains("user ann") && found.what.contains("user bob"), "{found}");
}

#[test]
fn the_ledger_counts_a_task_in_its_lane() {
    let mut log = log();
    let task = log.submit_as(Submission { lane: Lane::Foreground, ..submission("ann", Some("chat")) });
    let admission = Admission {
        task: task.task,
        run: RunNumber(1),
        user: UserId::new("ann").unwrap(),
        conversation: Some(ConversationId::new("chat").unwrap()),
        lane: Lane::Background,
        kind: Kind::new("report").unwrap(),
        why: AdmissionReason::First,
    };
    let at = log.admissions(&org(), vec![admission]);
    let found = log.breaks(Rule::Owners, at);
    assert!(found.what.starts_with("it belongs to user ann in the foreground, and the ledger"), "{found}");
}

#[test]
fn a_record_under_another_organisation_is_found() {
    let mut log = log();
    let subject = Subject::policy(Shards::ONE, &org());
    let (subject_says, body) = ("acme".to_owned(), "hooli".to_owned());
    let why = DecodeError::WrongPlace { what: "organisation", subject: subject_says, body };
    let at = log.store(&subject, Err(why));
    let report = log.report();
    let rules: Vec<_> = report.findings.iter().map(|found| (found.rule, found.sequence)).collect();
    assert_eq!(rules, [(Rule::Owners, at), (Rule::Records, at)], "{report}");
    assert_eq!(report.findings[0].org, Some(org()));
}
