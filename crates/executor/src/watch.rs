//! The executor's own watch of the tasks it holds.
//!
//! One follower for each shard of the log, from the shard's end on, told apart in the process: what
//! others write to a task that is held here goes to its run. That way an abort reaches a handler in
//! the middle of a slow call, when nothing is appended that could conflict with it; it needs no other
//! process (a projector's word may be late or missing), and no reader for each task on the server.

use std::sync::Arc;

use longhaul_core::Sequence;
use longhaul_journal::{Error, Journal, Parsed, Record, Shard, Unread};

use crate::held::Held;
use crate::patience::Waits;
use crate::recent::Recent;

/// Follows a shard for ever, from `position` on, and tells the held runs what others than `me` write.
pub(crate) async fn watch(
    journal: Journal,
    shard: Shard,
    mut position: Sequence,
    held: Arc<Held>,
    recent: Arc<Recent>,
    me: String,
) {
    let mut waits = Waits::default();
    loop {
        let ended = follow(&journal, shard, &mut position, (&held, &recent, &me), &mut waits).await;
        tracing::debug!(%shard, error = %ended, "the shard is followed anew");
        waits.wait().await;
    }
}

async fn follow(
    journal: &Journal,
    shard: Shard,
    position: &mut Sequence,
    (held, recent, me): (&Held, &Recent, &str),
    waits: &mut Waits,
) -> Error {
    let mut follower = match journal.follow(shard, *position).await {
        Ok(follower) => follower,
        Err(error) => return error,
    };
    loop {
        match follower.next_unread().await {
            Some(Ok(record)) => {
                *position = record.sequence();
                *waits = Waits::default();
                recent.keep(&record);
                tell(held, me, record);
            }
            Some(Err(error)) => return error,
            None => return Error::Ended(shard.0),
        }
    }
}

/// Only what lies under a held task is read at all.
fn tell(held: &Held, me: &str, record: Unread) {
    let Parsed::Task { org, task, .. } = record.subject() else {
        return;
    };
    let (org, task) = (org.clone(), *task);
    if !held.holds(&org, task) {
        return;
    }
    let entry = record.read();
    // A record that cannot be read is news too: the run must see that it cannot go on.
    if !matches!(&entry.record, Ok(Record::Task(commit)) if commit.actor.who == me) {
        held.news(&org, task, entry.sequence);
    }
}
