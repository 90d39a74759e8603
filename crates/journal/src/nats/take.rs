//! Taking dispatches: a durable consumer that every taker of a kind shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Message, jetstream};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use longhaul_wire::{Parsed, Subject, topology};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::api::{CONSUMER_EXISTS, CONSUMER_NOT_FOUND};
use super::link::Link;
use super::pull::{Doubt, Pull};
use crate::port::{Delivery, PortError};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

type Taken = Result<Box<dyn Delivery>, PortError>;

/// Dispatches of one kind in one shard. The consumer is there when this returns.
pub(super) async fn take(
    link: Arc<Link>,
    dispatch: &Subject,
    unsettled: usize,
) -> Result<BoxStream<'static, Taken>, PortError> {
    let Parsed::Dispatch { shard, kind } = dispatch.parsed() else {
        return Err(PortError::Misconfigured(format!("{dispatch} is not where dispatches lie")));
    };
    let stream = topology::runs(*shard).name;
    let consumer = topology::dispatch_consumer(kind);
    provide(&link, &stream, &consumer, dispatch.as_str()).await?;
    let places = Places::new(unsettled);
    let subject = dispatch.as_str().to_owned();
    let take = Take { link, stream, consumer, subject, places, pull: None, pause: FIRST_PAUSE };
    let deliveries = stream::unfold(Some(take), |take| async move {
        let mut take = take?;
        match take.next().await {
            Ok(taken) => Some((Ok(Box::new(taken) as Box<dyn Delivery>), Some(take))),
            Err(why) => Some((Err(why), None)),
        }
    });
    Ok(deliveries.boxed())
}

#[derive(Deserialize)]
struct ConsumerInfo {
    config: ConsumerConfig,
}

/// What takers rely on.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct ConsumerConfig {
    #[serde(default)]
    filter_subject: String,
    ack_policy: String,
    #[serde(default)]
    max_deliver: i64,
}

/// Makes the consumer if it is missing. One that is there otherwise is left alone.
async fn provide(link: &Link, stream: &str, consumer: &str, subject: &str) -> Result<(), PortError> {
    let wanted = ConsumerConfig {
        filter_subject: subject.to_owned(),
        ack_policy: "explicit".to_owned(),
        max_deliver: -1,
    };
    let info = format!("CONSUMER.INFO.{stream}.{consumer}");
    for _ in 0..2 {
        match link.api::<ConsumerInfo>(&info, &json!({})).await? {
            Ok(found) if found.config == wanted => return Ok(()),
            Ok(ConsumerInfo { config: found }) => {
                return Err(PortError::Misconfigured(format!(
                    "the consumer {consumer} of {stream} is not as longhaul needs it, and is left alone: \
                     wanted {wanted:?}, found {found:?}. Delete it, and it is made anew"
                )));
            }
            Err(error) if error.code == CONSUMER_NOT_FOUND => {}
            Err(error) => return Err(error.into()),
        }
        let config = json!({
            "durable_name": consumer,
            "name": consumer,
            "description": "longhaul: dispatched runs, shared by every executor of the kind",
            "deliver_policy": "all",
            "replay_policy": "instant",
            "ack_policy": "explicit",
            "ack_wait": topology::DISPATCH_WAIT.as_nanos(),
            "max_deliver": -1,
            // What is put off counts as delivered: a limit would let it block what is new.
            "max_ack_pending": -1,
            "filter_subject": subject,
        });
        // With the filter in the subject, so that permissions can be given by it.
        let call = format!("CONSUMER.CREATE.{stream}.{consumer}.{subject}");
        let body = json!({ "stream_name": stream, "config": config, "action": "create" });
        match link.api::<ConsumerInfo>(&call, &body).await? {
            Ok(_) => return Ok(()),
            // Somebody else was faster: what is there is compared.
            Err(error) if error.code == CONSUMER_EXISTS => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(PortError::Unreachable(format!("the consumer {consumer} of {stream} comes and goes")))
}

struct Take {
    link: Arc<Link>,
    stream: String,
    consumer: String,
    subject: String,
    places: Arc<Places>,
    pull: Option<Pull>,
    pause: Duration,
}

impl Take {
    async fn next(&mut self) -> Result<Held, PortError> {
        loop {
            let Some(pull) = &mut self.pull else {
                self.reopen().await?;
                continue;
            };
            match pulled(pull, &self.places).await {
                Ok(Some((message, place))) => {
                    self.pause = FIRST_PAUSE;
                    match Held::new(&self.link, message, place) {
                        Some(held) => return Ok(held),
                        None => tracing::warn!(subject = self.subject, "a delivery that cannot be settled"),
                    }
                }
                Ok(None) => {}
                Err(denied @ Doubt::Denied(_)) => return Err(denied.into()),
                Err(doubt) => {
                    tracing::debug!(subject = self.subject, ?doubt, "taking anew");
                    if doubt != Doubt::Reconnected {
                        sleep(self.pause).await;
                        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                    }
                    // If it was only slow, what was asked for will still come.
                    self.give_back(doubt == Doubt::Silent);
                }
            }
        }
    }

    async fn reopen(&mut self) -> Result<(), PortError> {
        let opened = match provide(&self.link, &self.stream, &self.consumer, &self.subject).await {
            Ok(()) => Pull::new(&self.link, &self.stream, &self.consumer).await,
            Err(why) => Err(why),
        };
        match opened {
            Ok(pull) => {
                self.pull = Some(pull);
                Ok(())
            }
            Err(PortError::Unreachable(why)) => {
                tracing::warn!(subject = self.subject, why, "cannot take; trying again");
                sleep(self.pause).await;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                Ok(())
            }
            Err(lasting) => Err(lasting),
        }
    }

    /// Gives back what comes and nobody looks at, instead of letting others wait for its time to pass.
    fn give_back(&mut self, lingers: bool) {
        let (Some(mut pull), Ok(runtime)) = (self.pull.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let link = Arc::clone(&self.link);
        runtime.spawn(async move {
            while let Some(message) = pull.unread(lingers).await {
                if let Some(reply) = message.reply {
                    let _ = link.say(&reply, Bytes::from_static(b"-NAK")).await;
                }
            }
        });
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        self.give_back(false);
    }
}

/// The next delivery and its place; nothing if there is more to ask for.
async fn pulled(pull: &mut Pull, places: &Arc<Places>) -> Result<Option<(Message, Place)>, Doubt> {
    let free = places.free.load(Ordering::Acquire);
    if free > pull.owed() {
        pull.ask(free - pull.owed()).await?;
    }
    tokio::select! {
        biased;
        message = pull.next(None) => Ok(message?.map(|message| (message, places.occupy()))),
        // Room for one more.
        () = places.freed.notified() => Ok(None),
    }
}

/// For what may be out at a taker.
struct Places {
    free: AtomicU64,
    freed: Notify,
}

impl Places {
    fn new(count: usize) -> Arc<Self> {
        let free = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        Arc::new(Self { free: AtomicU64::new(free), freed: Notify::new() })
    }

    /// As many are asked for as are free: there always is one.
    fn occupy(self: &Arc<Self>) -> Place {
        self.free.fetch_sub(1, Ordering::AcqRel);
        Place(Arc::clone(self))
    }
}

/// One of them, taken until dropped.
struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

/// A dispatch in one's hands. Dropped, its place is free again; settled or not is another matter.
struct Held {
    link: Arc<Link>,
    reply: async_nats::Subject,
    body: Bytes,
    delivered: u64,
    _place: Place,
}

impl Held {
    fn new(link: &Arc<Link>, message: Message, place: Place) -> Option<Self> {
        let message = jetstream::Message { context: link.context().clone(), message };
        let delivered = u64::try_from(message.info().ok()?.delivered).ok()?;
        let Message { reply, payload, .. } = message.message;
        Some(Self { link: Arc::clone(link), reply: reply?, body: payload, delivered, _place: place })
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
        Box::pin(self.link.say(&self.reply, Bytes::from_static(b"+ACK")))
    }

    fn later(&self, delay: Duration) -> BoxFuture<'_, Result<(), PortError>> {
        let word =
            format!("-NAK {}", json!({ "delay": u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX) }));
        Box::pin(async move { self.link.say(&self.reply, word.into()).await })
    }
}
