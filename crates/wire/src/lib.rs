//! How Longhaul is written down: the bytes of a record, the subjects records lie under, the streams
//! that hold them, and the JSON that programs are given.
//!
//! What is here is a promise to every other program that reads or writes the log, and to whoever
//! reads it in ten years: names and formats only grow. Nothing here does I/O.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

pub mod cell;
pub mod codec;
pub mod digest;
pub mod live;
pub mod query;
pub mod schema;
pub mod shard;
pub mod subject;
pub mod topology;
pub mod view;

pub use codec::{DecodeError, EncodeError, MAX_RECORD, Record, VERSION, commit_id, decode, encode};
pub use digest::{canonical_digest, sha256};
pub use shard::{Shard, Shards};
pub use subject::{Parsed, Subject, SubjectError};
