//! Reading shards from beginning to end while they are counted.

use longhaul_core::{Sequence, Snapshot, TaskRef};
use longhaul_journal::{Error, Journal, Shard};
use longhaul_wire::query::Positions;

use super::recount::Recount;
use crate::command::replay::{Reading, Tasks, task_of};

/// One shard on its way from its first record to wherever it is asked to go.
pub(super) struct Pass {
    journal: Journal,
    shard: Shard,
    reading: Reading,
    tasks: Tasks,
    pub(super) recount: Recount,
}

impl Pass {
    /// At the beginning.
    pub(super) fn new(journal: &Journal, shard: Shard, sample: usize) -> Self {
        Self {
            journal: journal.clone(),
            shard,
            reading: Reading::new(journal, shard, Sequence::ZERO, Sequence::ZERO),
            tasks: Tasks::new(journal),
            recount: Recount::new(sample),
        }
    }

    /// Goes on up to a place; `record` is called for each record.
    pub(super) async fn advance(&mut self, until: Sequence, mut record: impl FnMut()) -> Result<(), Error> {
        self.reading.extend(until);
        while let Some(entry) = self.reading.next().await? {
            match task_of(&entry, self.journal.shards()) {
                Some(task) => {
                    let mut known = self.tasks.take(&task, entry.sequence).await?;
                    self.recount.take(&entry, Some((&task, &mut known)));
                    self.tasks.put(task, known);
                }
                None => self.recount.take(&entry, None),
            }
            record();
        }
        Ok(())
    }

    /// Which shard.
    pub(super) fn shard(&self) -> Shard {
        self.shard
    }

    /// The tasks that have not ended.
    pub(super) fn live(&self) -> impl Iterator<Item = &Snapshot> {
        self.tasks
            .live()
            .filter_map(|(_, known)| known.snapshot.as_ref().filter(|_| known.unreadable.is_none()))
    }
}

/// How far all of them are.
pub(super) fn positions(passes: &[Pass]) -> Positions {
    passes.iter().map(|pass| (pass.shard, pass.reading.seen())).collect()
}

/// Takes all of them to these places.
pub(super) async fn advance(passes: &mut [Pass], places: &Positions) -> Result<(), Error> {
    for pass in passes {
        pass.advance(places.of(pass.shard), || {}).await?;
    }
    Ok(())
}

/// The sample of all shards.
pub(super) fn sample(passes: &[Pass]) -> Vec<TaskRef> {
    passes.iter().flat_map(|pass| pass.recount.sample.tasks()).collect()
}
