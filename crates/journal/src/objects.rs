//! The object store, payloads, and forgetting.

use std::collections::BTreeSet;

use bytes::Bytes;
use longhaul_core::{Commit, Decision, Digest, EventBody, Payload, Sequence, Submission, TaskRef};
use longhaul_wire::{Record, Subject, sha256};
use serde_json::Value;

use crate::error::Error;
use crate::journal::Journal;
use crate::tries::again;

/// Largest payload kept in the event itself, in bytes of JSON.
pub const MAX_INLINE: usize = 64 * 1024;

/// Largest payload, in bytes of JSON.
pub const MAX_PAYLOAD: u64 = 64 * 1024 * 1024;

/// Largest object, in bytes.
pub const MAX_OBJECT: u64 = 512 * 1024 * 1024;

impl Journal {
    /// Stores an object under its digest. Storing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_OBJECT`], or if the store is not available.
    pub async fn put(&self, body: Bytes) -> Result<Digest, Error> {
        bounded("the object", body.len(), MAX_OBJECT)?;
        let digest = sha256(&body);
        again(self.deadline, || self.port.put(digest, body.clone())).await?;
        Ok(digest)
    }

    /// An object, checked against its digest.
    ///
    /// # Errors
    /// If it is not there, or the store is not available.
    pub async fn get(&self, digest: Digest) -> Result<Bytes, Error> {
        Ok(again(self.deadline, || self.port.get(digest)).await?)
    }

    /// Makes a payload of JSON: in the event itself up to [`MAX_INLINE`], else in the object store.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_PAYLOAD`], or if the store is not available.
    pub async fn store_payload(&self, value: Value) -> Result<Payload, Error> {
        let bytes = serde_json::to_vec(&value)
            .map_err(|source| Error::Malformed { what: "the payload".to_owned(), source })?;
        if bytes.len() <= MAX_INLINE {
            return Ok(Payload::Inline(value));
        }
        bounded("the payload", bytes.len(), MAX_PAYLOAD)?;
        let size = bytes.len() as u64;
        let sha256 = self.put(bytes.into()).await?;
        Ok(Payload::Stored { sha256, size })
    }

    /// The JSON of a payload.
    ///
    /// # Errors
    /// [`Error::Gone`] if it was erased; if it is not in the store, or that is not available.
    pub async fn load_payload(&self, payload: &Payload) -> Result<Value, Error> {
        match payload {
            Payload::Inline(value) => Ok(value.clone()),
            Payload::Gone => Err(Error::Gone),
            Payload::Stored { sha256, .. } => {
                let bytes = self.get(*sha256).await?;
                serde_json::from_slice(&bytes)
                    .map_err(|source| Error::Malformed { what: format!("the payload {sha256}"), source })
            }
        }
    }

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
        if !objects.is_empty() {
            self.keep_shared(task, &mut objects).await?;
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

    /// Takes out of `objects` what other tasks name.
    async fn keep_shared(&self, task: &TaskRef, objects: &mut BTreeSet<Digest>) -> Result<(), Error> {
        let own = Subject::task(self.shards(), &task.org, task.task).parsed().clone();
        for shard in self.shards().all() {
            if self.head(shard).await? == Sequence::ZERO {
                continue;
            }
            let mut follower = self.follow(shard, Sequence::ZERO).await?;
            loop {
                let mut caught_up = false;
                for entry in follower.next_batch(1000).await? {
                    caught_up = entry.pending == 0;
                    if let Ok(Record::Task(commit)) = &entry.record
                        && entry.subject != own
                    {
                        let mut others = BTreeSet::new();
                        named(commit, &mut others);
                        objects.retain(|digest| !others.contains(digest));
                    }
                }
                if caught_up || objects.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn bounded(what: &'static str, size: usize, limit: u64) -> Result<(), Error> {
    let size = size as u64;
    if size <= limit { Ok(()) } else { Err(Error::TooLarge { what, size, limit }) }
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
            | EventBody::ApprovalDecided {
                decision:
                    Decision::Approved | Decision::Modified { .. } | Decision::Rejected { .. } | Decision::Lapsed,
                ..
            }
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
