//! Logs of which something is missing, out of order, unreadable, not allowed or erased: what is found,
//! what is put aside, and what explains it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod harness;

use harness::*;
use longhaul_audit::{Audit, Outside, Recall, Rule, Stored};
use longhaul_core::*;
use longhaul_wire::{DecodeError, Shards, Subject};

fn unreadable() -> DecodeError {
    DecodeError::Newer { found: 99, known: 1 }
}

#[test]
fn an_unreadable_record_puts_one_task_aside_and_hides_nothing_else() {
    let mut log = log();
    let (broken, run) = log.running();
    let at = log.store(&log.subject(&broken), Err(unreadable()));
    log.say(&broken, Role::Executor, vec![completed(run), completed(run)]);
    let found = log.breaks(Rule::Newer, at);
    assert_eq!(found.task, Some(broken.task));
    assert_eq!(log.report().figures.tasks.unreadable, 1);
    let (other, run) = log.running();
    log.act(&other, complete());
    let end = log.say(&other, Role::Executor, vec![completed(run)]);
    let report = log.report();
    assert_eq!(report.of(Rule::Ends).map(|found| found.sequence).collect::<Vec<_>>(), [end]);
    assert_eq!(report.count(Rule::Newer), 1);
}

#[test]
fn what_any_version_should_read_and_cannot_breaks_a_promise() {
    let mut log = log();
    let (task, _) = log.running();
    let at = log.store(&log.subject(&task), Err(DecodeError::Malformed("it is no JSON".to_owned())));
    log.breaks(Rule::Records, at);
    let mut log = harness::log();
    let subject = log.subject(&task);
    let at = log.store(&subject, Err(DecodeError::UnknownEvent { kind: "teleported".to_owned() }));
    log.breaks(Rule::Newer, at);
}

#[test]
fn nothing_is_said_of_slots_where_the_ledger_cannot_be_read() {
    let mut log = log();
    let task = log.submit();
    let at = log.store(&Subject::ledger(Shards::ONE, &org()), Err(unreadable()));
    log.begin(&task, at);
    log.breaks(Rule::Newer, at);
}

#[test]
fn what_the_rules_do_not_allow_changes_nothing_and_is_told() {
    let mut log = log();
    let (task, run) = log.running();
    let at = log.say(&task, Role::Client, vec![completed(run)]);
    let found = log.breaks(Rule::Fold, at);
    assert_eq!(found.what, "by ann, completed while running: a writer of this role may not say this");
}

#[test]
fn a_task_that_nobody_submitted_is_told_once() {
    let mut log = log();
    let task = TaskRef { org: org(), task: TaskId(log.id()) };
    let at = log.say(&task, Role::Executor, vec![completed(RunNumber(1))]);
    log.say(&task, Role::Executor, vec![completed(RunNumber(1))]);
    let found = log.breaks(Rule::Submissions, at);
    assert_eq!(found.what, "it was never submitted");
}

#[test]
fn a_sequence_never_goes_back() {
    let mut log = log();
    log.submit();
    log.submit();
    log.records.swap(0, 1);
    let found = log.breaks(Rule::Gaps, Sequence(1));
    assert_eq!(found.what, "the record comes after 2");
}

#[test]
fn a_record_is_there_once() {
    let mut log = log();
    log.policy(Policy::default());
    log.submit();
    log.records.insert(1, log.records[0].clone());
    let report = log.report();
    let [found] = &report.of(Rule::Gaps).collect::<Vec<_>>()[..] else { panic!("{report}") };
    assert_eq!((found.sequence, found.what.as_str()), (Sequence(1), "the record is there twice"));
}

#[test]
fn whichever_record_is_missing_is_named() {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, step(run, "a", 0));
    log.act(&task, complete());
    log.submit();
    let until = log.last();
    let outside = Outside { goes_to: [(longhaul_wire::Shard(0), until)].into(), ..Outside::default() };
    for gone in 1..=until.0 {
        let mut log = log.clone();
        log.records.retain(|stored| stored.sequence != Sequence(gone));
        let report = log.audited(&outside);
        let [found] = &report.of(Rule::Gaps).collect::<Vec<_>>()[..] else { panic!("{gone}: {report}") };
        assert_eq!(found.sequence, Sequence(gone));
        assert!(found.what.contains("no erasure took it"), "{found}");
        assert!(!report.is_sound());
    }
    log.records.retain(|stored| !(2..=4).contains(&stored.sequence.0));
    let report = log.audited(&outside);
    let gap = report.of(Rule::Gaps).next().unwrap();
    assert_eq!(gap.to_string(), "2: the records up to 4 are missing, and no erasure took them");
}

#[test]
fn an_erasure_explains_what_it_took_and_no_more() {
    for kept in 0..5 {
        let mut log = log();
        let (task, _) = log.running();
        log.act(&task, complete());
        log.submit();
        log.give(&task, Command::Erase { by: "ann".to_owned() }).unwrap();
        let of_task = |stored: &Stored| stored.entry().task(Shards::ONE).as_ref() == Some(&task);
        let all: Vec<Sequence> =
            log.records.iter().filter(|one| of_task(one)).map(|one| one.sequence).collect();
        let gone = all[..all.len() - 1].iter().take(kept).copied().collect::<Vec<_>>();
        log.records.retain(|stored| !gone.contains(&stored.sequence));
        let report = log.report();
        assert!(report.findings.is_empty(), "{kept}: {report}");
        // The ledger's record, which no erasure takes, beside all of the task's.
        log.records.retain(|stored| stored.sequence != Sequence(2));
        if kept >= all.len() - 1 {
            assert_eq!(log.report().count(Rule::Gaps), 1, "{kept}");
        }
    }
}

#[test]
fn what_follows_an_erasure_is_not_explained_by_it() {
    let mut log = log();
    let (task, _) = log.running();
    log.act(&task, complete());
    log.give(&task, Command::Erase { by: "ann".to_owned() }).unwrap();
    let at = log.last();
    log.submit();
    log.submit();
    log.records.retain(|stored| stored.sequence == at || stored.sequence.0 > at.0 + 1);
    let report = log.report();
    let missing: Vec<_> = report.of(Rule::Gaps).map(|found| found.sequence).collect();
    // Of the four before it, the ledger's is not the task's.
    assert_eq!(missing, [Sequence(1), Sequence(at.0 + 1)], "{report}");
}

#[test]
fn all_are_counted_and_some_are_kept() {
    let mut log = log();
    let (task, run) = log.running();
    log.act(&task, complete());
    for _ in 0..250 {
        log.say(&task, Role::Executor, vec![usage(run, 1)]);
    }
    let report = log.report();
    assert_eq!((report.count(Rule::Ends), report.findings.len()), (250, 100));
}

/// A log whose first task is completed and erased while somebody reads it. How far it was read before
/// the erasure took the rest is for the test to say.
fn erased_meanwhile() -> (Log, TaskRef) {
    let mut log = log();
    let (task, run) = log.running();
    log.say(&task, Role::Executor, vec![usage(run, 7)]);
    log.act(&task, complete());
    log.submit();
    log.give(&task, Command::Erase { by: "ann".to_owned() }).unwrap();
    (log, task)
}

#[test]
fn a_task_that_is_erased_while_it_is_read_is_counted_once_and_as_it_ended() {
    let (log, task) = erased_meanwhile();
    let expected = log.report();
    assert!(expected.findings.is_empty(), "{expected}");
    let of_task = |stored: &&Stored| stored.entry().task(Shards::ONE).as_ref() == Some(&task);
    let end = log.last();
    for read in 0..log.records.len() {
        let mut audit = Audit::new(Shards::ONE, longhaul_wire::Shard(0));
        // What was not read yet is gone, and from then on the history is the erasing record.
        let kept = |stored: &&Stored| !of_task(stored) || stored.sequence == end;
        let rest = log.records[read..].iter().filter(kept);
        for stored in log.records[..read].iter().chain(rest) {
            while let Err(Recall { task }) = audit.read(stored.entry()) {
                let left = log.records.iter().filter(of_task).filter(|one| one.sequence == end);
                audit.recall(&task, left.map(Stored::entry));
            }
        }
        let report = audit.report(&Outside::default());
        assert!(report.findings.is_empty(), "{read} read: {report}");
        assert_eq!(report.figures.tasks, expected.figures.tasks, "{read} read");
        assert_eq!(report.figures.usage, expected.figures.usage, "{read} read");
    }
}

#[test]
fn whoever_reads_a_log_that_grows_learns_that_an_erasure_may_follow() {
    let (log, _) = erased_meanwhile();
    let mut audit = Audit::new(Shards::ONE, longhaul_wire::Shard(0));
    let until = Sequence(6);
    for stored in log.records.iter().filter(|stored| ![1, 3, 4].contains(&stored.sequence.0)).take(3) {
        audit.read(stored.entry()).unwrap();
    }
    assert!(audit.awaits_erasure(until));
    audit.read(log.records.last().unwrap().entry()).unwrap();
    assert!(!audit.awaits_erasure(until));
    let goes_to = [(longhaul_wire::Shard(0), until)].into();
    let report = audit.report(&Outside { goes_to, ..Outside::default() });
    assert!(report.findings.is_empty(), "{report}");
}
