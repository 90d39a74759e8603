//! A record as the auditor reads it.

use longhaul_core::{Sequence, TaskRef, Timestamp};
use longhaul_wire::{DecodeError, Parsed, Record, Shards};

/// A record of the log, where it lies, and what could be read of it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its place in the shard.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// Its subject.
    pub subject: &'a Parsed,
    /// What it says, or why that cannot be read.
    pub record: Result<&'a Record, &'a DecodeError>,
}

impl Entry<'_> {
    /// The task it belongs to, if it lies where that task's history lies.
    pub fn task(&self, shards: Shards) -> Option<TaskRef> {
        match self.subject {
            Parsed::Task { shard, org, task } if shards.of(org) == *shard => {
                Some(TaskRef { org: org.clone(), task: *task })
            }
            _ => None,
        }
    }
}
