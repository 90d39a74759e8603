//! Folding what the log holds now, without serving anybody.

use std::sync::Arc;

use longhaul_core::Sequence;
use longhaul_journal::{Journal, Shard};
use longhaul_wire::query::Positions;
use tokio_util::task::AbortOnDropHandle;

use crate::ahead::{self, weight};
use crate::error::Error;
use crate::follow::{NOTHING_LEFT, before};
use crate::gather::Gathered;
use crate::projector::{Options, Projector, READ, let_go};

impl Projector {
    /// Folds everything the log holds now, and returns how far that is. Serves nothing, says nothing.
    ///
    /// # Errors
    /// If the log or the database fails; what was folded stays.
    pub async fn catch_up(&mut self) -> Result<Positions, Error> {
        for shard in self.shared.shards.all() {
            while let Err(error) = self.catch_up_shard(shard).await {
                if !matches!(error, Error::OtherLog { .. }) {
                    return Err(error);
                }
                self.start_over(&error).await?;
            }
        }
        Ok(self.shared.standing.borrow().positions.clone())
    }

    async fn catch_up_shard(&mut self, shard: Shard) -> Result<(), Error> {
        let journal = self.shared.journal.clone();
        let head = journal.head(shard).await?;
        let folded = self.position(shard);
        if folded > head {
            return Err(Error::OtherLog { shard, folded });
        }
        if head == Sequence::ZERO {
            return Ok(());
        }
        let (ahead, mut reads) = ahead::queue();
        let read = READ.min(self.options.batch);
        let mut follower = journal.follow(shard, before(folded)).await?;
        let _reading = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let batch = tokio::time::timeout(NOTHING_LEFT, follower.next_batch(read)).await;
                // What is left up to the head was erased.
                let Ok(batch) = batch else { return };
                let weight = batch.as_deref().map_or(1, weight);
                if ahead.put(batch, weight).await.is_err() {
                    return;
                }
            }
        }));
        let mut gathered = Gathered::default();
        loop {
            let batch = reads.take().await.transpose()?;
            let last = batch.is_none();
            let batch = batch.unwrap_or_default();
            let pending = batch.last().map_or(0, |entry| entry.pending);
            let at = batch.last().map_or(Sequence::ZERO, |entry| entry.sequence);
            let caught_up = last || pending == 0 || at >= head;
            gathered.add(shard, batch);
            if caught_up || gathered.is_full(self.chunk()) {
                let entries = Arc::new(gathered.take());
                self.fold(&entries, caught_up).await?;
                let_go(entries);
            }
            if caught_up {
                return Ok(());
            }
        }
    }
}

/// Builds the read model in `options.dir` from nothing, as far as the log goes now. Marks of what was
/// read stay.
///
/// # Errors
/// As [`Projector::open`] and [`Projector::catch_up`].
pub async fn rebuild(journal: Journal, options: Options) -> Result<Positions, Error> {
    Projector::open(journal, Options { anew: true, ..options }).await?.catch_up().await
}
