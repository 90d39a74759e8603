//! The writer of one run: the only one that appends for it.
//!
//! One append is in flight at a time; what is said meanwhile goes out as one commit. The writer keeps
//! its own snapshot up to date by folding its own commits. A conflict means that somebody else wrote
//! to the task: it looks at what, and decides again.
//!
//! It never gives up on a log that is out of reach. Its run may have been taken over meanwhile; the
//! log itself tells, by refusing the next append. Until then nothing new begins, as a step begins
//! only once the log has taken its start.

use std::sync::Arc;

use longhaul_core::{Act, Actor, Commit, Rejection, RunNumber, Sequence, Snapshot, TaskError, TaskRef};
use longhaul_journal::{CommitError, Error, Journal, Record, stamp};
use tokio::time::Instant;

use super::desk::{Desk, Receipt, Refused, Work, pace};
use super::draft::{draft, lighten};
use super::outbox::Entry;
use crate::patience::Waits;

/// How a run ended, seen from its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By what it wrote itself.
    ByItself,
    /// Somebody else ended it, or took it over.
    ByOthers,
    /// Its history is full.
    TooLong,
    /// Somebody wrote what this program cannot read: the run is left to whoever can.
    Unreadable,
}

pub(crate) struct Writer {
    journal: Journal,
    task: TaskRef,
    run: RunNumber,
    actor: Actor,
    desk: Arc<Desk>,
    snapshot: Snapshot,
    last_commit: Instant,
    ended: Option<Ended>,
}

impl Drop for Writer {
    /// A writer that breaks down takes its handler with it: nothing it said would be heard.
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.desk.end(true);
        }
    }
}

/// What became of an append.
enum Appended {
    Stored(Sequence),
    Conflict,
    /// It cannot be stored as it is.
    Refused(Refused),
}

impl Writer {
    /// A writer for the run that `snapshot` says is under way.
    pub(crate) fn new(journal: Journal, actor: Actor, desk: Arc<Desk>, mut snapshot: Snapshot) -> Self {
        lighten(&mut snapshot);
        let task = TaskRef { org: snapshot.owner.org.clone(), task: snapshot.task };
        let run = snapshot.run;
        Self { journal, task, run, actor, desk, snapshot, last_commit: Instant::now(), ended: None }
    }

    /// Writes until the run has ended.
    pub(crate) async fn run(mut self) -> Ended {
        // The first word goes out at once.
        let mut due = self.last_commit;
        loop {
            if let Some(ended) = self.ended {
                self.desk.end(ended != Ended::ByItself);
                return ended;
            }
            match self.desk.next(self.snapshot.sequence, due).await {
                // On the heap while it lasts: most writers wait most of the time.
                Work::News => Box::pin(self.refresh()).await,
                Work::Write(entries) => Box::pin(self.write(entries)).await,
            }
            due = self.last_commit + pace(self.snapshot.events);
        }
    }

    /// Brings the entries into the log, or tells whoever said them why not.
    async fn write(&mut self, entries: Vec<Entry<Receipt>>) {
        let mut batches = vec![entries];
        while let Some(mut entries) = batches.pop() {
            match self.write_at_once(&entries).await {
                Ok(fates) => self.settle(entries, fates).await,
                Err(Refused::Over) => {
                    let over = entries.iter().map(|_| Err(Refused::Over)).collect();
                    self.settle(entries, over).await;
                }
                Err(refused) if entries.len() == 1 => self.settle(entries, vec![Err(refused)]).await,
                // One of them cannot be stored. The halves find out which.
                Err(_) => {
                    let second = entries.split_off(entries.len() / 2);
                    batches.push(second);
                    batches.push(entries);
                }
            }
        }
    }

    /// One commit for all of them, decided anew until nobody else comes between.
    async fn write_at_once(
        &mut self,
        entries: &[Entry<Receipt>],
    ) -> Result<Vec<Result<(), Refused>>, Refused> {
        loop {
            if self.ended.is_some() {
                return Err(Refused::Over);
            }
            let now = self.journal.now();
            let acts = entries.iter().map(|entry| &entry.act);
            let draft = draft(&self.snapshot, self.run, &self.actor, acts, now);
            let fates = draft.fates.into_iter().map(|fate| fate.map_err(Refused::Rejected)).collect();
            if draft.events.is_empty() {
                return Ok(fates);
            }
            let commit = stamp(self.task.task, &self.actor, draft.events, now);
            match self.append(&commit).await {
                Appended::Stored(sequence) => {
                    self.last_commit = Instant::now();
                    self.learn(Snapshot { sequence, ..draft.after }, Ended::ByItself);
                    return Ok(fates);
                }
                Appended::Conflict => self.refresh().await,
                Appended::Refused(refused) => return Err(refused),
            }
        }
    }

    /// Tells the fates.
    async fn settle(&mut self, entries: Vec<Entry<Receipt>>, fates: Vec<Result<(), Refused>>) {
        let mut too_many = None;
        for (entry, fate) in entries.into_iter().zip(fates) {
            if let Err(Refused::Rejected(Rejection::TooManyEvents { events })) = fate {
                too_many = Some(events);
            }
            match (entry.receipt, fate) {
                // Whoever said it may be gone.
                (Some(receipt), fate) => drop(receipt.send(fate)),
                (None, Err(why)) => tracing::debug!(task = %self.task.task, ?why, "not recorded"),
                (None, Ok(())) => {}
            }
        }
        if let Some(events) = too_many
            && self.ended.is_none()
        {
            self.give_up(events).await;
        }
    }

    /// A history that is full ends its task: going on without a record would be worse.
    async fn give_up(&mut self, events: u64) {
        let error = TaskError {
            code: "too_many_events".to_owned(),
            message: Rejection::TooManyEvents { events }.to_string(),
            retryable: false,
        };
        let fail = Act::Fail { error };
        while self.ended.is_none() {
            let now = self.journal.now();
            let draft = draft(&self.snapshot, self.run, &self.actor, std::iter::once(&fail), now);
            let commit = stamp(self.task.task, &self.actor, draft.events, now);
            match self.append(&commit).await {
                Appended::Stored(sequence) => {
                    self.learn(Snapshot { sequence, ..draft.after }, Ended::TooLong);
                }
                Appended::Conflict => self.refresh().await,
                Appended::Refused(why) => {
                    tracing::error!(task = %self.task.task, ?why, "cannot record the failure of the task");
                    self.ended = Some(Ended::TooLong);
                }
            }
        }
    }

    /// Takes a new state in; if the run has ended in it, `by` says who ended it.
    fn learn(&mut self, snapshot: Snapshot, by: Ended) {
        self.desk.publish(&snapshot);
        if snapshot.run != self.run || !snapshot.status.is_running() {
            self.ended = Some(by);
        }
        self.snapshot = snapshot;
    }

    /// Looks at what others wrote.
    async fn refresh(&mut self) {
        let mut waits = Waits::default();
        loop {
            match self.journal.refresh(self.snapshot.clone()).await {
                Ok(mut snapshot) => {
                    lighten(&mut snapshot);
                    return self.learn(snapshot, Ended::ByOthers);
                }
                Err(Error::Corrupt { sequence, source, .. }) => {
                    let task = self.task.task;
                    tracing::warn!(%task, %sequence, %source, "the task is put aside: a record of it is not readable");
                    self.ended = Some(Ended::Unreadable);
                    return;
                }
                Err(error) => waits.after(self.task.task, &error).await,
            }
        }
    }

    /// Appends a commit; comes back only with a certain answer.
    async fn append(&self, commit: &Commit) -> Appended {
        let mut waits = Waits::default();
        let mut uncertain = false;
        loop {
            let expect = self.snapshot.sequence;
            let error = match self.journal.commit(&self.task.org, commit, expect).await {
                Ok(sequence) => return Appended::Stored(sequence),
                Err(CommitError::Conflict) if !uncertain => return Appended::Conflict,
                Err(CommitError::TooLarge { size, limit }) => {
                    return Appended::Refused(Refused::TooLarge { size, limit });
                }
                Err(CommitError::Unusable(why)) => {
                    return Appended::Refused(Refused::Unusable(why.to_string()));
                }
                Err(error) => error,
            };
            uncertain |= matches!(error, CommitError::Uncertain(_));
            // An earlier try of the same commit may have been stored: then the conflict is with
            // ourselves.
            if uncertain && let Some(found) = self.find(commit, expect).await {
                return found;
            }
            waits.after(self.task.task, &error).await;
        }
    }

    /// What was stored after `expect`; nothing if nothing was, or it cannot be read now.
    async fn find(&self, commit: &Commit, expect: Sequence) -> Option<Appended> {
        let later = self.journal.history_after(&self.task, expect).await.ok()?;
        let next = later.into_iter().next()?;
        match next.record {
            Ok(Record::Task(found)) if found.id == commit.id => Some(Appended::Stored(next.sequence)),
            _ => Some(Appended::Conflict),
        }
    }
}
