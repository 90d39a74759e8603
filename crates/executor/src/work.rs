//! The executor at work: taking runs, and leaving in good order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use longhaul_core::{Dispatch, Kind};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
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

/// How long the last heartbeat may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many runs may wait here for a place. Whoever handed out one more hands it out again.
const WAITING: usize = 1024;

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
        let head = patiently(|| shared.journal.head(shard)).await?;
        let (journal, held, recent) = (shared.journal.clone(), Arc::clone(&shared.held), Arc::clone(recent));
        company.spawn(watch_shard(journal, shard, head, held, recent, shared.id.to_string()));
    }
    // Before the first beat: what is handed to it from then on is heard.
    let mut handed = SelectAll::new();
    for kind in shared.handlers.keys() {
        let first = patiently(|| shared.journal.listen_runs(kind, shared.id)).await?;
        handed.push(runs_of(&shared, kind, first));
    }
    company.spawn(beat::beat(Arc::clone(&shared)));

    let mut runs = JoinSet::new();
    take_until(&shared, handed, &mut runs, &stop).await;

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
    // The last word: nothing is held here any more. Where no server hears it, its silence will say so.
    let _ = timeout(FAREWELL, beat::say(&shared)).await;
    Ok(())
}

/// Asks at the beginning; a log that is out of reach for a moment is asked again.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, longhaul_journal::Error>>,
{
    let mut waits = Waits::default();
    for _ in 0..TRIES {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => tracing::warn!(error = chain(&error), "the log does not answer"),
        }
        waits.wait().await;
    }
    Ok(ask().await?)
}

/// Attends the runs that are handed to this executor until `stop`. There is room for them by the last
/// beat, as whoever hands them out sees it; where several saw the same room, the later ones wait here
/// for a place, and start elsewhere if that takes too long.
async fn take_until(
    shared: &Arc<Shared>,
    mut handed: SelectAll<BoxStream<'static, Dispatch>>,
    runs: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let mut waiting = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(ended) = runs.join_next() => tell_panic(ended),
            Some(dispatch) = handed.next() => match waiting.len() {
                WAITING.. => tracing::debug!(task = %dispatch.task, "too many wait here already"),
                _ => waiting.push_back(dispatch),
            },
        }
        // Only this loop takes permits.
        while !waiting.is_empty()
            && let Ok(place) = Arc::clone(&shared.places).try_acquire_owned()
            && let Some(dispatch) = waiting.pop_front()
        {
            // Boxed: it would be moved about as a whole otherwise.
            runs.spawn(Box::pin(attend(Arc::clone(shared), dispatch, place)));
        }
    }
}

/// The runs of a kind that are handed to this executor, for ever: listened for anew whenever that
/// breaks off.
fn runs_of(
    shared: &Shared,
    kind: &Kind,
    first: BoxStream<'static, Dispatch>,
) -> BoxStream<'static, Dispatch> {
    let start = (shared.journal.clone(), kind.clone(), shared.id, first);
    stream::unfold(start, async |(journal, kind, id, mut handed)| {
        let mut waits = Waits::default();
        loop {
            if let Some(dispatch) = handed.next().await {
                return Some((dispatch, (journal, kind, id, handed)));
            }
            waits.wait().await;
            match journal.listen_runs(&kind, id).await {
                Ok(again) => handed = again,
                Err(error) => {
                    tracing::debug!(%kind, error = chain(&error), "cannot listen for runs yet");
                }
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
