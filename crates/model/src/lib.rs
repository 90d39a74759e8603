//! What a language model is asked and what it answers, whoever provides it.
//!
//! A [`Model`] takes an [`Ask`] (a system prompt, the dialog so far, the tools it may call) and answers
//! as it comes: pieces of text, then one [`Reply`] with the calls it wants made and the tokens it cost.
//! Errors keep their [`Class`], so that whoever asked knows whether to ask again.
//!
//! Nothing in here knows of tasks or logs. Everything that is said is plain serde: a dialog can be
//! recorded and gone on with elsewhere.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic"))]

mod ask;
mod dialog;
mod error;
mod figures;
mod providers;
mod retry;
mod rig;
mod scripted;
mod settings;

pub use ask::{Ask, Facts, Heard, Model, Rates, reply};
pub use dialog::{Call, Reply, Said, Stop, Tokens, Tool, estimate};
pub use error::{Class, Error};
pub use figures::{Allowance, RateFigures, figures, retry_after};
pub use providers::Providers;
pub use retry::Retry;
pub use scripted::{Scripted, Turn};
pub use settings::{Api, ModelFile, ProviderFile, ProviderSettings, Secret, Settings, SettingsError};
