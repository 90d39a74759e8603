//! Asking a consumer for messages, and noticing when it has gone silent.
//!
//! Requests for messages overlap. The server answers each with messages and, where it cannot fill it
//! in time, with how many it still owed: so how many are on their way is known exactly, and never more
//! are asked for than somebody has room for.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures::StreamExt as _;
use serde_json::json;
use tokio::time::sleep;

use super::api::number;
use super::link::{ANSWER, Denials, Failure, Link};
use crate::port::PortError;

/// How long one request stands.
const EXPIRES: Duration = Duration::from_secs(30);

/// How often the server says that it is still there while it has nothing to send.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long it may say nothing. A disk that is busy can hold a server up for seconds.
const SILENCE: Duration = Duration::from_secs(10);

/// Why a consumer cannot be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The connection is another one: what was on its way is lost.
    Reconnected,
    /// Nothing was heard for too long.
    Silent,
    /// The server says that the consumer is gone, or moves.
    Gone(String),
    /// More was delivered than arrived.
    Missed {
        /// How many deliveries arrived.
        arrived: u64,
        /// How many there were.
        delivered: u64,
    },
    /// The connection failed on it.
    Failed(String),
    /// The server does not let this client ask. No doubt: it stays so.
    Denied(String),
}

/// The messages of one consumer.
pub(super) struct Pull {
    link: Arc<Link>,
    call: String,
    inbox: String,
    answers: Subscriber,
    denials: Denials,
    /// Asked for, and neither here nor given up by the server.
    owed: u64,
    /// The most bytes of one request; raised where one message is larger.
    max_bytes: u64,
    /// The connection it is over.
    number: u64,
    /// Whether a message came since bytes ran out.
    moved: bool,
}

impl Pull {
    /// Messages of a consumer that exists.
    pub(super) async fn new(link: &Arc<Link>, stream: &str, consumer: &str) -> Result<Self, PortError> {
        let number = link.up(ANSWER).await?;
        let denials = link.denials();
        let inbox = link.client().new_inbox();
        let answers = link.client().subscribe(inbox.clone()).await;
        let answers = answers.map_err(|why| PortError::Unreachable(why.to_string()))?;
        let room = u64::try_from(link.client().max_payload()).unwrap_or(u64::MAX);
        Ok(Self {
            link: Arc::clone(link),
            call: format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
            inbox,
            answers,
            denials,
            owed: 0,
            max_bytes: room.saturating_add(64 << 10).max(4 << 20),
            number,
            moved: true,
        })
    }

    /// How many messages are on their way at most.
    pub(super) fn owed(&self) -> u64 {
        self.owed
    }

    /// Asks for `count` more.
    pub(super) async fn ask(&mut self, count: u64) -> Result<(), Doubt> {
        let body = json!({
            "batch": count,
            "max_bytes": self.max_bytes,
            "expires": EXPIRES.as_nanos(),
            "idle_heartbeat": HEARTBEAT.as_nanos(),
        })
        .to_string();
        let asked = self.link.client().publish_with_reply(self.call.clone(), self.inbox.clone(), body.into());
        asked.await.map_err(|why| Doubt::Failed(why.to_string()))?;
        self.owed += count;
        Ok(())
    }

    /// The next message; nothing when a request ended and more should be asked for. `arrived` is how
    /// many deliveries arrived so far, if the consumer has only this reader. May be dropped at any time.
    pub(super) async fn next(&mut self, arrived: Option<u64>) -> Result<Option<Message>, Doubt> {
        loop {
            let silence = async {
                match self.owed {
                    0 => std::future::pending().await,
                    _ => sleep(SILENCE).await,
                }
            };
            let message = tokio::select! {
                biased;
                message = self.answers.next() => message,
                () = self.link.lost(self.number) => return Err(Doubt::Reconnected),
                why = self.link.denied(&mut self.denials, &self.call) => return Err(Doubt::Denied(why)),
                () = silence => return Err(Doubt::Silent),
            };
            let message = message.ok_or_else(|| Doubt::Failed("the subscription ended".to_owned()))?;
            let Some(status) = message.status else {
                self.owed = self.owed.saturating_sub(1);
                self.moved = true;
                return Ok(Some(message));
            };
            let headers = message.headers.clone().unwrap_or_default();
            let given_up: Option<u64> = number(&headers, "Nats-Pending-Messages");
            let text = message.description.as_deref().unwrap_or_default().to_owned();
            match (status.as_u16(), given_up) {
                // A heartbeat.
                (100, _) => {
                    let delivered = number::<u64>(&headers, "Nats-Last-Consumer");
                    if let Some((arrived, delivered)) = arrived.zip(delivered)
                        && delivered > arrived
                    {
                        return Err(Doubt::Missed { arrived, delivered });
                    }
                }
                // The request's time or its bytes are used up.
                (408 | 409, Some(given_up)) => {
                    self.owed = self.owed.saturating_sub(given_up);
                    if text.contains("MaxBytes") && !std::mem::take(&mut self.moved) {
                        self.max_bytes = self.max_bytes.saturating_mul(2);
                    }
                    return Ok(None);
                }
                (status, _) => return Err(Doubt::Gone(format!("{status} {text}"))),
            }
        }
    }
}

impl From<Doubt> for PortError {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::Reconnected => Failure::Broken.into(),
            Doubt::Silent => Failure::Silence(SILENCE).into(),
            Doubt::Missed { arrived, delivered } => {
                Self::Unreachable(format!("of {delivered} messages only {arrived} arrived"))
            }
            Doubt::Gone(why) | Doubt::Failed(why) => Self::Unreachable(why),
            Doubt::Denied(why) => Self::Refused(why),
        }
    }
}
