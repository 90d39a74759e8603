//! Cells: last values, each replaced by whoever has seen it.

use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use longhaul_core::Sequence;
use longhaul_wire::cell::Cell;
use longhaul_wire::topology;

use super::api::{Place, PubAck};
use super::link::{ANSWER, Failure, Link};
use crate::port::{PortError, SwapError};

/// A cell's value. The subject stands in the question's own subject, so that the server can confine a
/// user to an organisation's cells. In a cluster whoever answers may be behind: a swap tells.
pub(super) async fn cell(link: &Link, cell: &Cell) -> Result<Option<(Sequence, Bytes)>, PortError> {
    let call = format!("$JS.API.DIRECT.GET.{}.{cell}", topology::cells().name);
    // Once: whoever asks has something else to go by, and no time.
    let answer = link.request(&call, None, Bytes::new(), ANSWER).await?;
    match answer.status {
        None => Ok(Some((Place::of(&answer)?.sequence, answer.payload))),
        Some(StatusCode::NOT_FOUND) => Ok(None),
        Some(status) => {
            let text = answer.description.as_deref().unwrap_or("no reason given");
            Err(PortError::Refused(format!("the cell {cell}: {} {text}", status.as_u16())))
        }
    }
}

/// Replaces a cell's value, provided nobody did since `expect`.
pub(super) async fn swap(
    link: &Link,
    cell: &Cell,
    expect: Sequence,
    body: Bytes,
) -> Result<Sequence, SwapError> {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expect.0));
    let answer = match link.request(&cell.to_string(), Some(headers), body, ANSWER).await {
        Ok(answer) => answer,
        // It may have happened: whoever looks again sees.
        Err(Failure::Broken | Failure::Silence(_) | Failure::Client(_)) => return Err(SwapError::Changed),
        Err(failure) => return Err(SwapError::Unavailable(failure.into())),
    };
    let ack: PubAck = serde_json::from_slice(&answer.payload)
        .map_err(|why| PortError::Corrupt(format!("the server's answer to a swap: {why}")))?;
    match ack.error {
        None => Ok(Sequence(ack.seq)),
        Some(error) if error.is_conflict() => Err(SwapError::Changed),
        Some(error) => Err(SwapError::Unavailable(error.into())),
    }
}
