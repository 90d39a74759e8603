//! Reading shards from beginning to end while they are audited.

use longhaul_audit::{Audit, Outside, Recall, Report};
use longhaul_core::{Sequence, Snapshot, TaskRef};
use longhaul_journal::{Entry, Error, Journal, Shard};
use longhaul_wire::query::Positions;

use crate::command::replay::{Reading, plain};

/// One shard on its way from its first record to wherever it is asked to go.
pub(super) struct Pass {
    journal: Journal,
    reading: Reading,
    pub(super) audit: Audit,
    /// How far the shard went when reading began.
    head: Sequence,
}

impl Pass {
    /// At the beginning of a shard that goes as far as `head`; a sample of about `sample` tasks is taken
    /// on the way.
    pub(super) fn new(journal: &Journal, shard: Shard, head: Sequence, sample: usize) -> Self {
        let seed = u64::try_from(journal.now().0).unwrap_or_default();
        Self {
            journal: journal.clone(),
            reading: Reading::new(journal, shard, Sequence::ZERO, Sequence::ZERO),
            audit: Audit::new(journal.shards(), shard).sampling(sample, seed),
            head,
        }
    }

    /// Reads everything there was when it began. What is missing may have been erased meanwhile, by a
    /// record further on: then that is read as well.
    pub(super) async fn whole(&mut self, mut record: impl FnMut(&Entry)) -> Result<(), Error> {
        self.advance(self.head, &mut record).await?;
        if self.audit.awaits_erasure(self.head) {
            let now = self.journal.head(self.shard()).await?;
            self.advance(now, &mut record).await?;
        }
        Ok(())
    }

    /// Goes on up to a place; `record` is given each record.
    pub(super) async fn advance(
        &mut self,
        until: Sequence,
        mut record: impl FnMut(&Entry),
    ) -> Result<(), Error> {
        self.reading.extend(until);
        while let Some(entry) = self.reading.next().await? {
            while let Err(Recall { task }) = self.audit.read(plain(&entry)) {
                let history = self.journal.history(&task).await?;
                self.audit.recall(&task, history.iter().map(plain));
            }
            record(&entry);
        }
        Ok(())
    }

    /// Which shard.
    pub(super) fn shard(&self) -> Shard {
        self.audit.shard()
    }

    /// The tasks that have not ended.
    pub(super) fn live(&self) -> impl Iterator<Item = &Snapshot> {
        self.audit.live()
    }
}

/// How far all of them are.
pub(super) fn positions(passes: &[Pass]) -> Positions {
    passes.iter().map(|pass| (pass.shard(), pass.reading.seen())).collect()
}

/// Takes all of them to these places.
pub(super) async fn advance(passes: &mut [Pass], places: &Positions) -> Result<(), Error> {
    for pass in passes {
        pass.advance(places.of(pass.shard()), |_| {}).await?;
    }
    Ok(())
}

/// The sample of all shards.
pub(super) fn sample(passes: &[Pass]) -> Vec<TaskRef> {
    passes.iter().flat_map(|pass| pass.audit.sample()).collect()
}

/// What was found in all shards.
pub(super) fn report(passes: &[Pass]) -> Report {
    let mut report = Report::default();
    for pass in passes {
        let goes_to = [(pass.shard(), pass.head)].into();
        report.add(pass.audit.report(&Outside { goes_to, ..Outside::default() }));
    }
    report
}
