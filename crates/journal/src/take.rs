//! Taking dispatched runs.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll, StreamExt};
use longhaul_core::{Dispatch, Kind};
use longhaul_wire::{Parsed, Record, Subject, decode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::journal::Journal;
use crate::port::{Delivery, PortError};
use crate::tries::again;

/// A dispatched run in this process's hands. It is given to somebody else unless it is settled
/// within the dispatch wait; that fences nothing, so what follows from it is written with an
/// expectation.
pub struct Taken {
    /// Which run.
    pub dispatch: Dispatch,
    /// How often it was delivered, this time included.
    pub delivered: u64,
    delivery: Box<dyn Delivery>,
    _place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dispatch, delivered, .. } = self;
        f.debug_struct("Taken")
            .field("dispatch", dispatch)
            .field("delivered", delivered)
            .finish_non_exhaustive()
    }
}

impl Taken {
    /// Done with it: it is not delivered again, unless this word is lost.
    ///
    /// # Errors
    /// If the log is not available; then it comes again.
    pub async fn done(&self) -> Result<(), Error> {
        Ok(self.delivery.done().await?)
    }

    /// Not now: it is delivered again after `delay`, to anybody.
    ///
    /// # Errors
    /// If the log is not available; then it comes again all the same, later.
    pub async fn later(&self, delay: Duration) -> Result<(), Error> {
        Ok(self.delivery.later(delay).await?)
    }
}

impl Journal {
    /// Dispatched runs of a kind, of all shards, shared with every other taker of the kind. At most
    /// `unsettled` [`Taken`] are out at a time: one counts until it is dropped.
    /// After an error nothing more comes from one of the shards: take anew.
    ///
    /// # Errors
    /// If the log is not available.
    pub async fn take(
        &self,
        kind: &Kind,
        unsettled: usize,
    ) -> Result<BoxStream<'static, Result<Taken, Error>>, Error> {
        let mut all = SelectAll::new();
        for shard in self.shards().all() {
            let subject = Subject::dispatch(shard, kind);
            let place = subject.parsed().clone();
            let deliveries = again(self.deadline, || self.port.take(&subject, unsettled)).await?;
            all.push(deliveries.map(move |delivery| (place.clone(), delivery)).boxed());
        }
        let places = Arc::new(Semaphore::new(unsettled.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(stream::unfold((all, places), |(mut all, places)| async move {
            // Nothing is fetched that there is no place for.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            let taken = next(&mut all, place).await?;
            Some((taken, (all, places)))
        })
        .boxed())
    }
}

type Deliveries = SelectAll<BoxStream<'static, (Parsed, Result<Box<dyn Delivery>, PortError>)>>;

async fn next(all: &mut Deliveries, place: OwnedSemaphorePermit) -> Option<Result<Taken, Error>> {
    loop {
        let (subject, delivery) = all.next().await?;
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(why) => return Some(Err(why.into())),
        };
        match decode(&subject, delivery.body()) {
            Ok(Record::Dispatch(dispatch)) => {
                let delivered = delivery.delivered();
                return Some(Ok(Taken { dispatch, delivered, delivery, _place: place }));
            }
            // Dispatches are effects: the scheduler repeats what it meant.
            Ok(_) => settle_unreadable(&*delivery, &subject, "it is no dispatch").await,
            Err(why) => settle_unreadable(&*delivery, &subject, &why.to_string()).await,
        }
    }
}

async fn settle_unreadable(delivery: &dyn Delivery, subject: &Parsed, why: &str) {
    tracing::warn!(%subject, why, "an unreadable dispatch is put aside");
    if let Err(why) = delivery.done().await {
        tracing::debug!(%subject, %why, "it comes again");
    }
}
