//! What a run and its steps have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use longhaul_core::decide::{MAX_TEXT, is_file_name};
use longhaul_core::{Act, Artifact, Payload, Policy, Snapshot, TaskRef, Usage, Waits, text};
use longhaul_journal::{Error, Journal, TextDelta};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Sight, look};
use crate::failure::{Failure, chain};
use crate::patience::patiently;
use crate::voice::Voice;
use crate::write::{Desk, Refused};

/// What a task may still use. Nothing where it is not bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many queries the task may run in all.
    pub queries: Option<u32>,
    /// How many of them are left.
    pub queries_left: Option<u32>,
    /// How many tokens the task may use in all, in both directions.
    pub tokens: Option<u64>,
    /// How many of them are left.
    pub tokens_left: Option<u64>,
}

impl Budget {
    /// Whether nothing is left of something that is bounded.
    pub fn is_spent(&self) -> bool {
        self.queries_left == Some(0) || self.tokens_left == Some(0)
    }
}

pub(crate) struct Context {
    pub(crate) journal: Journal,
    pub(crate) task: TaskRef,
    /// The task when this run began.
    pub(crate) begun: Snapshot,
    pub(crate) desk: Arc<Desk>,
    /// When the executor leaves, once it shuts down.
    pub(crate) leave: watch::Receiver<Option<Instant>>,
    pub(crate) voice: Voice,
    started: Instant,
    /// Whether this run has recorded a step.
    recorded: AtomicBool,
    /// Held while a budget is looked at and spent from.
    spending: tokio::sync::Mutex<()>,
}

impl Context {
    pub(crate) fn new(
        journal: Journal,
        begun: Snapshot,
        desk: Arc<Desk>,
        leave: watch::Receiver<Option<Instant>>,
        voice: Voice,
    ) -> Self {
        Self {
            task: TaskRef { org: begun.owner.org.clone(), task: begun.task },
            journal,
            begun,
            desk,
            leave,
            voice,
            started: Instant::now(),
            recorded: AtomicBool::new(false),
            spending: tokio::sync::Mutex::default(),
        }
    }

    /// Stops the run here if there is a reason to.
    pub(crate) async fn checkpoint(&self, name: &str) -> Result<(), Failure> {
        let sight = Sight {
            aborting: self.desk.aborting().is_cancelled(),
            leaving: self.leave.borrow().is_some(),
            ran: self.begun.ran_until(self.journal.now()),
            lasted: self.started.elapsed(),
            recorded: self.recorded.load(Ordering::Relaxed),
        };
        match look(sight, &self.begun.limits, name) {
            None => Ok(()),
            Some(act) => Err(self.stop(act).await),
        }
    }

    /// Ends the run; gives what its handler is told.
    pub(crate) async fn stop(&self, act: Act) -> Failure {
        match self.desk.say(act).await {
            Ok(()) | Err(Refused::Over) => Failure::stop(),
            Err(refused) => refused.into(),
        }
    }

    /// Ends the run, as an abort is asked for.
    pub(crate) async fn stop_at(&self, checkpoint: &str) -> Failure {
        self.stop(Act::StopAt { checkpoint: checkpoint.to_owned() }).await
    }

    /// Records a step's result.
    pub(crate) async fn complete_step(&self, step: &str, result: &impl Serialize) -> Result<(), Failure> {
        let result = self.store(result, "result").await?;
        self.desk.say(Act::CompleteStep { step: step.to_owned(), result }).await?;
        self.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Makes a payload of a value; `what` it is for is named where that fails.
    pub(crate) async fn store(&self, value: &impl Serialize, what: &str) -> Result<Payload, Failure> {
        let value = serde_json::to_value(value).map_err(|why| {
            Failure::permanent(
                format!("{what}_unusable"),
                format!("the {what} cannot be written as JSON: {why}"),
            )
        })?;
        let stored = patiently(self.task.task, || self.journal.store_payload(value.clone())).await;
        stored.map_err(|error| stored_failure(error, what))
    }

    /// Reads a payload; `what` it is is named where that fails.
    pub(crate) async fn load<T: DeserializeOwned>(
        &self,
        payload: &Payload,
        what: &str,
    ) -> Result<T, Failure> {
        let value = self.load_value(payload, what).await?;
        serde_path_to_error::deserialize(value).map_err(|error| {
            let message =
                format!("{what} has another form than this version of the handler expects: {error}");
            Failure::permanent("unreadable", message)
        })
    }

    /// The JSON of a payload.
    pub(crate) async fn load_value(&self, payload: &Payload, what: &str) -> Result<Value, Failure> {
        let loaded = patiently(self.task.task, || self.journal.load_payload(payload)).await;
        loaded.map_err(|error| match error {
            Error::Gone => Failure::permanent("erased", format!("{what} was erased")),
            error => Failure::permanent("unavailable", format!("{what} cannot be loaded: {}", chain(&error))),
        })
    }

    pub(crate) async fn policy(&self) -> Result<Policy, Failure> {
        let read = patiently(self.task.task, || self.journal.policy(&self.task.org)).await;
        read.map_err(|error| {
            let message = format!("the organisation's policy cannot be read: {}", chain(&error));
            Failure::retryable("unavailable", message)
        })
    }

    pub(crate) fn progress(&self, done: usize, total: usize) {
        // Figures that a double cannot hold exactly are close enough for a bar.
        #[expect(clippy::cast_precision_loss, reason = "a fraction for people")]
        let fraction = (total > 0).then(|| done.min(total) as f64 / total as f64);
        if fraction.is_some() {
            self.desk.mention(Act::Progress { fraction, message: None, waits: None });
        }
    }

    pub(crate) fn fraction(&self, fraction: f64) {
        if fraction.is_finite() {
            self.desk.mention(Act::Progress {
                fraction: Some(fraction.clamp(0.0, 1.0)),
                message: None,
                waits: None,
            });
        }
    }

    pub(crate) fn message(&self, message: impl Into<String>) {
        self.desk.mention(Act::Progress { fraction: None, message: Some(message.into()), waits: None });
    }

    pub(crate) fn waits(&self, waits: Option<Waits>) {
        self.desk.mention(Act::Progress { fraction: None, message: None, waits });
    }

    pub(crate) async fn text(&self, segment: u32, said: &str) -> Result<(), Failure> {
        let said = text::block(said);
        let mut rest = said.as_str();
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
            let offset = self.desk.append_text(segment, piece).await?;
            let delta = TextDelta { run: self.begun.run, segment, offset, text: piece.to_owned() };
            self.voice.say(&self.task, delta);
            rest = later;
        }
        Ok(())
    }

    pub(crate) async fn usage(&self, usage: Usage, model: Option<&str>) -> Result<(), Failure> {
        Ok(self.desk.say(Act::RecordUsage { usage, model: model.map(str::to_owned) }).await?)
    }

    pub(crate) async fn spend_query(&self) -> Result<bool, Failure> {
        let _spending = self.spending.lock().await;
        if self.budget().queries_left == Some(0) {
            return Ok(false);
        }
        self.usage(Usage { queries: 1, ..Usage::default() }, None).await?;
        Ok(true)
    }

    pub(crate) fn budget(&self) -> Budget {
        let (limits, usage) = (&self.begun.limits, self.desk.usage());
        Budget {
            queries: limits.queries,
            queries_left: limits.queries.map(|all| all.saturating_sub(usage.queries)),
            tokens: limits.tokens,
            tokens_left: limits.tokens.map(|all| all.saturating_sub(usage.tokens())),
        }
    }

    pub(crate) async fn artifact(
        &self,
        name: &str,
        media_type: &str,
        body: Bytes,
    ) -> Result<Artifact, Failure> {
        // Asked before the bytes travel.
        if !is_file_name(name) {
            let message =
                format!("{name:?} is no file name: give one path component of 1 to 200 printable characters");
            return Err(Failure::permanent("bad_artifact_name", message));
        }
        if !is_media_type(media_type) {
            let message = format!("{media_type:?} is no media type: write it like application/pdf");
            return Err(Failure::permanent("bad_media_type", message));
        }
        let size = body.len() as u64;
        let sha256 = patiently(self.task.task, || self.journal.put(body.clone()))
            .await
            .map_err(|error| stored_failure(error, "artifact"))?;
        let artifact = Artifact { name: name.to_owned(), media_type: media_type.to_owned(), size, sha256 };
        self.desk.say(Act::StoreArtifact(artifact.clone())).await?;
        Ok(artifact)
    }

    pub(crate) fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        CancellationToken::cancelled_owned(self.desk.aborting().clone())
    }
}

/// Whether a text can stand for a media type in any header.
fn is_media_type(text: &str) -> bool {
    let (main, sub) = text.split_once('/').unwrap_or_default();
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    !main.is_empty() && !sub.is_empty() && visible && text.len() <= 200
}

/// What a handler is told when something could not be stored.
fn stored_failure(error: Error, what: &str) -> Failure {
    match error {
        Error::TooLarge { size, limit, .. } => {
            let message = format!(
                "the {what} has {size} bytes; at most {limit} are allowed: store it elsewhere, or in parts as artifacts"
            );
            Failure::permanent(format!("{what}_too_large"), message)
        }
        error => Failure::retryable("not_stored", format!("the {what} was not stored: {}", chain(&error))),
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Over => Self::stop(),
            Refused::Rejected(rejection) => {
                // The rejection's own name on the wire.
                let code = serde_json::to_value(&rejection).ok();
                let code = code.and_then(|value| Some(value.get("code")?.as_str()?.to_owned()));
                Self::permanent(code.unwrap_or_else(|| "rejected".to_owned()), rejection.to_string())
            }
            Refused::TooLarge { size, limit } => Self::permanent(
                "too_large",
                format!("the record would have {size} bytes; at most {limit} are allowed"),
            ),
            Refused::Unusable(why) => Self::permanent("unusable", why),
        }
    }
}
