//! What goes wrong with a model, by what can be done about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{RateFigures, Tokens};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It did not answer, or went silent, for longer than one waits.
    Timeout,
    /// It was asked too often.
    RateLimited,
    /// It is out of reach, or broken at the moment.
    Unavailable,
    /// The answer ended before its end.
    BrokenOff,
    /// The answer is not what such a server answers.
    Malformed,
    /// It will not answer this, whoever asks.
    Refused,
    /// The key is missing, wrong, or may not do this.
    Unauthorised,
    /// The question is not one it understands.
    BadRequest,
    /// The dialog is longer than the model can read.
    TooLong,
}

impl Class {
    /// The word for it in errors of tasks.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Timeout => "provider_timeout",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "provider_unavailable",
            Self::BrokenOff => "provider_broken_off",
            Self::Malformed => "provider_malformed",
            Self::Refused => "refused",
            Self::Unauthorised => "provider_unauthorised",
            Self::BadRequest => "bad_model_request",
            Self::TooLong => "context_too_long",
        }
    }

    /// Whether the same question may be answered later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Timeout | Self::RateLimited | Self::Unavailable | Self::BrokenOff | Self::Malformed
        )
    }
}

/// Why a model did not answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure it is.
    pub class: Class,
    /// What went wrong, and with whom: one line, at most 300 characters, no key in it.
    pub message: String,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
    /// What the provider said of its limits.
    pub figures: Option<Box<RateFigures>>,
    /// What it cost all the same.
    pub tokens: Tokens,
}

impl Error {
    /// A failure that cost nothing.
    #[must_use]
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after: None, figures: None, tokens: Tokens::default() }
    }
}
