//! What the log says of a measurement once it is over: nobody has to follow it meanwhile.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use longhaul_client::Client;
use longhaul_core::{Status, Timestamp};
use longhaul_journal::ConnectOptions;
use longhaul_journal::nats::Nats;
use longhaul_journal::port::Port as _;
use longhaul_wire::query::{Count, Filter, Positions};
use longhaul_wire::{Parsed, Shards};

use crate::error::Error;
use crate::skim::{Mark, marks};
use crate::stage::Stage;

/// How often it is looked whether the log still grows: that costs next to nothing, unlike counting tasks.
const EVERY: Duration = Duration::from_millis(100);

/// When what happened behind some places, by the server's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    /// When the first submission was stored.
    pub(crate) first: Option<Timestamp>,
    /// When the last end was stored.
    pub(crate) last: Option<Timestamp>,
}

impl Span {
    /// From the first submission to the last end.
    pub(crate) fn wall(self) -> Option<Duration> {
        let millis = self.last?.0.checked_sub(self.first?.0)?;
        u64::try_from(millis).ok().map(Duration::from_millis)
    }
}

/// Reads everything behind these places that is there by now.
pub(crate) async fn span(connect: &ConnectOptions, places: &Positions) -> Result<Span, Error> {
    let port = Nats::connect(connect).await?;
    let mut span = Span::default();
    for shard in Shards::new(port.info().shards).unwrap_or_default().all() {
        let (mut at, end) = (places.of(shard), port.head(shard).await?);
        let mut records = port.follow(shard, at).await?;
        while at < end
            && let Some(stored) = records.next().await
        {
            let stored = stored?;
            at = stored.sequence;
            if !matches!(stored.subject.parsed(), Parsed::Task { .. }) {
                continue;
            }
            for mark in marks(&stored.body) {
                match mark {
                    Mark::Submitted => {
                        let first = span.first.get_or_insert(stored.stored_at);
                        *first = stored.stored_at.min(*first);
                    }
                    Mark::Ended => span.last = span.last.max(Some(stored.stored_at)),
                    Mark::Started | Mark::Other => {}
                }
            }
        }
    }
    Ok(span)
}

/// How many tasks of these clients have ended.
pub(crate) async fn ended(clients: &[Client]) -> Result<u64, Error> {
    let mut ended = 0;
    for client in clients {
        let filter =
            Filter { org: Some(client.identity().org.clone()), dismissed: true, ..Filter::default() };
        let counted = client.query(&Count { filter, ..Count::default() }).await?;
        ended += Status::ALL
            .iter()
            .filter(|status| status.is_terminal())
            .filter_map(|status| counted.all.status.get(status))
            .sum::<u64>();
    }
    Ok(ended)
}

/// Waits until so many have; for at most `patience` without a word from any.
pub(crate) async fn wait_ended(
    stage: &mut Stage,
    clients: &[Client],
    count: u64,
    patience: Duration,
) -> Result<(), Error> {
    let (mut place, mut since) = (stage.here().await?, Instant::now());
    loop {
        tokio::time::sleep(EVERY).await;
        stage.check()?;
        let now = stage.here().await?;
        if now != place {
            (place, since) = (now, Instant::now());
            continue;
        }
        let ended = ended(clients).await?;
        if ended >= count {
            return Ok(());
        }
        if since.elapsed() > patience {
            let what = format!("the next of {count} tasks to end, {ended} of which did");
            return Err(Error::Stuck { what, waited: patience });
        }
    }
}
