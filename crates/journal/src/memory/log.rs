//! One shard's messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use longhaul_core::{Sequence, Timestamp};
use longhaul_wire::Subject;

use super::Memory;
use crate::port::{Append, AppendError, PortError, Stored};

/// How many messages a follower takes at a time.
const PAGE: usize = 256;

#[derive(Default)]
pub(super) struct Log {
    messages: BTreeMap<u64, Message>,
    /// Of each subject the sequences that are still there, oldest first.
    subjects: HashMap<Subject, Vec<u64>>,
    forgotten: BTreeSet<u64>,
    head: u64,
}

struct Message {
    subject: Subject,
    stored_at: Timestamp,
    body: Bytes,
}

impl Log {
    pub(super) fn append(&mut self, message: Append, now: Timestamp) -> Result<Sequence, AppendError> {
        let Append { subject, expect, body } = message;
        let known = self.subjects.entry(subject.clone()).or_default();
        let last = known.last().copied().unwrap_or(0);
        if expect.is_some_and(|expected| expected.0 != last) {
            return Err(AppendError::Conflict { subject });
        }
        self.head += 1;
        known.push(self.head);
        self.messages.insert(self.head, Message { subject, stored_at: now, body });
        Ok(Sequence(self.head))
    }

    pub(super) fn head(&self) -> Sequence {
        Sequence(self.head)
    }

    pub(super) fn read(&self, subject: &Subject, after: Sequence) -> Vec<Stored> {
        let known = self.subjects.get(subject).map(Vec::as_slice).unwrap_or_default();
        let first = known.partition_point(|sequence| *sequence <= after.0);
        known[first..].iter().filter_map(|sequence| self.stored(*sequence)).collect()
    }

    pub(super) fn last(&self, subject: &Subject) -> Option<Stored> {
        self.stored(*self.subjects.get(subject)?.last()?)
    }

    pub(super) fn at(&self, subject: &Subject, sequence: Sequence) -> Option<Stored> {
        self.stored(sequence.0).filter(|stored| stored.subject == *subject)
    }

    pub(super) fn forget(&mut self, sequences: &[Sequence]) {
        for sequence in sequences {
            if let Some(message) = self.messages.remove(&sequence.0) {
                self.forgotten.insert(sequence.0);
                if let Some(known) = self.subjects.get_mut(&message.subject) {
                    known.retain(|known| *known != sequence.0);
                }
            }
        }
    }

    fn page(&self, after: u64) -> VecDeque<Stored> {
        let later = self.messages.range((Excluded(after), Unbounded));
        later.take(PAGE).filter_map(|(sequence, _)| self.stored(*sequence)).collect()
    }

    fn stored(&self, sequence: u64) -> Option<Stored> {
        let message = self.messages.get(&sequence)?;
        let gone = self.forgotten.range((Excluded(sequence), Unbounded)).count() as u64;
        Some(Stored {
            subject: message.subject.clone(),
            sequence: Sequence(sequence),
            stored_at: message.stored_at,
            body: message.body.clone(),
            pending: self.head - sequence - gone,
        })
    }
}

pub(super) fn follow(
    memory: Memory,
    shard: usize,
    after: Sequence,
) -> BoxStream<'static, Result<Stored, PortError>> {
    let state = (memory, VecDeque::new(), after.0);
    stream::unfold(state, move |(memory, mut page, position)| async move {
        if page.is_empty() {
            page = memory
                .when(|state| Some(state.logs[shard].page(position)).filter(|page| !page.is_empty()))
                .await;
        }
        let next: Stored = page.pop_front()?;
        let position = next.sequence.0;
        Some((Ok(next), (memory, page, position)))
    })
    .boxed()
}
