//! Checks of the journal over a port, whether the port is reliable or not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::StreamExt;
use longhaul_core::{
    Act, Admission, AdmissionCommit, AdmissionReason, Command, ConversationClaim, Dispatch, EventBody,
    ExecutorId, Lane, OrgId, Payload, Policy, Rejection, Role, RunNumber, Sequence, Status, TaskRef, UserId,
};
use longhaul_wire::{DecodeError, Parsed, Record, Subject};
use serde_json::json;

use super::{
    Bed, actor, checks, fresh, fresh_conversation, fresh_kind, fresh_org, fresh_task, submission, submit,
};
use crate::port::{Append, AppendError};
use crate::{ActError, CommitError, Entry, Error, Follower, Journal, MAX_INLINE, new_id, now, stamp};

checks![
    what_is_committed_is_loaded,
    a_command_twice_is_one,
    of_many_submissions_one_wins,
    every_commit_is_stored_once,
    racing_writers_lose_nothing,
    a_commit_repeated_is_the_same_commit,
    admissions_form_one_chain,
    a_conversation_has_one_holder,
    a_policy_holds_until_the_next,
    a_follower_reads_what_was_written,
    a_dispatch_reaches_the_executor_it_is_handed_to,
    what_is_too_large_is_refused,
    nobody_writes_what_nobody_may_read,
    an_unreadable_record_puts_one_task_aside,
    large_payloads_lie_beside_the_log,
    what_is_erased_is_forgotten,
];

/// Starts the task's first run.
async fn start(journal: &Journal, task: &TaskRef) {
    let command = Command::Start {
        run: RunNumber(1),
        executor: new_id(),
        version: "1".to_owned(),
        ledger: Sequence(1),
        why: AdmissionReason::First,
    };
    journal.act(task, &actor(Role::Executor), &command).await.unwrap();
}

fn abort() -> Command {
    Command::RequestAbort { by: "ada".to_owned(), reason: None }
}

async fn what_is_committed_is_loaded(bed: Bed) {
    let (journal, other) = (bed.journal(), bed.other_journal());
    let task = fresh_task(&fresh_org());
    assert_eq!(journal.load(&task).await.unwrap(), None);
    let submitted = submit(&journal, &task).await;
    assert!(submitted.committed && submitted.before.is_none());
    assert_eq!(other.load(&task).await.unwrap().as_ref(), Some(&submitted.snapshot));
    start(&other, &task).await;
    let refreshed = journal.refresh(submitted.snapshot).await.unwrap();
    assert_eq!((refreshed.status, refreshed.run), (Status::Running, RunNumber(1)));
    assert_eq!(journal.refresh(refreshed.clone()).await.unwrap(), refreshed);
    let history = journal.history(&task).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history.last().unwrap().sequence, refreshed.sequence);
    assert!(history.iter().all(|entry| matches!(entry.record, Ok(Record::Task(_))) && entry.bytes > 0));
}

async fn a_command_twice_is_one(bed: Bed) {
    let journal = bed.journal();
    let task = fresh_task(&fresh_org());
    submit(&journal, &task).await;
    start(&journal, &task).await;
    let first = journal.act(&task, &actor(Role::Client), &abort()).await.unwrap();
    let second = journal.act(&task, &actor(Role::Client), &abort()).await.unwrap();
    assert!(first.committed && !second.committed);
    assert_eq!(first.snapshot, second.snapshot);
    assert_eq!(first.snapshot.status, Status::Aborting);
}

async fn of_many_submissions_one_wins(bed: Bed) {
    let task = fresh_task(&fresh_org());
    let submissions = (0..8).map(|n| {
        let (journal, task) = (if n % 2 == 0 { bed.journal() } else { bed.other_journal() }, task.clone());
        async move {
            let command = Command::Submit(Box::new(submission(&task.org)));
            journal.act(&task, &actor(Role::Client), &command).await
        }
    });
    let outcomes = join_all(submissions).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(ActError::Rejected(Rejection::Exists { .. }))))
        .count();
    assert_eq!((won, refused), (1, 7), "{outcomes:?}");
    assert_eq!(bed.journal().history(&task).await.unwrap().len(), 1);
}

async fn every_commit_is_stored_once(bed: Bed) {
    let journal = bed.journal();
    let task = fresh_task(&fresh_org());
    submit(&journal, &task).await;
    start(&journal, &task).await;
    let mut snapshot = journal.load(&task).await.unwrap().unwrap();
    let mut acknowledged = Vec::new();
    for n in 0..100_u32 {
        let message = Some(n.to_string());
        let body = EventBody::Progressed { run: RunNumber(1), fraction: None, message, waits: None };
        let commit = stamp(task.task, &actor(Role::Executor), vec![body], now());
        let sequence = journal.commit(&task.org, &commit, snapshot.sequence).await.unwrap();
        acknowledged.push((sequence, commit.id));
        snapshot.sequence = sequence;
    }
    let stored: Vec<_> = journal.commits_after(&task, Sequence::ZERO).await.unwrap();
    let stored: Vec<_> = stored.iter().skip(2).map(|(sequence, commit)| (*sequence, commit.id)).collect();
    assert_eq!(stored, acknowledged);
}

async fn racing_writers_lose_nothing(bed: Bed) {
    let task = fresh_task(&fresh_org());
    submit(&bed.journal(), &task).await;
    start(&bed.journal(), &task).await;
    let writers = (0..6_u32).map(|writer| {
        let (journal, task) =
            (if writer % 2 == 0 { bed.journal() } else { bed.other_journal() }, task.clone());
        async move {
            for n in 0..10_u32 {
                let step = format!("{writer} {n}");
                let act = Act::StartStep { step, of: None };
                let command = Command::Run { run: RunNumber(1), act };
                assert!(journal.act(&task, &actor(Role::Executor), &command).await.unwrap().committed);
            }
        }
    });
    join_all(writers).await;
    let snapshot = bed.journal().load(&task).await.unwrap().unwrap();
    assert_eq!((snapshot.steps.len(), snapshot.ignored), (60, 0));
    let names: BTreeSet<_> = snapshot.steps.iter().map(|step| &step.name).collect();
    assert_eq!(names.len(), 60);
}

async fn a_commit_repeated_is_the_same_commit(bed: Bed) {
    let journal = bed.journal();
    let task = fresh_task(&fresh_org());
    let body = EventBody::Submitted(Box::new(submission(&task.org)));
    let commit = stamp(task.task, &actor(Role::Client), vec![body], now());
    let first = journal.commit(&task.org, &commit, Sequence::ZERO).await.unwrap();
    start(&journal, &task).await;
    // By whoever did not hear the first answer.
    let again = bed.other_journal().commit(&task.org, &commit, Sequence::ZERO).await.unwrap();
    assert_eq!(again, first);
    let other =
        stamp(task.task, &actor(Role::Client), commit.events.into_iter().map(|e| e.body).collect(), now());
    let refused = journal.commit(&task.org, &other, Sequence::ZERO).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
}

fn admission(org: &OrgId) -> AdmissionCommit {
    let admission = Admission {
        task: new_id(),
        run: RunNumber(1),
        user: UserId::new("ada").unwrap(),
        conversation: None,
        lane: Lane::default(),
        kind: fresh_kind(),
        why: AdmissionReason::First,
    };
    let actor = actor(Role::Scheduler);
    AdmissionCommit { id: new_id(), org: org.clone(), at: now(), actor, admissions: vec![admission] }
}

async fn admissions_form_one_chain(bed: Bed) {
    let org = fresh_org();
    assert_eq!(bed.journal().ledger_last(&org).await.unwrap(), Sequence::ZERO);
    let schedulers = (0..4).map(|n| {
        let (journal, org) = (if n % 2 == 0 { bed.journal() } else { bed.other_journal() }, org.clone());
        async move {
            let mut admitted = Vec::new();
            while admitted.len() < 8 {
                let expect = journal.ledger_last(&org).await.unwrap();
                match journal.admit(&admission(&org), expect).await {
                    Ok(sequence) => admitted.push((sequence, expect)),
                    Err(CommitError::Conflict) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other:?}"),
                }
            }
            admitted
        }
    });
    let links: BTreeMap<Sequence, Sequence> = join_all(schedulers).await.into_iter().flatten().collect();
    // Each admission was made knowing the one before it: 32 links, from the last to the beginning.
    let mut at = bed.journal().ledger_last(&org).await.unwrap();
    for _ in 0..32 {
        at = links[&at];
    }
    assert_eq!(at, Sequence::ZERO);
}

async fn a_conversation_has_one_holder(bed: Bed) {
    let (org, conversation) = (fresh_org(), fresh_conversation());
    let journal = bed.journal();
    assert_eq!(journal.conversation(&org, &conversation).await.unwrap(), None);
    let claim = || ConversationClaim {
        id: new_id(),
        conversation: conversation.clone(),
        org: org.clone(),
        task: new_id(),
        at: now(),
    };
    let (mine, theirs) = (claim(), claim());
    let claims = [(bed.journal(), &mine), (bed.other_journal(), &theirs)];
    let claims = claims.iter().map(|(journal, claim)| journal.claim(claim, Sequence::ZERO));
    let outcomes = join_all(claims).await;
    let won = outcomes.iter().position(Result::is_ok).expect("one of them gets it");
    assert!(matches!(outcomes[1 - won], Err(CommitError::Conflict)), "{outcomes:?}");
    let (held, sequence) = journal.conversation(&org, &conversation).await.unwrap().unwrap();
    assert_eq!(held, if won == 0 { mine } else { theirs });
    let next = claim();
    journal.claim(&next, sequence).await.unwrap();
    assert_eq!(journal.conversation(&org, &conversation).await.unwrap().unwrap().0, next);
}

async fn a_policy_holds_until_the_next(bed: Bed) {
    let (journal, org) = (bed.journal(), fresh_org());
    assert_eq!(journal.policy(&org).await.unwrap(), Policy::default());
    for weight in [3, 5] {
        let policy = Policy { weight, ..Policy::default() };
        journal.set_policy(&org, &actor(Role::Client), policy.clone()).await.unwrap();
        assert_eq!(bed.other_journal().policy(&org).await.unwrap(), policy);
    }
}

/// The next entry; follows anew where following fails.
async fn next(bed: &Bed, journal: &Journal, follower: &mut Follower, after: Sequence) -> Entry {
    loop {
        match bed.soon("an entry", follower.next()).await {
            Some(Ok(entry)) => return entry,
            Some(Err(_)) | None => *follower = journal.follow(follower.shard(), after).await.unwrap(),
        }
    }
}

async fn a_follower_reads_what_was_written(bed: Bed) {
    let (journal, org) = (bed.journal(), fresh_org());
    let shard = journal.shards().of(&org);
    let start_at = journal.head(shard).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let task = fresh_task(&org);
        submit(&journal, &task).await;
        start(&journal, &task).await;
        journal.admit(&admission(&org), journal.ledger_last(&org).await.unwrap()).await.unwrap();
        tasks.push(task);
    }
    let mut follower = journal.follow(shard, start_at).await.unwrap();
    let (mut seen, mut at) = (Vec::new(), start_at);
    while seen.len() < 60 {
        let entry = next(&bed, &journal, &mut follower, at).await;
        assert!(entry.sequence > at, "in order, and nothing twice");
        at = entry.sequence;
        assert_eq!(entry.shard, shard);
        if *entry.subject.org() == org {
            seen.push(entry);
        }
    }
    for task in &tasks {
        let followed: Vec<_> = seen
            .iter()
            .filter(|entry| matches!(&entry.subject, Parsed::Task { task: id, .. } if *id == task.task))
            .map(|entry| (entry.sequence, entry.record.clone()))
            .collect();
        let history = journal.history(task).await.unwrap();
        let history: Vec<_> = history.into_iter().map(|entry| (entry.sequence, entry.record)).collect();
        assert_eq!(followed, history);
    }
    let batch = journal.follow(shard, start_at).await.unwrap().next_batch(5).await;
    assert!(batch.is_err() || batch.is_ok_and(|batch| (1..=5).contains(&batch.len())));
}

async fn a_dispatch_reaches_the_executor_it_is_handed_to(bed: Bed) {
    let (journal, kind) = (bed.journal(), fresh_kind());
    let (one, other): (ExecutorId, ExecutorId) = (new_id(), new_id());
    let mut handed = bed.other_journal().listen_runs(&kind, one).await.unwrap();
    let dispatch = Dispatch {
        org: fresh_org(),
        task: new_id(),
        run: RunNumber(1),
        kind: kind.clone(),
        ledger: Sequence(1),
        why: AdmissionReason::First,
        only: Some(Sequence(3)),
    };
    let another = Dispatch { task: new_id(), ..dispatch.clone() };
    let another_kind = Dispatch { kind: fresh_kind(), ..dispatch.clone() };
    // What is said may be lost: it is said again.
    let heard = async {
        loop {
            let _ = journal.dispatch(&another, other).await;
            let _ = journal.dispatch(&another_kind, one).await;
            let _ = journal.dispatch(&dispatch, one).await;
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(200), handed.next()).await {
                return heard;
            }
        }
    };
    assert_eq!(bed.soon("the dispatch", heard).await, Some(dispatch.clone()));
}

async fn what_is_too_large_is_refused(bed: Bed) {
    let journal = bed.journal();
    let task = fresh_task(&fresh_org());
    let mut said = submission(&task.org);
    said.input = Payload::Inline(json!("x".repeat(2_000_000)));
    let command = Command::Submit(Box::new(said));
    let refused = journal.act(&task, &actor(Role::Client), &command).await;
    assert!(
        matches!(refused, Err(ActError::Journal(Error::Commit(CommitError::TooLarge { .. })))),
        "{refused:?}"
    );
    // Nested so deeply that no reader could follow.
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let mut said = submission(&task.org);
    said.input = Payload::Inline(deep);
    let command = Command::Submit(Box::new(said));
    let refused = journal.act(&task, &actor(Role::Client), &command).await;
    assert!(
        matches!(refused, Err(ActError::Journal(Error::Commit(CommitError::Unusable(_))))),
        "{refused:?}"
    );
    assert_eq!(journal.load(&task).await.unwrap(), None);
    submit(&journal, &task).await;
}

async fn nobody_writes_what_nobody_may_read(bed: Bed) {
    let journal = bed.journal();
    let task = fresh_task(&fresh_org());
    // An executor does not submit: the fold would not see it.
    let command = Command::Submit(Box::new(submission(&task.org)));
    let refused = journal.act(&task, &actor(Role::Executor), &command).await;
    assert!(matches!(refused, Err(ActError::Journal(Error::Role { role: Role::Executor }))), "{refused:?}");
    // A submission that names another organisation than its subject.
    let command = Command::Submit(Box::new(submission(&fresh_org())));
    let refused = journal.act(&task, &actor(Role::Client), &command).await;
    assert!(
        matches!(refused, Err(ActError::Journal(Error::Commit(CommitError::Unusable(_))))),
        "{refused:?}"
    );
    assert!(journal.history(&task).await.unwrap().is_empty());
}

/// A record of a version that does not exist yet.
const FUTURE: &str = r#"{"v":2,"from":"the future"}"#;

/// Stores bytes under a subject, as a foreign writer would.
async fn plant(bed: &Bed, subject: &Subject, body: &'static str) -> Sequence {
    loop {
        let message =
            Append { subject: subject.clone(), expect: None, body: Bytes::from_static(body.as_bytes()) };
        match bed.port.append(message).await {
            Ok(sequence) => return sequence,
            Err(AppendError::DidNotHappen(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            // Stored or not: the last message tells.
            Err(_) => match bed.port.last(subject).await {
                Ok(Some(last)) if last.body == body => return last.sequence,
                _ => {}
            },
        }
    }
}

async fn an_unreadable_record_puts_one_task_aside(bed: Bed) {
    let (journal, org) = (bed.journal(), fresh_org());
    let (poisoned, healthy) = (fresh_task(&org), fresh_task(&org));
    let start_at = journal.head(journal.shards().of(&org)).await.unwrap();
    submit(&journal, &poisoned).await;
    let subject = Subject::task(journal.shards(), &org, poisoned.task);
    plant(&bed, &subject, FUTURE).await;
    submit(&journal, &healthy).await;
    // Where the port fails, it may be planted more than once.
    let history = journal.history(&poisoned).await.unwrap();
    assert!(history.len() > 1 && history.iter().skip(1).all(|entry| entry.record.is_err()), "{history:?}");
    match journal.load(&poisoned).await {
        Err(Error::Corrupt { subject: at, sequence, source: DecodeError::Newer { found: 2, known: 1 } }) => {
            assert_eq!((at, sequence), (subject.clone(), history[1].sequence));
        }
        other => panic!("{other:?}"),
    }
    assert!(journal.load(&healthy).await.unwrap().is_some());
    // A history in a shard where nobody looks for it is not taken for one.
    if let Some(elsewhere) = journal.shards().all().find(|shard| *shard != subject.shard()) {
        let foreign = Parsed::Task { shard: elsewhere, org: org.clone(), task: new_id() }.subject();
        let sequence = plant(&bed, &foreign, r#"{"v":1}"#).await;
        let mut follower = journal.follow(elsewhere, Sequence(sequence.0 - 1)).await.unwrap();
        let entry = next(&bed, &journal, &mut follower, Sequence(sequence.0 - 1)).await;
        assert!(matches!(entry.record, Err(DecodeError::WrongPlace { what: "shard", .. })), "{entry:?}");
    }
    // Followers pass it.
    let mut follower = journal.follow(subject.shard(), start_at).await.unwrap();
    let mut at = start_at;
    loop {
        let entry = next(&bed, &journal, &mut follower, at).await;
        at = entry.sequence;
        match (&entry.subject, &entry.record) {
            (Parsed::Task { task, .. }, Ok(_)) if *task == healthy.task => break,
            (_, record) => assert_eq!(record.is_err(), entry.bytes == FUTURE.len(), "{entry:?}"),
        }
    }
}

async fn large_payloads_lie_beside_the_log(bed: Bed) {
    let journal = bed.journal();
    let small = json!({"small": fresh("payload")});
    let payload = journal.store_payload(small.clone()).await.unwrap();
    assert_eq!(payload, Payload::Inline(small.clone()));
    assert_eq!(journal.load_payload(&payload).await.unwrap(), small);
    let large = json!({"large": fresh("payload").repeat(MAX_INLINE / 8)});
    let payload = journal.store_payload(large.clone()).await.unwrap();
    assert!(matches!(payload, Payload::Stored { size, .. } if size > MAX_INLINE as u64));
    assert_eq!(bed.other_journal().load_payload(&payload).await.unwrap(), large);
    assert!(matches!(journal.load_payload(&Payload::Gone).await, Err(Error::Gone)));
}

async fn what_is_erased_is_forgotten(bed: Bed) {
    let (journal, org) = (bed.journal(), fresh_org());
    let (task, rerun) = (fresh_task(&org), fresh_task(&org));
    let shared = journal.store_payload(json!(fresh("shared").repeat(MAX_INLINE / 8))).await.unwrap();
    let own = journal.store_payload(json!(fresh("own").repeat(MAX_INLINE / 8))).await.unwrap();
    for (task, context) in [(&task, Some(own.clone())), (&rerun, None)] {
        let mut said = submission(&org);
        (said.input, said.context) = (shared.clone(), context);
        let command = Command::Submit(Box::new(said));
        journal.act(task, &actor(Role::Client), &command).await.unwrap();
    }
    journal.act(&task, &actor(Role::Client), &abort()).await.unwrap();
    let erase = Command::Erase { by: "ada".to_owned() };
    let erased = journal.act(&task, &actor(Role::Client), &erase).await.unwrap().snapshot;
    journal.forget(&task, erased.sequence).await.unwrap();
    // Again, as after a crash.
    journal.forget(&task, erased.sequence).await.unwrap();
    let loaded = journal.load(&task).await.unwrap().unwrap();
    assert_eq!(loaded.status, Status::Aborted);
    assert!(loaded.erased && loaded.input == Payload::Gone);
    assert_eq!(journal.history(&task).await.unwrap().len(), 1);
    assert!(journal.load_payload(&own).await.is_err(), "nobody else names it");
    assert!(journal.load_payload(&shared).await.is_ok(), "the rerun names it too");
    // Its id is taken for ever.
    let again = Command::Submit(Box::new(submission(&org)));
    let refused = journal.act(&task, &actor(Role::Client), &again).await;
    assert!(matches!(refused, Err(ActError::Rejected(Rejection::Exists { .. }))), "{refused:?}");
}
