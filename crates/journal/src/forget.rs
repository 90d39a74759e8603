//! Forgetting what an erased task said.

use std::collections::BTreeSet;

use longhaul_core::{Commit, Digest, EventBody, Payload, Sequence, Submission, TaskRef};
use longhaul_wire::{Parsed, Record, Shard, Subject};

use crate::entry::Entry;
use crate::error::Error;
use crate::journal::Journal;
use crate::port::PortError;
use crate::tries::{TimeOver, Tries, again};

/// How many records are looked at before the search is known to go on well.
const PAGE: usize = 1000;

impl Journal {
    /// Makes what an erased task said unreadable: every record before the one that erased it, and
    /// the objects only these name. Repeating it after a failure, or a crash, goes on where it
    /// stopped; to that end the objects go first.
    ///
    /// An object that another task names too (a rerun, a fork, the same file) stays: to find out,
    /// the whole log is read, once, if there are objects at all. Bytes equal to erased ones that
    /// somebody stores at this very moment, for a record not yet written, may go with them.
    ///
    /// # Errors
    /// If the log or the store is not available.
    pub async fn forget(&self, task: &TaskRef, erased: Sequence) -> Result<(), Error> {
        let mut doomed = Vec::new();
        let mut objects = BTreeSet::new();
        for entry in self.history(task).await? {
            if entry.sequence < erased {
                doomed.push(entry.sequence);
                if let Ok(Record::Task(commit)) = &entry.record {
                    named(commit, &mut objects);
                }
            }
        }
        let own = Subject::task(self.shards(), &task.org, task.task).parsed().clone();
        for shard in self.shards().all() {
            self.keep_shared(shard, &own, &mut objects).await?;
        }
        for digest in objects {
            again(self.deadline, || self.port.remove(digest)).await?;
        }
        let shard = self.shards().of(&task.org);
        if !doomed.is_empty() {
            again(self.deadline, || self.port.forget(shard, &doomed)).await?;
        }
        Ok(())
    }

    /// Takes out of `objects` what records of a shard name that do not lie under `own`.
    async fn keep_shared(
        &self,
        shard: Shard,
        own: &Parsed,
        objects: &mut BTreeSet<Digest>,
    ) -> Result<(), Error> {
        let head = self.head(shard).await?;
        let mut at = Sequence::ZERO;
        let mut follower = None;
        let mut tries = Tries::new(self.deadline);
        while at < head && !objects.is_empty() {
            let reader = match &mut follower {
                Some(reader) => reader,
                None => follower.insert(self.follow(shard, at).await?),
            };
            // The last records before the head may be gone; then nothing more comes.
            let silent = || PortError::Unreachable(format!("nothing more comes from shard {shard}"));
            let batch = tokio::time::timeout(self.deadline, reader.next_batch(PAGE)).await;
            match batch.unwrap_or_else(|_| Err(silent().into())) {
                Ok(batch) => {
                    batch.iter().filter(|entry| entry.subject != *own).for_each(|entry| keep(entry, objects));
                    at = batch
                        .last()
                        .map_or(at, |entry| if entry.pending == 0 { head } else { entry.sequence });
                    tries = Tries::new(self.deadline);
                }
                Err(why) if why.is_transient() => {
                    follower = None;
                    tries.wait().await.map_err(|TimeOver| why)?;
                }
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }
}

/// Takes out of `objects` what a record names.
fn keep(entry: &Entry, objects: &mut BTreeSet<Digest>) {
    if let Ok(Record::Task(commit)) = &entry.record {
        let mut others = BTreeSet::new();
        named(commit, &mut others);
        objects.retain(|digest| !others.contains(digest));
    }
}

/// Adds the objects that a commit names.
fn named(commit: &Commit, objects: &mut BTreeSet<Digest>) {
    let mut payload = |payload: &Payload| {
        if let Payload::Stored { sha256, .. } = payload {
            objects.insert(*sha256);
        }
    };
    for event in &commit.events {
        match &event.body {
            EventBody::Submitted(said) => submitted(said, &mut payload),
            EventBody::StepCompleted { result, .. } => payload(result),
            EventBody::Completed { output, .. } => payload(output),
            EventBody::ArtifactStored { artifact, .. } => {
                payload(&Payload::Stored { sha256: artifact.sha256, size: artifact.size });
            }
            // Spelt out, so that a new kind of event with a payload is not overlooked.
            EventBody::Started { .. }
            | EventBody::StepStarted { .. }
            | EventBody::Progressed { .. }
            | EventBody::TextAppended { .. }
            | EventBody::UsageRecorded { .. }
            | EventBody::ApprovalRequested { .. }
            | EventBody::ApprovalDecided { .. }
            | EventBody::AbortRequested { .. }
            | EventBody::Continued { .. }
            | EventBody::Lost { .. }
            | EventBody::Failed { .. }
            | EventBody::Aborted { .. }
            | EventBody::Expired { .. }
            | EventBody::Retried { .. }
            | EventBody::Dismissed { .. }
            | EventBody::Erased { .. } => {}
        }
    }
}

fn submitted(said: &Submission, payload: &mut impl FnMut(&Payload)) {
    payload(&said.input);
    said.context.iter().for_each(&mut *payload);
    said.inherited.iter().for_each(|step| payload(&step.result));
}
