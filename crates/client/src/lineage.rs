//! New tasks out of old ones: run again, or branch off.

use longhaul_core::{ForkPoint, Lineage, Payload, Sequence, Snapshot, TaskId};

use crate::submit::recorded_steps;
use crate::{Client, Error, NewTask, Submitted};

/// What a rerun changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rerun {
    /// Another input.
    pub input: Option<serde_json::Value>,
    /// Another title.
    pub title: Option<String>,
}

/// Where a fork branches off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForkAt {
    /// After this step was recorded.
    Step(String),
    /// After this commit.
    Sequence(Sequence),
}

impl Client {
    /// Submits a new task with the same input; nothing of the old one's results is taken over.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] if the task was erased, or as [`Client::submit`].
    pub async fn rerun(&self, task: TaskId, changes: Rerun) -> Result<Submitted, Error> {
        let old = self.get(task).await?;
        let new = self.like(&old, changes).await?;
        let lineage = Lineage { rerun_of: Some(task), parent: old.lineage.parent, ..Lineage::default() };
        self.submit_as(new, lineage, Vec::new(), old.context.clone()).await
    }

    /// Submits a new task that begins with the steps the old one had recorded at a place in its
    /// history.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] if there is no such place or the task was erased, or as
    /// [`Client::submit`].
    pub async fn fork(&self, task: TaskId, at: ForkAt, changes: Rerun) -> Result<Submitted, Error> {
        let (then, sequence) = self.state_at(task, &at).await?;
        let new = self.like(&then, changes).await?;
        let lineage = Lineage {
            forked_from: Some(ForkPoint { task, sequence }),
            parent: then.lineage.parent,
            ..Lineage::default()
        };
        let steps = recorded_steps(&then);
        self.submit_as(new, lineage, steps, then.context.clone()).await
    }

    /// The task as it stood at a place in its history.
    async fn state_at(&self, task: TaskId, at: &ForkAt) -> Result<(Snapshot, Sequence), Error> {
        let mut state: Option<Snapshot> = None;
        for (sequence, commit) in self.journal.commits_after(&self.at(task), Sequence::ZERO).await? {
            if matches!(at, ForkAt::Sequence(last) if sequence > *last) {
                break;
            }
            state = longhaul_core::apply_commit(state, &commit, sequence);
            if matches!((at, &state), (ForkAt::Step(step), Some(state)) if state.recorded(step).is_some()) {
                break;
            }
        }
        let Some(state) = state else {
            return Err(match at {
                ForkAt::Step(_) => Error::NotFound(task),
                ForkAt::Sequence(place) => {
                    let last = self.get(task).await?.sequence;
                    let why = format!("its history begins later; its last commit is at {last}");
                    Error::invalid(format!("task {task} has no state at {place}"), why)
                }
            });
        };
        if let ForkAt::Step(step) = at
            && state.recorded(step).is_none()
        {
            let known: Vec<_> =
                state.steps.iter().filter(|s| s.result.is_some()).map(|s| s.name.as_str()).collect();
            let why =
                format!("it recorded: {}", if known.is_empty() { "none".into() } else { known.join(", ") });
            return Err(Error::invalid(format!("task {task} has recorded no step {step:?}"), why));
        }
        let sequence = state.sequence;
        Ok((state, sequence))
    }

    /// A new task that says what `old` said, but for the changes.
    async fn like(&self, old: &Snapshot, changes: Rerun) -> Result<NewTask, Error> {
        if old.input == Payload::Gone {
            return Err(Error::invalid(
                format!("task {} was erased", old.task),
                "nothing of its input is left",
            ));
        }
        let input = match changes.input {
            Some(input) => input,
            None => self.journal.load_payload(&old.input).await?,
        };
        let title = changes.title.as_deref().unwrap_or(old.title.as_str());
        let mut new = NewTask::new(old.kind.as_str(), title, &input)?
            .limits(old.limits.clone())
            .retry(old.retry)
            .priority(old.priority)
            .lane(old.lane);
        new.labels = old.labels.clone().into_iter().collect();
        if let Some(conversation) = &old.owner.conversation {
            new = new.conversation(conversation.as_str(), crate::OnBusy::Enqueue)?;
        }
        Ok(new)
    }
}
