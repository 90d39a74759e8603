//! What the JetStream interface answers: error codes, acknowledgements, positions.

use std::str::FromStr;

use async_nats::{HeaderMap, Message};
use longhaul_core::{Sequence, Timestamp};
use serde::Deserialize;

use crate::port::PortError;

/// Another sequence than the one expected.
pub(super) const WRONG_LAST_SEQUENCE: u64 = 10071;
/// Likewise, where the other write is still on its way.
pub(super) const WRONG_LAST_SEQUENCE_IN_FLIGHT: u64 = 10164;
pub(super) const STREAM_NOT_FOUND: u64 = 10059;
pub(super) const STREAM_EXISTS_DIFFERENTLY: u64 = 10058;
pub(super) const NO_MESSAGE: u64 = 10037;
pub(super) const SEQUENCE_NOT_FOUND: u64 = 10043;
/// Storing failed, for a reason that only the text gives.
pub(super) const STORE_FAILED: u64 = 10077;
/// The server, or the account, may store nothing more.
pub(super) const NO_RESOURCES: u64 = 10023;
pub(super) const NO_STORAGE: u64 = 10047;
/// The cluster has no leader just now, or another one.
pub(super) const CLUSTER_NOT_AVAILABLE: u64 = 10008;
pub(super) const NOT_LEADER: u64 = 10009;
pub(super) const CLUSTER_NO_ANSWER: u64 = 10004;

/// An error of the server's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ApiError {
    /// Which error, exactly.
    #[serde(rename = "err_code", default)]
    pub(super) code: u64,
    /// For people.
    #[serde(default)]
    pub(super) description: String,
}

impl ApiError {
    /// Whether it goes away by itself.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.code, CLUSTER_NOT_AVAILABLE | NOT_LEADER | CLUSTER_NO_ANSWER)
    }

    pub(super) fn is_conflict(&self) -> bool {
        matches!(self.code, WRONG_LAST_SEQUENCE | WRONG_LAST_SEQUENCE_IN_FLIGHT)
    }

    /// What an operator has to do so that there is room again; nothing if that is not the trouble.
    fn remedy(&self) -> Option<&'static str> {
        match self.code {
            NO_RESOURCES | NO_STORAGE => Some("raise max_file_store in the server's configuration"),
            STORE_FAILED if self.description.contains("maximum bytes") => {
                Some("raise max_bytes of the log's stream")
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (error {})", self.description, self.code)
    }
}

impl From<ApiError> for PortError {
    fn from(error: ApiError) -> Self {
        match error.code {
            STREAM_NOT_FOUND => Self::Misconfigured(
                "a stream of the log is gone; it was deleted, or this is another server or account"
                    .to_owned(),
            ),
            _ if error.is_transient() => Self::Unreachable(error.to_string()),
            _ => Self::Refused(match error.remedy() {
                Some(remedy) => format!("there is no room left: {error}; {remedy}, and try again"),
                None => error.to_string(),
            }),
        }
    }
}

/// The part of every answer that says whether it is an error.
#[derive(Debug, Deserialize)]
pub(super) struct ApiFailure {
    #[serde(default)]
    pub(super) error: Option<ApiError>,
}

/// The answer to a stored message. A refusal carries a sequence too, which is 0: the error counts.
#[derive(Debug, Deserialize)]
pub(super) struct PubAck {
    #[serde(default)]
    pub(super) error: Option<ApiError>,
    #[serde(default)]
    pub(super) seq: u64,
    /// How many messages an atomic batch had.
    #[serde(default)]
    pub(super) count: u64,
}

/// A stream's state, as far as anybody here wants to know.
#[derive(Debug, Deserialize)]
pub(super) struct StreamHead {
    pub(super) state: HeadState,
}

#[derive(Debug, Deserialize)]
pub(super) struct HeadState {
    pub(super) last_seq: u64,
}

/// Where a message lies, from the headers of a direct get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) sequence: Sequence,
    pub(super) stored_at: Timestamp,
    /// Later messages that match what was asked for.
    pub(super) pending: u64,
}

impl Place {
    pub(super) fn of(message: &Message) -> Result<Self, PortError> {
        let found = message.headers.as_ref().and_then(|headers| {
            let stored_at = headers.get("Nats-Time-Stamp")?.as_str().parse().ok()?;
            let sequence = Sequence(number(headers, "Nats-Sequence")?);
            Some(Self { sequence, stored_at, pending: number(headers, "Nats-Num-Pending").unwrap_or(0) })
        });
        found.ok_or_else(|| {
            PortError::Corrupt("the server sent a stored message without its place".to_owned())
        })
    }
}

/// A header that is a number.
pub(super) fn number<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.as_str().parse().ok()
}

/// The server's time, cut to milliseconds.
pub(super) fn timestamp(at: async_nats::datetime::DateTime) -> Timestamp {
    Timestamp(i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_says_what_to_do() {
        let said = |code, description: &str| {
            PortError::from(ApiError { code, description: description.to_owned() }).to_string()
        };
        assert!(said(10077, "maximum bytes exceeded").contains("raise max_bytes"));
        assert!(said(10023, "insufficient resources").contains("raise max_file_store"));
        assert!(!said(10077, "something else").contains("room"));
    }

    #[test]
    fn a_refusal_is_not_taken_for_sequence_zero() {
        let ack: PubAck = serde_json::from_str(
            r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},"stream":"LH_LOG_0","seq":0}"#,
        )
        .unwrap();
        assert!(ack.error.unwrap().is_conflict());
        let ack: PubAck = serde_json::from_str(r#"{"stream":"LH_LOG_0","seq":7}"#).unwrap();
        assert_eq!((ack.error, ack.seq), (None, 7));
    }
}
