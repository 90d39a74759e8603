//! The executor: what it runs, and how it is told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use longhaul_core::{BEAT, ExecutorId, Kind};
use longhaul_journal::{ConnectOptions, Journal, new_id};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::beat::host;
use crate::error::Error;
use crate::failure::Failure;
use crate::handler::{Erased, Handler, erase};
use crate::held::Held;
use crate::shared::Shared;
use crate::voice::Voice;
use crate::work::work;

/// How many runs an executor holds at once unless told otherwise.
pub const PLACES: u32 = 16;

/// How long an executor that shuts down waits for its runs to reach a checkpoint unless told
/// otherwise.
pub const DRAIN: Duration = Duration::from_secs(20);

/// Runs handlers: takes dispatched runs of the kinds it has handlers for, one process of however many.
///
/// Handlers run on the runtime's threads. One that blocks a thread for long (computes, waits without
/// `await`) should do so in [`tokio::task::spawn_blocking`]: on a runtime of one thread it would hold
/// up the heartbeat, and all runs of the process would count as lost.
#[must_use = "an executor does nothing until it serves"]
pub struct Executor {
    journal: Journal,
    id: ExecutorId,
    version: String,
    handlers: BTreeMap<Kind, Erased>,
    /// What was wrong with the handlers given, first thing first.
    wrong: Option<Error>,
    places: u32,
    drain: Duration,
    beat: Duration,
}

impl Executor {
    /// An executor over the log of a NATS server: `nats://host:port`.
    ///
    /// # Errors
    /// [`Error::Journal`] if the server is out of reach, or what is there is no log of this version.
    pub async fn connect(url: impl Into<String>) -> Result<Self, Error> {
        let options =
            ConnectOptions { name: Some("longhaul-executor".to_owned()), ..ConnectOptions::new(url) };
        Ok(Self::new(Journal::connect(&options).await?))
    }

    /// An executor over a log.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            id: new_id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            handlers: BTreeMap::new(),
            wrong: None,
            places: PLACES,
            drain: DRAIN,
            beat: BEAT.duration(),
        }
    }

    /// Its id: fresh, also if the process is the same.
    pub fn id(&self) -> ExecutorId {
        self.id
    }

    /// Runs tasks of this kind with `handler`: an `async fn(&mut Run, I) -> Result<O, E>` with input
    /// and output of any serde types, and an error that becomes a [`Failure`].
    ///
    /// Input that has not the form `I` fails the task with `bad_input`, naming the field.
    pub fn handle<I, O, E, F>(self, kind: impl AsRef<str>, handler: F) -> Self
    where
        F: for<'a> Handler<'a, I, O, E> + 'static,
        I: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        E: Into<Failure> + 'static,
    {
        self.register(kind.as_ref(), erase(handler))
    }

    /// Keeps a handler. What is wrong with it is said when the executor is to work.
    pub(crate) fn register(mut self, kind: &str, handler: Erased) -> Self {
        let wrong = match Kind::new(kind) {
            Err(invalid) => Some(invalid.into()),
            Ok(kind) => self.handlers.insert(kind.clone(), handler).map(|_| Error::TwoHandlers(kind)),
        };
        self.wrong = self.wrong.or(wrong);
        self
    }

    /// How many runs it holds at once, of all kinds together; [`PLACES`] otherwise.
    pub fn places(self, places: u32) -> Self {
        Self { places, ..self }
    }

    /// The version of the program its runs are recorded with; that of this crate otherwise.
    pub fn version(self, version: impl Into<String>) -> Self {
        Self { version: version.into(), ..self }
    }

    /// How long it waits for its runs to reach a checkpoint when it shuts down; [`DRAIN`] otherwise.
    /// Runs that have not by then are let go of: they count as lost once their heartbeat is stale.
    pub fn drain_within(self, drain: Duration) -> Self {
        Self { drain, ..self }
    }

    /// How often it beats; [`BEAT`] otherwise. Far more often than the lease lasts, or its runs count
    /// as lost.
    pub fn beat_every(self, beat: Duration) -> Self {
        Self { beat, ..self }
    }

    /// Works until the process is told to end (SIGTERM, SIGINT), then drains: takes nothing new, and
    /// lets its runs come to their next checkpoints, where other executors go on with them. Told a
    /// second time it leaves at once.
    ///
    /// # Errors
    /// If a handler cannot be registered, or the log cannot be reached at the beginning.
    pub async fn serve(self) -> Result<(), Error> {
        let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
        let stop = CancellationToken::new();
        let working = self.run(stop.clone());
        tokio::pin!(working);
        for told in 1.. {
            tokio::select! {
                outcome = &mut working => return outcome,
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told > 1 {
                break;
            }
            tracing::info!("shutting down: runs go on elsewhere from their next checkpoints");
            stop.cancel();
        }
        Ok(())
    }

    /// Works until `stop` is cancelled, then drains. Dropping the future leaves at once, as a killed
    /// process would.
    ///
    /// # Errors
    /// As [`Executor::serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        if self.handlers.is_empty() {
            return Err(Error::NoHandler);
        }
        if self.places == 0 {
            return Err(Error::NoPlace);
        }
        let (voice, speak) = Voice::new(self.journal.clone());
        let (leaving, leave) = watch::channel(None);
        let recent = self.journal.shards().all().map(|_| Arc::default()).collect();
        let shared = Shared {
            journal: self.journal,
            id: self.id,
            version: self.version,
            host: host(),
            handlers: self.handlers,
            size: self.places,
            places: Arc::new(Semaphore::new(self.places as usize)),
            held: Arc::new(Held::default()),
            recent,
            beat: self.beat,
            leave,
            voice,
        };
        work(Arc::new(shared), speak, stop, leaving, self.drain).await
    }
}
