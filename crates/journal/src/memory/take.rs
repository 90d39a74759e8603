//! Dispatches, shared among takers: what is not settled in time is delivered again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use longhaul_wire::Subject;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::log::Log;
use super::{Memory, State};
use crate::port::{Deliveries, Delivery, PortError};

/// What the takers of one kind in one shard have been given.
#[derive(Default)]
pub(super) struct Consumer {
    /// Up to here messages were delivered at least once.
    position: u64,
    /// Delivered and not settled.
    out: BTreeMap<u64, Out>,
}

struct Out {
    delivered: u64,
    /// From when on it is delivered again.
    due: Instant,
}

impl Consumer {
    pub(super) fn redeliver_all(&mut self) {
        let now = Instant::now();
        self.out.values_mut().for_each(|out| out.due = now);
    }

    /// The next delivery, if there is one now: what is due again before what is new.
    fn next(&mut self, log: &Log, subject: &Subject, wait: Duration) -> Option<(u64, u64, Bytes)> {
        let now = Instant::now();
        self.out.retain(|sequence, _| log.body(*sequence).is_some());
        let again = self.out.iter_mut().find(|(_, out)| out.due <= now);
        if let Some((sequence, out)) = again {
            out.delivered += 1;
            out.due = now + wait;
            return Some((*sequence, out.delivered, log.body(*sequence)?));
        }
        let (sequence, body) = log.next(subject, self.position)?;
        self.position = sequence;
        self.out.insert(sequence, Out { delivered: 1, due: now + wait });
        Some((sequence, 1, body))
    }

    /// When something unsettled will be due again.
    fn due(&self) -> Option<Instant> {
        self.out.values().map(|out| out.due).min()
    }
}

struct Held {
    memory: Memory,
    subject: Subject,
    sequence: u64,
    delivered: u64,
    body: Bytes,
    /// Given back when the delivery is dropped, settled or not.
    _place: OwnedSemaphorePermit,
}

impl Held {
    /// Changes the consumer, if the server is up.
    fn settle(&self, change: impl FnOnce(&mut Consumer)) -> Result<(), PortError> {
        let mut state = self.memory.up()?;
        change(state.consumers.entry(self.subject.clone()).or_default());
        drop(state);
        self.memory.changed();
        Ok(())
    }
}

impl Delivery for Held {
    fn body(&self) -> &Bytes {
        &self.body
    }

    fn delivered(&self) -> u64 {
        self.delivered
    }

    fn done(&self) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async move {
            // Also by somebody whose delivery was given to another since: settling fences nothing.
            self.settle(|consumer| {
                consumer.out.remove(&self.sequence);
            })
        })
    }

    fn later(&self, delay: Duration) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async move {
            self.settle(|consumer| {
                let current = consumer.out.get_mut(&self.sequence);
                if let Some(out) = current.filter(|out| out.delivered == self.delivered) {
                    out.due = Instant::now() + delay;
                }
            })
        })
    }
}

pub(super) fn take(memory: Memory, subject: Subject, unsettled: usize) -> Deliveries {
    let places = Arc::new(Semaphore::new(unsettled.clamp(1, Semaphore::MAX_PERMITS)));
    stream::unfold((memory, subject, places), |(memory, subject, places)| async move {
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        let (sequence, delivered, body) = next(&memory, &subject).await;
        let held = Held {
            memory: memory.clone(),
            subject: subject.clone(),
            sequence,
            delivered,
            body,
            _place: place,
        };
        Some((Ok(Box::new(held) as Box<dyn Delivery>), (memory, subject, places)))
    })
    .boxed()
}

async fn next(memory: &Memory, subject: &Subject) -> (u64, u64, Bytes) {
    let shard = usize::from(subject.shard().0);
    let mut changes = memory.inner.changes.subscribe();
    loop {
        changes.borrow_and_update();
        let mut due = None;
        {
            let mut state = memory.lock();
            let State { up, consumers, runs, .. } = &mut *state;
            if *up {
                let consumer = consumers.entry(subject.clone()).or_default();
                if let Some(found) = consumer.next(&runs[shard], subject, memory.inner.dispatch_wait) {
                    return found;
                }
                due = consumer.due();
            }
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
}
