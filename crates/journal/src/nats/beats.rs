//! Heartbeats (the last one of each executor is kept) and what is said to whoever listens.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use longhaul_core::ExecutorId;
use longhaul_wire::{live, topology};

use super::api::PubAck;
use super::follow::{Start, follow};
use super::link::{ANSWER, Link};
use crate::port::PortError;

/// Replaces the last heartbeat of an executor.
pub(super) async fn beat(link: &Link, executor: &str, body: Bytes) -> Result<(), PortError> {
    let executor: ExecutorId =
        executor.parse().map_err(|why| PortError::Refused(format!("a heartbeat: {why}")))?;
    let answer = link.request(&live::beat(executor), None, body, ANSWER).await?;
    let ack: PubAck = serde_json::from_slice(&answer.payload)
        .map_err(|why| PortError::Corrupt(format!("the server's answer to a heartbeat: {why}")))?;
    ack.error.map_or(Ok(()), |error| Err(error.into()))
}

/// The last heartbeat of each executor, then those to come. After a reconnection the last ones may
/// come again.
pub(super) async fn beats(
    link: Arc<Link>,
) -> Result<BoxStream<'static, Result<Bytes, PortError>>, PortError> {
    let followed = follow(link, topology::beats().name, Start::LastOfEach).await?;
    Ok(followed.map(|message| message.map(|message| message.body)).boxed())
}

/// What is said on subjects that match `pattern`, once this returns.
pub(super) async fn listen(
    link: Arc<Link>,
    pattern: &str,
) -> Result<BoxStream<'static, (String, Bytes)>, PortError> {
    link.up(ANSWER).await?;
    let heard = link.client().subscribe(pattern.to_owned()).await.map_err(|why| {
        PortError::Refused(format!("{pattern:?} cannot be listened to: {why}"))
    })?;
    // The server knows of it before anybody is told.
    link.settle().await?;
    let said = heard.map(move |message| {
        // The connection lives as long as somebody listens.
        let _keep = &link;
        (message.subject.to_string(), message.payload)
    });
    Ok(said.boxed())
}
