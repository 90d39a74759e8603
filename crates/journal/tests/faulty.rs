//! The journal over the failure-injecting twin: it keeps its word whatever goes wrong, and says so
//! where it cannot.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longhaul_core::{Actor, Commit, EventBody, OrgId, Role, Sequence, TaskId, TaskRef};
use longhaul_journal::conformance::{self, Bed};
use longhaul_journal::faulty::{Faults, Faulty};
use longhaul_journal::memory::Memory;
use longhaul_journal::port::{Append, AppendError, Port};
use longhaul_journal::{CommitError, DEADLINE, Error, Journal, PortError, Shards, new_id, now, stamp};
use longhaul_wire::Subject;

fn bed(shards: u16, seed: u64, faults: Faults) -> Bed {
    let memory = Memory::new(Shards::new(shards).unwrap());
    let port = |seed| Arc::new(Faulty::new(Arc::new(memory.clone()), seed, faults));
    Bed { port: port(seed), other: port(seed + 1) }
}

#[tokio::test(start_paused = true)]
async fn without_faults_it_is_the_port_below() {
    let bed = bed(4, 0, Faults::NONE);
    assert!(conformance::run(&bed, conformance::port::CHECKS).await.is_empty());
    assert!(conformance::run(&bed, conformance::journal::CHECKS).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_journal_keeps_its_word_on_a_bad_day() {
    for seed in 0..16 {
        let bed = bed(if seed % 2 == 0 { 1 } else { 4 }, seed * 1000, Faults::MANY);
        let failed = conformance::run(&bed, conformance::journal::CHECKS).await;
        assert!(failed.is_empty(), "with seed {seed}: {failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_server_has_what_was_acknowledged() {
    let memory = Memory::new(Shards::ONE);
    // Slow enough to be under way when it happens.
    let slow = Faults { slow: 1000, longest: Duration::from_millis(20), ..Faults::NONE };
    let bed = Bed::new(Arc::new(Faulty::new(Arc::new(memory.clone()), 1, slow)));
    let restarts = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(70)).await;
            memory.stop();
            tokio::time::sleep(Duration::from_millis(200)).await;
            memory.start();
        }
    });
    assert!(conformance::run(&bed, conformance::journal::CHECKS).await.is_empty());
    restarts.abort();
}

fn task() -> TaskRef {
    TaskRef { org: OrgId::new("acme").unwrap(), task: new_id() }
}

/// A commit that any state of a log takes.
fn commit(task: TaskId) -> Commit {
    let actor = Actor { role: Role::Client, who: "ada".to_owned(), via: "test".to_owned() };
    stamp(task, &actor, vec![EventBody::Dismissed { by: "ada".to_owned() }], now())
}

/// Appends ten commits, one after the other, under these faults. Gives the outcomes, and how many
/// commits are stored when everything has come to rest.
async fn outcomes(faults: Faults) -> (Vec<Result<Sequence, CommitError>>, usize) {
    let memory = Memory::new(Shards::ONE);
    let journal = Journal::new(Arc::new(Faulty::new(Arc::new(memory.clone()), 7, faults)));
    let task = task();
    let (mut outcomes, mut expect) = (Vec::new(), Sequence::ZERO);
    for _ in 0..10 {
        let outcome = journal.commit(&task.org, &commit(task.task), expect).await;
        expect = *outcome.as_ref().unwrap_or(&expect);
        outcomes.push(outcome);
    }
    tokio::time::sleep(faults.longest).await;
    let stored = Journal::over(&memory).history(&task).await.unwrap();
    (outcomes, stored.len())
}

#[tokio::test(start_paused = true)]
async fn what_may_have_happened_is_looked_up() {
    // Only the acknowledgement is lost, or the append is late and lands behind the next try.
    for faults in [Faults { unheard: 1000, ..Faults::NONE }, Faults { late: 1000, ..Faults::NONE }] {
        let (outcomes, stored) = outcomes(faults).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(stored, 10, "each is stored once: {faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_known_is_said() {
    let cases = [
        // Every append is lost, and that is not known.
        (Faults { lost: 1000, ..Faults::NONE }, true),
        // Stored, but nobody hears of it and nothing can be read.
        (Faults { unheard: 1000, unreachable: 1000, ..Faults::NONE }, true),
        (Faults { did_not_happen: 1000, ..Faults::NONE }, false),
        (Faults { conflict: 1000, ..Faults::NONE }, false),
    ];
    for (faults, uncertain) in cases {
        let (outcomes, _) = outcomes(faults).await;
        for outcome in outcomes {
            match outcome {
                Err(CommitError::Uncertain(_)) => assert!(uncertain, "{faults:?}"),
                Err(CommitError::Unavailable(_)) => assert!(!uncertain, "{faults:?}"),
                other => panic!("{faults:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_server_is_waited_for_and_then_reported() {
    let memory = Memory::new(Shards::ONE);
    let journal = Journal::over(&memory);
    let task = task();
    memory.stop();
    let begun = tokio::time::Instant::now();
    let read = journal.load(&task).await;
    assert!(matches!(read, Err(Error::Port(PortError::Unreachable(_)))), "{read:?}");
    let written = journal.commit(&task.org, &commit(task.task), Sequence::ZERO).await;
    assert!(matches!(written, Err(CommitError::Unavailable(_))), "{written:?}");
    // In the runtime's time, which is paused: this is a rule, not a measurement.
    assert!(begun.elapsed() >= 2 * DEADLINE && begun.elapsed() < 3 * DEADLINE);

    let again = memory.clone();
    tokio::spawn(async move {
        tokio::time::sleep(DEADLINE / 2).await;
        again.start();
    });
    journal.commit(&task.org, &commit(task.task), Sequence::ZERO).await.unwrap();
}

/// What became of a few hundred appends, in words.
async fn appended(seed: u64) -> Vec<String> {
    let memory = Memory::new(Shards::ONE);
    let faulty = Faulty::new(Arc::new(memory.clone()), seed, Faults::MANY);
    let task = TaskRef { task: "019aa0b0-0000-7000-8000-000000000001".parse().unwrap(), ..task() };
    let subject = Subject::task(Shards::ONE, &task.org, task.task);
    let mut outcomes = Vec::new();
    for n in 0..300 {
        let expect = memory.last(&subject).await.unwrap().map_or(Sequence::ZERO, |last| last.sequence);
        let body = Bytes::from(n.to_string());
        let outcome = faulty
            .append(Append { subject: subject.clone(), expect: Some(expect), body: body.clone() })
            .await;
        // What is late comes to rest.
        tokio::time::sleep(Faults::MANY.longest).await;
        let stored = memory.read(&subject, expect).await.unwrap();
        let own = stored.iter().find(|stored| stored.body == body).map(|stored| stored.sequence);
        match &outcome {
            Ok(sequence) => assert_eq!(own, Some(*sequence), "acknowledged, so it is stored"),
            Err(AppendError::DidNotHappen(_) | AppendError::Conflict { .. }) => assert_eq!(own, None),
            Err(AppendError::MayHaveHappened(_)) => {}
        }
        outcomes.push(format!("{own:?} {}", outcome.map_or_else(|why| why.to_string(), |at| at.to_string())));
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn its_failures_are_honest_and_come_again_with_their_seed() {
    for seed in 0..5 {
        assert_eq!(appended(seed).await, appended(seed).await);
    }
    assert_ne!(appended(1).await, appended(2).await);
}
