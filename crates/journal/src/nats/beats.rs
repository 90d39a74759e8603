//! Heartbeats (the last one of each executor is kept) and what is said to whoever listens.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use longhaul_wire::{live, topology};

use super::api::PubAck;
use super::follow::{Start, follow};
use super::link::{ANSWER, Link};
use crate::port::PortError;

/// Replaces the last heartbeat of an executor.
pub(super) async fn beat(link: &Link, executor: &str, body: Bytes) -> Result<(), PortError> {
    let answer = link.request(&place(executor)?, None, body, ANSWER).await?;
    let ack: PubAck = serde_json::from_slice(&answer.payload)
        .map_err(|why| PortError::Corrupt(format!("the server's answer to a heartbeat: {why}")))?;
    ack.error.map_or(Ok(()), |error| Err(error.into()))
}

/// Where an executor's heartbeat lies.
fn place(executor: &str) -> Result<String, PortError> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if executor.is_empty() || !executor.chars().all(usable) {
        return Err(PortError::Refused(format!("{executor:?} cannot name an executor")));
    }
    Ok(live::BEATS.replace('*', executor))
}

/// The last heartbeat of each executor, then those to come. After a reconnection the last ones may
/// come again.
pub(super) async fn beats(
    link: Arc<Link>,
) -> Result<BoxStream<'static, Result<Bytes, PortError>>, PortError> {
    let followed = follow(link, topology::beats().name, Start::LastOfEach).await?;
    Ok(followed.map(|message| message.map(|message| message.body)).boxed())
}

/// What is said on subjects that match `pattern`, once this returns. It ends where the server does not
/// let this client listen.
pub(super) async fn listen(
    link: Arc<Link>,
    pattern: &str,
) -> Result<BoxStream<'static, (String, Bytes)>, PortError> {
    link.up(ANSWER).await?;
    let mut denials = link.denials();
    let pattern = pattern.to_owned();
    let heard = link
        .client()
        .subscribe(pattern.clone())
        .await
        .map_err(|why| PortError::Refused(format!("{pattern:?} cannot be listened to: {why}")))?;
    // The server knows of it before anybody is told.
    link.settle().await?;
    // The connection lives as long as somebody listens.
    let denied = async move { link.denied(&mut denials, &pattern).await };
    let said = heard.map(|message| (message.subject.to_string(), message.payload));
    Ok(said.take_until(Box::pin(denied)).boxed())
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_heartbeat_lies_where_all_are_looked_for() {
        let executor = longhaul_core::ExecutorId(uuid::Uuid::nil());
        let named = place(&executor.to_string()).unwrap();
        assert_eq!(named, longhaul_wire::live::beat(executor));
        for bad in ["", "*", ">", "a.b", "a b", "a\0"] {
            assert!(place(bad).is_err(), "{bad:?}");
        }
    }
}
