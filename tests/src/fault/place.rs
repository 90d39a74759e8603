//! Journals and processes that reach the log by another road than the world's own.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use longhaul_audit::{Audit, Outside, Recall, Report};
use longhaul_client::{Client, Identity};
use longhaul_core::{EventBody, Sequence, Snapshot, TaskRef, apply_commit};
use longhaul_journal::{Auth, ConnectOptions, Entry, Journal, Parsed, Record};

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

/// Every task of the log with all its events, in order, the state they give, and what an audit says.
#[derive(Debug, Default)]
pub struct Told {
    /// By task.
    pub tasks: BTreeMap<TaskRef, (Vec<EventBody>, Option<Snapshot>)>,
    /// The audit of the whole log.
    pub audit: Report,
    /// How many records could not be read.
    pub unreadable: usize,
}

/// Reads and audits the whole log up to where it ends at present.
///
/// # Panics
/// If it cannot be read.
pub async fn told(journal: &Journal) -> Told {
    let mut told = Told::default();
    for shard in journal.shards().all() {
        let head = journal.head(shard).await.unwrap();
        let mut audit = Audit::new(journal.shards(), shard);
        let mut follower = journal.follow(shard, Sequence::ZERO).await.unwrap();
        let mut last = Sequence::ZERO;
        while last < head {
            for entry in follower.next_batch(1000).await.unwrap() {
                // A record behind the end of an earlier look, or none where one was taken out.
                last = if entry.pending == 0 { head } else { entry.sequence };
                while let Err(Recall { task }) = audit.read(auditable(&entry)) {
                    let history = journal.history(&task).await.unwrap();
                    audit.recall(&task, history.iter().map(auditable));
                }
                told.take(entry);
            }
        }
        told.audit.add(audit.report(&Outside::default()));
    }
    told
}

fn auditable(entry: &Entry) -> longhaul_audit::Entry<'_> {
    longhaul_audit::Entry {
        sequence: entry.sequence,
        stored_at: entry.stored_at,
        subject: &entry.subject,
        record: entry.record.as_ref(),
    }
}

impl Told {
    fn take(&mut self, entry: Entry) {
        match (entry.record, entry.subject) {
            (Ok(Record::Task(commit)), Parsed::Task { org, task, .. }) => {
                let (events, state) = self.tasks.entry(TaskRef { org, task }).or_default();
                *state = apply_commit(state.take(), &commit, entry.sequence);
                events.extend(commit.events.into_iter().map(|event| event.body));
            }
            (Ok(_), _) => {}
            (Err(_), _) => self.unreadable += 1,
        }
    }

    /// Asserts what holds of every task whatever happened to processes and connections: what the audit
    /// knows, and that each is stored once and no step of it recorded twice.
    ///
    /// # Panics
    /// Saying what does not hold.
    pub fn assert_sound(&self) {
        assert!(self.audit.is_sound(), "{}", self.audit);
        for (task, (events, state)) in &self.tasks {
            let names: Vec<_> = events.iter().map(EventBody::name).collect();
            let submitted = names.iter().filter(|name| **name == "submitted").count();
            assert_eq!(submitted, 1, "{}: {names:?}", task.task);
            let mut steps = BTreeSet::new();
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
