//! The executor's own watch of the tasks it holds.
//!
//! One follower for each shard of the log, from the shard's end on, told apart in the process: what
//! others write to a task that is held here goes to its run. That way an abort reaches a handler in
//! the middle of a slow call, when nothing is appended that could conflict with it; it needs no other
//! process (a projector's word may be late or missing), and no reader for each task on the server.

use std::sync::Arc;

use longhaul_core::Sequence;
use longhaul_journal::{Entry, Error, Journal, Parsed, Record, Shard};

use crate::held::Held;
use crate::patience::Waits;

/// Follows a shard for ever, from `position` on, and tells the held runs what others than `me` write.
pub(crate) async fn watch(
    journal: Journal,
    shard: Shard,
    mut position: Sequence,
    held: Arc<Held>,
    me: String,
) {
    let mut waits = Waits::default();
    loop {
        let ended = follow(&journal, shard, &mut position, &held, &me, &mut waits).await;
        tracing::debug!(%shard, error = %ended, "the shard is followed anew");
        waits.wait().await;
    }
}

async fn follow(
    journal: &Journal,
    shard: Shard,
    position: &mut Sequence,
    held: &Held,
    me: &str,
    waits: &mut Waits,
) -> Error {
    let mut follower = match journal.follow(shard, *position).await {
        Ok(follower) => follower,
        Err(error) => return error,
    };
    loop {
        match follower.next().await {
            Some(Ok(entry)) => {
                *position = entry.sequence;
                *waits = Waits::default();
                tell(held, me, &entry);
            }
            Some(Err(error)) => return error,
            None => return Error::Ended(shard.0),
        }
    }
}

fn tell(held: &Held, me: &str, entry: &Entry) {
    let Parsed::Task { org, task, .. } = &entry.subject else {
        return;
    };
    // A record that cannot be read is news too: the run must see that it cannot go on.
    if !matches!(&entry.record, Ok(Record::Task(commit)) if commit.actor.who == me) {
        held.news(org, *task, entry.sequence);
    }
}
