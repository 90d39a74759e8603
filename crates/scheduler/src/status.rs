//! How a scheduler is doing, for operators and tests.

use std::collections::BTreeMap;

use longhaul_core::board::Counts;
use longhaul_core::{Sequence, TaskRef};
use longhaul_journal::Shard;
use tokio::sync::watch;

/// How a scheduler is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Each shard it serves.
    pub shards: BTreeMap<Shard, ShardStatus>,
}

/// How it is doing in one shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardStatus {
    /// Followed up to here.
    pub position: Sequence,
    /// How many records it was behind when it last looked.
    pub lag: u64,
    /// Whether it has caught up since it last connected: only then it acts.
    pub caught_up: bool,
    /// Whether it hears heartbeats, proved by hearing its own: only then runs are lost.
    pub listening: bool,
    /// Live tasks.
    pub counts: Counts,
    /// Tasks of which a record cannot be read: nothing is done for them by this version.
    pub aside: Vec<Aside>,
    /// Ledgers and policies of which a record cannot be read.
    pub unreadable: u64,
}

/// A task put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Which task.
    pub task: TaskRef,
    /// The record that cannot be read.
    pub sequence: Sequence,
    /// Why.
    pub why: String,
}

/// Where shards say how they are doing.
pub(crate) type Board = watch::Sender<Status>;

/// Says how a shard is doing, to whoever watches.
pub(crate) fn publish(board: &Board, shard: Shard, status: ShardStatus) {
    board.send_if_modified(|all| {
        let changed = all.shards.get(&shard) != Some(&status);
        if changed {
            all.shards.insert(shard, status);
        }
        changed
    });
}
