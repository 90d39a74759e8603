//! One follower of the log that notes when each task was submitted, started and ended.
//!
//! It has a thread, a runtime and a connection of its own, so that what it costs is known apart from
//! what is measured, and so that it is not late because the client is busy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use longhaul_core::{Sequence, TaskId, Timestamp};
use longhaul_journal::ConnectOptions;
use longhaul_journal::nats::Nats;
use longhaul_journal::port::Port;
use longhaul_wire::{Parsed, Shards};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::process::Meter;
use crate::skim::{Mark, marks};

/// When something was seen here, and when the server stored it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) seen: Instant,
    pub(crate) stored: Timestamp,
}

/// What was seen of one task.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) submitted: Option<Moment>,
    pub(crate) started: Option<Moment>,
    pub(crate) ended: Option<Moment>,
}

/// How many tasks did what.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    started: usize,
    ended: usize,
}

/// What was seen, by task.
type Seen = HashMap<TaskId, Times>;

/// The follower.
pub(crate) struct Watcher {
    seen: Arc<Mutex<Seen>>,
    counts: watch::Receiver<Counts>,
    pub(crate) meter: Option<Meter>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watcher {
    /// Follows every shard from its present end.
    pub(crate) async fn start(options: ConnectOptions) -> Result<Self, Error> {
        let seen = Arc::<Mutex<Seen>>::default();
        let (count, counts) = watch::channel(Counts::default());
        let (ready, is_ready) = oneshot::channel();
        let stop = CancellationToken::new();
        let (for_thread, until) = (Arc::clone(&seen), stop.clone());
        let thread = std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || live(options, &for_thread, &count, ready, until))
            .map_err(Error::io("start the watcher's thread"))?;
        let meter = is_ready.await.map_err(|_| Error::BrokeOff("the watcher"))??;
        Ok(Self { seen, counts, meter, stop, thread: Some(thread) })
    }

    /// How many tasks have ended since it started.
    pub(crate) fn ended(&self) -> usize {
        self.counts.borrow().ended
    }

    /// How many tasks have started since it did.
    pub(crate) fn started(&self) -> usize {
        self.counts.borrow().started
    }

    /// Waits until so many tasks have ended in all; for at most `patience` without any.
    pub(crate) async fn wait_ended(&self, count: usize, patience: Duration) -> Result<(), Error> {
        self.wait("to end", count, patience, |counts| counts.ended).await
    }

    /// Waits until so many tasks have started in all; for at most `patience` without any.
    pub(crate) async fn wait_started(&self, count: usize, patience: Duration) -> Result<(), Error> {
        self.wait("to start", count, patience, |counts| counts.started).await
    }

    async fn wait(
        &self,
        what: &str,
        count: usize,
        patience: Duration,
        of: impl Fn(&Counts) -> usize,
    ) -> Result<(), Error> {
        let mut counts = self.counts.clone();
        loop {
            let now = of(&counts.borrow_and_update());
            if now >= count {
                return Ok(());
            }
            match tokio::time::timeout(patience, counts.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Error::BrokeOff("the watcher")),
                Err(_) => {
                    let what = format!("the next of {count} tasks {what}, {now} of which did");
                    return Err(Error::Stuck { what, waited: patience });
                }
            }
        }
    }

    /// What was seen of a task.
    pub(crate) fn times(&self, task: TaskId) -> Times {
        lock(&self.seen).get(&task).copied().unwrap_or_default()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

type Ready = oneshot::Sender<Result<Option<Meter>, Error>>;

fn live(
    options: ConnectOptions,
    seen: &Mutex<Seen>,
    counts: &watch::Sender<Counts>,
    ready: Ready,
    stop: CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime.map_err(Error::io("start the watcher's runtime")) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    runtime.block_on(stop.run_until_cancelled(async {
        let shards = match follow(&options).await {
            Ok(shards) => shards,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(Meter::this_thread()));
        let mut records = futures::stream::select_all(shards);
        while let Some(stored) = records.next().await {
            match stored {
                Ok(stored) => note(seen, counts, &stored),
                // Whoever waits for an end is told that none came.
                Err(error) => return tracing::warn!(%error, "the watcher lost the log"),
            }
        }
    }));
}

type Records =
    futures::stream::BoxStream<'static, Result<longhaul_journal::port::Stored, longhaul_journal::PortError>>;

async fn follow(options: &ConnectOptions) -> Result<Vec<Records>, Error> {
    let port = Nats::connect(options).await?;
    let shards = Shards::new(port.info().shards).unwrap_or_default();
    let mut streams = Vec::new();
    for shard in shards.all() {
        let head: Sequence = port.head(shard).await?;
        streams.push(port.follow(shard, head).await?);
    }
    Ok(streams)
}

fn note(seen: &Mutex<Seen>, counts: &watch::Sender<Counts>, stored: &longhaul_journal::port::Stored) {
    let Parsed::Task { task, .. } = stored.subject.parsed() else { return };
    let moment = Moment { seen: Instant::now(), stored: stored.stored_at };
    let marks = marks(&stored.body);
    let mut guard = lock(seen);
    let times = guard.entry(*task).or_default();
    let mut new = Counts::default();
    for mark in marks {
        let place = match mark {
            Mark::Submitted => &mut times.submitted,
            Mark::Started => &mut times.started,
            Mark::Ended => &mut times.ended,
            Mark::Other => continue,
        };
        // A later run, or a later attempt, is not what is waited for.
        if place.is_none() {
            *place = Some(moment);
            new.started += usize::from(mark == Mark::Started);
            new.ended += usize::from(mark == Mark::Ended);
        }
    }
    drop(guard);
    if new.started + new.ended > 0 {
        counts.send_modify(|counts| {
            counts.started += new.started;
            counts.ended += new.ended;
        });
    }
}
