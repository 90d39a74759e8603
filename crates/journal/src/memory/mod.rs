//! The in-memory twin: the port over nothing but memory.
//!
//! It keeps the server's promises to the letter (expectations, one order per shard, last values) and none of its latency, so that whatever runs over the real log runs over it in a
//! test, with the runtime's time paused if wanted. Clones share one log, as connections share a
//! server.

mod live;
mod log;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use longhaul_core::{Digest, Sequence};
use longhaul_wire::cell::Cell;
use longhaul_wire::{MAX_RECORD, Shard, Shards, Subject, sha256};
use tokio::sync::watch;

use self::live::{Beats, Cells, Listeners, Services};
use self::log::Log;
use crate::clock::Clock;
use crate::port::{
    Answer, Append, AppendError, Durability, Port, PortError, PortInfo, Request, ServiceSpec, Stored,
    SwapError, check_cell,
};

/// The in-memory twin of the log.
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Shards,
    clock: Clock,
    state: Mutex<State>,
    /// Counts changes, so that who waits for one wakes up.
    changes: watch::Sender<u64>,
}

struct State {
    /// Whether the server is up.
    up: bool,
    logs: Vec<Log>,
    beats: Beats,
    cells: Cells,
    listeners: Listeners,
    services: Services,
    objects: HashMap<Digest, Bytes>,
}

impl Memory {
    /// An empty log.
    pub fn new(shards: Shards) -> Self {
        let state = State {
            up: true,
            logs: shards.all().map(|_| Log::default()).collect(),
            beats: Beats::default(),
            cells: Cells::default(),
            listeners: Listeners::default(),
            services: Services::default(),
            objects: HashMap::new(),
        };
        let inner = Inner {
            shards,
            clock: Clock::runtime(),
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The clock the twin stamps messages with.
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// Takes the server down: every call fails, every stream stands still, until [`Memory::start`].
    pub fn stop(&self) {
        let mut state = self.lock();
        state.up = false;
        // Kept in the server's memory only.
        state.beats.clear();
        state.cells.clear();
        drop(state);
        self.changed();
    }

    /// Brings the server up again. What was appended is there; heartbeats, cells and what was being
    /// said are gone.
    pub fn start(&self) {
        self.lock().up = true;
        self.changed();
    }

    /// [`Memory::stop`], then [`Memory::start`].
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if the server is up.
    fn up(&self) -> Result<MutexGuard<'_, State>, PortError> {
        let state = self.lock();
        if state.up { Ok(state) } else { Err(PortError::Unreachable("it is stopped".to_owned())) }
    }

    fn changed(&self) {
        self.inner.changes.send_modify(|n| *n += 1);
    }

    /// Waits until `ready` gives something; asked again after every change, and not while the server
    /// is down.
    async fn when<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changes = self.inner.changes.subscribe();
        loop {
            changes.borrow_and_update();
            {
                let mut state = self.lock();
                if state.up
                    && let Some(found) = ready(&mut state)
                {
                    return found;
                }
            }
            // The sender lives as long as `self`: this only ever ends with a change.
            let _ = changes.changed().await;
        }
    }

    fn check_shard(&self, shard: Shard) -> Result<usize, PortError> {
        let shards = self.inner.shards;
        if shards.contains(shard) {
            return Ok(usize::from(shard.0));
        }
        Err(PortError::Misconfigured(format!("the log has {shards} shards; there is no shard {shard}")))
    }

    fn append_now(&self, message: Append) -> Result<Sequence, AppendError> {
        let shard = self.check_shard(message.subject.shard()).map_err(AppendError::DidNotHappen)?;
        let size = message.body.len();
        if size > MAX_RECORD {
            let why = format!("the message has {size} bytes; at most {MAX_RECORD} are allowed");
            return Err(AppendError::DidNotHappen(PortError::Refused(why)));
        }
        let mut state = self.up().map_err(AppendError::DidNotHappen)?;
        let sequence = state.logs[shard].append(message, self.inner.clock.now())?;
        drop(state);
        self.changed();
        Ok(sequence)
    }
}

impl Port for Memory {
    fn info(&self) -> PortInfo {
        PortInfo {
            shards: self.inner.shards.get(),
            durability: Durability::None,
            server: "in memory".to_owned(),
            max_message: MAX_RECORD,
        }
    }

    fn append(&self, message: Append) -> BoxFuture<'_, Result<Sequence, AppendError>> {
        Box::pin(async move { self.append_now(message) })
    }

    fn read<'a>(
        &'a self,
        subject: &'a Subject,
        after: Sequence,
    ) -> BoxFuture<'a, Result<Vec<Stored>, PortError>> {
        Box::pin(async move {
            let shard = self.check_shard(subject.shard())?;
            Ok(self.up()?.logs[shard].read(subject, after))
        })
    }

    fn last<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            let shard = self.check_shard(subject.shard())?;
            Ok(self.up()?.logs[shard].last(subject))
        })
    }

    fn at<'a>(
        &'a self,
        subject: &'a Subject,
        sequence: Sequence,
    ) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            let shard = self.check_shard(subject.shard())?;
            Ok(self.up()?.logs[shard].at(subject, sequence))
        })
    }

    fn head(&self, shard: Shard) -> BoxFuture<'_, Result<Sequence, PortError>> {
        Box::pin(async move {
            let shard = self.check_shard(shard)?;
            Ok(self.up()?.logs[shard].head())
        })
    }

    fn follow(
        &self,
        shard: Shard,
        after: Sequence,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<Stored, PortError>>, PortError>> {
        Box::pin(async move {
            let shard = self.check_shard(shard)?;
            drop(self.up()?);
            Ok(log::follow(self.clone(), shard, after))
        })
    }

    fn forget<'a>(&'a self, shard: Shard, sequences: &'a [Sequence]) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            let shard = self.check_shard(shard)?;
            self.up()?.logs[shard].forget(sequences);
            Ok(())
        })
    }

    fn beat<'a>(&'a self, executor: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            self.up()?.beats.put(executor, body);
            self.changed();
            Ok(())
        })
    }

    fn beats(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, PortError>>, PortError>> {
        Box::pin(async move {
            drop(self.up()?);
            Ok(live::beats(self.clone()))
        })
    }

    fn cell<'a>(&'a self, cell: &'a Cell) -> BoxFuture<'a, Result<Option<(Sequence, Bytes)>, PortError>> {
        Box::pin(async move { Ok(self.up()?.cells.get(cell)) })
    }

    fn swap<'a>(
        &'a self,
        cell: &'a Cell,
        expect: Sequence,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Sequence, SwapError>> {
        Box::pin(async move {
            check_cell(cell, &body)?;
            self.up()?.cells.swap(cell, expect, body)
        })
    }

    fn say<'a>(&'a self, subject: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            self.up()?.listeners.say(subject, &body);
            Ok(())
        })
    }

    fn listen<'a>(
        &'a self,
        pattern: &'a str,
    ) -> BoxFuture<'a, Result<BoxStream<'static, (String, Bytes)>, PortError>> {
        Box::pin(async move { Ok(self.up()?.listeners.listen(pattern)) })
    }

    fn put(&self, digest: Digest, body: Bytes) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async move {
            if sha256(&body) != digest {
                return Err(PortError::Corrupt(format!(
                    "the object's bytes do not have the digest {digest}"
                )));
            }
            self.up()?.objects.entry(digest).or_insert(body);
            Ok(())
        })
    }

    fn get(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, PortError>> {
        Box::pin(async move {
            let found = self.up()?.objects.get(&digest).cloned();
            found.ok_or_else(|| PortError::NotFound(format!("the object {digest}")))
        })
    }

    fn remove(&self, digest: Digest) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(async move {
            self.up()?.objects.remove(&digest);
            Ok(())
        })
    }

    fn serve(
        &self,
        service: ServiceSpec,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Box<dyn Request>>, PortError>> {
        Box::pin(async move { Ok(self.up()?.services.serve(&service)) })
    }

    fn ask<'a>(
        &'a self,
        subject: &'a str,
        body: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Answer, PortError>> {
        Box::pin(async move {
            let answer = self.up()?.services.ask(subject, body)?;
            match tokio::time::timeout(timeout, answer).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(_)) => Err(PortError::Unreachable(format!("{subject} went away without an answer"))),
                Err(_) => {
                    let waited = timeout.as_millis();
                    Err(PortError::Unreachable(format!("no answer from {subject} within {waited} ms")))
                }
            }
        })
    }
}
