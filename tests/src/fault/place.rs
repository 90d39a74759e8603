//! Journals and processes that reach the log by another road than the world's own.

use std::collections::BTreeMap;
use std::process::Command;

use longhaul_client::{Client, Identity};
use longhaul_core::{EventBody, Snapshot, TaskRef, apply_commit};
use longhaul_journal::{Auth, ConnectOptions, Journal, Parsed, Record};

use crate::{Process, World, eventually};

/// A journal over the servers at `url`, which may be a proxy's.
///
/// # Panics
/// If it cannot connect.
pub async fn journal_at(url: &str, token: &str) -> Journal {
    let options = ConnectOptions {
        auth: Auth::Token(token.to_owned()),
        durability_known: Some(longhaul_journal::Durability::Relaxed),
        ..ConnectOptions::new(url)
    };
    Journal::connect(&options).await.unwrap_or_else(|error| panic!("cannot connect to {url}: {error}"))
}

/// A client of organisation `acme` over a journal of one's own.
///
/// # Panics
/// For an unusable user.
pub fn client_over(journal: &Journal, user: &str) -> Client {
    Client::new(journal.clone(), Identity::new("acme", user, "test").unwrap())
}

/// Starts `longhaul ARGS` as a service that reaches the log at `url`. `name` is its own in this world:
/// its log and its data are called so.
pub fn start_at(world: &World, url: &str, name: &str, args: &[&str]) -> Process {
    let mut command = world.command(args);
    command.env("LONGHAUL_NATS", url);
    start(command, world.path(), name)
}

/// Starts a service from a prepared command, with data of its own below `home`.
pub fn start(mut command: Command, home: &std::path::Path, name: &str) -> Process {
    command.env("LONGHAUL_DATA", home.join(format!("data-{name}"))).env("LONGHAUL_LOG", "info");
    Process::start(command, home, name)
}

/// Waits until a service says that it runs.
///
/// # Panics
/// If it does not in time.
pub async fn runs(process: &Process) {
    let what = format!("a service to run; its log: {}", process.log.display());
    eventually(&what, async || process.said().contains(" runs").then_some(())).await;
}

/// Every task of the log with all its events, in order, and the state they give.
#[derive(Debug, Default)]
pub struct Told {
    /// By task.
    pub tasks: BTreeMap<TaskRef, (Vec<EventBody>, Option<Snapshot>)>,
    /// How many records could not be read.
    pub unreadable: usize,
}

/// Reads the whole log up to where it ends at present.
///
/// # Panics
/// If it cannot be read.
pub async fn told(journal: &Journal) -> Told {
    let mut told = Told::default();
    for shard in journal.shards().all() {
        let head = journal.head(shard).await.unwrap();
        if head.0 == 0 {
            continue;
        }
        let mut follower = journal.follow(shard, longhaul_core::Sequence::ZERO).await.unwrap();
        'shard: loop {
            for entry in follower.next_batch(1000).await.unwrap() {
                let last = entry.sequence >= head || entry.pending == 0;
                match (entry.record, entry.subject) {
                    (Ok(Record::Task(commit)), Parsed::Task { org, task, .. }) => {
                        let (events, state) = told.tasks.entry(TaskRef { org, task }).or_default();
                        events.extend(commit.events.iter().map(|event| event.body.clone()));
                        *state = apply_commit(state.take(), &commit, entry.sequence);
                    }
                    (Ok(_), _) => {}
                    (Err(_), _) => told.unreadable += 1,
                }
                if last {
                    break 'shard;
                }
            }
        }
    }
    told
}

impl Told {
    /// Asserts what holds of every task whatever happened to processes and connections: stored once,
    /// no step recorded twice, one end for each attempt, nothing written that the fold refuses.
    ///
    /// # Panics
    /// Naming the task and its events if it does not hold.
    pub fn assert_sound(&self) {
        for (task, (events, state)) in &self.tasks {
            let names: Vec<_> = events.iter().map(EventBody::name).collect();
            let count = |name: &str| names.iter().filter(|known| **known == name).count();
            assert_eq!(count("submitted"), 1, "{}: {names:?}", task.task);
            let mut steps = std::collections::BTreeSet::new();
            for event in events {
                if let EventBody::StepCompleted { step, .. } = event {
                    assert!(steps.insert(step), "{}: step {step:?} is recorded twice: {names:?}", task.task);
                }
            }
            let state = state.as_ref().expect("a task that was submitted");
            assert_eq!(state.ignored, 0, "{}: {names:?}", task.task);
        }
    }
}
