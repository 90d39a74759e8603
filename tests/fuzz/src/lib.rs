//! What must hold for whatever comes from outside: one target a reader.
//!
//! Each target is a function of bytes that panics if something does not hold. It is run in two ways:
//! guided by coverage (`just fuzz`), and by an ordinary test that replays the seeds and the corpus and
//! then a fixed number of mutations of them. The README says what each target takes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a property that does not hold is a panic")]

pub mod codec;
pub mod csv;
pub mod history;
pub mod json;
pub mod lines;
pub mod parquet;
pub mod questions;
pub mod sql;
pub mod subjects;
mod tables;

use std::fmt::{Debug, Display};

use longhaul_core::text::is_plain;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Splits an input at its first line feed.
fn first_line(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    Some((&input[..end], &input[end + 1..]))
}

/// That a message can be shown to anybody: not empty, of bounded length, no control characters.
fn is_presentable(message: &impl Display) {
    let text = message.to_string();
    assert!(!text.is_empty() && text.len() < 4000, "a message of {} bytes", text.len());
    assert!(text.chars().all(is_plain), "a message that is not plain: {text:?}");
}

/// That a value is written as JSON and read back the same.
fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let json = serde_json::to_vec(value).unwrap();
    let read: T = serde_json::from_slice(&json)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&json)));
    assert_eq!(&read, value, "{}", String::from_utf8_lossy(&json));
    json
}
