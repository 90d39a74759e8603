//! Following a shard for as long as somebody listens.

use std::time::Duration;

use longhaul_core::Sequence;
use longhaul_journal::{Entry, Error, Journal, PortError, Shard};
use tokio::sync::mpsc;

/// Most records handed over at once.
const BATCH: usize = 500;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What following gives.
#[derive(Debug)]
pub(crate) enum Fed {
    /// The shard is followed, for the first time or again; it ends here at present.
    Connected {
        head: Sequence,
    },
    Batch(Vec<Entry>),
    /// It is tried again.
    Disconnected,
    /// The log ends before what was read of it: it is another one, or lost its end.
    OtherLog,
}

/// Follows a shard from its first record. Ends when nobody listens any more.
pub(crate) async fn feed(journal: Journal, shard: Shard, to: mpsc::Sender<Fed>) {
    let mut position = Sequence::ZERO;
    let mut pause = FIRST_PAUSE;
    loop {
        let before = position;
        let fed = match follow(&journal, shard, &mut position, &to).await {
            // Nobody listens.
            Ok(()) => return,
            Err(Error::Port(PortError::Corrupt(why))) => {
                tracing::error!(%shard, why, "the log is not the one that was followed; its fold begins anew");
                position = Sequence::ZERO;
                Fed::OtherLog
            }
            Err(error) => {
                tracing::warn!(%shard, %error, source = ?std::error::Error::source(&error), "the log cannot be followed; it is tried again");
                Fed::Disconnected
            }
        };
        if to.send(fed).await.is_err() {
            return;
        }
        pause = if position == before { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        tokio::time::sleep(pause).await;
    }
}

async fn follow(
    journal: &Journal,
    shard: Shard,
    position: &mut Sequence,
    to: &mpsc::Sender<Fed>,
) -> Result<(), Error> {
    let head = journal.head(shard).await?;
    if head < *position {
        return Err(PortError::Corrupt(format!("it ends at {head}, and was read up to {position}")).into());
    }
    let mut follower = journal.follow(shard, *position).await?;
    if to.send(Fed::Connected { head }).await.is_err() {
        return Ok(());
    }
    loop {
        let batch = follower.next_batch(BATCH).await?;
        let last = batch.last().map(|entry| entry.sequence);
        if to.send(Fed::Batch(batch)).await.is_err() {
            return Ok(());
        }
        *position = last.unwrap_or(*position);
    }
}
