//! How tasks stood at a moment, and what happened around it.
//!
//! Nothing here folds the whole log. A task that nothing happened to since is as it is now, and one
//! that was submitted later was not there: only those in between are read, each from its own history.
//! What happens around a moment comes as [`Step`]s that lead both ways.

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use longhaul_audit::{Entry as Plain, Known};
use longhaul_core::{EventBody, Sequence, Snapshot, TaskRef, Timestamp};
use longhaul_journal::Entry;
use longhaul_wire::{Record, Shard};

use super::{Brief, Happening, Moment, Point};
use crate::text::Segments;
use crate::{Client, Error};

/// How many histories are read at once.
const AT_ONCE: usize = 64;

/// A record of a task, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its shard.
    pub shard: Shard,
    /// Its place there.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// Its task.
    pub task: TaskRef,
    /// How the task stood before; nothing: it was not there.
    pub before: Option<Brief>,
    /// How it stood after; nothing: it still was not there.
    pub after: Option<Brief>,
    /// What it says, event by event. Empty if it cannot be read.
    pub events: Vec<Happening>,
}

impl Step {
    /// Whether the task's status is another one after it.
    pub fn turns(&self) -> bool {
        let status = |brief: &Option<Brief>| brief.as_ref().map(|brief| brief.status);
        status(&self.before) != status(&self.after)
    }
}

/// A task's story as it was at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryThen {
    /// How it stood.
    pub snapshot: Box<Snapshot>,
    /// What had happened, oldest first.
    pub events: Vec<Happening>,
    /// The text that was recorded.
    pub text: String,
}

/// A journal's record as the folds of the auditor take it.
fn plain(entry: &Entry) -> Plain<'_> {
    let Entry { sequence, stored_at, subject, record, .. } = entry;
    Plain { sequence: *sequence, stored_at: *stored_at, subject, record: record.as_ref() }
}

/// Where a history begins, if it still has its beginning.
fn submitted(history: &[Entry]) -> Option<Sequence> {
    let first = history.first()?;
    let Ok(Record::Task(commit)) = &first.record else { return None };
    let begins = matches!(commit.events.first()?.body, EventBody::Submitted(_));
    begins.then_some(first.sequence)
}

/// A task as a list shows it.
fn brief(known: &Known, submitted: Option<Sequence>) -> Option<Brief> {
    let snapshot = known.snapshot.as_ref()?;
    Some(Brief { aside: known.unreadable.is_some(), submitted, ..Brief::of(snapshot) })
}

impl Client {
    /// How tasks stood at a moment; nothing for one that was not there.
    ///
    /// # Errors
    /// What the log says.
    pub async fn tasks_then(
        &self,
        tasks: Vec<TaskRef>,
        moment: &Moment,
    ) -> Result<Vec<(TaskRef, Option<Brief>)>, Error> {
        let then = |at: TaskRef| {
            let (journal, until) = (self.journal.clone(), moment.of(&at.org));
            async move {
                let history = journal.history(&at).await?;
                let known = Known::at(history.iter().map(plain), until);
                Ok::<_, Error>((at, brief(&known, submitted(&history))))
            }
        };
        stream::iter(tasks).map(then).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The story of a task as it was at a moment; nothing if it was not there.
    ///
    /// # Errors
    /// What the log says.
    pub async fn story_then(&self, at: &TaskRef, moment: &Moment) -> Result<Option<StoryThen>, Error> {
        let until = moment.of(&at.org);
        let (mut known, mut events, mut segments) = (Known::default(), Vec::new(), Segments::default());
        for entry in self.journal.history(at).await? {
            if entry.sequence > until {
                break;
            }
            known.take(plain(&entry));
            let Ok(Record::Task(commit)) = &entry.record else { continue };
            events.extend(Happening::of(at, entry.sequence, commit));
            for event in &commit.events {
                if let EventBody::TextAppended { run, segment, offset, text } = &event.body {
                    segments.take(*run, *segment, *offset, text);
                }
            }
        }
        let story = |snapshot| StoryThen { snapshot: Box::new(snapshot), events, text: segments.whole() };
        Ok(known.snapshot.map(story))
    }

    /// The moment to go to for the next record of a task after a moment, or, `back`, for its last
    /// record not to have happened. With `turns` only records count that change its status.
    ///
    /// # Errors
    /// What the log says.
    pub async fn beside(
        &self,
        at: &TaskRef,
        moment: &Moment,
        back: bool,
        turns: bool,
    ) -> Result<Option<Point>, Error> {
        let until = moment.of(&at.org);
        let (mut known, mut found) = (Known::default(), None);
        for entry in self.journal.history(at).await? {
            let before = known.status();
            known.take(plain(&entry));
            if turns && known.status() == before {
                continue;
            }
            match (back, entry.sequence <= until) {
                (true, true) => found = Some(Sequence(entry.sequence.0.saturating_sub(1))),
                (false, false) => {
                    found = Some(entry.sequence);
                    break;
                }
                (true, false) => break,
                (false, true) => {}
            }
        }
        let shard = Some(self.journal.shards().of(&at.org));
        Ok(found.map(|sequence| Point::Place { shard, sequence }))
    }

    /// What each of some records did to its task. The records come in the order of their steps.
    pub(super) async fn steps(&self, records: Vec<Bare>) -> Result<Vec<Step>, Error> {
        let mut wanted: HashMap<TaskRef, Vec<Sequence>> = HashMap::new();
        for record in &records {
            wanted.entry(record.task.clone()).or_default().push(record.sequence);
        }
        let read = |(at, places): (TaskRef, Vec<Sequence>)| {
            let journal = self.journal.clone();
            async move {
                let history = journal.history(&at).await?;
                Ok::<_, Error>(led(&at, &history, &places))
            }
        };
        let led: Vec<_> = stream::iter(wanted).map(read).buffer_unordered(AT_ONCE).try_collect().await?;
        let mut led: HashMap<_, _> = led.into_iter().flatten().collect();
        let steps = records.into_iter().filter_map(|record| {
            let Bare { shard, sequence, stored_at, task } = record;
            // One that was erased meanwhile is no step any more.
            let Led { before, after, events } = led.remove(&(task.clone(), sequence))?;
            Some(Step { shard, sequence, stored_at, task, before, after, events })
        });
        Ok(steps.collect())
    }
}

/// A record of a task, without what it did.
#[derive(Debug, Clone)]
pub(super) struct Bare {
    pub(super) shard: Shard,
    pub(super) sequence: Sequence,
    pub(super) stored_at: Timestamp,
    pub(super) task: TaskRef,
}

/// What a record did.
struct Led {
    before: Option<Brief>,
    after: Option<Brief>,
    events: Vec<Happening>,
}

/// What the records at some places of a history did, the places in order.
fn led(at: &TaskRef, history: &[Entry], places: &[Sequence]) -> Vec<((TaskRef, Sequence), Led)> {
    let begun = submitted(history);
    let (mut known, mut all) = (Known::default(), Vec::with_capacity(places.len()));
    let mut places = places.iter().copied().peekable();
    for entry in history {
        while places.next_if(|place| *place < entry.sequence).is_some() {}
        let wanted = places.next_if_eq(&entry.sequence).is_some();
        let before = wanted.then(|| brief(&known, begun)).flatten();
        known.take(plain(entry));
        if wanted {
            let events = match &entry.record {
                Ok(Record::Task(commit)) => Happening::of(at, entry.sequence, commit).collect(),
                _ => Vec::new(),
            };
            all.push(((at.clone(), entry.sequence), Led { before, after: brief(&known, begun), events }));
        }
        if places.peek().is_none() {
            break;
        }
    }
    all
}
