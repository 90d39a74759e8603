//! Reading one task: always from the log itself, so that what is read is never behind.

use std::time::Duration;

use longhaul_core::{Sequence, Snapshot, Status, TaskId};
use serde_json::Value;

use crate::{Client, Error};

/// What a wait is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The task has ended.
    Ended,
    /// The task has ended or waits for a person.
    EndedOrPaused,
    /// The task has started.
    Started,
    /// Something happened after this place.
    ChangedAfter(Sequence),
}

impl Until {
    fn holds(self, snapshot: &Snapshot) -> bool {
        match self {
            Self::Ended => snapshot.status.is_terminal(),
            Self::EndedOrPaused => snapshot.status.is_terminal() || snapshot.status == Status::Paused,
            Self::Started => snapshot.started_at.is_some() || snapshot.status.is_terminal(),
            Self::ChangedAfter(sequence) => snapshot.sequence > sequence,
        }
    }
}

impl Client {
    /// The task as it stands.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the log says.
    pub async fn get(&self, task: TaskId) -> Result<Snapshot, Error> {
        self.journal.load(&self.at(task)).await?.ok_or(Error::NotFound(task))
    }

    /// The task's output, fetched from the object store where it is large.
    ///
    /// # Errors
    /// As [`Client::get`]; [`Error::Invalid`] if there is none.
    pub async fn output(&self, task: TaskId) -> Result<Value, Error> {
        let snapshot = self.get(task).await?;
        match &snapshot.output {
            Some(output) => Ok(self.journal.load_payload(output).await?),
            None => Err(Error::invalid(
                format!("task {task} has no output"),
                format!("it is {}", snapshot.status),
            )),
        }
    }

    /// The task if it changed after `seen`, at once.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn poll(&self, task: TaskId, seen: Sequence) -> Result<Option<Snapshot>, Error> {
        Ok(Some(self.get(task).await?).filter(|snapshot| snapshot.sequence > seen))
    }

    /// Waits for the task's end; for ever without a timeout.
    ///
    /// # Errors
    /// As [`Client::get`]; [`Error::TimedOut`]: the task goes on.
    pub async fn wait(&self, task: TaskId, timeout: Option<Duration>) -> Result<Snapshot, Error> {
        self.wait_until(task, Until::Ended, timeout).await
    }

    /// Waits until `until` holds; for ever without a timeout.
    ///
    /// # Errors
    /// As [`Client::get`]; [`Error::TimedOut`]: the task goes on.
    pub async fn wait_until(
        &self,
        task: TaskId,
        until: Until,
        timeout: Option<Duration>,
    ) -> Result<Snapshot, Error> {
        let mut watch = self.watch(task).await?;
        let held = async {
            loop {
                if until.holds(watch.snapshot()) {
                    return Ok(watch.snapshot().clone());
                }
                watch.changed().await?;
            }
        };
        let Some(timeout) = timeout else { return held.await };
        match tokio::time::timeout(timeout, held).await {
            Ok(outcome) => outcome,
            Err(_) => match self.get(task).await? {
                snapshot if until.holds(&snapshot) => Ok(snapshot),
                snapshot => Err(Error::TimedOut { task, status: snapshot.status, waited: timeout }),
            },
        }
    }
}
