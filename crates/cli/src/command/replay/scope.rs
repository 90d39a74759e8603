//! Whose history, and up to which place.

use longhaul_core::{OrgId, Sequence, Timestamp};
use longhaul_journal::{Entry, Journal, Shard};

use super::reading::{Merged, Reading, place_at};
use crate::exit::usage;
use crate::time::Point;

/// Whose history is read, where it is more than one task's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// One organisation's.
    Organisation(OrgId),
    /// Everything.
    All,
}

/// A stretch of one shard: what lies after `after`, up to `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) shard: Shard,
    pub(super) after: Sequence,
    pub(super) until: Sequence,
}

impl Scope {
    /// Whether a record belongs to it.
    pub(super) fn includes(&self, entry: &Entry) -> bool {
        match self {
            Self::Organisation(org) => entry.subject.org() == org,
            Self::All => true,
        }
    }

    /// The shards it lies in.
    pub(super) fn shards(&self, journal: &Journal) -> Vec<Shard> {
        match self {
            Self::Organisation(org) => vec![journal.shards().of(org)],
            Self::All => journal.shards().all().collect(),
        }
    }

    /// Refuses a point that is not there yet. A sequence is of one shard.
    pub(super) async fn reaches(&self, journal: &Journal, point: Point) -> anyhow::Result<()> {
        match (point, self.shards(journal).as_slice()) {
            (Point::At(at), _) if at > journal.now() => {
                let now = crate::time::local(journal.now());
                Err(usage(format!("{} is still to come: it is {now}", crate::time::local(at))))
            }
            (Point::Sequence(sequence), [only]) => match journal.head(*only).await? {
                head if sequence > head => {
                    Err(usage(format!("there is no sequence {sequence} yet: the log ends at {head}")))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Its stretches between two points; without points from the beginning to the end there is now.
    pub(super) async fn stretches(
        &self,
        journal: &Journal,
        from: Option<Point>,
        to: Option<Point>,
    ) -> anyhow::Result<Vec<Stretch>> {
        let shards = self.shards(journal);
        let names_a_sequence = [from, to].iter().any(|point| matches!(point, Some(Point::Sequence(_))));
        if names_a_sequence && shards.len() > 1 {
            return Err(usage(format!(
                "the log has {} shards, and a sequence names a place in one of them: name a time, or one \
                 organisation (--of-org)",
                shards.len()
            )));
        }
        let mut stretches = Vec::with_capacity(shards.len());
        for shard in shards {
            let head = journal.head(shard).await?;
            let after = match from {
                Some(point) => place(journal, shard, head, point).await?,
                None => Sequence::ZERO,
            };
            let until = match to {
                Some(point) => place(journal, shard, head, point).await?,
                None => head,
            };
            stretches.push(Stretch { shard, after, until });
        }
        Ok(stretches)
    }
}

/// A point as a place in a shard. A moment is one of the server's: the time it stored a record, not
/// the time its writer wrote on it, so that one moment is one place, whoever's clock is wrong.
async fn place(journal: &Journal, shard: Shard, head: Sequence, point: Point) -> anyhow::Result<Sequence> {
    Ok(match point {
        Point::Sequence(sequence) => sequence.min(head),
        Point::At(at) => place_at(journal, shard, head, at).await?,
    })
}

/// Whether a record lies at or before a point.
pub(super) fn reached(entry: &Entry, point: Point) -> bool {
    match point {
        Point::Sequence(sequence) => entry.sequence <= sequence,
        Point::At(at) => entry.stored_at <= at,
    }
}

/// Two points the wrong way round are a mistake, as far as that can be told from them alone.
pub(super) fn in_order(from: Point, to: Point) -> anyhow::Result<()> {
    let wrong = match (from, to) {
        (Point::Sequence(from), Point::Sequence(to)) => from > to,
        (Point::At(from), Point::At(to)) => from > to,
        _ => false,
    };
    if wrong { Err(usage("--diff FROM TO: FROM lies after TO; swap them")) } else { Ok(()) }
}

/// A point in words.
pub(super) fn named(point: Point) -> String {
    match point {
        Point::Sequence(sequence) => format!("sequence {sequence}"),
        Point::At(at) => crate::time::local(at),
    }
}

/// The moment by which ages are told.
pub(super) fn moment(point: Point, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    match point {
        Point::At(at) => at.min(now),
        Point::Sequence(_) => last.unwrap_or(now),
    }
}

/// The records of some stretches, as one.
pub(super) fn merged(journal: &Journal, stretches: &[Stretch]) -> Merged {
    let reading = |stretch: &Stretch| Reading::new(journal, stretch.shard, stretch.after, stretch.until);
    Merged::new(stretches.iter().map(reading))
}
