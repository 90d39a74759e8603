//! What happened right after or right before a moment.

use std::ops::ControlFlow;

use longhaul_core::{Sequence, TaskRef, Timestamp};
use longhaul_journal::Unread;
use longhaul_wire::query::Positions;
use longhaul_wire::{Parsed, Shard};

use super::past::Bare;
use super::{Scope, Step};
use crate::{Client, Error};

/// How many records of a shard are looked at for a stretch at first.
const WINDOW: u64 = 256;
/// How many are looked at at most before a stretch without a step is given.
const FARTHEST: u64 = 1 << 16;

/// What happened between two moments, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stretch {
    /// The records of tasks in scope, oldest first.
    pub steps: Vec<Step>,
    /// It lies after these places.
    pub from: Positions,
    /// It goes up to these places.
    pub to: Positions,
    /// There is nothing beyond it in the direction it was asked for.
    pub last: bool,
}

/// A record's place in the order of all.
type Order = (Timestamp, Shard, Sequence);

/// What was read of one shard.
struct Part {
    shard: Shard,
    /// It lies after this place, and goes up to that.
    after: Sequence,
    to: Sequence,
    /// The first and the last record of whatever kind.
    ends: Option<(Order, Order)>,
    /// Those of tasks in scope.
    records: Vec<Bare>,
    /// There is nothing beyond it.
    last: bool,
}

impl Bare {
    fn order(&self) -> Order {
        (self.stored_at, self.shard, self.sequence)
    }
}

impl Client {
    /// What happened right after some places. What is being written meanwhile may be missing: then it
    /// is the last for now.
    ///
    /// # Errors
    /// What the log says.
    pub async fn stretch_after(&self, scope: &Scope, places: &Positions) -> Result<Stretch, Error> {
        let mut window = WINDOW;
        loop {
            let mut parts = Vec::new();
            for shard in self.shards_of(scope) {
                let (after, head) = (places.of(shard), self.journal.head(shard).await?);
                let to = head.min(Sequence(after.0 + window));
                parts.push(self.part(scope, shard, after, to, to == head).await?);
            }
            // Beyond the nearest end that is not the log's own, a shard may still have earlier ones.
            let open = parts.iter().filter(|part| !part.last);
            let horizon = open.clone().filter_map(|part| part.ends.map(|(_, last)| last)).min();
            let nothing_read = open.clone().any(|part| part.ends.is_none());
            let last = open.count() == 0;
            let mut stretch = Stretch { from: places.clone(), last, ..Stretch::default() };
            let mut records = Vec::new();
            for mut part in parts {
                let beyond = |record: &Bare| horizon.is_some_and(|horizon| record.order() > horizon);
                let cut = part.records.iter().position(|record| nothing_read || beyond(record));
                if let Some(cut) = cut {
                    part.to = Sequence(part.records[cut].sequence.0 - 1);
                    part.records.truncate(cut);
                }
                stretch.to.advance(part.shard, part.to);
                records.append(&mut part.records);
            }
            if records.is_empty() && !last && window < FARTHEST {
                window *= 4;
                continue;
            }
            records.sort_by_key(Bare::order);
            stretch.steps = self.steps(records).await?;
            return Ok(stretch);
        }
    }

    /// What happened right before some places, they included.
    ///
    /// # Errors
    /// What the log says.
    pub async fn stretch_before(&self, scope: &Scope, places: &Positions) -> Result<Stretch, Error> {
        let mut window = WINDOW;
        loop {
            let mut parts = Vec::new();
            for shard in self.shards_of(scope) {
                let to = places.of(shard);
                let after = Sequence(to.0.saturating_sub(window));
                parts.push(self.part(scope, shard, after, to, after == Sequence::ZERO).await?);
            }
            let open = parts.iter().filter(|part| !part.last);
            let horizon = open.clone().filter_map(|part| part.ends.map(|(first, _)| first)).max();
            let nothing_read = open.clone().any(|part| part.ends.is_none());
            let last = open.count() == 0;
            let mut stretch = Stretch { to: places.clone(), last, ..Stretch::default() };
            let mut records = Vec::new();
            for mut part in parts {
                let before = |record: &Bare| horizon.is_some_and(|horizon| record.order() < horizon);
                let cut = part.records.iter().rposition(|record| nothing_read || before(record));
                if let Some(cut) = cut {
                    part.after = part.records[cut].sequence;
                    part.records.drain(..=cut);
                }
                stretch.from.advance(part.shard, part.after);
                records.append(&mut part.records);
            }
            if records.is_empty() && !last && window < FARTHEST {
                window *= 4;
                continue;
            }
            records.sort_by_key(Bare::order);
            stretch.steps = self.steps(records).await?;
            return Ok(stretch);
        }
    }

    /// Reads the records of a shard after one place up to another.
    async fn part(
        &self,
        scope: &Scope,
        shard: Shard,
        after: Sequence,
        to: Sequence,
        last: bool,
    ) -> Result<Part, Error> {
        let mut part = Part { shard, after, to, ends: None, records: Vec::new(), last };
        self.each(shard, after, to, |unread| {
            let (task, sequence) = (task_of(&unread, scope), unread.sequence());
            let order = (unread.stored_at(), shard, sequence);
            part.ends = Some((part.ends.map_or(order, |(first, _)| first), order));
            part.records.extend(task.map(|task| Bare { shard, sequence, stored_at: order.0, task }));
            ControlFlow::Continue(())
        })
        .await?;
        Ok(part)
    }

    /// Gives every record of a shard after one place up to another that is there.
    pub(super) async fn each(
        &self,
        shard: Shard,
        after: Sequence,
        to: Sequence,
        mut give: impl FnMut(Unread) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if after >= to {
            return Ok(());
        }
        let mut follower = self.journal.follow(shard, after).await?;
        loop {
            let next = tokio::time::timeout(super::moment::PATIENCE, follower.next_unread()).await;
            let next = next.ok().flatten().ok_or(longhaul_journal::Error::Ended(shard.0))??;
            let (sequence, pending) = (next.sequence(), next.pending());
            if sequence > to || give(next).is_break() || sequence == to || pending == 0 {
                return Ok(());
            }
        }
    }
}

fn task_of(record: &Unread, scope: &Scope) -> Option<TaskRef> {
    match record.subject() {
        Parsed::Task { org, task, .. } if scope.includes(org) => {
            Some(TaskRef { org: org.clone(), task: *task })
        }
        _ => None,
    }
}
