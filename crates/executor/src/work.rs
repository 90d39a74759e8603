//! The executor at work: taking runs, and leaving in good order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use longhaul_core::{Kind, Sequence};
use longhaul_journal::{Journal, Shard, Taken};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::attend::attend;
use crate::beat;
use crate::error::Error;
use crate::failure::chain;
use crate::patience::Waits;
use crate::shared::Shared;
use crate::watch::watch as watch_shard;

/// How often a log that does not answer is asked at the beginning, before that is an error.
const TRIES: u32 = 3;

/// Works until `stop`, then drains.
pub(crate) async fn work(
    shared: Arc<Shared>,
    speak: impl Future<Output = ()> + Send + 'static,
    stop: CancellationToken,
    leaving: watch::Sender<Option<Instant>>,
    drain: Duration,
) -> Result<(), Error> {
    // Aborted when this is left, however it is left.
    let mut company = JoinSet::new();
    company.spawn(speak);
    // From before the first run is taken: what others write to a task that is held is never missed.
    for (shard, recent) in shared.journal.shards().all().zip(&shared.recent) {
        let head = head(&shared.journal, shard).await?;
        let (journal, held, recent) = (shared.journal.clone(), Arc::clone(&shared.held), Arc::clone(recent));
        company.spawn(watch_shard(journal, shard, head, held, recent, shared.id.to_string()));
    }
    company.spawn(beat::beat(Arc::clone(&shared)));

    let mut runs = JoinSet::new();
    take_until(&shared, &mut runs, &stop).await;

    let until = Instant::now() + drain;
    leaving.send_replace(Some(until));
    let emptied = async {
        while let Some(ended) = runs.join_next().await {
            tell_panic(ended);
        }
    };
    if timeout_at(until, emptied).await.is_err() {
        tracing::warn!(runs = runs.len(), "some runs reached no checkpoint in time; they are let go of");
        runs.shutdown().await;
    }
    // The last word: nothing is held here any more.
    beat::say(&shared).await;
    Ok(())
}

/// The end of a shard; a log that is out of reach for a moment is asked again.
async fn head(journal: &Journal, shard: Shard) -> Result<Sequence, Error> {
    let mut waits = Waits::default();
    for _ in 0..TRIES {
        match journal.head(shard).await {
            Ok(head) => return Ok(head),
            Err(error) => tracing::warn!(error = chain(&error), "the log does not answer"),
        }
        waits.wait().await;
    }
    Ok(journal.head(shard).await?)
}

/// Takes and attends runs until `stop`.
async fn take_until(shared: &Arc<Shared>, runs: &mut JoinSet<()>, stop: &CancellationToken) {
    let kinds: BTreeSet<&Kind> = shared.handlers.keys().collect();
    let taking = kinds.into_iter().map(|kind| deliveries(&shared.journal, kind, shared.size as usize));
    let mut deliveries: SelectAll<_> = taking.collect();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(ended) = runs.join_next() => tell_panic(ended),
            // Not asked for more than there is room for.
            Some(taken) = deliveries.next(), if shared.places.available_permits() > 0 => {
                // Only this loop takes permits.
                if let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() {
                    // Boxed: it would be moved about as a whole otherwise.
                    runs.spawn(Box::pin(attend(Arc::clone(shared), taken, place)));
                }
            }
        }
    }
}

/// Dispatched runs of a kind, for ever: begun anew whenever it breaks off.
fn deliveries(journal: &Journal, kind: &Kind, places: usize) -> BoxStream<'static, Taken> {
    let start = (journal.clone(), kind.clone(), None, Waits::default());
    stream::unfold(start, move |(journal, kind, mut open, mut waits)| async move {
        loop {
            let mut taking: BoxStream<'static, _> = match open.take() {
                Some(taking) => taking,
                None => match journal.take(&kind, places).await {
                    Ok(taking) => taking,
                    Err(error) => {
                        tracing::debug!(%kind, error = chain(&error), "cannot take runs yet");
                        waits.wait().await;
                        continue;
                    }
                },
            };
            match taking.next().await {
                Some(Ok(taken)) => {
                    return Some((taken, (journal, kind, Some(taking), Waits::default())));
                }
                Some(Err(error)) => {
                    tracing::debug!(%kind, error = chain(&error), "taking runs broke off");
                    waits.wait().await;
                }
                None => waits.wait().await,
            }
        }
    })
    .boxed()
}

fn tell_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        // Handlers' panics are caught: this is one of ours. The run's heartbeat goes with it.
        tracing::error!(%error, "a run broke down");
    }
}
