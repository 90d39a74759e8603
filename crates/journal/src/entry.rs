//! Records as they are read, and following a shard.

use bytes::Bytes;
use futures::future::FutureExt;
use futures::stream::{BoxStream, StreamExt};
use longhaul_core::{Sequence, Timestamp};
use longhaul_wire::{DecodeError, Parsed, Record, Shard, Shards, decode};

use crate::error::Error;
use crate::journal::Journal;
use crate::port::{PortError, Stored};
use crate::tries::again;

/// A record of the log, where it lies, and what could be read of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its shard.
    pub shard: Shard,
    /// Its place in the shard.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// Its subject.
    pub subject: Parsed,
    /// What it says, or why that cannot be read.
    pub record: Result<Record, DecodeError>,
    /// How many later records the shard had when it was read; 0 means caught up.
    pub pending: u64,
    /// Its size, in bytes.
    pub bytes: usize,
}

impl Entry {
    pub(crate) fn new(shards: Shards, stored: Stored) -> Self {
        let subject = stored.subject.parsed().clone();
        let record = match shards.of(subject.org()) {
            // A second history of the same organisation, in a shard nobody looks for it.
            shard if shard != subject.shard() => Err(DecodeError::WrongPlace {
                what: "shard",
                subject: subject.shard().to_string(),
                body: shard.to_string(),
            }),
            _ => decode(&subject, &stored.body),
        };
        Self {
            shard: subject.shard(),
            sequence: stored.sequence,
            stored_at: stored.stored_at,
            subject,
            record,
            pending: stored.pending,
            bytes: stored.body.len(),
        }
    }
}

/// A record as it arrived: where it lies is known, what it says is not read yet. For whoever needs few
/// of many records.
#[derive(Debug, Clone)]
pub struct Unread {
    shards: Shards,
    stored: Stored,
}

impl Unread {
    /// Its place in the shard.
    pub fn sequence(&self) -> Sequence {
        self.stored.sequence
    }

    /// When the server stored it.
    pub fn stored_at(&self) -> Timestamp {
        self.stored.stored_at
    }

    /// How many later records the shard had when it was read; 0 means caught up.
    pub fn pending(&self) -> u64 {
        self.stored.pending
    }

    /// Its subject.
    pub fn subject(&self) -> &Parsed {
        self.stored.subject.parsed()
    }

    /// Its size, in bytes.
    pub fn bytes(&self) -> usize {
        self.stored.body.len()
    }

    /// Reads it.
    pub fn read(self) -> Entry {
        Entry::new(self.shards, self.stored)
    }

    /// The same in memory of its own: one that is kept does not hold what else came with it.
    #[must_use]
    pub fn detached(&self) -> Self {
        let body = Bytes::copy_from_slice(&self.stored.body);
        Self { shards: self.shards, stored: Stored { body, ..self.stored.clone() } }
    }
}

/// Reads a shard in order, from a place on, for ever.
pub struct Follower {
    shard: Shard,
    shards: Shards,
    stream: BoxStream<'static, Result<Stored, PortError>>,
    /// An error met behind a batch that was given first.
    held: Option<PortError>,
}

impl Journal {
    /// Follows a shard: every record after `after`, then those to come, in order, without gaps.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn follow(&self, shard: Shard, after: Sequence) -> Result<Follower, Error> {
        let stream = again(self.deadline, || self.port.follow(shard, after)).await?;
        Ok(Follower { shard, shards: self.shards(), stream, held: None })
    }
}

impl Follower {
    /// The shard it reads.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The next record; waits for it. Nothing more comes after an end or an error: follow anew from
    /// the last entry.
    pub async fn next(&mut self) -> Option<Result<Entry, Error>> {
        Some(self.next_unread().await?.map(Unread::read))
    }

    /// As [`Follower::next`], without reading it.
    pub async fn next_unread(&mut self) -> Option<Result<Unread, Error>> {
        if let Some(why) = self.held.take() {
            return Some(Err(why.into()));
        }
        let stored = self.stream.next().await?;
        let shards = self.shards;
        Some(stored.map(|stored| Unread { shards, stored }).map_err(Error::from))
    }

    /// The next record, waited for, and whatever follows without waiting, up to `max` in all.
    ///
    /// # Errors
    /// If the shard cannot be followed any more; what was read before the error is given first.
    pub async fn next_batch(&mut self, max: usize) -> Result<Vec<Entry>, Error> {
        let mut batch = vec![self.next().await.ok_or(Error::Ended(self.shard.0))??];
        while batch.len() < max {
            match self.stream.next().now_or_never() {
                Some(Some(Ok(stored))) => batch.push(Entry::new(self.shards, stored)),
                Some(Some(Err(why))) => {
                    self.held = Some(why);
                    break;
                }
                // The end shows itself again at the next call.
                Some(None) | None => break,
            }
        }
        Ok(batch)
    }
}
