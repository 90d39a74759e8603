//! Commands that others are in the way of: whoever gave one is told what holds, or that the same may
//! be asked again; never that it is refused because somebody was faster.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use longhaul_core::{Actor, Command, OrgId, Rejection, Role, Sequence, Snapshot, TaskRef};
use longhaul_journal::faulty::{Faults, Faulty};
use longhaul_journal::memory::Memory;
use longhaul_journal::{ActError, Error, Journal, Shards, new_id};
use serde_json::json;

fn task() -> TaskRef {
    TaskRef { org: OrgId::new("acme").unwrap(), task: new_id() }
}

fn actor() -> Actor {
    Actor { role: Role::Client, who: "ada".to_owned(), via: "test".to_owned() }
}

fn submission() -> Command {
    let said = json!({
        "owner": { "org": "acme", "user": "ada" }, "kind": "check", "title": "A check", "input": { "inline": 1 },
    });
    Command::Submit(Box::new(serde_json::from_value(said).unwrap()))
}

fn abort() -> Command {
    Command::RequestAbort { by: "ada".to_owned(), reason: None }
}

fn retry() -> Command {
    Command::Retry { by: "ada".to_owned() }
}

async fn submitted(journal: &Journal, task: &TaskRef) -> Snapshot {
    journal.act(task, &actor(), &submission()).await.unwrap().snapshot
}

#[tokio::test(start_paused = true)]
async fn the_last_look_may_have_the_answer() {
    let journal = Journal::over(&Memory::new(Shards::ONE));
    let hurried = journal.clone().with_deadline(Duration::ZERO);
    let task = task();
    let before = submitted(&journal, &task).await;
    // The same was submitted by somebody else.
    let again = hurried.act_on(None, &task, &actor(), &submission()).await;
    assert!(matches!(again, Err(ActError::Rejected(Rejection::Exists { .. }))), "{again:?}");
    // The same was asked for by somebody else.
    journal.act(&task, &actor(), &abort()).await.unwrap();
    let late = hurried.act_on(Some(before), &task, &actor(), &abort()).await;
    assert!(matches!(late, Err(ActError::Rejected(Rejection::Ended { .. }))), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn who_was_too_slow_may_ask_again() {
    let journal = Journal::over(&Memory::new(Shards::ONE));
    let hurried = journal.clone().with_deadline(Duration::ZERO);
    let task = task();
    let before = submitted(&journal, &task).await;
    journal.act(&task, &actor(), &abort()).await.unwrap();
    journal.act(&task, &actor(), &retry()).await.unwrap();
    let stored = journal.history(&task).await.unwrap().len();
    let late = hurried.act_on(Some(before), &task, &actor(), &abort()).await;
    let Err(ActError::Journal(error)) = late else { panic!("{late:?}") };
    assert!(matches!(error, Error::Contended), "{error:?}");
    assert!(error.is_transient());
    assert_eq!(journal.history(&task).await.unwrap().len(), stored, "nothing was written");
    assert!(hurried.act(&task, &actor(), &abort()).await.unwrap().committed);
}

/// Many writers of one task on a bad day, each with little time.
#[tokio::test(start_paused = true)]
async fn nobody_is_refused_because_others_were_faster() {
    for seed in 0..16 {
        let memory = Memory::new(Shards::ONE);
        let port = Faulty::new(Arc::new(memory.clone()), seed, Faults::MANY);
        let journal = Journal::new(Arc::new(port)).with_deadline(Duration::from_millis(40));
        let task = task();
        submitted(&Journal::over(&memory), &task).await;
        let writers = (0..6).map(|n| {
            let (journal, task) = (journal.clone(), task.clone());
            tokio::spawn(async move {
                for round in 0..30 {
                    let command = if (n + round) % 2 == 0 { abort() } else { retry() };
                    if let Err(ActError::Journal(error)) = journal.act(&task, &actor(), &command).await {
                        assert!(error.is_transient(), "with seed {seed}: {error:?}");
                    }
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let after = Journal::over(&memory).load(&task).await.unwrap().unwrap();
        assert!(after.sequence > Sequence::ZERO);
        assert_eq!(after.ignored, 0, "with seed {seed}: whoever wrote had read the latest");
    }
}
