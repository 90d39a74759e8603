//! Steering: abort, decide an approval, retry, dismiss, erase.

use longhaul_core::snapshot::Abort;
use longhaul_core::{ApprovalId, Command, Decision, Digest, Rejection, Snapshot, Status, TaskId};
use longhaul_journal::ActError;
use serde_json::Value;

use crate::{Client, Error, Until};

/// What became of an abort.
#[derive(Debug, Clone)]
pub struct AbortAnswer {
    /// In one word.
    pub outcome: AbortOutcome,
    /// When it was asked for, by whom, where the task stopped and what ran in between; nothing if the
    /// task had ended otherwise before.
    pub abort: Option<Abort>,
    /// The task as it stands.
    pub snapshot: Snapshot,
}

/// In one word, what became of an abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortOutcome {
    /// Nothing was under way: the task is aborted.
    AtOnce,
    /// The run under way stops at its next checkpoint.
    Asked,
    /// Somebody asked before; the run stops at its next checkpoint.
    AskedBefore,
    /// It stopped at a checkpoint.
    Stopped,
    /// The task had ended already.
    EndedAlready,
}

impl Client {
    /// Asks for a task to stop at its next checkpoint. Asking twice, or after the end, is answered,
    /// not refused.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the log says.
    pub async fn abort(&self, task: TaskId, reason: Option<&str>) -> Result<AbortAnswer, Error> {
        let by = self.identity.user.to_string();
        let command = Command::RequestAbort { by, reason: reason.map(str::to_owned) };
        match self.journal.act(&self.at(task), &self.actor(), &command).await {
            Ok(done) => {
                let outcome = match (done.committed, done.snapshot.status) {
                    (false, _) => AbortOutcome::AskedBefore,
                    (true, Status::Aborted) => AbortOutcome::AtOnce,
                    (true, _) => AbortOutcome::Asked,
                };
                Ok(AbortAnswer { outcome, abort: done.snapshot.abort.clone(), snapshot: done.snapshot })
            }
            Err(ActError::Rejected(Rejection::Ended { .. })) => {
                let snapshot = self.get(task).await?;
                let abort = snapshot.abort.clone();
                Ok(AbortAnswer { outcome: AbortOutcome::EndedAlready, abort, snapshot })
            }
            Err(ActError::Rejected(Rejection::NotFound)) => Err(Error::NotFound(task)),
            Err(other) => Err(other.into()),
        }
    }

    /// As [`Client::abort`], and waits until the task has stopped: what it answers tells the whole
    /// story.
    ///
    /// # Errors
    /// As [`Client::abort`]; [`Error::TimedOut`] if it does not stop in time: the request stands.
    pub async fn abort_and_wait(
        &self,
        task: TaskId,
        reason: Option<&str>,
        timeout: std::time::Duration,
    ) -> Result<AbortAnswer, Error> {
        let asked = self.abort(task, reason).await?;
        if asked.snapshot.status.is_terminal() {
            return Ok(asked);
        }
        let snapshot = self.wait_until(task, Until::Ended, Some(timeout)).await?;
        let outcome = match snapshot.status {
            Status::Aborted => AbortOutcome::Stopped,
            _ => AbortOutcome::EndedAlready,
        };
        Ok(AbortAnswer { outcome, abort: snapshot.abort.clone(), snapshot })
    }

    /// Answers the question a task waits with. `approval` and `digest` are those of the question that
    /// was looked at: an answer to anything else is refused.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] if it was decided before, lapsed, or asks about other
    /// arguments.
    pub async fn decide(
        &self,
        task: TaskId,
        approval: ApprovalId,
        digest: Digest,
        decision: Decision,
    ) -> Result<Snapshot, Error> {
        let by = self.identity.user.to_string();
        self.give(task, &Command::DecideApproval { approval, digest, decision, by }).await
    }

    /// Approves the open question, whatever it is.
    ///
    /// # Errors
    /// As [`Client::decide`].
    pub async fn approve(&self, task: TaskId) -> Result<Snapshot, Error> {
        self.decide_open(task, Decision::Approved).await
    }

    /// Approves the open question with other arguments.
    ///
    /// # Errors
    /// As [`Client::decide`].
    pub async fn modify(&self, task: TaskId, arguments: Value) -> Result<Snapshot, Error> {
        self.decide_open(task, Decision::Modified { arguments }).await
    }

    /// Rejects the open question.
    ///
    /// # Errors
    /// As [`Client::decide`].
    pub async fn reject(&self, task: TaskId, reason: Option<&str>) -> Result<Snapshot, Error> {
        self.decide_open(task, Decision::Rejected { reason: reason.map(str::to_owned) }).await
    }

    async fn decide_open(&self, task: TaskId, decision: Decision) -> Result<Snapshot, Error> {
        let snapshot = self.get(task).await?;
        let Some(open) = snapshot.open_approval() else {
            return Err(Rejection::NoApproval { status: snapshot.status }.into());
        };
        self.decide(task, open.id, open.digest, decision).await
    }

    /// Tries a failed, aborted or expired task again, from its last recorded step.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] if there is nothing to retry.
    pub async fn retry(&self, task: TaskId) -> Result<Snapshot, Error> {
        self.give(task, &Command::Retry { by: self.identity.user.to_string() }).await
    }

    /// Hides an ended task from its owner's panel.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] if it has not ended.
    pub async fn dismiss(&self, task: TaskId) -> Result<Snapshot, Error> {
        self.give(task, &Command::Dismiss { by: self.identity.user.to_string() }).await
    }

    /// Makes an ended task's payload go: input, results, text, files. Its skeleton stays.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] if it has not ended.
    pub async fn erase(&self, task: TaskId) -> Result<Snapshot, Error> {
        let snapshot = self.give(task, &Command::Erase { by: self.identity.user.to_string() }).await?;
        // Repeatable: a crash in between is made good by erasing again.
        self.journal.forget(&self.at(task), snapshot.sequence).await?;
        Ok(snapshot)
    }

    async fn give(&self, task: TaskId, command: &Command) -> Result<Snapshot, Error> {
        match self.journal.act(&self.at(task), &self.actor(), command).await {
            Ok(done) => Ok(done.snapshot),
            Err(ActError::Rejected(Rejection::NotFound)) => Err(Error::NotFound(task)),
            Err(other) => Err(other.into()),
        }
    }
}
