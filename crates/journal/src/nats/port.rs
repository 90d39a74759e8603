//! The port over a connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use futures::stream::{BoxStream, StreamExt as _};
use longhaul_core::{Digest, Sequence};
use longhaul_wire::cell::Cell;
use longhaul_wire::{Shard, Shards, Subject, topology};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::api::{NO_MESSAGE, SEQUENCE_NOT_FOUND};
use super::append::{self, Publisher};
use super::clock::Clock;
use super::files::Files;
use super::follow::{Followed, Start, follow};
use super::gather::{Gather, too_many};
use super::link::{ANSWER, Link};
use super::options::ConnectOptions;
use super::provision::{exists, provision};
use super::read::{Raw, Reader};
use super::{beats, cells, durability, service};
use crate::port::{
    Append, AppendError, Durability, Port, PortError, PortInfo, Request, ServiceSpec, Stored, SwapError,
    check_cell,
};

/// The oldest server with everything that is used, atomic batches above all.
const OLDEST: (i64, i64, i64) = (2, 12, 0);

/// From this one on a server syncs a batch once; older ones sync each of its messages.
const SYNCS_BATCHES_ONCE: (i64, i64, i64) = (2, 15, 0);

/// How many appends may be in flight where they do not wait for each other.
const IN_FLIGHT: usize = 2048;

/// How many messages are forgotten at once.
const FORGETTING: usize = 32;

/// The log on NATS JetStream.
pub struct Nats {
    link: Arc<Link>,
    shards: Shards,
    replicas: usize,
    durability: Durability,
    clock: Clock,
    /// Where appends wait for each other, by shard; empty where they do not.
    gather: Vec<Gather>,
    in_flight: Semaphore,
    files: Files,
}

impl Nats {
    /// Connects, makes what is missing of the log, and compares the rest with what is needed. Nothing
    /// that is there is changed, and nothing is made where less is promised than asked for.
    ///
    /// # Errors
    /// [`PortError::Unreachable`]; [`PortError::Refused`] if the server does not let this client in, or
    /// does not let it do what is needed; [`PortError::Misconfigured`] if the server is too old, has no
    /// JetStream, holds something else under the log's names, or promises less than asked for.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, PortError> {
        let link = Link::connect(options).await?;
        let server = link.client().server_info();
        let (major, minor, patch) = OLDEST;
        if !link.client().is_server_compatible(major, minor, patch) {
            return Err(PortError::Misconfigured(format!(
                "the server is nats-server {}; {major}.{minor} or newer is needed",
                server.version
            )));
        }
        if !server.jetstream {
            return Err(PortError::Misconfigured(format!(
                "the server {} has no JetStream: give its configuration a `jetstream` block with a \
                 store_dir, or start it with -js",
                server.server_name
            )));
        }
        if options.durability.is_some() && !exists(&link).await? {
            // A log that is refused afterwards would be there all the same.
            let (durability, why) = durability::in_force(options, &server.server_id, &[]).await?;
            durability::check(options.durability, durability, &why)?;
        }
        let log = provision(&link, options).await?;
        let (durability, why) = durability::in_force(options, &server.server_id, &log.servers).await?;
        durability::check(options.durability, durability, &why)?;
        tracing::info!(shards = %log.shards, replicas = log.replicas, ?durability, why, "the log is ready");

        let (major, minor, patch) = SYNCS_BATCHES_ONCE;
        let gathers = durability == Durability::Strict
            && log.replicas == 1
            && link.client().is_server_compatible(major, minor, patch);
        let gather = log.shards.all().filter(|_| gathers).map(|_| Gather::new(Arc::clone(&link))).collect();
        let clock = Clock::new(Arc::clone(&link)).await;
        Ok(Self {
            link,
            shards: log.shards,
            replicas: log.replicas,
            durability,
            clock,
            gather,
            in_flight: Semaphore::new(IN_FLIGHT),
            files: Files::default(),
        })
    }

    fn publisher(&self) -> Publisher<'_> {
        Publisher { link: &self.link, replicas: self.replicas }
    }

    fn reader(&self, shard: Shard) -> Result<Reader<'_>, PortError> {
        Ok(Reader { link: &self.link, stream: self.stream(shard)?, replicas: self.replicas })
    }

    /// A shard's stream.
    fn stream(&self, shard: Shard) -> Result<String, PortError> {
        if self.shards.contains(shard) {
            return Ok(topology::log(shard).name);
        }
        Err(PortError::Misconfigured(format!(
            "the log has {} shards; there is no shard {shard}",
            self.shards
        )))
    }

    async fn append_one(&self, message: Append) -> Result<Sequence, AppendError> {
        let shard = message.subject.shard();
        self.stream(shard).map_err(AppendError::DidNotHappen)?;
        if let Some(gather) = self.gather.get(usize::from(shard.0)) {
            return gather.append(message).await;
        }
        let Ok(Ok(_in_flight)) = timeout(ANSWER, self.in_flight.acquire()).await else {
            return Err(AppendError::DidNotHappen(too_many()));
        };
        self.publisher().append(&message).await
    }

    async fn forget_one(&self, stream: &str, sequence: Sequence) -> Result<(), PortError> {
        // Overwritten with noise, not only unlinked.
        let call = format!("STREAM.MSG.DELETE.{stream}");
        let body = json!({ "seq": sequence.0, "no_erase": false });
        match self.link.api::<Deleted>(&call, &body).await? {
            Ok(Deleted {}) => Ok(()),
            Err(error) if matches!(error.code, NO_MESSAGE | SEQUENCE_NOT_FOUND) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Deserialize)]
struct Deleted {}

fn stored(subject: &Subject, raw: Raw) -> Stored {
    Stored {
        subject: subject.clone(),
        sequence: raw.sequence,
        stored_at: raw.stored_at,
        body: raw.body,
        pending: raw.pending,
    }
}

/// A followed message, if it lies under a subject of the log. The streams take nothing but the log's
/// shapes of subjects; one that fits a shape and holds no id is none of ours.
fn recognised(message: Followed) -> Option<Stored> {
    let Followed { subject, sequence, stored_at, body, pending } = message;
    match subject.as_str().parse() {
        Ok(subject) => Some(Stored { subject, sequence, stored_at, body, pending }),
        Err(why) => {
            tracing::warn!(%sequence, "skipped: {why}");
            None
        }
    }
}

impl Port for Nats {
    fn ahead(&self) -> i64 {
        self.clock.ahead()
    }

    fn reconnect(&self) {
        self.link.reconnect();
    }

    fn info(&self) -> PortInfo {
        let server = self.link.client().server_info();
        PortInfo {
            shards: self.shards.get(),
            durability: self.durability,
            server: format!("nats-server {} ({})", server.version, server.server_name),
            max_message: append::max_message(&self.link),
        }
    }

    fn append(&self, message: Append) -> BoxFuture<'_, Result<Sequence, AppendError>> {
        Box::pin(self.append_one(message))
    }

    fn append_batch(&self, messages: Vec<Append>) -> BoxFuture<'_, Vec<Result<Sequence, AppendError>>> {
        // Side by side: they gather where that is faster.
        Box::pin(join_all(messages.into_iter().map(|message| self.append_one(message))))
    }

    fn read<'a>(
        &'a self,
        subject: &'a Subject,
        after: Sequence,
    ) -> BoxFuture<'a, Result<Vec<Stored>, PortError>> {
        Box::pin(async move {
            let found = self.reader(subject.shard())?.all(subject.as_str(), after).await?;
            Ok(found.into_iter().map(|raw| stored(subject, raw)).collect())
        })
    }

    fn last<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            let found = self.reader(subject.shard())?.last(subject.as_str()).await?;
            Ok(found.map(|raw| stored(subject, raw)))
        })
    }

    fn at<'a>(
        &'a self,
        subject: &'a Subject,
        sequence: Sequence,
    ) -> BoxFuture<'a, Result<Option<Stored>, PortError>> {
        Box::pin(async move {
            let found = self.reader(subject.shard())?.at(subject.as_str(), sequence).await?;
            Ok(found.map(|raw| stored(subject, raw)))
        })
    }

    fn head(&self, shard: Shard) -> BoxFuture<'_, Result<Sequence, PortError>> {
        Box::pin(async move { append::head(&self.link, &self.stream(shard)?).await })
    }

    fn follow(
        &self,
        shard: Shard,
        after: Sequence,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<Stored, PortError>>, PortError>> {
        Box::pin(async move {
            let stream = self.stream(shard)?;
            let followed = follow(Arc::clone(&self.link), stream, Start::After(after)).await?;
            let stored = followed.filter_map(|message| {
                std::future::ready(match message {
                    Ok(message) => recognised(message).map(Ok),
                    Err(why) => Some(Err(why)),
                })
            });
            Ok(stored.boxed())
        })
    }

    fn forget<'a>(&'a self, shard: Shard, sequences: &'a [Sequence]) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            let stream = self.stream(shard)?;
            for some in sequences.chunks(FORGETTING) {
                let forgotten = join_all(some.iter().map(|one| self.forget_one(&stream, *one))).await;
                forgotten.into_iter().collect::<Result<(), _>>()?;
            }
            Ok(())
        })
    }

    fn beat<'a>(&'a self, executor: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(beats::beat(&self.link, executor, body))
    }

    fn beats(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, PortError>>, PortError>> {
        Box::pin(beats::beats(Arc::clone(&self.link)))
    }

    fn cell<'a>(&'a self, cell: &'a Cell) -> BoxFuture<'a, Result<Option<(Sequence, Bytes)>, PortError>> {
        Box::pin(cells::cell(&self.link, cell))
    }

    fn swap<'a>(
        &'a self,
        cell: &'a Cell,
        expect: Sequence,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Sequence, SwapError>> {
        Box::pin(async move {
            check_cell(cell, &body)?;
            cells::swap(&self.link, cell, expect, body).await
        })
    }

    fn say<'a>(&'a self, subject: &'a str, body: Bytes) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(self.link.say(subject, body))
    }

    fn listen<'a>(
        &'a self,
        pattern: &'a str,
    ) -> BoxFuture<'a, Result<BoxStream<'static, (String, Bytes)>, PortError>> {
        Box::pin(beats::listen(Arc::clone(&self.link), pattern))
    }

    fn put(&self, digest: Digest, body: Bytes) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(self.files.put(&self.link, digest, body))
    }

    fn get(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, PortError>> {
        Box::pin(self.files.get(&self.link, digest, self.replicas))
    }

    fn remove(&self, digest: Digest) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(self.files.remove(&self.link, digest))
    }

    fn serve(
        &self,
        service: ServiceSpec,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Box<dyn Request>>, PortError>> {
        Box::pin(service::serve(Arc::clone(&self.link), service))
    }

    fn ask<'a>(
        &'a self,
        subject: &'a str,
        body: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Result<Bytes, (u16, String)>, PortError>> {
        Box::pin(service::ask(&self.link, subject, body, timeout))
    }
}
