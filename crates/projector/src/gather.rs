//! What came from the log and is not folded yet.

use std::collections::BTreeMap;

use longhaul_journal::{Entry, Shard};

/// Records gathered to be folded next.
#[derive(Default)]
pub(crate) struct Gathered {
    shards: BTreeMap<Shard, Vec<Entry>>,
    records: usize,
    bytes: usize,
    behind: bool,
}

/// With how many records still to come the end of the log is not near.
const FAR: u64 = 1000;

impl Gathered {
    pub(crate) fn add(&mut self, shard: Shard, batch: Vec<Entry>) {
        self.records += batch.len();
        self.bytes += batch.iter().map(|entry| entry.bytes).sum::<usize>();
        self.behind = batch.last().is_some_and(|last| last.pending > FAR);
        let known = self.shards.entry(shard).or_default();
        if known.is_empty() {
            *known = batch;
        } else {
            known.extend(batch);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Whether much more was there when the last records were read.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether it is as much as should be folded at once: `records`, or [`BYTES`].
    pub(crate) fn is_full(&self, records: usize) -> bool {
        self.records >= records || self.bytes >= BYTES
    }

    /// All of it, shard by shard.
    pub(crate) fn take(&mut self) -> BTreeMap<Shard, Vec<Entry>> {
        let behind = self.behind;
        std::mem::replace(self, Self { behind, ..Self::default() }).shards
    }
}

/// Most bytes of records that wait to be folded: they lie in memory, some of them twice.
const BYTES: usize = 16 << 20;
