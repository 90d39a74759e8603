//! What a provider says of its limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a provider says of its limits with an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateFigures {
    /// Of requests.
    pub requests: Allowance,
    /// Of tokens.
    pub tokens: Allowance,
}

/// How much of something is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// How much in each window.
    pub limit: Option<u64>,
    /// How much is left of it.
    pub remaining: Option<u64>,
    /// Until all of it is there again.
    pub reset_in: Option<Duration>,
}
