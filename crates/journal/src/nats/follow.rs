//! Following a stream: every message once, in order, without gaps, for as long as somebody reads.
//!
//! It reads through a consumer of its own that lives in the server's memory. The consumer numbers its
//! deliveries; on any doubt (a number missing, silence, another connection) it is thrown away and a new
//! one begins right after the last message that arrived.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Message;
use async_nats::jetstream;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use longhaul_core::{CommitId, Sequence, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::api::timestamp;
use super::append::head;
use super::link::Link;
use super::pull::{Doubt, Pull};
use crate::clock::new_id;
use crate::port::PortError;

/// How many messages are asked for at once; the next ones when half of them are there.
const BATCH: u64 = 1000;

/// After how long the server may forget a consumer that nobody asks anything.
const FORGOTTEN: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where to begin, and where to begin again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// After a message; again after the last one that arrived.
    After(Sequence),
    /// With the last message of each subject; again with them. For a stream that a crash may empty, so
    /// that its numbers begin anew.
    LastOfEach,
}

/// A message of the stream.
pub(super) struct Followed {
    pub(super) subject: async_nats::Subject,
    pub(super) sequence: Sequence,
    pub(super) stored_at: Timestamp,
    pub(super) body: Bytes,
    /// How many later ones there were.
    pub(super) pending: u64,
}

struct Follow {
    link: Arc<Link>,
    stream: String,
    start: Start,
    pull: Option<Pull>,
    /// How many deliveries of the current consumer arrived.
    arrived: u64,
    /// Whether the last consumers were given up before anything arrived.
    in_vain: bool,
    pause: Duration,
}

/// What the server answers to a consumer's creation; only that it exists matters.
#[derive(Deserialize)]
struct Created {}

/// Follows a stream. The first consumer is there when this returns; the stream ends after an error.
pub(super) async fn follow(
    link: Arc<Link>,
    stream: String,
    start: Start,
) -> Result<BoxStream<'static, Result<Followed, PortError>>, PortError> {
    let mut follow =
        Follow { link, stream, start, pull: None, arrived: 0, in_vain: false, pause: FIRST_PAUSE };
    follow.open().await?;
    let states = stream::unfold(Some(follow), |follow| async move {
        let mut follow = follow?;
        match follow.next().await {
            Ok(message) => Some((Ok(message), Some(follow))),
            Err(why) => Some((Err(why), None)),
        }
    });
    Ok(states.boxed())
}

impl Follow {
    /// Begins a new consumer.
    async fn open(&mut self) -> Result<(), PortError> {
        self.pull = None;
        let name = format!("follow_{}", new_id::<CommitId>().0.simple());
        let mut config = json!({
            "name": name,
            "description": "longhaul: follows the stream for one process",
            "ack_policy": "none",
            "replay_policy": "instant",
            "mem_storage": true,
            "num_replicas": 1,
            "max_deliver": 1,
            "inactive_threshold": FORGOTTEN.as_nanos(),
        });
        match self.start {
            Start::After(after) => {
                // A log that lost its end would be waited for in silence, and its new messages missed.
                let head = head(&self.link, &self.stream).await?;
                if head < after {
                    return Err(PortError::Corrupt(format!(
                        "{} ends at {head}, but was read up to {after}: it lost its end (a power loss \
                         under relaxed durability, or a restored backup); whatever was folded from it has \
                         to be built anew",
                        self.stream
                    )));
                }
                config["deliver_policy"] = json!("by_start_sequence");
                config["opt_start_seq"] = json!(after.0 + 1);
            }
            Start::LastOfEach => {
                config["deliver_policy"] = json!("last_per_subject");
                config["filter_subject"] = json!(">");
            }
        }
        let call = format!("CONSUMER.CREATE.{}.{name}", self.stream);
        let body = json!({ "stream_name": self.stream, "config": config, "action": "" });
        self.link.api::<Created>(&call, &body).await??;
        self.arrived = 0;
        self.pull = Some(Pull::new(&self.link, &self.stream, &name).await?);
        Ok(())
    }

    async fn next(&mut self) -> Result<Followed, PortError> {
        loop {
            let Some(pull) = &mut self.pull else {
                self.reopen().await?;
                continue;
            };
            match pulled(pull, self.arrived).await {
                Ok(None) => {}
                Ok(Some(message)) => match self.accept(message) {
                    Ok(followed) => return Ok(followed),
                    Err(doubt) => self.doubt(&doubt),
                },
                Err(denied @ Doubt::Denied(_)) => return Err(denied.into()),
                Err(doubt) => self.doubt(&doubt),
            }
        }
    }

    fn doubt(&mut self, doubt: &Doubt) {
        tracing::debug!(stream = self.stream, start = ?self.start, ?doubt, "following anew");
        self.in_vain = self.arrived == 0 && *doubt != Doubt::Reconnected;
        self.pull = None;
    }

    async fn reopen(&mut self) -> Result<(), PortError> {
        if self.in_vain {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        match self.open().await {
            Err(PortError::Unreachable(why)) => {
                tracing::warn!(stream = self.stream, why, "cannot follow; trying again");
                self.in_vain = true;
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Checks that this delivery is the next one.
    fn accept(&mut self, message: Message) -> Result<Followed, Doubt> {
        let message = jetstream::Message { context: self.link.context().clone(), message };
        let info = message.info().map_err(|why| Doubt::Failed(why.to_string()))?;
        if info.consumer_sequence != self.arrived + 1 {
            return Err(Doubt::Missed { arrived: self.arrived, delivered: info.consumer_sequence });
        }
        let sequence = Sequence(info.stream_sequence);
        let (stored_at, pending) = (timestamp(info.published), info.pending);
        if let Start::After(after) = &mut self.start {
            if sequence <= *after {
                return Err(Doubt::Failed(format!("{sequence} was delivered after {after}")));
            }
            *after = sequence;
        }
        self.arrived += 1;
        self.pause = FIRST_PAUSE;
        let Message { subject, payload, .. } = message.message;
        Ok(Followed { subject, sequence, stored_at, body: payload, pending })
    }
}

async fn pulled(pull: &mut Pull, arrived: u64) -> Result<Option<Message>, Doubt> {
    if pull.owed() <= BATCH / 2 {
        pull.ask(BATCH).await?;
    }
    pull.next(Some(arrived)).await
}
