//! What JSON has no word for.
#![expect(dead_code, reason = "described, never made")]

use schemars::JsonSchema;
use serde_json::Value;

/// An id that is a token of a subject.
#[derive(JsonSchema)]
#[schemars(inline, extend("pattern" = "^[A-Za-z0-9_-]{1,64}$"))]
pub(super) struct Token(String);

/// A moment, RFC 3339 in UTC, in milliseconds.
#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "date-time"))]
pub(super) struct Moment(String);

/// A SHA-256 digest.
#[derive(JsonSchema)]
#[schemars(inline, extend("pattern" = "^[0-9a-f]{64}$"))]
pub(super) struct Digest(String);

/// JSON of any form.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct Any(Value);
