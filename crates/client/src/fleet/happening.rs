//! One event in a line: for tails of a log.

use longhaul_core::text::line;
use longhaul_core::{Commit, Decision, EventBody, Sequence, TaskRef, Timestamp};

/// Longest text, in characters.
const TEXT: usize = 160;

/// One event in a line. Its text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The commit it came with.
    pub sequence: Sequence,
    /// When its writer wrote it.
    pub at: Timestamp,
    /// Of which task.
    pub task: TaskRef,
    /// The event's name: `step_completed`.
    pub name: &'static str,
    /// What it says besides; may be empty.
    pub text: String,
}

impl Happening {
    /// The events of a commit, oldest first.
    pub fn of<'a>(
        task: &'a TaskRef,
        sequence: Sequence,
        commit: &'a Commit,
    ) -> impl Iterator<Item = Self> + 'a {
        commit.events.iter().map(move |event| Self {
            sequence,
            at: commit.at,
            task: task.clone(),
            name: event.body.name(),
            text: line(&words(&event.body), TEXT),
        })
    }
}

fn words(body: &EventBody) -> String {
    match body {
        EventBody::Submitted(said) => format!("{}: {}", said.kind, said.title),
        EventBody::Started { run, version, .. } => format!("run {run}, version {version}"),
        EventBody::StepStarted { step, .. } => step.clone(),
        EventBody::StepCompleted { step, .. } => step.clone(),
        EventBody::Progressed { fraction, message, .. } => {
            let percent = fraction.map(|part| format!("{:.0}%", part * 100.0));
            [percent, message.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        EventBody::TextAppended { text, .. } => {
            let end = text.char_indices().nth(TEXT).map_or(text.len(), |(at, _)| at);
            text[..end].to_owned()
        }
        EventBody::UsageRecorded { usage, model, .. } => {
            let model = model.as_deref().map(|model| format!(" {model}")).unwrap_or_default();
            format!("{} tokens, {} queries{model}", usage.tokens(), usage.queries)
        }
        EventBody::ArtifactStored { artifact, .. } => {
            format!("{} {}, {} bytes", artifact.name, artifact.media_type, artifact.size)
        }
        EventBody::ApprovalRequested { action, .. } => action.clone(),
        EventBody::ApprovalDecided { decision, by, .. } => match decision {
            Decision::Approved => format!("approved by {by}"),
            Decision::Modified { .. } => format!("approved by {by} with other arguments"),
            Decision::Rejected { reason } => {
                format!(
                    "rejected by {by}{}",
                    reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default()
                )
            }
            Decision::Lapsed => "lapsed".to_owned(),
        },
        EventBody::AbortRequested { by, reason } => {
            format!("by {by}{}", reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default())
        }
        EventBody::Continued { run, .. } => format!("run {run} ended, the next one follows"),
        EventBody::Lost { run, lease, .. } => format!("run {run}: no heartbeat within {lease}"),
        EventBody::Completed { .. } => String::new(),
        EventBody::Failed { error, .. } => format!("{}: {}", error.code, error.message),
        EventBody::Aborted { checkpoint, .. } => {
            checkpoint.as_deref().map(|at| format!("stopped at {at}")).unwrap_or_default()
        }
        EventBody::Expired { .. } => String::new(),
        EventBody::Retried { attempt, .. } => format!("attempt {attempt}"),
        EventBody::Dismissed { by } | EventBody::Erased { by, .. } => format!("by {by}"),
    }
}
