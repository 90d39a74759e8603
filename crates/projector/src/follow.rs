//! What a projector listens to: the shards of the log, and the executors.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use longhaul_core::{Beat, Sequence};
use longhaul_journal::{Entry, Journal, Shard};
use longhaul_wire::query::Positions;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ahead::{Ahead, weight};
use crate::error::{Error, chain};
use crate::model::TaskChange;
use crate::shared::Shared;

/// How often silent executors are looked for, and delayed tasks whose time has come.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// After how long without a record the rest up to the head is taken to be erased.
pub(crate) const NOTHING_LEFT: Duration = Duration::from_secs(5);

/// The first and the longest wait before something that failed is tried again.
pub(crate) const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// What comes from the shards.
pub(crate) enum Input {
    Batch(Shard, Vec<Entry>),
    /// The log does not hold what was folded.
    OtherLog(Shard),
    Trouble(String),
}

/// The place before a place: following from there, the record at the place comes first, and shows
/// whether the log is still the one that was folded.
pub(crate) fn before(place: Sequence) -> Sequence {
    Sequence(place.0.saturating_sub(1))
}

/// Follows one shard for ever.
pub(crate) async fn follow(
    journal: Journal,
    shard: Shard,
    mut folded: Sequence,
    batch: usize,
    to: Ahead<Input>,
) {
    let mut wait = WAITS.0;
    loop {
        let begun = Instant::now();
        let failed = match follow_once(&journal, shard, &mut folded, batch, &to).await {
            Ok(()) => return,
            Err(error) => error,
        };
        if begun.elapsed() > WAITS.1 {
            wait = WAITS.0;
        }
        tracing::warn!(error = %chain(&failed), %shard, "the log cannot be followed; it is tried again");
        if to.put(Input::Trouble(chain(&failed)), 1).await.is_err() {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
    }
}

/// Follows until an error, or until nobody listens.
async fn follow_once(
    journal: &Journal,
    shard: Shard,
    folded: &mut Sequence,
    batch: usize,
    to: &Ahead<Input>,
) -> Result<(), Error> {
    if journal.head(shard).await? < *folded {
        let _ = to.put(Input::OtherLog(shard), 1).await;
        return Ok(());
    }
    let mut follower = journal.follow(shard, before(*folded)).await?;
    loop {
        let entries = follower.next_batch(batch).await?;
        *folded = entries.last().map_or(*folded, |last| last.sequence.max(*folded));
        let weight = weight(&entries);
        if to.put(Input::Batch(shard, entries), weight).await.is_err() {
            return Ok(());
        }
    }
}

/// Waits until everything is folded that the log holds now.
pub(crate) async fn caught_up(shared: &Shared) {
    for shard in shared.shards.all() {
        let head = loop {
            match shared.journal.head(shard).await {
                Ok(head) => break head,
                Err(_) => tokio::time::sleep(TICK).await,
            }
        };
        let mut standing = shared.standing.subscribe();
        loop {
            let now = standing.borrow_and_update().clone();
            let nothing_more = now.lag.get(&shard.0) == Some(&0);
            if now.positions.of(shard) >= head || nothing_more {
                break;
            }
            let waited = tokio::time::timeout(NOTHING_LEFT, standing.changed()).await;
            if waited.is_err() && now.trouble.is_none() && !now.lag.contains_key(&shard.0) {
                break;
            }
        }
    }
}

/// Listens to the executors until cancelled.
pub(crate) async fn hear(shared: Arc<Shared>, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        match cancel.run_until_cancelled(shared.journal.beats()).await {
            Some(Ok(mut beats)) => {
                while let Some(Some(beat)) = cancel.run_until_cancelled(beats.next()).await {
                    match beat {
                        Ok(beat) if beat.is_executor() => take_in(&shared, &beat),
                        Ok(_) => {}
                        Err(error) => tracing::debug!(%error, "a beat was not heard"),
                    }
                }
            }
            Some(Err(error)) => tracing::debug!(%error, "executors cannot be listened to; it is tried again"),
            None => return,
        }
        cancel.run_until_cancelled(tokio::time::sleep(TICK)).await;
    }
}

fn take_in(shared: &Shared, beat: &Beat) {
    if shared.beats.hear(beat, shared.journal.now()) {
        shared.boards.each(|board| board.beat(beat));
    }
}

/// Says which tasks changed, but for those at places where nothing is news.
pub(crate) async fn say(shared: &Shared, quiet: &Positions, changes: Vec<TaskChange>) {
    for TaskChange { org, user, task, change } in changes {
        if change.sequence <= quiet.of(shared.shards.of(&org)) {
            continue;
        }
        if let Err(error) = shared.journal.say_change(&org, &user, task, &change).await {
            // Whoever watches also looks by itself; and the log is likely out of reach.
            tracing::debug!(%error, "changes were not said");
            return;
        }
    }
}
