//! The rules of a task's life, each told as given, when, then.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod harness;

use harness::*;
use longhaul_core::*;
use serde_json::Value;

#[test]
fn a_task_runs_its_steps_and_completes() {
    given()
        .submitted()
        .is(Status::Pending)
        .started()
        .is(Status::Running)
        .step("planning")
        .step("querying")
        .acts(complete())
        .is(Status::Completed)
        .then(|s| {
            assert_eq!(s.run, RunNumber(1));
            assert_eq!(s.steps.len(), 2);
            assert_eq!(s.output, Some(Payload::Inline(Value::from(42))));
            assert!(s.ended_at.is_some());
        });
}

#[test]
fn an_abort_of_a_waiting_task_ends_it_at_once() {
    given().submitted().when(abort()).is(Status::Aborted);
    in_status(Status::Paused)
        .when(abort())
        .is(Status::Aborted)
        .then(|s| assert!(s.open_approval().is_none()));
}

#[test]
fn a_task_aborted_before_its_start_never_starts() {
    let task = given().submitted();
    let start = task.start();
    task.when(abort()).refused(start, |no| matches!(no, Rejection::NotPending { status: Status::Aborted }));
}

#[test]
fn an_abort_of_a_running_task_waits_for_a_checkpoint_and_says_what_ran_in_between() {
    given()
        .submitted()
        .started()
        .acts(Act::StartStep { step: "a".into(), of: None })
        .when(abort())
        .is(Status::Aborting)
        .acts(Act::CompleteStep { step: "a".into(), result: Payload::default() })
        .acts(Act::StopAt { checkpoint: "a".into() })
        .is(Status::Aborted)
        .then(|s| {
            let abort = s.abort.as_ref().unwrap();
            assert_eq!(abort.steps_after, ["a"]);
            assert_eq!(abort.checkpoint.as_deref(), Some("a"));
            assert!(abort.observed_at.is_some());
        });
}

/// Our own writers end a waiting task in the commit that asks for it; others may not.
#[test]
fn a_waiting_task_of_which_only_an_abort_was_asked_can_be_ended() {
    let asked = EventBody::AbortRequested { by: "ann".into(), reason: None };
    for status in [Status::Pending, Status::Paused] {
        let task = in_status(status).happened(Role::Client, vec![asked.clone()]).is(status);
        task.when(abort()).is(Status::Aborted).then(|s| assert_eq!(s.ignored, 0));
    }
    let task = given().submitted().happened(Role::Client, vec![asked]);
    let start = task.start();
    task.refused(start, |no| *no == Rejection::Aborting);
}

#[test]
fn an_abort_is_never_overtaken() {
    for end in
        [complete(), fail(true), Act::Continue(Continuation::Slice), Act::Continue(Continuation::Drain)]
    {
        in_status(Status::Aborting).acts(end).is(Status::Aborted);
    }
    let lost = in_status(Status::Aborting);
    let command = lost.lost();
    lost.when(command).is(Status::Aborted);
}

#[test]
fn nothing_new_begins_once_an_abort_is_asked_for() {
    for act in [Act::StartStep { step: "next".into(), of: None }, ask(1)] {
        let task = in_status(Status::Aborting);
        let command = task.act(act);
        task.refused(command, |no| *no == Rejection::Aborting);
    }
}

#[test]
fn a_second_abort_changes_nothing_and_a_late_one_says_how_it_ended() {
    assert_eq!(in_status(Status::Aborting).decide(&abort()), Ok(vec![]));
    for status in Status::ALL.into_iter().filter(|status| status.is_terminal()) {
        in_status(status)
            .refused(abort(), |no| matches!(no, Rejection::Ended { status: s, at: Some(_) } if *s == status));
    }
}

#[test]
fn a_slice_ends_the_run_and_the_next_one_goes_on_from_the_recorded_steps() {
    given()
        .submitted()
        .started()
        .step("a")
        .after(Millis::minutes(5))
        .acts(Act::Continue(Continuation::Slice))
        .is(Status::Pending)
        .started()
        .then(|s| {
            assert_eq!((s.run, s.attempt), (RunNumber(2), 1));
            assert!(s.recorded("a").is_some());
        })
        .refused(
            Command::Run { run: RunNumber(2), act: Act::StartStep { step: "a".into(), of: None } },
            |no| matches!(no, Rejection::StepRecorded { .. }),
        );
}

#[test]
fn a_chain_of_runs_ends_at_its_span_and_waiting_does_not_count() {
    let mut task = given().submitted();
    for _ in 0..23 {
        task = task
            .after(Millis::minutes(60))
            .started()
            .after(Millis::minutes(5))
            .acts(Act::Continue(Continuation::Slice))
            .is(Status::Pending);
    }
    task.started()
        .after(Millis::minutes(5))
        .acts(Act::Continue(Continuation::Slice))
        .is(Status::Expired)
        .then(|s| {
            assert_eq!(
                s.reason,
                Reason::SpanExceeded { span: Millis::minutes(120), ran: Millis::minutes(120) }
            )
        });
}

#[test]
fn a_run_that_never_looks_up_is_ended_from_outside_after_its_span() {
    let task = given().submitted().started().after(Millis::minutes(120));
    task.refused(Command::Expire, |no| matches!(no, Rejection::NotDue { .. }))
        .after(Millis::seconds(15))
        .when(Command::Expire)
        .is(Status::Expired);
}

#[test]
fn a_loss_is_followed_by_one_retry_only() {
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let task = given().submitted_as(Submission { retry, ..submission() }).started();
    let lost = task.lost();
    let task = task.when(lost);
    let (attempt, next_run) = (task.snapshot().attempt, task.snapshot().next_run);
    // No writer that decides says so: its number would fit, and make the slot of the next run void.
    let again = EventBody::Retried { attempt: attempt + 1, by: None, not_before: None };
    task.happened(Role::Scheduler, vec![again]).then(|s| {
        assert_eq!((s.attempt, s.next_run, s.ignored), (attempt, next_run, 1));
    });
}

#[test]
fn a_lost_run_expires_the_task_unless_its_policy_has_attempts_left() {
    let task = given().submitted().started();
    let lost = task.lost();
    task.when(lost).is(Status::Expired);

    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let task = given().submitted_as(Submission { retry, ..submission() }).started().step("a");
    let old_run = task.act(complete());
    let lost = task.lost();
    let task = task.when(lost.clone()).is(Status::Pending).then(|s| {
        assert_eq!((s.attempt, s.admit_as), (2, AdmissionReason::Reassigned));
        assert!(s.not_before.is_some());
    });
    let task = task.after(Millis::seconds(1)).started();
    // The frozen executor wakes: whatever it says is refused.
    let task = task
        .refused(old_run, |no| matches!(no, Rejection::Fenced { .. }))
        .refused(lost, |no| matches!(no, Rejection::Fenced { .. }));
    let again = task.lost();
    task.when(again).is(Status::Expired);
}

#[test]
fn a_retryable_failure_waits_and_tries_again_until_its_attempts_are_used_up() {
    let retry = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    given()
        .submitted_as(Submission { retry, ..submission() })
        .started()
        .acts(fail(true))
        .is(Status::Pending)
        .then(|s| assert_eq!(s.not_before, Some(s.updated_at.plus(Millis::seconds(1)))))
        .after(Millis::seconds(1))
        .started()
        .acts(fail(true))
        .is(Status::Pending)
        .then(|s| assert_eq!(s.not_before, Some(s.updated_at.plus(Millis::seconds(2)))))
        .after(Millis::seconds(2))
        .started()
        .acts(fail(true))
        .is(Status::Failed)
        .then(|s| assert_eq!(s.attempt, 3));
    given().submitted_as(Submission { retry, ..submission() }).started().acts(fail(false)).is(Status::Failed);
}

#[test]
fn a_person_retries_what_failed_from_its_last_recorded_step() {
    for status in [Status::Failed, Status::Aborted, Status::Expired] {
        in_status(status).when(retry()).is(Status::Pending).then(|s| {
            assert_eq!(s.attempt, 2);
            assert!(s.recorded("planning").is_some());
            assert_eq!((s.abort.as_ref(), s.ended_at), (None, None));
        });
    }
    in_status(Status::Completed).refused(retry(), |no| *no == Rejection::NothingToRetry);
    in_status(Status::Running).refused(retry(), |no| matches!(no, Rejection::NotEnded { .. }));
}

#[test]
fn an_admission_from_before_an_end_is_void_after_a_retry() {
    let task = given().submitted();
    let admitted_before = task.start();
    task.when(abort())
        .when(retry())
        .refused(admitted_before, |no| matches!(no, Rejection::Fenced { .. }))
        .started()
        .is(Status::Running);
}

#[test]
fn an_approval_is_bound_to_its_arguments_and_decided_once() {
    let paused = in_status(Status::Paused);
    let other = Command::DecideApproval {
        approval: approval(1),
        digest: digest(8),
        decision: Decision::Approved,
        by: "eve".into(),
    };
    paused
        .clone()
        .refused(other, |no| matches!(no, Rejection::OtherArguments { .. }))
        .refused(answer(2, Decision::Approved), |no| matches!(no, Rejection::OtherApproval { .. }))
        .when(answer(1, Decision::Approved))
        .is(Status::Pending)
        .then(|s| assert_eq!(s.admit_as, AdmissionReason::Resumed))
        .refused(answer(1, Decision::Rejected { reason: None }), |no| {
            matches!(no, Rejection::Decided { decision: Decision::Approved, .. })
        })
        .started()
        .is(Status::Running);
    paused.clone().refused(Command::LapseApproval { approval: approval(1) }, |no| {
        matches!(no, Rejection::NotDue { .. })
    });
    paused
        .after(Millis::minutes(600))
        .refused(answer(1, Decision::Approved), |no| matches!(no, Rejection::Lapsed { .. }))
        .when(Command::LapseApproval { approval: approval(1) })
        .is(Status::Pending);
}

#[test]
fn an_answer_fits_what_was_asked() {
    let Act::RequestApproval { approval, action, arguments, digest, expires_at, .. } = ask(1) else {
        unreachable!()
    };
    let schema = Some(serde_json::json!({"type": "string", "maxLength": 10}));
    let note = Some("it is\u{202e} large\nvery".to_owned());
    let asked = Act::RequestApproval { approval, action, arguments, digest, schema, note, expires_at };
    let paused = given().submitted().started().acts(asked).is(Status::Paused);
    let other = |arguments: Value| answer(1, Decision::Modified { arguments });
    paused
        .then(|s| assert_eq!(s.approvals[0].note.as_deref(), Some("it is large very")))
        .refused(
            other(Value::from("to everybody")),
            |no| matches!(no, Rejection::Misfit { misfit, .. } if misfit.place == "arguments"),
        )
        .refused(other(Value::Null), |no| matches!(no, Rejection::Misfit { .. }))
        .when(other(Value::from("to carol")))
        .is(Status::Pending);
}

#[test]
fn a_policy_asks_about_what_is_over_or_not_known() {
    let rule: ToolRule = serde_json::from_value(serde_json::json!({
        "tool": "execute_sql", "over": {"figure": "rows_read", "over": 1000}
    }))
    .unwrap();
    assert_eq!(rule.expires, ToolRule::DAY);
    let figures = |rows: u64| [("rows_read".to_owned(), rows)].into();
    assert!(rule.is_about("execute_sql", &figures(1001)));
    assert!(!rule.is_about("execute_sql", &figures(1000)));
    assert!(rule.is_about("execute_sql", &std::collections::BTreeMap::new()), "nobody knows");
    assert!(!rule.is_about("write_report", &figures(1001)));
    let always = ToolRule { over: None, ..rule };
    assert!(always.is_about("execute_sql", &figures(0)) && !always.is_about("x", &figures(0)));
}

#[test]
fn a_retry_asks_again_what_was_refused_and_keeps_what_was_allowed() {
    for (decision, kept) in [
        (Decision::Approved, 1),
        (Decision::Rejected { reason: None }, 0),
        (Decision::Modified { arguments: Value::Null }, 1),
    ] {
        in_status(Status::Paused)
            .when(answer(1, decision))
            .started()
            .acts(fail(false))
            .when(retry())
            .then(|s| assert_eq!(s.approvals.len(), kept));
    }
}

#[test]
fn usage_counts_whatever_the_end() {
    let usage = Usage { input_tokens: 10, output_tokens: 5, model_calls: 1, queries: 1, exact: true };
    let spent = |task: Given| task.acts(Act::RecordUsage { usage, model: None });
    spent(given().submitted().started())
        .when(abort())
        .acts(Act::RecordUsage { usage: Usage { exact: false, ..usage }, model: None })
        .acts(Act::StopAt { checkpoint: "x".into() })
        .then(|s| assert_eq!((s.usage.tokens(), s.usage.exact), (30, false)));
}

#[test]
fn what_a_run_waits_for_is_forgotten_when_it_goes_on_or_ends() {
    let waits = Waits { code: RATE_LIMIT.into(), provider: "openai".into(), until: Timestamp(7) };
    let word = |waits: Option<&Waits>| Act::Progress { fraction: None, message: None, waits: waits.cloned() };
    let waiting = given()
        .submitted()
        .started()
        .acts(Act::Progress { fraction: Some(0.5), message: None, waits: None })
        .acts(word(Some(&waits)))
        .then(|s| {
            assert_eq!((s.progress.waits.as_ref(), s.progress.fraction), (Some(&waits), Some(0.5)));
            assert_eq!(s.status, Status::Running, "it keeps its slot");
        });
    let said = waiting.snapshot().events;
    let again = waiting.acts(word(Some(&waits)));
    assert_eq!(again.snapshot().events, said, "the same word twice is one");
    let goes_on = again.acts(word(None)).then(|s| assert_eq!(s.progress.waits, None));
    assert_eq!(goes_on.snapshot().events, said + 1);
    let after = goes_on.acts(word(None));
    assert_eq!(after.snapshot().events, said + 1, "nothing new is not said");
    after
        .acts(word(Some(&waits)))
        .acts(Act::Continue(Continuation::Drain))
        .then(|s| assert_eq!(s.progress.waits, None));
}

#[test]
fn text_that_a_later_run_tells_again_replaces_the_earlier() {
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let text = |t: &str| Act::AppendText { segment: 1, text: t.into() };
    let task = given()
        .submitted_as(Submission { retry, ..submission() })
        .started()
        .acts(text("hel"))
        .acts(text("lo"))
        .then(|s| assert_eq!(s.text[0].length, 5));
    let lost = task.lost();
    task.when(lost).after(Millis::seconds(1)).started().acts(text("hey")).then(|s| {
        assert_eq!((s.text.len(), s.text[0].length, s.text[0].run), (1, 3, RunNumber(3)));
    });
}

#[test]
fn unusable_names_are_refused() {
    for name in ["", "a\nb", "\u{202E}x", &"x".repeat(201)] {
        let task = given().submitted().started();
        let command = task.act(Act::StartStep { step: name.into(), of: None });
        task.refused(command, |no| matches!(no, Rejection::Unusable { .. }));
    }
    for name in ["../x", "a/b", "..", "", "a\\b"] {
        let task = given().submitted().started();
        let artifact = Artifact { name: name.into(), media_type: "a/b".into(), size: 1, sha256: digest(1) };
        let command = task.act(Act::StoreArtifact(artifact));
        task.refused(command, |no| matches!(no, Rejection::Unusable { .. }));
    }
}

#[test]
fn a_history_that_is_too_long_may_only_end() {
    let mut task = given().submitted().started();
    task.state.as_mut().unwrap().events = longhaul_core::decide::MAX_EVENTS;
    let command = task.act(Act::StartStep { step: "x".into(), of: None });
    task.refused(command, |no| matches!(no, Rejection::TooManyEvents { .. }))
        .acts(fail(false))
        .is(Status::Failed);
}

#[test]
fn an_erased_task_keeps_its_skeleton_with_and_without_its_earlier_commits() {
    let erase = Command::Erase { by: "ann".into() };
    for status in Status::ALL.into_iter().filter(|status| status.is_terminal()) {
        let task = in_status(status).when(erase.clone());
        let whole = task.snapshot().clone();
        assert!(whole.erased && whole.input == Payload::Gone && whole.status == status);
        let last = task.log.last().unwrap();
        let rebuilt = apply_commit(None, last, Sequence(task.log.len() as u64)).unwrap();
        assert_eq!(whole, rebuilt, "{status}");
        assert_eq!(task.decide(&erase), Ok(vec![]));
        if status != Status::Completed {
            task.refused(retry(), |no| *no == Rejection::Erased);
        }
    }
}

#[test]
fn an_erased_task_is_the_same_to_whoever_missed_what_was_deleted() {
    for status in Status::ALL.into_iter().filter(|status| status.is_terminal()) {
        let task = in_status(status).when(Command::Erase { by: "ann".into() });
        let (last, before) = task.log.split_last().unwrap();
        for seen in 0..before.len() {
            let fold = |state, (at, commit)| apply_commit(state, commit, Sequence(at as u64 + 1));
            let behind = before[..seen].iter().enumerate().fold(None, fold);
            let caught_up = apply_commit(behind, last, Sequence(task.log.len() as u64));
            assert_eq!(caught_up.as_ref(), Some(task.snapshot()), "{status}, {seen} commits seen");
        }
    }
}

#[test]
fn a_task_that_goes_on_cannot_be_erased() {
    for status in Status::ALL.into_iter().filter(|status| !status.is_terminal()) {
        let mut task = in_status(status);
        let skeleton = Box::new(task.snapshot().skeleton());
        task.append(Role::Client, vec![EventBody::Erased { by: "eve".into(), skeleton }]);
        assert!(task.snapshot().status == status && !task.snapshot().erased, "{status}");
    }
}
