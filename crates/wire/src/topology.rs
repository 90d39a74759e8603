//! The streams, consumers and stores of the log, as data. Whoever provisions makes these; whoever
//! starts compares what is there with them.

use std::time::Duration;

use crate::shard::Shard;

/// Where a stream keeps its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// On disk, synced as the server is told to.
    File,
    /// Wherever it costs least: a crash of the server may lose its messages, but never the stream.
    Volatile,
}

/// Which messages a stream keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// All of them, for ever.
    Everything,
    /// The last one of each subject, for a while.
    LastOfEach {
        /// How long.
        at_most: Duration,
    },
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name.
    pub name: String,
    /// For operators.
    pub description: &'static str,
    /// The subjects it holds.
    pub subjects: Vec<String>,
    /// Where it keeps them.
    pub storage: Storage,
    /// Which messages it keeps.
    pub keeps: Keeps,
    /// Whether atomic batches are allowed.
    pub batches: bool,
    /// Whether it can be purged through the server's interface. Single messages of the log can be
    /// removed: that is how an erased task's payload goes.
    pub purgeable: bool,
}

/// The stream of one shard of the log. It keeps everything, and its subjects are spelt out one
/// shape each, so that nothing else can be stored in it.
pub fn log(shard: Shard) -> StreamSpec {
    StreamSpec {
        name: format!("LH_LOG_{shard}"),
        description: "longhaul: the history of every task of this shard",
        subjects: ["task.*.*", "adm.*", "org.*", "conv.*.*"]
            .map(|shape| format!("lh.{shard}.{shape}"))
            .into(),
        storage: Storage::File,
        keeps: Keeps::Everything,
        batches: true,
        purgeable: false,
    }
}

/// The stream of heartbeats: the last word of each executor. A silent one is dropped after a day.
pub fn beats() -> StreamSpec {
    StreamSpec {
        name: "LH_BEATS".to_owned(),
        description: "longhaul: the last heartbeat of each executor",
        subjects: vec![crate::live::BEATS.to_owned()],
        storage: Storage::Volatile,
        keeps: Keeps::LastOfEach { at_most: Duration::from_secs(24 * 60 * 60) },
        batches: false,
        purgeable: true,
    }
}

/// The stream of cells. What nobody wrote to for an hour says nothing any more.
pub fn cells() -> StreamSpec {
    StreamSpec {
        name: "LH_CELLS".to_owned(),
        description: "longhaul: small values that processes share",
        subjects: vec![crate::cell::CELLS.to_owned()],
        storage: Storage::Volatile,
        keeps: Keeps::LastOfEach { at_most: Duration::from_secs(60 * 60) },
        batches: false,
        purgeable: true,
    }
}

/// The object store of inputs, results and artifacts, named by digest.
pub const FILES: &str = "LH_FILES";
