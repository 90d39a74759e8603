//! A moment of the log: which record of each shard was the last one then.
//!
//! A moment is one of the server's: a record has happened once the server stored it. Where a log has
//! many shards, records come in the order of the times they were stored at, those of one time in the
//! order of their shards, those of a shard in their own order. A moment is a cut through that order.

use std::time::Duration;

use longhaul_core::{OrgId, Sequence, Timestamp};
use longhaul_journal::{Entry, Shards};
use longhaul_wire::Shard;
use longhaul_wire::query::Positions;

use super::Scope;
use crate::{Client, Error};

/// How long a record that is there may take to come.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A moment as one asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// All that was stored at this time or before.
    At(Timestamp),
    /// All up to and including one record.
    Place {
        /// Its shard. It may be left out where only one is in scope.
        shard: Option<Shard>,
        /// Its place in that.
        sequence: Sequence,
    },
}

/// A moment of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// The last place of each shard in scope that belongs to it.
    pub positions: Positions,
    /// Its time, by the server's clock.
    pub at: Timestamp,
    /// How many shards the log has.
    pub shards: Shards,
}

impl Moment {
    /// The last place that belongs to it where an organisation's records lie.
    pub fn of(&self, org: &OrgId) -> Sequence {
        self.positions.of(self.shards.of(org))
    }

    /// The same moment with another place in one shard.
    #[must_use]
    pub fn with(&self, shard: Shard, sequence: Sequence, at: Timestamp) -> Self {
        let others = self.positions.iter().filter(|(other, _)| *other != shard);
        let positions = others.chain([(shard, sequence)]).collect();
        Self { positions, at, shards: self.shards }
    }
}

impl Client {
    /// The shards in scope.
    pub(super) fn shards_of(&self, scope: &Scope) -> Vec<Shard> {
        let shards = self.journal.shards();
        match scope {
            Scope::Organisation(org) => vec![shards.of(org)],
            Scope::Everything => shards.all().collect(),
        }
    }

    /// Finds a moment in the log. It reads some tens of records, however long the log is.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a place is named that is not there, or without its shard where there are
    /// many; or what the log says.
    pub async fn moment(&self, scope: &Scope, point: Point) -> Result<Moment, Error> {
        let all = self.shards_of(scope);
        let (at, own) = match point {
            Point::At(at) => (at, None),
            Point::Place { shard, sequence } => {
                let own = match (shard, all.as_slice()) {
                    (Some(shard), _) if all.contains(&shard) => shard,
                    (Some(shard), _) => return Err(self.no_shard(shard, &all)),
                    (None, [only]) => *only,
                    _ => {
                        let why = format!(
                            "{} shards are shown, and a sequence names a place in one of them: name a \
                             time, or SHARD/SEQUENCE",
                            all.len()
                        );
                        return Err(Error::invalid("the moment is not clear", why));
                    }
                };
                let head = self.journal.head(own).await?;
                if sequence > head {
                    let why = format!("shard {own} ends at sequence {head}");
                    return Err(Error::invalid(format!("there is no sequence {sequence} yet"), why));
                }
                let at = self.stored_by(own, sequence).await?;
                (at, Some((own, sequence)))
            }
        };
        let mut positions = Positions::default();
        for shard in all {
            let place = match own {
                Some((own, sequence)) if own == shard => sequence,
                // Records of the same time come in the order of their shards.
                Some((own, _)) if own < shard => self.last_early(shard, |stored_at| stored_at < at).await?,
                _ => self.last_early(shard, |stored_at| stored_at <= at).await?,
            };
            positions.advance(shard, place);
        }
        Ok(Moment { positions, at, shards: self.journal.shards() })
    }

    /// Why a shard is not among those in scope.
    fn no_shard(&self, shard: Shard, scope: &[Shard]) -> Error {
        let last = self.journal.shards().get() - 1;
        let (what, why) = match scope {
            [only] if shard.0 <= last => {
                (format!("nothing of shard {shard} is shown"), format!("all of it lies in shard {only}"))
            }
            _ => (format!("there is no shard {shard}"), format!("shards are 0 to {last}")),
        };
        Error::invalid(what, why)
    }

    /// When the record at a place was stored, or the next one after it that is still there.
    async fn stored_by(&self, shard: Shard, sequence: Sequence) -> Result<Timestamp, Error> {
        match sequence.0.checked_sub(1) {
            Some(before) => Ok(self.first_after(shard, Sequence(before)).await?.stored_at),
            None => Ok(Timestamp::default()),
        }
    }

    /// The last place of a shard whose record is early enough.
    async fn last_early(&self, shard: Shard, early: impl Fn(Timestamp) -> bool) -> Result<Sequence, Error> {
        let (mut before, mut end) = (Sequence::ZERO, self.journal.head(shard).await?);
        // Moments are often close to now.
        let mut middle = Sequence(end.0.saturating_sub(1));
        while before < end {
            let next = self.first_after(shard, middle).await?;
            if next.sequence <= end && early(next.stored_at) {
                before = next.sequence;
            } else {
                end = middle;
            }
            middle = Sequence(before.0 + end.0.saturating_sub(before.0) / 2);
        }
        Ok(before)
    }

    /// The first record after a place that has one after it.
    async fn first_after(&self, shard: Shard, after: Sequence) -> Result<Entry, Error> {
        let mut follower = self.journal.follow(shard, after).await?;
        let next = tokio::time::timeout(PATIENCE, follower.next()).await.ok().flatten();
        Ok(next.ok_or(longhaul_journal::Error::Ended(shard.0))??)
    }
}
