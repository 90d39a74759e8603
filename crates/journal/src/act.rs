//! One command from load to acknowledgement.

use longhaul_core::{Actor, Command, Context, Snapshot, TaskRef, apply_commit, decide};

use crate::append::stamp;
use crate::error::{ActError, CommitError, Error};
use crate::journal::Journal;
use crate::tries::Tries;

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The state it was decided on; nothing before a submission.
    pub before: Option<Snapshot>,
    /// The state after it.
    pub snapshot: Snapshot,
    /// Whether something was written; if not, what was asked for held already.
    pub committed: bool,
}

impl Journal {
    /// Loads the task, decides, commits; on a conflict all over again.
    ///
    /// # Errors
    /// [`ActError::Rejected`] if the rules do not allow it, [`Error::Contended`] if others were faster
    /// until the time was over, else what went wrong with the journal.
    pub async fn act(&self, task: &TaskRef, actor: &Actor, command: &Command) -> Result<Outcome, ActError> {
        let before = self.load(task).await?;
        self.act_on(before, task, actor, command).await
    }

    /// As [`Journal::act`], from a state that is known already; nothing for a task that should not
    /// exist. Should the log know more, it refuses, and the task is loaded after all: an old state
    /// costs time, never truth. But a rejection is only as fresh as the state it was decided on.
    ///
    /// # Errors
    /// As [`Journal::act`].
    pub async fn act_on(
        &self,
        mut before: Option<Snapshot>,
        task: &TaskRef,
        actor: &Actor,
        command: &Command,
    ) -> Result<Outcome, ActError> {
        let mut tries = Tries::new(self.deadline);
        let mut time_over = false;
        loop {
            let now = self.now();
            let events = decide(before.as_ref(), command, Context { now })?;
            if events.is_empty()
                && let Some(snapshot) = before.clone()
            {
                return Ok(Outcome { before, snapshot, committed: false });
            }
            if time_over {
                return Err(Error::Contended.into());
            }
            let commit = stamp(task.task, actor, events, now);
            let expect = before.as_ref().map(|known| known.sequence).unwrap_or_default();
            let ignored = before.as_ref().map_or(0, |known| known.ignored);
            let after = apply_commit(before.clone(), &commit, expect);
            // What the fold would refuse is not written: nobody would see it.
            let after = after.filter(|after| after.ignored == ignored);
            let mut snapshot = after.ok_or(Error::Role { role: actor.role })?;
            match self.commit(&task.org, &commit, expect).await {
                Ok(sequence) => {
                    snapshot.sequence = sequence;
                    return Ok(Outcome { before, snapshot, committed: true });
                }
                Err(CommitError::Conflict) => {
                    // The commit itself may have taken all the time. What was faster may be the very
                    // thing that was asked for, or may rule it out: that is an answer.
                    time_over = tries.wait().await.is_err();
                    before = match before {
                        Some(known) => Some(self.refresh(known).await?),
                        None => self.load(task).await?,
                    };
                }
                Err(other) => return Err(other.into()),
            }
        }
    }
}
