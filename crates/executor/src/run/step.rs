//! The step a handler is in.

use std::sync::Arc;

use bytes::Bytes;
use longhaul_core::{Artifact, Usage, Waits};
use longhaul_journal::Cells;

use super::context::{Budget, Context};
use crate::failure::Failure;

/// The step under way. What is said through it belongs to the step: its text is the step's text.
pub struct Step {
    context: Arc<Context>,
    name: String,
    index: u32,
}

impl Step {
    pub(crate) fn new(context: Arc<Context>, name: String, index: u32) -> Self {
        Self { context, name, index }
    }

    /// Its name, unique within the task.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its place among the task's steps, counted from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// A key that stays the same however often the step is begun: `<task>/<step>`. Pass it on to
    /// services that do a thing once per key: what a step does may happen again after a crash.
    pub fn key(&self) -> String {
        format!("{}/{}", self.context.task.task, self.name)
    }

    /// A checkpoint inside the step. Where the run stops here, a later one begins the step again.
    ///
    /// # Errors
    /// A stop ([`Failure::is_stop`]) if the run ends here: pass it on with `?`.
    pub async fn checkpoint(&self) -> Result<(), Failure> {
        self.context.checkpoint(&self.name).await
    }

    /// As [`Run::progress`](super::Run::progress).
    pub fn progress(&self, done: usize, total: usize) {
        self.context.progress(done, total);
    }

    /// As [`Run::message`](super::Run::message).
    pub fn message(&self, message: impl Into<String>) {
        self.context.message(message);
    }

    /// Says what the run waits for, and keeps its slot for; nothing once it goes on. Any other word on how
    /// far it is says that it waits no more.
    pub fn waits(&self, what: Option<Waits>) {
        self.context.waits(what);
    }

    /// As [`Run::text`](super::Run::text), in the step's own segment.
    ///
    /// # Errors
    /// A stop if the run has ended.
    pub async fn text(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.context.text(self.index.saturating_mul(2).saturating_add(1), text.as_ref()).await
    }

    /// As [`Run::usage`](super::Run::usage).
    ///
    /// # Errors
    /// A stop if the run has ended.
    pub async fn usage(&self, usage: Usage, model: Option<&str>) -> Result<(), Failure> {
        self.context.usage(usage, model).await
    }

    /// As [`Run::spend_query`](super::Run::spend_query).
    ///
    /// # Errors
    /// A stop if the run has ended.
    pub async fn spend_query(&self) -> Result<bool, Failure> {
        self.context.spend_query().await
    }

    /// As [`Run::budget`](super::Run::budget).
    pub fn budget(&self) -> Budget {
        self.context.budget()
    }

    /// As [`Run::cells`](super::Run::cells).
    pub fn cells(&self) -> Cells {
        self.context.journal.cells(&self.context.task.org)
    }

    /// As [`Run::artifact`](super::Run::artifact).
    ///
    /// # Errors
    /// As [`Run::artifact`](super::Run::artifact).
    pub async fn artifact(
        &self,
        name: impl AsRef<str>,
        media_type: impl AsRef<str>,
        body: impl Into<Bytes>,
    ) -> Result<Artifact, Failure> {
        self.context.artifact(name.as_ref(), media_type.as_ref(), body.into()).await
    }

    /// As [`Run::abort_requested`](super::Run::abort_requested).
    pub fn abort_requested(&self) -> bool {
        self.context.desk.aborting().is_cancelled()
    }

    /// As [`Run::cancelled`](super::Run::cancelled).
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.context.cancelled()
    }
}
