//! Reading one subject, and the objects that lie under one.
//!
//! On one server a direct get sees everything acknowledged before. In a cluster any server that keeps
//! the stream may answer it, and one that is behind answers with what it has: there the leader is asked
//! for the last message first, and for whatever the direct get then lacks.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use async_nats::{Message, StatusCode};
use bytes::Bytes;
use futures::StreamExt as _;
use longhaul_core::{Sequence, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::api::{ApiError, Place, number, timestamp};
use super::link::{ANSWER, Failure, Link};
use crate::port::PortError;

/// How many messages, and about how many bytes, are asked for at once. The server pushes them all into
/// the connection: it has to hold them if they come faster than they go.
const PAGE: u64 = 1000;
const PAGE_BYTES: u64 = 4 << 20;

/// How long a read is tried over reconnections and elections.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

/// One message as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) sequence: Sequence,
    pub(super) stored_at: Timestamp,
    pub(super) body: Bytes,
    /// How many later ones the subject had.
    pub(super) pending: u64,
}

/// Reads from one stream.
pub(super) struct Reader<'a> {
    pub(super) link: &'a Link,
    pub(super) stream: String,
    /// On how many servers the stream is kept.
    pub(super) replicas: usize,
}

impl Reader<'_> {
    /// Every message of a subject after `after`, oldest first.
    pub(super) async fn all(&self, subject: &str, after: Sequence) -> Result<Vec<Raw>, PortError> {
        if self.replicas <= 1 {
            return self.direct(subject, after).await;
        }
        let Some(last) = self.leaders_last(subject).await?.filter(|last| last.sequence > after) else {
            return Ok(Vec::new());
        };
        let mut found = self.direct(subject, after).await?;
        loop {
            let at = found.last().map_or(after, |raw| raw.sequence);
            if at >= last.sequence {
                return Ok(found);
            }
            // The server that answered is behind.
            match self.leader(subject, Some(at)).await? {
                Some(next) => found.push(next),
                None => return Ok(found),
            }
        }
    }

    /// The last message of a subject.
    pub(super) async fn last(&self, subject: &str) -> Result<Option<Raw>, PortError> {
        if self.replicas > 1 {
            return self.leaders_last(subject).await;
        }
        Ok(self.one(json!({ "last_by_subj": subject })).await?.map(|(_, raw)| raw))
    }

    /// The message of a subject at a place, as far as whoever answers has it.
    pub(super) async fn at(&self, subject: &str, sequence: Sequence) -> Result<Option<Raw>, PortError> {
        let found = self.one(json!({ "seq": sequence.0 })).await?;
        Ok(found.filter(|(lies, _)| lies == subject).map(|(_, raw)| raw))
    }

    /// One direct get, and the subject of what it found.
    async fn one(&self, what: serde_json::Value) -> Result<Option<(String, Raw)>, PortError> {
        let call = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let message = self.link.query(&call, what.to_string().into()).await?;
        match message.status {
            None => {
                let subject = message.headers.as_ref().and_then(|headers| headers.get("Nats-Subject"));
                let subject = subject.map(|value| value.as_str().to_owned()).unwrap_or_default();
                Ok(Some((subject, raw(&message)?)))
            }
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(_) => Err(unexpected(&message)),
        }
    }

    /// Page after page of direct gets.
    async fn direct(&self, subject: &str, after: Sequence) -> Result<Vec<Raw>, PortError> {
        let mut found = Vec::new();
        let mut from = after;
        let until = Instant::now() + PATIENCE;
        loop {
            match self.page(subject, from, &mut found).await {
                Ok(true) => {}
                Ok(false) => return Ok(found),
                Err(PortError::Unreachable(why)) if Instant::now() < until => {
                    tracing::debug!(subject, why, "reading on");
                    sleep(PAUSE).await;
                }
                Err(why) => return Err(why),
            }
            from = found.last().map_or(from, |raw: &Raw| raw.sequence);
        }
    }

    /// Adds one page to `found`; whether there is more. What was added is good even if it fails.
    async fn page(&self, subject: &str, after: Sequence, found: &mut Vec<Raw>) -> Result<bool, PortError> {
        let number_of = self.link.up(ANSWER).await?;
        let client = self.link.client();
        let mut denials = self.link.denials();
        let inbox = client.new_inbox();
        let failed = |why: String| PortError::Unreachable(why);
        let mut answers = client.subscribe(inbox.clone()).await.map_err(|why| failed(why.to_string()))?;
        let body = json!({
            "next_by_subj": subject,
            "seq": after.0 + 1,
            "batch": PAGE,
            "max_bytes": PAGE_BYTES,
        })
        .to_string();
        let call = format!("$JS.API.DIRECT.GET.{}", self.stream);
        client
            .publish_with_reply(call.clone(), inbox, body.into())
            .await
            .map_err(|why| failed(why.to_string()))?;
        loop {
            let next = tokio::select! {
                biased;
                next = timeout(ANSWER, answers.next()) => next,
                () = self.link.lost(number_of) => return Err(Failure::Broken.into()),
                why = self.link.denied(&mut denials, &call) => return Err(Failure::Denied(why).into()),
            };
            let message = match next {
                Ok(Some(message)) => message,
                Ok(None) => return Err(Failure::Broken.into()),
                Err(_) => return Err(Failure::Silence(ANSWER).into()),
            };
            match message.status.map(|status| status.as_u16()) {
                None => found.push(raw(&message)?),
                // The end of the page, and how many more there are.
                Some(204) => {
                    let headers = message.headers.unwrap_or_default();
                    return Ok(number::<u64>(&headers, "Nats-Num-Pending").unwrap_or(0) > 0);
                }
                Some(404) => return Ok(false),
                Some(503) => return Err(Failure::Nobody(call).into()),
                Some(_) => return Err(unexpected(&message)),
            }
        }
    }

    async fn leaders_last(&self, subject: &str) -> Result<Option<Raw>, PortError> {
        self.leader(subject, None).await
    }

    /// Asks the stream's leader for the first message after `after`, or for the last one.
    async fn leader(&self, subject: &str, after: Option<Sequence>) -> Result<Option<Raw>, PortError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let why = match self.ask_leader(subject, after).await {
                Ok(found) => return Ok(found),
                Err(why) => why,
            };
            if !matches!(why, PortError::Unreachable(_)) || Instant::now() > until {
                return Err(why);
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask_leader(&self, subject: &str, after: Option<Sequence>) -> Result<Option<Raw>, PortError> {
        self.link.up(ANSWER).await?;
        let failed = |why: String| PortError::Unreachable(why);
        let stream = self.link.context().get_stream_no_info(&self.stream).await;
        let get = stream.map_err(|why| failed(why.to_string()))?.raw_message_builder();
        let get = match after {
            Some(after) => get.next_by_subject(subject).sequence(after.0 + 1),
            None => get.last_by_subject(subject),
        };
        match get.send().await {
            Ok(StreamMessage { sequence, payload, time, .. }) => Ok(Some(Raw {
                sequence: Sequence(sequence),
                stored_at: timestamp(time),
                body: payload,
                pending: 0,
            })),
            Err(why) => match why.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                RawMessageErrorKind::JetStream(error) => {
                    Err(ApiError { code: error.error_code().0, description: error.to_string() }.into())
                }
                _ => Err(failed(why.to_string())),
            },
        }
    }
}

fn raw(message: &Message) -> Result<Raw, PortError> {
    let Place { sequence, stored_at, pending } = Place::of(message)?;
    Ok(Raw { sequence, stored_at, body: message.payload.clone(), pending })
}

fn unexpected(message: &Message) -> PortError {
    let status = message.status.map(|status| status.as_u16()).unwrap_or_default();
    let text = message.description.as_deref().unwrap_or("no reason given");
    PortError::Refused(format!("a read: {status} {text}"))
}
