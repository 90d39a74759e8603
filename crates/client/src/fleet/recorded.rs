//! A history from a file, read as if it were a log: offline, by the same code.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use longhaul_audit::{Entry as Plain, History, Known, LineError};
use longhaul_core::{Digest, EventBody, Sequence, TaskRef, Timestamp};
use longhaul_journal::port::{
    Answer, Append, AppendError, Durability, Port, PortError, PortInfo, Request, ServiceSpec, Stored,
    SwapError,
};
use longhaul_journal::{Journal, Shards};
use longhaul_wire::cell::Cell;
use longhaul_wire::query::{Positions, Slot, SlotsTaken};
use longhaul_wire::{MAX_RECORD, Parsed, Record, Shard, Subject, encode};
use tokio::sync::mpsc;

use super::{Brief, Gone, Scope, Word};
use crate::{Client, Error};

/// How many tasks are told in one word.
const PAGE: usize = 512;

/// Why a file is not a history.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// It cannot be read.
    #[error("line {line} cannot be read")]
    Io {
        /// Which line, counted from 1.
        line: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is none of a history.
    #[error("line {line}")]
    Line {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: LineError,
    },
}

/// A history from a file, in memory.
pub struct Recorded {
    log: Arc<Log>,
    damage: Vec<String>,
}

impl Recorded {
    /// Reads a history as `longhaul doctor --export` writes it.
    ///
    /// # Errors
    /// [`RecordedError`] with the line at which it is none.
    pub fn read(mut from: impl BufRead) -> Result<Self, RecordedError> {
        let (mut history, mut buffer): (Option<History>, _) = (None, Vec::new());
        for line in 1.. {
            buffer.clear();
            let read = from.read_until(b'\n', &mut buffer);
            if read.map_err(|source| RecordedError::Io { line, source })? == 0 && line > 1 {
                break;
            }
            let text = buffer.strip_suffix(b"\n").unwrap_or(&buffer);
            let took = match &mut history {
                None => History::begin(text).map(|begun| history = Some(begun)),
                Some(history) => history.line(text),
            };
            took.map_err(|source| RecordedError::Line { line, source })?;
        }
        // The first line was taken, or said what is wrong.
        let Some(history) = history else {
            return Err(RecordedError::Line { line: 1, source: LineError::Empty });
        };
        Ok(Self { log: Arc::new(Log::of(&history)), damage: history.damage() })
    }

    /// The history as a journal. Nothing can be written to it, nothing follows, and nobody beats.
    pub fn journal(&self) -> Journal {
        Journal::new(self.log.clone())
    }

    /// How many records it has.
    pub fn records(&self) -> usize {
        self.log.shards.iter().map(|records| records.len()).sum()
    }

    /// When the last record was stored.
    pub fn ends_at(&self) -> Timestamp {
        let last = self.log.shards.iter().filter_map(|records| records.last());
        last.map(|stored| stored.stored_at).max().unwrap_or_default()
    }

    /// In what it is not as it was written; nothing if it is whole, or does not say.
    pub fn damage(&self) -> &[String] {
        &self.damage
    }
}

/// What is said to a record that cannot be read: no JSON at all, so that it stays one.
const UNREADABLE: &[u8] = b"unreadable";

/// The records, as a log.
struct Log {
    /// Of each shard, by place.
    shards: Vec<Arc<[Stored]>>,
    /// Of each subject, where in the shard.
    subjects: HashMap<Subject, Vec<u32>>,
}

impl Log {
    fn of(history: &History) -> Self {
        let mut shards: Vec<Vec<Stored>> = history.shards().all().map(|_| Vec::new()).collect();
        for record in history.log() {
            let Some(shard) = shards.get_mut(usize::from(record.subject.shard().0)) else { continue };
            let body = match record.record.as_ref().ok().map(|body| encode(&record.subject, body)) {
                Some(Ok(body)) => Bytes::from(body),
                _ => Bytes::from_static(UNREADABLE),
            };
            shard.push(Stored {
                subject: record.subject.subject(),
                sequence: record.sequence,
                stored_at: record.stored_at,
                body,
                pending: 0,
            });
        }
        let mut subjects: HashMap<Subject, Vec<u32>> = HashMap::new();
        for records in &mut shards {
            records.sort_by_key(|stored| stored.sequence);
            let all = records.len() as u64;
            for (at, stored) in (0..).zip(records) {
                stored.pending = all - u64::from(at) - 1;
                subjects.entry(stored.subject.clone()).or_default().push(at);
            }
        }
        Self { shards: shards.into_iter().map(Arc::from).collect(), subjects }
    }

    fn shard(&self, shard: Shard) -> Result<&Arc<[Stored]>, PortError> {
        let records = self.shards.get(usize::from(shard.0));
        records.ok_or_else(|| PortError::NotFound(format!("shard {shard}")))
    }

    fn of_subject(&self, subject: &Subject) -> Result<impl DoubleEndedIterator<Item = &Stored>, PortError> {
        let records = self.shard(subject.shard())?;
        let places = self.subjects.get(subject).map(Vec::as_slice).unwrap_or_default();
        Ok(places.iter().filter_map(|at| records.get(*at as usize)))
    }
}

fn closed() -> PortError {
    PortError::Refused("this is a file: it can be looked at, not acted on".to_owned())
}

impl Port for Log {
    fn info(&self) -> PortInfo {
        let shards = u16::try_from(self.shards.len()).unwrap_or(Shards::MAX);
        let server = "a file".to_owned();
        PortInfo { shards, durability: Durability::None, server, max_message: MAX_RECORD }
    }

    fn append(&self, _: Append) -> BoxFuture<'_, Result<Sequence, AppendError>> {
        Box::pin(async { Err(AppendError::DidNotHappen(closed())) })
    }

    fn read<'a>(
        &'a self,
        subject: &'a Subject,
        after: Sequence,
    ) -> BoxFuture<'a, Result<Vec<Stored>, PortError>> {
        Box::pin(async move {
            let records = self.of_subject(subject)?;
            Ok(records.filter(|stored| stored.sequence > after).cloned().collect())
        })
    }

    fn last<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move { Ok(self.of_subject(subject)?.next_back().cloned()) })
    }

    fn at<'a>(
        &'a self,
        subject: &'a Subject,
        sequence: Sequence,
    ) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            let mut records = self.of_subject(subject)?;
            Ok(records.find(|stored| stored.sequence == sequence).cloned())
        })
    }

    fn head(&self, shard: Shard) -> BoxFuture<'_, Result<Sequence, PortError>> {
        Box::pin(
            async move { Ok(self.shard(shard)?.last().map_or(Sequence::ZERO, |stored| stored.sequence)) },
        )
    }

    fn follow(
        &self,
        shard: Shard,
        after: Sequence,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<Stored, PortError>>, PortError>> {
        Box::pin(async move {
            let records = self.shard(shard)?;
            let first = records.partition_point(|stored| stored.sequence <= after);
            let records = records.clone();
            let rest = (first..records.len()).filter_map(move |at| records.get(at).cloned());
            Ok(stream::iter(rest.map(Ok)).chain(stream::pending()).boxed())
        })
    }

    fn forget<'a>(&'a self, _: Shard, _: &'a [Sequence]) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async { Err(closed()) })
    }

    fn beat<'a>(&'a self, _: &'a str, _: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async { Err(closed()) })
    }

    fn beats(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, PortError>>, PortError>> {
        Box::pin(async { Ok(stream::pending().boxed()) })
    }

    fn cell<'a>(&'a self, _: &'a Cell) -> BoxFuture<'a, Result<Option<(Sequence, Bytes)>, PortError>> {
        Box::pin(async { Ok(None) })
    }

    fn swap<'a>(&'a self, _: &'a Cell, _: Sequence, _: Bytes) -> BoxFuture<'a, Result<Sequence, SwapError>> {
        Box::pin(async { Err(closed().into()) })
    }

    fn say<'a>(&'a self, _: &'a str, _: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async { Err(closed()) })
    }

    fn listen<'a>(
        &'a self,
        _: &'a str,
    ) -> BoxFuture<'a, Result<BoxStream<'static, (String, Bytes)>, PortError>> {
        Box::pin(async { Ok(stream::pending().boxed()) })
    }

    fn put(&self, _: Digest, _: Bytes) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async { Err(closed()) })
    }

    fn get(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, PortError>> {
        Box::pin(
            async move { Err(PortError::NotFound(format!("object {digest}: a history has no objects"))) },
        )
    }

    fn remove(&self, _: Digest) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async { Err(closed()) })
    }

    fn serve(
        &self,
        _: ServiceSpec,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Box<dyn Request>>, PortError>> {
        Box::pin(async { Err(closed()) })
    }

    fn ask<'a>(
        &'a self,
        subject: &'a str,
        _: Bytes,
        _: Duration,
    ) -> BoxFuture<'a, Result<Answer, PortError>> {
        Box::pin(async move { Err(PortError::NotFound(subject.to_owned())) })
    }
}

/// What is known of a task of a file so far.
#[derive(Default)]
struct Folded {
    known: Known,
    submitted: Option<Sequence>,
}

impl Client {
    /// Tells `words` of all tasks of a log that does not grow, as they stand at its end: what
    /// [`Client::fleet`] tells, without a projector.
    ///
    /// # Errors
    /// What the log says.
    pub async fn recorded(&self, scope: &Scope, words: mpsc::Sender<Word>) -> Result<(), Error> {
        let (mut tasks, mut heads, mut unreadable) = (HashMap::new(), Positions::default(), 0);
        for shard in self.shards_of(scope) {
            let head = self.journal.head(shard).await?;
            heads.advance(shard, head);
            self.each(shard, Sequence::ZERO, head, |unread| {
                let Parsed::Task { org, task, .. } = unread.subject() else {
                    return ControlFlow::Continue(());
                };
                if scope.includes(org) {
                    let at = TaskRef { org: org.clone(), task: *task };
                    let entry = unread.read();
                    unreadable += u32::from(entry.record.is_err());
                    tasks.entry(at).or_insert_with(Folded::default).take(&entry);
                }
                ControlFlow::Continue(())
            })
            .await?;
        }
        let policy = self.journal.policy(&self.identity.org).await?;
        let slots = SlotsTaken {
            as_of: heads.clone(),
            organisation: Slot { cap: policy.caps.organisation, ..Slot::default() },
            policy,
            users: Vec::new(),
        };
        // Whoever listened may have gone: that is no error.
        if tell(&words, tasks, heads, unreadable).await.is_ok() {
            let _ = words.send(Word::Slots(Box::new(slots))).await;
        }
        Ok(())
    }
}

impl Folded {
    fn take(&mut self, entry: &longhaul_journal::Entry) {
        if let Ok(Record::Task(commit)) = &entry.record
            && let Some(EventBody::Submitted(_)) = commit.events.first().map(|event| &event.body)
        {
            self.submitted.get_or_insert(entry.sequence);
        }
        let record = entry.record.as_ref();
        self.known.take(Plain {
            sequence: entry.sequence,
            stored_at: entry.stored_at,
            subject: &entry.subject,
            record,
        });
    }

    fn brief(&self) -> Option<Brief> {
        let snapshot = self.known.snapshot.as_ref()?;
        let aside = self.known.unreadable.is_some();
        Some(Brief { aside, submitted: self.submitted, ..Brief::of(snapshot) })
    }
}

async fn tell(
    words: &mpsc::Sender<Word>,
    tasks: HashMap<TaskRef, Folded>,
    heads: Positions,
    unreadable: u32,
) -> Result<(), Gone> {
    let say = async |word| words.send(word).await.map_err(|_| Gone);
    say(Word::From(heads)).await?;
    let briefs: Vec<Brief> = tasks.values().filter_map(Folded::brief).collect();
    for page in briefs.chunks(PAGE) {
        say(Word::Listed { tasks: page.to_vec(), unreadable: 0, last: false }).await?;
    }
    say(Word::Listed { tasks: Vec::new(), unreadable, last: true }).await
}
