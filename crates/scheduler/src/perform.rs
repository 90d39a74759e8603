//! Effects, performed.

use longhaul_core::{Actor, AdmissionCommit, Sequence};
use longhaul_journal::{ActError, CommitError, Journal, new_id};

use crate::react::{Effect, NotAdmitted, NotDone, Outcome};

/// Performs an effect. Nothing comes of a dispatch: whether it was of use shows on the log.
pub(crate) async fn perform(journal: Journal, actor: Actor, effect: Effect) -> Option<Outcome> {
    match effect {
        Effect::Admit { org, admissions, expect } => {
            let commit = AdmissionCommit { id: new_id(), org, at: journal.now(), actor, admissions };
            let result = admit(&journal, &commit, expect).await;
            Some(Outcome::Admitted { org: commit.org, admissions: commit.admissions, result })
        }
        Effect::Dispatch { dispatch, to } => {
            if let Err(error) = journal.dispatch(&dispatch, to).await {
                tracing::warn!(task = %dispatch.task, run = %dispatch.run, %error, "not dispatched; it is tried again later");
            }
            None
        }
        Effect::Act { task, command } => {
            let result = match journal.act(&task, &actor, &command).await {
                Ok(_) => Ok(()),
                Err(ActError::Rejected(why)) => Err(NotDone::Rejected(why)),
                Err(ActError::Journal(error)) => {
                    tracing::warn!(task = %task.task, %error, source = ?std::error::Error::source(&error), "not done; it is tried again");
                    Err(NotDone::Failed)
                }
            };
            Some(Outcome::Acted { task, result })
        }
        Effect::Load(task) => {
            let history = journal.history(&task).await.inspect_err(|error| {
                tracing::warn!(task = %task.task, %error, "its history cannot be read; it is tried again");
            });
            Some(Outcome::Loaded { task, history: history.ok() })
        }
    }
}

async fn admit(
    journal: &Journal,
    commit: &AdmissionCommit,
    expect: Sequence,
) -> Result<Sequence, NotAdmitted> {
    let org = &commit.org;
    journal.admit(commit, expect).await.map_err(|error| match error {
        CommitError::Conflict => {
            tracing::debug!(%org, "another scheduler was faster");
            NotAdmitted::Conflict
        }
        error => {
            tracing::warn!(%org, %error, source = ?std::error::Error::source(&error), "nothing was admitted; it is tried again");
            NotAdmitted::Failed
        }
    })
}
