//! Appending: one publish, or one atomic batch, and what became of it.

use std::time::Duration;

use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use longhaul_core::{CommitId, Sequence};
use longhaul_wire::{Shard, topology};
use serde_json::json;
use tokio::time::timeout;

use super::api::{ApiError, PubAck, STORE_FAILED, STREAM_NOT_FOUND, StreamHead};
use super::link::{ANSWER, Failure, Link};
use crate::clock::new_id;
use crate::port::{Append, AppendError, PortError};

const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

/// Room for headers and subject in a message as large as the server takes.
const OVERHEAD: usize = 1024;

/// The longest body that may be appended.
pub(super) fn max_message(link: &Link) -> usize {
    link.client().max_payload().saturating_sub(OVERHEAD)
}

/// Publishes to the log's streams.
pub(super) struct Publisher<'a> {
    pub(super) link: &'a Link,
    /// On how many servers the log is kept.
    pub(super) replicas: usize,
}

/// Why a batch has no sequence.
#[derive(Debug)]
pub(super) enum BatchError {
    /// The server refused it whole: nothing of it is stored, and one by one each message gets an
    /// answer of its own.
    Refused(ApiError),
    /// Nothing of it was sent, or certainly nothing stored.
    DidNotHappen(PortError),
    /// All of it may be stored, or nothing.
    MayHaveHappened(PortError),
}

impl Publisher<'_> {
    /// Appends one message.
    pub(super) async fn append(&self, message: &Append) -> Result<Sequence, AppendError> {
        check_size(self.link, message)?;
        let headers = message.expect.map(|expect| {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expect.0));
            headers
        });
        let subject = message.subject.as_str();
        let answer = self.link.request(subject, headers, message.body.clone(), ANSWER).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Err(self.unanswered(message.subject.shard(), failure).await),
        };
        let ack = read(&answer.payload).map_err(AppendError::MayHaveHappened)?;
        match ack.error {
            None => Ok(Sequence(ack.seq)),
            Some(error) if error.is_conflict() => {
                Err(AppendError::Conflict { subject: message.subject.clone() })
            }
            // Servers of a cluster agree on a message before each stores it: one that fails at it does
            // not speak for the others.
            Some(error) if error.code == STORE_FAILED && self.replicas > 1 => {
                Err(AppendError::MayHaveHappened(error.into()))
            }
            Some(error) => Err(AppendError::DidNotHappen(error.into())),
        }
    }

    /// Appends messages of one shard as one atomic batch; the answer is the last one's sequence, and
    /// the others come right before it. No subject with an expectation may occur twice.
    pub(super) async fn append_atomically(&self, messages: &[Append]) -> Result<Sequence, BatchError> {
        let Some((last, others)) = messages.split_last() else {
            return Ok(Sequence::ZERO);
        };
        let number = self.link.up(ANSWER).await.map_err(|why| BatchError::DidNotHappen(why.into()))?;
        let id = new_id::<CommitId>().0.simple().to_string();
        // The server takes them in the order they are given to the client, all over one connection.
        // Without the last one nothing is stored, and what was sent is thrown away after a while.
        let send_others = async {
            for (at, message) in others.iter().enumerate() {
                let headers = batch_headers(&id, at + 1, message);
                let subject = message.subject.as_str().to_owned();
                self.link.client().publish_with_headers(subject, headers, message.body.clone()).await?;
            }
            Ok::<_, async_nats::PublishError>(())
        };
        match timeout(ANSWER, send_others).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                return Err(BatchError::DidNotHappen(PortError::Unreachable(why.to_string())));
            }
            Err(_) => return Err(BatchError::DidNotHappen(Failure::Silence(ANSWER).into())),
        }
        if self.link.up(Duration::ZERO).await != Ok(number) {
            return Err(BatchError::DidNotHappen(Failure::Broken.into()));
        }
        let mut headers = batch_headers(&id, messages.len(), last);
        headers.insert(BATCH_COMMIT, "1");
        let answer = self.link.request(last.subject.as_str(), Some(headers), last.body.clone(), ANSWER).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                return Err(match self.unanswered(last.subject.shard(), failure).await {
                    AppendError::MayHaveHappened(why) => BatchError::MayHaveHappened(why),
                    AppendError::DidNotHappen(why) => BatchError::DidNotHappen(why),
                    AppendError::Conflict { subject } => BatchError::DidNotHappen(PortError::Refused(
                        format!("another writer was faster on {subject}"),
                    )),
                });
            }
        };
        let ack = read(&answer.payload).map_err(BatchError::MayHaveHappened)?;
        match ack.error {
            // It is checked as a whole before it is stored, message by message: a failure to store says
            // nothing of those before.
            Some(error) if error.code == STORE_FAILED => Err(BatchError::MayHaveHappened(error.into())),
            Some(error) => Err(BatchError::Refused(error)),
            None if ack.count == messages.len() as u64 => Ok(Sequence(ack.seq)),
            None => Err(BatchError::MayHaveHappened(PortError::Corrupt(format!(
                "of a batch of {} messages the server says it stored {}",
                messages.len(),
                ack.count
            )))),
        }
    }

    /// What a failure to get an answer means for the message.
    async fn unanswered(&self, shard: Shard, failure: Failure) -> AppendError {
        match failure {
            Failure::Nobody(subject) => AppendError::DidNotHappen(match self.is_gone(shard).await {
                // While a cluster chooses a stream's leader nobody takes messages for it.
                false => Failure::Nobody(subject).into(),
                true => PortError::Misconfigured(format!(
                    "the stream {} is gone; it was deleted, or this is another server or account",
                    topology::log(shard).name
                )),
            }),
            Failure::Down | Failure::Denied(_) | Failure::TooLarge { .. } => {
                AppendError::DidNotHappen(failure.into())
            }
            Failure::Broken | Failure::Silence(_) | Failure::Client(_) => {
                AppendError::MayHaveHappened(failure.into())
            }
        }
    }

    async fn is_gone(&self, shard: Shard) -> bool {
        let call = format!("$JS.API.STREAM.INFO.{}", topology::log(shard).name);
        let answer = self.link.request(&call, None, Bytes::from_static(b"{}"), ANSWER).await;
        let error = answer.ok().and_then(|answer| read(&answer.payload).ok()).and_then(|ack| ack.error);
        error.is_some_and(|error| error.code == STREAM_NOT_FOUND)
    }
}

/// The last sequence of a stream.
pub(super) async fn head(link: &Link, stream: &str) -> Result<Sequence, PortError> {
    let info = link.api::<StreamHead>(&format!("STREAM.INFO.{stream}"), &json!({})).await??;
    Ok(Sequence(info.state.last_seq))
}

/// An oversize message would cost everybody on this connection their answers.
fn check_size(link: &Link, message: &Append) -> Result<(), AppendError> {
    let (size, limit) = (message.body.len(), max_message(link));
    if size <= limit {
        return Ok(());
    }
    Err(AppendError::DidNotHappen(Failure::TooLarge { size, limit }.into()))
}

fn batch_headers(id: &str, place: usize, message: &Append) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(BATCH_ID, id);
    headers.insert(BATCH_SEQUENCE, HeaderValue::from(place));
    if let Some(expect) = message.expect {
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expect.0));
    }
    headers
}

fn read(payload: &[u8]) -> Result<PubAck, PortError> {
    serde_json::from_slice(payload)
        .map_err(|why| PortError::Corrupt(format!("the server's answer to an append: {why}")))
}
