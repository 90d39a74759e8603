//! The run a handler is in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longhaul_core::{
    Act, Artifact, Kind, LabelKey, Limits, Lineage, OrgId, Owner, Policy, Rejection, RunNumber, Snapshot,
    TaskId, Title, Usage,
};
use longhaul_journal::Cells;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::approval::{APPROVAL_TIME, Asked, Decided, Question, ask};
use super::context::{Budget, Context};
use super::names::Names;
use super::step::Step;
use crate::failure::Failure;
use crate::write::Refused;

/// Where a run is before its first step.
const START: &str = "start";

/// The run a handler is in: what it may ask, and what it may say.
///
/// A handler is ordinary async code. It is called again, from its beginning, whenever a later run
/// goes on with the task: after a crash, a slice, an approval, a retry. Steps that an earlier run
/// recorded give their results at once; everything else happens again. So whatever has an effect
/// belongs into a step.
pub struct Run {
    pub(crate) context: Arc<Context>,
    names: Names,
    /// Steps begun or recorded, with their places.
    places: HashMap<String, u32>,
    /// The last step that lies behind, or `start`.
    at: String,
    segment: u32,
    of: Option<u32>,
    asked: Asked,
}

impl Run {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let places = context.begun.steps.iter().map(|step| (step.name.clone(), step.index)).collect();
        Self {
            context,
            names: Names::default(),
            places,
            at: START.to_owned(),
            segment: 0,
            of: None,
            asked: Asked::new(),
        }
    }

    /// Does a step, or gives the result that an earlier run recorded for it.
    ///
    /// Steps are known by their names; the n-th of the same name is called `name (n)`. A checkpoint
    /// lies before the step begins and after its result is recorded. When this returns the result is
    /// in the log, and the step is never done again; a step that was begun and not recorded is.
    ///
    /// # Errors
    /// What `work` fails with; a stop if the run ends here: pass it on with `?`; `result_too_large`
    /// beyond 64 MiB; `unreadable` if the recorded result has not the form `T`.
    pub async fn step<T, E, F>(&mut self, name: impl Into<String>, work: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Failure>,
        F: AsyncFnOnce(Step) -> Result<T, E>,
    {
        let name = self.name_step(&name.into());
        let context = Arc::clone(&self.context);
        if let Some(result) = context.begun.recorded(&name) {
            let result = context.load(result, &format!("the recorded result of step {name:?}")).await?;
            self.passed(name);
            return Ok(result);
        }
        context.checkpoint(&self.at).await?;
        let index = match self.start_step(&name).await {
            // The writer has seen an abort that this side had not.
            Err(Refused::Rejected(Rejection::Aborting)) => return Err(context.stop_at(&self.at).await),
            started => started?,
        };
        let step = Step::new(Arc::clone(&context), name.clone(), index);
        let result = work(step).await.map_err(Into::into)?;
        self.record_step(&name, &result).await?;
        context.checkpoint(&self.at).await?;
        Ok(result)
    }

    /// The last step that lies behind, or `start`.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// The name of the next step that is asked for by this one.
    pub(crate) fn name_step(&mut self, wanted: &str) -> String {
        self.names.next(wanted)
    }

    /// Begins a step that is not recorded yet; gives its place.
    pub(crate) async fn start_step(&mut self, name: &str) -> Result<u32, Refused> {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let index = self.places.get(name).copied().unwrap_or(next);
        // What was said was a guess: there are as many as there are.
        let of = self.of.map(|of| of.max(index.saturating_add(1)));
        self.context.desk.say(Act::StartStep { step: name.to_owned(), of }).await?;
        self.places.insert(name.to_owned(), index);
        self.segment = index.saturating_mul(2).saturating_add(1);
        Ok(index)
    }

    /// Records the result of the step under way.
    pub(crate) async fn record_step(&mut self, name: &str, result: &impl Serialize) -> Result<(), Failure> {
        self.context.complete_step(name, result).await?;
        self.passed(name.to_owned());
        Ok(())
    }

    /// A step lies behind: what follows comes after it.
    pub(crate) fn passed(&mut self, name: String) {
        let index = self.places.get(&name).copied().unwrap_or_default();
        self.segment = index.saturating_mul(2).saturating_add(2);
        self.at = name;
    }

    /// Says how many steps the task will have; shown beside the current one.
    pub fn steps_of(&mut self, steps: usize) {
        self.of = u32::try_from(steps).ok();
    }

    /// A checkpoint: the run ends here if an abort was asked for, its time is over, or its executor
    /// shuts down. A slice ends it only after it has recorded a step, as without that the next run
    /// would only do the same again.
    ///
    /// # Errors
    /// A stop if the run ends here: pass it on with `?`.
    pub async fn checkpoint(&mut self) -> Result<(), Failure> {
        self.context.checkpoint(&self.at).await
    }

    /// Says how far the whole task is: `done` of `total`. Cheap: only the latest word reaches the
    /// log, a few times a second.
    pub fn progress(&self, done: usize, total: usize) {
        self.context.progress(done, total);
    }

    /// Says what it is doing; as cheap as [`Run::progress`].
    pub fn message(&self, message: impl Into<String>) {
        self.context.message(message);
    }

    /// Streams a piece of text. Whoever watches sees it at once; it is in the log a moment later,
    /// many pieces together. Waits while more text is under way than the log takes. Control and
    /// bidirectional characters are left out.
    ///
    /// A later run that comes by the same place says its text anew, and replaces what was said there.
    ///
    /// # Errors
    /// A stop if the run has ended.
    pub async fn text(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.context.text(self.segment, text.as_ref()).await
    }

    /// Records what a call cost; in the log when this returns. It counts whatever becomes of the task.
    ///
    /// # Errors
    /// A stop if the run has ended.
    pub async fn usage(&self, usage: Usage, model: Option<&str>) -> Result<(), Failure> {
        self.context.usage(usage, model).await
    }

    /// What the task may still use.
    pub fn budget(&self) -> Budget {
        self.context.budget()
    }

    /// Takes one query from the budget and records it, before it is run. `false` if none is left:
    /// nothing is recorded then.
    ///
    /// # Errors
    /// A stop if the run has ended.
    pub async fn spend_query(&self) -> Result<bool, Failure> {
        self.context.spend_query().await
    }

    /// Keeps a file: in the object store, named in the log. A later one of the same name replaces it.
    ///
    /// # Errors
    /// `bad_artifact_name` unless the name is one path component; `bad_media_type`;
    /// `artifact_too_large` beyond 512 MiB; `not_stored` (retryable) if the store refuses; a stop if
    /// the run has ended.
    pub async fn artifact(
        &self,
        name: impl AsRef<str>,
        media_type: impl AsRef<str>,
        body: impl Into<Bytes>,
    ) -> Result<Artifact, Failure> {
        self.context.artifact(name.as_ref(), media_type.as_ref(), body.into()).await
    }

    /// Asks a person whether to do `action` with exactly these arguments, and waits at most
    /// [`APPROVAL_TIME`] for the answer.
    ///
    /// The first time the question is recorded and the run ends here: the task is paused, its slot
    /// free. A later run that asks the same again gets the answer. Questions are the same if action
    /// and arguments are; the n-th time one is asked it gets the n-th answer.
    ///
    /// # Errors
    /// A stop where the run ends: pass it on with `?`; `bad_arguments` if the arguments are not usable.
    /// What a person made of them and is not usable is asked about once more.
    pub async fn approval<A: Serialize + DeserializeOwned>(
        &mut self,
        action: impl AsRef<str>,
        arguments: A,
    ) -> Result<Decided<A>, Failure> {
        self.approval_within(action, arguments, APPROVAL_TIME).await
    }

    /// As [`Run::approval`], with another time to answer.
    ///
    /// # Errors
    /// As [`Run::approval`].
    pub async fn approval_within<A: Serialize + DeserializeOwned>(
        &mut self,
        action: impl AsRef<str>,
        arguments: A,
        time: Duration,
    ) -> Result<Decided<A>, Failure> {
        self.ask(Question::new(action.as_ref(), arguments).within(time)).await
    }

    /// As [`Run::approval`], with all that can be said about a question.
    ///
    /// # Errors
    /// As [`Run::approval`].
    pub async fn ask<A: Serialize + DeserializeOwned>(
        &mut self,
        question: Question<A>,
    ) -> Result<Decided<A>, Failure> {
        ask(&self.context, &mut self.asked, &self.at, question).await
    }

    /// What the task's organisation may do, as it stands now. It may change while the task runs:
    /// what depends on it belongs into a step.
    ///
    /// # Errors
    /// `unavailable` (retryable) if the log cannot be read.
    pub async fn policy(&self) -> Result<Policy, Failure> {
        self.context.policy().await
    }

    /// Whether an abort is asked for. The run stops at its next checkpoint.
    pub fn abort_requested(&self) -> bool {
        self.context.desk.aborting().is_cancelled()
    }

    /// Resolves as soon as an abort is asked for, to cut a slow call short; then go to a checkpoint.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.context.cancelled()
    }

    /// The output of the task that this one continues, if it continues one.
    ///
    /// # Errors
    /// `unreadable` if it has not the form `T`; `unavailable` if it cannot be loaded.
    pub async fn continued_output<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match &self.context.begun.context {
            None => Ok(None),
            Some(output) => self.context.load(output, "the output of the task it continues").await.map(Some),
        }
    }

    /// The cells of the task's organisation: small values that its processes share beside the log.
    pub fn cells(&self) -> Cells {
        self.context.journal.cells(&self.context.task.org)
    }

    /// The task as it stood when this run began: its steps, what it had cost, why it runs.
    pub fn begun(&self) -> &Snapshot {
        &self.context.begun
    }

    /// The task.
    pub fn task(&self) -> TaskId {
        self.context.task.task
    }

    /// The task's organisation.
    pub fn org(&self) -> &OrgId {
        &self.context.task.org
    }

    /// Whose the task is.
    pub fn owner(&self) -> &Owner {
        &self.context.begun.owner
    }

    /// Its kind.
    pub fn kind(&self) -> &Kind {
        &self.context.begun.kind
    }

    /// What it is for.
    pub fn title(&self) -> &Title {
        &self.context.begun.title
    }

    /// Its submitter's marks.
    pub fn labels(&self) -> &BTreeMap<LabelKey, String> {
        &self.context.begun.labels
    }

    /// Where it comes from: what it reruns, forks off, continues.
    pub fn lineage(&self) -> &Lineage {
        &self.context.begun.lineage
    }

    /// How long it may take and how much it may use.
    pub fn limits(&self) -> &Limits {
        &self.context.begun.limits
    }

    /// The number of this run.
    pub fn run_number(&self) -> RunNumber {
        self.context.begun.run
    }

    /// The number of this attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.context.begun.attempt
    }

    /// The result that a step has recorded, if it has; for a handler that chooses its way by what is
    /// done already.
    ///
    /// # Errors
    /// As [`Run::step`].
    pub async fn recorded<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, Failure> {
        match self.context.begun.recorded(step) {
            None => Ok(None),
            Some(result) => {
                self.context.load(result, &format!("the recorded result of step {step:?}")).await.map(Some)
            }
        }
    }
}
